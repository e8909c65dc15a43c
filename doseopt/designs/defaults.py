"""Defaults that designs share, and what a design wrapped around another leaves as it is."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from doseopt.core.design import Design, Row
from doseopt.core.facts import Facts
from doseopt.core.parameters import Fault, check
from doseopt.core.posterior import Posterior
from doseopt.core.state import BoolArray, Decision, FloatArray, IntArray, TrialState
from doseopt.core.tunable import Tunable
from doseopt.display.card import Card
from doseopt.models.beta import BetaBinomial


class Defaults(Card):
    """What most designs share: nothing to remember, DLT or none, every dose admissible.

    A design inherits these and supplies ``doses``, ``target``, ``first``, ``decide``, ``select`` and ``describe``.
    """

    doses: int
    target: float
    start: int = 1

    def __post_init__(self) -> None:
        """Check the declared parameters, alone and together."""
        check(self, self._faults)

    def _faults(self) -> list[Fault]:
        """Return what is wrong between parameters, which no single declaration can state."""
        if isinstance(self.start, int) and isinstance(self.doses, int) and self.start > self.doses:
            return [Fault("start", f"wanted a level of 1 to {self.doses}, got {self.start}")]
        return []

    @property
    def facts(self) -> Facts:
        """What is fixed before the trial begins; a design states what differs."""
        return Facts(self.doses, self.target)

    def remember(self, before: TrialState, given: Decision, outcome: IntArray) -> IntArray:
        """Return the memory after a cohort, [S, M]."""
        return np.zeros((len(before), 0), np.int64)

    def with_dose(self, position: int, value: float) -> Self:
        """Return the design with one dose more, of that value, standing at that index."""
        changed: Self = dataclasses.replace(self, doses=self.doses + 1)  # type: ignore[type-var]
        return changed

    def tunable(self) -> tuple[Tunable, ...]:
        """Return the parameters that a calibration may tune: none."""
        return ()

    def tuned(self, values: Mapping[str, Any]) -> Self:
        """Return the design with other values of some of them."""
        changed: Self = dataclasses.replace(self, **values)  # type: ignore[type-var]
        return changed

    def admissible(self, state: TrialState) -> BoolArray:
        """Return which doses may be given or selected, [S, D]."""
        return np.ones(state.n.shape, bool)

    def posterior(self, state: TrialState) -> Posterior:
        """Return the posterior of the DLT rates that the design's own rules would use; Beta(1, 1) if it has none."""
        return BetaBinomial(self.doses).posterior(state.n, state.y)

    def estimated(self, state: TrialState) -> FloatArray:
        """Return the observed DLT fraction, nan at untried doses, [S, D]."""
        return np.where(state.n > 0, state.y / np.maximum(state.n, 1), np.nan)


class Around(Card):
    """The verbs of the design inside, for wrappers that leave them as they are.

    Attributes
    ----------
    base : Design
    """

    base: Design

    @property
    def facts(self) -> Facts:
        """What is fixed about the design inside."""
        return self.base.facts

    def first(self) -> Decision:
        """Return the first cohort of the design inside."""
        return self.base.first()

    def remember(self, before: TrialState, given: Decision, outcome: IntArray) -> IntArray:
        """Return what the design inside remembers."""
        return self.base.remember(before, given, outcome)

    def admissible(self, state: TrialState) -> BoolArray:
        """Return the doses that the design inside calls admissible."""
        return self.base.admissible(state)

    def describe(self) -> list[Row]:
        """Return the rows of the design inside."""
        return self.base.describe()
