"""Conformance checks that any design must pass, the library's own and a reader's.

A check raises ``AssertionError`` with what was wanted, what came, and in which trial.
"""

from __future__ import annotations

import pickle

import numpy as np

from doseopt.design import Design, Row
from doseopt.engine.exact import edge_weights
from doseopt.engine.graph import Graph, build_graph
from doseopt.state import CONTINUE, Decision, TrialState


def check_design(design: Design, max_states: int = 200_000) -> Graph:
    """Check that a design keeps its promises on every trial that it can produce.

    The design hashes, compares and pickles by its parameters; every trial ends; every cohort has patients and is at an
    admissible dose (``trial.step``), and so is every MTD (``trial.selected``); the decision depends on the state alone,
    not on which trials are asked about together or how often; memory has the declared shape; the endings' probabilities
    sum to 1; and the design describes itself.

    Parameters
    ----------
    design : Design
    max_states : int
        A design whose graph is larger is taken never to end.

    Returns
    -------
    Graph
        The design's graph.

    Raises
    ------
    AssertionError, ValueError, TooManyStates
    """
    copy = pickle.loads(pickle.dumps(design))
    _demand(copy == design and hash(copy) == hash(design), "a pickled copy to be equal and to hash alike", repr(copy))
    graph = build_graph(design, max_states=max_states)
    _demand(graph.state.memory.shape[1] == len(design.memory), f"memory {design.memory}", f"{graph.state.memory.shape}")
    _check_purity(design, graph)
    _check_mass(design, graph)
    rows = design.describe()
    _demand(bool(rows) and all(isinstance(r, Row) for r in rows), "describe() to give rows", repr(rows))
    return graph


def _demand(holds: bool, wanted: str, got: str) -> None:
    if not holds:
        raise AssertionError(f"wanted {wanted}; got {got}")


def _check_purity(design: Design, graph: Graph) -> None:
    """Ask about all trials that have begun: shuffled, in two parts, and twice over."""
    begun = np.flatnonzero(graph.state.started)
    rng = np.random.default_rng(1)
    shuffled = rng.permutation(begun)
    half = len(begun) // 2
    batches = {"shuffled": [shuffled], "split": [begun[:half], begun[half:]], "repeated": [np.repeat(begun[:half], 2)]}
    for how, parts in batches.items():
        for rows in parts:
            state = graph.state[rows]
            _compare(how, state, design.decide(state), graph.decision[rows])


def _compare(how: str, state: TrialState, answer: Decision, wanted: Decision) -> None:
    on = wanted.stop == CONTINUE
    same = (answer.stop == wanted.stop) & (~on | ((answer.dose == wanted.dose) & (answer.size == wanted.size)))
    if not same.all():
        i = int(np.flatnonzero(~same)[0])
        trial = f"n={state.n[i].tolist()}, y={state.y[i].tolist()}"
        _demand(
            False,
            f"the same decision when the batch is {how}",
            f"another after {trial}: it depends on more than the state",
        )


def _check_mass(design: Design, graph: Graph) -> None:
    p, moderate = np.sort(np.random.default_rng(2).random((2, 20, design.doses)), axis=2)
    weight = edge_weights(graph, p, moderate if design.categories == 3 else None)[:, graph.ending]
    astray = float(np.abs(weight.sum(axis=1) - 1).max())
    _demand(astray <= 1e-12, "the endings' probabilities to sum to 1 within 1e-12", f"a difference of {astray:.2g}")
