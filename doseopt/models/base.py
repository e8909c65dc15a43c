"""Models, and the posteriors that answer for them."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from scipy.special import gammainc, gammaincc, gammainccinv, gammaincinv, gammaln, log_ndtr, ndtr, ndtri, ndtri_exp

from doseopt.core.parameters import Fault, Faults
from doseopt.core.state import FloatArray

SMALL = 1e-9
"""A slope times the rate below which its distribution function is a power, to double precision with one more term."""
LAST = 37.0
"""Distance in z beyond which there is no mass: Pr(Z > z) is about the least number there is."""


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

    @functools.cached_property
    def cholesky(self) -> FloatArray:
        """L, [P, P]."""
        return np.linalg.cholesky(np.array(self.cov, dtype=np.float64))

    def theta(self, z: Any) -> Any:
        """Return theta = mean + L z; z [..., P] -> [..., P], in NumPy or any namespace like it."""
        return z @ self.cholesky.T + np.array(self.mean)

    @property
    def scale(self) -> float:
        """Standard deviation of the first parameter."""
        return float(self.cholesky[0, 0])

    def z(self, theta: FloatArray) -> FloatArray:
        """Return the z of the only parameter, elementwise."""
        return np.asarray((theta - self.mean[0]) / self.scale)

    def parameter(self, theta: FloatArray) -> FloatArray:
        """Return what the estimate is the mean of: the parameter itself."""
        return theta

    def at(self, parameter: FloatArray) -> FloatArray:
        """Return theta of what the estimate is the mean of."""
        return parameter

    def log_density(self, theta: FloatArray) -> FloatArray:
        """Return the log prior density of theta; [..., P] -> [...]."""
        cholesky = self.cholesky
        off = theta - np.array(self.mean)
        z = np.linalg.solve(cholesky, off.reshape(-1, len(self.mean)).T).T.reshape(off.shape)
        constant = len(self.mean) * math.log(2 * math.pi) / 2 + np.log(np.diag(cholesky)).sum()
        return np.asarray(-(z**2).sum(axis=-1) / 2 - constant)


@dataclass(frozen=True)
class GammaPrior:
    """Gamma prior of the slope, exp(b) ~ Gamma(shape, rate): exponential for shape 1.

    Every way of computing takes the parameter as a function of a standard normal z: b(z) is the log of the quantile
    Phi(z) of the gamma distribution.

    Parameters
    ----------
    shape, rate : float
    """

    shape: float
    rate: float
    names: ClassVar[tuple[str, ...]] = ("b",)

    @property
    def scale(self) -> float:
        """Standard deviation of the slope."""
        return math.sqrt(self.shape) / self.rate

    def theta(self, z: Any) -> Any:
        """Return b, elementwise in z."""
        z = np.clip(np.asarray(z, dtype=np.float64), -LAST, LAST)
        least = (log_ndtr(z) + gammaln(self.shape + 1)) / self.shape  # of small slopes times the rate, the log
        small = least < math.log(SMALL)
        lower, upper = gammaincinv(self.shape, ndtr(z)), gammainccinv(self.shape, ndtr(-z))
        found = np.where(small, 1.0, np.where(z < 0, lower, upper))
        first = np.exp(np.minimum(least, 0.0)) / (self.shape + 1)
        return np.where(small, least + first, np.log(found)) - math.log(self.rate)

    def z(self, theta: FloatArray) -> FloatArray:
        """Return the z of b, elementwise, within +-40."""
        log_slope = theta + math.log(self.rate)
        with np.errstate(over="ignore"):
            slope = np.exp(log_slope)
        lower, upper = gammainc(self.shape, slope), gammaincc(self.shape, slope)
        power = self.shape * (log_slope - slope / (self.shape + 1)) - gammaln(self.shape + 1)
        with np.errstate(divide="ignore"):
            least = ndtri_exp(np.minimum(power, 0.0))
            found = np.where(slope < SMALL, least, np.where(lower < 0.5, ndtri(lower), -ndtri(upper)))
        return np.clip(found, -40.0, 40.0)

    def parameter(self, theta: FloatArray) -> FloatArray:
        """Return the slope, whose mean is the estimate."""
        with np.errstate(over="ignore"):
            return np.exp(theta)

    def at(self, parameter: FloatArray) -> FloatArray:
        """Return the b of a slope."""
        return np.log(parameter)

    def log_density(self, theta: FloatArray) -> FloatArray:
        """Return the log prior density of b; [..., 1] -> [...]."""
        b = theta[..., 0]
        constant = self.shape * math.log(self.rate) - gammaln(self.shape)
        return np.asarray(constant + self.shape * b - self.rate * np.exp(b))


type Prior = GaussianPrior | GammaPrior


class Model(Protocol):
    """A prior and a dose-toxicity curve; nothing about how to compute with them. Frozen, so that it hashes."""

    def __hash__(self) -> int: ...

    @property
    def doses(self) -> int:
        """Number of doses, D."""
        ...

    def prior(self) -> Prior:
        """Return the prior of the P parameters."""
        ...

    def log_dlt_rate(self, theta: Any, xp: Any) -> Any:
        """Return the log DLT rate at each dose: theta [..., P] -> [..., D], in NumPy or any namespace like it."""
        ...
