"""The 3+3 design in its published variants."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Self

import numpy as np

from doseopt.core.definition import SIX_AT_CAP, TRIED
from doseopt.core.design import Row
from doseopt.core.facts import Facts
from doseopt.core.parameters import MOST_DOSES, Fault, param
from doseopt.core.state import NONE, BoolArray, Decision, IntArray, TrialState
from doseopt.designs.defaults import Defaults

COMPLETE, TOO_TOXIC = 1, 2


@dataclass(frozen=True)
class ThreePlusThree(Defaults):
    """3+3 (A+B with A = B = 3), with or without de-escalation.

    0/3: up. 1/3: three more, then up at 1/6. At least 2: the dose is too toxic; it and all above are excluded. What is
    done about a dose below an excluded one depends on the tallies, not on the order in which the doses were given.

    Parameters
    ----------
    doses : int
    target : float
        Not used by the rule; the rate that other designs and modifiers are compared at.
    start : int
        First dose level, counted from 1.
    on_descent : {"three_then_six", "six", "declare"}
        A dose below an excluded one that has fewer than 6 patients: filled to 3 and then to 6; filled to 6 at once;
        or declared the MTD as it stands (no de-escalation), even if `start` is above it and nobody was treated there.
    confirm_top : bool
        Six patients before the top dose can be the MTD; otherwise 0 of 3 suffices there.
    mtd_at_cap : {"definition", "not_excluded"}
        The MTD when something else stops the trial: the highest dose with at most 1 DLT in at least 6, or the highest
        dose tried that is not excluded.

    Notes
    -----
    Names: "3+3", "traditional", "A+B without / with de-escalation". Variant 1 of the package's documentation is
    ``on_descent="declare", confirm_top=False`` (Storer 1989), variant 2 ``confirm_top=False``, variant 3 the default
    (Korn 1994 asks six patients at the MTD). They differ in their operating characteristics, and R packages in which
    they implement.

    References
    ----------
    Storer 1989, Biometrics 45:925; Korn et al. 1994, Statistics in Medicine 13:1799; Lin & Shih 2001, Biostatistics
    2:203.

    Examples
    --------
    Up after 0 of 3 DLTs, three more after 1 of 3, down after 2 of 3:

    >>> from doseopt import ThreePlusThree, after
    >>> design = ThreePlusThree(doses=3, target=0.25)
    >>> [design.decide(after(design, f"1NNN 2{seen}")).dose.item() + 1 for seen in ("NNN", "NNT", "NTT")]
    [3, 2, 1]
    """

    doses: int = param(kind=int, low=1, high=MOST_DOSES)
    target: float = param(kind=float, low=0, high=1, open_low=True, open_high=True, doc="target DLT rate")
    start: int = param(1, low=1, doc="first dose level")
    on_descent: str = param(
        "three_then_six", choices=("three_then_six", "six", "declare"), doc="a dose below an excluded one"
    )
    confirm_top: bool = param(True, doc="six patients before the top dose can be the MTD")
    mtd_at_cap: str = param(
        "definition",
        choices=("definition", "not_excluded"),
        declares=True,
        doc="MTD when the enrolment cap stops the trial",
    )

    @classmethod
    def example(cls) -> Self:
        """Return the design as the conformance checks try it."""
        return cls(doses=4, target=0.25)

    def _faults(self) -> list[Fault]:
        found = super()._faults()
        if self.on_descent == "declare" and self.confirm_top:
            message = (
                'wanted false with on_descent = "declare" (a design that never goes back confirms nothing), got true'
            )
            found.append(Fault("confirm_top", message))
        return found

    @property
    def facts(self) -> Facts:
        """What is fixed before the trial begins; the rule counts in threes and sixes."""
        return dataclasses.replace(
            super().facts,
            stops=("complete", "too_toxic"),
            undoable=("complete",),
            ends=True,
            skips=False,
            exclusion="2 or more DLTs at this dose or a lower one",
            sizes_own_cohorts=True,
            aims=False,
        )

    def first(self) -> Decision:
        """Return the first cohort: three patients."""
        return Decision(np.array([self.start - 1]), np.array([3]), np.array([0]))

    def counted(self, state: TrialState) -> tuple[IntArray, IntArray]:
        """Return the patients and DLTs that the rule counts, [S, D] each."""
        return state.n, state.y

    def admissible(self, state: TrialState) -> BoolArray:
        """Exclude a dose with 2 DLTs or more, and all above it."""
        return ~np.logical_or.accumulate(self.counted(state)[1] >= 2, axis=1)

    def decide(self, state: TrialState) -> Decision:
        """Apply the rule to each trial."""
        n, y = self.counted(state)
        rows = zip(n.tolist(), y.tolist(), state.dose.tolist(), strict=True)
        answers = np.array([self._decide_one(*row) for row in rows], np.int64).reshape(-1, 3)
        return Decision(answers[:, 0], answers[:, 1], answers[:, 2])

    def _decide_one(self, n: list[int], y: list[int], at: int) -> tuple[int, int, int]:
        """Return the next dose, the cohort size and the stop code of one trial."""
        excluded = next((j for j, dlts in enumerate(y) if dlts >= 2), self.doses)
        if at >= excluded or (excluded < self.doses and self.on_descent == "declare"):
            return self._descend(n, excluded)
        closed = at + 1 == excluded < self.doses
        if n[at] < 3 and not (closed and self.on_descent == "six"):
            return at, 3 - n[at], 0
        if y[at] == 1 and n[at] < 6:
            return at, 6 - n[at], 0
        if at + 1 < excluded:
            return self._decide_one(n, y, at + 1)
        if n[at] < 6 and (closed or self.confirm_top):
            return at, 6 - n[at], 0
        return at, 0, COMPLETE

    def _descend(self, n: list[int], at: int) -> tuple[int, int, int]:
        """Go down from an excluded dose."""
        below = at - 1
        if below < 0:
            return at, 0, TOO_TOXIC
        if n[below] >= 6 or self.on_descent == "declare":
            return below, 0, COMPLETE
        full = 3 if n[below] < 3 and self.on_descent == "three_then_six" else 6
        return below, full - n[below], 0

    def select(self, state: TrialState, stop: IntArray) -> IntArray:
        """Return the MTD: the dose the rule ended on, or what `mtd_at_cap` says when something else ended the trial."""
        names = SIX_AT_CAP if self.mtd_at_cap == "definition" else TRIED
        found = self.select_among(state, stop, names.met(*self.counted(state)))
        return np.where(stop == COMPLETE, self.decide(state).dose, found)

    def select_among(self, state: TrialState, stop: IntArray, allowed: BoolArray) -> IntArray:
        """Return the dose the rule ended on, if it is one of some; else the highest of them, tried and not excluded."""
        open_ = allowed & self.admissible(state) & (self.counted(state)[0] > 0)
        highest = np.where(open_, np.arange(self.doses), NONE).max(axis=1)
        own = self.decide(state).dose
        kept = (stop == COMPLETE) & allowed[np.arange(len(own)), own]
        return np.where(kept, own, np.where(stop == TOO_TOXIC, NONE, highest))

    def describe(self) -> list[Row]:
        """Return the rule, the reading chosen for each of its silences, and the source."""
        descent = {
            "three_then_six": "filled to 3 and then to 6",
            "six": "filled to 6 at once",
            "declare": "declared the MTD as it stands (no de-escalation)",
        }
        cap = {
            "definition": "the highest dose with at most 1 DLT in at least 6; none if there is none",
            "not_excluded": "the highest dose tried that is not excluded",
        }
        return [
            Row(
                "escalation",
                "0/3: up; 1/3: three more, up at 1/6; 2 or more: dose excluded, with all above",
                "Storer 1989",
            ),
            Row("a dose below an excluded one with fewer than 6", descent[self.on_descent], "reading"),
            Row("top dose after 0/3", "filled to 6" if self.confirm_top else "declared on 3", "reading"),
            Row("MTD when enrolment ends the trial", cap[self.mtd_at_cap], "reading"),
        ]
