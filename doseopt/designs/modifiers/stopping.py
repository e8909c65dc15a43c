"""Rules that end a trial, when something holds of its next dose or of a dose that is named."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np

from doseopt.core.design import Design, Phase, Row, Screens, posterior_of
from doseopt.core.parameters import Fault, Faults, are_numbers, is_number, param
from doseopt.core.reason import Reason
from doseopt.core.state import BoolArray, Decision, FloatArray, Pending, TrialState
from doseopt.designs.modifiers.rule import Rule
from doseopt.models.beta import BetaBinomial


def level_or(value: object, words: tuple[str, ...]) -> str | None:
    """Return what is wrong with a value that should be one of some words, or a dose level."""
    if value in words or (isinstance(value, int) and is_number(value) and value >= 1):
        return None
    return f"wanted {', '.join(map(repr, words))} or a level counted from 1, got {value!r}"


def prior_fault(value: Any) -> str | None:
    """Return what is wrong with the a and b of a Beta prior, or with none."""
    if value is None or (are_numbers(value) and len(value) == 2 and min(value) > 0):
        return None
    return f"wanted the a and b of a Beta(a, b) prior, two numbers above 0, got {value!r}"


class StopRule(Rule):
    """What rules that end a trial share: they say when, and can be joined by `all` and `any`."""

    phase: ClassVar[Phase] = Phase.STOP
    title: ClassVar[str]

    base: Design | None = None

    @property
    def when(self) -> str:
        """The condition in words."""
        raise NotImplementedError

    def holds(self, state: TrialState, decision: Decision, pending: Pending | None) -> BoolArray:
        """Tell in which trials that have begun the condition holds, [S]."""
        raise NotImplementedError

    def __call__(self, state: TrialState, decision: Decision, pending: Pending | None = None) -> Decision:
        """Stop where it holds."""
        stops = state.started & self.holds(state, decision, pending)
        return dataclasses.replace(decision, stop=np.where(stops, 1, decision.stop))

    def describe(self) -> list[Row]:
        """Return the rule in words."""
        selected = ", no dose selected," if all(reason.selects_none for reason in self.reasons) else ""
        return [Row(self.title, f"stop{selected} when {self.when}")]

    def _bound(self) -> Design:
        """Return the design whose posterior is asked."""
        if self.base is None:
            name = type(self).__name__
            raise Faults([Fault("", f"{name} works as a modifier: Modified(design, ({name}(...),))")])
        return self.base


class AtDose(StopRule):
    """What rules share that look at a dose that may be a level."""

    dose: str | int

    def clash(self, base: Design) -> Fault | None:
        """Refuse a level that does not exist."""
        if isinstance(self.dose, int) and self.dose > base.facts.doses:
            return Fault("dose", f"wanted a level of 1 to {base.facts.doses}, got {self.dose}")
        return None

    def with_dose(self, position: int, value: float) -> Self:
        """Keep the dose that the level means."""
        above = isinstance(self.dose, int) and self.dose - 1 >= position
        return dataclasses.replace(self, dose=int(self.dose) + 1) if above else self  # type: ignore[type-var]

    def at(self, values: Any, state: TrialState, decision: Decision) -> Any:
        """Return what [S, D] holds at the dose, [S]."""
        return values[:, self.dose - 1] if isinstance(self.dose, int) else values[state.at, decision.dose]

    @property
    def place(self) -> str:
        """The dose in words."""
        return "the recommended dose" if self.dose == "recommended" else f"level {self.dose}"


@dataclass(frozen=True)
class TooToxic(AtDose):
    """Stop when Pr(p_j > above) > confidence at a dose j: the lowest, or one that is named.

    The posterior is the design's own, Beta(1, 1) at the dose if it has none, or that of a stated Beta(a, b) at the
    dose. Looked at after every cohort, the last included; where patients were pending as a trial was stopped, too, once
    all of them have been followed up.

    Parameters
    ----------
    confidence : float
    above : float, optional
        Left out: the design's target.
    dose : int or "recommended"
        A level counted from 1, or the dose that the next cohort would get.
    prior : tuple of float, optional
        a and b of p_j ~ Beta(a, b); left out: the design's own posterior.
    selects : {"none", "design"}
        What is selected then: no dose, or what the design selects. The results call the second one "unsafe_dose".

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
        doc="DLT rate that is too high; the design's target when left out",
    )
    dose: str | int = param(1, custom=lambda v: level_or(v, ("recommended",)), doc="which dose is looked at")
    prior: tuple[float, float] | None = param(
        None, kind=tuple, custom=prior_fault, doc="a and b of a Beta(a, b) at the dose, in place of the design's own"
    )
    selects: str = param("none", choices=("none", "design"), doc="what is selected when it stops the trial")
    base: Design | None = field(default=None, repr=False, compare=False)

    title: ClassVar[str] = "too toxic"
    sees_pending: ClassVar[bool] = True

    @classmethod
    def example(cls) -> Self:
        """Return the rule as the conformance checks try it."""
        return cls()

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """One, by what is selected."""
        none = self.selects == "none"
        return (Reason(("too_toxic" if none else "unsafe_dose",), selects_none=none),)

    @property
    def asks_next_dose(self) -> bool:
        """Whether it is that dose that it looks at."""
        return self.dose == "recommended"

    def bind(self, base: Design) -> Self:
        """Take the design's posterior, and its target."""
        return dataclasses.replace(self, base=base, above=base.facts.target if self.above is None else self.above)

    def holds(self, state: TrialState, decision: Decision, pending: Pending | None) -> BoolArray:
        """Compare the posterior probability with the confidence."""
        base, above = self._bound(), self.above
        assert above is not None
        if self.prior is not None:
            seen = state.treated(pending)
            certain: FloatArray = BetaBinomial(base.facts.doses, *self.prior).posterior(seen.n, seen.y).prob(above)
        elif pending is None and isinstance(base, Screens):
            holds = np.array(self.at(base.may_exceed(state, above, self.confidence), state, decision))
            some = state if holds.all() else state[holds]  # the same object keeps the posterior that others asked for
            holds[holds] = self.at(posterior_of(base, some).prob(above), some, decision[holds]) > self.confidence
            return holds
        else:
            certain = posterior_of(base, state, pending).prob(above)
        return np.asarray(self.at(certain, state, decision) > self.confidence)

    @property
    def when(self) -> str:
        """The condition in words."""
        above = "the target" if self.above is None else f"{self.above:g}"
        where = "the lowest dose" if self.dose == 1 else self.place
        under = "" if self.prior is None else f" under Beta({self.prior[0]:g},{self.prior[1]:g})"
        return f"Pr(DLT rate at {where} > {above}){under} > {self.confidence:g}"


@dataclass(frozen=True)
class EnoughAtDose(AtDose):
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
    dose: str | int = param("recommended", custom=lambda v: level_or(v, ("recommended", "any")), doc="which dose")
    only_if_staying: bool = param(False, doc="only when the next cohort would stay at the dose")

    title: ClassVar[str] = "enough at a dose"
    rank: ClassVar[int] = 1
    stops: ClassVar[tuple[str, ...]] = ("enough_at_dose",)
    undoable: ClassVar[bool] = True

    @classmethod
    def example(cls) -> Self:
        """Return the rule as the conformance checks try it."""
        return cls(n=6)

    def holds(self, state: TrialState, decision: Decision, pending: Pending | None) -> BoolArray:
        """Tell where the dose has its patients."""
        patients = state.n.max(axis=1) if self.dose == "any" else self.at(state.n, state, decision)
        enough = patients >= self.n
        return np.asarray(enough & (decision.dose == state.dose) if self.only_if_staying else enough)

    @property
    def when(self) -> str:
        """The condition in words."""
        where = "any one dose" if self.dose == "any" else self.place
        tail = ", if the next cohort would stay there" if self.only_if_staying else ""
        return f"{self.n} patients have been treated at {where}{tail}"


@dataclass(frozen=True)
class NarrowInterval(StopRule):
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

    title: ClassVar[str] = "narrow interval"
    rank: ClassVar[int] = 2
    stops: ClassVar[tuple[str, ...]] = ("narrow_interval",)
    undoable: ClassVar[bool] = True
    sees_pending: ClassVar[bool] = True

    @classmethod
    def example(cls) -> Self:
        """Return the rule as the conformance checks try it."""
        return cls(width=0.4)

    def bind(self, base: Design) -> Self:
        """Take the design's posterior."""
        return dataclasses.replace(self, base=base)

    def holds(self, state: TrialState, decision: Decision, pending: Pending | None) -> BoolArray:
        """Tell where the interval is narrow."""
        posterior, tail = posterior_of(self._bound(), state, pending), (1 - self.level) / 2
        width = posterior.quantile(1 - tail) - posterior.quantile(tail)
        return np.asarray(width[state.at, decision.dose] <= self.width)

    @property
    def when(self) -> str:
        """The condition in words."""
        return f"the {self.level:.0%} interval of the DLT rate at the recommended dose is at most {self.width:g} wide"
