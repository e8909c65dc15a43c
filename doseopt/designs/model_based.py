"""The base of designs that give the dose whose estimated DLT rate is closest to the target."""

from __future__ import annotations

import numpy as np

from doseopt.core.definition import TRIED
from doseopt.core.state import BoolArray, Decision, FloatArray, IntArray, TrialState
from doseopt.designs.defaults import Defaults
from doseopt.designs.selection import closest


class ModelBased(Defaults):
    """A design that supplies `estimated`, and gives and selects the dose closest to the target, ties to the lower."""

    target: float
    cohort: int
    start: int
    select_untried: bool

    def first(self) -> Decision:
        """Return the first cohort."""
        return Decision(np.array([self.start - 1]), np.array([self.cohort]), np.array([0]))

    def decide(self, state: TrialState) -> Decision:
        """Return the dose closest to the target."""
        return self._closest(self.estimated(state))

    def _closest(self, estimate: FloatArray) -> Decision:
        dose = closest(estimate, self.target, np.ones(estimate.shape, bool))
        return Decision(dose, np.full(len(dose), self.cohort), np.zeros(len(dose), np.int64))

    def select(self, state: TrialState, stop: IntArray) -> IntArray:
        """Return the dose closest to the target."""
        allowed = np.ones(state.n.shape, bool) if self.select_untried else TRIED.met(state.n, state.y)
        return self.select_among(state, stop, allowed)

    def select_among(self, state: TrialState, stop: IntArray, allowed: BoolArray) -> IntArray:
        """Return the dose closest to the target among some."""
        return closest(self.estimated(state), self.target, allowed)
