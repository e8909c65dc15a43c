"""Cohorts of the trials that end: a second pass over a graph, made only where time matters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from doseopt.core.state import CONTINUE, BoolArray, FloatArray, IntArray
from doseopt.engines.exact import edge_chances, ending_weights
from doseopt.engines.graph import Graph

ROOM = 1 << 22
"""Numbers that are carried to the states of a layer, about: 32 MB."""


@dataclass(frozen=True, eq=False)
class Cohorts:
    """How trials end, told apart by their patients and cohorts only: G ways in R scenarios.

    Attributes
    ----------
    n, cohorts, new : int array [G]
        Patients, cohorts, and cohorts of two or more at a dose that nobody had before.
    weight : float array [R, G]
        Probabilities; they sum to 1.
    """

    n: IntArray
    cohorts: IntArray
    new: IntArray
    weight: FloatArray


def cohorts_of(
    graph: Graph, p: FloatArray, p_beside: FloatArray | None = None, by: FloatArray | None = None
) -> Cohorts:
    """Return the patients and cohorts that trials end with, those before the start of the graph left out.

    Parameters
    ----------
    graph : Graph
    p : float array [R, D]
        Rates that trials are weighed with.
    p_beside : float array [R, D], optional
        P(moderate toxicity | no DLT), or P(efficacy), for a design that looks at it.
    by : float array [L, R], optional
        Probability of each edge from its state, where that is no product of the patients' rates at the dose.

    Notes
    -----
    Of the paths to an ending the share with each number of cohorts does not depend on the truth where its likelihood is
    that of the tally; with three outcome categories, or `by`, each scenario is carried along by itself.

    Examples
    --------
    With one dose 3+3 goes on to a second cohort unless two or three of the first three patients have a DLT.

    >>> from doseopt import ThreePlusThree, build_graph
    >>> found = cohorts_of(build_graph(ThreePlusThree(doses=1, target=0.25), edges=True), np.array([[0.5]]))
    >>> found.n.tolist(), found.cohorts.tolist(), found.weight.round(12).tolist()
    ([3, 6], [1, 2], [[0.5, 0.5]])
    """
    begin = np.zeros((graph.deepest + 1, graph.design.facts.doses + 1))
    begin[0, 0] = 1

    def count(come: FloatArray, _: int, new: bool) -> FloatArray:
        moved = np.zeros_like(come)
        moved[:, 1:, int(new) :] = come[:, :-1, : come.shape[2] - int(new)]
        return moved

    found = carried(graph, p, p_beside, begin, count, by)
    n, cohorts, new = np.nonzero(found.any(axis=0))
    return Cohorts(n, cohorts, new, found[:, n, cohorts, new])


def mean_cohorts(
    graph: Graph, reached: FloatArray, p: FloatArray, p_beside: FloatArray | None = None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the expected patients, cohorts, and cohorts of two or more at a new dose, [R] each, state by state.

    Parameters
    ----------
    graph : Graph
    reached : float array [R, S]
        Probability of each state.
    p, p_beside
        As for `cohorts_of`.
    """
    _, new = _treated(graph)
    # how many come does not depend on the truth: by that of one scenario
    chance = edge_chances(graph, p[:1], None if p_beside is None else p_beside[:1])[:, 0]
    several = np.bincount(graph.source, chance * new, len(graph.state))
    patients = graph.state.total[graph.ending] - graph.start.total
    going_on = (graph.decision.stop == CONTINUE).astype(float)
    return reached[:, graph.ending] @ patients, reached @ going_on, reached @ several


def _treated(graph: Graph) -> tuple[IntArray, BoolArray]:
    """Return the size of the cohort of each edge, and whether it is of two or more at a new dose, [L] each."""
    total, source = graph.state.total, graph.source
    size = total[graph.target] - total[source]
    return size, (size > 1) & (graph.state.n[source, graph.decision.dose[source]] == 0)


type Move = Callable[[FloatArray, int, bool], FloatArray]
"""Weights, [S, ...], size of a cohort, and whether two or more have a new dose -> weights after it, [S, ...]."""


def carried(
    graph: Graph,
    p: FloatArray,
    p_beside: FloatArray | None,
    begin: FloatArray,
    move: Move,
    by: FloatArray | None = None,
) -> FloatArray:
    """Return what is carried along the trials to their ends, by their patients: [R, 1 + P, ...].

    Parameters
    ----------
    graph, p, p_beside, by
        As for `cohorts_of`.
    begin : float array [...]
        What a trial begins with: weights that sum to 1.
    move : callable
        What a cohort does to it; linear, whatever its outcome.
    """
    patients = graph.state.total[graph.ending] - graph.start.total
    place = np.full(len(graph.state), -1)
    place[graph.ending] = np.arange(len(graph.ending))
    found = np.zeros((len(p), int(patients.max()) + 1, *begin.shape))
    passes: list[tuple[slice, FloatArray | None, FloatArray]] = []
    if p_beside is None and by is None:
        each = ending_weights(graph, p) / graph.paths[graph.ending]
        passes.append((slice(None), each, graph.orders[:, None]))
    else:
        chances = edge_chances(graph, p, p_beside) if by is None else by
        some = max(ROOM // (int(np.bincount(graph.state.total).max()) * begin.size), 1)
        ways = (slice(first, first + some) for first in range(0, len(p), some))
        passes += [(rows, None, chances[:, rows]) for rows in ways]
    for rows, share, chance in passes:
        for states, spread in _layers(graph, chance, begin, move):
            ends = place[states]
            count, ended = patients[ends[ends >= 0][:1]], spread[ends >= 0]
            if not len(count):
                continue
            if share is None:
                found[rows, count[0]] += ended.sum(axis=0)
            else:
                found[rows, count[0]] += np.tensordot(share[:, ends[ends >= 0]], ended[:, 0], axes=1)
    return found


def _layers(graph: Graph, chance: FloatArray, begin: FloatArray, move: Move) -> Iterator[tuple[slice, FloatArray]]:
    """Yield the states of each number of patients, with what is carried to each, [S, Q, ...].

    Parameters
    ----------
    graph : Graph
    chance : float array [L, Q]
        Weights of each edge.
    begin, move
        As for `carried`.
    """
    from scipy.sparse import csr_array

    total = graph.state.total
    source, target = graph.source, graph.target
    size, new = _treated(graph)
    counts, firsts = np.unique(total, return_index=True)  # states stand in order of their patients
    lasts = [*firsts[1:].tolist(), len(total)]
    kept: dict[int, tuple[int, FloatArray]] = {}
    several = np.arange(chance.shape[1])
    for count, first, end in zip(counts.tolist(), firsts.tolist(), lasts, strict=True):
        spread = np.zeros((end - first, len(several), *begin.shape))
        if not kept:
            spread[0] = begin
        into = np.arange(*np.searchsorted(target, [first, end]))  # and edges in that of their targets
        for before, (base, earlier) in kept.items():
            for is_new in (False, True):
                rows = into[(size[into] == count - before) & (new[into] == is_new)]
                if len(rows):
                    ends = target[rows, None] - first, source[rows, None] - base
                    at = tuple((end * len(several) + several).ravel() for end in ends)
                    shape = len(spread) * len(several), len(earlier) * len(several)
                    step = csr_array((chance[rows].ravel(), at), shape=shape)
                    come = (step @ earlier.reshape(shape[1], -1)).reshape(-1, *begin.shape)
                    spread += move(come, count - before, is_new).reshape(spread.shape)
        yield slice(first, end), spread
        largest = int(size.max(initial=0))
        kept = {k: v for k, v in kept.items() if k > count - largest} | {count: (first, spread)}
