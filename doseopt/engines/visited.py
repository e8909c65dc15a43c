"""Trials simulated along the states that they visit: a rule is asked about each once, and loops draw the patients.

The trials are those of `simulate.run_trials`, to the last patient.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from doseopt.core.design import Design
from doseopt.core.distinct import unique_rows
from doseopt.core.parameters import Fault, Faults
from doseopt.core.state import CONTINUE, NONE, BoolArray, FloatArray, IntArray, TrialState
from doseopt.core.trial import LATER, select_in_pieces
from doseopt.engines.answers import Answers
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
    """

    def __init__(self, design: Design, start: TrialState, p: FloatArray) -> None:
        from doseopt.engines import loops

        self.design, self.start, self.p = design, start, p
        self._loops: Any = loops
        self._growing = Growing(design, start, False)
        self._entries: list[tuple[IntArray, IntArray]] = []

    def run(self, patients: Patients) -> tuple[IntArray, IntArray, IntArray, IntArray]:
        """Return patients and DLTs [R, T, D], selected doses and reasons to stop [R, T] of some trials."""
        shape, facts = (len(self.p), patients.trials), self.design.facts
        rows = np.arange(shape[0] * shape[1])
        at, seen, ending = np.zeros_like(rows), np.zeros_like(rows), np.empty_like(rows)
        words, then, base = self._growing.packing.pack(self.start), np.zeros(1, np.int64), 0
        states, answers, passages = list[TrialState](), list[Answers](), list[IntArray]()
        for _ in range(MOST_COHORTS):
            state, answer = self._growing.packing.unpack(words), self._growing.ask(words)
            given, size = answer.given[answer.kind], answer.decision.size[answer.kind]
            size[given < 0] = 0
            most, passed = int(size.max()), np.zeros((shape[0], len(words)), np.int64)
            first, end = int(seen.min()), int(seen.max()) + most
            if facts.cap is not None:
                first, end = 0, facts.cap
            u = patients.columns(first, end) if most else np.empty((0, patients.trials))
            visits = np.zeros((len(words), most + 1), bool)
            trials, come = (rows, at, seen, then, given, size), (first, u, self.p)
            on = self._loops.draw_cohorts(*trials, *come, base, ending, passed, visits)
            rows, at, seen = rows[:on], at[:on], seen[:on]
            states.append(state)
            answers.append(answer)
            passages.append(passed)
            if not on:
                every, told = TrialState.concatenate(states), Answers.concatenate(answers)
                self._count(every, told, np.concatenate(passages, axis=1))
                stop, mtd = told.decision.stop[told.kind], self._selected(every, told)
                n, y = (each.take(ending, axis=0).reshape(*shape, -1) for each in (every.n, every.y))
                return n, y, mtd[ending].reshape(shape), stop[ending].reshape(shape)
            base += len(words)
            words, then = self._followed(words, state, answer, visits)
        raise Faults([Fault("", f"a trial did not end within {MOST_COHORTS} cohorts: add a max_patients modifier")])

    def _followed(
        self, words: IntArray, state: TrialState, answer: Answers, visits: BoolArray
    ) -> tuple[IntArray, IntArray]:
        """Return the states that follow, and which one each visit leads to."""
        before, found = np.nonzero(visits)
        given = answer.decision[answer.kind[before]]
        packing, outcome = self._growing.packing, np.stack([found, given.size - found], axis=1)
        children = packing.treated(words[before], given.dose, given.size, found)
        if self.design.facts.memory:
            children += packing.remembered(self.design.remember(state[before], given, outcome))
        distinct, place = unique_rows(children.T)
        then = np.empty(visits.shape, np.int64)
        then[before, found] = place
        return children[distinct], then.ravel()

    def _selected(self, state: TrialState, answer: Answers) -> IntArray:
        """Return the MTD of each state that stops."""
        stop = answer.decision.stop[answer.kind]
        found = np.full(len(state), LATER) if answer.selected is None else answer.selected[answer.kind]
        ended = np.flatnonzero((found == LATER) & (stop != CONTINUE))
        found[ended] = select_in_pieces(self.design, state, stop, ended)
        return found

    def _count(self, state: TrialState, answer: Answers, passed: IntArray) -> None:
        """Count the trials that end, or give a dose for the first time, by what is known then."""
        given = answer.given[answer.kind]
        some = np.flatnonzero((given == NONE) | (state.n[state.at, np.maximum(given, 0)] == 0))
        keys = np.column_stack([state.n[some] > 0, state.total[some], given[some]])
        self._entries.append((keys, passed[:, some]))

    def entries(self, trials: int) -> dict[str, Any]:
        """Return the variables of the entries of all trials so far, `trials` a scenario; see `engines.entries`."""
        keys = np.concatenate([key for key, _ in self._entries])
        counts = np.concatenate([count for _, count in self._entries], axis=1)
        first, kind = unique_rows(keys.T)
        each = np.array([np.bincount(kind, count, len(first)) for count in counts])
        given, patients, dose = np.split(keys[first], [-2, -1], axis=1)
        return labelled(given > 0, patients[:, 0], dose[:, 0], each / trials)
