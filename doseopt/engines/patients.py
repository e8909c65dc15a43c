"""Patients who are not treated yet: how much each tolerates, the same in every design and scenario."""

from __future__ import annotations

import numpy as np

from doseopt.core.state import FloatArray, IntArray

COHORTS = 1 << 31
"""Key of the streams of cohorts, which no patient has."""


class Patients:
    """The latent tolerances of the patients of all trials, drawn when first needed.

    Parameters
    ----------
    trials : int
    seed : SeedSequence
        Patient i of the trials gets its i-th child.
    first : int
        Trials of the run that come before these.
    """

    def __init__(self, trials: int, seed: np.random.SeedSequence, first: int = 0) -> None:
        self.trials = trials
        self._seed = seed
        self._first = first
        self._columns: list[FloatArray] = []
        self._cohorts: Patients | None = None

    def coming(self, trial: IntArray, cohort: IntArray) -> FloatArray:
        """Return what decides how many patients come for a trial's i-th cohort, uniform on [0, 1), elementwise."""
        if self._cohorts is None:
            apart = np.random.SeedSequence(self._seed.entropy, spawn_key=(*self._seed.spawn_key, COHORTS))
            self._cohorts = Patients(self.trials, apart, self._first)
        return self._cohorts.tolerance(trial, cohort)

    def tolerance(self, trial: IntArray, patient: IntArray) -> FloatArray:
        """Return the tolerance of a trial's i-th patient, elementwise."""
        self._draw(int(patient.max(initial=-1)) + 1)
        result = np.empty(len(trial))
        for i in np.unique(patient).tolist():
            rows = patient == i
            result[rows] = self._columns[i][trial[rows]]
        return result

    def columns(self, first: int, end: int) -> FloatArray:
        """Return the tolerances of all patients from one number on, [P, T]."""
        self._draw(end)
        block = self._columns[first].base
        if isinstance(block, np.ndarray) and len(block) == end - first:
            return np.asarray(block)
        return np.stack(self._columns[first:end])

    def _draw(self, many: int) -> None:
        """Draw what is missing of so many patients."""
        missing = many - len(self._columns)
        if missing > 0:
            block = np.empty((missing, self.trials))
            for row, child in zip(block, self._seed.spawn(missing), strict=True):
                stream = np.random.PCG64(child).advance(self._first)  # one number a trial
                np.random.Generator(stream).random(out=row)
            self._columns += [*block]
