"""A demand that must be met before a trial may end of its own accord."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from doseopt.core.design import Phase, Row
from doseopt.core.parameters import param
from doseopt.core.state import CONTINUE, Decision, TrialState
from doseopt.designs.modifiers.rule import Rule


@dataclass(frozen=True)
class DemandAtDose(Rule):
    """At least `n` patients at the recommended dose before the trial may end as complete, or with enough patients.

    It holds up the endings "complete", "enough_at_dose" and "narrow_interval"; never "too_toxic" or "max_patients".

    Parameters
    ----------
    n : int

    Examples
    --------
    >>> from doseopt import DemandAtDose
    >>> DemandAtDose(n=6).describe()[0].reading
    'at least 6 patients at the recommended dose'
    """

    n: int = param(kind=int, low=1, high=1000, doc="patients at the recommended dose before the trial may end")

    phase: ClassVar[Phase] = Phase.DEMAND

    @classmethod
    def example(cls) -> Self:
        """Return the rule as the conformance checks try it."""
        return cls(n=6)

    def __call__(self, state: TrialState, decision: Decision) -> Decision:
        """Go on where patients are missing; a design that had no further cohort in mind treats just these."""
        missing = self.n - state.n[state.at, decision.dose]
        size = np.where(decision.size > 0, decision.size, missing)
        short = (missing > 0) & (decision.stop != CONTINUE)
        return Decision(decision.dose, np.where(short, size, decision.size), np.where(short, CONTINUE, decision.stop))

    def describe(self) -> list[Row]:
        """Return the rule in words."""
        return [Row("before the trial may end", f"at least {self.n} patients at the recommended dose")]
