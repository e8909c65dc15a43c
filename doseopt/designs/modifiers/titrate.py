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

    Over a design that decides while patients are pending, each cohort of the titration is followed up before the next
    level is given; a DLT ends it at once. A moderate toxicity, which no law of the onset dates, counts when the DLT
    window of its patient is over. A cohort is followed up at the last level, too, where a moderate toxicity could end
    the titration there or the cohort could be left out; with ``"three_new"`` also after a DLT, so that all who are
    left out are known when others come.

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

    until: str | int = param(
        "dlt", custom=lambda v: level_or(v, tuple(TRIGGERS)), doc="what ends it; grade 2 counts after follow-up"
    )
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
    pending: bool = field(default=False, repr=False, compare=False)
    """Whether the base design decides while patients are pending."""

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
        """Moderate toxicities seen in the titration; the cohort that the design does not count.

        Where patients may be pending, also whether the last cohort opened is one of the titration.
        """
        left_out = ("left_out_level", "left_out_n", "left_out_y") if self.after == "three_new" else ()
        kept = (*(("moderate",) if self.graded else ()), *left_out)
        return (*kept, "titrating") if kept and self.pending else kept

    @property
    def _left_out(self) -> slice:
        """Where in the memory the cohort stands that the design does not count."""
        return slice(int(self.graded), int(self.graded) + 3)

    def bind(self, base: Design) -> Self:
        """Take the design's first cohort, and whether it decides while patients are pending."""
        first = base.first()
        return dataclasses.replace(self, size=int(first.size[0]), start=int(first.dose[0]), pending=base.facts.pending)

    def clash(self, base: Design) -> Fault | None:
        """Refuse a second titration, more levels than there are, and what a design with efficacy does not tell."""
        for name, level in (("levels", self.levels), ("until", self.until)):
            if isinstance(level, int) and level > base.facts.doses:
                return Fault(name, f"wanted a level of 1 to {base.facts.doses}, got {level}")
        if base.facts.titration:
            return Fault("", "wanted one titration, got this and the design's own; drop one of them")
        if base.facts.responses and self.memory:
            return Fault("", 'wanted until = "dlt" and after = "fill" or "next" over a design that looks at efficacy')
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
        """Count moderate toxicities of titration patients, and keep the cohort that is left out.

        Where patients may be pending, the cohort before is kept: its outcomes are known when the next is opened.
        """
        if not self.memory:
            return np.zeros((len(before), 0), np.int64)
        untried = before.n[np.arange(len(before)), given.dose] == 0
        within = (given.dose >= self.start) & (given.dose < self.last(before.n.shape[1]))
        titrating = within & untried & self.small(before) & ~self.ended(before)
        memory = before.memory.copy()
        if self.graded:
            memory[:, 0] = np.minimum(memory[:, 0] + titrating * outcome[:, 1], self.threshold)
        if self.after == "three_new":
            struck = titrating & (outcome[:, 0] > 0) & (not self.pending)
            cohort = np.stack([given.dose + 1, outcome.sum(axis=1), outcome[:, 0]], axis=1)
            memory[:, self._left_out] = np.where(struck[:, None], cohort, self._cohort_left_out(before))
        if self.pending:
            memory[:, -1] = titrating
        return memory

    def _cohort_left_out(self, state: TrialState) -> IntArray:
        """Return the level, from 1, the patients and the DLTs that the design does not count, 0 for none, [S, 3]."""
        kept = state.memory[:, self._left_out]
        if not self.pending:
            return kept
        at = np.maximum(state.dose, 0)
        last = np.stack([at + 1, state.n[state.at, at], state.y[state.at, at]], axis=1)
        return np.where(((state.memory[:, -1] > 0) & (last[:, 2] > 0))[:, None], last, kept)

    def counted(self, state: TrialState) -> tuple[IntArray, IntArray]:
        """Return the patients and DLTs that the design counts, [S, D] each."""
        if self.after != "three_new":
            return state.n, state.y
        level, n, y = self._cohort_left_out(state).T[..., None]
        left_out = np.arange(1, state.n.shape[1] + 1) == level
        return state.n - left_out * n, state.y - left_out * y

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
        new = struck & (self._cohort_left_out(state)[:, 0] == at + 1 if self.after == "three_new" else False)
        fill = (struck & ~new & (self.after != "next")) | (finished & (self.at_last == "fill"))
        fill &= has < self.size
        dose = np.where(fill | new, at, dose)
        size = np.where(fill, self.size - has, np.where(new, self.size, size))
        beyond = finished & (self.at_last == "next") & (upward < state.n.shape[1])
        dose, size = np.where(beyond, upward, dose), np.where(beyond, self.size, size)
        waits = (rising | self._open(state)) & (state.total > resolved)
        return Decision(np.where(waits, state.dose, dose), np.where(waits, 0, size), decision.stop)

    def _open(self, state: TrialState) -> BoolArray:
        """Tell where pending patients of the last cohort may end the titration, or are to be left out, [S]."""
        if not (self.pending and self.memory):
            return np.zeros(len(state), bool)
        return (state.memory[:, -1] > 0) & (~self.ended(state) | (self.after == "three_new"))

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
        waits = "; each is followed up before the next level" if self.pending else ""
        waits += ", and a moderate toxicity counts when the DLT window is over" if waits and self.graded else ""
        return [Row("titration", f"{many} at {reach}, until {ends}{filled[self.after]}{tail[self.at_last]}{waits}")]
