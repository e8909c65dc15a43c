"""A design whose trial stands amid its cohorts: patients of some of them are still to be seen before it goes on.

They are those who are pending, a stage for each cohort that has some, and then the rest of a last cohort that was
begun: these outcomes are seen first, whatever the design would say; then the design has seen all cohorts in their order
and decides. As this is a design again, every engine treats such a trial as any other.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from doseopt.core.cohort import Cohort
from doseopt.core.design import Design, estimated_by, posterior_of
from doseopt.core.facts import Facts
from doseopt.core.posterior import Posterior
from doseopt.core.state import BoolArray, Decision, FloatArray, IntArray, TrialState
from doseopt.core.trial import advance, step
from doseopt.designs.defaults import Around

PENDING = "?"
"""Stands in a cohort for a patient who is in the DLT window."""


def seen(cohort: Cohort) -> Cohort:
    """Return a cohort without the patients who are pending."""
    return Cohort(cohort.level, cohort.letters.replace(PENDING, ""), cohort.closed)


@dataclass(frozen=True)
class Unfinished(Around):
    """A design whose trial stands amid its cohorts.

    Its trials begin at `start` and nowhere else. The memory is the design's, then the stage, then DLTs and moderate
    toxicities seen in each cohort with pending patients. The stage counts those cohorts; then comes the rest of the
    last cohort, then all is seen, then the design has gone on.

    Parameters
    ----------
    base : Design
    cohorts : tuple of Cohort
        The trial so far in order, ``PENDING`` for a patient who is.
    rests : tuple of (tuple of int, int)
        How many patients more are treated of the last cohort, by what was seen in the stages (as in the memory); none
        where it is not stated.
    """

    base: Design
    cohorts: tuple[Cohort, ...]
    rests: tuple[tuple[tuple[int, ...], int], ...] = ()

    @property
    def stages(self) -> tuple[int, ...]:
        """Positions of the cohorts that have pending patients."""
        return tuple(i for i, cohort in enumerate(self.cohorts) if PENDING in cohort.letters)

    def pending(self, state: TrialState) -> IntArray:
        """Return how many of the patients seen next are pending, [S]."""
        each = [self.cohorts[i].letters.count(PENDING) for i in self.stages]
        return np.array([*each, 0])[np.minimum(self.stage(state), len(each))]

    @cached_property
    def facts(self) -> Facts:
        """The design's; kept besides: the stage, and what was seen in each."""
        kinds = self.base.facts.outcomes.letters[:-1]
        seen_in = (f"{kind}_{number}" for number in range(len(self.stages)) for kind in kinds)
        memory = (*self.base.facts.memory, "stage", *seen_in)  # responses come when all is seen
        return dataclasses.replace(self.base.facts, memory=memory, responses=False, excluding=None)

    @property
    def start(self) -> TrialState:
        """The trial as it stands: what is known counts; a batch of one."""
        n, y = np.zeros((2, 1, self.facts.doses), np.int64)
        for cohort in self.cohorts:
            dlts, others = seen(cohort).counts()
            n[0, cohort.level - 1] += dlts + others
            y[0, cohort.level - 1] += dlts
        last = np.full(1, self.cohorts[-1].level - 1)
        return TrialState(n, y, last, np.zeros((1, len(self.facts.memory)), np.int64))

    def stage(self, state: TrialState) -> IntArray:
        """Return the stage of each trial, [S]."""
        return np.asarray(state.memory[:, len(self.base.facts.memory)])

    def _view(self, state: TrialState) -> TrialState:
        """Return trials in which all is seen as the design sees them."""
        just = self.stage(state) == len(self.stages) + 1
        dose = np.where(just, self.cohorts[-1].level - 1, state.dose)
        return TrialState(state.n, state.y, dose, state.memory[:, : len(self.base.facts.memory)])

    def _rest(self, memory: IntArray) -> IntArray:
        """Return how many patients are still treated of the last cohort, once no patient is pending, [S]."""
        known, kept = dict(self.rests), len(self.base.facts.memory) + 1
        return np.array([known.get(tuple(row), 0) for row in memory[:, kept:].tolist()], np.int64)

    def remember(self, before: TrialState, given: Decision, outcome: IntArray) -> IntArray:
        """Note what a stage showed; when all is seen, and from then on, what the design remembers."""
        kept, kinds, last = len(self.base.facts.memory), len(self.facts.outcomes) - 1, len(self.stages)
        memory, stage = before.memory.copy(), self.stage(before)
        for number in range(last):
            rows = np.flatnonzero(stage == number)
            column = kept + 1 + number * kinds
            memory[rows, column : column + kinds] = outcome[rows, :-1]
        memory[:, kept] = np.minimum(stage + 1, last + 2)
        ended = np.flatnonzero((stage == last) | ((stage == last - 1) & (self._rest(memory) == 0)))
        rest = np.where(stage[ended] == last, 1, 0)[:, None] * outcome[ended]
        memory[ended, :kept] = self._replayed(memory[ended, kept + 1 :], rest)
        memory[ended, kept], memory[ended, kept + 1 :] = last + 1, 0
        on = np.flatnonzero(stage > last)
        memory[on, :kept] = self.base.remember(self._view(before[on]), given[on], outcome[on])
        return memory

    def _replayed(self, found: IntArray, rest: IntArray) -> IntArray:
        """Return the design's memory after all cohorts, from what the stages and the rest of the last one showed."""
        kinds, trials = len(self.facts.outcomes) - 1, len(found)
        state = TrialState.empty(self.facts.doses, len(self.base.facts.memory))[np.zeros(trials, np.int64)]
        for position, cohort in enumerate(self.cohorts):
            counts = np.tile(seen(cohort).counts(self.facts.outcomes), (trials, 1))
            if position in self.stages:
                column = self.stages.index(position) * kinds
                some = found[:, column : column + kinds]
                others = cohort.letters.count(PENDING) - some.sum(axis=1, keepdims=True)
                counts = counts + np.concatenate([some, others], axis=1)
            if position == len(self.cohorts) - 1:
                counts = counts + rest
            given = Decision(np.full(trials, cohort.level - 1), counts.sum(axis=1), np.zeros(trials, np.int64))
            state = advance(self.base, state, given, counts)
        return state.memory

    def decide(self, state: TrialState) -> Decision:
        """Await the patients of the next stage, or treat the rest of the last cohort; then the design decides."""
        last, stage = len(self.stages), self.stage(state)
        at = np.array([*self.stages, len(self.cohorts) - 1])[np.minimum(stage, last)]
        dose = np.array([cohort.level - 1 for cohort in self.cohorts])[at]
        size = np.where(stage < last, self.pending(state), self._rest(state.memory))
        stop = np.zeros(len(state), np.int64)
        rows = np.flatnonzero(stage > last)
        if len(rows):
            answer = step(self.base, self._view(state[rows]))
            dose[rows], size[rows], stop[rows] = answer.dose, answer.size, answer.stop
        return Decision(dose, size, stop)

    def admissible(self, state: TrialState) -> BoolArray:
        """Return the doses that the design calls admissible; all while patients are still to be seen."""
        allowed = np.ones(state.n.shape, bool)
        rows = np.flatnonzero(self.stage(state) > len(self.stages))
        allowed[rows] = self.base.admissible(self._view(state[rows]))
        return allowed

    def select(self, state: TrialState, stop: IntArray) -> IntArray:
        """Return the design's MTD."""
        return self.base.select(self._view(state), stop)

    def posterior(self, state: TrialState) -> Posterior:
        """Return the design's posterior from what is known."""
        return posterior_of(self.base, self._view(state))

    def estimated(self, state: TrialState) -> FloatArray:
        """Return the design's estimates from what is known."""
        return estimated_by(self.base, self._view(state))


def enrolled(design: Design, start: TrialState) -> int:
    """Return how many patients of a trial have been treated where it stands, pending ones included."""
    cohorts = design.cohorts if isinstance(design, Unfinished) else ()
    return int(start.total[0]) + sum(cohort.letters.count(PENDING) for cohort in cohorts)


def under(design: Design, standing: Design) -> Design:
    """Return a design as it goes on where another stands: amid the same cohorts, if that is amid some."""
    return Unfinished(design, standing.cohorts, standing.rests) if isinstance(standing, Unfinished) else design


def committed(design: Design, start: TrialState) -> int:
    """Return how many patients the trial has when its cohorts so far are whole."""
    if isinstance(design, Unfinished):
        return sum(len(cohort.letters) for cohort in design.cohorts) + max(
            (rest for _, rest in design.rests), default=0
        )
    return int(start.total[0])


def alone(design: Design) -> Design:
    """Return a design without the cohorts that it stands amid."""
    return design.base if isinstance(design, Unfinished) else design


def pending_next(design: Design, state: TrialState) -> IntArray:
    """Return how many of the patients seen next are pending, [S]."""
    return design.pending(state) if isinstance(design, Unfinished) else np.zeros(len(state), np.int64)
