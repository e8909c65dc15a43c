"""Posteriors of a model average, deterministic.

Given the data, model k has probability pi_k proportional to w_k m_k, w_k its prior probability and m_k its marginal
likelihood. The posterior of a DLT rate is the mixture of the models' posteriors (see ``one_parameter``) with weights
pi_k:

    E p = sum_k pi_k E_k p,    var p = sum_k pi_k (var_k p + (E_k p)^2) - (E p)^2,    F(c) = sum_k pi_k F_k(c).

A quantile of the mixture lies between the smallest and the largest of the models' quantiles and is found between them
in logit p.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logsumexp

from doseopt.core.state import BoolArray, FloatArray, IntArray
from doseopt.models.base import Prior
from doseopt.models.curves import Empiric, ModelAverage, OneParameterLogistic
from doseopt.models.line import Distribution, check_level
from doseopt.models.quadrature import fitted
from doseopt.models.quadrature.batch import Batch, Kept, Parts, joined, solved
from doseopt.models.quadrature.one_parameter import OneParameterQuadrature, Part
from doseopt.models.quadrature.one_parameter import solve as solve_one
from doseopt.models.rates import rising
from doseopt.models.root import root

CHUNK = 2048
"""Tallies at a time."""


@dataclass(frozen=True, eq=False)
class MixturePosterior:
    """Posterior of a model average after distinct tallies."""

    models: tuple[Empiric | OneParameterLogistic, ...]
    parts: Sequence[Parts[Part]]  # K
    log_joint: FloatArray  # [U, K], log w_k m_k

    def model_prob(self) -> FloatArray:
        """Return the posterior probability of each model, [U, K]."""
        return np.exp(self.log_joint - self.log_marginal()[:, None])

    def _mixed(self, answers: Sequence[FloatArray]) -> FloatArray:
        return np.asarray(np.einsum("uk,kud->ud", self.model_prob(), np.stack(answers)))

    def mean(self) -> FloatArray:
        """Return the posterior mean DLT rate, [U, D]."""
        return self._mixed([joined(parts, lambda part: part.mean()) for parts in self.parts])

    def sd(self) -> FloatArray:
        """Return the posterior standard deviation of the DLT rate, [U, D]."""
        means = [joined(parts, lambda part: part.mean()) for parts in self.parts]
        sds = [joined(parts, lambda part: part.sd()) for parts in self.parts]
        centre = self._mixed(means)
        return np.sqrt(self._mixed([sd**2 + (mean - centre) ** 2 for mean, sd in zip(means, sds, strict=True)]))

    def prob(self, low: float, high: float = 1.0) -> FloatArray:
        """Return Pr(low < rate <= high), [U, D]."""
        return np.clip(self._mixed([joined(parts, lambda part: part.prob(low, high)) for parts in self.parts]), 0, 1)

    def below(self, rates: FloatArray) -> FloatArray:
        """Return Pr(rate <= each of the rates), [U, C, D]."""
        each = np.stack([joined(parts, lambda part: part.below(rates)) for parts in self.parts])
        return np.asarray(np.clip(np.einsum("uk,kucd->ucd", self.model_prob(), each), 0, 1))

    def quantile(self, q: float) -> FloatArray:
        """Return the DLT rate below which the posterior puts probability q, [U, D]."""
        level, weight = check_level(q), self.model_prob()
        found = np.stack([_logit(joined(parts, lambda part: part.quantile(level))) for parts in self.parts])
        known = [
            (model, model.prior(), rising(model), [(rows, _distribution(part)) for rows, part in parts])
            for model, parts in zip(self.models, self.parts, strict=True)
        ]

        def excess(logit: FloatArray) -> FloatArray:
            each = [_below(*one, logit) for one in known]
            return np.asarray(np.einsum("uk,kud->ud", weight, np.stack(each)) - level)

        return expit(root(excess, found.min(axis=0), found.max(axis=0)))

    def log_marginal(self) -> FloatArray:
        """Return the log marginal likelihood without binomial coefficients, [U]."""
        return np.asarray(logsumexp(self.log_joint, axis=1))


def _logit(p: FloatArray) -> FloatArray:
    """Return logit p, finite for a p that has been rounded to 0 or 1."""
    inside = np.clip(p, 1e-300, 1 - 2.0**-53)
    return np.log(inside) - np.log1p(-inside)


def _distribution(part: Part) -> Distribution | fitted.FittedPosterior:
    """Return the distribution of the standardised parameter, not kept with the posterior."""
    return part if isinstance(part, fitted.FittedPosterior) else part.grid.line.distribution(part.weight)


def _below(
    model: Empiric | OneParameterLogistic,
    prior: Prior,
    rises: BoolArray,
    parts: Parts[Distribution | fitted.FittedPosterior],
    logit: FloatArray,
) -> FloatArray:
    """Return Pr(logit p_j <= logit) under one model, [U, D]; its prior is known, and which rates rise."""
    below, z = np.empty(logit.shape), prior.z(model.theta_at(logit))
    for rows, part in parts:
        below[rows] = part.cdf(z[rows])
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


def solve(model: ModelAverage, patients: int, n: IntArray, y: IntArray) -> Parts[MixturePosterior]:
    """Return the posteriors after tallies [U, D] of at most so many patients."""
    pieces = np.array_split(np.arange(len(n)), -(-len(n) // CHUNK) or 1)
    return [
        (rows, _mixture(model, [solve_one(one, patients, n[rows], y[rows]) for one in model.models])) for rows in pieces
    ]


def solve_alone(model: ModelAverage, n: IntArray, y: IntArray) -> MixturePosterior:
    """Return the posteriors after tallies [U, D], each on panels of its own."""
    return _mixture(model, [[(np.arange(len(n)), fitted.solve(one, n, y))] for one in model.models])


def _mixture(model: ModelAverage, parts: Sequence[Parts[Part]]) -> MixturePosterior:
    log_marginal = [joined(part, lambda one: one.log_marginal()) for part in parts]
    return MixturePosterior(model.models, parts, np.stack(log_marginal, axis=1) + np.log(model.weights))
