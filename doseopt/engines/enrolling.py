"""Patients who cannot be evaluated: a design as it enrols where some are left out, or replaced up to a cap.

A patient who leaves the DLT window and counts neither as with nor as without a DLT is an outcome category that no tally
holds. Who is left out keeps a place in the cohort, which is closed when its number has been reached; who is replaced
gives it to the next. The rule is shown the patients who can be evaluated. A cohort without any leads back to the state
before it: such cohorts are left out of the graph, and the chances of the others divided by the probability of at least
one evaluable patient. Where patients enrolled are capped their number is part of the state, and every cohort counts.
Replacement without a cap needs no category: it is a transform of the rates.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr

from doseopt.core.design import Design, Row
from doseopt.core.facts import Facts
from doseopt.core.parameters import Fault, Faults
from doseopt.core.state import CONTINUE, NONE, BoolArray, Decision, FloatArray, IntArray, TrialState

MEMORY = "not_evaluable"
MIDWAY = (
    "wanted a trial from its first patient on where patients are left out, or those enrolled are capped; who was lost "
    "before is not known"
)

AS_THEY_COME = (
    "wanted no cap on patients enrolled (max_enrolled), or cohorts of a stated size (no cohort_range), where some are "
    "replaced"
)


@dataclass(frozen=True)
class Enrolling:
    """A design as it enrols where patients cannot be evaluated: a design again, made by the engines.

    Parameters
    ----------
    base : Design
    letters : str
        Who is lost: "R", replaced within the cohort, which is told of designs that cap the patients enrolled; "X", left
        out of the tally; or both.
    """

    base: Design
    letters: str

    @cached_property
    def facts(self) -> Facts:
        """The base's; patients can be lost, and are counted where those enrolled are capped."""
        facts = self.base.facts
        kept = facts.memory if facts.max_enrolled is None else (*facts.memory, MEMORY)
        return dataclasses.replace(facts, outcomes=facts.outcomes.losing(self.letters), memory=kept)

    def _view(self, state: TrialState) -> TrialState:
        """Return trials as the base sees them."""
        return state.with_memory(state.memory[:, : len(self.base.facts.memory)])

    @cached_property
    def _first(self) -> Decision:
        return self.base.first()

    def first(self) -> Decision:
        """Return the base's first cohort."""
        return self._first

    def decide(self, state: TrialState) -> Decision:
        """Return what the base decides, its first cohort while nobody could be evaluated, as far as the cap allows."""
        first, begun = self._first, np.flatnonzero(state.started)
        dose, size, stop = (np.repeat(part, len(state)) for part in (first.dose, first.size, first.stop))
        if len(begun):
            found = self.base.decide(self._view(state[begun]))
            dose[begun], size[begun], stop[begun] = found.dose, found.size, found.stop
        most = self.facts.max_enrolled
        if most is not None:
            room = most - enrolled_of(self.facts, state)
            full = 1 + self.facts.stops.index("max_enrolled")
            stop = np.where((stop == CONTINUE) & (room <= 0), full, stop)
            size = np.minimum(size, np.maximum(room, 1))
        return Decision(dose, size, stop)

    def remember(self, before: TrialState, given: Decision, outcome: IntArray) -> IntArray:
        """Return the base's memory, which a cohort without an evaluable patient leaves as it is, and who was lost."""
        lost = self.facts.outcomes.lost
        view, seen = self._view(before), outcome[:, lost:]
        some, kept = np.flatnonzero(seen.any(axis=1)), view.memory.copy()
        kept[some] = self.base.remember(view[some], given[some], seen[some])
        if self.facts.max_enrolled is None:
            return kept
        return np.concatenate([kept, before.memory[:, -1:] + outcome[:, :lost].sum(axis=1, keepdims=True)], axis=1)

    def admissible(self, state: TrialState) -> BoolArray:
        """Return the doses that the base calls admissible."""
        return self.base.admissible(self._view(state))

    def select(self, state: TrialState, stop: IntArray) -> IntArray:
        """Return the base's MTD; none where nobody could be evaluated."""
        begun = np.flatnonzero(state.started)
        mtd = np.full(len(state), NONE)
        if len(begun):
            mtd[begun] = self.base.select(self._view(state[begun]), stop[begun])
        return mtd

    def describe(self) -> list[Row]:
        """Return the rows of the base."""
        return self.base.describe()


def enrolled_of(facts: Facts, state: TrialState) -> IntArray:
    """Return the patients enrolled as far as a state tells them: those treated, and those lost if they are capped."""
    counts = facts.outcomes.lost and facts.max_enrolled is not None
    return state.total + state.memory[:, -1] if counts else state.total


def loses(design: Design, scenarios: xr.Dataset) -> bool:
    """Tell whether patients are lost in a way that no transform of the DLT rates says."""
    return bool(_letters(design, scenarios))


def _letters(design: Design, scenarios: xr.Dataset) -> str:
    """Return how patients of a design are lost: R and X as of `Enrolling`."""
    left_out = "p_excluded" in scenarios and bool((scenarios["p_excluded"] > 0).any())
    capped = design.facts.max_enrolled is not None and "per_evaluable" in scenarios
    some = capped and bool((replaced(scenarios) > 0).any())
    return "R" * some + "X" * left_out


def replaced(scenarios: xr.Dataset) -> FloatArray:
    """Return the probability that a patient enrolled is replaced, [R, D]."""
    left_out = scenarios["p_excluded"].to_numpy() if "p_excluded" in scenarios else 0.0
    stays = 1 / scenarios["per_evaluable"].to_numpy() / (1 - left_out)
    return np.where(stays < 1 - 1e-14, 1 - stays, 0.0)


def enrolling(design: Design, scenarios: xr.Dataset, start: TrialState | None = None) -> Design:
    """Return a design as it enrols under some scenarios: itself, unless patients are left out or capped.

    Parameters
    ----------
    design : Design
    scenarios : Dataset
        With `p_excluded`, the probability that a patient who is not replaced is left out, and `per_evaluable`, if so.
    start : TrialState, optional
        Where trials begin.

    Raises
    ------
    Faults
        If trials begin midway, or cohorts are treated as patients come of whom some are replaced up to a cap.
    """
    letters = _letters(design, scenarios)
    if letters and start is not None and start.started.any():
        raise Faults([Fault("window_events", MIDWAY)])
    if "R" in letters and design.facts.comers is not None:
        raise Faults([Fault("window_events", AS_THEY_COME)])
    return Enrolling(design, letters) if letters else design


def lost_chances(design: Design, scenarios: xr.Dataset) -> tuple[FloatArray, ...]:
    """Return the chance of each way to be lost that a design tells, given none before it, [R, D] each."""
    space = design.facts.outcomes
    first = (replaced(scenarios),) if space.replaces else ()
    return (*first, scenarios["p_excluded"].to_numpy()) if space.lost > len(first) else first
