"""Further conditions on which a trial ends: the target interval, repetition, counts, the way below the lowest dose."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np

from doseopt.core.design import Design, posterior_of
from doseopt.core.parameters import Fault, are_numbers, param
from doseopt.core.state import BoolArray, Decision, IntArray, Pending, TrialState
from doseopt.designs.modifiers.stopping import AtDose, StopRule, level_or


def _interval_fault(value: Any) -> str | None:
    if are_numbers(value) and len(value) == 2 and 0 <= value[0] < value[1] <= 1:
        return None
    return f"wanted two increasing rates in [0, 1], got {value!r}"


@dataclass(frozen=True)
class TargetProbability(AtDose):
    """Stop when Pr(low < p_j <= high) >= probability at the recommended dose, or at one that is named.

    The posterior is the design's own, Beta(1, 1) if it has none.

    Parameters
    ----------
    interval : tuple of float
        low and high.
    probability : float
    dose : "recommended" or int
        The dose that the next cohort would get, after all restrictions; or a level counted from 1.

    Notes
    -----
    Names: "StoppingTargetProb" of R's crmPack.

    Examples
    --------
    Under Beta(1, 1), after 1 DLT in 3, Pr(0.1 < p <= 0.6) is 0.7685 by Beta(2, 3):

    >>> from doseopt import BOIN, Modified, TargetProbability, after
    >>> boin = BOIN(doses=1, target=0.25)
    >>> for probability in (0.76, 0.78):
    ...     design = Modified(boin, (TargetProbability(interval=(0.1, 0.6), probability=probability),))
    ...     bool(design.decide(after(design, "1NNT")).stop.item())
    True
    False
    """

    interval: tuple[float, float] = param(kind=tuple, custom=_interval_fault, doc="target interval, [low, high]")
    probability: float = param(kind=float, low=0, high=1, open_low=True, doc="posterior probability to reach")
    dose: str | int = param("recommended", custom=lambda v: level_or(v, ("recommended",)), doc="which dose")
    base: Design | None = field(default=None, repr=False, compare=False)

    title: ClassVar[str] = "sure of the target"
    rank: ClassVar[int] = 3
    stops: ClassVar[tuple[str, ...]] = ("target_probability",)
    undoable: ClassVar[bool] = True
    sees_pending: ClassVar[bool] = True

    @classmethod
    def example(cls) -> Self:
        """Return the rule as the conformance checks try it."""
        return cls(interval=(0.15, 0.35), probability=0.4)

    def bind(self, base: Design) -> Self:
        """Take the design's posterior."""
        return dataclasses.replace(self, base=base)

    def holds(self, state: TrialState, decision: Decision, pending: Pending | None) -> BoolArray:
        """Tell where the rate probably lies in the interval."""
        inside = posterior_of(self._bound(), state, pending).prob(*self.interval)
        return np.asarray(self.at(inside, state, decision) >= self.probability)

    @property
    def when(self) -> str:
        """The condition in words."""
        low, high = self.interval
        return f"Pr({low:g} < DLT rate at {self.place} <= {high:g}) >= {self.probability:g}"


@dataclass(frozen=True)
class Repeated(StopRule):
    """Stop when the next cohort would be the k-th in a row at one dose.

    Over a design that decides while patients are pending a cohort counts from its opening, whatever is known of it.

    Parameters
    ----------
    times : int
        k, 2 or more; the cohorts at that dose so far are k - 1.

    Examples
    --------
    >>> from doseopt import BOIN, Modified, Repeated, after
    >>> design = Modified(BOIN(doses=2, target=0.25), (Repeated(times=3),))
    >>> [bool(design.decide(after(design, seen)).stop.item()) for seen in ("1NNN 2NNN", "1NNN 2NNN 2NNT")]
    [False, True]
    """

    times: int = param(kind=int, low=2, high=100, doc="cohorts in a row at one dose, the next included")

    title: ClassVar[str] = "recommendation repeated"
    rank: ClassVar[int] = 4
    stops: ClassVar[tuple[str, ...]] = ("repeated",)
    undoable: ClassVar[bool] = True

    @classmethod
    def example(cls) -> Self:
        """Return the rule as the conformance checks try it."""
        return cls(times=3)

    @property
    def memory(self) -> tuple[str, ...]:
        """Cohorts in a row at the dose last given, counted up to k - 1."""
        return ("in_a_row",)

    def remember(self, before: TrialState, given: Decision, outcome: IntArray) -> IntArray:
        """Count the cohort."""
        again = np.where(given.dose == before.dose, before.memory[:, 0] + 1, 1)
        return np.asarray(np.minimum(again, self.times - 1)[:, None])

    def holds(self, state: TrialState, decision: Decision, pending: Pending | None) -> BoolArray:
        """Tell where the next cohort is one more at the dose."""
        return np.asarray((decision.dose == state.dose) & (state.memory[:, 0] >= self.times - 1))

    @property
    def when(self) -> str:
        """The condition in words."""
        return f"the next cohort would be number {self.times} in a row at one dose"


@dataclass(frozen=True)
class DLTsSeen(AtDose):
    """Stop when at least `y` DLTs have been seen in the trial, at the recommended dose, or at a level.

    Parameters
    ----------
    y : int
    dose : "all", "recommended" or int
        All doses together; the dose that the next cohort would get; or a level counted from 1.

    Examples
    --------
    >>> from doseopt import BOIN, DLTsSeen, Modified, after
    >>> design = Modified(BOIN(doses=2, target=0.25), (DLTsSeen(y=2),))
    >>> [bool(design.decide(after(design, seen)).stop.item()) for seen in ("1NNT", "1NNT 1NNT")]
    [False, True]
    """

    y: int = param(kind=int, low=1, doc="DLTs")
    dose: str | int = param("all", custom=lambda v: level_or(v, ("all", "recommended")), doc="where they are counted")

    title: ClassVar[str] = "DLTs seen"
    rank: ClassVar[int] = 5
    stops: ClassVar[tuple[str, ...]] = ("dlts_seen",)

    @classmethod
    def example(cls) -> Self:
        """Return the rule as the conformance checks try it."""
        return cls(y=3)

    def holds(self, state: TrialState, decision: Decision, pending: Pending | None) -> BoolArray:
        """Count the DLTs."""
        return np.asarray((state.y.sum(axis=1) if self.dose == "all" else self.at(state.y, state, decision)) >= self.y)

    @property
    def when(self) -> str:
        """The condition in words."""
        where = "" if self.dose == "all" else f" at {self.place}"
        return f"at least {self.y} DLT{'s' * (self.y > 1)} {'have' if self.y > 1 else 'has'} been seen{where}"


@dataclass(frozen=True)
class EnoughPatients(StopRule):
    """Stop when `n` patients have been treated in all; unlike `max_patients` it can be joined, and a demand undoes it.

    Parameters
    ----------
    n : int
        Evaluable patients; the last cohort is not truncated.

    Notes
    -----
    Names: "stop_at_n" of R's escalation, "StoppingMinPatients" of crmPack.

    Examples
    --------
    >>> from doseopt import BOIN, EnoughPatients, Modified, after
    >>> design = Modified(BOIN(doses=2, target=0.25), (EnoughPatients(n=5),))
    >>> [bool(design.decide(after(design, seen)).stop.item()) for seen in ("1NNN", "1NNN 2NNN")]
    [False, True]
    """

    n: int = param(kind=int, low=1, high=1000, doc="evaluable patients in all")

    title: ClassVar[str] = "enough patients"
    rank: ClassVar[int] = 6
    stops: ClassVar[tuple[str, ...]] = ("enough_patients",)
    undoable: ClassVar[bool] = True

    @classmethod
    def example(cls) -> Self:
        """Return the rule as the conformance checks try it."""
        return cls(n=8)

    def holds(self, state: TrialState, decision: Decision, pending: Pending | None) -> BoolArray:
        """Count the patients."""
        return state.total >= self.n

    @property
    def when(self) -> str:
        """The condition in words."""
        return f"{self.n} patients have been treated in all"


@dataclass(frozen=True)
class BelowLowest(StopRule):
    """Stop, no dose selected, when the rule wants to go below the lowest dose.

    Without it such a design stays at the lowest dose. In a study file ``below_lowest = "stop"`` in the design's table
    says the same. Over a design that decides while patients are pending the trial stops as it would go down, by what is
    known and imputed then, and not while it waits.

    Notes
    -----
    Of interval designs and decision tables, which have a rule for going down; others say by their posterior when the
    lowest dose is too toxic.

    Examples
    --------
    BOIN at 0.25 goes down from 1 DLT in 1, as the Prolog enumeration of R's precautionary has it:

    >>> from doseopt import BOIN, BelowLowest, Modified, after
    >>> design = Modified(BOIN(doses=2, target=0.25, cohort=1), (BelowLowest(),))
    >>> [bool(design.decide(after(design, seen)).stop.item()) for seen in ("1N", "1T")]
    [False, True]
    """

    base: Design | None = field(default=None, repr=False, compare=False)

    title: ClassVar[str] = "below the lowest dose"
    sees_pending: ClassVar[bool] = True
    rank: ClassVar[int] = 1
    stops: ClassVar[tuple[str, ...]] = ("below_lowest",)
    selects_none: ClassVar[bool] = True

    @classmethod
    def example(cls) -> Self:
        """Return the rule as the conformance checks try it."""
        return cls()

    def bind(self, base: Design) -> Self:
        """Take the design's rule."""
        return dataclasses.replace(self, base=base)

    def clash(self, base: Design) -> Fault | None:
        """Refuse designs without a rule for going down."""
        if base.facts.below is None:
            return Fault("", "wanted a design with a rule for going down, such as boin, keyboard or table; got another")
        return None

    def holds(self, state: TrialState, decision: Decision, pending: Pending | None) -> BoolArray:
        """Ask the rule."""
        below = self._bound().facts.below
        assert below is not None
        return below(state, pending)

    @property
    def when(self) -> str:
        """The condition in words."""
        return "the rule wants to go below the lowest dose"
