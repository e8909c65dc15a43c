"""A design of some doses on a grid that holds more: doses that may be inserted, and doses that it does not use.

A comparison has one dose axis, the planned and the insertable doses together. A design runs on its own doses and is
shown its own part of the grid; a dose that is not inserted keeps n = 0.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from doseopt.core.design import Design, Row, estimated_by, highest_admissible, is_design, with_dose
from doseopt.core.facts import FULL, Facts
from doseopt.core.parameters import Fault, Faults, native
from doseopt.core.posterior import Posterior
from doseopt.core.state import NONE, BoolArray, Decision, FloatArray, IntArray, TrialState
from doseopt.display.card import Card
from doseopt.models.beta import BetaBinomial


@dataclass(frozen=True)
class OnGrid(Card):
    """A design of its own doses on a larger grid; with `inserts`, one dose may be added to them in the course.

    When a dose that was tried is excluded for the first time, the insertable dose between it and the design's dose
    below becomes a dose of the trial, and the design goes on with one dose more: the new one is the highest that is not
    excluded. It happens once in a trial. The new dose has no patients yet; where the rule sends them follows from it.

    A trial may have begun under another design (an amendment), so that patients were treated at doses of the grid that
    are not the design's own. They are no part of its tally, and its memory does not change with their cohorts. After
    such a cohort the design goes on as from the highest of its own doses at or below it that has patients; if there is
    none, as from the lowest of its own doses that has; and if none of its own doses has a patient, with its first
    cohort. A trial that ends without a patient at any of its own doses declares no MTD. Only the enrolment cap counts
    every patient of the trial: it is laid over the grid, ``Modified(OnGrid(...), (MaxPatients(n=24),))``.

    Parameters
    ----------
    base : Design
        For its own doses; levels in it, such as a start, count on them.
    values : tuple of float
        All doses of the grid, as numbers; their levels where the doses have none.
    planned : tuple of int
        Where the design's own doses stand on the grid.
    inserts : bool
    dropped : tuple of int
        Doses of the grid that are planned and that the design does not use; none of them is inserted.

    Raises
    ------
    Faults
        If the design has another number of doses, or an enrolment cap inside; with `inserts`, if it excludes no dose or
        keeps a level, or responses, in its memory.

    Examples
    --------
    A design of the second and third of four doses; level 1 of its own is level 2 of the grid.

    >>> from doseopt import BOIN, OnGrid
    >>> design = OnGrid(BOIN(doses=2, target=0.25), (1.0, 2.0, 4.0, 8.0), planned=(1, 2))
    >>> design.first().dose.item() + 1
    2
    """

    base: Design
    values: tuple[float, ...]
    planned: tuple[int, ...]
    inserts: bool = False
    dropped: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what does not fit the grid, and insertion in designs in which it could not happen or be misread."""
        if not is_design(self.base):
            raise Faults([Fault("base", f"wanted a design, got {self.base!r}")], "OnGrid")
        for name in ("values", "planned", "dropped"):
            object.__setattr__(self, name, native(getattr(self, name)))
        found = []
        if self.base.facts.doses != len(self.planned):
            found.append(
                Fault("planned", f"wanted {self.base.facts.doses} doses, as the design has, got {self.planned}")
            )
        if FULL in self.base.facts.stops:
            wanted = "wanted the enrolment cap over the grid, where it counts every patient"
            found.append(Fault("modifiers", f"{wanted}: Modified(OnGrid(design, ...), (MaxPatients(n=24),))"))
        if self.base.facts.pending:
            found.append(Fault("base", "wanted a design that decides when all outcomes are known"))
        if self.base.facts.backfill is not None:
            found.append(Fault("base", "wanted a design on all planned doses: it backfills lower doses"))
        if self.inserts and not self.base.facts.exclusion:
            found.append(Fault("inserts", "wanted a design that excludes doses, got one that excludes none"))
        if self.inserts and self.base.facts.responses:
            found.append(Fault("inserts", "wanted a design that does not look at efficacy, got one that does"))
        if self.inserts and "left_out_level" in self.base.facts.memory:
            found.append(Fault("inserts", 'wanted after_dlt = "fill" with insertion, got "three_new"'))
        if found:
            raise Faults(found, type(self.base).__name__)

    @property
    def _slots(self) -> dict[int, int]:
        """Where an inserted dose stands on the grid, by the design's level (index) whose exclusion inserts it."""
        if not self.inserts:
            return {}
        free = [position for position in range(len(self.values)) if position not in (*self.planned, *self.dropped)]
        gaps = enumerate(zip(self.planned[:-1], self.planned[1:], strict=True), 1)
        between = {level: [p for p in free if low < p < high] for level, (low, high) in gaps}
        return {level: positions[-1] for level, positions in between.items() if positions}

    def _grid(self, slot: int) -> tuple[int, ...]:
        """Return the grid positions of the trial's doses, `slot` being the inserted one, 0 none."""
        return tuple(sorted((*self.planned, slot))) if slot else self.planned

    def _place(self, slot: int) -> IntArray:
        """Return which of the trial's doses stands at each grid position, -1 for none."""
        place = np.full(len(self.values), -1)
        place[list(self._grid(slot))] = np.arange(len(self._grid(slot)))
        return place

    def _design(self, slot: int) -> Design:
        """Return the design as it goes on."""
        return with_dose(self.base, self._grid(slot).index(slot), self.values[slot]) if slot else self.base

    def _view(self, state: TrialState, slot: int) -> TrialState:
        """Return the state as the design sees it; not begun while none of its own doses has a patient."""
        grid = list(self._grid(slot))
        n, y = state.n[:, grid], state.y[:, grid]
        below = highest_admissible(np.searchsorted(grid, state.dose, side="right") - 1, n > 0)
        lowest = np.where(n.any(axis=1), (n > 0).argmax(axis=1), -1)
        return TrialState(n, y, np.where(below >= 0, below, lowest), state.memory[:, : len(self.base.facts.memory)])

    def _parts(self, state: TrialState) -> list[tuple[int, IntArray]]:
        """Return the rows of the trials by inserted dose."""
        if not self.inserts:
            return [(0, np.arange(len(state)))]
        inserted = state.memory[:, -1]
        return [(int(slot), np.flatnonzero(inserted == slot)) for slot in np.unique(inserted)]

    @cached_property
    def facts(self) -> Facts:
        """The design's, on the grid: a dose that is not inserted, or is not the design's own, is passed over."""
        base = self.base.facts
        outside = "" if len(self.planned) == len(self.values) else "not a dose of the design"
        return dataclasses.replace(
            base,
            doses=len(self.values),
            memory=(*base.memory, "inserted") if self.inserts else base.memory,
            responses=False,
            skips=True,
            below=None,
            excluding=None,
            exclusion=", or ".join(filter(None, (base.exclusion, outside))),
        )

    def first(self) -> Decision:
        """Return the design's first cohort."""
        first = self.base.first()
        return Decision(np.array(self.planned)[first.dose], first.size, first.stop)

    def remember(self, before: TrialState, given: Decision, outcome: IntArray) -> IntArray:
        """Return the design's memory, which only cohorts at its own doses change, and the dose inserted so far."""
        memory = before.memory.copy()
        n, y = before.n.copy(), before.y.copy()
        n[before.at, given.dose] += self.facts.outcomes.evaluated(outcome)
        y[before.at, given.dose] += self.facts.outcomes.dlts(outcome)
        kept = len(self.base.facts.memory)
        for slot, rows in self._parts(before):
            dose = self._place(slot)[given.dose[rows]]
            rows, dose = rows[dose >= 0], dose[dose >= 0]
            if not len(rows):
                continue
            own = Decision(dose, given.size[rows], given.stop[rows])
            memory[rows, :kept] = self._design(slot).remember(self._view(before[rows], slot), own, outcome[rows])
            if self.inserts and not slot:
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
            answer = _decided(self._design(slot), self._view(state[rows], slot))
            dose[rows], size[rows], stop[rows] = np.array(self._grid(slot))[answer.dose], answer.size, answer.stop
        return Decision(dose, size, stop)

    def admissible(self, state: TrialState) -> BoolArray:
        """Return the doses of each trial that its design calls admissible."""
        allowed = np.zeros(state.n.shape, bool)
        for slot, rows in self._parts(state):
            allowed[np.ix_(rows, list(self._grid(slot)))] = self._design(slot).admissible(self._view(state[rows], slot))
        return allowed

    def select(self, state: TrialState, stop: IntArray) -> IntArray:
        """Return the design's MTD; none where none of its own doses has a patient."""
        mtd = np.full(len(state), NONE)
        for slot, rows in self._parts(state):
            view = self._view(state[rows], slot)
            begun = np.flatnonzero(view.started)
            if len(begun):
                view = view if len(begun) == len(rows) else view[begun]
                chosen = self._design(slot).select(view, stop[rows[begun]])
                mtd[rows[begun]] = np.where(chosen == NONE, NONE, np.array(self._grid(slot))[chosen])
        return mtd

    def posterior(self, state: TrialState) -> Posterior:
        """Return Beta(1, 1) posteriors on the grid; the design's own rules use its own."""
        return BetaBinomial(len(self.values)).posterior(state.n, state.y)

    def estimated(self, state: TrialState) -> FloatArray:
        """Return the design's own estimates, nan at doses that are not in the trial."""
        estimate = np.full(state.n.shape, np.nan)
        for slot, rows in self._parts(state):
            estimate[np.ix_(rows, list(self._grid(slot)))] = estimated_by(
                self._design(slot), self._view(state[rows], slot)
            )
        return estimate

    def describe(self) -> list[Row]:
        """Return the design's rows, the rule of insertion, and what patients at other doses mean to it."""
        rows = self.base.describe()
        if self.inserts:
            how = "once, the insertable dose below the first tried dose that is excluded; the rule goes on with it"
            rows = [*rows, Row("inserted dose", how, "registry")]
        if len(self.planned) == len(self.values):
            return rows
        own = ", ".join(str(position + 1) for position in self.planned)
        reading = (
            "count towards the enrolment cap, not in the design's tally; after them it goes on as from the highest of "
            "its own doses below that has patients (else the lowest that has; else with its first cohort)"
        )
        doses = Row(
            "doses",
            f"levels {own} of the study's {len(self.values)}, which the rules count as 1 to {len(self.planned)}",
        )
        return [*rows, doses, Row("patients at other doses", reading, "reading")]


def _decided(design: Design, view: TrialState) -> Decision:
    """Return what a design decides; its first cohort in trials that have no patient at its doses."""
    if view.started.all():
        return design.decide(view)
    first, begun = design.first(), np.flatnonzero(view.started)
    parts = [np.repeat(part, len(view)) for part in (first.dose, first.size, first.stop)]
    if len(begun):
        answer = design.decide(view[begun])
        for part, value in zip(parts, (answer.dose, answer.size, answer.stop), strict=True):
            part[begun] = value
    return Decision(*parts)
