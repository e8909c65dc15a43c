"""Independent beta-distributed probabilities: the prior of independent doses, and of a stick that is broken."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import betaln, digamma

from doseopt.core.parameters import Fault, Faults
from doseopt.core.state import FloatArray


@dataclass(frozen=True)
class BetaPrior:
    """Independent probabilities v_k ~ Beta(a_k, b_k), with theta_k = logit v_k.

    The logit keeps what a probability cannot: Beta(0.005, 0.005) has most of its mass within 1e-16 of 0 or 1. It falls
    off as exp(a theta) to the left and exp(-b theta) to the right, slowly if a or b is small, which samplers explore
    poorly. They are given z instead,

        theta = m + s z - l(-z)^2 / (2a) + l(z)^2 / (2b),    l(z) = log(1 + e^z),

    an increasing function whose tails are those that make z nearly normal; m and s place and scale it. The density of z
    is that of theta times the slope, so the choice of the function changes the speed and not the answer.

    Parameters
    ----------
    names : tuple of str
        One name a parameter, P of them.
    a, b : tuple of float
    """

    names: tuple[str, ...]
    a: tuple[float, ...]
    b: tuple[float, ...]

    def __post_init__(self) -> None:
        """Check the parameters."""
        if not len(self.names) == len(self.a) == len(self.b):
            message = f"wanted {len(self.names)} values of a and of b, got {len(self.a)} and {len(self.b)}"
            raise Faults([Fault("", message)])
        if not all(0 < value < np.inf for value in (*self.a, *self.b)):
            message = f"wanted positive parameters of the beta distributions, got a = {self.a}, b = {self.b}"
            raise Faults([Fault("", message)])

    @functools.cached_property
    def _shape(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """What the function of z is made of: a, b, m and s; 0.45 is about E[l(Z)^2] / 2 for a standard normal Z."""
        a, b = np.array(self.a), np.array(self.b)
        middle = digamma(a) - digamma(b) + 0.45 * (1 / a - 1 / b)
        return a, b, middle, np.sqrt(1 / (a + 1) + 1 / (b + 1))

    def theta(self, z: Any, xp: Any) -> Any:
        """Return theta; z [..., P] -> [..., P], in NumPy or any namespace like it."""
        a, b, middle, scale = self._shape
        return middle + scale * z - xp.logaddexp(0.0, -z) ** 2 / (2 * a) + xp.logaddexp(0.0, z) ** 2 / (2 * b)

    def z(self, theta: FloatArray) -> FloatArray:
        """Return the z of theta, by bisection; [..., P] -> [..., P]."""
        low, high = np.full_like(theta, -1e3), np.full_like(theta, 1e3)
        for _ in range(64):
            middle = (low + high) / 2
            above = self.theta(middle, np) > theta
            low, high = np.where(above, low, middle), np.where(above, middle, high)
        return np.asarray((low + high) / 2)

    def log_densities(self, z: Any, xp: Any) -> Any:
        """Return the log prior density of each z_k; [..., P] -> [..., P], in NumPy or any namespace like it."""
        a, b, _, scale = self._shape
        theta, left, right = self.theta(z, xp), xp.logaddexp(0.0, -z), xp.logaddexp(0.0, z)
        slope = scale + left * xp.exp(-right) / a + right * xp.exp(-left) / b
        return -a * xp.logaddexp(0.0, -theta) - b * xp.logaddexp(0.0, theta) - betaln(a, b) + xp.log(slope)

    def log_density(self, theta: FloatArray) -> FloatArray:
        """Return the log prior density of the probabilities, over which the prior is stated; [..., P] -> [...]."""
        a, b, _, _ = self._shape
        log_v, log_rest = -np.logaddexp(0.0, -theta), -np.logaddexp(0.0, theta)
        return np.asarray(((a - 1) * log_v + (b - 1) * log_rest - betaln(a, b)).sum(axis=-1))

    def draw(self, rng: np.random.Generator, size: int) -> FloatArray:
        """Draw theta from the prior, [size, P]: log G_a - log G_b, the logarithms drawn without underflow."""
        return np.asarray(log_gamma(rng, self.a, size) - log_gamma(rng, self.b, size))


def log_gamma(rng: np.random.Generator, shape: Sequence[float] | FloatArray, size: int) -> FloatArray:
    """Draw logarithms of gamma variables without underflow: G(a) is distributed like G(a + 1) U^(1/a)."""
    a = np.asarray(shape)
    return np.asarray(np.log(rng.standard_gamma(a + 1, (size, len(a)))) - rng.standard_exponential((size, len(a))) / a)
