"""Independent beta-binomial doses: closed form.

p_j ~ Beta(a, b) and y_j of n_j patients have a DLT: p_j | y_j ~ Beta(a + y_j, b + n_j - y_j), and the log marginal
likelihood is sum_j log B(a + y_j, b + n_j - y_j) - log B(a, b), B being the beta function.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import betainc, betaincinv, betaln

from doseopt.core.state import FloatArray, IntArray
from doseopt.models.line import check_level


@dataclass(frozen=True)
class BetaPosterior:
    """Beta(alpha, beta) at each dose of each trial; arrays [S, D]. The prior is Beta(a, b)."""

    alpha: FloatArray
    beta: FloatArray
    a: float = 1.0
    b: float = 1.0

    def mean(self) -> FloatArray:
        """Return the posterior mean DLT rate, [S, D]."""
        return self.alpha / (self.alpha + self.beta)

    def sd(self) -> FloatArray:
        """Return the posterior standard deviation of the DLT rate, [S, D]."""
        total = self.alpha + self.beta
        return np.sqrt(self.alpha * self.beta / (total + 1)) / total

    def prob(self, low: float, high: float = 1.0) -> FloatArray:
        """Return Pr(low < rate <= high), [S, D]."""
        upper = betainc(self.alpha, self.beta, high) if high < 1 else 1.0
        return np.asarray(upper - betainc(self.alpha, self.beta, low))

    def below(self, rates: FloatArray) -> FloatArray:
        """Return Pr(rate <= each of the rates), [S, C, D]."""
        return np.asarray(betainc(self.alpha[:, None, :], self.beta[:, None, :], rates[:, None]))

    def quantile(self, q: float) -> FloatArray:
        """Return the DLT rate below which the posterior puts probability q, [S, D]."""
        return np.asarray(betaincinv(self.alpha, self.beta, check_level(q)))

    def log_marginal(self) -> FloatArray:
        """Return the log marginal likelihood without binomial coefficients, [S]."""
        return np.asarray((betaln(self.alpha, self.beta) - betaln(self.a, self.b)).sum(axis=-1))


@dataclass(frozen=True)
class BetaBinomial:
    """Independent DLT rates p_j ~ Beta(a, b).

    Parameters
    ----------
    doses : int
    a, b : float
        Parameters of the prior, the same at each dose.
    """

    doses: int
    a: float = 1.0
    b: float = 1.0

    def posterior(self, n: IntArray, y: IntArray) -> BetaPosterior:
        """Return the posterior after y DLTs in n patients at each dose, [S, D]."""
        alpha, beta = np.add(self.a, y, dtype=np.float64), np.add(self.b, n - y, dtype=np.float64)
        return BetaPosterior(alpha, beta, self.a, self.b)

    def nodes(self, patients: int) -> int:
        """Return 1: the posterior has a closed form, whatever the number of patients."""
        return 1
