"""Posteriors of a model average, deterministic.

Given the data, model k has probability pi_k proportional to w_k m_k, w_k its prior probability and m_k its marginal
likelihood. The posterior of a DLT rate is the mixture of the models' posteriors (see ``one_parameter``) with weights
pi_k:

    E p = sum_k pi_k E_k p,    var p = sum_k pi_k (var_k p + (E_k p)^2) - (E p)^2,    F(c) = sum_k pi_k F_k(c).

A quantile of the mixture lies between the smallest and the largest of the models' quantiles and is found by bisection
in logit p.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from doseopt.models.batch import Batch, Kept, solved
from doseopt.models.curves import Empiric, ModelAverage, OneParameterLogistic
from doseopt.models.line import Distribution, check_level
from doseopt.models.one_parameter import GridPosterior, OneParameterQuadrature
from doseopt.models.one_parameter import solve as solve_one
from doseopt.state import FloatArray, IntArray

HALVINGS = 30
CHUNK = 2048
"""Tallies at a time when quantiles are sought."""


@dataclass(frozen=True, eq=False)
class MixturePosterior:
    """Posterior of a model average after distinct tallies."""

    models: tuple[Empiric | OneParameterLogistic, ...]
    parts: Sequence[GridPosterior]  # K
    log_joint: FloatArray  # [U, K], log w_k m_k

    def model_prob(self) -> FloatArray:
        """Return the posterior probability of each model, [U, K]."""
        return np.exp(self.log_joint - self.log_marginal()[:, None])

    def _mixed(self, ask: Callable[[GridPosterior], FloatArray]) -> FloatArray:
        return np.asarray(np.einsum("uk,kud->ud", self.model_prob(), np.stack([ask(part) for part in self.parts])))

    def mean(self) -> FloatArray:
        """Return the posterior mean DLT rate, [U, D]."""
        return self._mixed(lambda part: part.mean())

    def sd(self) -> FloatArray:
        """Return the posterior standard deviation of the DLT rate, [U, D]."""
        mean = self.mean()
        return np.sqrt(self._mixed(lambda part: part.sd() ** 2 + (part.mean() - mean) ** 2))

    def prob(self, low: float, high: float = 1.0) -> FloatArray:
        """Return Pr(low < rate <= high), [U, D]."""
        return np.clip(self._mixed(lambda part: part.prob(low, high)), 0, 1)

    def quantile(self, q: float) -> FloatArray:
        """Return the DLT rate below which the posterior puts probability q, [U, D]."""
        level = check_level(q)
        found = np.stack([_logit(part.quantile(level)) for part in self.parts])
        low, high, weight = found.min(axis=0), found.max(axis=0), self.model_prob()
        rows = [slice(start, start + CHUNK) for start in range(0, len(weight), CHUNK)]
        middle = [self._solve(level, low[r], high[r], weight[r], r) for r in rows]
        return np.asarray(1 / (1 + np.exp(-np.concatenate(middle)))) if rows else low

    def _solve(self, q: float, low: FloatArray, high: FloatArray, weight: FloatArray, rows: slice) -> FloatArray:
        known = [part.grid.line.distribution(part.weight[rows]) for part in self.parts]
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            below = np.zeros(low.shape)
            for model, part, distribution, share in zip(self.models, self.parts, known, weight.T, strict=True):
                below += share[:, None] * _below(model, part, distribution, middle)
            low, high = np.where(below < q, middle, low), np.where(below < q, high, middle)
        return (low + high) / 2

    def log_marginal(self) -> FloatArray:
        """Return the log marginal likelihood without binomial coefficients, [U]."""
        return np.asarray(logsumexp(self.log_joint, axis=1))


def _logit(p: FloatArray) -> FloatArray:
    """Return logit p, finite for a p that has been rounded to 0 or 1."""
    inside = np.clip(p, 1e-300, 1 - 2.0**-53)
    return np.log(inside) - np.log1p(-inside)


def _below(
    model: Empiric | OneParameterLogistic, part: GridPosterior, distribution: Distribution, logit: FloatArray
) -> FloatArray:
    """Return Pr(logit p_j <= logit) under one model, [U, D]."""
    prior, rises = model.prior(), part.grid.rises
    below = distribution.cdf((model.theta_at(logit) - prior.mean[0]) / prior.cholesky[0, 0])
    return np.where(rises, below, 1 - below)


class AveragePosterior(Batch[MixturePosterior]):
    """The posterior of a model average in a batch of S trials."""

    def model_prob(self) -> FloatArray:
        """Return the posterior probability of each model, [S, K]."""
        return self.joined(MixturePosterior.model_prob)


class AverageQuadrature:
    """Posteriors of one model average.

    Parameters
    ----------
    model : ModelAverage
    """

    def __init__(self, model: ModelAverage) -> None:
        self.model = model
        self._kept = Kept[AveragePosterior]()

    def posterior(self, n: IntArray, y: IntArray) -> AveragePosterior:
        """Return the posterior after y DLTs in n patients at each dose, [S, D].

        The arrays are kept by identity: they must not be changed in place afterwards.
        """
        return self._kept(n, y, lambda: AveragePosterior(*solved(n, y, functools.partial(solve, self.model))))

    def nodes(self, patients: int) -> int:
        """Return how many nodes are visited for a tally of so many patients, all models together."""
        return sum(OneParameterQuadrature(model).nodes(patients) for model in self.model.models)


def solve(model: ModelAverage, patients: int, n: IntArray, y: IntArray) -> MixturePosterior:
    """Return the posteriors after tallies [U, D] of at most so many patients."""
    parts = [solve_one(one, patients, n, y) for one in model.models]
    log_joint = np.stack([part.log_evidence for part in parts], axis=1) + np.log(model.weights)
    return MixturePosterior(model.models, parts, log_joint)
