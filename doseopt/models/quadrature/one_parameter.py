"""Posteriors of models with one parameter, deterministic.

With theta a function of a standard normal z (see ``base``), the posterior is integrated by the trapezoid rule on a
uniform grid of z. For an integrand that is analytic and decays at both ends the rule converges geometrically: for a
posterior of standard deviation s the error of a mean is about exp(-2 pi^2 (s/h)^2). Gauss-Hermite nodes placed on the
prior do not, because the posterior is much narrower than the prior. The narrowest posterior sd that N patients can give
is 2.1 steps (from the largest Fisher information a patient can carry). The range is where any tally of N patients can
put mass. The sum of the weights with alternating signs bounds the error of each tally; where it is too large the tally
gets the grid of twice as many patients, and where that does not do, or the prior is so wide that the grid would be, it
is integrated on panels of its own (see ``fitted``). What is a mean over the nodes is taken without keeping the weights
(see ``products``).

Interval probabilities and quantiles read a distribution function instead of counting nodes (see ``line``): every DLT
rate is monotone in z, so that Pr(p_j <= c) = Pr(z <= z_j(c)), or one less it where the rate falls with z.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from doseopt.core.state import BoolArray, FloatArray, IntArray
from doseopt.models.base import Model
from doseopt.models.line import Distribution, check_level
from doseopt.models.quadrature import fitted
from doseopt.models.quadrature.batch import Batch, Kept, Parts, checked, nominal_size, solved
from doseopt.models.quadrature.one_parameter_nodes import LARGEST, Grid, grid
from doseopt.models.quadrature.partial import Partial
from doseopt.models.quadrature.products import Products, products
from doseopt.models.quadrature.rough import Rough, roughly
from doseopt.models.rates import log_rates

ROUGHEST, FINE = 3e-9, 1e-12
"""Largest sum of the weights with alternating signs: the error of a rule with twice the step, and of the distribution
function between the nodes. Where it is larger than the first, a tally gets finer nodes; where it is larger than the
second with these, panels of its own."""
FAST = 0.95 * np.pi
"""Angle from node to node instead of pi, with the finer nodes: alternating signs may cancel by chance."""
EDGE = 1e-13
"""Largest weight at either end of the grid."""
LEAST = 1e-200
"""Sum of the products, the largest value of each factor being 1, below which they have lost digits."""
ENDS = np.array([0, -1])
NOTHING = 1e-18
"""Weight of a node that is left out where many cuts are asked for."""
CHUNK = 256
"""Tallies with panels of their own at a time."""


@dataclass(frozen=True, eq=False)
class GridPosterior:
    """Posterior of a one-parameter model after distinct tallies: weights, made where asked for."""

    grid: Grid
    products: Products
    total: FloatArray  # [U], sum of the products over the nodes
    parameter_mean: FloatArray  # [U]
    fine: bool = False
    """Whether quantiles are those of the distribution function itself, and not of its interpolation."""

    @functools.cached_property
    def weight(self) -> FloatArray:
        """The weights, [U, G], that sum to 1 along the nodes."""
        found = self.products.values(slice(None), slice(None))
        found /= self.total[:, None]
        return found

    def _means(self, columns: FloatArray) -> FloatArray:
        """Return the means of functions whose values at the nodes are columns [G, C], [U, C]."""
        return self.products.sums(columns) / self.total[:, None]

    @functools.cached_property
    def distribution(self) -> Distribution:
        """The distribution of z."""
        return self.grid.line.distribution(self.weight)

    def theta_mean(self) -> FloatArray:
        """Return the posterior mean of the parameter, [U]."""
        return self.parameter_mean

    def theta_variance(self) -> FloatArray:
        """Return the posterior variance of the parameter, [U]."""
        centred = self.grid.parameter[None, :] - self.theta_mean()[:, None]
        return np.asarray(np.einsum("ug,ug,ug->u", self.weight, centred, centred))

    def plugin(self) -> FloatArray:
        """Return the DLT rate at the posterior mean of the parameter, [U, D]."""
        return np.exp(
            np.asarray(self.grid.model.log_dlt_rate(self.grid.model.prior().at(self.theta_mean())[:, None], np))
        )

    def mean(self) -> FloatArray:
        """Return the posterior mean DLT rate, [U, D]."""
        return self._means(self.grid.p)

    def sd(self) -> FloatArray:
        """Return the posterior standard deviation of the DLT rate, [U, D]."""
        mean, square = np.split(self._means(np.concatenate([self.grid.p, self.grid.p**2], axis=1)), 2, axis=1)
        return np.sqrt(np.maximum(square - mean**2, 0))

    def prob(self, low: float, high: float = 1.0) -> FloatArray:
        """Return Pr(low < rate <= high), [U, D]."""
        weights = self.grid.upper_weights(low) if low > 0 else np.ones(self.grid.log_p.shape)
        if high < 1:
            weights = weights - self.grid.upper_weights(high)
        return np.clip(self._means(weights), 0, 1)

    def below(self, rates: FloatArray) -> FloatArray:
        """Return Pr(rate <= each of the rates), [U, C, D]."""
        nodes = np.flatnonzero(self.weight.max(axis=0) > NOTHING)
        return np.clip(np.moveaxis(self.grid.below(rates, nodes) @ self.weight[:, nodes].T, -1, 0), 0, 1)

    def quantile(self, q: float) -> FloatArray:
        """Return the DLT rate below which the posterior puts probability q, [U, D]."""
        level, rises = check_level(q), self.grid.rises
        rates = np.empty((len(self.weight), len(rises)))
        for where, at in ((rises, level), (~rises, 1 - level)):
            if where.any():
                z = self.distribution.quantile(at)
                z = self.grid.line.refined(self.weight, z, at) if self.fine else z
                rates[:, where] = np.exp(log_rates(self.grid.model, z))[:, where]
        return rates

    def log_marginal(self) -> FloatArray:
        """Return the log marginal likelihood without binomial coefficients, [U]."""
        return np.asarray(np.log(self.total) + self.products.log_scale())

    def part(self, rows: BoolArray) -> GridPosterior:
        """Return the posterior after some of the tallies."""
        if rows.all():
            return self
        some = self.products[rows], self.total[rows], self.parameter_mean[rows]
        return GridPosterior(self.grid, *some, self.fine)


def solve(
    model: Model, patients: int, n: IntArray, y: IntArray, partial: Partial | None = None, finer: bool = False
) -> Parts[Part]:
    """Return the posteriors after tallies [U, D] of at most so many patients; `finer`: on a grid that is closer."""

    def careful(rows: IntArray) -> Parts[Part]:
        if not finer:
            return solve(model, 2 * patients, n[rows], y[rows], _of(partial, rows), finer=True)
        pieces = np.array_split(np.arange(len(rows)), -(-len(rows) // CHUNK))
        return [(own, fitted.solve(model, n[rows[own]], y[rows[own]], _of(partial, rows[own]))) for own in pieces]

    nodes = grid(model, patients)
    if nodes is None:
        return careful(np.arange(len(n)))
    values = products(nodes.log_prior, nodes.log_p, nodes.log_q, n, y, partial)
    angle = (FAST if finer else np.pi) * np.arange(nodes.line.size)
    waves = [np.cos(angle), np.sin(angle)] if finer else [np.cos(angle)]
    sums = values.sums(np.stack([np.ones(len(angle)), nodes.parameter, *waves], axis=1))
    total = np.where(sums[:, 0] > LEAST, sums[:, 0], np.nan)
    rough, ends = np.linalg.norm(sums[:, 2:], axis=1) / total, values.values(slice(None), ENDS) / total[:, None]
    sure = (rough < (FINE if finer else ROUGHEST)) & (ends < EDGE).all(axis=1)
    return checked(sure, GridPosterior(nodes, values, total, sums[:, 1] / total, finer).part, careful)


def _of(partial: Partial | None, rows: IntArray) -> Partial | None:
    return None if partial is None else partial[rows]


type Part = GridPosterior | fitted.FittedPosterior


class OneParameterPosterior(Batch[Part]):
    """The posterior of a one-parameter model in a batch of S trials."""

    def theta_mean(self) -> FloatArray:
        """Return the posterior mean of the parameter, [S]."""
        return self.joined(lambda part: part.theta_mean())

    def theta_variance(self) -> FloatArray:
        """Return the posterior variance of the parameter, [S]."""
        return self.joined(lambda part: part.theta_variance())

    def plugin(self) -> FloatArray:
        """Return the DLT rate at the posterior mean of the parameter, [S, D]."""
        return self.joined(lambda part: part.plugin())


class OneParameterQuadrature:
    """Posteriors of one model with one parameter.

    Parameters
    ----------
    model : Model
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self._kept, self._kept_roughly = Kept[OneParameterPosterior](), Kept[Rough]()

    def posterior(self, n: IntArray, y: IntArray, partial: Partial | None = None) -> OneParameterPosterior:
        """Return the posterior after y DLTs in n patients at each dose, [S, D], and patients who count in part.

        The arrays are kept by identity: they must not be changed in place afterwards.
        """
        return self._kept(n, y, lambda: self._compute(n, y, partial), partial)

    def _compute(self, n: IntArray, y: IntArray, partial: Partial | None) -> OneParameterPosterior:
        return OneParameterPosterior(*solved(n, y, functools.partial(solve, self.model), partial))

    def roughly(self, n: IntArray, y: IntArray, plugin: bool) -> Rough:
        """Return estimates that are enough for most decisions, see `rough.roughly`; the arrays are kept, too."""
        return self._kept_roughly(n, y, lambda: roughly(self.model, n, y, plugin), plugin)

    def nodes(self, patients: int) -> int:
        """Return how many nodes are visited for a tally of so many patients, about."""
        nodes = grid(self.model, int(nominal_size(np.array(patients))))
        return LARGEST if nodes is None else nodes.line.size
