"""Patients enrolled where some are left out, or replaced up to a cap: their number follows the course of the trial."""

from __future__ import annotations

import numpy as np
import xarray as xr

from doseopt.clock.replaced import ROOM, TAIL, Enrolled
from doseopt.core.state import FloatArray
from doseopt.engines.enrolling import enrolled_of, lost_chances, replaced
from doseopt.engines.exact import edge_chances, edge_weights, moderate_rates
from doseopt.engines.graph import Graph


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
    dose, size = (part[graph.source] for part in (graph.decision.dose, graph.decision.size))
    none, layer, found = left_out[dose] ** size, graph.layer[graph.source], np.empty(len(z), complex)
    step = max(ROOM // len(graph.source), 1)
    for some in (slice(first, first + step) for first in range(0, len(z), step)):
        each = z[some] * (1 - out[:, None]) / (1 - out[:, None] * z[some])
        weight = np.zeros((len(graph.state), len(z[some])), complex)
        weight[0] = 1
        for count in np.unique(layer):
            rows = layer == count
            cohort = each[dose[rows]] ** size[rows, None]
            again = 1 - none[rows, None] * cohort  # the empty cohorts before, each of as many
            factor = (chance * (1 - none))[rows, None] * cohort / again
            np.add.at(weight, graph.target[rows], weight[graph.source[rows]] * factor)
        found[some] = weight[graph.ending].sum(axis=0)
    return found
