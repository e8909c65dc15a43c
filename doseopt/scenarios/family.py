"""A two-parameter family of scenarios: where the target rate is reached, and how steeply the rates rise there."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit, ndtri

from doseopt.parameters import check, param
from doseopt.state import FloatArray


def logistic_rates(location: npt.ArrayLike, odds_ratio: npt.ArrayLike, doses: int, target: float) -> FloatArray:
    """Return DLT rates logit p_j = logit phi + (j - l) log r.

    Parameters
    ----------
    location : float array [...]
        l, the level at which the rate is the target: counted from 1 and continuous, so that 2.5 lies midway between the
        second and the third dose; below 1 and above the number of doses too.
    odds_ratio : float array [...]
        r, the odds ratio of a DLT between two neighbouring doses, above 1.
    doses : int
    target : float
        phi.

    Returns
    -------
    float array [..., doses]
    """
    place, slope = (np.asarray(part, float)[..., None] for part in (location, np.log(odds_ratio)))
    rates: FloatArray = expit(logit(target) + (np.arange(1, doses + 1) - place) * slope)
    return rates


LARGEST = 700.0
"""Of the logarithm of an odds ratio: at e^700 a rate is 0 or 1 everywhere but at the location itself."""


@dataclass(frozen=True)
class LogisticFamily:
    """Scenarios of :func:`logistic_rates` with independent beliefs of location and steepness.

    The location l ~ N(location, location_sd^2); log r, the log odds ratio between neighbouring doses, is log-normal
    with median log(odds_ratio) and standard deviation steepness_sd of its logarithm. Each is cut into `points` parts of
    the same probability, which their medians stand for: points^2 scenarios of equal weight.

    Parameters
    ----------
    location, location_sd : float
        In dose levels, counted from 1.
    odds_ratio : float
    steepness_sd : float
    points : int
    """

    location: float = param(
        kind=float, low=-1000, high=1000, doc="median level at which the DLT rate is the target, counted from 1"
    )
    location_sd: float = param(kind=float, low=0, doc="its standard deviation, in levels")
    odds_ratio: float = param(
        3.0, low=1, high=1e100, open_low=True, doc="median odds ratio of a DLT between neighbouring doses"
    )
    steepness_sd: float = param(0.5, low=0, high=100, doc="standard deviation of the logarithm of the log odds ratio")
    points: int = param(20, low=1, high=300, doc="values of each parameter")

    def __post_init__(self) -> None:
        """Check the parameters."""
        check(self)

    def parameters(self) -> tuple[FloatArray, FloatArray]:
        """Return the locations [points] and odds ratios [points]."""
        z = ndtri((np.arange(self.points) + 0.5) / self.points)
        log_odds_ratio = math.log(self.odds_ratio) * np.exp(self.steepness_sd * z)
        return self.location + self.location_sd * z, np.exp(np.minimum(log_odds_ratio, LARGEST))

    def rates(self, doses: int, target: float) -> FloatArray:
        """Return the scenarios, location by location, [points^2, doses]."""
        location, odds_ratio = self.parameters()
        return logistic_rates(location[:, None], odds_ratio, doses, target).reshape(-1, doses)

    def describe(self) -> str:
        """Say the family in one sentence."""
        return (
            f"{self.points**2} logistic curves: the target is reached at level N({self.location:g}, "
            f"{self.location_sd:g}^2), odds ratio between doses {self.odds_ratio:g} (log-normal log odds ratio, sd "
            f"{self.steepness_sd:g})"
        )
