"""Enrolment of simulated trials, arrival by arrival: who is enrolled, waits in a queue or is turned away."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from doseopt.clock.arrivals import EPS, Arrivals, TooFewDates
from doseopt.clock.duration import Stagger
from doseopt.clock.staying import Stays
from doseopt.core.state import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Lost:
    """Patients of Q cohorts who are lost, where that is known.

    Parameters
    ----------
    out : int array [Q]
        Who is left out, and keeps a place.
    held : int array [Q]
        Places that are held in the end, those left out included; fewer than there are where a cap was met.
    gone : int array [Q], optional
        Who leaves and gives the place to the next, or to nobody where a cap was met; left to chance when left out.
    """

    out: IntArray
    held: IntArray
    gone: IntArray | None = None


class _Left:
    """Patients of cohorts who are still to be enrolled: which of them is the next is left to chance."""

    def __init__(self, size: IntArray, dlts: IntArray, lost: Lost | None) -> None:
        lost = Lost(np.zeros_like(size), size) if lost is None else lost
        self.out, self.held, self.dlts = lost.out.copy(), lost.held.copy(), dlts.copy()
        self.gone = None if lost.gone is None else lost.gone.copy()
        self.full = lost.held == size

    def chance(self, rows: IntArray, removed: FloatArray) -> FloatArray:
        """Return the probability that the next patient leaves the place; the last of a full cohort does not."""
        if self.gone is None:
            return removed
        return np.asarray(self.gone[rows] / np.maximum(self.gone + self.held - self.full, 1)[rows])

    def draw(self, stay: IntArray, rng: np.random.Generator) -> tuple[BoolArray, BoolArray]:
        """Draw of patients who keep their places which have a DLT, and which are left out."""
        out = np.zeros(len(stay), bool)
        if self.out.any():
            out = rng.random(len(stay)) * self.held[stay] < self.out[stay]
        return (rng.random(len(stay)) * (self.held - self.out)[stay] < self.dlts[stay]) & ~out, out

    def note(self, gone: IntArray, stay: IntArray, hit: BoolArray, out: BoolArray) -> None:
        """Note who has been enrolled."""
        self.held[stay], self.dlts[stay], self.out[stay] = (
            self.held[stay] - 1,
            self.dlts[stay] - hit,
            self.out[stay] - out,
        )
        if self.gone is not None:
            self.gone[gone] -= 1

    @property
    def over(self) -> BoolArray:
        """Whether nobody else is enrolled."""
        return np.asarray(self.held + (0 if self.gone is None else self.gone) == 0)


class Enrolment:
    """The days of T trials.

    Parameters
    ----------
    arrivals : Arrivals
    stays : Stays
        How long patients stay in the window.
    window : float
        Days.
    stagger : Stagger
    queue : int
        Who finds so many waiting is turned away.
    trials : int
    rng : Generator

    Attributes
    ----------
    last : float array [T]
        Day of the last patient's enrolment.
    closed : float array [T]
        Days on which no patient could be enrolled.
    enrolled, came : int array [T]
        Patients enrolled, and those who came until the last of them was.
    """

    def __init__(
        self,
        arrivals: Arrivals,
        stays: Stays,
        window: float,
        stagger: Stagger,
        queue: int,
        trials: int,
        rng: np.random.Generator,
    ) -> None:
        self.arrivals, self.stays, self.window, self.stagger = arrivals, stays, window, stagger
        self.queue, self.rng = queue, rng
        self.last, self.closed = np.zeros((2, trials))
        self.enrolled, self.came, self._waiting = np.zeros((3, trials), np.int64)
        self._count, self._next = arrivals.after(np.zeros(trials, np.int64), np.zeros(trials), rng)

    def follow(
        self,
        trials: IntArray,
        ready: FloatArray,
        size: IntArray,
        dose: IntArray,
        new: BoolArray,
        dlts: IntArray,
        lost: Lost | None = None,
    ) -> FloatArray:
        """Enrol a cohort in each of some trials, and return the days on which it is decided on, [Q].

        Parameters
        ----------
        trials : int array [Q]
        ready : float array [Q]
            Days from which on patients may be enrolled.
        size, dose : int array [Q]
        new : bool array [Q]
            Whether nobody had the dose before.
        dlts : int array [Q]
            Of the patients who are not lost; which of them have one is left to chance.
        lost : Lost, optional
            Who is lost, where patients are left out or those enrolled are capped.
        """
        left = _Left(size, dlts, lost)
        places = np.where(np.arange(size.max()) < size[:, None], ready[:, None], np.inf)
        known, ready, first = np.full(places.shape, -np.inf), ready.copy(), True
        while len(rows := np.flatnonzero(np.isfinite(places).any(axis=1))):
            place = places[rows].argmin(axis=1)
            came = self._enrol(trials[rows], np.maximum(places[rows, place], ready[rows]))
            goes = self.rng.random(len(rows)) < left.chance(rows, self.stays.removed[dose[rows]])
            (gone, stay), (at, seat) = (rows[goes], rows[~goes]), (place[goes], place[~goes])
            after = self.stays.left(dose[gone], self.rng)
            places[rows, place] = np.inf
            places[gone, at] = came[goes] + self.window * after
            known[gone, at] = came[goes] + self.window * (after if self.stays.early else 1)
            hit, out = left.draw(stay, self.rng)
            share = self.stays.known(dose[stay], hit, self.rng)
            share[out] = self.stays.left_out(dose[stay[out]], self.rng)
            known[stay, seat] = came[~goes] + self.window * share
            left.note(gone, stay, hit, out)
            places[left.over] = np.inf
            wait = np.full(len(rows), self.stagger.between_patients_days)
            if first:
                wait = np.where(new[rows], np.maximum(wait, self.stagger.sentinel_days), wait)
            ready[rows], first = came + wait, False
        return np.asarray(known.max(axis=1))

    def _enrol(self, trials: IntArray, ready: FloatArray) -> FloatArray:
        """Enrol the next patient of each of some trials, and return the days."""
        early = np.flatnonzero(self._next[trials] < ready - EPS)
        while len(early):
            at = trials[early]
            self._waiting[at] = np.minimum(self._waiting[at] + 1, self.queue)
            self._arrive(at)
            early = early[self._next[at] < ready[early] - EPS]
        there = self._waiting[trials] > 0
        day = np.where(there, ready, self._next[trials])
        if np.isinf(day).any():
            raise TooFewDates
        self._waiting[trials[there]] -= 1
        self._arrive(trials[~there])
        self.closed[trials] += ready - self.last[trials]
        self.enrolled[trials] += 1
        self.last[trials] = day
        return day

    def _arrive(self, trials: IntArray) -> None:
        """Note who has come, and draw who comes next."""
        self.came[trials] += 1
        self._count[trials], self._next[trials] = self.arrivals.after(self._count[trials], self._next[trials], self.rng)
