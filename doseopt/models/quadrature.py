"""Model -> posterior for a whole batch of tallies, deterministic.

With theta = mean + sd z, the posterior is integrated by the trapezoid rule on a uniform grid of z. For an integrand
that is analytic and decays at both ends the rule converges geometrically: for a posterior of standard deviation s
the error of a mean is about exp(-2 pi^2 (s/h)^2). Gauss-Hermite nodes placed on the prior do not, because the
posterior is much narrower than the prior. The step h is half the narrowest posterior sd that N patients can give (from
the largest Fisher information a patient can carry), N being rounded up to a power of two, so that a tally gets the same
nodes in whatever batch it comes. The range is where any tally of N patients can put mass.

Interval probabilities read a distribution function instead of counting nodes: the sinc interpolant of the density is
integrated in closed form,

    Pr(z <= x) = h sum_k f(z_k) [1/2 + Si(pi (x - z_k)/h) / pi],

with an error of about exp(-(pi^2/2) (s/h)^2); for s/h = 2 that is 3e-9.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from scipy.special import sici

from doseopt.models.base import Model
from doseopt.rows import unique_rows
from doseopt.state import FloatArray, IntArray

STEPS_PER_SD = 2.0
FAR = 40.0
"""Distance in z beyond which no prior mass is left in double precision."""
NEGLIGIBLE = 42.0
"""Log density below the mode that is left out: exp(-42) = 6e-19."""


@dataclass(frozen=True, eq=False)
class Grid:
    """Nodes for one model and tallies of up to N patients."""

    model: Model
    z: FloatArray  # [G]
    step: float
    log_prior: FloatArray  # [G], normalised
    log_p: FloatArray  # [G, D]
    log_q: FloatArray  # [G, D]
    theta: FloatArray  # [G]

    @functools.lru_cache(maxsize=64)  # noqa: B019 - grids are few and live as long as the process
    def upper_weights(self, rate: float) -> FloatArray:
        """Return w [G, D] such that f @ w = Pr(p_j > rate), for a density f at the nodes."""
        from scipy.optimize import brentq  # slow to import

        weights = np.empty(self.log_p.shape)
        for j in range(self.log_p.shape[1]):
            low, high = (_log_rate(self.model, z, j) - np.log(rate) for z in (-FAR, FAR))
            if (low > 0) == (high > 0):
                weights[:, j] = float(low > 0)
                continue
            cut = brentq(lambda z, j=j: _log_rate(self.model, z, j) - np.log(rate), -FAR, FAR, xtol=1e-13)
            below = 0.5 + sici(np.pi * (cut - self.z) / self.step)[0] / np.pi
            weights[:, j] = below if low > 0 else 1 - below
        return weights


def _curve(model: Model, z: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return theta [G], log p and log(1 - p) [G, D] at nodes z."""
    prior = model.prior()
    theta = prior.mean[0] + prior.sd[0] * z
    log_p = np.asarray(model.log_dlt_rate(theta[:, None], np))
    log_p = np.minimum(log_p, -1e-300)
    with np.errstate(under="ignore"):
        log_q = np.where(log_p > -np.log(2), np.log(-np.expm1(log_p)), np.log1p(-np.exp(np.minimum(log_p, -np.log(2)))))
    return theta, log_p, log_q


def _log_rate(model: Model, z: float, dose: int) -> float:
    return float(_curve(model, np.array([z]))[1][0, dose])


@functools.lru_cache(maxsize=32)
def grid(model: Model, patients: int) -> Grid:
    """Return the nodes for tallies of up to `patients` patients."""
    z = np.linspace(-FAR, FAR, 16001)
    theta, log_p, log_q = _curve(model, z)
    slope = np.gradient(log_p, z, axis=0)
    information = float((slope**2 * np.exp(log_p - log_q)).max())
    step = 1 / (STEPS_PER_SD * np.sqrt(1 + patients * information))
    extremes = np.concatenate([patients * log_p, patients * log_q, np.zeros((len(z), 1))], axis=1) - (z**2 / 2)[:, None]
    mass = (extremes > extremes.max(axis=0) - NEGLIGIBLE).any(axis=1)
    nodes = np.arange(np.floor(z[mass][0] / step), np.ceil(z[mass][-1] / step) + 1) * step
    theta, log_p, log_q = _curve(model, nodes)
    log_prior = -(nodes**2) / 2 - np.log(2 * np.pi) / 2 + np.log(step)
    return Grid(model, nodes, float(step), log_prior, log_p, log_q, theta)


@dataclass(frozen=True, eq=False)
class GridPosterior:
    """Posterior of a one-parameter model in a batch of trials: weights at the nodes, one row a distinct tally."""

    grid: Grid
    weight: FloatArray  # [U, G], sums to 1 along the nodes
    log_marginal: FloatArray  # [U]
    inverse: IntArray  # [S]

    def theta_mean(self) -> FloatArray:
        """Return the posterior mean of the parameter, [S]."""
        mean: FloatArray = self.weight @ self.grid.theta
        return mean[self.inverse]

    def theta_variance(self) -> FloatArray:
        """Return the posterior variance of the parameter, [S]."""
        mean = self.weight @ self.grid.theta
        centred = self.grid.theta[None, :] - mean[:, None]
        variance: FloatArray = np.einsum("sg,sg,sg->s", self.weight, centred, centred)
        return variance[self.inverse]

    def mean(self) -> FloatArray:
        """Return the posterior mean DLT rate, [S, D]."""
        return (self.weight @ np.exp(self.grid.log_p))[self.inverse]

    def plugin(self) -> FloatArray:
        """Return the DLT rate at the posterior mean of the parameter, [S, D]."""
        centre = self.weight @ self.grid.theta
        return np.exp(np.asarray(self.grid.model.log_dlt_rate(centre[:, None], np)))[self.inverse]

    def prob(self, low: float, high: float = 1.0) -> FloatArray:
        """Return Pr(low < rate <= high), [S, D]."""
        weights = self.grid.upper_weights(low) if low > 0 else np.ones(self.grid.log_p.shape)
        if high < 1:
            weights = weights - self.grid.upper_weights(high)
        return np.clip(self.weight @ weights, 0, 1)[self.inverse]


class Quadrature:
    """Posteriors of one model; the last batch is kept, because several rules ask about the same trials.

    Parameters
    ----------
    model : Model
        With one parameter.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self._last: tuple[IntArray, IntArray, GridPosterior] | None = None

    def posterior(self, n: IntArray, y: IntArray) -> GridPosterior:
        """Return the posterior after y DLTs in n patients at each dose, [S, D].

        The arrays are kept by identity: they must not be changed in place afterwards.
        """
        last = self._last
        if last is not None and last[0] is n and last[1] is y:
            return last[2]
        result = self._compute(n, y)
        self._last = (n, y, result)
        return result

    def _compute(self, n: IntArray, y: IntArray) -> GridPosterior:
        first, inverse = unique_rows([*n.T, *y.T])
        n, y = n[first], y[first]
        nodes = grid(self.model, 1 << max(3, int(n.sum(axis=1).max(initial=1) - 1).bit_length()))
        log_f = y @ nodes.log_p.T
        log_f += (n - y) @ nodes.log_q.T
        log_f += nodes.log_prior
        peak = log_f.max(axis=1, keepdims=True)
        log_f -= peak
        weight = np.exp(log_f, out=log_f)
        total = weight.sum(axis=1, keepdims=True)
        weight /= total
        return GridPosterior(nodes, weight, (peak + np.log(total))[:, 0], inverse)


@functools.lru_cache(maxsize=256)
def quadrature(model: Model) -> Quadrature:
    """Return the posteriors of a model."""
    return Quadrature(model)
