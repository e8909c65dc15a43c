"""Models, and the posteriors that answer for them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from doseopt.core.parameters import Fault, Faults
from doseopt.core.state import FloatArray


@dataclass(frozen=True)
class GaussianPrior:
    """Multivariate normal prior of the parameters, theta ~ N(mean, cov).

    Every way of computing is non-centred: theta = mean + L z with z ~ N(0, I) and L L' = cov, L lower triangular.

    Parameters
    ----------
    names : tuple of str
        One name a parameter, P of them.
    mean : tuple of float
    cov : tuple of tuple of float
        Covariance matrix, symmetric and positive definite.
    """

    names: tuple[str, ...]
    mean: tuple[float, ...]
    cov: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        """Check the shapes and the covariance."""
        size, cov = len(self.names), np.array([list(row) for row in self.cov], dtype=np.float64)
        if len(self.mean) != size or cov.shape != (size, size):
            message = (
                f"wanted a mean of {size} and a covariance of {size} by {size} for ({', '.join(self.names)}), got "
                f"{len(self.mean)} and {' by '.join(map(str, cov.shape))}"
            )
            raise Faults([Fault("", message)])
        if not (np.isfinite(cov).all() and np.isfinite(self.mean).all()):
            raise Faults([Fault("", f"wanted finite means and covariances, got {self.mean} and {self.cov}")])
        if not np.array_equal(cov, cov.T) or np.linalg.eigvalsh(cov).min() <= 0:
            raise Faults([Fault("", f"wanted a symmetric, positive definite covariance, got {self.cov}")])

    @property
    def cholesky(self) -> FloatArray:
        """L, [P, P]."""
        return np.linalg.cholesky(np.array(self.cov, dtype=np.float64))

    def theta(self, z: Any) -> Any:
        """Return theta = mean + L z; z [..., P] -> [..., P], in NumPy or any namespace like it."""
        return z @ self.cholesky.T + np.array(self.mean)

    def log_density(self, theta: FloatArray) -> FloatArray:
        """Return the log prior density of theta; [..., P] -> [...]."""
        cholesky = self.cholesky
        off = theta - np.array(self.mean)
        z = np.linalg.solve(cholesky, off.reshape(-1, len(self.mean)).T).T.reshape(off.shape)
        constant = len(self.mean) * math.log(2 * math.pi) / 2 + np.log(np.diag(cholesky)).sum()
        return np.asarray(-(z**2).sum(axis=-1) / 2 - constant)


class Model(Protocol):
    """A prior and a dose-toxicity curve; nothing about how to compute with them. Frozen, so that it hashes."""

    def __hash__(self) -> int: ...

    @property
    def doses(self) -> int:
        """Number of doses, D."""
        ...

    def prior(self) -> GaussianPrior:
        """Return the prior of the P parameters."""
        ...

    def log_dlt_rate(self, theta: Any, xp: Any) -> Any:
        """Return the log DLT rate at each dose: theta [..., P] -> [..., D], in NumPy or any namespace like it."""
        ...
