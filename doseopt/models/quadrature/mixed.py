"""Mixtures of posteriors: of patients who count in part, and of priors that are mixtures themselves.

A patient followed for a share w of the window without a DLT has the likelihood

    1 - w p = (1 - w) + w (1 - p),

that of nobody with weight 1 - w and that of a patient without a DLT with weight w. A product of such likelihoods is a
sum over how many of the patients of each dose count as completed, k_j of them with the coefficient of x^k_j in
prod (1 - w + w x); so the posterior is the mixture of the posteriors after tallies of n_j + k_j patients, each with a
weight proportional to its coefficients times its marginal likelihood: exact, whatever the model.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from doseopt.core.state import FloatArray, IntArray
from doseopt.models.line import check_level
from doseopt.models.quadrature.batch import Distributed

type Weights = tuple[tuple[float, ...], ...]
"""For each dose with data, w of its patients who count in part."""

CLOSE, STEPS = 1e-10, 100
"""In the log odds of its probability, or of the rate, how close a quantile is; and the most steps towards it."""
GRID = np.linspace(-30.0, 30.0, 1201)
"""Log odds of the rates between which quantiles of many trials are interpolated."""
FEW = 4
"""Trials up to which each quantile is looked for by itself."""


@dataclass(frozen=True, eq=False)
class MixedPosterior:
    """Mixtures, S of them, of K posteriors each.

    Parameters
    ----------
    parts : Distributed
        Of S K rows, the parts of one mixture next to each other.
    share : float array [S, K]
        Posterior probability of each part.
    log_evidence : float array [S]
    """

    parts: Distributed
    share: FloatArray
    log_evidence: FloatArray

    @classmethod
    def of(cls, parts: Distributed, log_weight: FloatArray) -> MixedPosterior:
        """Return the mixture in which parts have these prior weights, as logarithms [S, K]."""
        joint = log_weight + parts.log_marginal().reshape(log_weight.shape)
        whole = logsumexp(joint, axis=1)
        return cls(parts, np.exp(joint - whole[:, None]), whole)

    def mean(self) -> FloatArray:
        """Return the posterior mean DLT rate, [S, D]."""
        return self._average(self.parts.mean())

    def sd(self) -> FloatArray:
        """Return the posterior standard deviation of the DLT rate, [S, D]."""
        means, sds = (self._apart(each) for each in (self.parts.mean(), self.parts.sd()))
        off = means - self.mean()[:, None]
        return np.asarray(np.sqrt(np.einsum("sk,skd->sd", self.share, sds**2 + off**2)))

    def prob(self, low: float, high: float = 1.0) -> FloatArray:
        """Return Pr(low < rate <= high), [S, D]."""
        return self._average(self.parts.prob(low, high))

    def below(self, rates: FloatArray) -> FloatArray:
        """Return Pr(rate <= each of the rates), [S, C, D]."""
        return self._average(self.parts.below(rates))

    def log_marginal(self) -> FloatArray:
        """Return the log marginal likelihood without binomial coefficients, [S]."""
        return self.log_evidence

    def quantile(self, q: float) -> FloatArray:
        """Return the DLT rate below which the posterior puts probability q, [S, D].

        Of a few trials between the quantiles of the parts; of many by interpolation of the distribution
        function, which is then right to about 1e-6.
        """
        level = check_level(q)
        if len(self.share) > FEW:
            return self._interpolated(level)
        each = np.clip(self._apart(self.parts.quantile(level)), 1e-300, 1 - 2.0**-53)
        logits = np.log(each) - np.log1p(-each)
        return np.asarray(1 / (1 + np.exp(-self._sought(level, logits.min(axis=1), logits.max(axis=1)))))

    def _sought(self, level: float, low: FloatArray, high: FloatArray) -> FloatArray:
        """Return the log odds of the quantiles, [S, D], from brackets; along lines of the log odds of the share."""
        wanted, doses = np.log(level / (1 - level)), np.arange(low.shape[1])

        def off(x: FloatArray) -> FloatArray:
            rates = 1 / (1 + np.exp(-x))
            share = np.stack([self.below(row)[s, doses, doses] for s, row in enumerate(rates)])
            share = np.clip(share, 1e-300, 1 - 2.0**-53)
            return np.asarray(np.log(share / (1 - share)) - wanted)

        under, over, x = off(low), off(high), low
        for k in range(STEPS):
            with np.errstate(divide="ignore", invalid="ignore"):
                tried = low - under * (high - low) / (over - under)
            inside = (tried > low) & (tried < high) & (k % 4 < 3)
            x = np.where(inside, tried, (low + high) / 2)
            found = off(x)
            done = (np.abs(found) < CLOSE) | (high - low < CLOSE)
            if done.all():
                break
            above = found > 0
            # an end that stays twice weighs half (Illinois), so that the other one moves, too
            over, under = np.where(above, found, over / 2), np.where(above, under / 2, found)
            low, high = np.where(above, low, x), np.where(above, x, high)
        return x

    def _interpolated(self, level: float) -> FloatArray:
        """Return quantiles by a cubic through the four points of the distribution function about each."""
        cdf = self.below(1 / (1 + np.exp(-GRID)))  # [S, C, D]
        left = np.clip((cdf < level).sum(axis=1) - 1, 1, len(GRID) - 3)  # [S, D]
        near = np.take_along_axis(cdf, left[:, None] + np.arange(-1, 3)[:, None], axis=1)
        low, high = np.zeros(left.shape), np.ones(left.shape)
        for _ in range(40):
            x = (low + high) / 2
            outer, inner = (x - 1) * (x - 2), (x + 1) * x
            weights = (-x * outer / 6, (x + 1) * outer / 2, -inner * (x - 2) / 2, inner * (x - 1) / 6)
            under = sum(w * part for w, part in zip(weights, np.moveaxis(near, 1, 0), strict=True)) < level
            low, high = np.where(under, x, low), np.where(under, high, x)
        return np.asarray(1 / (1 + np.exp(-(GRID[left] + (GRID[1] - GRID[0]) * (low + high) / 2))))

    def _apart(self, values: FloatArray) -> FloatArray:
        return values.reshape(*self.share.shape, *values.shape[1:])

    def _average(self, values: FloatArray) -> FloatArray:
        return np.asarray(np.einsum("sk,sk...->s...", self.share, self._apart(values)))


def completions(weights: Sequence[Sequence[float]]) -> tuple[IntArray, FloatArray]:
    """Return how many of the patients who count in part count as completed, and the logarithms of the coefficients.

    Parameters
    ----------
    weights : sequence of sequence of float
        For each of K doses, w of its patients who count in part, in [0, 1].

    Returns
    -------
    completed : int array [M, K]
    log_weight : float array [M]

    Examples
    --------
    >>> completed, log_weight = completions([[], [0.25, 0.5]])
    >>> completed.tolist(), np.exp(log_weight).round(3).tolist()
    ([[0, 0], [0, 1], [0, 2]], [0.375, 0.5, 0.125])
    """
    each = []
    for some in weights:
        law = np.ones(1)
        for w in some:
            law = np.convolve(law, [1 - w, w])
        each.append(law)
    completed = np.array(list(itertools.product(*(range(len(law)) for law in each))), np.int64)
    with np.errstate(divide="ignore"):
        logs = [np.log(law) for law in each]
    log_weight = sum(log[completed[:, j]] for j, log in enumerate(logs))
    kept = np.isfinite(log_weight)
    return completed[kept], np.asarray(log_weight)[kept]
