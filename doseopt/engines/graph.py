"""Design -> the states its trials can reach, and the edges between them; knows no scenario.

States are visited in order of the patients treated, and trials that reach the same state are merged. The probability of
reaching a state whose tally is (n, y) is

    paths * prod_j p_j^y_j (1 - p_j)^(n_j - y_j),

where `paths` counts the orders of patients that lead there and does not depend on the truth. So it is counted once,
and a scenario costs one product an ending. A cohort that is treated as patients come is a mixture over its size,
which does not depend on the truth either: the orders of its patients count times the probability of so many. Designs
that also look at moderate toxicity (three outcome categories) have no such factor, because their tally does not hold
the moderate counts; the exact engine weighs their edges.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from doseopt.core.design import Design, is_design
from doseopt.core.distinct import unique_rows
from doseopt.core.parameters import demand, is_number
from doseopt.core.remembered import remembered
from doseopt.core.state import CONTINUE, Decision, FloatArray, IntArray, TrialState
from doseopt.core.trial import advance, decide_and_select
from doseopt.engines.budget import MAX_BYTES, MAX_STATES, Budget
from doseopt.engines.cohort_outcomes import cohort_outcomes, enrolled_outcomes, orders_of
from doseopt.engines.enrolling import enrolled_of

MOST_BYTES = 1 << 27
"""Of the graphs that are remembered, besides the last one."""


@dataclass(frozen=True, eq=False)
class Graph:
    """The reachable states of a design.

    Attributes
    ----------
    design : Design
    start : TrialState
        Where the trials begin, a batch of one.
    state : TrialState
        All states in order of patients treated, S of them.
    decision : Decision
        What the design does in each.
    paths : float array [S]
        Orders of single patients that lead to each state (two outcome categories; else cohort outcomes only).
    cohort_paths : float array [S]
        Sequences of cohort outcomes that lead to each state.
    ending : int array [E]
        The states where the trial stops.
    selected : int array [E]
        The MTD declared there, or -1.
    source, target, category_counts : int arrays [L], [L], [L, K]
        Edges: from state, to state, patients of the cohort by outcome category.
    """

    design: Design
    start: TrialState
    state: TrialState
    decision: Decision
    paths: FloatArray
    cohort_paths: FloatArray
    ending: IntArray
    selected: IntArray
    source: IntArray
    target: IntArray
    category_counts: IntArray

    @property
    def layer(self) -> IntArray:
        """The layer of each state: patients enrolled, as far as states tell them; every edge leads to a later one."""
        return enrolled_of(self.design.facts, self.state)

    @functools.cached_property
    def kinds(self) -> tuple[IntArray, IntArray]:
        """An edge of each kind, [Q], and the kind of each edge, [L]: doses, sizes and ways to turn out are few."""
        given = self.decision[self.source]
        return unique_rows([*self.category_counts.T, given.dose, given.size])

    @functools.cached_property
    def orders(self) -> FloatArray:
        """The orders of patients that make each edge, times the probability that so many come, [L]."""
        return orders_of(self.category_counts, self.decision.size[self.source], self.design.facts.comers)

    @functools.cached_property
    def deepest(self) -> int:
        """The most cohorts of a trial."""
        depth = np.zeros(len(self.state), np.int64)
        for _, into in self.layers():
            np.maximum.at(depth, self.target[into], depth[self.source[into]] + 1)
        return int(depth.max())

    @functools.cached_property
    def outgoing(self) -> tuple[IntArray, IntArray]:
        """The edges in the order of the states they come from, [L], and where those of each state begin, [S + 1]."""
        order = np.argsort(self.source, kind="stable")
        return order, np.searchsorted(self.source[order], np.arange(len(self.state) + 1))

    def layers(self) -> Iterator[tuple[slice, slice]]:
        """Yield the states of each layer, and the edges that lead to them; both stand in its order."""
        _, firsts = np.unique(self.layer, return_index=True)
        for first, end in itertools.pairwise([*firsts.tolist(), len(self.state)]):
            yield slice(first, end), slice(*np.searchsorted(self.target, [first, end]).tolist())

    def counts(self) -> dict[str, int]:
        """Count states, edges, endings and outcome paths."""
        return {
            "states": len(self.state),
            "edges": len(self.source),
            "endings": len(self.ending),
            "paths": int(self.cohort_paths[self.ending].sum()),
        }


@dataclass(eq=False)
class _Arrivals:
    """Trials that arrive at one number of patients: not yet merged."""

    state: TrialState
    source: IntArray
    counts: IntArray
    paths: FloatArray
    cohort_paths: FloatArray


class _Columns(dict[str, list[Any]]):
    """What is known of all states and edges so far, layer by layer, under the names of the attributes."""

    def add(self, **arrays: IntArray | FloatArray) -> None:
        """Add one layer."""
        for name, array in arrays.items():
            self.setdefault(name, []).append(array)

    def joined(self, name: str) -> Any:
        """Return all layers of one attribute, and forget them one by one: both would not fit."""
        return np.concatenate(self.pop(name))


def _children(
    design: Design, state: TrialState, decision: Decision, base: int, paths: FloatArray, cohort_paths: FloatArray
) -> list[_Arrivals]:
    """Treat the next cohort of every trial that goes on, each way it can turn out; a batch a cohort size and layer."""
    found = []
    for rows, ways, orders in _cohorts(design, state, decision):
        repeated = np.repeat(rows, len(ways))
        outcome = np.tile(ways, (len(rows), 1))
        children = advance(design, state[repeated], decision[repeated], outcome)
        arrivals = _Arrivals(
            children,
            repeated + base,
            outcome,
            paths[repeated] * np.tile(orders, len(rows)),
            cohort_paths[repeated],
        )
        differ = design.facts.outcomes.lost or design.facts.comers is not None
        found += _by_layer(design, arrivals) if differ else [arrivals]
    return found


def _cohorts(design: Design, state: TrialState, decision: Decision) -> Iterator[tuple[IntArray, IntArray, FloatArray]]:
    """Yield the trials that go on by the size of the next cohort, with the ways it can turn out and their orders."""
    facts, space = design.facts, design.facts.outcomes
    going, room = decision.stop == CONTINUE, np.zeros(len(state), np.int64)
    if space.lost and facts.max_enrolled is not None:
        room = facts.max_enrolled - enrolled_of(facts, state)
    for left in np.unique(room[going]).tolist():
        for size in np.unique(decision.size[going & (room == left)]).tolist():
            rows = np.flatnonzero(going & (decision.size == size) & (room == left))
            most = None if facts.max_enrolled is None else left
            if space.lost:
                yield (rows, *enrolled_outcomes(space, size, most, facts.comers))
            else:
                yield (rows, *cohort_outcomes(size, len(space), facts.comers))


def _by_layer(design: Design, arrivals: _Arrivals) -> list[_Arrivals]:
    """Tell trials apart that arrive in different layers, as cohorts of one size can have different patients."""
    layer = enrolled_of(design.facts, arrivals.state)
    parts = [np.flatnonzero(layer == each) for each in np.unique(layer)]
    return [_Arrivals(*(getattr(arrivals, name)[rows] for name in vars(arrivals))) for rows in parts]


def _merge(parts: list[_Arrivals]) -> tuple[TrialState, IntArray, FloatArray, FloatArray]:
    """Return the distinct states, which of them each arrival is, and the paths into each."""
    state = TrialState.concatenate([p.state for p in parts])
    first, inverse = unique_rows([*state.n.T, *state.y.T, state.dose, *state.memory.T])
    paths = np.bincount(inverse, np.concatenate([p.paths for p in parts]), len(first))
    cohort_paths = np.bincount(inverse, np.concatenate([p.cohort_paths for p in parts]), len(first))
    return state[first], inverse, paths, cohort_paths


def build_graph(
    design: Design, start: TrialState | None = None, max_states: int = MAX_STATES, max_bytes: int = MAX_BYTES
) -> Graph:
    """Enumerate the states that a design's trials can reach.

    Parameters
    ----------
    design : Design
    start : TrialState, optional
        A batch of one to start from (see `doseopt.after`); left out: the empty trial.
    max_states : int
        Refuse larger graphs.
    max_bytes : int
        Refuse graphs that could need more memory while they are made; asked before a layer is made, of the most states
        that it can have.

    Raises
    ------
    TooManyStates
        With what to do about it.

    Examples
    --------
    With one dose 3+3 ends after 2 or 3 DLTs in 3 patients, or with 0 to 6 in 6 of which 0 or 1 in the first three:

    >>> from doseopt import ThreePlusThree, build_graph
    >>> build_graph(ThreePlusThree(doses=1, target=0.25)).counts()["endings"]
    7
    """
    demand(is_design(design), "design", "a design", design)
    demand(is_number(max_states), "max_states", "a number of states", max_states)
    start = TrialState.empty(design.facts.doses, len(design.facts.memory)) if start is None else start
    one = np.ones(1)
    nobody = np.full(1, -1, np.int64)
    waiting = {
        int(start.total[0]): [_Arrivals(start, nobody, np.zeros((1, len(design.facts.outcomes)), np.int64), one, one)]
    }
    found = _Columns()
    base = edges = 0
    budget = Budget(design, int(start.total[0]), max_states, max_bytes)
    while waiting:
        patients = min(waiting)
        parts = waiting.pop(patients)
        state, inverse, paths, cohort_paths = _merge(parts)
        budget.ask(patients, base + len(state), state)
        source, counts = np.concatenate([p.source for p in parts]), np.concatenate([p.counts for p in parts])
        del parts
        decision, mtd = decide_and_select(design, state)
        found.add(source=source, target=inverse + base, category_counts=counts)
        found.add(n=state.n, y=state.y, at=state.dose, memory=state.memory, paths=paths, cohort_paths=cohort_paths)
        found.add(dose=decision.dose, size=decision.size, stop=decision.stop, selected=mtd)
        edges += len(source)
        ahead = sum(len(p.source) for batches in waiting.values() for p in batches)
        ahead += sum(len(rows) * len(ways) for rows, ways, _ in _cohorts(design, state, decision))
        budget.ask_ahead(patients, base + len(state), edges, ahead)
        for child in _children(design, state, decision, base, paths, cohort_paths):
            waiting.setdefault(int(enrolled_of(design.facts, child.state[:1])[0]), []).append(child)
        base += len(state)
    return _assemble(design, start, found)


def _assemble(design: Design, start: TrialState, found: _Columns) -> Graph:
    """Join the layers."""
    state = TrialState(*(found.joined(name) for name in ("n", "y", "at", "memory")))
    decision = Decision(*(found.joined(name) for name in Decision.__slots__))
    names = ("paths", "cohort_paths", "selected", "source", "target", "category_counts")
    rest = {name: found.joined(name) for name in names}
    for name in ("source", "target", "category_counts"):
        rest[name] = rest[name][1:]  # of the start, which comes from nowhere
    ending = np.flatnonzero(decision.stop != CONTINUE)
    return Graph(design=design, start=start, state=state, decision=decision, ending=ending, **rest)


def graph_of(design: Design, start: TrialState | None = None, max_states: int = MAX_STATES) -> Graph:
    """Return the graph of a design, from the empty trial unless a start is given, built once while it is remembered."""
    begin = TrialState.empty(design.facts.doses, len(design.facts.memory)) if start is None else start
    rows = (tuple(getattr(begin, name)[0].ravel().tolist()) for name in begin.__slots__)
    return _remembered_graph(design, max_states, *rows)


@remembered(MOST_BYTES)
def _remembered_graph(design: Design, max_states: int, *start: tuple[int, ...]) -> Graph:
    """Build the graph of a design from the state that has these rows."""
    n, y, dose, memory = (np.array(row, np.int64) for row in start)
    return build_graph(design, TrialState(n[None], y[None], dose, memory[None]), max_states)


def most_patients(design: Design, start: TrialState | None = None) -> int:
    """Return the most patients that a trial can have, from where it begins."""
    graph = graph_of(design, start)
    return int(graph.state.total[graph.ending].max())
