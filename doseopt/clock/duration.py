"""Duration of trials whose cohorts are followed in full: a finite mixture of shifted gamma distributions.

With Poisson arrivals, of which those are lost that come while enrolment is closed, N patients in C cohorts take

    T = Gamma(N, rate) + C W + b (N - C) + max(s - b, 0) K + c (C - 1)

days: the wait for each patient, a window W a cohort, b days between patients of a cohort, s after the first patient at
a new dose (K cohorts of two or more), c between cohorts. With equal gaps all waits are whole gaps, and T is a number.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from doseopt.core.parameters import check, param
from doseopt.core.state import FloatArray, IntArray

HALVINGS = 60
"""Of the interval that a quantile is sought in."""
EPS = 1e-9


@dataclass(frozen=True)
class Stagger:
    """Days that have to pass between patients.

    Parameters
    ----------
    sentinel_days : float
        After the first patient at a new dose, before the next of its cohort.
    between_patients_days : float
        Between patients of a cohort.
    between_cohorts_days : float
        After the window of a cohort.

    Examples
    --------
    >>> from doseopt import Stagger
    >>> Stagger(sentinel_days=14).between_cohorts_days
    0.0
    """

    sentinel_days: float = param(0.0, low=0, doc="days after the first patient at a new dose")
    between_patients_days: float = param(0.0, low=0, doc="days between patients of a cohort")
    between_cohorts_days: float = param(0.0, low=0, doc="days between cohorts")

    def __post_init__(self) -> None:
        """Check the declared parameters."""
        check(self)


@dataclass(frozen=True, eq=False)
class Duration:
    """A mixture of shifted gamma distributions, one of G components in each of R scenarios.

    Parameters
    ----------
    shift : float array [G]
        Days.
    shape : float array [G]
        Of the gamma distribution added; 0 for none.
    rate : float
        Arrivals in a day.
    weight : float array [R, G]

    Examples
    --------
    One patient who arrives at a rate of one in ten days, and is followed for 28:

    >>> law = Duration(np.array([28.0]), np.array([1.0]), 0.1, np.array([[1.0]]))
    >>> law.mean.tolist(), law.sd.round(6).tolist(), law.below([28.0, 38.0]).round(4).tolist()
    ([38.0], [10.0], [[0.0, 0.6321]])
    """

    shift: FloatArray
    shape: FloatArray
    rate: float
    weight: FloatArray

    @property
    def _means(self) -> FloatArray:
        return self.shift + self.shape / self.rate

    @property
    def mean(self) -> FloatArray:
        """Mean, [R]."""
        return np.asarray(self.weight @ self._means)

    @property
    def sd(self) -> FloatArray:
        """Standard deviation, [R]."""
        within = self.weight @ (self.shape / self.rate**2)
        between = (self.weight * (self._means - self.mean[:, None]) ** 2).sum(axis=1)
        return np.asarray(np.sqrt(within + between))

    def below(self, day: npt.ArrayLike) -> FloatArray:
        """Return the probability of being done by some days, [Q] -> [R, Q]; or by each scenario's own, [R, Q]."""
        from scipy.special import gammainc

        days = np.asarray(day, float)
        waited = self.rate * np.maximum(days[..., None] - self.shift, 0)
        found = np.where(
            self.shape > 0, gammainc(np.maximum(self.shape, 1), waited), days[..., None] >= self.shift - EPS
        )
        total = np.einsum("rg,qg->rq" if days.ndim == 1 else "rg,rqg->rq", self.weight, found)
        return np.asarray(np.minimum(total, 1))

    def quantile(self, level: npt.ArrayLike) -> FloatArray:
        """Return the first days by which the trial is done with these probabilities, [Q] -> [R, Q], by bisection."""
        levels = np.asarray(level, float)
        high = np.full((len(self.weight), len(levels)), float(self._means.max()) + 1)
        while (short := self.below(high) < levels - EPS).any():
            high = np.where(short, 2 * high, high)
        low = np.zeros_like(high)
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            done = self.below(middle) >= levels - 1e-13
            low, high = np.where(done, low, middle), np.where(done, middle, high)
        return high


def closed_days(n: IntArray, cohorts: IntArray, new: IntArray, window: float, stagger: Stagger) -> FloatArray:
    """Return the days on which no patient may be enrolled, until the last one is, [G]; see `poisson_duration`."""
    between, sentinel = stagger.between_patients_days, stagger.sentinel_days
    within = between * (n - cohorts) + max(sentinel - between, 0) * new
    return np.asarray(within + (window + stagger.between_cohorts_days) * np.maximum(cohorts - 1, 0))


def poisson_duration(
    n: IntArray, cohorts: IntArray, new: IntArray, weight: FloatArray, rate: float, window: float, stagger: Stagger
) -> Duration:
    """Return the duration with Poisson arrivals, those lost that come while enrolment is closed.

    Parameters
    ----------
    n, cohorts, new : int array [G]
        Patients, cohorts, and cohorts of two or more at a new dose.
    weight : float array [R, G]
    rate : float
        Arrivals in a day.
    window : float
        Days.
    stagger : Stagger
    """
    shift = closed_days(n, cohorts, new, window, stagger) + window * np.minimum(cohorts, 1)
    return Duration(shift, n.astype(float), rate, weight)


def fixed_duration(
    n: IntArray, cohorts: IntArray, new: IntArray, weight: FloatArray, rate: float, window: float, stagger: Stagger
) -> Duration:
    """Return the duration with a patient every 1/rate days, the first after one gap; see `poisson_duration`."""

    def gaps(days: float) -> float:
        """Return the gaps until the first arrival that is not within some days."""
        return max(float(np.ceil(days * rate - EPS)), 1.0)

    between = gaps(stagger.between_patients_days)
    sentinel = max(gaps(stagger.sentinel_days) - between, 0)
    waited = between * (n - cohorts) + sentinel * new + np.minimum(cohorts, 1)
    waited = waited + gaps(window + stagger.between_cohorts_days) * np.maximum(cohorts - 1, 0)
    return Duration(waited / rate + window * np.minimum(cohorts, 1), np.zeros(len(n)), rate, weight)
