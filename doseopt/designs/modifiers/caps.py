"""Caps on the patients of a trial."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from doseopt.core.design import Design, Phase, Row
from doseopt.core.facts import FULL
from doseopt.core.parameters import Fault, param
from doseopt.core.state import Decision, TrialState
from doseopt.designs.modifiers.rule import Rule


class _Cap(Rule):
    """What both caps share: the next cohort is truncated, and the trial stops when there is no room for one."""

    n: int
    phase: ClassVar[Phase] = Phase.CAP
    ends: ClassVar[bool] = True
    by_table: ClassVar[bool] = True

    @classmethod
    def example(cls) -> Self:
        """Return the rule as the conformance checks try it."""
        return cls(n=10)  # type: ignore[call-arg]

    @property
    def cap(self) -> int:
        """Most patients."""
        return self.n

    def clash(self, base: Design) -> Fault | None:
        """Refuse a cap that leaves no room for the first cohort; `base` has all other modifiers on."""
        first = int(base.facts.fewest(base.first().size[0]))
        return Fault("n", f"wanted at least the first cohort of {first}, got {self.n}") if self.n < first else None

    def __call__(self, state: TrialState, decision: Decision) -> Decision:
        """Truncate the next cohort, and stop when there is no room for one."""
        room = self.n - state.total
        return Decision(
            decision.dose, np.minimum(decision.size, np.maximum(room, 1)), np.where(room <= 0, 1, decision.stop)
        )


@dataclass(frozen=True)
class MaxPatients(_Cap):
    """Stop when `n` patients have been treated; the last cohort is truncated at the cap.

    Parameters
    ----------
    n : int
        Evaluable patients.

    Examples
    --------
    >>> from doseopt import BOIN, MaxPatients, Modified
    >>> Modified(BOIN(doses=4, target=0.25), (MaxPatients(n=18),)).facts.cap
    18
    """

    n: int = param(kind=int, low=1, high=1000, doc="evaluable patients at most")

    stops: ClassVar[tuple[str, ...]] = (FULL,)

    def describe(self) -> list[Row]:
        """Return the rule in words."""
        return [Row("enrolment", f"at most {self.n} evaluable patients; the last cohort is truncated")]


@dataclass(frozen=True)
class MaxEnrolled(_Cap):
    """Stop when `n` patients have been enrolled, whether or not they can be evaluated.

    Who leaves the DLT window and is replaced is replaced within the cohort until it is complete or the cap is met.
    Where no patient is lost it is `MaxPatients`; both may be laid over a design.

    Parameters
    ----------
    n : int
        Patients enrolled, those not evaluable included.

    Examples
    --------
    >>> from doseopt import BOIN, MaxEnrolled, Modified
    >>> Modified(BOIN(doses=4, target=0.25), (MaxEnrolled(n=18),)).facts.max_enrolled
    18
    """

    n: int = param(kind=int, low=1, high=1000, doc="patients enrolled at most, those not evaluable included")

    rank: ClassVar[int] = 1
    stops: ClassVar[tuple[str, ...]] = ("max_enrolled",)

    @property
    def max_enrolled(self) -> int:
        """Most patients enrolled."""
        return self.n

    def describe(self) -> list[Row]:
        """Return the rule in words."""
        reading = f"at most {self.n} patients, those not evaluable included; the last cohort is truncated"
        return [Row("patients enrolled", reading)]
