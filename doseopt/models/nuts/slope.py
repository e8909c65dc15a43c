"""A gamma prior of the slope as a sampler takes it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from doseopt.core.state import FloatArray
from doseopt.models.base import GammaPrior
from doseopt.models.stick import log_gamma


@dataclass(frozen=True)
class SampledSlope:
    """A gamma prior of the slope as a sampler takes it: of b itself, whose density falls off on both sides.

    Parameters
    ----------
    prior : GammaPrior
    """

    prior: GammaPrior
    names: ClassVar[tuple[str, ...]] = GammaPrior.names

    def theta(self, z: Any, xp: Any) -> Any:
        """Return b; the last axis is known to have length 1, which PyTensor does not see of a sampled z."""
        return z[..., 0][..., None]

    def z(self, theta: FloatArray) -> FloatArray:
        """Return what is sampled."""
        return theta

    def log_densities(self, z: Any, xp: Any) -> Any:
        """Return the log prior density of b; [..., 1] -> [..., 1], in NumPy or any namespace like it."""
        shape, rate = self.prior.shape, self.prior.rate
        return shape * (z + math.log(rate)) - rate * xp.exp(z) - math.lgamma(shape)

    def log_density(self, theta: FloatArray) -> FloatArray:
        """Return the log prior density of the slope, over which the prior is stated; [..., 1] -> [...]."""
        return np.asarray((self.log_densities(theta, np) - theta)[..., 0])

    def draw(self, rng: np.random.Generator, size: int) -> FloatArray:
        """Draw b from the prior, [size, 1]."""
        return log_gamma(rng, (self.prior.shape,), size) - math.log(self.prior.rate)
