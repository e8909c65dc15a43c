"""Trials whose first patients are of one population and the further ones of another, with DLT rates of their own."""

from __future__ import annotations

from functools import partial

import numpy as np
import xarray as xr
from scipy.special import comb

from doseopt.core.distinct import unique_rows
from doseopt.core.parameters import Fault, Faults
from doseopt.core.state import FloatArray, IntArray
from doseopt.engines.cohort_outcomes import orders_of
from doseopt.engines.exact import observed_rates, weighed
from doseopt.engines.graph import Graph

FIRST, MANY = "p_first", "first_patients"
"""Of scenarios: rates met in the population whose patients come first, and how many of them come."""
MIDWAY = "wanted a trial from its first patient on where the patients of one population come before all others"


def in_order(first: xr.Dataset, then: xr.Dataset, patients: int) -> xr.Dataset:
    """Return scenarios in which so many patients of one population come before those of another.

    Parameters
    ----------
    first, then : Dataset
        The same scenarios with the rates that are met in the population that comes first, and in the other one.
    patients : int
        Of the first; every patient is evaluable.
    """
    rates = first["p_observed"].assign_attrs(long_name="rate met in the population that comes first")
    return then.assign({FIRST: rates, MANY: ("scenario", np.full(then.sizes["scenario"], patients))})


def ordered(graph: Graph, scenarios: xr.Dataset) -> xr.Dataset:
    """Return how trials end whose patients come in such an order, as of `Exact`.

    Parameters
    ----------
    graph : Graph
        Of a design that sees two outcome categories.
    scenarios : Dataset
        Of `in_order`.
    """
    reached = ordered_weights(graph, observed_rates(graph.design, scenarios), scenarios)
    weigh = partial(np.take, reached, axis=1)
    return weighed(graph, graph.design, scenarios, weigh, weigh)


def ordered_weights(graph: Graph, then: FloatArray, scenarios: xr.Dataset) -> FloatArray:
    """Return the probability of reaching each state, [R, S]; parameters as of `ordered_chances`."""
    chance, weight = ordered_chances(graph, then, scenarios), np.zeros((len(graph.state), len(then)))
    weight[0] = 1
    layer = graph.layer[graph.source]
    for before in np.unique(layer).tolist():
        rows = np.flatnonzero(layer == before)
        np.add.at(weight, graph.target[rows], weight[graph.source[rows]] * chance[rows])
    return weight.T


def ordered_chances(graph: Graph, then: FloatArray, scenarios: xr.Dataset) -> FloatArray:
    """Return the probability of each edge from its state, [L, R].

    Parameters
    ----------
    graph : Graph
    then : float array [R, D]
        Rates of the patients who come after the first ones.
    scenarios : Dataset
        Of `in_order`, R of them.

    Raises
    ------
    Faults
        If trials begin midway.

    Notes
    -----
    A cohort may hold patients of both; the sum of their DLTs is that of two binomials. A tally does not tell who had
    them, so that edges are weighed.
    """
    if graph.start.started.any():
        raise Faults([Fault("populations", MIDWAY)])
    first, patients = scenarios[FIRST].to_numpy(), int(scenarios[MANY][0])
    dose, size = graph.decision.dose[graph.source], graph.category_counts.sum(axis=1)
    come = graph.orders / orders_of(graph.category_counts)
    some = np.clip(patients - graph.layer[graph.source], 0, size)
    dlts = graph.category_counts[:, 0]
    rows, kind = unique_rows([dlts, size, some, dose])
    at = dose[rows]
    each = _both(dlts[rows], some[rows], (size - some)[rows], first.T[at], then.T[at])
    return np.asarray(come[:, None] * each[kind])


def _both(dlts: IntArray, some: IntArray, others: IntArray, p: FloatArray, q: FloatArray) -> FloatArray:
    """Return the probability of so many DLTs in patients of two populations, [L, R]."""
    found = np.zeros(p.shape)
    for k in range(int(some.max(initial=0)) + 1):
        found += _chance(k, some[:, None], p) * _chance((dlts - k)[:, None], others[:, None], q)
    return found


def _chance(y: IntArray | int, n: IntArray, p: FloatArray) -> FloatArray:
    """Return the binomial probability of y DLTs in n patients, 0 where there are no so many; elementwise."""
    return np.asarray(comb(n, y) * p ** np.maximum(y, 0) * (1 - p) ** np.maximum(n - y, 0))
