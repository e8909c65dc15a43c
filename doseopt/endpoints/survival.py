"""Survival by Kaplan and Meier, with intervals for few subjects, and what a transplantation makes of it.

At each day t_j with d_j deaths among Y_j at risk, S is multiplied by 1 - d_j / Y_j; who is censored on a day is at risk
of the deaths on it. The limits of the beta product (Fay, Brittain and Proschan 2013) are quantiles of

    W- = product over t_j <= t of Beta(Y_j - d_j + 1, d_j),    W+ = W- Beta(Y(t+), 1),

the upper of W-, the lower of W+, Y(t+) being those known to be alive at t; where nobody is censored before t they are
those of Clopper and Pearson. A product of betas is taken as the beta with its mean and variance, as R's bpcp takes it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv, ndtri

from doseopt.core.state import BoolArray, FloatArray, IntArray
from doseopt.endpoints.arguments import Arguments
from doseopt.endpoints.life_table import MOST_DAYS, read_times
from doseopt.endpoints.proportions import Proportion

ENOUGH = 20
"""Subjects from which on an interval by normal approximation is given."""
READINGS = ("censored", "event", "competing")
"""How a transplantation may count: follow-up ends; it counts as a death; it is an end of its own."""


class Interval(NamedTuple):
    """Limits of a survival probability, and the method they come from."""

    lower: float
    upper: float
    method: str


@dataclass(frozen=True, eq=False)
class Survival:
    """Follow-up of each subject to death, or to its end alive.

    Parameters
    ----------
    days : array [N]
        From treatment to death, or to the end of follow-up.
    died : array of bool [N]

    Attributes
    ----------
    at : float array [K]
        Days on which somebody died.
    at_risk, deaths : int array [K]

    Raises
    ------
    Faults
        With everything that is wrong with the arguments.

    Examples
    --------
    Four who die on days 3, 7, 8 and 14:

    >>> four = Survival([3, 7, 8, 14], [1, 1, 1, 1])
    >>> four.estimate(7)[0], four.interval(7).method
    (0.5, 'Clopper-Pearson')
    >>> [round(limit, 4) for limit in four.interval(7)[:2]]
    [0.0676, 0.9324]
    """

    days: npt.ArrayLike
    died: npt.ArrayLike
    at: FloatArray = field(init=False)
    at_risk: IntArray = field(init=False)
    deaths: IntArray = field(init=False)

    def __post_init__(self) -> None:
        """Check the arguments, and count."""
        arguments = Arguments()
        days, died = read_times(arguments, self.days, self.died)
        arguments.done("Survival")
        at, deaths = np.unique(days[died], return_counts=True)
        at_risk = (days[:, None] >= at).sum(axis=0)
        for name, value in {"days": days, "died": died, "at": at, "at_risk": at_risk, "deaths": deaths}.items():
            object.__setattr__(self, name, value)

    @property
    def times(self) -> tuple[FloatArray, BoolArray]:
        """Days of follow-up and whether they ended in death, [N] each."""
        return np.asarray(self.days, float), np.asarray(self.died, bool)

    @property
    def curve(self) -> FloatArray:
        """Survival from each day of a death on, [K]."""
        return np.cumprod(1 - self.deaths / self.at_risk)

    def known(self, day: float) -> tuple[int, int, int]:
        """Return how many are known to have died by a day, to be alive at it, and are censored before it."""
        days, died = self.times
        dead, alive = int((died & (days <= day)).sum()), int(((days > day) | (~died & (days >= day))).sum())
        return dead, alive, len(days) - dead - alive

    def estimate(self, day: float) -> tuple[float, float]:
        """Return survival at a day and Greenwood's standard error.

        NaN where the data do not reach: without subjects, or if nobody's follow-up reaches the day and not all died;
        the standard error also if all died.
        """
        until = self.at <= day
        dead, alive, censored = self.known(day)
        if not alive and (censored or not dead) and not (self.deaths == self.at_risk)[until].any():
            return np.nan, np.nan
        survival = float(np.prod(1 - (self.deaths / self.at_risk)[until]))
        return survival, survival * self._log_error(day) if survival > 0 else np.nan

    def _log_error(self, day: float) -> float:
        """Return Greenwood's standard error of the logarithm of survival."""
        y, d = self.at_risk[self.at <= day], self.deaths[self.at <= day]
        with np.errstate(divide="ignore"):
            return float(np.sqrt((d / (y * (y - d))).sum()))

    def interval(self, day: float, level: float = 0.95) -> Interval:
        """Return an interval of survival at a day.

        From twenty subjects on the complementary log-log interval, where survival is neither 0 nor 1; else the exact
        one of Clopper and Pearson if nobody is censored before the day. For few subjects, some of whom are censored,
        there is no exact interval: that of the beta product.
        """
        survival, _ = self.estimate(day)
        dead, alive, censored = self.known(day)
        if dead + alive + censored >= ENOUGH and 0 < survival < 1:
            z = ndtri((1 + level) / 2) * self._log_error(day) / np.log(survival)
            return Interval(float(survival ** np.exp(-z)), float(survival ** np.exp(z)), "complementary log-log")
        if not censored:
            lower, upper = Proportion(alive, dead + alive).clopper_pearson(level)
            return Interval(float(lower), float(upper), "Clopper-Pearson")
        return Interval(*self.beta_product(day, level), "beta product")

    def beta_product(self, day: float, level: float = 0.95) -> tuple[float, float]:
        """Return the limits of the beta product."""
        y, d = self.at_risk[self.at <= day].astype(float), self.deaths[self.at <= day].astype(float)
        alive, tail = self.known(day)[1], (1 - level) / 2
        upper = _quantile(y - d + 1, d, 1 - tail)
        return _quantile(np.append(y - d + 1, alive), np.append(d, 1.0), tail) if alive else 0.0, upper


def _quantile(a: FloatArray, b: FloatArray, q: float) -> float:
    """Return a quantile of a product of independent betas, taken as the beta with its mean and variance."""
    if not len(a):
        return 1.0
    mean, square = (a / (a + b)).prod(), (a * (a + 1) / ((a + b) * (a + b + 1))).prod()
    scale = (mean - square) / (square - mean**2)
    return float(betaincinv(scale * mean, scale * (1 - mean), q))


@dataclass(frozen=True, eq=False)
class FollowUp:
    """Days of death and transplantation of each subject, NaN for none, and of the end of follow-up.

    Parameters
    ----------
    end : array [N]
        Last day on which the subject is known to be alive; of no meaning after a death.
    death, transplantation : array [N]

    Raises
    ------
    Faults
        With everything that is wrong, a transplantation after death included.

    Examples
    --------
    One is transplanted on day 10 and dies on day 20, one dies on the day of the transplantation:

    >>> seen = FollowUp([60, 20, 5], [np.nan, 20, 5], [np.nan, 10, 5])
    >>> for reading in ("censored", "event"):
    ...     print(reading, *(array.tolist() for array in seen.survival(reading).times))
    censored [60.0, 10.0, 5.0] [False, False, True]
    event [60.0, 10.0, 5.0] [False, True, True]
    """

    end: npt.ArrayLike
    death: npt.ArrayLike
    transplantation: npt.ArrayLike

    def __post_init__(self) -> None:
        """Check the days."""
        arguments = Arguments()
        wanted = f"numbers in [0, {MOST_DAYS:g}], the days from treatment on"
        days = {
            name: arguments.numbers(name, getattr(self, name), 0, MOST_DAYS, wanted, missing=name != "end")
            for name in ("end", "death", "transplantation")
        }
        if not arguments.faults and (len({each.shape for each in days.values()}) > 1 or days["end"].ndim != 1):
            arguments.refuse("", "wanted three lists of days, as long as each other")
        if not arguments.faults and (late := days["transplantation"] > days["death"]).any():
            where = int(np.flatnonzero(late)[0])
            got = f"{days['transplantation'][where]:g} after {days['death'][where]:g}"
            arguments.refuse(f"transplantation[{where}]", f"wanted a day up to that of death, got {got}")
        arguments.done("FollowUp")
        for name, each in days.items():
            object.__setattr__(self, name, each)

    def ends(self) -> tuple[FloatArray, BoolArray, BoolArray]:
        """Return the day of the first end of each subject, whether it is death, and whether transplantation, [N]."""
        end, death, transplantation = (np.asarray(x, float) for x in (self.end, self.death, self.transplantation))
        known = np.where(np.isnan(death), end, death)
        moved = ~np.isnan(transplantation) & ~(transplantation >= death)
        return np.where(moved, transplantation, known), ~np.isnan(death) & ~moved, moved

    def survival(self, reading: str = "censored") -> Survival:
        """Return survival with a transplantation as censoring or as an event; a death on its day is a death."""
        arguments = Arguments()
        arguments.choice("reading", reading, READINGS[:2])
        arguments.done("FollowUp")
        days, died, moved = self.ends()
        return Survival(days, died | moved if reading == "event" else died)

    def incidence(self, day: float) -> tuple[float, float]:
        """Return the cumulative incidence at a day of death before transplantation, and of transplantation.

        By Aalen and Johansen, the two being competing ends: at each day, survival without either just before it times
        the share of those at risk whom it befalls. NaN where the data do not reach.
        """
        days, died, moved = self.ends()
        both = Survival(days, died | moved)
        if np.isnan(both.estimate(day)[0]):
            return np.nan, np.nan
        before = np.concatenate([[1.0], both.curve])[:-1] / both.at_risk
        shares = [((days[:, None] == both.at) & each[:, None]).sum(axis=0) for each in (died, moved)]
        dead, transplanted = (float((before * share)[both.at <= day].sum()) for share in shares)
        return dead, transplanted
