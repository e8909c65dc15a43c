"""Dose-toxicity curves: prior and log DLT rate, stated once for every way of computing with them."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from doseopt.core.parameters import Fault, Faults
from doseopt.core.state import FloatArray, IntArray
from doseopt.models.base import GaussianPrior, Prior
from doseopt.models.slope import SlopePrior


@functools.lru_cache(maxsize=256)
def _prior(prior_sd: float, stated: SlopePrior | None) -> Prior:
    """Return the prior of b."""
    return GaussianPrior(("b",), (0.0,), ((prior_sd**2,),)) if stated is None else stated.prior()


@dataclass(frozen=True)
class Empiric:
    """Empiric (power) model, p_j = s_j^exp(b) with b ~ N(0, prior_sd^2).

    Parameters
    ----------
    skeleton : tuple of float
        s_j, the DLT rates at b = 0.
    prior_sd : float
        Standard deviation of b.
    slope_prior : SlopePrior, optional
        In place of b ~ N(0, prior_sd^2).

    References
    ----------
    O'Quigley, Pepe, Fisher 1990, Biometrics 46:33; Cheung 2011, Dose Finding by the Continual Reassessment Method.
    """

    skeleton: tuple[float, ...]
    prior_sd: float
    slope_prior: SlopePrior | None = None

    @property
    def doses(self) -> int:
        """Number of doses."""
        return len(self.skeleton)

    def prior(self) -> Prior:
        """Return the prior of b."""
        return _prior(self.prior_sd, self.slope_prior)

    def log_dlt_rate(self, theta: Any, xp: Any) -> Any:
        """Return log p_j = exp(b) log s_j; theta [..., 1] -> [..., D]."""
        return xp.exp(theta) * np.log(self.skeleton)

    def theta_at(self, logit: FloatArray) -> FloatArray:
        """Return the b at which each dose has this logit of the DLT rate, [..., D] -> [..., D]."""
        return np.log(np.logaddexp(0.0, -logit) / -np.log(self.skeleton))

    def score(self, b: FloatArray, n: IntArray, y: IntArray) -> FloatArray:
        """Return the derivative of the log likelihood of tallies [S, D] by the slope exp(b), b [S] -> [S]."""
        rise = np.log(self.skeleton)
        log_p = np.exp(b)[:, None] * rise
        return np.asarray((rise * (y + (n - y) * np.exp(log_p) / np.expm1(log_p))).sum(axis=1))

    @property
    def exponents(self) -> tuple[FloatArray, FloatArray]:
        """The c of p_j ~ exp(-c exp(b)), and of 1 - p_j, as b grows, [D] each; 0 for what tends to a number."""
        return -np.log(self.skeleton), np.zeros(self.doses)


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
    slope_prior : SlopePrior, optional
        In place of b ~ N(0, prior_sd^2).

    References
    ----------
    Goodman, Zahurak, Piantadosi 1995, Statistics in Medicine 14:1149; Cheung 2011.
    """

    skeleton: tuple[float, ...]
    prior_sd: float
    intercept: float = 3.0
    slope_prior: SlopePrior | None = None

    @property
    def _x(self) -> FloatArray:
        s = np.asarray(self.skeleton)
        return np.log(s) - np.log1p(-s) - self.intercept

    @property
    def doses(self) -> int:
        """Number of doses."""
        return len(self.skeleton)

    def prior(self) -> Prior:
        """Return the prior of b."""
        return _prior(self.prior_sd, self.slope_prior)

    def log_dlt_rate(self, theta: Any, xp: Any) -> Any:
        """Return log p_j = -log(1 + exp(-logit p_j)); theta [..., 1] -> [..., D]."""
        return -xp.logaddexp(0.0, -(self.intercept + xp.exp(theta) * self._x))

    def theta_at(self, logit: FloatArray) -> FloatArray:
        """Return the b at which each dose has this logit of the DLT rate, [..., D] -> [..., D].

        Minus infinity for a rate on the other side of that at b = minus infinity, expit(a_0). A dose that has this rate
        whatever b is counts as one whose rate falls.
        """
        x = np.where(self._x == 0, -0.0, self._x)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.log(np.fmax((logit - self.intercept) / x, 0.0))

    def score(self, b: FloatArray, n: IntArray, y: IntArray) -> FloatArray:
        """Return the derivative of the log likelihood of tallies [S, D] by the slope exp(b), b [S] -> [S]."""
        return np.asarray((self._x * (y - n * np.exp(self.log_dlt_rate(b[:, None], np)))).sum(axis=1))

    @property
    def exponents(self) -> tuple[FloatArray, FloatArray]:
        """The c of p_j ~ exp(-c exp(b)), and of 1 - p_j, as b grows, [D] each; 0 for what tends to a number."""
        return np.maximum(-self._x, 0.0), np.maximum(self._x, 0.0)


WEAKLY_INFORMATIVE_MEAN = (math.log(0.20 / 0.80), 0.0)
WEAKLY_INFORMATIVE_COV = ((1.5**2, 0.0), (0.0, 0.7**2))


@dataclass(frozen=True)
class TwoParameterCurve:
    """A line in the log of the dose, eta(d) = log a + exp(log b) log(d/d*), (log a, log b) ~ N(mean, cov).

    Parameters
    ----------
    values : tuple of float
        d, the doses at which rates are reported, positive; in any order, repeated if need be.
    unit : str
        Unit of `values` and of the reference dose.
    reference_dose : float
        d*, the dose at which eta is log a.
    mean : tuple of float
        Prior means of log a and log b.
    cov : tuple of tuple of float
        Prior covariance of (log a, log b).
    """

    values: tuple[float, ...]
    unit: str
    reference_dose: float
    mean: tuple[float, float]
    cov: tuple[tuple[float, float], tuple[float, float]]

    def __post_init__(self) -> None:
        """Check the doses and the prior."""
        for name, doses in (("values", self.values), ("reference_dose", (self.reference_dose,))):
            if not doses or not all(d > 0 and math.isfinite(d) for d in doses):
                raise Faults([Fault(name, f"wanted positive doses in {self.unit}, got {getattr(self, name)!r}")])
        self.prior()

    @property
    def doses(self) -> int:
        """Number of doses."""
        return len(self.values)

    @property
    def x(self) -> FloatArray:
        """log(d/d*), [D]."""
        return np.log(np.array(self.values, dtype=np.float64) / self.reference_dose)

    def at(self, values: Iterable[float]) -> Self:
        """Return the same model at other doses, for instance those that patients were in fact given."""
        return dataclasses.replace(self, values=tuple(float(d) for d in values))

    def prior(self) -> GaussianPrior:
        """Return the prior of (log a, log b)."""
        return GaussianPrior(("log_a", "log_b"), self.mean, self.cov)

    def eta(self, theta: Any, xp: Any) -> Any:
        """Return eta at each dose; theta [..., 2] -> [..., D]."""
        log_a, log_b = theta[..., 0][..., None], theta[..., 1][..., None]
        return log_a + xp.exp(log_b) * self.x

    def log_dlt_rate(self, theta: Any, xp: Any) -> Any:
        """Return log p_j, a function of eta; theta [..., 2] -> [..., D]."""
        raise NotImplementedError


@dataclass(frozen=True)
class TwoParameterLogistic(TwoParameterCurve):
    """Two-parameter logistic model, logit p(d) = log a + exp(log b) log(d/d*): see `TwoParameterCurve`.

    Notes
    -----
    Names: "BLRM", Bayesian logistic regression model.

    References
    ----------
    Neuenschwander, Branson, Gsponer 2008, Statistics in Medicine 27:2420.
    """

    @classmethod
    def weakly_informative(cls, values: Iterable[float], unit: str, reference_dose: float) -> TwoParameterLogistic:
        """Return the model with the default prior: log a ~ N(logit 0.20, 1.5^2), log b ~ N(0, 0.7^2), independent.

        At 0.1, 1/3, 1 and 3 times the reference dose the prior medians of the DLT rate are .02, .06, .20 and .48, and
        95% of the prior lies below .33, .51, .75 and .96.
        """
        return cls(tuple(values), unit, reference_dose, WEAKLY_INFORMATIVE_MEAN, WEAKLY_INFORMATIVE_COV)

    def log_dlt_rate(self, theta: Any, xp: Any) -> Any:
        """Return log p_j = -log(1 + exp(-logit p_j)); theta [..., 2] -> [..., D]."""
        return -xp.logaddexp(0.0, -self.eta(theta, xp))


@dataclass(frozen=True)
class ModelAverage:
    """Model averaging: model k holds with prior probability w_k.

    Parameters
    ----------
    models : tuple of Empiric or OneParameterLogistic
        For instance one for each of several skeletons; all of the same number of doses.
    weights : tuple of float
        w_k, positive, summing to 1.

    Notes
    -----
    Names: "BMA-CRM". The posterior is the mixture of the models' posteriors, with weights proportional to w_k times the
    marginal likelihood of model k. (The paper averages the plug-in or mean rates with the same weights.)

    References
    ----------
    Yin & Yuan 2009, Journal of the American Statistical Association 104:954.
    """

    models: tuple[Empiric | OneParameterLogistic, ...]
    weights: tuple[float, ...]

    def __post_init__(self) -> None:
        """Check that there is one weight a model, and one number of doses."""
        if not self.models or len(self.models) != len(self.weights):
            message = f"wanted one a model, got {len(self.weights)} for {len(self.models)} models"
            raise Faults([Fault("weights", message)])
        if not all(w > 0 for w in self.weights) or abs(sum(self.weights) - 1) > 1e-9:
            raise Faults([Fault("weights", f"wanted positive weights that sum to 1, got {self.weights!r}")])
        if len({model.doses for model in self.models}) > 1:
            message = f"wanted the same number of doses in each, got {[model.doses for model in self.models]}"
            raise Faults([Fault("models", message)])

    @property
    def doses(self) -> int:
        """Number of doses."""
        return self.models[0].doses
