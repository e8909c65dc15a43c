"""Trials drawn along a graph with the days on which their cohorts end, for what has no exact law of the duration."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from doseopt.clock.enrolment import Lost
from doseopt.core.outcome_space import OutcomeSpace
from doseopt.core.state import CONTINUE, BoolArray, FloatArray, IntArray
from doseopt.engines.graph import Graph

type Follow = Callable[[IntArray, FloatArray, IntArray, IntArray, BoolArray, IntArray, Lost | None], FloatArray]
"""Trials, day of opening, size, dose, whether it is new, DLTs, [Q] each, and who is lost -> day of the decision."""


def draw_ends(
    graph: Graph,
    chance: FloatArray,
    follow: Follow,
    between: float,
    trials: int,
    rng: np.random.Generator,
    none: FloatArray | None = None,
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
    none : float array [S], optional
        Probability that all of the next cohort are left out, and that it is treated once more.
    """
    order, bounds = graph.outgoing
    lost = graph.design.facts.outcomes.lost > 0
    reached = np.concatenate([[0.0], np.cumsum(chance[order])])
    at, end = np.zeros(trials, np.int64), np.zeros(trials)
    treated, cohorts = np.zeros((trials, graph.design.facts.doses), bool), 0
    while len(rows := np.flatnonzero(graph.decision.stop[at] == CONTINUE)):
        here = at[rows]
        low, high = bounds[here], bounds[here + 1]
        sought = reached[low] + rng.random(len(rows)) * (reached[high] - reached[low])
        edge = order[np.clip(np.searchsorted(reached, sought, side="right") - 1, low, high - 1)]
        dose = graph.decision.dose[here]
        size = graph.decision.size[here] if lost else graph.category_counts[edge].sum(axis=1)
        opened = end[rows] + (between if cohorts else 0)
        again = np.zeros(len(rows), bool) if none is None else rng.random(len(rows)) < none[here]
        dlts, gone = outcome_of(graph.design.facts.outcomes, graph.category_counts[edge], size, again)
        end[rows] = follow(rows, opened, size, dose, ~treated[rows, dose], dlts, gone)
        at[rows] = np.where(again, here, graph.target[edge])
        treated[rows, dose] = True
        cohorts += 1
    return end


def outcome_of(space: OutcomeSpace, counts: IntArray, size: IntArray, again: BoolArray) -> tuple[IntArray, Lost | None]:
    """Return the DLTs of cohorts [Q] by category [Q, K], none of those that are treated again, and who is lost."""
    dlts = counts[:, space.lost]
    if not space.lost:
        return dlts, None
    gone = counts[:, 0] if space.replaces else None
    held = counts[:, int(space.replaces) :].sum(axis=1)
    out = counts[:, space.letters.index("X")] if "X" in space.letters else np.zeros_like(dlts)
    return np.where(again, 0, dlts), Lost(np.where(again, size, out), held, gone)
