"""Arrivals of patients: how many in a month, and by which law."""

from __future__ import annotations

import datetime
import math
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np

from doseopt.core.parameters import Fault, check, is_number, param
from doseopt.core.state import FloatArray, IntArray

MONTH = 30.4375
"""Days in a month."""
EPS = 1e-9
"""Days that rounding may be off."""
LONG = 10
"""Longest gaps in a window from which on the renewal function is its limit, to 1e-12."""
RATES = ("per_month", "per_window")
KEYS = {"poisson": RATES, "fixed": RATES, "uniform": RATES, "bernoulli": ("per_slot",), "dates": ("dates",)}
"""Laws, and the keys that say their pace."""
WORDS = {
    "fixed": "one after the other at equal gaps",
    "poisson": "at random (Poisson)",
    "uniform": "at gaps that are uniform up to twice their mean",
}


class TooFewDates(ValueError):
    """A trial that still enrols after the last arrival of a list."""


def date_fault(value: Any) -> str | None:
    """Say why a value is no date."""
    try:
        datetime.date.fromisoformat(str(value))
    except ValueError:
        return f"wanted a date such as '2024-03-01', got {value!r}"
    return None


def _said(values: Any) -> Any:
    """Return listed arrivals with dates as text: a date of TOML is one, too."""
    if not isinstance(values, list | tuple):
        return values
    return tuple(v.isoformat() if isinstance(v, datetime.date) else v for v in values)


def _no_dates(value: Any) -> str | None:
    """Say what is wrong with a list of arrivals."""
    value = _said(value)
    if not isinstance(value, tuple):
        return f"wanted a list of days from the start, or of dates, got {value!r}"
    if any(isinstance(v, str) for v in value):
        wrong = next((v for v in value if not isinstance(v, str) or date_fault(v)), None)
        if wrong is not None:
            return f"wanted dates such as '2024-03-01', all of them, got {wrong!r}"
        order: list[Any] = [datetime.date.fromisoformat(v) for v in value]
    else:
        wrong = next((v for v in value if not is_number(v) or v < 0), None)
        if wrong is not None:
            return f"wanted days from the start, of at least 0, or dates such as '2024-03-01', got {wrong!r}"
        order = list(value)
    for k, (before, after) in enumerate(pairwise(order)):
        if before >= after:
            return f"wanted each later than the one before, got {value[k + 1]!r} after {value[k]!r}"
    return None


@dataclass(frozen=True)
class Accrual:
    """How patients arrive who could be enrolled.

    Parameters
    ----------
    kind : str
        `poisson`; `fixed`, one every 1/rate; `uniform`, gaps between 0 and 2/rate; `bernoulli`, at most one in each
        slot of a lattice; `dates`, a list.
    per_month, per_window : float, optional
        The rate, one of the two.
    per_slot : float, optional
        Probability that a patient arrives in a slot.
    dates : tuple of float or str
        When patients arrive: days from the start, or dates.

    Examples
    --------
    >>> from doseopt import Accrual
    >>> Accrual("poisson", per_month=2).rate(28) * 30.4375
    2.0
    >>> Accrual("bernoulli", per_slot=0.25).rate(28, slots=4) * 28
    1.0
    """

    kind: str = param("poisson", choices=tuple(KEYS), doc="law of the arrivals")
    per_month: float | None = param(None, kind=float, low=0, open_low=True, optional=True, doc="patients a month")
    per_window: float | None = param(None, kind=float, low=0, open_low=True, optional=True, doc="patients a window")
    per_slot: float | None = param(
        None, kind=float, low=0, high=1, open_low=True, optional=True, doc="probability of an arrival in a slot"
    )
    dates: tuple[Any, ...] = param((), kind=tuple, custom=_no_dates, doc="days from the start, or dates, of arrivals")

    def __post_init__(self) -> None:
        """Check the declared parameters."""
        object.__setattr__(self, "dates", _said(self.dates))
        check(self, self._faults)

    def _faults(self) -> list[Fault]:
        if self.kind not in KEYS:
            return []
        wanted = KEYS[self.kind]
        given = [name for name in (*RATES, "per_slot", "dates") if getattr(self, name) not in (None, ())]
        unused = f"unused with kind = {self.kind!r}; wanted {' or '.join(wanted)}"
        found = [Fault(name, unused) for name in given if name not in wanted]
        if wanted == RATES and len(set(given) & {*RATES}) != 1:
            rates = [name for name in given if name in RATES]
            found.append(Fault("", f"wanted one of per_month and per_window, got {' and '.join(rates) or 'none'}"))
        elif wanted != RATES and wanted[0] not in given:
            found.append(Fault(wanted[0], f"missing; wanted with kind = {self.kind!r}"))
        return found

    def rate(self, window: float, slots: int = 1) -> float:
        """Return the patients that arrive in a day on average, for a window of so many days and slots.

        Of a list of dates nan: it has no pace that goes on.
        """
        if self.per_month is not None:
            return self.per_month / MONTH
        if self.per_window is not None:
            return self.per_window / window
        return math.nan if self.per_slot is None else self.per_slot * slots / window

    def at(self, per_month: float, window: float, slots: int) -> Accrual:
        """Return the same law at another pace."""
        if self.kind == "bernoulli":
            return replace(self, per_slot=per_month / MONTH * window / slots)
        return replace(self, per_month=per_month, per_window=None)

    def days(self, start: str | None) -> tuple[float, ...]:
        """Return the days of listed arrivals, dates counted from the start."""
        if start is None or not any(isinstance(v, str) for v in self.dates):
            return self.dates
        first = datetime.date.fromisoformat(start)
        return tuple(float((datetime.date.fromisoformat(v) - first).days) for v in self.dates)

    def arrivals(self, window: float, slots: int = 1, start: str | None = None) -> Arrivals:
        """Return the law in days."""
        rate = self.rate(window, slots)
        slot = {"bernoulli": window / slots, "fixed": 1 / rate}.get(self.kind, 0.0)
        return Arrivals(self.kind, rate, slot, np.array(self.days(start), float))

    def describe(self) -> str:
        """Say it in words."""
        if self.kind == "dates":
            return f"{len(self.dates)} arrivals on listed dates"
        if self.kind == "bernoulli":
            return f"a patient in a slot with probability {self.per_slot:g}"
        unit, rate = ("month", self.per_month) if self.per_month is not None else ("window", self.per_window)
        return f"{rate:g} patients a {unit}, {WORDS[self.kind]}"


@dataclass(frozen=True, eq=False)
class Arrivals:
    """The law of the days on which patients arrive, from day 0 on.

    Parameters
    ----------
    kind : str
        As of an `Accrual`.
    rate : float
        Arrivals in a day.
    slot : float
        Days between the slots in which patients may arrive (`bernoulli`, and `fixed`, in every one); the first slot
        ends after so many days.
    listed : float array
        Days of the arrivals (`dates`).

    Examples
    --------
    A patient every ten days, a window of 28: at an arrival those of 10 and of 20 days ago are pending.

    >>> Arrivals("fixed", 0.1, 10.0).pending(28)
    2.0
    """

    kind: str
    rate: float
    slot: float = 0.0
    listed: FloatArray = field(default_factory=lambda: np.zeros(0))

    def after(self, count: IntArray, day: FloatArray, rng: np.random.Generator) -> tuple[IntArray, FloatArray]:
        """Draw the next arrivals: slots gone by, or patients of the list, and days; from 0 and 0 the first."""
        if self.kind == "poisson":
            return count, day + rng.exponential(1 / self.rate, len(day))
        if self.kind == "uniform":
            return count, day + rng.uniform(0, 2 / self.rate, len(day))
        if self.kind == "dates":
            return count + 1, np.append(self.listed, np.inf)[np.minimum(count, len(self.listed))]
        count = count + (1 if self.kind == "fixed" else rng.geometric(min(self.rate * self.slot, 1.0), len(day)))
        return count, np.asarray(count * self.slot, float)

    def day_of(self, patients: FloatArray | IntArray) -> FloatArray:
        """Return the expected day on which so many have arrived."""
        if self.kind != "dates":
            return np.asarray(patients / self.rate)
        return np.where(patients > 0, np.append(0.0, self.listed)[np.asarray(patients, np.int64)], 0.0)

    def pending(self, window: float) -> float:
        """Return how many who arrived before have their window still running when a patient arrives, on average."""
        if self.kind == "dates":
            age = self.listed[:, None] - self.listed
            return float(((age > 0) & (age < window - EPS)).sum(axis=1).mean())
        if self.kind == "uniform":
            u = window * self.rate / 2  # the renewal function, a sum with one term more for each longest gap
            if u > LONG:
                return 2 * u - 1 / 3
            terms = [(-1.0) ** k * (u - k) ** k / math.factorial(k) * math.exp(u - k) for k in range(int(u) + 1)]
            return math.fsum(terms) - 1
        if self.kind == "poisson":
            return self.rate * window
        return float(np.ceil(window / self.slot - EPS) - 1) * self.rate * self.slot
