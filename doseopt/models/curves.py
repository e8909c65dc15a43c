"""Dose-toxicity curves: prior and log DLT rate, stated once for every way of computing with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from doseopt.models.base import GaussianPrior


@dataclass(frozen=True)
class Empiric:
    """Empiric (power) model, p_j = s_j^exp(b) with b ~ N(0, prior_sd^2).

    Parameters
    ----------
    skeleton : tuple of float
        s_j, the DLT rates at b = 0.
    prior_sd : float
        Standard deviation of b.

    References
    ----------
    O'Quigley, Pepe, Fisher 1990, Biometrics 46:33; Cheung 2011, Dose Finding by the Continual Reassessment Method.
    """

    skeleton: tuple[float, ...]
    prior_sd: float

    @property
    def doses(self) -> int:
        """Number of doses."""
        return len(self.skeleton)

    def prior(self) -> GaussianPrior:
        """Return the prior of b."""
        return GaussianPrior(("b",), (0.0,), (self.prior_sd,))

    def log_dlt_rate(self, theta: Any, xp: Any) -> Any:
        """Return log p_j = exp(b) log s_j; theta [..., 1] -> [..., D]."""
        return xp.exp(theta) * np.log(self.skeleton)


@dataclass(frozen=True)
class OneParameterLogistic:
    """One-parameter logistic model, logit p_j = a_0 + exp(b) x_j with x_j = logit(s_j) - a_0 and b ~ N(0, prior_sd^2).

    Parameters
    ----------
    skeleton : tuple of float
        s_j, the DLT rates at b = 0.
    prior_sd : float
        Standard deviation of b.
    intercept : float
        a_0.

    References
    ----------
    Goodman, Zahurak, Piantadosi 1995, Statistics in Medicine 14:1149; Cheung 2011.
    """

    skeleton: tuple[float, ...]
    prior_sd: float
    intercept: float = 3.0

    @property
    def doses(self) -> int:
        """Number of doses."""
        return len(self.skeleton)

    def prior(self) -> GaussianPrior:
        """Return the prior of b."""
        return GaussianPrior(("b",), (0.0,), (self.prior_sd,))

    def log_dlt_rate(self, theta: Any, xp: Any) -> Any:
        """Return log p_j = -log(1 + exp(-logit p_j)); theta [..., 1] -> [..., D]."""
        s = np.asarray(self.skeleton)
        x = np.log(s) - np.log1p(-s) - self.intercept
        return -xp.logaddexp(0.0, -(self.intercept + xp.exp(theta) * x))
