"""Design -> the states its trials can reach, and the edges between them; knows no scenario.

States are visited in order of the patients treated, and trials that reach the same state are merged. The probability of
reaching a state whose tally is (n, y) is

    paths * prod_j p_j^y_j (1 - p_j)^(n_j - y_j),

where `paths` counts the orders of patients that lead there and does not depend on the truth. So it is counted once,
and a scenario costs one product an ending. Designs that also look at moderate toxicity (three outcome categories)
have no such factor, because their tally does not hold the moderate counts; the exact engine weighs their edges.
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass

import numpy as np
from scipy.special import factorial

from doseopt.design import Design
from doseopt.remembered import remembered
from doseopt.rows import unique_rows
from doseopt.state import CONTINUE, Decision, FloatArray, IntArray, TrialState
from doseopt.trial import advance, selected, step

MAX_STATES = 5_000_000
MOST_BYTES = 1 << 26
"""Of the graphs that are remembered, besides the last one."""


class TooManyStates(RuntimeError):
    """The graph of a design is larger than allowed."""


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

    def counts(self) -> dict[str, int]:
        """Count states, edges, endings and outcome paths."""
        return {
            "states": len(self.state),
            "edges": len(self.source),
            "endings": len(self.ending),
            "paths": int(self.cohort_paths[self.ending].sum()),
        }


@functools.cache
def cohort_outcomes(size: int, categories: int) -> tuple[IntArray, FloatArray]:
    """Return all ways a cohort can turn out by category, [W, K], and the orders of patients for each, [W]."""
    ways = [w for w in itertools.product(range(size + 1), repeat=categories) if sum(w) == size]
    outcomes = np.array(ways, np.int64)
    return outcomes, orders_of(outcomes)


def orders_of(outcomes: IntArray) -> FloatArray:
    """Return the orders of patients that make each cohort outcome, [W, K] -> [W]."""
    return np.asarray(factorial(outcomes.sum(axis=1)) / factorial(outcomes).prod(axis=1))


@dataclass(eq=False)
class _Arrivals:
    """Trials that arrive at one number of patients: not yet merged."""

    state: TrialState
    source: IntArray
    counts: IntArray
    paths: FloatArray
    cohort_paths: FloatArray


@dataclass(eq=False)
class _Layer:
    """The merged trials at one number of patients."""

    state: TrialState
    decision: Decision
    paths: FloatArray
    cohort_paths: FloatArray
    selected: IntArray  # of those that stop


def _selected(design: Design, state: TrialState, decision: Decision) -> IntArray:
    """Return the MTD of the trials that stop; where all do, the state stays the same object and keeps its posterior."""
    stopped = decision.stop != CONTINUE
    ended = state if stopped.all() else state[stopped]
    return selected(design, ended, decision.stop[stopped]) if len(ended) else np.zeros(0, np.int64)


def _children(
    design: Design, state: TrialState, decision: Decision, base: int, paths: FloatArray, cohort_paths: FloatArray
) -> list[_Arrivals]:
    """Treat the next cohort of every trial that goes on, each way it can turn out; one batch a cohort size."""
    found = []
    for size in np.unique(decision.size[decision.stop == CONTINUE]).tolist():
        rows = np.flatnonzero((decision.stop == CONTINUE) & (decision.size == size))
        ways, orders = cohort_outcomes(size, design.categories)
        repeated = np.repeat(rows, len(ways))
        outcome = np.tile(ways, (len(rows), 1))
        children = advance(design, state[repeated], decision[repeated], outcome)
        found.append(
            _Arrivals(
                children,
                repeated + base,
                outcome,
                paths[repeated] * np.tile(orders, len(rows)),
                cohort_paths[repeated],
            )
        )
    return found


def _merge(parts: list[_Arrivals]) -> tuple[TrialState, IntArray, FloatArray, FloatArray]:
    """Return the distinct states, which of them each arrival is, and the paths into each."""
    state = TrialState.concatenate([p.state for p in parts])
    first, inverse = unique_rows([*state.n.T, *state.y.T, state.dose, *state.memory.T])
    paths = np.bincount(inverse, np.concatenate([p.paths for p in parts]), len(first))
    cohort_paths = np.bincount(inverse, np.concatenate([p.cohort_paths for p in parts]), len(first))
    return state[first], inverse, paths, cohort_paths


def build_graph(design: Design, start: TrialState | None = None, max_states: int = MAX_STATES) -> Graph:
    """Enumerate the states that a design's trials can reach.

    Parameters
    ----------
    design : Design
    start : TrialState, optional
        A batch of one to start from (see `doseopt.after`); left out: the empty trial.
    max_states : int
        Refuse larger graphs.

    Raises
    ------
    TooManyStates
        With what to do about it.
    """
    start = TrialState.empty(design.doses, len(design.memory)) if start is None else start
    one = np.ones(1)
    nobody = np.full(1, -1, np.int64)
    waiting = {int(start.total[0]): [_Arrivals(start, nobody, np.zeros((1, design.categories), np.int64), one, one)]}
    layers: list[_Layer] = []
    edges: list[tuple[IntArray, IntArray, IntArray]] = []
    base = 0
    while waiting:
        patients = min(waiting)
        parts = waiting.pop(patients)
        state, inverse, paths, cohort_paths = _merge(parts)
        if base + len(state) > max_states:
            raise TooManyStates(_too_many(design, patients, base + len(state), max_states))
        source = np.concatenate([p.source for p in parts])
        edges.append((source, inverse + base, np.concatenate([p.counts for p in parts])))
        decision = step(design, state)
        layers.append(_Layer(state, decision, paths, cohort_paths, _selected(design, state, decision)))
        for child in _children(design, state, decision, base, paths, cohort_paths):
            waiting.setdefault(int(child.state.n[0].sum()) if len(child.state) else 0, []).append(child)
        base += len(state)
    return _assemble(design, start, layers, edges)


def _assemble(
    design: Design,
    start: TrialState,
    layers: list[_Layer],
    edges: list[tuple[IntArray, IntArray, IntArray]],
) -> Graph:
    """Join the layers."""
    decision = Decision(*(np.concatenate([getattr(x.decision, f) for x in layers]) for f in Decision.__slots__))
    source, target, counts = (np.concatenate([e[i] for e in edges[1:]] or [edges[0][i][:0]]) for i in range(3))
    return Graph(
        design=design,
        start=start,
        state=TrialState.concatenate([x.state for x in layers]),
        decision=decision,
        paths=np.concatenate([x.paths for x in layers]),
        cohort_paths=np.concatenate([x.cohort_paths for x in layers]),
        ending=np.flatnonzero(decision.stop != CONTINUE),
        selected=np.concatenate([x.selected for x in layers]),
        source=source,
        target=target,
        category_counts=counts,
    )


def _too_many(design: Design, patients: int, states: int, allowed: int) -> str:
    """Say what happened and what to do."""
    advice = (
        "lower its max_patients, use larger cohorts, or simulate it (doseopt.Simulate)"
        if design.ends
        else "it has no rule that ends every trial: add a max_patients modifier"
    )
    size = f"{states:,} states at {patients} patients, more than max_states = {allowed:,}"
    return f"the graph of this design has {size}; {advice}"


@remembered(MOST_BYTES)
def graph_of(design: Design) -> Graph:
    """Return the graph of a design from the empty trial, built once while it is remembered."""
    return build_graph(design)
