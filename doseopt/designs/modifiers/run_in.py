"""Single patients up the dose levels before the design proper begins."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import ClassVar, Self

import numpy as np

from doseopt.core.design import Design, Phase, Row
from doseopt.core.parameters import Fault, param
from doseopt.core.state import BoolArray, Decision, Pending, TrialState
from doseopt.designs.modifiers.rule import Rule


def single_patient_part(state: TrialState, levels: int) -> tuple[BoolArray, BoolArray]:
    """Tell, from the tally alone, which trials are in a run-in of single patients.

    Returns
    -------
    rising : bool array [S]
        No DLT yet, and fewer than `levels` levels have had their single patient.
    struck : bool array [S]
        Every dose tried has one patient and the highest, the last given, had the first DLT.
    """
    singles = (state.n <= 1).all(axis=1)
    count = state.total
    clean = ~state.y.any(axis=1)
    at = np.maximum(state.dose, 0)
    struck = singles & state.started & (state.y.sum(axis=1) == 1) & (state.y[state.at, at] == 1) & (count <= levels)
    return singles & clean & (count < levels), struck


@dataclass(frozen=True)
class RunIn(Rule):
    """Single patients up the dose levels, until the first DLT or until `levels` levels have had theirs.

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

    phase: ClassVar[Phase] = Phase.RUN_IN
    sees_pending: ClassVar[bool] = True

    @classmethod
    def example(cls) -> Self:
        """Return the rule as the conformance checks try it."""
        return cls(levels=2, top_up=True)

    def bind(self, base: Design) -> Self:
        """Take the design's cohort size."""
        return dataclasses.replace(self, cohort=int(base.first().size[0]))

    def clash(self, base: Design) -> Fault | None:
        """Refuse a second titration, and more levels than there are."""
        if self.levels > base.facts.doses:
            return Fault("levels", f"wanted 1 to {base.facts.doses} levels, got {self.levels}")
        if base.facts.titration:
            return Fault("", "wanted one run-in, got this and the design's own titration; drop one of them")
        return None

    def __call__(self, state: TrialState, decision: Decision, pending: Pending | None = None) -> Decision:
        """Send single patients up; the first starts where the base starts."""
        resolved, state = state.total, state.treated(pending)
        rising, struck = single_patient_part(state, min(self.levels, state.n.shape[1]))
        upward = np.where(state.started, state.highest_tried + 1, decision.dose)
        rising = rising & (upward < state.n.shape[1])
        dose, size = np.where(rising, upward, decision.dose), np.where(rising, 1, decision.size)
        if self.top_up:
            fill = struck & (self.cohort > 1)
            dose, size = np.where(fill, state.dose, dose), np.where(fill, self.cohort - 1, size)
        waits = rising & (state.total > resolved)
        return Decision(np.where(waits, state.dose, dose), np.where(waits, 0, size), decision.stop)

    def describe(self) -> list[Row]:
        """Return the rule in words."""
        tail = "; the dose of the first DLT is then filled to the cohort size" if self.top_up else ""
        many = "the first level" if self.levels == 1 else f"each of the first {self.levels} levels"
        return [Row("run-in", f"one patient at {many}, until the first DLT{tail}")]
