"""Enrolment of simulated trials, arrival by arrival: who is enrolled, waits in a queue or is turned away."""

from __future__ import annotations

import numpy as np

from doseopt.clock.arrivals import EPS, Arrivals, TooFewDates
from doseopt.clock.duration import Stagger
from doseopt.clock.staying import Stays
from doseopt.core.state import BoolArray, FloatArray, IntArray


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
        self, trials: IntArray, ready: FloatArray, size: IntArray, dose: IntArray, new: BoolArray, dlts: IntArray
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
            Of the patients who are not replaced; which of them have one is left to chance.
        """
        places = np.where(np.arange(size.max()) < size[:, None], ready[:, None], np.inf)
        ready, known, left, dlts, first = ready.copy(), ready.copy(), size.copy(), dlts.copy(), True
        while len(rows := np.flatnonzero(np.isfinite(places).any(axis=1))):
            place = places[rows].argmin(axis=1)
            came = self._enrol(trials[rows], np.maximum(places[rows, place], ready[rows]))
            out = self.rng.random(len(rows)) < self.stays.removed[dose[rows]]
            gone, stay = rows[out], rows[~out]
            places[rows, place] = np.inf
            places[gone, place[out]] = came[out] + self.window * self.stays.left(dose[gone], self.rng)
            hit = self.rng.random(len(stay)) * left[stay] < dlts[stay]
            share = self.stays.known(dose[stay], hit, self.rng)
            known[stay] = np.maximum(known[stay], came[~out] + self.window * share)
            left[stay], dlts[stay] = left[stay] - 1, dlts[stay] - hit
            wait = np.full(len(rows), self.stagger.between_patients_days)
            if first:
                wait = np.where(new[rows], np.maximum(wait, self.stagger.sentinel_days), wait)
            ready[rows], first = came + wait, False
        return known

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
