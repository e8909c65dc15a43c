"""Accelerated titration followed by 3+3; the registered protocol is one setting of it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from doseopt.core.design import Row
from doseopt.core.facts import Facts
from doseopt.core.outcome_space import GRADED, TOXICITY
from doseopt.core.parameters import Fault, param
from doseopt.core.state import BoolArray, Decision, IntArray, TrialState
from doseopt.designs.three_plus_three import ThreePlusThree

THRESHOLD = {"first_dlt": 0, "first_moderate": 1, "second_moderate": 2}


@dataclass(frozen=True)
class AcceleratedTitration(ThreePlusThree):
    """Small cohorts up the first dose levels until a trigger, then 3+3.

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
    trigger: str = param("first_dlt", choices=tuple(THRESHOLD), doc="what ends titration")
    after_dlt: str = param("fill", choices=("fill", "three_new"), doc="a titration dose with a DLT")

    def _faults(self) -> list[Fault]:
        found = super()._faults()
        if isinstance(self.titrate, int) and isinstance(self.doses, int) and self.titrate > self.doses:
            found.append(Fault("titrate", f"wanted 0 to {self.doses} dose levels, got {self.titrate}"))
        return found

    @property
    def _graded(self) -> bool:
        return self.trigger != "first_dlt"

    @property
    def facts(self) -> Facts:
        """Kept: moderate toxicities seen in titration; the titration cohort that the 3+3 rule leaves out."""
        moderate = ("moderate",) if self._graded else ()
        left_out = ("left_out_level", "left_out_n", "left_out_y") if self.after_dlt == "three_new" else ()
        return dataclasses.replace(
            super().facts, outcomes=GRADED if self._graded else TOXICITY, memory=moderate + left_out, titration=True
        )

    def _ended(self, state: TrialState) -> BoolArray:
        """Whether a trigger has occurred, [S]."""
        ended: BoolArray = state.y.any(axis=1)
        if self._graded:
            ended = ended | (state.memory[:, 0] >= THRESHOLD[self.trigger])
        return ended

    def remember(self, before: TrialState, given: Decision, outcome: IntArray) -> IntArray:
        """Count moderate toxicities of titration patients, and keep the cohort that is left out."""
        untried = before.n[np.arange(len(before)), given.dose] == 0
        titrating = (given.dose < self.titrate) & untried & ~self._ended(before)
        memory = before.memory.copy()
        if self._graded:
            seen = np.minimum(memory[:, 0] + outcome[:, 1], THRESHOLD[self.trigger])
            memory[:, 0] = np.where(titrating, seen, memory[:, 0])
        if self.after_dlt == "three_new":
            struck = titrating & (outcome[:, 0] > 0)
            cohort = np.stack([given.dose + 1, outcome.sum(axis=1), outcome[:, 0]], axis=1)
            memory[:, -3:] = np.where(struck[:, None], cohort, memory[:, -3:])
        return memory

    def counted(self, state: TrialState) -> tuple[IntArray, IntArray]:
        """Return the patients and DLTs that the 3+3 rule counts, [S, D] each."""
        if self.after_dlt == "fill":
            return state.n, state.y
        left_out = np.arange(1, self.doses + 1) == state.memory[:, -3:-2]
        return state.n - left_out * state.memory[:, -2:-1], state.y - left_out * state.memory[:, -1:]

    def first(self) -> Decision:
        """Return the first cohort."""
        size = self.titration_cohort if self.start <= self.titrate else 3
        return Decision(np.array([self.start - 1]), np.array([size]), np.array([0]))

    def decide(self, state: TrialState) -> Decision:
        """Go up while titrating, then apply the 3+3 rule."""
        rule = super().decide(state)
        up = (state.dose < min(self.titrate, self.doses - 1)) & ~self._ended(state)
        size = np.where(state.dose + 1 < self.titrate, self.titration_cohort, 3)
        return Decision(
            np.where(up, state.dose + 1, rule.dose), np.where(up, size, rule.size), np.where(up, 0, rule.stop)
        )

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
