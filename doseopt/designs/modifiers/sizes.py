"""Rules that set the size of the next cohort."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from doseopt.core.comers import Comers
from doseopt.core.design import Design, Phase, Row
from doseopt.core.parameters import Fault, are_numbers, check, param
from doseopt.core.state import Decision, IntArray, TrialState
from doseopt.designs.modifiers.rule import Rule

MOST = 100


def _sizes_fault(value: Any) -> str | None:
    right = isinstance(value, tuple) and bool(value)
    if right and all(isinstance(v, int) and not isinstance(v, bool) and 1 <= v <= MOST for v in value):
        return None
    shown = list(value) if isinstance(value, tuple) else value
    return f"wanted a list of cohort sizes, whole numbers in [1, {MOST}], got {shown!r}"


class SizeRule(Rule):
    """What the rules on cohort size share: they belong to designs that leave the size open."""

    phase: ClassVar[Phase] = Phase.SIZE

    def clash(self, base: Design) -> Fault | None:
        """Refuse a design that counts on its own cohort sizes."""
        if base.facts.sizes_own_cohorts:
            wanted = "wanted a design that leaves the cohort size open, got one whose rule sets it (3+3, titration)"
            return Fault("", wanted)
        return None


@dataclass(frozen=True)
class CohortsByDose(SizeRule):
    """The cohort size depends on the dose to be given.

    Parameters
    ----------
    sizes : tuple of int
        One a dose level, the lowest first.

    Examples
    --------
    >>> from doseopt import BOIN, CohortsByDose, Modified, after
    >>> design = Modified(BOIN(doses=3, target=0.25), (CohortsByDose(sizes=(1, 3, 3)),))
    >>> [design.decide(after(design, seen)).size.item() for seen in ("", "1N")]
    [1, 3]
    """

    sizes: tuple[int, ...] = param(kind=tuple, custom=_sizes_fault, doc="cohort sizes, one a dose level")

    @classmethod
    def example(cls) -> Self:
        """Return the rule as the conformance checks try it, over four doses."""
        return cls(sizes=(1, 2, 3, 3))

    def clash(self, base: Design) -> Fault | None:
        """Refuse another number of doses."""
        if len(self.sizes) != base.facts.doses:
            return Fault("sizes", f"wanted {base.facts.doses} sizes, one a dose, got {len(self.sizes)}")
        return super().clash(base)

    def with_dose(self, position: int, value: float) -> Self:
        """Give the new dose the size of the dose above it."""
        return dataclasses.replace(self, sizes=(*self.sizes[: position + 1], *self.sizes[position:]))

    def __call__(self, state: TrialState, decision: Decision) -> Decision:
        """Look the size up by dose."""
        return dataclasses.replace(decision, size=np.array(self.sizes)[decision.dose])

    def describe(self) -> list[Row]:
        """Return the rule in words."""
        return [Row("cohort size", f"{', '.join(map(str, self.sizes))} patients at levels 1 to {len(self.sizes)}")]


@dataclass(frozen=True)
class CohortsByDLT(SizeRule):
    """One cohort size until the first DLT of the trial, another from it on.

    Parameters
    ----------
    before, after : int

    Examples
    --------
    >>> from doseopt import BOIN, CohortsByDLT, Modified, after
    >>> design = Modified(BOIN(doses=3, target=0.25), (CohortsByDLT(before=1, after=3),))
    >>> [design.decide(after(design, seen)).size.item() for seen in ("1N 2N", "1N 2T")]
    [1, 3]
    """

    before: int = param(kind=int, low=1, high=MOST, doc="patients in a cohort before the first DLT")
    after: int = param(kind=int, low=1, high=MOST, doc="patients in a cohort from the first DLT on")

    @classmethod
    def example(cls) -> Self:
        """Return the rule as the conformance checks try it."""
        return cls(before=1, after=3)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Both sizes."""
        return self.before, self.after

    def __call__(self, state: TrialState, decision: Decision) -> Decision:
        """Look whether any DLT was seen."""
        return dataclasses.replace(decision, size=np.where(state.y.any(axis=1), self.after, self.before))

    def describe(self) -> list[Row]:
        """Return the rule in words."""
        return [Row("cohort size", f"{self.before} until the first DLT of the trial, then {self.after}")]


@dataclass(frozen=True)
class CohortsInOrder(SizeRule):
    """The cohort sizes in the order of the trial's cohorts; the last one is repeated.

    Parameters
    ----------
    sizes : tuple of int

    Examples
    --------
    >>> from doseopt import BOIN, CohortsInOrder, Modified, after
    >>> design = Modified(BOIN(doses=3, target=0.25), (CohortsInOrder(sizes=(1, 2, 3)),))
    >>> [design.decide(after(design, seen)).size.item() for seen in ("", "1N", "1N 2NN", "1N 2NN 3NNN")]
    [1, 2, 3, 3]
    """

    sizes: tuple[int, ...] = param(kind=tuple, custom=_sizes_fault, doc="cohort sizes in order, the last repeated")

    @classmethod
    def example(cls) -> Self:
        """Return the rule as the conformance checks try it."""
        return cls(sizes=(1, 1, 3, 2))

    @property
    def memory(self) -> tuple[str, ...]:
        """Cohorts treated so far, counted up to the length of the list less one."""
        return ("cohorts",)

    def remember(self, before: TrialState, given: Decision, outcome: IntArray) -> IntArray:
        """Count the cohort."""
        return np.minimum(before.memory + 1, len(self.sizes) - 1)

    def __call__(self, state: TrialState, decision: Decision) -> Decision:
        """Look the size up by the number of cohorts so far."""
        return dataclasses.replace(decision, size=np.array(self.sizes)[state.memory[:, 0]])

    def describe(self) -> list[Row]:
        """Return the rule in words."""
        return [Row("cohort size", f"{', '.join(map(str, self.sizes))} patients in order, the last repeated")]


def _weights_fault(value: Any) -> str | None:
    if value is None:
        return None
    if are_numbers(value) and value and all(weight >= 0 for weight in value) and sum(value) > 0:
        return None
    shown = list(value) if isinstance(value, tuple) else value
    return f"wanted a list of weights, numbers of at least 0 and not all 0, got {shown!r}"


@dataclass(frozen=True)
class CohortRange(SizeRule):
    """Cohorts of so many to so many patients, as they come; who have come are treated and decided on together.

    How many come is drawn for each cohort by stated weights, whatever has been seen, and a cohort has no more than the
    places that the other rules leave it: a rule on cohort size, a titration and the cap hold as ever. Exact results are
    over that law; a running trial is told its cohorts as they were.

    Parameters
    ----------
    from_, to : int
        Fewest and most patients of a cohort; `from` in a study file.
    weights : tuple of float, optional
        Of each number from the fewest to the most, in proportion to their probabilities; left out: all alike.

    Examples
    --------
    Of a cohort of 1 or 2 at a rate of 0.5 the number of DLTs is 0 with probability (1/2 + 1/4) / 2.

    >>> from doseopt import BOIN, CohortRange, MaxPatients, Modified
    >>> design = Modified(BOIN(doses=2, target=0.25), (CohortRange(from_=1, to=2), MaxPatients(n=6)))
    >>> design.first().size.item(), design.facts.comers.chances
    (2, (0.5, 0.5))
    """

    from_: int = param(kind=int, low=1, high=MOST, doc="fewest patients of a cohort")
    to: int = param(kind=int, low=1, high=MOST, doc="most patients of a cohort")
    weights: tuple[float, ...] | None = param(
        None, kind=tuple, custom=_weights_fault, doc="weights of the numbers of patients, in order; alike if left out"
    )

    phase: ClassVar[Phase] = Phase.COME

    def __post_init__(self) -> None:
        """Check the parameters, alone and together."""
        check(self, self._faults)

    def _faults(self) -> list[Fault]:
        found = []
        if self.to <= self.from_:
            found.append(Fault("to", f"wanted more than from = {self.from_}, got {self.to}"))
        elif self.weights is not None and len(self.weights) != self.to - self.from_ + 1:
            wanted = f"wanted {self.to - self.from_ + 1}, one for each of {self.from_} to {self.to} patients"
            found.append(Fault("weights", f"{wanted}, got {len(self.weights)}"))
        return found

    @classmethod
    def example(cls) -> Self:
        """Return the rule as the conformance checks try it."""
        return cls(from_=2, to=4, weights=(0.5, 0.3, 0.2))

    @property
    def sizes(self) -> tuple[int, ...]:
        """The fewest: a cap must have room for them."""
        return (self.from_,)

    @property
    def comers(self) -> Comers:
        """How many patients come for a cohort."""
        weights = (1.0,) * (self.to - self.from_ + 1) if self.weights is None else self.weights
        return Comers(self.from_, tuple(weight / sum(weights) for weight in weights))

    def clash(self, base: Design) -> Fault | None:
        """Refuse a design that decides while patients are pending, too: who comes when is for the clock to say."""
        if base.facts.pending:
            wanted = "wanted a design that decides on whole cohorts, got one that decides while some are pending"
            return Fault("", f"{wanted}: how many come, and when, is what [clock] accrual says")
        return super().clash(base)

    def __call__(self, state: TrialState, decision: Decision) -> Decision:
        """Give as many places as patients may come."""
        return dataclasses.replace(decision, size=np.full_like(decision.size, self.to))

    def describe(self) -> list[Row]:
        """Return the rule in words."""
        shares = (
            "each number as probable"
            if self.weights is None
            else f"weights {', '.join(f'{w:g}' for w in self.weights)}"
        )
        return [Row("cohort size", f"{self.from_} to {self.to} patients as they come; {shares}")]
