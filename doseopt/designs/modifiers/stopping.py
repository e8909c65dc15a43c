"""Rules that end a trial."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import ClassVar, Self

import numpy as np

from doseopt.core.design import Design, Phase, Row, posterior_of
from doseopt.core.parameters import Fault, Faults, is_number, param
from doseopt.core.state import Decision, Pending, TrialState
from doseopt.designs.modifiers.rule import Rule


def _level_or(value: object, words: tuple[str, ...]) -> str | None:
    """Return what is wrong with a value that should be one of some words, or a dose level."""
    if value in words or (isinstance(value, int) and is_number(value) and value >= 1):
        return None
    return f"wanted {', '.join(map(repr, words))} or a level counted from 1, got {value!r}"


@dataclass(frozen=True)
class TooToxic(Rule):
    """Stop, selecting no dose, when Pr(p_1 > above) > confidence.

    The posterior is the design's own; Beta(1, 1) at the lowest dose if it has none. Looked at after every cohort, the
    last included.

    Parameters
    ----------
    confidence : float
    above : float, optional
        Left out: the design's target.

    Examples
    --------
    >>> from doseopt import BOIN, Modified, TooToxic, after
    >>> design = Modified(BOIN(doses=3, target=0.25), (TooToxic(confidence=0.9),))
    >>> [bool(design.decide(after(design, seen)).stop.item()) for seen in ("1NNT", "1NTT")]
    [False, True]
    """

    confidence: float = param(0.95, low=0, high=1, open_low=True, open_high=True, doc="posterior probability to exceed")
    above: float | None = param(
        None,
        kind=float,
        low=0,
        high=1,
        open_low=True,
        open_high=True,
        optional=True,
        doc="DLT rate that is too high; the target if left out",
    )
    base: Design | None = field(default=None, repr=False, compare=False)

    phase: ClassVar[Phase] = Phase.STOP
    rank: ClassVar[int] = 0
    stops: ClassVar[tuple[str, ...]] = ("too_toxic",)
    sees_pending: ClassVar[bool] = True
    selects_none: ClassVar[bool] = True

    @classmethod
    def example(cls) -> Self:
        """Return the rule as the conformance checks try it."""
        return cls()

    def bind(self, base: Design) -> Self:
        """Take the design's posterior, and its target."""
        return dataclasses.replace(self, base=base, above=base.facts.target if self.above is None else self.above)

    def __call__(self, state: TrialState, decision: Decision, pending: Pending | None = None) -> Decision:
        """Stop where the lowest dose is too toxic."""
        if self.base is None or self.above is None:
            raise Faults([Fault("", "TooToxic works as a modifier: Modified(design, (TooToxic(),))")])
        certain = posterior_of(self.base, state, pending).prob(self.above)[:, 0] > self.confidence
        return dataclasses.replace(decision, stop=np.where(state.started & certain, 1, decision.stop))

    def describe(self) -> list[Row]:
        """Return the rule in words."""
        above = "the target" if self.above is None else f"{self.above:g}"
        return [
            Row(
                "too toxic",
                f"stop, no dose selected, when Pr(DLT rate at the lowest dose > {above}) > {self.confidence:g}",
            )
        ]


@dataclass(frozen=True)
class EnoughAtDose(Rule):
    """Stop when `n` patients have been treated at a dose.

    Parameters
    ----------
    n : int
    dose : "recommended", "any" or int
        The dose that the next cohort would get, after all restrictions; any dose; or a level counted from 1.
    only_if_staying : bool
        Only when the next cohort would get the dose last given (with ``"recommended"``: R BOIN from 2.7). It is a
        second condition: with ``"any"`` another dose than that one may have the patients.

    Examples
    --------
    Six patients at the dose that would come next are enough.

    >>> from doseopt import BOIN, EnoughAtDose, Modified, after
    >>> design = Modified(BOIN(doses=2, target=0.25), (EnoughAtDose(n=6),))
    >>> [design.facts.stops[stop - 1] for stop in design.decide(after(design, "2NNN 2NNT")).stop]
    ['enough_at_dose']
    """

    n: int = param(kind=int, low=1, doc="patients at the dose")
    dose: str | int = param("recommended", custom=lambda v: _level_or(v, ("recommended", "any")), doc="which dose")
    only_if_staying: bool = param(False, doc="only when the next cohort would stay at the dose")

    phase: ClassVar[Phase] = Phase.STOP
    rank: ClassVar[int] = 1
    stops: ClassVar[tuple[str, ...]] = ("enough_at_dose",)

    @classmethod
    def example(cls) -> Self:
        """Return the rule as the conformance checks try it."""
        return cls(n=6)

    def clash(self, base: Design) -> Fault | None:
        """Refuse a level that does not exist."""
        if isinstance(self.dose, int) and self.dose > base.facts.doses:
            return Fault("dose", f"wanted a level of 1 to {base.facts.doses}, got {self.dose}")
        return None

    def with_dose(self, position: int) -> Self:
        """Keep the dose that the level means."""
        above = isinstance(self.dose, int) and self.dose - 1 >= position
        return dataclasses.replace(self, dose=int(self.dose) + 1) if above else self

    def __call__(self, state: TrialState, decision: Decision) -> Decision:
        """Stop where the dose has its patients."""
        if self.dose == "any":
            most = state.n.max(axis=1)
        elif isinstance(self.dose, int):
            most = state.n[:, self.dose - 1]
        else:
            most = state.n[state.at, decision.dose]
        enough = (most >= self.n) & state.started
        if self.only_if_staying:
            enough = enough & (decision.dose == state.dose)
        return dataclasses.replace(decision, stop=np.where(enough, 1, decision.stop))

    def describe(self) -> list[Row]:
        """Return the rule in words."""
        where = {"recommended": "the recommended dose", "any": "any one dose"}.get(str(self.dose), f"level {self.dose}")
        tail = ", if the next cohort would stay there" if self.only_if_staying else ""
        return [Row("enough at a dose", f"stop when {self.n} patients have been treated at {where}{tail}")]


@dataclass(frozen=True)
class NarrowInterval(Rule):
    """Stop when the interval of the DLT rate at the recommended dose is narrow.

    The interval is the central one of the design's own posterior (Beta(1, 1) if it has none), at the dose that the next
    cohort would get, after all restrictions.

    Parameters
    ----------
    width : float
        Upper less lower end, at most.
    level : float
        Posterior probability of the interval.

    Examples
    --------
    >>> from doseopt import BOIN, Modified, NarrowInterval, after
    >>> design = Modified(BOIN(doses=1, target=0.25), (NarrowInterval(width=0.5),))
    >>> [bool(design.decide(after(design, seen)).stop.item()) for seen in ("1NNT", "1NNT 1NNN 1NNN")]
    [False, True]
    """

    width: float = param(kind=float, low=0, high=1, open_low=True, doc="width of the interval at most")
    level: float = param(0.9, low=0, high=1, open_low=True, open_high=True, doc="probability of the interval")
    base: Design | None = field(default=None, repr=False, compare=False)

    phase: ClassVar[Phase] = Phase.STOP
    rank: ClassVar[int] = 2
    stops: ClassVar[tuple[str, ...]] = ("narrow_interval",)
    sees_pending: ClassVar[bool] = True

    @classmethod
    def example(cls) -> Self:
        """Return the rule as the conformance checks try it."""
        return cls(width=0.4)

    def bind(self, base: Design) -> Self:
        """Take the design's posterior."""
        return dataclasses.replace(self, base=base)

    def __call__(self, state: TrialState, decision: Decision, pending: Pending | None = None) -> Decision:
        """Stop where the interval is narrow."""
        if self.base is None:
            message = "NarrowInterval works as a modifier: Modified(design, (NarrowInterval(width=0.3),))"
            raise Faults([Fault("", message)])
        posterior, tail = posterior_of(self.base, state, pending), (1 - self.level) / 2
        width = (posterior.quantile(1 - tail) - posterior.quantile(tail))[state.at, decision.dose]
        narrow = state.started & (width <= self.width)
        return dataclasses.replace(decision, stop=np.where(narrow, 1, decision.stop))

    def describe(self) -> list[Row]:
        """Return the rule in words."""
        what = f"the {self.level:.0%} interval of the DLT rate at the recommended dose is at most {self.width:g} wide"
        return [Row("narrow interval", f"stop when {what}")]


class _Cap(Rule):
    """What both caps share: the next cohort is truncated, and the trial stops when there is no room for one."""

    n: int
    phase: ClassVar[Phase] = Phase.CAP
    ends: ClassVar[bool] = True

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
        first = int(base.first().size[0])
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

    stops: ClassVar[tuple[str, ...]] = ("max_patients",)

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
