"""The clock of a study: DLT window, follow-up, visits, pace of accrual, and dates."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from doseopt.clock.arrivals import MONTH, Accrual
from doseopt.clock.duration import Stagger
from doseopt.clock.onset import Onset
from doseopt.core.parameters import Fault, are_numbers, check, param


def _no_date(value: Any) -> str | None:
    """Say why a value is no date."""
    try:
        datetime.date.fromisoformat(str(value))
    except ValueError:
        return f"wanted a date such as '2024-03-01', got {value!r}"
    return None


def _no_visits(value: Any) -> str | None:
    if are_numbers(value) and all(np.diff([0.0, *value]) > 0):
        return None
    return f"wanted days above 0 in rising order, got {value!r}"


def _no_paces(value: Any) -> str | None:
    if are_numbers(value) and all(v > 0 for v in value) and len(set(value)) == len(value):
        return None
    return f"wanted different numbers above 0, got {value!r}"


@dataclass(frozen=True)
class Clock:
    """How time passes in the trials of a study; days are the unit.

    Parameters
    ----------
    window : float
        DLT window.
    accrual : Accrual
    follow_up : float, optional
        Of each patient; the window when left out.
    visits : tuple of float
        Days of the visits.
    start, registered_completion : str, optional
        Dates; the second is the primary completion that the registry names.
    onset : Onset, optional
        When in the window DLTs occur; a constant hazard where the study states window events, else uniform.
    rates_for : float, optional
        Days that the DLT rates of the scenarios are for, where that is not the window: rules then meet the rates in the
        window, the hazard being the same; what is right stays judged by the rates as stated.
    also_per_month : tuple of float
        Other paces of the same accrual, which stand beside it.
    known, slots, calendars
        Read by designs that decide while patients are pending; the others wait for every window to end.
    evaluate : str
        When a cohort is decided on: when all its windows have ended.
    closed : str
        Who arrives while enrolment is closed is lost.
    stagger : Stagger

    Examples
    --------
    >>> from doseopt import Accrual, Clock
    >>> clock = Clock(28, Accrual(per_month=2), start="2024-03-01", registered_completion="2025-12-31")
    >>> clock.registered_day
    670
    """

    window: float = param(kind=float, low=0, open_low=True, doc="days of the DLT window")
    accrual: Accrual = param(kind=Accrual, table=Accrual, doc='the pace, as { kind = "poisson", per_month = 2 }')
    follow_up: float | None = param(None, kind=float, low=0, open_low=True, optional=True, doc="days of follow-up")
    visits: tuple[float, ...] = param((), kind=tuple, custom=_no_visits, doc="days of the visits")
    start: str | None = param(None, kind=str, custom=_no_date, optional=True, doc="date of the first enrolment")
    registered_completion: str | None = param(None, kind=str, custom=_no_date, optional=True, doc="registered date")
    onset: Onset | None = param(None, kind=Onset, table=Onset, optional=True)
    known: str = param("at_event", choices=("at_event", "at_visit"), doc="when a DLT is known")
    evaluate: str = param("window", choices=("window",), doc="when a cohort is decided on")
    closed: str = param("lost", choices=("lost",), doc="who arrives while enrolment is closed")
    stagger: Stagger = param(Stagger(), kind=Stagger, table=Stagger)
    rates_for: float | None = param(
        None, kind=float, low=0, open_low=True, optional=True, doc="days that rates are for"
    )
    also_per_month: tuple[float, ...] = param((), kind=tuple, custom=_no_paces, doc="other patients a month")
    slots: int = param(4, low=1, doc="slots of the lattice in a window")
    calendars: int = param(200, low=1, doc="calendars drawn for arrivals that are no lattice")

    def __post_init__(self) -> None:
        """Check the declared parameters, alone and together."""
        for name in ("start", "registered_completion"):  # a date of TOML is one, too
            if isinstance(getattr(self, name), datetime.date):
                object.__setattr__(self, name, getattr(self, name).isoformat())
        check(self, self._faults)
        if self.follow_up == self.window:
            object.__setattr__(self, "follow_up", None)

    def _faults(self) -> list[Fault]:
        found = []
        if self.follow_up is not None and self.window > self.follow_up:
            wanted = f"wanted at most the follow-up of {self.follow_up:g} days"
            found.append(Fault("window", f"{wanted}, got {self.window!r}"))
        if self.registered_completion is not None and self.start is None:
            found.append(Fault("start", "missing; wanted the date from which the registered completion counts"))
        elif not any(day is None or _no_date(day) for day in self._dates) and self.registered_day <= 0:
            wanted = f"wanted a date before the registered completion of {self.registered_completion}"
            found.append(Fault("start", f"{wanted}, got {self.start!r}"))
        if self.accrual.per_month in self.also_per_month:
            found.append(Fault("also_per_month", f"wanted other paces than the one stated, {self.accrual.per_month:g}"))
        if self.onset is not None and self.onset.kind == "visits":
            ends = self._ends()
            if not self.visits:
                found.append(Fault("visits", "missing; wanted the days of the visits, which the onset counts by"))
            elif len(self.onset.shares) != len(ends):
                wanted = f"wanted {len(ends)} shares, one an interval that a visit in the window closes"
                found.append(Fault("onset.shares", f"{wanted}, got {len(self.onset.shares)}"))
        return found

    def _ends(self) -> tuple[float, ...]:
        """Return where intervals between visits end, as shares of the window."""
        return (*(day / self.window for day in self.visits if day < self.window), 1.0)

    @property
    def law(self) -> Onset | None:
        """The onset as it is calculated with, its visits known."""
        return None if self.onset is None else replace(self.onset, ends=self._ends())

    @property
    def after_window(self) -> float:
        """Days from the end of the last window to the end of the last follow-up."""
        return 0.0 if self.follow_up is None else self.follow_up - self.window

    def met(self, scenarios: xr.Dataset) -> xr.Dataset:
        """Return scenarios with the DLT rates in the window, where theirs are for another number of days."""
        if self.rates_for is None:
            return scenarios
        seen = 1 - (1 - scenarios["p_observed"]) ** (self.window / self.rates_for)
        return scenarios.assign(p_observed=seen.assign_attrs(scenarios["p_observed"].attrs))

    def paces(self) -> dict[float, Clock]:
        """Return the clock at each pace in patients a month, its own among them, rising; empty if it names no other."""
        if not self.also_per_month:
            return {}
        own = self.accrual.rate(self.window) * MONTH
        each = {pace: replace(self.accrual, per_month=pace, per_window=None) for pace in self.also_per_month}
        each[round(own, 9)] = self.accrual
        return {pace: replace(self, accrual=each[pace], also_per_month=()) for pace in sorted(each)}

    def with_window(self, days: float) -> Clock:
        """Return the clock with another window, the DLT rates being those of its own."""
        followed = None if self.follow_up is None else max(self.follow_up, days)
        return replace(self, window=days, follow_up=followed, rates_for=self.rates_for or self.window)

    @property
    def _dates(self) -> tuple[str | None, str | None]:
        return self.start, self.registered_completion

    @property
    def registered_day(self) -> int:
        """Days from the start to the registered completion; -1 if the study does not name both."""
        if self.start is None or self.registered_completion is None:
            return -1
        ends = [datetime.date.fromisoformat(day) for day in (self.start, self.registered_completion)]
        return (ends[1] - ends[0]).days

    def attributes(self) -> dict[str, str | float]:
        """Return what a result says of the clock."""
        return {
            "clock": self.describe(),
            "window": self.window,
            "arrivals_per_window": self.accrual.rate(self.window) * self.window,
            "registered_day": self.registered_day,
            "registered_completion": self.registered_completion or "",
        }

    def describe(self) -> str:
        """Say the window, the pace and the follow-up."""
        followed = f", follow-up of {self.follow_up:g}" if self.follow_up is not None else ""
        return f"DLT window of {self.window:g} days{followed}; {self.accrual.describe()}"
