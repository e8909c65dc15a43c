"""Posteriors of the DLT rates."""

from __future__ import annotations

from typing import Protocol

from doseopt.core.state import FloatArray


class Posterior(Protocol):
    """The posterior of the DLT rates at D doses in a batch of S trials, whoever computed it."""

    def mean(self) -> FloatArray:
        """Return the posterior mean DLT rate, [S, D]."""
        ...

    def sd(self) -> FloatArray:
        """Return the posterior standard deviation of the DLT rate, [S, D]."""
        ...

    def prob(self, low: float, high: float = 1.0) -> FloatArray:
        """Return Pr(low < rate <= high), [S, D]."""
        ...

    def quantile(self, q: float) -> FloatArray:
        """Return the DLT rate below which the posterior puts probability q, 0 < q < 1, [S, D]."""
        ...

    def log_marginal(self) -> FloatArray:
        """Return the log marginal likelihood of each trial, [S].

        Of the patients in their order, prod p^y (1-p)^(n-y): without the binomial coefficients of the tally, which are
        the same for all models. PyMC's `Binomial` includes them.
        """
        ...
