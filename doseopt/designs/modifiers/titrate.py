"""Titration: small cohorts up the dose levels before the design proper begins."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import ClassVar, Self

import numpy as np

from doseopt.core.design import Design, Phase, Row
from doseopt.core.parameters import MOST_DOSES, Fault, check, param
from doseopt.core.state import BoolArray, Decision, IntArray, Pending, TrialState
from doseopt.designs.modifiers.rule import Rule
from doseopt.designs.modifiers.stopping import level_or

TRIGGERS = {"dlt": 0, "grade2": 1, "second_grade2": 2}
"""Moderate toxicities (grade 2 or worse without a DLT) that end a titration, 0 for none; the first DLT always does."""


@dataclass(frozen=True)
class Titrate(Rule):
    """Small cohorts up the levels until a trigger, or until the last level of the titration; then the design decides.

    Parameters
    ----------
    until : {"dlt", "grade2", "second_grade2"} or int
        What ends it: the first DLT; or also the first, or the second, moderate toxicity (grade 2) of its patients. A
        level is its last level, and it ends at the first DLT before.
    levels : int, optional
        Its last level, counted from 1; left out: the highest.
    cohort : int
        Patients at a level.
    after : {"fill", "next", "three_new"}
        What follows at the dose of the trigger: it is filled to the design's cohort size, the first patients counted;
        the design decides at once; or it gets a full new cohort, and the design does not count the first patients.
    at_last : {"rule", "next", "fill"}
        What follows the last level without a trigger: the design decides; the next level with a full cohort; or that
        level is filled to one.

    Where a moderate toxicity ends it, ``"three_new"`` fills: it is about a dose with a DLT.

    Notes
    -----
    The one statement of titration. `run_in` of L levels is ``levels = L, after = "next"`` (``"fill"`` with its
    `top_up`); BOIN's `titration` is ``after = "fill", at_last = "fill"``; `accelerated_titration` is a 3+3 with
    ``at_last = "next"``. The outcomes 1N 2N 3N 4T tell the ways apart: ``"fill"`` gives two more at level 4,
    ``"three_new"`` three more there, with ``"next"`` BOIN goes down to level 3. It ends, too, when a dose has more
    patients than its cohorts: the trial is then beyond it.

    References
    ----------
    Simon et al. 1997, Journal of the National Cancer Institute 89:1138.

    Examples
    --------
    >>> from doseopt import BOIN, Modified, Titrate, after
    >>> for way in ("fill", "next", "three_new"):
    ...     design = Modified(BOIN(doses=5, target=0.25), (Titrate(after=way),))
    ...     given = design.decide(after(design, "1N 2N 3N 4T"))
    ...     given.dose.item() + 1, given.size.item()
    (4, 2)
    (3, 3)
    (4, 3)
    """

    until: str | int = param("dlt", custom=lambda v: level_or(v, tuple(TRIGGERS)), doc="what ends the titration")
    levels: int | None = param(None, kind=int, low=1, high=MOST_DOSES, optional=True, doc="its last level")
    cohort: int = param(1, low=1, high=100, doc="patients at a level")
    after: str = param("fill", choices=("fill", "next", "three_new"), doc="what follows at the dose of the trigger")
    at_last: str = param("rule", choices=("rule", "next", "fill"), doc="what follows its last level without a trigger")

    size: int = field(default=1, repr=False, compare=False)
    """The base design's cohort size."""
    start: int = field(default=0, repr=False, compare=False)
    """Where the base design starts, counted from 0."""
    strict: bool = field(default=True, repr=False, compare=False)
    """Whether it is over when a dose has more patients than its cohorts; else the last dose alone says where it is."""

    phase: ClassVar[Phase] = Phase.RUN_IN
    sees_pending: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Check the parameters."""
        check(self, self._faults)

    def _faults(self) -> list[Fault]:
        both = isinstance(self.until, int) and self.levels is not None
        return [Fault("levels", "wanted it or a level as until, got both")] if both else []

    @classmethod
    def example(cls) -> Self:
        """Return the rule as the conformance checks try it."""
        return cls(levels=2, after="three_new")

    @property
    def threshold(self) -> int:
        """Moderate toxicities that end it, 0 for none."""
        return TRIGGERS[self.until] if isinstance(self.until, str) else 0

    @property
    def graded(self) -> bool:
        """Whether moderate toxicities are told from none."""
        return self.threshold > 0

    @property
    def memory(self) -> tuple[str, ...]:
        """Moderate toxicities seen in the titration; the cohort that the design does not count."""
        left_out = ("left_out_level", "left_out_n", "left_out_y") if self.after == "three_new" else ()
        return (*(("moderate",) if self.graded else ()), *left_out)

    def bind(self, base: Design) -> Self:
        """Take the design's first cohort."""
        first = base.first()
        return dataclasses.replace(self, size=int(first.size[0]), start=int(first.dose[0]))

    def clash(self, base: Design) -> Fault | None:
        """Refuse a second titration, more levels than there are, and what cannot be told of pending patients."""
        for name, level in (("levels", self.levels), ("until", self.until)):
            if isinstance(level, int) and level > base.facts.doses:
                return Fault(name, f"wanted a level of 1 to {base.facts.doses}, got {level}")
        if base.facts.titration:
            return Fault("", "wanted one titration, got this and the design's own; drop one of them")
        if (base.facts.pending or base.facts.responses) and self.memory:
            what = "decides while patients are pending" if base.facts.pending else "looks at efficacy"
            return Fault("", f'wanted until = "dlt" and after = "fill" or "next" over a design that {what}')
        return None

    def with_dose(self, position: int, value: float) -> Self:
        """Keep the level that ends it."""
        if isinstance(self.until, int) and self.until > position:
            return dataclasses.replace(self, until=self.until + 1)
        above = self.levels is not None and self.levels > position
        return dataclasses.replace(self, levels=self.levels + 1) if above and self.levels else self

    def last(self, doses: int) -> int:
        """Return its last level, counted from 1."""
        return min(self.until if isinstance(self.until, int) else self.levels or doses, doses)

    def ended(self, state: TrialState) -> BoolArray:
        """Tell where a trigger has occurred, [S]."""
        ended: BoolArray = state.y.any(axis=1)
        return ended | (state.memory[:, 0] >= self.threshold) if self.graded else ended

    def small(self, state: TrialState) -> BoolArray:
        """Tell where no dose has more patients than a titration cohort, [S]; everywhere unless it is strict."""
        return (state.n <= self.cohort).all(axis=1) | (not self.strict)

    def remember(self, before: TrialState, given: Decision, outcome: IntArray) -> IntArray:
        """Count moderate toxicities of titration patients, and keep the cohort that is left out."""
        if not self.memory:
            return np.zeros((len(before), 0), np.int64)
        untried = before.n[np.arange(len(before)), given.dose] == 0
        within = given.dose < self.last(before.n.shape[1])
        titrating = within & untried & self.small(before) & ~self.ended(before)
        memory = before.memory.copy()
        if self.graded:
            seen = np.minimum(memory[:, 0] + outcome[:, 1], self.threshold)
            memory[:, 0] = np.where(titrating, seen, memory[:, 0])
        if self.after == "three_new":
            struck = outcome[:, 0] > 0
            cohort = np.stack([given.dose + 1, outcome.sum(axis=1), outcome[:, 0]], axis=1)
            memory[:, -3:] = np.where((titrating & struck)[:, None], cohort, memory[:, -3:])
        return memory

    def counted(self, state: TrialState) -> tuple[IntArray, IntArray]:
        """Return the patients and DLTs that the design counts, [S, D] each."""
        if self.after != "three_new":
            return state.n, state.y
        left_out = np.arange(1, state.n.shape[1] + 1) == state.memory[:, -3:-2]
        return state.n - left_out * state.memory[:, -2:-1], state.y - left_out * state.memory[:, -1:]

    def rises(self, state: TrialState) -> tuple[BoolArray, BoolArray, IntArray]:
        """Return where it goes up, where it is at its last level without a trigger, and the next level, [S] each."""
        doses = state.n.shape[1]
        upward = (state.highest_tried if self.strict else state.dose) + 1
        tried = self.start + state.tried.sum(axis=1) if self.strict else state.dose + 1
        on = self.small(state) & ~self.ended(state)
        rising = on & (tried < self.last(doses)) & (upward < doses)
        finished = on & ~rising & (state.dose + 1 == upward) & (tried <= self.last(doses)) & state.started
        return rising, finished, upward

    def __call__(self, state: TrialState, decision: Decision, pending: Pending | None = None) -> Decision:
        """Send small cohorts up, and say what follows them."""
        resolved, state = state.total, state.treated(pending)
        rising, finished, upward = self.rises(state)
        dose, size = np.where(rising & state.started, upward, decision.dose), decision.size
        size = np.where(rising, self.cohort, size)
        at = np.maximum(state.dose, 0)
        has, dlts = state.n[state.at, at], state.y[state.at, at]
        struck = self.small(state) & state.started & self.ended(state) & (state.y.sum(axis=1) == dlts)
        struck &= self.start + state.tried.sum(axis=1) <= self.last(state.n.shape[1])
        new = struck & (state.memory[:, -3] == at + 1 if self.after == "three_new" else False)
        fill = (struck & ~new & (self.after != "next")) | (finished & (self.at_last == "fill"))
        fill &= has < self.size
        dose = np.where(fill | new, at, dose)
        size = np.where(fill, self.size - has, np.where(new, self.size, size))
        beyond = finished & (self.at_last == "next") & (upward < state.n.shape[1])
        dose, size = np.where(beyond, upward, dose), np.where(beyond, self.size, size)
        waits = rising & (state.total > resolved)
        return Decision(np.where(waits, state.dose, dose), np.where(waits, 0, size), decision.stop)

    def describe(self) -> list[Row]:
        """Return the rule in words."""
        ends = {
            "grade2": "the first DLT or moderate toxicity",
            "second_grade2": "the first DLT or the second moderate toxicity",
        }.get(str(self.until), "the first DLT")
        last = self.until if isinstance(self.until, int) else self.levels
        many = "one patient" if self.cohort == 1 else f"{self.cohort} patients"
        reach = "each level" if last is None else "the first level" if last == 1 else f"each level up to level {last}"
        filled = {
            "fill": "; the dose of the trigger is then filled to the cohort size",
            "next": "",
            "three_new": "; the dose of the trigger then gets a full new cohort, its first patients not counted",
        }
        tail = {
            "rule": "",
            "next": "; after the last level without one, a full cohort at the next",
            "fill": "; the last level without one is filled to the cohort size",
        }
        return [Row("titration", f"{many} at {reach}, until {ends}{filled[self.after]}{tail[self.at_last]}")]
