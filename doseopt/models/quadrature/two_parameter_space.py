"""Where the posteriors of the two-parameter logistic model can have mass, and a stretched logit that resolves it.

No tally of N patients can put mass where the posteriors after no patients, after N patients at one dose with or without
DLTs, and after contradictory and steep data (N/2 at each of two doses, all or none with DLTs) are all negligible.

The density of eta_j = logit p_j is known well at uniform nodes in

    u(eta) = alpha asinh((eta - m_a)/beta) + 2 sqrt(N) arctan exp(eta/2) + c l asinh(eta/l),
    alpha = 4/s_b, beta = alpha s_a, c = max(0, 0.6 - 1/s_a), l = 8,

(m_a, m_b) and (s_a, s_b) being the prior means and sds. The second term of u has the slope sqrt(N p (1 - p)), the
root of the information in N patients at dose j; far from m_a, eta is about as uncertain as log b, relatively, hence
asinh. The last one is for vague priors: a rate changes within a unit of its logit, whatever the prior.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from doseopt.core.state import FloatArray
from doseopt.models.curves import TwoParameterLogistic
from doseopt.models.quadrature.batch import Values

NEGLIGIBLE = 23.0
"""Log density below the mode that is left out: exp(-23) = 1e-10."""
WIDEST = 14.0
"""Prior standard deviations within which the posterior is looked for."""
MOST_DOSES = 8
"""Doses with data, from the lowest to the highest, that extreme tallies are made of."""
ALPHA = 4.0
"""alpha s_b."""
LEAST_SLOPE, REACH = 0.6, 8.0
"""Of the stretched logit, about, where rates are neither near 0 nor near 1; l."""


class Space:
    """Prior and likelihood of one model, its data doses and N, and points (w, z) where mass can be."""

    def __init__(self, model: TwoParameterLogistic, at: Values, patients: int, negligible: float = NEGLIGIBLE) -> None:
        self.prior, self.data, self.patients = model.prior(), model.at(at), patients
        distinct = sorted(set(at))
        spread = np.linspace(0, len(distinct) - 1, min(len(distinct), MOST_DOSES)).round().astype(int)
        self.typical = model.at(distinct[k] for k in spread)
        (va, c), (_, vb) = model.cov
        (self.m_a, self.m_b), self.s_a, self.s_b = model.mean, float(np.sqrt(va)), float(np.sqrt(vb))
        self.slope, self.s = c / self.s_b, float(np.sqrt((va * vb - c**2) / vb))
        z = np.linspace(-WIDEST, WIDEST, 141)
        w, z = (part.ravel() for part in np.meshgrid(z, z, indexing="ij"))
        extremes = self.extremes(self.theta(w, z))
        self.peak = extremes.max(axis=0)
        inside = (extremes > self.peak - negligible).any(axis=1)
        self.w, self.z = w[inside], z[inside]

    def theta(self, w: FloatArray, z: FloatArray) -> FloatArray:
        """Return (log a, log b), [..., 2]."""
        return np.stack([self.m_a + self.slope * w + self.s * z, self.m_b + self.s_b * w], axis=-1)

    @property
    def stretch(self) -> Stretch:
        """The stretched logit for N patients."""
        alpha = ALPHA / self.s_b
        unit = max(0.0, LEAST_SLOPE - 1 / self.s_a)
        return Stretch(alpha, alpha * self.s_a, self.m_a, float(np.sqrt(self.patients)), unit)

    @staticmethod
    def likelihood(theta: FloatArray, model: TwoParameterLogistic) -> tuple[FloatArray, FloatArray]:
        """Return log p and log(1 - p) at the doses of a model; theta [..., 2] -> [..., K]."""
        eta = logits(theta, model)
        soft = np.log1p(np.exp(-np.abs(eta)))
        return np.minimum(eta, 0) - soft, np.minimum(-eta, 0) - soft

    def extremes(self, theta: FloatArray) -> FloatArray:
        """Return the log density (over theta) of prior times likelihood after the extreme tallies, [G, E]."""
        log_p, log_q = (part.T.copy() for part in self.likelihood(theta, self.typical))
        rows = [np.zeros(len(theta)), *log_p, *log_q]
        last = self.typical.doses - 1
        for j, k in {(0, last), *itertools.pairwise(range(last + 1))} - {(0, 0)}:
            rows += [(log_p[j] + log_q[k]) / 2, (log_q[j] + log_p[k]) / 2]
        found = np.stack(rows)
        found *= self.patients
        found += self.prior.log_density(theta)
        return found.T


def logits(theta: FloatArray, model: TwoParameterLogistic) -> FloatArray:
    """Return the logits of the rates at the doses of a model; theta [..., 2] -> [..., K]."""
    return np.asarray(theta[..., :1] + np.exp(theta[..., 1:]) * model.x)


@dataclass(frozen=True)
class Stretch:
    """u(eta), as the module has it."""

    alpha: float
    beta: float
    m_a: float
    root: float  # sqrt(N)
    unit: float  # c

    def u(self, eta: FloatArray) -> FloatArray:
        """Return u(eta)."""
        stretched = 2 * self.root * np.arctan(np.exp(np.minimum(eta / 2, 50.0)))
        stretched += self.unit * REACH * np.arcsinh(eta / REACH)
        return np.asarray(stretched + self.alpha * np.arcsinh((eta - self.m_a) / self.beta))

    def du(self, eta: FloatArray) -> FloatArray:
        """Return du/deta."""
        plain = self.alpha / np.sqrt(self.beta**2 + (eta - self.m_a) ** 2)
        plain += self.unit / np.sqrt(1 + (eta / REACH) ** 2)
        return np.asarray(plain + self.root / (2 * np.cosh(np.clip(eta / 2, -300, 300))))

    def eta(self, u: FloatArray) -> FloatArray:
        """Return eta at u."""
        return inverse(self.u, self.du, self._table, u)

    @functools.cached_property
    def _table(self) -> FloatArray:
        return self.m_a + self.beta * np.sinh(np.linspace(-9, 9, 4001))


def inverse(
    function: Callable[[FloatArray], FloatArray],
    slope: Callable[[FloatArray], FloatArray],
    table: FloatArray,
    value: FloatArray,
) -> FloatArray:
    """Invert an increasing function by Newton's method, starting from a table."""
    x = np.interp(value, function(table), table)
    for _ in range(2):
        x = x - (function(x) - value) / slope(x)
    return x
