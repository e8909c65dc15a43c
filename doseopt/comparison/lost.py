"""Patients enrolled where some are left out, or replaced up to a cap: their number follows the course of the trial.

So do the cohorts, on which the duration depends; where nobody is replaced their law is exact.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import xarray as xr

from doseopt.clock.replaced import TAIL, Enrolled
from doseopt.core.distinct import unique_rows
from doseopt.core.state import CONTINUE, Decision, FloatArray, IntArray
from doseopt.engines.cohorts import Cohorts
from doseopt.engines.enrolling import enrolled_of, lost_chances, replaced
from doseopt.engines.exact import edge_chances, edge_weights, rates_beside
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
    Where patients enrolled are capped their number is part of a state. Else those who are not evaluable are carried
    along the edges. The generating function of the number enrolled for a cohort of c is z^c, or, if patients are
    replaced with probability r, ((1 - r) z / (1 - r z))^c, once and as often as nobody in it is evaluable; it is taken
    at roots of unity, as in `doseopt.clock.replaced`.
    """
    facts, space = graph.design.facts, graph.design.facts.outcomes
    p, lost = scenarios["p_observed"].to_numpy(), lost_chances(graph.design, scenarios)
    beside = rates_beside(space, scenarios)
    if facts.max_enrolled is not None:
        weight = edge_weights(graph, p, beside, lost)[:, graph.ending]
        many = enrolled_of(facts, graph.state)[graph.ending]
        return Enrolled(np.stack([np.bincount(many, row) for row in weight]))
    from scipy.stats import nbinom

    stays = 1 / scenarios["per_evaluable"].to_numpy().max()
    most = int(graph.state.total.max()) + int(graph.decision.size.max())
    longest = most + int(nbinom.isf(TAIL, most, stays)) + 1
    more = longest - int(graph.state.total.max())
    courses, begin, found = _Courses(graph, told=False), np.eye(1, more + 1)[0], []
    kinds = unique_rows([graph.decision.dose, graph.decision.size])
    for r, out in enumerate(replaced(scenarios)):
        rows = slice(r, r + 1)
        chance = edge_chances(graph, p[rows], None if beside is None else beside[rows], [e[rows] for e in lost])
        found.append(courses.ends(chance[:, 0], begin, _enrolling(graph.decision, kinds, lost[0][r], out, more + 1)))
    return Enrolled(np.stack(found))


type Treat = Callable[[FloatArray, IntArray], FloatArray]
"""What is carried to states [Q], by the patients who are not evaluable, and the states -> by those enrolled since."""


def _enrolling(
    decision: Decision, kinds: tuple[IntArray, IntArray], left_out: FloatArray, out: FloatArray, width: int
) -> Treat:
    """Return what the next cohort does to the law of those who are not evaluable, in one scenario.

    Kinds of decisions are a state of each, and the kind of each state.
    """
    first, kind = kinds
    dose, size = decision.dose[first], decision.size[first]
    none = np.where(size > 0, left_out[dose] ** size, 0)  # the trial is over where the next cohort is of nobody
    columns = width + int(size.max())
    length = 1 << int(np.ceil(np.log2(columns + 1)))
    z = np.exp(-2j * np.pi * np.arange(length // 2 + 1) / length)
    each = z * (1 - out[:, None]) / (1 - out[:, None] * z)
    cohort = each[dose] ** size[:, None]
    again = 1 - none[:, None] * cohort  # the empty cohorts before, each of as many
    law = np.maximum(np.fft.irfft((1 - none[:, None]) * cohort / again, length)[:, :columns], 0)
    behind = np.arange(columns) - np.arange(width)[:, None]
    moves = np.where(behind >= 0, law[:, np.maximum(behind, 0)], 0)

    def treat(come: FloatArray, states: IntArray) -> FloatArray:
        after, here = np.empty((len(come), columns)), kind[states]
        for k in np.unique(here).tolist():
            after[here == k] = come[here == k] @ moves[k]
        return after

    return treat


def chances_along(graph: Graph, scenarios: xr.Dataset) -> tuple[FloatArray, FloatArray]:
    """Return the probability of each edge, [L, R], given that not all of the cohort are left out; and `none_along`."""
    lost = lost_chances(graph.design, scenarios)
    beside = rates_beside(graph.design.facts.outcomes, scenarios)
    chance = edge_chances(graph, scenarios["p_observed"].to_numpy(), beside, lost)
    return chance, none_along(graph, scenarios)


def none_along(graph: Graph, scenarios: xr.Dataset) -> FloatArray:
    """Return the probability that all of a state's next cohort are left out, [R, S].

    It is 0 where patients enrolled are capped: then that is an edge.
    """
    if graph.design.facts.max_enrolled is not None:
        return np.zeros((scenarios.sizes["scenario"], len(graph.state)))
    (out,), going = lost_chances(graph.design, scenarios), graph.decision.stop == CONTINUE
    return np.where(going, out[:, graph.decision.dose] ** graph.decision.size, 0)


def shape_along(graph: Graph, scenarios: xr.Dataset, none: FloatArray, sentinel: bool) -> tuple[int, int, int]:
    """Return the most patients left out that no state tells, cohorts, and new doses, but for 1e-15; and 1 of each.

    Parameters
    ----------
    graph, scenarios, sentinel
        As of `cohorts_along`.
    none : float array [R, S]
        Of `chances_along`.
    """
    cohorts, doses = graph.deepest + 1, graph.design.facts.doses if sentinel else 0
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
    courses, begin = _Courses(graph, graph.design.facts.max_enrolled is not None), np.zeros(shape)
    begin[0, 0, 0] = 1
    found = np.stack(
        [courses.ends(each, begin, _counting(graph, again)) for each, again in zip(chance.T, none, strict=True)]
    )
    n, cohorts, new = np.nonzero((found > LEAST).any(axis=0))
    return Cohorts(n, cohorts, new, found[:, n, cohorts, new])


def _counting(graph: Graph, none: FloatArray) -> Treat:
    """Return what the next cohort does to the law of those left out, cohorts and cohorts at a new dose, [M, C, K]."""
    size, told = graph.decision.size, graph.design.facts.max_enrolled is not None
    new = (size > 1) & (graph.state.n[np.arange(len(size)), graph.decision.dose] == 0)

    def treat(come: FloatArray, states: IntArray) -> FloatArray:
        most = 0 if told else int(size[states].max())
        after = np.zeros((len(come), come.shape[1] + most, *come.shape[2:]))
        for many in np.unique(size[states]).tolist():
            for k in (0, 1):
                rows = np.flatnonzero((size[states] == many) & ((new[states] & (come.shape[3] > 1)) == k))
                if len(rows):
                    held, step = _repeated(come[rows], none[states[rows]], many), 0 if told else many
                    width, kinds = come.shape[1], come.shape[3] - k
                    after[rows, step : step + width, 1:, k:] = held[:, :, :-1, :kinds]
        return after

    return treat


def _repeated(come: FloatArray, none: FloatArray, size: int) -> FloatArray:
    """Return what comes to states once cohorts of which all are left out have been treated there."""
    if not none.any():
        return come
    each = none[:, None, None]
    for cohorts in range(1, come.shape[2]):
        come[:, size:, cohorts] += each * come[:, :-size, cohorts - 1]
    return np.asarray(come * (1 - each[..., None]))


@dataclass(frozen=True, eq=False)
class _Block:
    """Edges from the trials that go on in an earlier layer, to those that go on in one and to those that end there.

    Attributes
    ----------
    before : int
        The earlier layer.
    on, source, bounds : int arrays
        Edges to trials that go on, by their targets; places of their sources; where those of each target begin.
    over, last : int arrays
        Edges to trials that end, and places of their sources.
    """

    before: int
    on: IntArray
    source: IntArray
    bounds: IntArray
    over: IntArray
    last: IntArray


class _Courses:
    """The courses of the trials of a graph in which patients are left out, layer by layer.

    Parameters
    ----------
    graph : Graph
    told : bool
        Whether states tell how many are enrolled; else the numbers carried do, by those who are not evaluable.
    """

    def __init__(self, graph: Graph, told: bool) -> None:
        self._told, self._layers = told, list[tuple[int, IntArray, list[_Block]]]()
        layer, going = graph.layer, graph.decision.stop == CONTINUE
        place, self._longest = np.zeros(len(going), np.int64), 0
        for states, into in graph.layers():
            here, on = int(layer[states.start]), states.start + np.flatnonzero(going[states])
            place[on] = np.arange(len(on))
            come_from, blocks = layer[graph.source[into]], []
            for before in np.unique(come_from).tolist():
                rows = into.start + np.flatnonzero(come_from == before)
                goes = going[graph.target[rows]]
                ahead, over = rows[goes], rows[~goes]
                ahead = ahead[np.argsort(place[graph.target[ahead]], kind="stable")]
                bounds = np.searchsorted(place[graph.target[ahead]], np.arange(len(on) + 1))
                source, last = place[graph.source[ahead]], place[graph.source[over]]
                blocks.append(_Block(before, ahead, source, bounds, over, last))
                self._longest = max(self._longest, here - before)
            self._layers.append((here, on, blocks))

    def ends(self, chance: FloatArray, begin: FloatArray, treat: Treat) -> FloatArray:
        """Return what is carried to the ends of trials in one scenario, by the patients enrolled, [1 + N, ...].

        Parameters
        ----------
        chance : float array [L]
            Of each edge.
        begin : float array [M, ...]
            What a trial begins with, by the patients who are not evaluable.
        treat : callable
            What the next cohort does to it.
        """
        from scipy.sparse import csr_array

        found = np.zeros((self._layers[-1][0] + len(begin), *begin.shape[1:]))
        kept: dict[int, FloatArray] = {}
        for layer, on, blocks in self._layers:
            come, ends = np.zeros((len(on), *begin.shape)), found[layer : layer + len(begin)]
            if not kept:
                come[0] = begin
            for block in blocks:
                earlier, since = kept[block.before], 0 if self._told else layer - block.before
                part = np.ascontiguousarray(earlier[:, since : since + len(begin)]).reshape(len(earlier), -1)
                step = csr_array((chance[block.on], block.source, block.bounds), shape=(len(on), len(earlier)))
                come += (step @ part).reshape(come.shape)
                ends += (np.bincount(block.last, chance[block.over], len(earlier)) @ part).reshape(begin.shape)
            kept = {k: v for k, v in kept.items() if k > layer - self._longest}
            if len(on):
                kept[layer] = treat(come, on)
        return found
