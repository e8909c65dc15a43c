"""Two models that quadrature does not reach, each prior and curve stated once; `models.nuts.pymc` samples them."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy.special import betaln, digamma

from doseopt.core.parameters import Fault, Faults
from doseopt.core.state import FloatArray
from doseopt.models.base import GammaPrior, GaussianPrior
from doseopt.models.curves import TwoParameterLogistic
from doseopt.models.likelihood import log1mexp


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
        return np.asarray(_log_gamma(rng, self.a, size) - _log_gamma(rng, self.b, size))


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
        return _log_gamma(rng, (self.prior.shape,), size) - math.log(self.prior.rate)


def _log_gamma(rng: np.random.Generator, shape: tuple[float, ...], size: int) -> FloatArray:
    """Draw the logarithm of a gamma variable: G(a) is distributed like G(a + 1) U^(1/a)."""
    a = np.array(shape)
    return np.asarray(np.log(rng.standard_gamma(a + 1, (size, len(a)))) - rng.standard_exponential((size, len(a))) / a)


@dataclass(frozen=True)
class Monotone:
    """DLT rates in order, without a curve: Dirichlet (that is, gamma) increments.

    The increments p_1, p_2 - p_1, ..., 1 - p_D are Dirichlet with parameters M (s_1, s_2 - s_1, ..., 1 - s_D), so each
    DLT rate has the prior p_j ~ Beta(M s_j, M (1 - s_j)): mean s_j, worth M patients at each dose. It is stated by
    breaking the stick: v_k, the probability that a patient who tolerates dose k - 1 does not tolerate dose k, are
    independent Beta(M (s_k - s_{k-1}), M (1 - s_k)), and 1 - p_j = prod_{k <= j} (1 - v_k).

    Parameters
    ----------
    guess : tuple of float
        s_j, the prior means of the DLT rates, strictly increasing.
    precision : float
        M, how many patients at each dose the prior is worth.

    Notes
    -----
    A dose whose guess is barely above the one before has an increment with a beta parameter near 0: the prior then says
    that the two doses are probably equally toxic. This is what such a guess means, and why `precision` has no default.

    References
    ----------
    Ramsey 1972, Biometrics 28:841; Gelfand & Kuo 1991, Biometrika 78:657.

    Examples
    --------
    >>> prior = Monotone((0.1, 0.2, 0.3), precision=10.0).prior()
    >>> [round(a / (a + b), 3) for a, b in zip(prior.a, prior.b)]
    [0.1, 0.111, 0.125]
    """

    guess: tuple[float, ...]
    precision: float

    def __post_init__(self) -> None:
        """Check the parameters."""
        if not self.guess or not all(
            low < high for low, high in zip((0.0, *self.guess), (*self.guess, 1.0), strict=True)
        ):
            message = f"wanted guessed DLT rates that increase strictly between 0 and 1, got {self.guess}"
            raise Faults([Fault("", message)])
        if not 0 < self.precision < np.inf:
            raise Faults([Fault("", f"wanted a positive precision (patients), got {self.precision}")])

    @property
    def doses(self) -> int:
        """Number of doses, D."""
        return len(self.guess)

    def prior(self) -> BetaPrior:
        """Return the prior of logit v_1, ..., logit v_D."""
        steps = np.diff((0.0, *self.guess))
        names = tuple(f"logit_v{k}" for k in range(1, self.doses + 1))
        a, b = self.precision * steps, self.precision * (1 - np.array(self.guess))
        return BetaPrior(names, tuple(a.tolist()), tuple(b.tolist()))

    def log_dlt_rate(self, theta: Any, xp: Any) -> Any:
        """Return log p_j with log(1 - p_j) = sum_{k <= j} log(1 - v_k); theta [..., D] -> [..., D]."""
        return log1mexp(xp.cumsum(-xp.logaddexp(0.0, theta), axis=-1), xp)


@dataclass(frozen=True)
class TwoPopulations:
    """Two-parameter logistic model (BLRM) in two populations, the intercepts partly pooled, the slope shared.

    In population g, logit p_g(d) = log a_g + exp(log b) log(d/d*), where log a_g = log a + tau e_g, e_g ~ N(0, 1), and
    log tau ~ N(log between, between_log_sd^2). The prior of (log a, log b) is that of `curve`; every part is Gaussian
    and non-centred. The intercept of each population has the prior variance Var(log a) + E(tau^2).

    The prior of tau says how far the populations may differ; the data say little about it, two populations being one
    difference. The slope is shared: liver failure of another kind changes how ill the patients are at any dose, on the
    scale of the log odds by the same amount at each, while the shape of the relation belongs to the graft. Two trials
    of a few dozen patients cannot tell two slopes from one, so a second variance between populations would only return
    its prior. Whoever doubts this compares it with a `TwoParameterLogistic` in each population.

    Parameters
    ----------
    curve : TwoParameterLogistic
        Doses with their unit, the reference dose d*, and the prior of (log a, log b).
    groups : tuple of str
        Names of the two populations.
    between : float
        Prior median of tau, the standard deviation between populations of the log odds. 0.25 is called moderate, 0.5
        substantial, 1 large.
    between_log_sd : float
        Standard deviation of log tau; the default, log(2)/1.96, puts 95% of the prior within a factor 2 of the median.

    References
    ----------
    Neuenschwander, Roychoudhury, Schmidli 2016, Statistics in Biopharmaceutical Research 8:345 (exchangeable intercepts
    across strata, log-normal tau); Neuenschwander, Branson, Gsponer 2008, Statistics in Medicine 27:2420.
    """

    curve: TwoParameterLogistic
    groups: tuple[str, str] = ("chronic", "acute-on-chronic")
    between: float = 0.5
    between_log_sd: float = 0.3536465207959823

    def __post_init__(self) -> None:
        """Check the parameters."""
        if len(self.groups) != 2 or len(set(self.groups)) != 2:
            raise Faults([Fault("", f"wanted the names of two different populations, got {self.groups}")])
        if not (0 < self.between < np.inf and 0 < self.between_log_sd < np.inf):
            message = f"wanted between and between_log_sd above 0, got {self.between} and {self.between_log_sd}"
            raise Faults([Fault("", message)])

    @property
    def doses(self) -> int:
        """Number of doses, D."""
        return self.curve.doses

    def prior(self) -> GaussianPrior:
        """Return the prior of log a, log b, log tau and the two e_g."""
        base = self.curve.prior()
        cov = np.eye(5)
        cov[:2, :2] = base.cov
        cov[2, 2] = self.between_log_sd**2
        names = ("log_a", "log_b", "log_tau", "e1", "e2")
        mean = (*base.mean, float(np.log(self.between)), 0.0, 0.0)
        return GaussianPrior(names, mean, tuple(tuple(row) for row in cov.tolist()))

    def log_dlt_rate(self, theta: Any, xp: Any) -> Any:
        """Return the log DLT rate in each population at each dose; theta [..., 5] -> [..., 2, D]."""
        tau = xp.exp(theta[..., 2])
        rows = [xp.stack([theta[..., 0] + tau * theta[..., 3 + g], theta[..., 1]], axis=-1) for g in range(2)]
        return xp.stack([self.curve.log_dlt_rate(row, xp) for row in rows], axis=-2)

    def at(self, values: tuple[float, ...]) -> TwoPopulations:
        """Return the same model at other doses, in the unit of the curve."""
        return TwoPopulations(self.curve.at(values), self.groups, self.between, self.between_log_sd)
