"""Posteriors of models with one parameter for whatever prior, each tally with panels of its own (see ``panels``)."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from scipy.special import xlogy

from doseopt.core.state import FloatArray, IntArray
from doseopt.models.base import Model
from doseopt.models.line import check_level
from doseopt.models.quadrature.panels import (
    ORDER,
    TO_COEFFICIENTS,
    TO_INTEGRAL,
    WEIGHTS,
    Panels,
    found,
    integral_of,
    resolved,
    sums,
)
from doseopt.models.quadrature.partial import Partial
from doseopt.models.rates import cuts, log_complement, log_rates, rising
from doseopt.models.root import root

TOLERANCE = 1e-10
"""Last Legendre coefficients that are left out."""
TINY = 1e-8
"""Standard deviation of a rate or of the standardised parameter that needs no digits."""


@dataclass(frozen=True, eq=False)
class FittedPosterior:
    """Posterior of a one-parameter model after U distinct tallies: its density in z on panels."""

    model: Model
    ends: FloatArray  # [U, panel + 1], the last end repeated where there are fewer
    coefficients: FloatArray  # [U, panel, coefficient], of the density times half the width
    before: FloatArray  # [U, panel + 1], probability up to each end
    parameter_mean: FloatArray  # [U]
    parameter_variance: FloatArray  # [U]
    average: FloatArray  # [U, D]
    spread: FloatArray  # [U, D]
    log_evidence: FloatArray  # [U]

    def theta_mean(self) -> FloatArray:
        """Return the posterior mean of the parameter, [U]."""
        return self.parameter_mean

    def theta_variance(self) -> FloatArray:
        """Return the posterior variance of the parameter, [U]."""
        return self.parameter_variance

    def plugin(self) -> FloatArray:
        """Return the DLT rate at the posterior mean of the parameter, [U, D]."""
        return np.exp(np.asarray(self.model.log_dlt_rate(self.model.prior().at(self.theta_mean())[:, None], np)))

    def mean(self) -> FloatArray:
        """Return the posterior mean DLT rate, [U, D]."""
        return self.average

    def sd(self) -> FloatArray:
        """Return the posterior standard deviation of the DLT rate, [U, D]."""
        return self.spread

    def log_marginal(self) -> FloatArray:
        """Return the log marginal likelihood without binomial coefficients, [U]."""
        return self.log_evidence

    def cdf(self, z: FloatArray) -> FloatArray:
        """Return Pr(Z <= z), Z being the standardised parameter; z [U, D], infinite ones too."""
        panel = (z[..., None] >= self.ends[:, None, :]).sum(axis=-1) - 1
        return self._up_to(z, np.clip(panel, 0, self.ends.shape[1] - 2))

    def _up_to(self, z: FloatArray, panel: IntArray) -> FloatArray:
        """Return Pr(Z <= z) for z in these panels, [U, D] -> [U, D]."""
        row = np.arange(len(z))[:, None]
        low, high = self.ends[row, panel], self.ends[row, panel + 1]
        s = 2 * (np.clip(z, low, high) - low) / np.where(high > low, high - low, 1.0) - 1
        inside = integral_of(self._integrals, row * self.coefficients.shape[1] + panel, s)
        return np.clip(self.before[row, panel] + inside, 0, 1)

    @functools.cached_property
    def _integrals(self) -> FloatArray:
        return np.asarray(TO_INTEGRAL @ self.coefficients.reshape(-1, ORDER).T)

    def prob(self, low: float, high: float = 1.0) -> FloatArray:
        """Return Pr(low < rate <= high), [U, D]."""
        return np.clip(self._at_most(high) - self._at_most(low), 0, 1)

    def below(self, rates: FloatArray) -> FloatArray:
        """Return Pr(rate <= each of the rates), [U, C, D]."""
        shape = (len(self.average), len(rates), self.average.shape[1])
        z = cuts(self.model, rates).ravel()
        below = self.cdf(np.broadcast_to(z, (shape[0], len(z)))).reshape(shape)
        return np.where(rising(self.model), below, 1 - below)

    def _at_most(self, rate: float) -> FloatArray:
        if rate <= 0 or rate >= 1:
            return np.full(self.average.shape, float(rate >= 1))
        return self.below(np.array([rate]))[:, 0]

    def quantile(self, q: float) -> FloatArray:
        """Return the DLT rate below which the posterior puts probability q, [U, D]."""
        level, rises = check_level(q), rising(self.model)
        rates = np.empty(self.average.shape)
        for where, at in ((rises, level), (~rises, 1 - level)):
            if where.any():
                rates[:, where] = np.exp(log_rates(self.model, self._z(at)))[:, where]
        return rates

    def _z(self, q: float) -> FloatArray:
        """Return the z with Pr(Z <= z) = q, [U]."""
        row = np.arange(len(self.ends))[:, None]
        panel = np.clip((self.before <= q).sum(axis=1) - 1, 0, self.coefficients.shape[1] - 1)[:, None]
        return root(lambda z: self._up_to(z, panel) - q, self.ends[row, panel], self.ends[row, panel + 1])[:, 0]


def solve(model: Model, n: IntArray, y: IntArray, partial: Partial | None = None) -> FittedPosterior:
    """Return the posteriors after tallies [U, D], and patients who count in part.

    Raises
    ------
    Faults
        If the posterior of one of them cannot be resolved.
    """
    (lines, doses), prior = n.shape, model.prior()

    def log_f(owner: IntArray, z: FloatArray) -> FloatArray:
        log_p = log_rates(model, z, prior)
        seen = y[owner] * log_p + (n - y)[owner] * log_complement(log_p)
        part = 0.0 if partial is None else partial.log_likelihood(np.exp(log_p), owner)
        return np.asarray(seen.sum(axis=1) + part - z**2 / 2 - np.log(2 * np.pi) / 2)

    share = y / np.maximum(n, 1)
    ceiling = (xlogy(y, share) + xlogy(n - y, 1 - share)).sum(axis=1) - np.log(2 * np.pi) / 2
    panels, top, peak = found(log_f, ceiling, min(1.0, 0.25 / prior.scale))
    near, middle = np.exp(log_rates(model, peak, prior)), prior.parameter(prior.theta(peak[:, None])[:, 0])

    def columns(owner: IntArray, z: FloatArray) -> FloatArray:
        f = np.exp(log_f(owner, z) - top[owner])[:, None]
        parameter = prior.parameter(prior.theta(z[:, None])[:, 0])
        off = np.column_stack(
            [(parameter - middle[owner]) / prior.scale, np.exp(log_rates(model, z, prior)) - near[owner]]
        )
        return np.concatenate([f, f * off, f * off**2], axis=1)

    least = np.repeat([1.0, TINY, TINY**2], [1, 1 + doses, 1 + doses])
    panels, values = resolved(panels, columns, lines, TOLERANCE, least)
    total = sums(panels.owner, panels.half[:, None] * np.einsum("i,qic->qc", WEIGHTS, values), lines)
    off, square = np.split(total[:, 1:] / total[:, :1], 2, axis=1)
    variance = np.maximum(square - off**2, 0)
    density = panels.half[:, None] * (values[..., 0] @ TO_COEFFICIENTS) / total[panels.owner, :1]
    ends, coefficients, before = _table(panels, density, lines)
    log_evidence = top + np.log(total[:, 0])
    average, spread = near + off[:, 1:], np.sqrt(variance[:, 1:])
    mean, square = middle + prior.scale * off[:, 0], prior.scale**2 * variance[:, 0]
    return FittedPosterior(model, ends, coefficients, before, mean, square, average, spread, log_evidence)


def _table(panels: Panels, density: FloatArray, lines: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return ends, coefficients and probability before each end, the panels of a line in its row."""
    count = np.bincount(panels.owner, minlength=lines)
    column = np.arange(len(panels.owner)) - np.repeat(np.cumsum(count) - count, count)
    most = int(count.max()) if lines else 1
    coefficients = np.zeros((lines, most, ORDER))
    coefficients[panels.owner, column] = density
    ends = np.full((lines, most + 1), -np.inf)
    ends[panels.owner, column] = panels.low
    ends[panels.owner, column + 1] = panels.high
    ends = np.maximum.accumulate(ends, axis=1)
    before = np.zeros((lines, most + 1))
    before[:, 1:] = np.cumsum(2 * coefficients[..., 0], axis=1)
    return ends, coefficients, before
