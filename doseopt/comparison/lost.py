"""Patients enrolled where some are left out, or replaced up to a cap: their number follows the course of the trial.

So do the cohorts, on which the duration depends; where nobody is replaced their law is exact.
"""

from __future__ import annotations

import itertools

import numpy as np
import xarray as xr

from doseopt.clock.replaced import ROOM, TAIL, Enrolled
from doseopt.core.state import CONTINUE, FloatArray, IntArray
from doseopt.engines.cohorts import Cohorts, deepest
from doseopt.engines.enrolling import enrolled_of, lost_chances, replaced
from doseopt.engines.exact import edge_chances, edge_weights, moderate_rates
from doseopt.engines.graph import Graph

LEAST = 1e-19
"""Probability of so many patients in so many cohorts that counts."""


def enrolled_along(graph: Graph, scenarios: xr.Dataset) -> Enrolled:
    """Return the law of the number enrolled by a design as it enrols.

    Parameters
    ----------
    graph : Graph
        Of `doseopt.engines.enrolling`'s design, from the first patient on.
    scenarios : Dataset

    Notes
    -----
    Where patients enrolled are capped their number is part of a state. Else its generating function is taken along the
    edges at roots of unity, as in `doseopt.clock.replaced`: a cohort of c comes with z^c, or, if patients are replaced
    with probability r, with ((1 - r) z / (1 - r z))^c, and as often as needed until one of them is evaluable.
    """
    facts, space = graph.design.facts, graph.design.facts.outcomes
    p, lost = scenarios["p_observed"].to_numpy(), lost_chances(graph.design, scenarios)
    moderate = moderate_rates(scenarios) if space.graded else None
    if facts.max_enrolled is not None:
        weight = edge_weights(graph, p, moderate, lost)[:, graph.ending]
        many = enrolled_of(facts, graph.state)[graph.ending]
        return Enrolled(np.stack([np.bincount(many, row) for row in weight]))
    from scipy.stats import nbinom

    stays = 1 / scenarios["per_evaluable"].to_numpy().max()
    most = int(graph.state.total.max()) + int(graph.decision.size.max())
    longest = most + int(nbinom.isf(TAIL, most, stays)) + 1
    length = 1 << int(np.ceil(np.log2(longest + 1)))
    z = np.exp(-2j * np.pi * np.arange(length // 2 + 1) / length)
    found = np.empty((len(p), length))
    for r, out in enumerate(replaced(scenarios)):
        rows = slice(r, r + 1)
        chance = edge_chances(graph, p[rows], None if moderate is None else moderate[rows], [e[rows] for e in lost])
        found[r] = np.fft.irfft(_transform(graph, chance[:, 0], lost[0][r], out, z), length)
    return Enrolled(np.maximum(found[:, : longest + 1], 0))


def _transform(graph: Graph, chance: FloatArray, left_out: FloatArray, out: FloatArray, z: FloatArray) -> FloatArray:
    """Return the generating function of the number enrolled in one scenario, [Z]."""
    from scipy.sparse import csr_array

    dose, size, kind = _kinds(graph)
    none = np.where(size > 0, left_out[dose] ** size, 0)  # the trial is over where the next cohort is of nobody
    layer, found = graph.layer[graph.source], np.empty(len(z), complex)
    moves = []  # of each layer: where they begin and end, and their probabilities
    for rows in np.split(np.argsort(layer, kind="stable"), np.flatnonzero(np.diff(np.sort(layer))) + 1):
        (begin, source), (end, target) = (
            np.unique(states[rows], return_inverse=True) for states in (graph.source, graph.target)
        )
        moves.append((begin, end, csr_array((chance[rows], (target, source)), shape=(len(end), len(begin)))))
    step = max(ROOM // len(graph.state), 1)
    for some in (slice(first, first + step) for first in range(0, len(z), step)):
        each = z[some] * (1 - out[:, None]) / (1 - out[:, None] * z[some])
        cohort = each[dose] ** size[:, None]
        again = 1 - none[:, None] * cohort  # the empty cohorts before, each of as many
        factor = (1 - none[:, None]) * cohort / again
        weight = np.zeros((len(graph.state), len(z[some])), complex)
        weight[0] = 1
        for begin, end, move in moves:
            weight[end] += move @ (weight[begin] * factor[kind[begin]])
        found[some] = weight[graph.ending].sum(axis=0)
    return found


def _kinds(graph: Graph) -> tuple[IntArray, IntArray, IntArray]:
    """Return dose and size of each kind of decision that there is, [K] each, and the kind of each state's, [S]."""
    given = np.stack([graph.decision.dose, graph.decision.size], axis=1)
    each, kind = np.unique(given, axis=0, return_inverse=True)
    return each[:, 0], each[:, 1], kind


def chances_along(graph: Graph, scenarios: xr.Dataset) -> tuple[FloatArray, FloatArray]:
    """Return the probability of each edge, [L, R], and that all of a state's next cohort are left out, [R, S].

    The first is given that they are not; the second is 0 where patients enrolled are capped: then that is an edge, too.
    """
    facts, lost = graph.design.facts, lost_chances(graph.design, scenarios)
    moderate = moderate_rates(scenarios) if facts.outcomes.graded else None
    chance = edge_chances(graph, scenarios["p_observed"].to_numpy(), moderate, lost)
    if facts.max_enrolled is not None:
        return chance, np.zeros((chance.shape[1], len(graph.state)))
    going = graph.decision.stop == CONTINUE
    return chance, np.where(going, lost[0][:, graph.decision.dose] ** graph.decision.size, 0)


def shape_along(graph: Graph, scenarios: xr.Dataset, none: FloatArray, sentinel: bool) -> tuple[int, int, int]:
    """Return the most patients left out that no state tells, cohorts, and new doses, but for 1e-15; and 1 of each.

    Parameters
    ----------
    graph, scenarios, sentinel
        As of `cohorts_along`.
    none : float array [R, S]
        Of `chances_along`.
    """
    cohorts, doses = deepest(graph) + 1, graph.design.facts.doses if sentinel else 0
    if graph.design.facts.max_enrolled is not None:
        return 1, cohorts, doses + 1
    from scipy.stats import nbinom

    most = int(graph.state.total.max()) + int(graph.decision.size.max())
    out = int(nbinom.isf(TAIL, most, 1 - float(scenarios["p_excluded"].max()))) + 1
    again = int(nbinom.isf(TAIL, cohorts, 1 - none.max())) + 1
    return out + 1, cohorts + again, doses + 1


def cohorts_along(graph: Graph, scenarios: xr.Dataset, sentinel: bool) -> Cohorts:
    """Return the patients enrolled and cohorts that trials end with, those without an evaluable patient among them.

    Parameters
    ----------
    graph : Graph
        Of `doseopt.engines.enrolling`'s design, from the first patient on; nobody is replaced.
    scenarios : Dataset
    sentinel : bool
        Whether cohorts at a new dose have to be told; then patients enrolled are not capped.
    """
    chance, none = chances_along(graph, scenarios)
    shape = shape_along(graph, scenarios, none, sentinel)
    found = np.stack([_ends(graph, shape, each, again) for each, again in zip(chance.T, none, strict=True)])
    n, cohorts, new = np.nonzero((found > LEAST).any(axis=0))
    return Cohorts(n, cohorts, new, found[:, n, cohorts, new])


def _ends(graph: Graph, shape: tuple[int, int, int], chance: FloatArray, none: FloatArray) -> FloatArray:
    """Return how trials end in one scenario, by patients enrolled, cohorts and new ones, [1 + N, C, K]."""
    from scipy.sparse import csr_array

    layer, size, told = graph.layer, graph.decision.size, graph.design.facts.max_enrolled is not None
    source, target, outs = graph.source, graph.target, graph.category_counts[:, 0]
    out = np.zeros_like(outs) if told else outs
    new = (size > 1) & (graph.state.n[np.arange(len(size)), graph.decision.dose] == 0) & (shape[2] > 1)
    counts, firsts = np.unique(layer, return_index=True)  # states stand in the order of their layers
    found, kept = np.zeros((int(layer.max()) + shape[0], *shape[1:])), dict[int, tuple[int, FloatArray]]()
    longest = int((layer[target] - layer[source]).max(initial=0))
    for count, first, end in zip(counts.tolist(), firsts.tolist(), [*firsts[1:].tolist(), len(layer)], strict=True):
        come = np.zeros((end - first, *shape))
        come[0, 0, 0, 0] = float(not kept)
        into = np.arange(*np.searchsorted(target, [first, end]))  # and edges in that of their targets
        for before, (base, earlier) in kept.items():
            for o, k in itertools.product(np.unique(out[into]).tolist(), (0, 1)):
                rows = into[(layer[source[into]] == before) & (out[into] == o) & (new[source[into]] == k)]
                if len(rows):
                    at = target[rows] - first, source[rows] - base
                    step = csr_array((chance[rows], at), (end - first, len(earlier)))
                    moved = (step @ earlier.reshape(len(earlier), -1)).reshape(come.shape)
                    come[:, o:, 1:, k:] += moved[:, : shape[0] - o, :-1, : shape[2] - k]
        ends = come[graph.decision.stop[first:end] != CONTINUE].sum(axis=0)
        found[count : count + shape[0]] += ends
        kept[count] = first, _repeated(come, none[first:end], size[first:end])
        kept = {k: v for k, v in kept.items() if k > count - longest}
    return found


def _repeated(come: FloatArray, none: FloatArray, size: IntArray) -> FloatArray:
    """Return what comes to some states once cohorts of which all are left out have been treated there."""
    for cohort in np.unique(size[none > 0]).tolist():
        rows = np.flatnonzero((none > 0) & (size == cohort))
        each = none[rows, None, None, None]
        term = come[rows] * (1 - each)
        come[rows] = term
        while term.max(initial=0) > LEAST:
            term = each * np.pad(term, ((0, 0), (cohort, 0), (1, 0), (0, 0)))[:, : come.shape[1], : come.shape[2]]
            come[rows] += term
    return come
