"""Cohorts whose patients are replaced when they leave the window: simulated, patient by patient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from doseopt.clock.duration import EPS, Stagger
from doseopt.clock.onset import Onset
from doseopt.core.state import BoolArray, FloatArray, IntArray

GRID = 1025
"""Points of the law of the time of leaving."""


def leaving(p: FloatArray, hazard: FloatArray, onset: Onset) -> FloatArray:
    """Return when in the window patients leave who do: the probability by each of GRID equal steps, [D, GRID].

    Parameters
    ----------
    p, hazard : float array [D]
        DLT rates, and the hazard a window of all other events together; their share of it does not change.
    onset : Onset
    """
    u = np.linspace(0, 1, GRID)
    density = np.exp(-hazard[:, None] * u) * (1 - onset.reached(u, p[:, None]))
    reached = np.concatenate([np.zeros((len(p), 1)), np.cumsum(density[:, 1:] + density[:, :-1], axis=1)], axis=1)
    return np.asarray(reached / reached[:, -1:])


@dataclass(frozen=True, eq=False)
class Calendars:
    """Arrivals drawn for many trials at once, and what happens to the patients who are enrolled.

    Parameters
    ----------
    removed : float array [D]
        Probability that a patient enrolled at a dose is replaced.
    leaves : float array [D, GRID]
        Of `leaving`.
    kind : str
        `poisson` or `fixed`.
    rate : float
        Arrivals in a day.
    window : float
        Days.
    stagger : Stagger
    rng : Generator
    """

    removed: FloatArray
    leaves: FloatArray
    kind: str
    rate: float
    window: float
    stagger: Stagger
    rng: np.random.Generator

    def next_arrival(self, day: FloatArray) -> FloatArray:
        """Return the first arrivals from some days on."""
        if self.kind == "poisson":
            return np.asarray(day + self.rng.exponential(1 / self.rate, len(day)))
        return np.asarray(np.maximum(np.ceil(day * self.rate - EPS), 1) / self.rate)

    def follow(self, opened: FloatArray, size: IntArray, dose: IntArray, new: BoolArray) -> FloatArray:
        """Return the days on which the windows of cohorts have ended, [T].

        Parameters
        ----------
        opened : float array [T]
            Days from which on patients may be enrolled.
        size, dose : int array [T]
        new : bool array [T]
            Whether nobody had the dose before.
        """
        places = np.where(np.arange(size.max()) < size[:, None], opened[:, None], np.inf)
        day, last, first = opened.copy(), opened.copy(), True
        while len(rows := np.flatnonzero(np.isfinite(places).any(axis=1))):
            place = places[rows].argmin(axis=1)
            came = self.next_arrival(np.maximum(places[rows, place], day[rows]))
            at = dose[rows]
            out = self.rng.random(len(rows)) < self.removed[at]
            places[rows, place] = np.inf
            places[rows[out], place[out]] = came[out] + self.window * self._left(at[out])
            wait = np.full(len(rows), self.stagger.between_patients_days)
            if first:
                wait = np.where(new[rows], np.maximum(wait, self.stagger.sentinel_days), wait)
            last[rows], day[rows], first = (
                came,
                came + np.maximum(wait, 2 * EPS / self.rate),
                False,
            )  # nobody comes twice
        return np.asarray(last + self.window)

    def _left(self, dose: IntArray) -> FloatArray:
        """Draw when in the window patients leave, as a share of it."""
        found, u, grid = np.empty(len(dose)), self.rng.random(len(dose)), np.linspace(0, 1, GRID)
        for j in np.unique(dose).tolist():
            found[dose == j] = np.interp(u[dose == j], self.leaves[j], grid)
        return found
