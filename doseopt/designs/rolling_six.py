"""The rolling six design."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Self

import numpy as np

from doseopt.core.design import Row
from doseopt.core.facts import Facts
from doseopt.core.parameters import MOST_DOSES, param
from doseopt.core.posterior import Posterior
from doseopt.core.state import CONTINUE, NONE, BoolArray, Decision, FloatArray, IntArray, Pending, TrialState
from doseopt.designs.defaults import Defaults

COMPLETE, TOO_TOXIC = 1, 2


@dataclass(frozen=True)
class RollingSix(Defaults):
    """Rolling six: 3+3 that enrols up to six patients at a dose while some are pending.

    Of the n patients treated at the current dose s had a DLT and c are pending. Each patient who arrives is

    - n <= 2: given the dose, unless s >= 2;
    - n = 3, 4, 5: given the next dose if s = 0 and c = 0, else this one, unless s >= 2;
    - n = 6: given the next dose if s = 0 and c <= 1, or s = 1 and c = 0; else not enrolled, unless s >= 2.

    With s >= 2 the dose is too toxic, with all above it, and the next lower one is filled to six. The MTD is the
    highest dose with at most 1 DLT in six patients.

    Parameters
    ----------
    doses : int
    target : float
        Not used by the rule; the rate that other designs and modifiers are compared at.
    start : int
        First dose level, counted from 1.
    six_at_mtd : bool
        Six patients before the top dose can be the MTD; otherwise 3 to 5 without a DLT, none of them pending, suffice.

    Notes
    -----
    Names: "rolling six", "rolling 6". If everybody is resolved before the next patient arrives it selects as 3+3 with
    ``on_descent="six"`` does.

    References
    ----------
    Skolnik et al. 2008, Journal of Clinical Oncology 26:190.

    Examples
    --------
    Of six patients without a DLT one may be pending when the next goes up; with two the trial waits:

    >>> import numpy as np
    >>> from doseopt import RollingSix, TrialState
    >>> from doseopt.core.state import Pending
    >>> design = RollingSix(doses=2, target=0.25)
    >>> none = np.zeros((1, 2), int)
    >>> for pending in (1, 2):
    ...     state = TrialState(np.array([[6 - pending, 0]]), none, np.array([0]), none[:, :0])
    ...     decision = design.decide(state, Pending(none[:, :pending], np.full((1, pending), 0.5)))
    ...     decision.dose.item() + 1, decision.size.item()
    (2, 1)
    (1, 0)
    """

    doses: int = param(kind=int, low=1, high=MOST_DOSES)
    target: float = param(kind=float, low=0, high=1, open_low=True, open_high=True, doc="target DLT rate")
    start: int = param(1, low=1, doc="first dose level")
    six_at_mtd: bool = param(True, doc="six patients before the top dose can be the MTD")

    @classmethod
    def example(cls) -> Self:
        """Return the design as the conformance checks try it."""
        return cls(doses=4, target=0.25)

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
            pending=True,
            open_to_the_end=True,
            aims=False,
        )

    def first(self) -> Decision:
        """Return the first patient."""
        return Decision(np.array([self.start - 1]), np.array([1]), np.array([0]))

    def admissible(self, state: TrialState) -> BoolArray:
        """Exclude a dose with 2 DLTs or more, and all above it."""
        return ~np.logical_or.accumulate(state.y >= 2, axis=1)

    def decide(self, state: TrialState, pending: Pending | None = None) -> Decision:
        """Apply the rule to each trial."""
        n, s, at = state.treated(pending).n, state.y, state.at
        c = n - state.n
        excluded = self.admissible(state).sum(axis=1)
        dose = np.maximum(np.minimum(state.dose, excluded - 1), 0)
        up = self._clears(n, s, c)
        for _ in range(self.doses):
            dose = dose + (up[at, dose] & (dose + 1 < excluded))
        here = n[at, dose]
        full = (here >= 6) | ((dose == self.doses - 1) & (not self.six_at_mtd))
        stop = np.where(excluded == 0, TOO_TOXIC, np.where(up[at, dose] & full, COMPLETE, CONTINUE))
        return Decision(dose, np.where((stop == CONTINUE) & (here < 6), 1, 0), stop)

    def _clears(self, n: IntArray, s: IntArray, c: IntArray) -> BoolArray:
        """Return where the next patient may be given the dose above, elementwise."""
        few = (n >= 3) & (n < 6) & (s == 0) & (c == 0)
        six = (n >= 6) & (((s == 0) & (n - c >= 5)) | ((s == 1) & (c == 0)))
        return np.asarray(few | six)

    def select(self, state: TrialState, stop: IntArray) -> IntArray:
        """Return the highest dose, not excluded, with at most 1 DLT in six patients."""
        level = np.arange(self.doses)
        proven = (state.n >= 6) | ((level == self.doses - 1) & (not self.six_at_mtd) & (state.n >= 3) & (state.y == 0))
        mtd = np.where(proven & self.admissible(state), level, NONE).max(axis=1)
        return np.where(stop == TOO_TOXIC, NONE, mtd)

    def posterior(self, state: TrialState, pending: Pending | None = None) -> Posterior:
        """Return the posterior under Beta(1, 1); pending patients count as ones without a DLT so far."""
        return super().posterior(state.treated(pending))

    def estimated(self, state: TrialState, pending: Pending | None = None) -> FloatArray:
        """Return the observed DLT fraction; pending patients count as ones without a DLT so far."""
        return super().estimated(state.treated(pending))

    def describe(self) -> list[Row]:
        """Return the rule, the reading chosen for each of its silences, and the source."""
        top = "filled to 6" if self.six_at_mtd else "declared on 3 to 5"
        return [
            Row(
                "escalation",
                "up after 3 to 5 patients without a DLT and none pending, after 6 with 0 DLTs and at most 1 pending or "
                "with 1 DLT and none pending; 2 or more DLTs: dose excluded, with all above",
                "Skolnik et al. 2008",
            ),
            Row("pending patients", "the dose is given to up to 6 while some are pending", "Skolnik et al. 2008"),
            Row("waiting", "at 6 patients with pending ones on whom the decision depends", "Skolnik et al. 2008"),
            Row("a dose below an excluded one with fewer than 6", "filled to 6", "reading"),
            Row("top dose after 3 to 5 without a DLT", top, "reading"),
            Row("MTD", "the highest dose with at most 1 DLT in 6; none if there is none", "Skolnik et al. 2008"),
        ]
