"""Accelerated titration followed by 3+3; the registered protocol is one setting of it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from doseopt.core.design import Row
from doseopt.core.facts import Facts
from doseopt.core.outcome_space import GRADED, TOXICITY
from doseopt.core.parameters import Fault, param
from doseopt.core.state import Decision, IntArray, TrialState
from doseopt.designs.modifiers.titrate import Titrate
from doseopt.designs.three_plus_three import ThreePlusThree

UNTIL = {"first_dlt": "dlt", "first_moderate": "grade2", "second_moderate": "second_grade2"}
"""The triggers, as `Titrate` names them."""


@dataclass(frozen=True)
class AcceleratedTitration(ThreePlusThree):
    """Small cohorts up the first dose levels until a trigger, then 3+3: a form of `Titrate`.

    While the dose is one of the first `titrate` levels and no trigger has occurred, one cohort of `titration_cohort`
    patients is treated and the dose goes up. From the trigger, or from the first level after the titration phase on,
    the 3+3 rules govern: a dose with fewer than 3 patients is filled to 3, and so on.

    Parameters
    ----------
    titrate : int
        Dose levels in the titration phase, 0 to the number of doses. 0 is plain 3+3.
    titration_cohort : int
        Patients in a titration cohort, 1 to 6.
    trigger : {"first_dlt", "first_moderate", "second_moderate"}
        What ends titration: the first DLT, or also the first or second moderate (grade 2) toxicity in it.
    after_dlt : {"fill", "three_new"}
        A titration dose with a DLT: filled to 3, the titration patients counted; or 3 new patients, the 3+3 rule and
        the definition of the MTD then being on the new ones, however many of a larger titration cohort had a DLT.

    Notes
    -----
    Names: "accelerated titration design", "ATD+3+3". Simon et al. end titration at the first DLT or the second
    grade-2 toxicity (``"second_moderate"``). R's PhIdesign fills the last titration dose L to 3 where this design goes
    up: its L is ``titrate = L - 1`` here. Software of the BOIN family calls the last titration level the titration cap.

    References
    ----------
    Simon et al. 1997, Journal of the National Cancer Institute 89:1138.

    Examples
    --------
    Single patients go up; the first DLT brings two more patients to its dose:

    >>> from doseopt import AcceleratedTitration, after
    >>> design = AcceleratedTitration(doses=3, target=0.25, titrate=3)
    >>> [design.decide(after(design, seen)).size.item() for seen in ("1N", "1N 2T")]
    [1, 2]
    """

    titrate: int = param(1, low=0, doc="dose levels in the titration phase")
    titration_cohort: int = param(1, low=1, high=6, readings=(1, 2, 3), doc="patients in a titration cohort")
    trigger: str = param("first_dlt", choices=tuple(UNTIL), doc="what ends titration")
    after_dlt: str = param("fill", choices=("fill", "three_new"), doc="a titration dose with a DLT")

    def _faults(self) -> list[Fault]:
        found = super()._faults()
        if isinstance(self.titrate, int) and isinstance(self.doses, int) and self.titrate > self.doses:
            found.append(Fault("titrate", f"wanted 0 to {self.doses} dose levels, got {self.titrate}"))
        return found

    @property
    def _graded(self) -> bool:
        return self.trigger != "first_dlt"

    @cached_property
    def facts(self) -> Facts:
        """Kept: moderate toxicities seen in titration; the titration cohort that the 3+3 rule leaves out."""
        moderate = ("moderate",) if self._graded else ()
        left_out = ("left_out_level", "left_out_n", "left_out_y") if self.after_dlt == "three_new" else ()
        return dataclasses.replace(
            super().facts, outcomes=GRADED if self._graded else TOXICITY, memory=moderate + left_out, titration=True
        )

    @cached_property
    def _titration(self) -> Titrate:
        """The titration, where there is one; the last dose given says where it is."""
        way = "three_new" if self.after_dlt == "three_new" else "next"
        until, levels = UNTIL[self.trigger], max(self.titrate, 1)
        return Titrate(until, levels, self.titration_cohort, way, "next", size=3, start=self.start - 1, strict=False)

    def remember(self, before: TrialState, given: Decision, outcome: IntArray) -> IntArray:
        """Count moderate toxicities of titration patients, and keep the cohort that is left out."""
        return self._titration.remember(before, given, outcome) if self.titrate else before.memory.copy()

    def counted(self, state: TrialState) -> tuple[IntArray, IntArray]:
        """Return the patients and DLTs that the 3+3 rule counts, [S, D] each."""
        return self._titration.counted(state) if self.titrate else (state.n, state.y)

    def first(self) -> Decision:
        """Return the first cohort."""
        size = self.titration_cohort if self.start <= self.titrate else 3
        return Decision(np.array([self.start - 1]), np.array([size]), np.array([0]))

    def decide(self, state: TrialState) -> Decision:
        """Go up while titrating, then apply the 3+3 rule."""
        rule = super().decide(state)
        if not self.titrate:
            return rule
        rising, finished, upward = self._titration.rises(state)
        up = rising | (finished & (upward < self.doses))
        size = np.where(rising, self.titration_cohort, 3)
        return Decision(np.where(up, upward, rule.dose), np.where(up, size, rule.size), np.where(up, 0, rule.stop))

    def describe(self) -> list[Row]:
        """Return the titration rules, then those of 3+3."""
        ends = {
            "first_dlt": "the first DLT",
            "first_moderate": "the first DLT or moderate toxicity",
            "second_moderate": "the first DLT or the second moderate toxicity",
        }
        filled = {"fill": "filled to 3, its patients counted", "three_new": "3 new patients, the rule being on these"}
        many = "none" if self.titrate == 0 else "level 1" if self.titrate == 1 else f"levels 1 to {self.titrate}"
        return [
            Row("titration", f"cohorts of {self.titration_cohort} at {many}, then 3+3", "Simon et al. 1997"),
            Row("what ends titration early", ends[self.trigger], "reading"),
            Row("a titration dose with a DLT", filled[self.after_dlt], "reading"),
            *super().describe(),
        ]
