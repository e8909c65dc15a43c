"""Selection, patients and DLTs of a design in many scenarios, exact and lean: one product instead of a Dataset.

Most performance measures are linear in them, so that thousands of designs, or a design under thousands of draws of a
posterior, take milliseconds each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from doseopt.core.design import Design
from doseopt.core.state import FloatArray, IntArray, TrialState
from doseopt.core.trial import select_in_pieces
from doseopt.engines.enrolling import enrolling, lost_chances
from doseopt.engines.exact import edge_weights, state_weights, tallied
from doseopt.engines.graph import Graph, Reach, build_graph, graph_of, reach_of
from doseopt.engines.halves import sums
from doseopt.engines.ordered import FIRST, ordered_weights

ROOM = 1 << 21
"""Weights of states at a time: 16 MB, however many nodes a belief has."""
SMALL, MANY = 1 << 18, 1 << 11
"""Weights at a time where endings are all that is weighed, which stay in a processor's own memory; and endings up to
which that is so: more are weighed by halves of their tallies."""


@dataclass(frozen=True, eq=False)
class Means:
    """Expectations of a design in R scenarios.

    Attributes
    ----------
    selection : float array [R, 1 + D]
        Probability that none, and that each dose, is selected.
    n, y : float array [R, D]
        Expected patients and DLTs, those before `start` included.
    """

    selection: FloatArray
    n: FloatArray
    y: FloatArray


def means_of(
    design: Design,
    p_observed: FloatArray,
    start: TrialState | None = None,
    p_beside: FloatArray | None = None,
    scenarios: xr.Dataset | None = None,
    kept: bool = True,
) -> Means:
    """Return the expectations of a design.

    Parameters
    ----------
    design : Design
    p_observed : float array [R, D]
    start : TrialState, optional
        A batch of one to start from.
    p_beside : float array [R, D], optional
        P(moderate toxicity | no DLT), or P(efficacy), for a design that looks at it.
    scenarios : Dataset, optional
        Of R scenarios, where they may say that patients are left out, or replaced while those enrolled are capped, or
        that those of one population come first.
    kept : bool
        Whether the graph is remembered; not of designs that are asked about once, and of which there are many.
    """
    return means_of_each([design], p_observed, start, p_beside, scenarios, kept)[0]


def means_of_each(
    designs: Sequence[Design],
    p_observed: FloatArray,
    start: TrialState | None = None,
    p_beside: FloatArray | None = None,
    scenarios: xr.Dataset | None = None,
    kept: bool = True,
) -> list[Means]:
    """Return the expectations of designs that give the same cohorts and differ in the MTD that they declare at most.

    The states that their trials reach are found and weighed once; for the parameters see `means_of`.
    """
    if scenarios is not None:
        designs = [enrolling(design, scenarios, start) for design in designs]
    design = designs[0]
    lost = () if scenarios is None else lost_chances(design, scenarios)
    in_turn = scenarios is not None and FIRST in scenarios
    reach = tallied(design.facts) and not in_turn
    graph: Reach = (reach_of if kept else build_graph)(design, start) if reach else graph_of(design, start)
    beside = p_beside if design.facts.outcomes.beside else None
    chosen = np.stack([_declared(each, graph) for each in designs])
    if reach and len(graph.ending) > MANY:
        return _parted(sums(graph, chosen, p_observed, beside), len(designs))
    ended = graph.packed[graph.ending]
    declared = [each[:, None] == np.arange(-1, design.facts.doses) for each in chosen]
    counted = np.concatenate([*declared, ended.n, ended.y], axis=1).astype(float)
    means = np.empty((len(p_observed), counted.shape[1]))
    step = max(SMALL // len(graph.ending) if reach else ROOM // len(graph.packed), 1)
    for rows in (slice(first, first + step) for first in range(0, len(means), step)):
        q = None if beside is None else beside[rows]
        if reach:
            means[rows] = state_weights(graph, p_observed[rows], graph.ending, q) @ counted
        elif in_turn and scenarios is not None and isinstance(graph, Graph):
            weight = ordered_weights(graph, p_observed[rows], scenarios.isel(scenario=rows))
            means[rows] = weight[:, graph.ending] @ counted
        elif isinstance(graph, Graph):
            chances = [each[rows] for each in lost]
            means[rows] = edge_weights(graph, p_observed[rows], q, chances)[:, graph.ending] @ counted
    return _parted(means, len(designs))


def _parted(means: FloatArray, designs: int) -> list[Means]:
    """Return the means of designs that stand side by side, [R, C (1 + D) + 2 D]."""
    doses = (means.shape[1] - designs) // (designs + 2)
    *each, n, y = np.split(means, np.cumsum([*[1 + doses] * designs, doses]), axis=1)
    return [Means(selection, n, y) for selection in each]


def _declared(design: Design, graph: Reach) -> IntArray:
    """Return the MTD that a design declares at each ending of the graph of a design that gives the same cohorts."""
    if design == graph.design:
        return graph.selected
    return select_in_pieces(design, graph.packed, graph.decision.stop, graph.ending)
