"""Single patients up the dose levels before the design proper begins."""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass, field
from typing import ClassVar, Self

from doseopt.core.design import Design, Phase, Row
from doseopt.core.parameters import Fault, param
from doseopt.core.state import Decision, Pending, TrialState
from doseopt.designs.modifiers.rule import Rule
from doseopt.designs.modifiers.titrate import Titrate


@dataclass(frozen=True)
class RunIn(Rule):
    """Single patients up the dose levels, until the first DLT or until `levels` levels have had theirs.

    A form of `Titrate`, with levels counted from where the design starts.

    While no DLT has been seen and fewer than `levels` levels have had their single patient, one patient is treated at
    the next level, whatever the base design says. Afterwards the base decides, with a full cohort. It reads the tally
    only. Over a design that decides while patients are pending it waits for each of its patients.

    Parameters
    ----------
    levels : int
        Dose levels in the run-in.
    top_up : bool
        Fill the dose of the first DLT to the cohort size before the base decides.

    Examples
    --------
    >>> from doseopt import BOIN, Modified, RunIn, after
    >>> design = Modified(BOIN(doses=3, target=0.25), (RunIn(levels=2),))
    >>> [design.decide(after(design, seen)).size.item() for seen in ("", "1N", "1N 2N")]
    [1, 1, 3]
    """

    levels: int = param(kind=int, low=1, doc="dose levels that get a single patient")
    top_up: bool = param(False, doc="fill the dose of the first DLT to the cohort size")

    cohort: int = field(default=1, repr=False, compare=False)
    """The base design's cohort size."""
    start: int = field(default=0, repr=False, compare=False)
    """Where the base design starts, counted from 0."""

    phase: ClassVar[Phase] = Phase.RUN_IN
    sees_pending: ClassVar[bool] = True

    @classmethod
    def example(cls) -> Self:
        """Return the rule as the conformance checks try it."""
        return cls(levels=2, top_up=True)

    def bind(self, base: Design) -> Self:
        """Take the design's first cohort."""
        first = base.first()
        return dataclasses.replace(self, cohort=int(first.size[0]), start=int(first.dose[0]))

    def clash(self, base: Design) -> Fault | None:
        """Refuse a second titration, and more levels than there are."""
        if self.levels > base.facts.doses:
            return Fault("levels", f"wanted 1 to {base.facts.doses} levels, got {self.levels}")
        if base.facts.titration:
            return Fault("", "wanted one run-in, got this and the design's own titration; drop one of them")
        return None

    def __call__(self, state: TrialState, decision: Decision, pending: Pending | None = None) -> Decision:
        """Send single patients up; the first starts where the base starts."""
        last = min(self.start + self.levels, state.n.shape[1])
        way = "fill" if self.top_up else "next"
        return _titrate(last, way, self.cohort, self.start)(state, decision, pending)

    def describe(self) -> list[Row]:
        """Return the rule in words."""
        tail = "; the dose of the first DLT is then filled to the cohort size" if self.top_up else ""
        many = "the first level" if self.levels == 1 else f"each of the first {self.levels} levels"
        return [Row("run-in", f"one patient at {many}, until the first DLT{tail}")]


@functools.lru_cache(maxsize=16)  # a batch of trials asks for it, whose parameters would be checked each time
def _titrate(levels: int, after: str, size: int, start: int) -> Titrate:
    return Titrate(levels=levels, after=after, size=size, start=start)
