"""Independent beta-binomial doses: closed form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import betainc

from doseopt.state import FloatArray, IntArray


@dataclass(frozen=True)
class BetaPosterior:
    """Beta(alpha, beta) at each dose of each trial; arrays [S, D]."""

    alpha: FloatArray
    beta: FloatArray

    def mean(self) -> FloatArray:
        """Return the posterior mean DLT rate, [S, D]."""
        return self.alpha / (self.alpha + self.beta)

    def prob(self, low: float, high: float = 1.0) -> FloatArray:
        """Return Pr(low < rate <= high), [S, D]."""
        upper = betainc(self.alpha, self.beta, high) if high < 1 else 1.0
        return np.asarray(upper - betainc(self.alpha, self.beta, low))


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
        return BetaPosterior(np.add(self.a, y, dtype=np.float64), np.add(self.b, n - y, dtype=np.float64))
