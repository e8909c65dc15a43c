"""Duration of trials whose cohorts are followed in full: a finite mixture of shifted gamma distributions.

With Poisson arrivals, of which those are lost that come while enrolment is closed, N patients in C cohorts take

    T = Gamma(N, rate) + C W + b (N - C) + max(s - b, 0) K + c (C - 1)

days: the wait for each patient, a window W a cohort, b days between patients of a cohort, s after the first patient at
a new dose (K cohorts of two or more), c between cohorts. Where patients come in slots, with a probability in each,
waits are geometric and closed days are whole slots; with equal gaps that probability is 1, and T is a number. Where
patients may wait in a queue, only those are waited for who are not found there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from doseopt.clock.arrivals import EPS, Arrivals, TooFewDates
from doseopt.core.parameters import check, param
from doseopt.core.state import FloatArray, IntArray

type Counts = IntArray | FloatArray
"""Of patients or cohorts, after each of several ways in which trials end; or expected ones."""
HALVINGS = 60
"""Of the interval that a quantile is sought in, if need be."""
NEAR = 2e-15
"""How close to its probability a quantile is, or how narrow the bracket, relative to it."""


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

    def closed(self, size: int, new: bool, window: float) -> Iterator[float]:
        """Yield the days for which enrolment is closed after each patient of a cohort, at a new dose or not."""
        for k in range(1, size):
            yield max(self.between_patients_days, self.sentinel_days if new and k == 1 else 0.0)
        yield window + self.between_cohorts_days

    def describe(self) -> str:
        """Say it in words; nothing where nobody has to wait."""
        words = {
            "sentinel_days": "after the first patient at a new dose",
            "between_patients_days": "between patients of a cohort",
            "between_cohorts_days": "between cohorts",
        }
        return ", ".join(f"{getattr(self, name):g} days {text}" for name, text in words.items() if getattr(self, name))


@dataclass(frozen=True, eq=False)
class Duration:
    """A mixture of shifted gamma, or negative binomial, distributions: G components in each of R scenarios.

    Parameters
    ----------
    shift : float array [G]
        Days.
    shape : float array [G]
        Patients waited for: exponential waits, geometric ones in slots; 0 for none.
    rate : float
        Arrivals in a day.
    weight : float array [R, G]
    slot : float
        Days of a slot; 0 where patients come at any time.

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
    slot: float = 0.0

    @property
    def _chance(self) -> float:
        """Probability of an arrival in a slot."""
        return 1.0 if self.rate * self.slot > 1 - 1e-15 else self.rate * self.slot

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
        within = self.weight @ (self.shape / self.rate**2) * (1 - self._chance)
        between = (self.weight * (self._means - self.mean[:, None]) ** 2).sum(axis=1)
        return np.asarray(np.sqrt(within + between))

    def below(self, day: npt.ArrayLike) -> FloatArray:
        """Return the probability of being done by some days, [Q] -> [R, Q]; or by each scenario's own, [R, Q]."""
        from scipy.special import betainc, gammainc

        days = np.asarray(day, float)
        left, shape = days[..., None] - self.shift, np.maximum(self.shape, 1)
        if self.slot:
            slots = np.floor((left + EPS) / self.slot)
            come = betainc(shape, np.maximum(slots - shape + 1, 1), self._chance)
            come = np.where(slots >= shape, come, 0)
        else:
            come = gammainc(shape, self.rate * np.maximum(left, 0))
        found = np.where(self.shape > 0, come, left >= -EPS)
        total = np.einsum("rg,qg->rq" if days.ndim == 1 else "rg,rqg->rq", self.weight, found)
        return np.asarray(np.minimum(total, 1))

    def quantile(self, level: npt.ArrayLike) -> FloatArray:
        """Return the first days by which the trial is done with these probabilities, [Q] -> [R, Q].

        By Newton's method in a bracket, which is halved where the law has jumps, as in slots.
        """
        wanted = np.asarray(level, float) - 1e-13
        if not wanted.size:
            return np.zeros((len(self.weight), 0))
        high = np.full((len(self.weight), len(wanted)), float(self._means.max()) + 1)
        while (short := self.below(high) < wanted - EPS).any():
            high = np.where(short, 2 * high, high)
        low, before = np.zeros_like(high), np.full_like(high, np.inf)
        day = high / 2
        for _ in range(2 * HALVINGS):
            off = self.below(day) - wanted
            low, high = np.where(off < 0, day, low), np.where(off < 0, high, day)
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                tried = day - off / self._density(day)
            # a step that did not halve the difference may be one of a cycle
            newton = (tried > low) & (tried < high) & (np.abs(off) < before / 2)
            tried, before = np.where(newton, tried, (low + high) / 2), np.abs(off)
            there = (before < NEAR) | (high - low < NEAR * high)
            day = np.where(there, day, tried)
            if there.all():
                break
        return np.asarray(np.where(before < NEAR, day, high))

    def _density(self, day: FloatArray) -> FloatArray:
        """Return the density at days of each scenario, [R, Q] -> [R, Q]; 0 where the law has none."""
        from scipy.special import gammaln

        if self.slot:
            return np.zeros_like(day)
        shape, waits = np.maximum(self.shape, 1), self.rate * np.maximum(day[..., None] - self.shift, 1e-300)
        each = np.exp((shape - 1) * np.log(waits) - waits - gammaln(shape)) * (self.shape > 0)
        return np.asarray(self.rate * np.einsum("rg,rqg->rq", self.weight, each))


def closed_days(n: Counts, cohorts: Counts, new: Counts, window: float, stagger: Stagger) -> FloatArray:
    """Return the days on which no patient may be enrolled, until the last one is, [G]; see `duration_of`."""
    between, sentinel = stagger.between_patients_days, stagger.sentinel_days
    within = between * (n - cohorts) + max(sentinel - between, 0) * new
    return np.asarray(within + (window + stagger.between_cohorts_days) * np.maximum(cohorts - 1, 0))


def duration_of(
    n: Counts,
    cohorts: Counts,
    new: Counts,
    weight: FloatArray,
    arrivals: Arrivals,
    window: float,
    stagger: Stagger,
    waited: IntArray | None = None,
) -> Duration:
    """Return the duration where those are lost, or wait in a queue, who come while enrolment is closed.

    Parameters
    ----------
    n, cohorts, new : int array [G]
        Patients, cohorts, and cohorts of two or more at a new dose; or their expectations, for the mean alone.
    weight : float array [R, G]
    arrivals : Arrivals
        Poisson, or in slots.
    window : float
        Days.
    stagger : Stagger
    waited : int array [G], optional
        Patients waited for: with Poisson arrivals those who were not found in a queue; all when left out.
    """
    if not arrivals.slot:
        shift = closed_days(n, cohorts, new, window, stagger) + window * np.minimum(cohorts, 1)
        return Duration(shift, (n if waited is None else waited).astype(float), arrivals.rate, weight)

    def lost(days: float) -> float:
        """Return the slots that go by in some closed days, and in which nobody may come."""
        return max(float(np.ceil(days / arrivals.slot - EPS)), 1.0) - 1

    between = lost(stagger.between_patients_days)
    sentinel = max(lost(stagger.sentinel_days) - between, 0)
    slots = between * (n - cohorts) + sentinel * new
    slots = slots + lost(window + stagger.between_cohorts_days) * np.maximum(cohorts - 1, 0)
    shift = slots * arrivals.slot + window * np.minimum(cohorts, 1)
    return Duration(shift, n.astype(float), arrivals.rate, weight, arrivals.slot)


def next_listed(days: FloatArray, window: float, stagger: Stagger, size: int, new: bool) -> IntArray:
    """Return who of listed arrivals is the last of the next cohort, after each who may be the last of the one before.

    Parameters
    ----------
    days : float array [M]
    window : float
    stagger : Stagger
    size : int
        Of the next cohort.
    new : bool
        Whether nobody had its dose before.

    Returns
    -------
    int array [M + 2]
        Counted from 1; 0 is nobody, M + 1 that the list has come to its end.

    Examples
    --------
    A window of 28 days closes enrolment for who comes on days 10 and 20:

    >>> next_listed(np.array([0.0, 10.0, 20.0, 30.0]), 28, Stagger(), 1, False).tolist()
    [1, 4, 5, 5, 5, 5]
    """

    def after(who: IntArray, closed: float) -> IntArray:
        opens = np.concatenate([[-np.inf], days + closed, [np.inf]])[who]
        return np.asarray(np.minimum(np.maximum(np.searchsorted(days, opens - EPS), who) + 1, len(days) + 1))

    *within, between = stagger.closed(size, new, window)
    last = after(np.arange(len(days) + 2), between)
    for closed in within:
        last = after(last, closed)
    return last


def duration_of_listed(last: IntArray, weight: FloatArray, days: FloatArray, window: float) -> Duration:
    """Return the duration with listed arrivals.

    Parameters
    ----------
    last : int array [G]
        Who of them is the last enrolled, as `next_listed` counts.
    weight : float array [R, G]
    days : float array [M]
    window : float

    Raises
    ------
    TooFewDates
    """
    if len(last) and int(last.max()) > len(days):
        raise TooFewDates
    shift = np.where(last > 0, np.append(0.0, days)[last] + window, 0.0)
    return Duration(shift, np.zeros(len(last)), 1.0, weight)
