"""Trials simulated along the states that they visit: a rule is asked about each once, and loops draw the patients.

The trials are those of `simulate.run_trials`, to the last patient.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from doseopt.core.design import Design
from doseopt.core.distinct import unique_rows
from doseopt.core.parameters import Fault, Faults
from doseopt.core.state import CONTINUE, NONE, Decision, FloatArray, IntArray, TrialState
from doseopt.core.trial import advance
from doseopt.engines.entries import labelled
from doseopt.engines.growing import Growing
from doseopt.engines.patients import Patients

MOST_COHORTS = 1000


class Visited:
    """Trials of one design, simulated in pieces.

    Parameters
    ----------
    design : Design
        That tells DLTs from none, and whose cohorts are as large as it says.
    start : TrialState
        A batch of one.
    p : float array [R, D]
        DLT rates.
    loops : module
        The compiled loops.
    """

    def __init__(self, design: Design, start: TrialState, p: FloatArray, loops: ModuleType) -> None:
        self.design, self.start, self.p = design, start, p
        self._loops: Any = loops
        self._growing = Growing(design, start, False)
        self._entries: list[tuple[IntArray, IntArray]] = []

    def run(self, patients: Patients) -> tuple[IntArray, IntArray, IntArray, IntArray]:
        """Return patients and DLTs [R, T, D], selected doses and reasons to stop [R, T] of some trials."""
        shape, packing = (len(self.p), patients.trials), self._growing.packing
        running = np.arange(shape[0] * shape[1])
        words, at, seen = packing.pack(self.start), np.zeros(len(running), np.int64), np.zeros(len(running), np.int64)
        n, y = np.empty((2, len(running), self.design.facts.doses), np.int64)
        mtd, stop = np.empty((2, len(running)), np.int64)
        for _ in range(MOST_COHORTS):
            state, (decision, chosen) = packing.unpack(words), self._growing.asked(words)
            ended = decision.stop != CONTINUE
            passed = np.zeros((shape[0], len(words)), np.int64)
            if ended.any():
                over = ended[at]
                rows, of = running[over], at[over]
                for found, each in ((n, state.n), (y, state.y), (mtd, chosen), (stop, decision.stop)):
                    found[rows] = np.ascontiguousarray(each)[of]
                passed += np.bincount(rows // shape[1] * len(words) + of, minlength=passed.size).reshape(passed.shape)
                running, at, seen = running[~over], at[~over], seen[~over]
            if len(running):
                words, at = self._treated(words, state, decision, running, at, seen, patients, passed)
            self._count(state, decision, passed)
            if not len(running):
                return n.reshape(*shape, -1), y.reshape(*shape, -1), mtd.reshape(shape), stop.reshape(shape)
        raise Faults([Fault("", f"a trial did not end within {MOST_COHORTS} cohorts: add a max_patients modifier")])

    def _treated(
        self,
        words: IntArray,
        state: TrialState,
        given: Decision,
        rows: IntArray,
        at: IntArray,
        seen: IntArray,
        patients: Patients,
        passed: IntArray,
    ) -> tuple[IntArray, IntArray]:
        """Treat one cohort in each trial; return the states that follow, and which each trial is in."""
        size = np.where(given.stop == CONTINUE, given.size, 0)
        first, end = int(seen.min()), int(seen.max() + size.max())
        if self.design.facts.cap is not None:
            first, end = 0, self.design.facts.cap
        visits = np.zeros((len(words), int(size.max()) + 1), bool)
        u = patients.columns(first, end)
        dlts = self._loops.draw_cohorts(at, seen, rows, first, u, self.p, given.dose, size, visits, passed)
        before, found = np.nonzero(visits)
        outcome = np.stack([found, size[before] - found], axis=1)
        children = self._growing.packing.pack(advance(self.design, state[before], given[before], outcome))
        distinct, place = unique_rows(children.T)
        after = np.empty(visits.shape, np.int64)
        after[before, found] = place
        return children[distinct], after[at, dlts]

    def _count(self, state: TrialState, decision: Decision, passed: IntArray) -> None:
        """Count the trials that end, or give a dose for the first time, by what is known then."""
        ended = decision.stop != CONTINUE
        new = ~ended & (state.n[state.at, np.where(ended, 0, decision.dose)] == 0)
        some = np.flatnonzero(ended | new)
        keys = np.column_stack([state.n[some] > 0, state.total[some], np.where(ended, NONE, decision.dose)[some]])
        self._entries.append((keys, passed[:, some]))

    def entries(self, trials: int) -> dict[str, Any]:
        """Return the variables of the entries of all trials so far, `trials` a scenario; see `engines.entries`."""
        keys = np.concatenate([key for key, _ in self._entries])
        counts = np.concatenate([count for _, count in self._entries], axis=1)
        first, kind = unique_rows(keys.T)
        each = np.array([np.bincount(kind, count, len(first)) for count in counts])
        given, patients, dose = np.split(keys[first], [-2, -1], axis=1)
        return labelled(given > 0, patients[:, 0], dose[:, 0], each / trials)
