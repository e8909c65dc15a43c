"""Trials drawn along a graph with the days on which their cohorts end, for what has no exact law of the duration."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from doseopt.core.state import CONTINUE, BoolArray, FloatArray, IntArray
from doseopt.engines.graph import Graph

type Follow = Callable[[FloatArray, IntArray, IntArray, BoolArray], FloatArray]
"""Day of opening, size, dose and whether it is new, [T] each -> day on which the windows have ended."""


def draw_ends(
    graph: Graph, p: FloatArray, follow: Follow, between: float, trials: int, rng: np.random.Generator
) -> FloatArray:
    """Draw the days on which trials end, [trials]; the outcome of a cohort does not depend on when it is known.

    Parameters
    ----------
    graph : Graph
        Of a design with two outcome categories, from the empty trial.
    p : float array [D]
        Rates that trials are weighed with.
    follow : callable
    between : float
        Days from the end of a cohort until the next may be enrolled.
    trials : int
    rng : Generator
    """
    order = np.lexsort((graph.category_counts[:, 0], graph.source))  # a state's edges by their DLTs: 0, 1, ..., size
    first = np.searchsorted(graph.source[order], np.arange(len(graph.state)))
    at, end = np.zeros(trials, np.int64), np.zeros(trials)
    cohorts = 0
    while len(rows := np.flatnonzero(graph.decision.stop[at] == CONTINUE)):
        here = at[rows]
        dose, size = graph.decision.dose[here], graph.decision.size[here]
        opened = end[rows] + (between if cohorts else 0)
        end[rows] = follow(opened, size, dose, graph.state.n[here, dose] == 0)
        at[rows] = graph.target[order[first[here] + rng.binomial(size, p[dose])]]
        cohorts += 1
    return end
