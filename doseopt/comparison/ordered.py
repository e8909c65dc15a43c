"""Trials whose first patients are of one population and the further ones of another, with DLT rates of their own."""

from __future__ import annotations

from functools import partial

import numpy as np
import xarray as xr
from scipy.stats import binom

from doseopt.core.design import Design
from doseopt.core.state import FloatArray, IntArray
from doseopt.engines.exact import observed_rates, weighed
from doseopt.engines.graph import Graph, build_graph


def ordered(design: Design, first: xr.Dataset, then: xr.Dataset, patients: int, max_states: int) -> xr.Dataset:
    """Return how trials end whose patients come in such an order, as of `Exact`.

    Parameters
    ----------
    design : Design
        Sees two outcome categories.
    first, then : Dataset
        The same scenarios with the rates that are met in the population that comes first, and in the other one.
    patients : int
        Of the first; every patient is evaluable.
    max_states : int
        Refuse larger graphs.

    Notes
    -----
    A cohort may hold patients of both; the sum of their DLTs is that of two binomials. A tally does not tell who had
    them, so that edges are weighed.
    """
    graph = build_graph(design, max_states=max_states)
    reached = _reached(graph, observed_rates(design, first), observed_rates(design, then), patients)
    weigh = partial(np.take, reached, axis=1)
    return weighed(graph, design, then, weigh, weigh)


def _reached(graph: Graph, p: FloatArray, q: FloatArray, patients: int) -> FloatArray:
    """Return the probability of reaching each state, [R, S]: rates p of the first patients, q of the others."""
    weight, layer = np.zeros((len(graph.state), len(p))), graph.layer[graph.source]
    weight[0] = 1
    for before in np.unique(layer).tolist():
        rows = np.flatnonzero(layer == before)
        source, dlts = graph.source[rows], graph.category_counts[rows, 0]
        dose, size = graph.decision.dose[source], graph.decision.size[source]
        some = np.clip(patients - before, 0, size)
        chance = _both(dlts, some, size - some, p.T[dose], q.T[dose])
        np.add.at(weight, graph.target[rows], weight[source] * chance)
    return weight.T


def _both(dlts: IntArray, some: IntArray, others: IntArray, p: FloatArray, q: FloatArray) -> FloatArray:
    """Return the probability of so many DLTs in patients of two populations, [L, R]."""
    found = np.zeros(p.shape)
    for k in range(int(some.max(initial=0)) + 1):
        found += binom.pmf(k, some[:, None], p) * binom.pmf((dlts - k)[:, None], others[:, None], q)
    return found
