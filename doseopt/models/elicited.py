"""Priors from quantiles of DLT rates that clinicians state: least squares on the logits.

Of the two-parameter logistic model, logit p(d) = A + exp(B) x with x = log(d/d*), the distribution function is an
integral over B of normal distribution functions, here by the trapezoid rule in the standardised B,

    Pr(logit p <= t) = int phi(w) Phi((t - exp(m_b + s_b w) x - m_a - r s_a w) / (s_a sqrt(1 - r^2))) dw,

and a quantile is where it has its level. Of a model with one parameter a rate is monotone in b ~ N(0, s^2), so that its
quantiles are rates at quantiles of b. Where more is stated than a prior has parameters the fit is a compromise, which
is shown and not hidden.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares
from scipy.special import expit, ndtr, ndtri

from doseopt.core.state import FloatArray
from doseopt.models.root import root

LEVELS = (0.05, 0.5, 0.95)
"""Of the quantiles: ends of the 90% interval, and the median."""
NODES = np.linspace(-8, 8, 97)
WEIGHTS = np.exp(-(NODES**2) / 2) / np.exp(-(NODES**2) / 2).sum()
FURTHEST = 60.0
"""Largest logit of a quantile."""
BOUNDS = np.array([[-30.0, -6.0, np.log(0.01), np.log(0.01), -3.0], [30.0, 6.0, np.log(8.0), np.log(5.0), 3.0]])
"""Of m_a, m_b, log s_a, log s_b and the inverse hyperbolic tangent of the correlation."""
WEAKEST = 1e-4
"""Weight of the distance from a correlation of 0, a log slope of 0 and its usual sd where quantiles leave them open."""


@dataclass(frozen=True)
class TwoParameterPrior:
    """Means, standard deviations and correlation of (log a, log b)."""

    mean: tuple[float, float]
    sd: tuple[float, float]
    correlation: float

    @property
    def cov(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """The covariance, [2, 2]."""
        (a, b), c = self.sd, self.correlation * self.sd[0] * self.sd[1]
        return (a * a, c), (c, b * b)

    def logits(self, x: FloatArray, levels: FloatArray) -> FloatArray:
        """Return the quantiles of the logit of the rate at log(d/d*), [K] -> [K, L]."""
        (m_a, m_b), (s_a, s_b), r = self.mean, self.sd, self.correlation
        centre = m_a + r * s_a * NODES + np.exp(m_b + s_b * NODES) * x[:, None, None]
        narrow = s_a * np.sqrt(1 - r * r)

        def off(t: FloatArray) -> FloatArray:
            return np.asarray(ndtr((t[..., None] - centre) / narrow) @ WEIGHTS - levels)

        ends = np.full((len(x), len(levels)), FURTHEST)
        return root(off, -ends, ends)


def fit_two_parameter(x: FloatArray, rates: FloatArray) -> TwoParameterPrior:
    """Return the prior of (log a, log b) whose quantiles are closest to those stated.

    Parameters
    ----------
    x : float array [K]
        log(d/d*) of at least two doses.
    rates : float array [K, 3]
        DLT rates at `LEVELS`.

    Examples
    --------
    >>> prior = TwoParameterPrior((-1.4, 0.1), (1.5, 0.7), -0.3)
    >>> x = np.log([0.1, 0.33, 1.0, 3.0])
    >>> found = fit_two_parameter(x, expit(prior.logits(x, np.array(LEVELS))))
    >>> [round(v, 3) for v in (*found.mean, *found.sd, found.correlation)]
    [-1.4, 0.1, 1.5, 0.7, -0.3]
    """
    stated, levels = np.log(rates) - np.log1p(-rates), np.array(LEVELS)

    def prior(v: FloatArray) -> TwoParameterPrior:
        m_a, m_b, s_a, s_b, z = v.tolist()
        return TwoParameterPrior((m_a, m_b), (float(np.exp(s_a)), float(np.exp(s_b))), float(np.tanh(z)))

    def misfit(v: FloatArray) -> FloatArray:
        usual = WEAKEST * np.array([v[1], v[3] - np.log(0.7), v[4]])
        return np.concatenate([(prior(v).logits(x, levels) - stated).ravel(), usual])

    slope, height = np.polyfit(x, stated[:, 1], 1)
    width = float(np.median(np.ptp(stated, axis=1)) / np.ptp(ndtri(levels)))
    fits = []
    for s_b, z in itertools.product((0.3, 0.9), (-0.5, 0.3)):
        start = [height, np.log(max(slope, 0.05)), np.log(width), np.log(s_b), z]
        inside = np.clip(start, BOUNDS[0] + 1e-6, BOUNDS[1] - 1e-6)
        fits.append(
            least_squares(
                misfit, inside, bounds=(BOUNDS[0], BOUNDS[1]), xtol=1e-12, ftol=1e-12, gtol=1e-12, max_nfev=60
            )
        )
    return prior(np.asarray(min(fits, key=lambda fit: float(fit.cost)).x))


@dataclass(frozen=True)
class OneParameterPrior:
    """Skeleton at the doses of which something is stated, and the standard deviation of b ~ N(0, sd^2)."""

    skeleton: tuple[float, ...]
    sd: float
    intercept: float | None = None
    """a_0 of the logistic model; None for the empiric one."""

    def logits(self, levels: FloatArray) -> FloatArray:
        """Return the quantiles of the logit of the rate, [K, L]."""
        s, z = np.array(self.skeleton)[:, None], self.sd * ndtri(levels)
        if self.intercept is None:
            log_p = np.exp(-z) * np.log(s)
            return np.asarray(log_p - np.log(-np.expm1(log_p)))
        x = np.log(s) - np.log1p(-s) - self.intercept
        return np.asarray(self.intercept + np.exp(np.where(x < 0, -z, z)) * x)


def fit_one_parameter(rates: FloatArray, intercept: float | None = None) -> OneParameterPrior:
    """Return the skeleton and the sd of b whose quantiles are closest to those stated.

    Parameters
    ----------
    rates : float array [K, 3]
        DLT rates at `LEVELS`.
    intercept : float, optional
        a_0 of the logistic model; the empiric one without.

    Examples
    --------
    >>> stated = expit(OneParameterPrior((0.1, 0.3), 1.1).logits(np.array(LEVELS)))
    >>> found = fit_one_parameter(stated)
    >>> [round(v, 4) for v in (*found.skeleton, found.sd)]
    [0.1, 0.3, 1.1]
    """
    stated, levels = np.log(rates) - np.log1p(-rates), np.array(LEVELS)

    def prior(v: FloatArray) -> OneParameterPrior:
        return OneParameterPrior(tuple(expit(v[:-1]).tolist()), float(np.exp(v[-1])), intercept)

    def misfit(v: FloatArray) -> FloatArray:
        return np.asarray((prior(v).logits(levels) - stated).ravel())

    start = np.append(stated[:, 1], 0.0)
    least, most = np.append(np.full(len(rates), -30.0), np.log(0.01)), np.append(np.full(len(rates), 30.0), np.log(5))
    fit = least_squares(misfit, np.clip(start, least, most), bounds=(least, most), xtol=1e-12, ftol=1e-12, gtol=1e-12)
    return prior(np.asarray(fit.x))
