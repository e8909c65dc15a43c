"""Time cut into slots: what is known of a patient's window after each of them, and when the next patient arrives.

A patient's slots are counted from the one of the arrival on. What is known of a patient changes at the end of a slot
only. All lengths are in DLT windows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from doseopt.core.parameters import are_numbers, check, param
from doseopt.core.state import FloatArray

EPS = 1e-9
"""Times closer than this are equal."""
MOST_SLOTS = 60


@dataclass(frozen=True, eq=False)
class Slot:
    """What one slot does to pending patients who arrived in it, one slot before, ..., k - 1 slots before.

    Attributes
    ----------
    now, next : float array [k]
        Share of the window that is known at its start and at its end; 1 where the window is over.
    arrival : float
        Probability that a patient arrives in it.
    length : float
    ends : float array [Q]
        Times from its start on, rising, with the integral of a function that is 0 from `last` on:
    moments : float array [2, Q]
        weights of the integrals of f(t) and of 2 t f(t) over them.
    later : float array [k, Q]
        Share of the window that is known at these times.
    last : float
        When all that is pending now is known.
    """

    now: FloatArray
    next: FloatArray
    arrival: float
    length: float
    ends: FloatArray
    moments: FloatArray
    later: FloatArray
    last: float

    @property
    def gap(self) -> tuple[float, float]:
        """Mean and mean square of the time without arrivals before the slot of one."""
        mean = (1 - self.arrival) / self.arrival
        return mean * self.length, (mean / self.arrival + mean**2) * self.length**2


def _not_shares(value: object) -> str | None:
    right = are_numbers(value) and all(0 < v <= 1 for v in value)
    return None if right else f"wanted shares of the window in (0, 1], got {value!r}"


@dataclass(frozen=True)
class Lattice:
    """Slots of equal length.

    Parameters
    ----------
    window : float
        Slots in the DLT window, not always a whole number; a patient's last slot is cut at the end of the window.
    arrival : float
        Probability that a patient arrives in a slot; with 1 they come at equal gaps, which is no approximation.
    visits : tuple of float
        Shares of the window at which outcomes are seen and follow-up is credited; none: at any time.
    opened : float
        Slots before the first one in which a patient may arrive.

    Examples
    --------
    Five patients in two windows, at equal gaps:

    >>> Lattice(2.5).slots, Lattice(2.5).slot().next.tolist()
    (3, [0.4, 0.8, 1.0])
    """

    window: float = param(kind=float, low=0, open_low=True, high=MOST_SLOTS, doc="slots in the window")
    arrival: float = param(1.0, low=0, open_low=True, high=1, doc="probability of an arrival in a slot")
    visits: tuple[float, ...] = param((), kind=tuple, custom=_not_shares, doc="when outcomes are seen, in windows")
    opened: float = param(0.0, low=0, doc="slots before the first arrival is possible")

    def __post_init__(self) -> None:
        """Check the parameters."""
        check(self)

    @property
    def slots(self) -> int:
        """Slots of a patient, k."""
        return max(math.ceil(self.window - EPS), 1)

    @property
    def spare(self) -> float:
        """What of a patient's last slot lies beyond the window, in windows."""
        left = (self.slots - self.window) / self.window
        return left if left > EPS else 0.0

    def slot(self, number: int = 0) -> Slot:
        """Return what a slot does; all do the same."""
        k, w = self.slots, float(self.window)
        age = np.arange(float(k))
        ends = np.unique(np.concatenate([np.arange(1.0, k), w - age]).round(9))
        ends = ends[(ends > EPS) & (ends < w - EPS)]
        later = np.where(ends >= w - age[:, None] - EPS, 1.0, self._known(np.floor(age[:, None] + ends + EPS)))
        step = np.diff([*ends, w]) / w, np.diff(np.array([*ends, w]) ** 2) / w**2
        return Slot(self._known(age), self._known(age + 1), self.arrival, 1 / w, ends / w, np.array(step), later, 1.0)

    def _known(self, age: FloatArray) -> FloatArray:
        """Return the share of the window that is known after some slots."""
        share = np.where(age >= self.slots, 1.0, np.minimum(age / self.window, 1.0))
        seen = np.unique([0.0, *self.visits, 1.0])
        return np.asarray(seen[np.searchsorted(seen, share + EPS) - 1] if self.visits else share)

    def starts(self, number: int) -> float:
        """Return when a slot starts."""
        return (self.opened + number) / self.window


class NoMoreArrivals(Exception):
    """A calendar is over."""


@dataclass(frozen=True)
class Calendar:
    """Arrivals at given times: one slot from each to the next, and a window from the last one on.

    Parameters
    ----------
    arrivals : tuple of float
        Their times, rising.

    Examples
    --------
    >>> calendar = Calendar((0.0, 0.4, 0.7, 1.2))
    >>> calendar.slots, calendar.slot(2).now.round(1).tolist(), calendar.slot(2).next.round(1).tolist()
    (3, [0.0, 0.3, 0.7], [0.5, 0.8, 1.0])
    """

    arrivals: tuple[float, ...]

    def __post_init__(self) -> None:
        """Take any sequence of times."""
        object.__setattr__(self, "arrivals", tuple(np.asarray(self.arrivals, float).tolist()))

    @cached_property
    def times(self) -> FloatArray:
        """The times as an array."""
        return np.array(self.arrivals)

    @cached_property
    def slots(self) -> int:
        """Arrivals that can be pending at a time, k."""
        t = self.times
        return int((np.arange(1, len(t) + 1) - np.searchsorted(t, t - 1 + EPS)).max())

    def slot(self, number: int) -> Slot:
        """Return the slot that an arrival opens."""
        if number >= len(self.arrivals):
            raise NoMoreArrivals
        t, k = np.append(self.times, self.times[-1] + 1), self.slots
        came = np.where(np.arange(k) <= number, t[np.maximum(number - np.arange(k), 0)], -np.inf)
        now, following = (np.where(t[i] - came > 1 - EPS, 1.0, t[i] - came) for i in (number, number + 1))
        over = np.unique([0.0, *(1 - now[now < 1])])
        node, weight = np.polynomial.legendre.leggauss(k // 2 + 1)
        half = np.diff(over)[:, None] / 2
        ends, weights = (over[:-1, None] + half * (node + 1)).ravel(), (half * weight).ravel()
        later = np.minimum(now[:, None] + ends, 1.0)
        return Slot(
            now, following, 1.0, t[number + 1] - t[number], ends, np.array([weights, 2 * ends * weights]), later, 1.0
        )

    def starts(self, number: int) -> float:
        """Return when a slot starts."""
        return self.arrivals[number]

    def gap(self, number: int) -> float:
        """Return the time from the arrival before to one of them, or from 0 on."""
        if number >= len(self.arrivals):
            raise NoMoreArrivals
        return self.arrivals[number] - (self.arrivals[number - 1] if number else 0.0)


@dataclass(frozen=True)
class Gaps:
    """Time between arrivals.

    Parameters
    ----------
    per_window : float
        Arrivals in a window, on average.
    kind : str
        `poisson`, exponential gaps; `uniform`, between 0 and twice their mean; `fixed`.

    Examples
    --------
    >>> Gaps(2.0, "uniform").draw(np.array([0.0, 0.5])).tolist()
    [0.0, 0.5]
    """

    per_window: float = param(kind=float, low=0, open_low=True, doc="arrivals in a window")
    kind: str = param("poisson", choices=("poisson", "uniform", "fixed"), doc="law of the time between arrivals")

    def __post_init__(self) -> None:
        """Check the parameters."""
        check(self)

    def draw(self, u: FloatArray) -> FloatArray:
        """Return the gaps that uniform numbers stand for, in windows."""
        if self.kind == "poisson":
            return np.asarray(-np.log1p(-u) / self.per_window)
        return np.asarray((2 * u if self.kind == "uniform" else np.ones_like(u)) / self.per_window)
