"""Posterior means of a one-parameter model after very many tallies, none of whose weights is kept.

The likelihood is a product: of what was seen at each dose, and of what patients add who count in part. Of each factor
there are few kinds. Their values at the nodes (see ``one_parameter``) are multiplied pairwise, each pair once, and the
last product is summed over the nodes at once with its weights.
"""

from __future__ import annotations

import numpy as np

from doseopt.core.distinct import unique_rows
from doseopt.core.state import BoolArray, FloatArray, IntArray
from doseopt.models.base import Model
from doseopt.models.quadrature.batch import nominal_size
from doseopt.models.quadrature.one_parameter import EDGE, ROUGHEST, Grid, OneParameterQuadrature, grid
from doseopt.models.quadrature.partial import Partial

LEAST = 1e-200
"""Sum of the weights, the largest of each factor being 1, below which they have lost digits."""
AT_ONCE = 128
"""Tallies at a time, so that their weights stay in the fast memory of a processor."""

type Factor = tuple[FloatArray, IntArray]
"""Values of each kind at the nodes, [K, G], and the kind of each tally, [S]."""


def theta_means(model: Model, n: IntArray, y: IntArray, partial: Partial) -> FloatArray:
    """Return the posterior mean of the parameter after tallies and patients who count in part, [S].

    Parameters
    ----------
    model : Model
        With one parameter.
    n, y : int array [S, D]
    partial : Partial
        Of the same trials.
    """
    found = np.empty(len(n))
    sizes = nominal_size(n.sum(axis=1) + partial.patients)
    for size in np.unique(sizes).tolist():
        rows = np.flatnonzero(sizes == size)
        nodes, sure = grid(model, size), np.zeros(len(rows), bool)
        if nodes is not None:
            found[rows], sure = _on_grid(nodes, n[rows], y[rows], partial[rows])
        rest = rows[~sure]
        if len(rest):
            found[rest] = OneParameterQuadrature(model).posterior(n[rest], y[rest], partial[rest]).theta_mean()
    return found


def _on_grid(nodes: Grid, n: IntArray, y: IntArray, partial: Partial) -> tuple[FloatArray, BoolArray]:
    """Return the posterior means, and whether each is as accurate as those of a posterior with weights."""
    left, right = _halves(_factors(nodes, n, y, partial))
    signs, ends = (-1.0) ** np.arange(nodes.line.size), np.eye(nodes.line.size)[[0, -1]]
    ones = np.ones(nodes.line.size)
    columns = np.stack([ones, nodes.theta, signs, *ends], axis=1) * np.exp(nodes.log_prior)[:, None]
    sums = np.empty((len(n), columns.shape[1]))
    for first in range(0, len(n), AT_ONCE):
        rows = slice(first, first + AT_ONCE)
        sums[rows] = _times(left, right, rows) @ columns
    total = sums[:, 0]
    share = sums[:, 1:] / np.where(total > LEAST, total, 1.0)[:, None]
    sure = (total > LEAST) & (np.abs(share[:, 1]) < ROUGHEST) & (share[:, 2:] < EDGE).all(axis=1)
    return share[:, 0], sure


def _factors(nodes: Grid, n: IntArray, y: IntArray, partial: Partial) -> list[Factor]:
    """Return what each dose adds to the likelihoods, and what patients do who count in part."""
    kinds, kind = partial.kinds()
    found = [(partial[kinds].likelihood(nodes.p), kind)]
    for dose in range(n.shape[1]):
        kinds, kind = unique_rows([n[:, dose], y[:, dose]])
        dlts, others = y[kinds, dose, None], (n - y)[kinds, dose, None]
        log_f = dlts * nodes.log_p[:, dose] + others * nodes.log_q[:, dose]
        found.append((np.exp(log_f - log_f.max(axis=1, keepdims=True)), kind))
    return found


def _halves(factors: list[Factor]) -> tuple[Factor, Factor]:
    middle = (len(factors) + 1) // 2
    return _product(factors[:middle]), _product(factors[middle:])


def _product(factors: list[Factor]) -> Factor:
    """Return the product of some factors as one, of each kind that occurs."""
    if len(factors) == 1:
        return factors[0]
    left, right = _halves(factors)
    kinds, kind = unique_rows([left[1], right[1]])
    return _times(left, right, kinds), kind


def _times(left: Factor, right: Factor, rows: IntArray | slice) -> FloatArray:
    values = left[0][left[1][rows]]
    values *= right[0][right[1][rows]]
    return values
