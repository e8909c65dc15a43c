"""Trials drawn along a graph with the days on which their cohorts end, for what has no exact law of the duration."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from doseopt.core.state import CONTINUE, BoolArray, FloatArray, IntArray
from doseopt.engines.graph import Graph

type Follow = Callable[[IntArray, FloatArray, IntArray, IntArray, BoolArray, IntArray], FloatArray]
"""Trials, day of opening, size, dose, whether it is new, and DLTs, [Q] each -> day on which cohorts are decided on."""


def draw_ends(
    graph: Graph, chance: FloatArray, follow: Follow, between: float, trials: int, rng: np.random.Generator
) -> FloatArray:
    """Draw the days on which trials end, [T]; the outcome of a cohort does not depend on when it is known.

    Parameters
    ----------
    graph : Graph
        From the empty trial.
    chance : float array [L]
        Probability of each edge, once a trial is where it comes from.
    follow : callable
    between : float
        Days from the end of a cohort until the next may be enrolled.
    trials : int
    rng : Generator
    """
    order = np.argsort(graph.source, kind="stable")
    bounds = np.searchsorted(graph.source[order], np.arange(len(graph.state) + 1))
    reached = np.concatenate([[0.0], np.cumsum(chance[order])])
    at, end = np.zeros(trials, np.int64), np.zeros(trials)
    cohorts = 0
    while len(rows := np.flatnonzero(graph.decision.stop[at] == CONTINUE)):
        here = at[rows]
        low, high = bounds[here], bounds[here + 1]
        sought = reached[low] + rng.random(len(rows)) * (reached[high] - reached[low])
        edge = order[np.clip(np.searchsorted(reached, sought, side="right") - 1, low, high - 1)]
        dose, size = graph.decision.dose[here], graph.decision.size[here]
        opened = end[rows] + (between if cohorts else 0)
        new = graph.state.n[here, dose] == 0
        end[rows] = follow(rows, opened, size, dose, new, graph.category_counts[edge, 0])
        at[rows] = graph.target[edge]
        cohorts += 1
    return end
