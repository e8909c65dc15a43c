"""A design of the planned doses on a grid that also holds doses which may be inserted.

A comparison has one dose axis, the planned and the insertable doses together. A design runs on the planned ones and is
shown its own part of the grid; a dose that is not inserted keeps n = 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from doseopt.design import Design, Modifier, Row
from doseopt.models.base import Posterior
from doseopt.models.beta import BetaBinomial
from doseopt.parameters import Fault, Faults
from doseopt.state import NONE, BoolArray, Decision, FloatArray, IntArray, TrialState
from doseopt.wrapped import Wrapped


@dataclass(frozen=True)
class OnGrid(Wrapped):
    """A design of planned doses on a larger grid; with `inserts`, one dose may be added to them in the course.

    When a dose that was tried is excluded for the first time, the insertable dose between it and the planned dose below
    becomes a dose of the trial, and the design goes on with one dose more: the new one is the highest that is not
    excluded. It happens once in a trial. The new dose has no patients yet; where the rule sends them follows from it.

    Parameters
    ----------
    base : Design
        For the planned doses.
    values : tuple of float
        All doses of the grid, as numbers.
    planned : tuple of int
        Where the planned doses stand on the grid.
    inserts : bool

    Raises
    ------
    Faults
        If the design excludes no dose, or keeps a level in its memory.
    """

    base: Design
    values: tuple[float, ...]
    planned: tuple[int, ...]
    inserts: bool = False

    def __post_init__(self) -> None:
        """Refuse insertion in designs in which it could not happen, or would be misread."""
        found = []
        if self.inserts and not self.base.exclusion:
            found.append(Fault("inserts", "wanted a design that excludes doses, got one that excludes none"))
        if self.inserts and "left_out_level" in self.base.memory:
            found.append(Fault("inserts", 'wanted after_dlt = "fill" with insertion, got "three_new"'))
        if found:
            raise Faults(found, type(self.base).__name__)

    @property
    def _slots(self) -> dict[int, int]:
        """Where an inserted dose stands on the grid, by the planned level (index) whose exclusion inserts it."""
        gaps = zip(self.planned[:-1], self.planned[1:], strict=True)
        return {j + 1: low + 1 for j, (low, high) in enumerate(gaps) if high - low > 1} if self.inserts else {}

    def _grid(self, slot: int) -> tuple[int, ...]:
        """Return the grid positions of the trial's doses, `slot` being the inserted one, 0 none."""
        return tuple(sorted((*self.planned, slot))) if slot else self.planned

    def _design(self, slot: int) -> Design:
        """Return the design as it goes on."""
        return self.base.with_dose(self._grid(slot).index(slot), self.values[slot]) if slot else self.base

    def _view(self, state: TrialState, slot: int) -> TrialState:
        """Return the state as the design sees it."""
        grid = list(self._grid(slot))
        place = np.full(len(self.values) + 1, -1)
        place[grid] = np.arange(len(grid))
        memory = state.memory[:, : len(self.base.memory)]
        return TrialState(state.n[:, grid], state.y[:, grid], place[state.dose], memory)

    def _parts(self, state: TrialState) -> list[tuple[int, IntArray]]:
        """Return the rows of the trials by inserted dose."""
        if not self.inserts:
            return [(0, np.arange(len(state)))]
        inserted = state.memory[:, -1]
        return [(int(slot), np.flatnonzero(inserted == slot)) for slot in np.unique(inserted)]

    @property
    def doses(self) -> int:
        """Number of doses of the grid."""
        return len(self.values)

    @property
    def memory(self) -> tuple[str, ...]:
        """What the design keeps, and which dose was inserted."""
        return (*self.base.memory, "inserted") if self.inserts else self.base.memory

    @property
    def modifiers(self) -> tuple[Modifier, ...]:
        """The design's modifiers."""
        return tuple(getattr(self.base, "modifiers", ()))

    @property
    def skips(self) -> bool:
        """A dose that was not inserted is passed over."""
        return True

    def with_dose(self, position: int, value: float) -> OnGrid:
        """Refuse: the grid is fixed."""
        raise NotImplementedError("a grid holds all doses already")

    def first(self) -> Decision:
        """Return the design's first cohort."""
        first = self.base.first()
        return Decision(np.array(self.planned)[first.dose], first.size, first.stop)

    def remember(self, before: TrialState, given: Decision, outcome: IntArray) -> IntArray:
        """Return the design's memory, and the dose inserted now or before."""
        memory = np.zeros((len(before), len(self.memory)), np.int64)
        n, y = before.n.copy(), before.y.copy()
        n[before.at, given.dose] += outcome.sum(axis=1)
        y[before.at, given.dose] += outcome[:, 0]
        kept = len(self.base.memory)
        for slot, rows in self._parts(before):
            dose = np.searchsorted(self._grid(slot), given.dose[rows])
            own = Decision(dose, given.size[rows], given.stop[rows])
            memory[rows, :kept] = self._design(slot).remember(self._view(before[rows], slot), own, outcome[rows])
            if slot:
                memory[rows, -1] = slot
            elif self.inserts:
                after = TrialState(n[rows], y[rows], given.dose[rows], memory[rows])
                memory[rows, -1] = self._inserted(self._view(after, 0))
        return memory

    def _inserted(self, state: TrialState) -> IntArray:
        """Return the grid position of the dose that an exclusion inserts, 0 if none, [S]."""
        out = ~self.base.admissible(state)
        lowest = np.where(out.any(axis=1), out.argmax(axis=1), 0)
        slot = np.zeros(state.n.shape[1], np.int64)
        for level, position in self._slots.items():
            slot[level] = position
        return np.where(state.n[state.at, lowest] > 0, slot[lowest], 0)

    def decide(self, state: TrialState) -> Decision:
        """Return what the design decides, as it stands in each trial."""
        dose, size, stop = np.zeros((3, len(state)), np.int64)
        for slot, rows in self._parts(state):
            answer = self._design(slot).decide(self._view(state[rows], slot))
            dose[rows], size[rows], stop[rows] = np.array(self._grid(slot))[answer.dose], answer.size, answer.stop
        return Decision(dose, size, stop)

    def admissible(self, state: TrialState) -> BoolArray:
        """Return the doses of each trial that its design calls admissible."""
        allowed = np.zeros(state.n.shape, bool)
        for slot, rows in self._parts(state):
            allowed[np.ix_(rows, list(self._grid(slot)))] = self._design(slot).admissible(self._view(state[rows], slot))
        return allowed

    def select(self, state: TrialState, stop: IntArray) -> IntArray:
        """Return the design's MTD."""
        mtd = np.full(len(state), NONE)
        for slot, rows in self._parts(state):
            chosen = self._design(slot).select(self._view(state[rows], slot), stop[rows])
            mtd[rows] = np.where(chosen == NONE, NONE, np.array(self._grid(slot))[chosen])
        return mtd

    def posterior(self, state: TrialState) -> Posterior:
        """Return Beta(1, 1) posteriors on the grid; the design's own rules use its own."""
        return BetaBinomial(self.doses).posterior(state.n, state.y)

    def estimated(self, state: TrialState) -> FloatArray:
        """Return the design's own estimates, nan at doses that are not in the trial."""
        estimate = np.full(state.n.shape, np.nan)
        for slot, rows in self._parts(state):
            estimate[np.ix_(rows, list(self._grid(slot)))] = self._design(slot).estimated(self._view(state[rows], slot))
        return estimate

    def describe(self) -> list[Row]:
        """Return the design's rows, and the rule of insertion."""
        how = "once, the insertable dose below the first tried dose that is excluded; the rule goes on with it"
        return [*self.base.describe(), *([Row("inserted dose", how, "registry")] if self.inserts else [])]
