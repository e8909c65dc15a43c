"""Stop as soon as the answer is settled: every reachable ending selects the same dose."""

from __future__ import annotations

import dataclasses

import numpy as np

from doseopt.core.cohort import Cohort, format_outcomes
from doseopt.core.state import CONTINUE, NONE, Decision, IntArray
from doseopt.engines.graph import Graph
from doseopt.engines.packing import Packed

SETTLED = "settled"
"""The reason to stop, a name beside the design's own."""


def extremes(graph: Graph) -> tuple[IntArray, IntArray]:
    """Return the lowest and the highest level whose selection can still be reached from each state, -1 for none."""
    lowest = np.full(len(graph.state), graph.design.facts.doses)
    highest = np.full(len(graph.state), NONE)
    lowest[graph.ending] = highest[graph.ending] = graph.selected
    layer = graph.layer[graph.source]
    for each in np.unique(layer)[::-1]:
        rows = layer == each
        np.minimum.at(lowest, graph.source[rows], lowest[graph.target[rows]])
        np.maximum.at(highest, graph.source[rows], highest[graph.target[rows]])
    return lowest, highest


def in_vain(graph: Graph) -> str:
    """Return the shortest trial without any toxicity after which no dose can be declared any more, however it goes on.

    Parameters
    ----------
    graph : Graph
        From the first patient on.

    Returns
    -------
    str
        An outcome string; empty if a trial without toxicity can declare a dose to its end.

    Examples
    --------
    A 3+3 design that wants six patients at the dose it declares, and has nine patients for four doses.

    >>> from doseopt import MaxPatients, Modified, ThreePlusThree, build_graph
    >>> design = Modified(ThreePlusThree(doses=4, target=0.25, confirm_top=True), (MaxPatients(n=9),))
    >>> in_vain(build_graph(design, edges=True))
    '1NNN 2NNN'
    """
    _, highest = extremes(graph)
    letter, here = graph.design.facts.outcomes.letters[-1], 0
    cohorts: list[Cohort] = []
    best = graph.category_counts[:, -1] == graph.category_counts.sum(axis=1)
    while not cohorts or highest[here] != NONE:
        edge = np.flatnonzero((graph.source == here) & best)
        if not len(edge):
            return ""
        cohorts.append(Cohort(int(graph.decision.dose[here]) + 1, letter * int(graph.decision.size[here])))
        here = int(graph.target[edge[0]])
    return format_outcomes(tuple(cohorts))


def settle(graph: Graph) -> Graph:
    """Return the graph of the same design stopped where only one selection can be reached.

    The trial's answer is the same whatever the patients that are spared would have shown; what is known of the DLT
    rates is not. The reason has the code after the design's own.

    Parameters
    ----------
    graph : Graph
    """
    lowest, highest = extremes(graph)
    stopping = (lowest == highest) & graph.state.started & (graph.decision.stop == CONTINUE)
    paths, cohort_paths = np.zeros((2, len(graph.state)))
    paths[0] = cohort_paths[0] = 1
    orders = graph.orders
    layer = graph.layer[graph.source]
    for each in np.unique(layer):
        rows = (layer == each) & ~stopping[graph.source]
        np.add.at(paths, graph.target[rows], paths[graph.source[rows]] * orders[rows])
        np.add.at(cohort_paths, graph.target[rows], cohort_paths[graph.source[rows]])
    kept = np.flatnonzero(cohort_paths)
    place = np.full(len(graph.state), -1)
    place[kept] = np.arange(len(kept))
    edges = np.flatnonzero((place[graph.source] >= 0) & ~stopping[graph.source])
    stop = np.where(stopping, 1 + len(graph.design.facts.stops), graph.decision.stop)[kept]
    ending = np.flatnonzero(stop != CONTINUE)
    return dataclasses.replace(
        graph,
        packed=Packed(graph.packed.packing, graph.packed.words[kept]),
        decision=Decision(graph.decision.dose[kept], graph.decision.size[kept], stop),
        paths=paths[kept],
        cohort_paths=cohort_paths[kept],
        ending=ending,
        selected=lowest[kept[ending]],
        states=len(kept),
        edges=len(edges),
        source=place[graph.source[edges]],
        target=place[graph.target[edges]],
        category_counts=graph.category_counts[edges],
    )
