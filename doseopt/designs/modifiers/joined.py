"""Rules that end a trial, joined: all of them must hold, or any of them."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar, Self

import numpy as np

from doseopt.core.design import Design
from doseopt.core.parameters import Fault, Faults, param
from doseopt.core.reason import Reason
from doseopt.core.state import Decision, IntArray, Pending, TrialState
from doseopt.designs.modifiers.stopping import StopRule

MOST = 64
"""Reasons that rules joined may give."""


def _rules_fault(value: Any) -> str | None:
    if not isinstance(value, tuple) or len(value) < 2:
        return f"wanted at least two rules that end a trial, got {len(value) if isinstance(value, tuple) else value!r}"
    wrong = [rule for rule in value if not isinstance(rule, StopRule)]
    return f"wanted rules that end a trial, got {wrong[0]!r}" if wrong else None


@dataclass(frozen=True)
class Joined(StopRule):
    """What `AllOf` and `AnyOf` share.

    Parameters
    ----------
    rules : tuple of StopRule
        Two or more, of which some may be joined themselves.
    """

    rules: tuple[StopRule, ...] = param(kind=tuple, custom=_rules_fault, doc="two or more rules that end a trial")

    title: ClassVar[str] = "stop"
    word: ClassVar[str]
    sees_pending: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Check the rules, and that not too many reasons can come of them."""
        super().__post_init__()
        self._check()

    def _check(self) -> None:
        """Check what differs between the ways to join."""

    @property
    def memory(self) -> tuple[str, ...]:
        """What the rules keep."""
        return tuple(name for rule in self.rules for name in rule.memory)

    @property
    def _slices(self) -> list[slice]:
        ends = np.cumsum([0, *(len(rule.memory) for rule in self.rules)]).tolist()
        return [slice(a, b) for a, b in pairwise(ends)]

    def _each(self, change: Any) -> Self:
        return dataclasses.replace(self, rules=tuple(change(rule) for rule in self.rules))

    def bind(self, base: Design) -> Self:
        """Bind each rule."""
        return self._each(lambda rule: rule.bind(base))

    def with_dose(self, position: int, value: float) -> Self:
        """Return the rules for one dose more."""
        return self._each(lambda rule: rule.with_dose(position, value))

    def clash(self, base: Design) -> Fault | None:
        """Say why one of the rules cannot be laid over this design."""
        for i, rule in enumerate(self.rules):
            if (fault := rule.clash(base)) is not None:
                return fault.under(f"{self.word}[{i}]")
        return None

    def remember(self, before: TrialState, given: Decision, outcome: IntArray) -> IntArray:
        """Return what the rules keep after a cohort."""
        parts = zip(self.rules, self._slices, strict=True)
        kept = [rule.remember(before.with_memory(before.memory[:, s]), given, outcome) for rule, s in parts]
        return np.concatenate(kept, axis=1)

    def _asked(self, state: TrialState, decision: Decision, pending: Pending | None) -> list[IntArray]:
        """Return the stop code of each rule, [S] each; who is pending is treated to a rule that does not look."""
        treated, found = state.treated(pending), []
        for rule, s in zip(self.rules, self._slices, strict=True):
            if rule.sees_pending:
                answer = rule(state.with_memory(state.memory[:, s]), decision, pending)
            else:
                answer = rule(treated.with_memory(treated.memory[:, s]), decision)
            waits = decision.size == 0 if pending is not None and rule.asks_next_dose else False
            found.append(np.where(waits, 0, answer.stop))
        return found

    def _codes(self, names: Sequence[str]) -> IntArray:
        """Return the codes here of reasons by name."""
        own = {reason.name: 1 + k for k, reason in enumerate(self.reasons)}
        return np.array([own[name] for name in names], np.int64)

    @property
    def asks_next_dose(self) -> bool:
        """Whether it waits for the next dose: each of its rules does by itself."""
        return False

    @property
    def when(self) -> str:
        """The condition in words."""
        parts = [f"({rule.when})" if isinstance(rule, Joined) else rule.when for rule in self.rules]
        return f" {'and' if self.word == 'all' else 'or'} ".join(parts)


def ordered(reasons: Sequence[Reason]) -> tuple[Reason, ...]:
    """Return each reason once, the foremost first."""
    return tuple(sorted({reason.name: reason for reason in reasons}.values(), key=lambda reason: reason.place))


@dataclass(frozen=True)
class AnyOf(Joined):
    """Stop when any of some rules would; the reason is that of the foremost.

    Examples
    --------
    >>> from doseopt import AnyOf, BOIN, DLTsSeen, EnoughAtDose, Modified, after
    >>> design = Modified(BOIN(doses=1, target=0.25), (AnyOf((EnoughAtDose(n=6), DLTsSeen(y=2))),))
    >>> [design.facts.stops[design.decide(after(design, seen)).stop.item() - 1] for seen in ("1NTT", "1NNN 1NNT")]
    ['dlts_seen', 'enough_at_dose']
    """

    word: ClassVar[str] = "any"

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Those of the rules."""
        return ordered([reason for rule in self.rules for reason in rule.reasons])

    def __call__(self, state: TrialState, decision: Decision, pending: Pending | None = None) -> Decision:
        """Stop for the foremost reason that a rule gives."""
        none = len(self.reasons) + 1
        best = np.full(len(state), none)
        for rule, stop in zip(self.rules, self._asked(state, decision, pending), strict=True):
            codes = np.array([none, *self._codes([reason.name for reason in rule.reasons])])
            best = np.minimum(best, codes[stop])
        return dataclasses.replace(decision, stop=np.where(best < none, best, decision.stop))


@dataclass(frozen=True)
class AllOf(Joined):
    """Stop when all of some rules would; the reason names each, and no dose is selected if one of them says so.

    Examples
    --------
    >>> from doseopt import AllOf, BOIN, EnoughAtDose, EnoughPatients, Modified, after
    >>> design = Modified(BOIN(doses=2, target=0.25), (AllOf((EnoughAtDose(n=3), EnoughPatients(n=6))),))
    >>> design.facts.stops[-1]
    'enough_at_dose and enough_patients'
    >>> [bool(design.decide(after(design, seen)).stop.item()) for seen in ("2NNT", "2NNT 2NNN")]
    [False, True]
    """

    word: ClassVar[str] = "all"

    def _check(self) -> None:
        many = math.prod(len(rule.reasons) for rule in self.rules)
        if many > MOST:
            wanted = f"wanted rules of which at most {MOST} reasons can come, got {many}; join fewer by `any`"
            raise Faults([Fault("rules", wanted)], type(self).__name__)

    @property
    def _ways(self) -> list[Reason]:
        """The reason for each way in which the rules can hold, the last rule's reason running first."""
        return [_both(way) for way in itertools.product(*(rule.reasons for rule in self.rules))]

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """One for each way in which they can hold together."""
        return ordered(self._ways)

    def __call__(self, state: TrialState, decision: Decision, pending: Pending | None = None) -> Decision:
        """Stop where every rule would."""
        asked = self._asked(state, decision, pending)
        holds = np.logical_and.reduce([stop > 0 for stop in asked])
        way = np.zeros(len(state), np.int64)
        for rule, stop in zip(self.rules, asked, strict=True):
            way = way * len(rule.reasons) + np.maximum(stop - 1, 0)
        codes = self._codes([reason.name for reason in self._ways])
        return dataclasses.replace(decision, stop=np.where(holds, codes[way], decision.stop))


def _both(way: tuple[Reason, ...]) -> Reason:
    """Return the reason for which some hold together."""
    return Reason(
        of=tuple(sorted({name for reason in way for name in reason.of})),
        rank=max(reason.rank for reason in way),
        selects_none=any(reason.selects_none for reason in way),
        undoable=all(reason.undoable for reason in way),
    )
