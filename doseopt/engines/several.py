"""Designs side by side: one graph of all their trials, each of which keeps which design it follows.

Many small graphs cost what their layers cost, however few states these have; here a layer is one for all.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from doseopt.core.design import Design, Row
from doseopt.core.facts import Facts
from doseopt.core.state import BoolArray, Decision, FloatArray, IntArray, TrialState
from doseopt.core.trial import select_in_pieces
from doseopt.engines.exact import edge_weights, state_weights, tallied
from doseopt.engines.graph import Reach, build_graph
from doseopt.engines.means import Means


@dataclass(frozen=True)
class Several:
    """Designs side by side: a design again, made by the engines, whose trials begin with `starts`.

    Parameters
    ----------
    designs : tuple of Design
        Of equal facts.
    """

    designs: tuple[Design, ...]

    @cached_property
    def facts(self) -> Facts:
        """Those of each; which design a trial follows is kept."""
        facts = self.designs[0].facts
        return dataclasses.replace(facts, memory=(*facts.memory, "design"), excluding=None)

    @property
    def starts(self) -> TrialState:
        """The empty trial of each design."""
        empty = TrialState.empty(self.facts.doses, len(self.facts.memory))
        state = TrialState.concatenate([empty] * len(self.designs))
        state.memory[:, -1] = state.at
        return state

    def parts(self, state: TrialState) -> Iterator[tuple[Design, IntArray, TrialState]]:
        """Yield each design that trials follow, which of them do, and these as it sees them."""
        which = state.memory[:, -1]
        order = np.argsort(which, kind="stable")
        ends = np.searchsorted(which[order], np.arange(len(self.designs) + 1)).tolist()
        view = state[order].with_memory(state.memory[order, :-1])
        for design, first, end in zip(self.designs, ends, ends[1:], strict=False):
            if end > first:
                yield design, order[first:end], view[first:end]

    def first(self) -> Decision:
        """Return the first cohort of the first design."""
        return self.decide(self.starts[:1])

    def decide(self, state: TrialState) -> Decision:
        """Return what each design decides, the first cohort of one whose trial is to begin."""
        dose, size, stop = np.empty((3, len(state)), np.int64)
        for design, rows, view in self.parts(state):
            found = design.decide(view) if view.started.any() else design.first()
            dose[rows], size[rows], stop[rows] = found.dose, found.size, found.stop
        return Decision(dose, size, stop)

    def remember(self, before: TrialState, given: Decision, outcome: IntArray) -> IntArray:
        """Return the memory of each design, which stays."""
        memory = before.memory.copy()
        for design, rows, view in self.parts(before):
            memory[rows, :-1] = design.remember(view, given[rows], outcome[rows])
        return memory

    def admissible(self, state: TrialState) -> BoolArray:
        """Return the doses that each design calls admissible."""
        allowed = np.empty(state.n.shape, bool)
        for design, rows, view in self.parts(state):
            allowed[rows] = design.admissible(view)
        return allowed

    def select(self, state: TrialState, stop: IntArray) -> IntArray:
        """Return the MTD of each design."""
        mtd = np.empty(len(state), np.int64)
        for design, rows, view in self.parts(state):
            mtd[rows] = design.select(view, stop[rows])
        return mtd

    def describe(self) -> list[Row]:
        """Return the rows of all designs."""
        return [row for design in self.designs for row in design.describe()]


def means_of_several(
    courses: Sequence[Sequence[Design]], p_observed: FloatArray, p_beside: FloatArray, max_states: int
) -> list[Means]:
    """Return the expectations of designs of equal facts, as `means.means_of_each` does those of one course.

    Parameters
    ----------
    courses : sequence of sequence of Design
        Designs of a course give the same cohorts.
    p_observed, p_beside : float array [R, D]
        As of `means.means_of`.
    max_states : int
        Of all their graphs together.

    Raises
    ------
    TooManyStates
    """
    several = Several(tuple(designs[0] for designs in courses))
    beside = p_beside if several.facts.outcomes.beside else None
    reach: Reach
    if tallied(several.facts):
        reach = build_graph(several, several.starts, max_states)
        weight = state_weights(reach, p_observed, reach.ending, beside)
    else:
        reach = graph = build_graph(several, several.starts, max_states, edges=True)
        weight = edge_weights(graph, p_observed, beside)[:, graph.ending]
    ended, stop = reach.packed[reach.ending], reach.decision.stop[reach.ending]
    found, doses = [], np.arange(-1, several.facts.doses)
    for designs, (_, rows, view) in zip(courses, several.parts(ended), strict=True):
        weights, own = weight[:, rows], reach.selected[rows]
        n, y = weights @ view.n, weights @ view.y
        others = [select_in_pieces(design, view, stop[rows], view.at) for design in designs[1:]]
        found += [Means(weights @ (chosen[:, None] == doses), n, y) for chosen in (own, *others)]
    return found
