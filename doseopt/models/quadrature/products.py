"""Posterior means of a one-parameter model after very many tallies, none of whose weights is kept.

The likelihood is a product: of what was seen at each dose, and of what patients add who count in part. Of each factor
there are few kinds. Their values at the nodes (see ``one_parameter``) are multiplied pairwise, each pair once, and the
last product is summed over the nodes at once with its weights.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from doseopt.core.distinct import unique_rows
from doseopt.core.state import BoolArray, FloatArray, IntArray
from doseopt.models.base import Model
from doseopt.models.quadrature.batch import FEWEST, nominal_size
from doseopt.models.quadrature.one_parameter import (
    EDGE,
    ROUGHEST,
    Grid,
    OneParameterPosterior,
    OneParameterQuadrature,
    grid,
)
from doseopt.models.quadrature.partial import AT_ONCE, Partial

LEAST = 1e-200
"""Sum of the weights, the largest of each factor being 1, below which they have lost digits."""
type Factor = tuple[FloatArray, IntArray]
"""Values of each kind at the nodes, [K, G], and the kind of each tally, [S]."""


class ProductPosterior:
    """The posterior of a one-parameter model after tallies and patients who count in part, in a batch of S trials.

    Means are taken without weights; what needs weights is asked of `whole`.

    Parameters
    ----------
    model : Model
        With one parameter.
    n, y : int array [S, D]
        Patients and DLTs.
    partial : Partial
        Of the same trials.
    """

    def __init__(self, model: Model, n: IntArray, y: IntArray, partial: Partial) -> None:
        self.model, self.n, self.y, self.partial = model, n, y, partial

    @functools.cached_property
    def whole(self) -> OneParameterPosterior:
        """The posterior with its weights."""
        return self._of(np.arange(len(self.n)))

    def _of(self, rows: IntArray) -> OneParameterPosterior:
        return OneParameterQuadrature(self.model).posterior(self.n[rows], self.y[rows], self.partial[rows])

    def plugin(self) -> FloatArray:
        """Return the DLT rate at the posterior mean of the parameter, [S, D]."""
        found = self._means(lambda nodes: nodes.parameter[:, None], lambda some: some.theta_mean()[:, None])
        return np.exp(np.asarray(self.model.log_dlt_rate(self.model.prior().at(found), np)))

    def mean(self) -> FloatArray:
        """Return the posterior mean DLT rate, [S, D]."""
        return self._means(lambda nodes: nodes.p, lambda some: some.mean())

    def sd(self) -> FloatArray:
        """Return the posterior standard deviation of the DLT rate, [S, D]."""
        return self.whole.sd()

    def prob(self, low: float, high: float = 1.0) -> FloatArray:
        """Return Pr(low < rate <= high), [S, D]."""

        def within(nodes: Grid) -> FloatArray:
            above = nodes.upper_weights(low) if low > 0 else np.ones(nodes.p.shape)
            return above - nodes.upper_weights(high) if high < 1 else above

        return np.clip(self._means(within, lambda some: some.prob(low, high)), 0, 1)

    def quantile(self, q: float) -> FloatArray:
        """Return the DLT rate below which the posterior puts probability q, [S, D]."""
        return self.whole.quantile(q)

    def log_marginal(self) -> FloatArray:
        """Return the log marginal likelihood without binomial coefficients, [S]."""
        return self.whole.log_marginal()

    @functools.cached_property
    def _likelihoods(self) -> list[tuple[IntArray, Grid | None, tuple[Factor, Factor] | None]]:
        """The trials of each size, their nodes, and the likelihoods there as products of two; None without nodes."""
        found = []
        sizes = nominal_size(self.n.sum(axis=1) + self.partial.patients)
        for size in np.unique(sizes).tolist() or [FEWEST]:
            rows, nodes = np.flatnonzero(sizes == size), grid(self.model, size)
            part = self.n[rows], self.y[rows], self.partial[rows]
            found.append((rows, nodes, None if nodes is None else _halves(_factors(nodes, *part))))
        return found

    def _means(
        self, of: Callable[[Grid], FloatArray], careful: Callable[[OneParameterPosterior], FloatArray]
    ) -> FloatArray:
        """Return posterior means of functions of the parameter, given at the nodes [G, C]: [S, C]."""
        parts = []
        for rows, nodes, factors in self._likelihoods:
            sure = np.zeros(len(rows), bool)
            if nodes is not None and factors is not None:
                means, sure = _on_grid(nodes, *factors, len(rows), of(nodes))
                parts.append((rows[sure], means[sure]))
            if not sure.all():
                parts.append((rows[~sure], careful(self._of(rows[~sure]))))
        found = np.empty((len(self.n), parts[0][1].shape[1]))
        for rows, means in parts:
            found[rows] = means
        return found


def _on_grid(nodes: Grid, left: Factor, right: Factor, trials: int, of: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Return posterior means, [S, C], and whether each is as accurate as those of a posterior with weights, [S]."""
    size = nodes.line.size
    checks = np.column_stack([np.ones(size), (-1.0) ** np.arange(size), np.eye(size)[:, [0, -1]]])
    columns = np.column_stack([checks, of]) * np.exp(nodes.log_prior)[:, None]
    sums = np.empty((trials, columns.shape[1]))
    for first in range(0, trials, AT_ONCE):
        rows = slice(first, first + AT_ONCE)
        sums[rows] = _times(left, right, rows) @ columns
    total = sums[:, 0]
    share = sums[:, 1:] / np.where(total > LEAST, total, 1.0)[:, None]
    sure = (total > LEAST) & (np.abs(share[:, 0]) < ROUGHEST) & (share[:, 1:3] < EDGE).all(axis=1)
    return share[:, 3:], sure


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
