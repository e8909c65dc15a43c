"""A two-parameter family of scenarios: where the target rate is reached, and how steeply the rates rise there."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit, ndtri

from doseopt.beliefs.split import kinks, normal_rule
from doseopt.core.parameters import check, param
from doseopt.core.state import BoolArray, FloatArray
from doseopt.scenarios import MTDRule
from doseopt.scenarios.doses import Doses

LARGEST = 600.0
"""Exponent of an odds ratio or of a steepness; beyond it curves are steps, and numbers overflow."""


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
    return _on_levels(np.asarray(location, float), np.log(odds_ratio), doses, target)


def _on_levels(location: FloatArray, slope: FloatArray, doses: int, target: float) -> FloatArray:
    """Return the rates from log odds ratios, which may be beyond what odds ratios can be."""
    rates: FloatArray = expit(logit(target) + (np.arange(1, doses + 1) - location[..., None]) * slope[..., None])
    return rates


@dataclass(frozen=True)
class LogisticFamily:
    """Scenarios of :func:`logistic_rates` with independent beliefs of location and steepness.

    The location l ~ N(location, location_sd^2); log r, the log odds ratio between neighbouring doses, is log-normal
    with median log(odds_ratio) and standard deviation steepness_sd of its logarithm.

    Parameters
    ----------
    location, location_sd : float
        In dose levels, counted from 1.
    odds_ratio : float
    steepness_sd : float
    points : int, optional
        Take points^2 curves of equal weight in place of the family: each parameter is cut into so many parts of the
        same probability, which their medians stand for.
    """

    location: float = param(
        kind=float, low=-1000, high=1000, doc="median level at which the DLT rate is the target, counted from 1"
    )
    location_sd: float = param(kind=float, low=0, high=1000, doc="its standard deviation, in levels")
    odds_ratio: float = param(
        3.0, low=1, high=1e100, open_low=True, doc="median odds ratio of a DLT between neighbouring doses"
    )
    steepness_sd: float = param(0.5, low=0, high=100, doc="standard deviation of the logarithm of the log odds ratio")
    points: int | None = param(
        None, kind=int, low=1, high=300, optional=True, doc="values of each parameter, in place of the whole family"
    )

    def __post_init__(self) -> None:
        """Check the parameters."""
        check(self)

    def at(self, z: FloatArray, doses: int, target: float) -> FloatArray:
        """Return the curves at z = (location, steepness), standard normal under the family; [R, 2] -> [R, doses]."""
        slope = math.log(self.odds_ratio) * np.exp(np.minimum(self.steepness_sd * z[:, 1], LARGEST))
        return _on_levels(self.location + self.location_sd * z[:, 0], slope, doses, target)

    def integration(
        self, mtd: MTDRule, planned: Doses, target: float, fineness: int
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return the curves of two rules for the family, and the weights of the finer and of the coarser rule.

        They are cut where what is right changes, and where a rate passes the target: of a dose that may be inserted,
        too, which is an overdose from there on, and the distance of all from the target has a kink.

        Parameters
        ----------
        mtd : MTDRule
        planned : Doses
        target : float
        fineness : int
            Of the rules, 0 to `split.FINEST`.
        """
        doses = len(planned.labels)

        def judged(z: FloatArray) -> BoolArray:
            p = self.at(z, doses, target)
            return np.column_stack([mtd.acceptable(p), planned.on_grid(p) > target])

        cuts: list[float] = []
        if mtd.rule == "interval":  # by the other rules one dose is right, and nothing comes between two others
            cuts = kinks(lambda z: mtd.acceptable(self.at(z, doses, target)))
        (coarse, check), (fine, weight) = (normal_rule(judged, fineness + k, cuts) for k in (0, 1))
        p = self.at(np.concatenate([fine, coarse]), doses, target)
        none, nothing = np.zeros(len(check)), np.zeros(len(weight))
        return p, np.concatenate([weight, none]), np.concatenate([nothing, check])

    def parameters(self) -> tuple[FloatArray, FloatArray]:
        """Return the locations [points] and odds ratios [points]."""
        assert self.points is not None
        z = ndtri((np.arange(self.points) + 0.5) / self.points)
        log_odds_ratio = math.log(self.odds_ratio) * np.exp(self.steepness_sd * z)
        return self.location + self.location_sd * z, np.exp(np.minimum(log_odds_ratio, LARGEST))

    def rates(self, doses: int, target: float) -> FloatArray:
        """Return the curves of `points`, location by location, [points^2, doses]."""
        location, odds_ratio = self.parameters()
        return logistic_rates(location[:, None], odds_ratio, doses, target).reshape(-1, doses)

    def describe(self) -> str:
        """Say the family in one sentence."""
        return (
            f"{'' if self.points is None else f'{self.points**2} '}logistic curves: the target is reached at level "
            f"N({self.location:g}, {self.location_sd:g}^2), odds ratio between doses {self.odds_ratio:g} (log-normal "
            f"log odds ratio, sd {self.steepness_sd:g})"
        )
