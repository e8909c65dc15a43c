"""Rules that keep the next dose near those given: ceilings and a floor."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from doseopt.core.design import Design, Phase, Row
from doseopt.core.parameters import MOST_DOSES, Fault, Faults, param
from doseopt.core.state import Decision, IntArray, TrialState
from doseopt.designs.modifiers.rule import Rule


@dataclass(frozen=True)
class NoSkipping(Rule):
    """Escalate at most one level, or `levels`, above the last dose given, or above the highest dose tried.

    Going down is free. One level above ``"last"`` is the rule of R's dfcrm.

    Parameters
    ----------
    relative_to : {"last", "highest"}
    levels : int

    Examples
    --------
    A CRM that has seen no DLT would skip to the dose with the prior rate closest to the target.

    >>> from doseopt import CRM, Modified, NoSkipping, after
    >>> crm = CRM(doses=4, target=0.25, skeleton=(0.05, 0.1, 0.15, 0.25))
    >>> rules = (), (NoSkipping(),), (NoSkipping(levels=2),)
    >>> [design.decide(after(design, "1NNN")).dose.item() + 1 for design in (Modified(crm, rule) for rule in rules)]
    [4, 2, 3]
    """

    relative_to: str = param("last", choices=("last", "highest"), doc="what the next level is counted from")
    levels: int = param(1, low=1, high=MOST_DOSES, doc="levels that the dose may go up at once")

    phase: ClassVar[Phase] = Phase.RESTRICT

    @classmethod
    def example(cls) -> Self:
        """Return the rule as the conformance checks try it."""
        return cls()

    @property
    def forbids_skipping(self) -> bool:
        """Whether it is one level."""
        return self.levels == 1

    def __call__(self, state: TrialState, decision: Decision) -> Decision:
        """Lower the dose to the ceiling; the first dose is the design's own."""
        base = state.dose if self.relative_to == "last" else state.highest_tried
        ceiling = np.where(state.started, base + self.levels, decision.dose)
        return dataclasses.replace(decision, dose=np.minimum(decision.dose, ceiling))

    def describe(self) -> list[Row]:
        """Return the rule in words."""
        origin = "the last dose given" if self.relative_to == "last" else "the highest dose tried"
        many = "one level" if self.levels == 1 else f"{self.levels} levels"
        return [Row("no skipping", f"at most {many} above {origin}; down is free")]


@dataclass(frozen=True)
class NoSkippingDown(Rule):
    """De-escalate at most one level, or `levels`, below the last dose given, unless that dose is not admissible.

    Parameters
    ----------
    levels : int

    Notes
    -----
    The dose is raised before restrictions lower it. Names: R's dtpcrm goes down one level at a time.

    Examples
    --------
    >>> from doseopt import CRM, Modified, NoSkippingDown, after
    >>> crm = CRM(doses=4, target=0.2, skeleton=(0.2, 0.3, 0.4, 0.5))
    >>> designs = Modified(crm, ()), Modified(crm, (NoSkippingDown(),))
    >>> [design.decide(after(design, "3NNT")).dose.item() + 1 for design in designs]
    [1, 2]
    """

    levels: int = param(1, low=1, high=MOST_DOSES, doc="levels that the dose may go down at once")

    phase: ClassVar[Phase] = Phase.FLOOR

    @classmethod
    def example(cls) -> Self:
        """Return the rule as the conformance checks try it."""
        return cls()

    def __call__(self, state: TrialState, decision: Decision) -> Decision:
        """Raise the dose to the floor."""
        floor = np.where(state.started, state.dose - self.levels, 0)
        return dataclasses.replace(decision, dose=np.maximum(decision.dose, floor))

    def describe(self) -> list[Row]:
        """Return the rule in words."""
        many = "one level" if self.levels == 1 else f"{self.levels} levels"
        return [Row("no skipping down", f"at most {many} below the last dose given, unless that is excluded")]


@dataclass(frozen=True)
class Coherent(Rule):
    """No escalation right after toxicity (Cheung 2005).

    Parameters
    ----------
    scope : {"cohort", "dose"}
        ``"cohort"``: none after a cohort whose DLT fraction is at or above the target (R dfcrm,
        ``crmsim(restrict=TRUE)``); ``"dose"``: none while the cumulative DLT fraction at the dose is above it.
    target : float, optional
        Left out: the design's.

    Examples
    --------
    No escalation after a cohort whose DLT fraction is at least the target: a CRM that would go up stays.

    >>> from doseopt import CRM, Coherent, Modified, after
    >>> crm = CRM(doses=3, target=0.25, skeleton=(0.01, 0.02, 0.25))
    >>> free, held = crm, Modified(crm, (Coherent(),))
    >>> [design.decide(after(design, "2NNN 2NNN 1NNT")).dose.item() + 1 for design in (free, held)]
    [2, 1]
    """

    scope: str = param("cohort", choices=("cohort", "dose"), doc="whose DLT fraction is compared with the target")
    target: float | None = param(
        None,
        kind=float,
        low=0,
        high=1,
        open_low=True,
        open_high=True,
        optional=True,
        doc="DLT fraction of a cohort from which on nobody escalates",
    )

    phase: ClassVar[Phase] = Phase.RESTRICT

    @classmethod
    def example(cls) -> Self:
        """Return the rule as the conformance checks try it."""
        return cls()

    @property
    def memory(self) -> tuple[str, ...]:
        """Whether the last cohort had a DLT fraction at or above the target."""
        return ("toxic_cohort",) if self.scope == "cohort" else ()

    def bind(self, base: Design) -> Self:
        """Take the design's target."""
        return self if self.target is not None else dataclasses.replace(self, target=base.facts.target)

    def clash(self, base: Design) -> Fault | None:
        """Refuse to look back at a cohort whose DLTs may be seen once another is under way."""
        if base.facts.pending and self.scope == "cohort":
            wanted = 'wanted "dose" over a design that decides while patients are pending, as a DLT of a cohort may be'
            return Fault("scope", f"{wanted} seen when another is under way; got 'cohort'")
        return None

    @property
    def _threshold(self) -> float:
        if self.target is None:
            message = "Coherent works as a modifier: Modified(design, (Coherent(),)), or with a target of its own"
            raise Faults([Fault("", message)])
        return self.target

    def remember(self, before: TrialState, given: Decision, outcome: IntArray) -> IntArray:
        """Keep whether this cohort was toxic."""
        if not self.memory:
            return np.zeros((len(before), 0), np.int64)
        toxic = outcome[:, 0] / np.einsum("sk->s", outcome) >= self._threshold
        return np.asarray(toxic, np.int64)[:, None]

    def __call__(self, state: TrialState, decision: Decision) -> Decision:
        """Lower the dose to the last one given where escalation would be incoherent."""
        at = np.maximum(state.dose, 0)
        if self.scope == "cohort":
            toxic = state.memory[:, 0] == 1
        else:
            n = state.n[state.at, at]
            toxic = state.y[state.at, at] / np.maximum(n, 1) > self._threshold
        ceiling = np.where(state.started & toxic, at, decision.dose)
        return dataclasses.replace(decision, dose=np.minimum(decision.dose, ceiling))

    def describe(self) -> list[Row]:
        """Return the rule in words."""
        when = (
            "right after a cohort with a DLT fraction at or above the target"
            if self.scope == "cohort"
            else "while the DLT fraction at the dose is above the target"
        )
        return [Row("coherence", f"no escalation {when}", "Cheung 2005")]
