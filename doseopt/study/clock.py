"""The clock of a study: DLT window, follow-up, visits, pace of accrual, and dates."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from doseopt.clock.arrivals import MONTH, Accrual, Arrivals, date_fault
from doseopt.clock.duration import Stagger
from doseopt.clock.onset import Onset
from doseopt.core.parameters import Fault, are_numbers, check, is_number, param

MANY, FEW = 1_000, 1_000_000
"""Patients who may come while a cohort is followed, as they are drawn one by one where a duration has no law; windows
in which one has to come."""


def _no_visits(value: Any) -> str | None:
    if are_numbers(value) and all(np.diff([0.0, *value]) > 0):
        return None
    return f"wanted days above 0 in rising order, got {value!r}"


def _no_paces(value: Any) -> str | None:
    if are_numbers(value) and all(v > 0 for v in value) and len(set(value)) == len(value):
        return None
    return f"wanted different numbers above 0, got {value!r}"


def _not_closed(value: Any) -> str | None:
    """Say why a value does not say what becomes of who arrives while enrolment is closed."""
    if value == "lost":
        return None
    queue = value.get("queue") if isinstance(value, Mapping) and len(value) == 1 else None
    if isinstance(queue, int) and is_number(queue) and 0 <= queue <= MANY:
        return None
    return f"wanted 'lost' or {{ queue = k }}, k a whole number in [0, {MANY:,}], got {value!r}"


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
    known, slots
        Read by designs that decide while patients are pending; `known` also by cohorts that are decided on once they
        are resolved, `slots` by accrual in slots.
    calendars : int, optional
        Of arrivals at random, so many are drawn, and designs that decide while patients are pending evaluated exactly
        given each; where left out, their trials are simulated one by one.
    evaluate : str
        When a cohort is decided on: `window`, when all its windows have ended; `resolved`, when each of its patients
        has had a DLT or has come to the end of the window.
    closed : str or mapping
        Who arrives while enrolment is closed is `lost`, or waits if fewer than k do, `{"queue": k}`.
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
    start: str | None = param(None, kind=str, custom=date_fault, optional=True, doc="date from which patients enrol")
    registered_completion: str | None = param(None, kind=str, custom=date_fault, optional=True, doc="registered date")
    onset: Onset | None = param(None, kind=Onset, table=Onset, optional=True)
    known: str = param("at_event", choices=("at_event", "at_visit"), doc="when a DLT is known")
    evaluate: str = param("window", choices=("window", "resolved"), doc="when a cohort is decided on")
    closed: Any = param("lost", kind=object, custom=_not_closed, doc="who arrives while enrolment is closed")
    stagger: Stagger = param(Stagger(), kind=Stagger, table=Stagger)
    rates_for: float | None = param(
        None, kind=float, low=0, open_low=True, optional=True, doc="days that rates are for"
    )
    also_per_month: tuple[float, ...] = param((), kind=tuple, custom=_no_paces, doc="other patients a month")
    slots: int = param(4, low=1, doc="slots of the lattice in a window")
    calendars: int | None = param(None, kind=int, low=2, optional=True, doc="calendars drawn, for arrivals in no slots")

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
        elif not any(day is None or date_fault(day) for day in self._dates) and self.registered_day <= 0:
            wanted = f"wanted a date before the registered completion of {self.registered_completion}"
            found.append(Fault("start", f"{wanted}, got {self.start!r}"))
        found += [*self._of_paces(), *self._of_dates()]
        if self.known == "at_visit" and self.evaluate == "resolved" and not self.visits:
            found.append(Fault("visits", "missing; wanted the days of the visits, at which DLTs are known"))
        if self.onset is not None and self.onset.kind == "visits":
            ends = self._ends()
            if not self.visits:
                found.append(Fault("visits", "missing; wanted the days of the visits, which the onset counts by"))
            elif len(self.onset.shares) != len(ends):
                wanted = f"wanted {len(ends)} shares, one an interval that a visit in the window closes"
                found.append(Fault("onset.shares", f"{wanted}, got {len(self.onset.shares)}"))
        return found

    def _of_paces(self) -> list[Fault]:
        """Return what is wrong with the paces."""
        found = []
        if self.accrual.per_month is not None and self.accrual.per_month in self.also_per_month:
            found.append(Fault("also_per_month", f"wanted other paces than the one stated, {self.accrual.per_month:g}"))
        if self.also_per_month and self.accrual.kind == "dates":
            found.append(Fault("also_per_month", "wanted none beside arrivals on listed dates, which have no pace"))
        most = MONTH * self.slots / self.window
        if self.accrual.kind == "bernoulli" and max(self.also_per_month, default=0) > most:
            found.append(Fault("also_per_month", f"wanted at most {most:g} patients a month, one in every slot"))
        rates = [self.accrual.rate(self.window, self.slots), *(p / MONTH for p in self.also_per_month if p > 0)]
        come = max(rates) * (self.window + max(vars(self.stagger).values()))
        if come > MANY:
            wanted = f"wanted at most {MANY:,} patients while a cohort is followed"
            found.append(Fault("accrual", f"{wanted}, got {come:g}"))
        if min(rates) * self.window < 1 / FEW:
            wanted = f"wanted at least a patient in {FEW:,} windows"
            found.append(Fault("accrual", f"{wanted}, got {min(rates) * self.window:g} in one"))
        return found

    def _of_dates(self) -> list[Fault]:
        """Return what is wrong with listed arrivals that are dates."""
        dates = self.accrual.dates
        if not dates or not isinstance(dates[0], str):
            return []
        if self.start is None:
            return [Fault("start", "missing; wanted the date from which those of the accrual count")]
        if not date_fault(self.start) and self.accrual.days(self.start)[0] < 0:
            return [Fault("accrual.dates", f"wanted dates from the start on, {self.start}, got {dates[0]!r}")]
        return []

    @property
    def arrivals(self) -> Arrivals:
        """The accrual in days."""
        return self.accrual.arrivals(self.window, self.slots, self.start)

    @property
    def queue(self) -> int:
        """How many may wait while enrolment is closed."""
        return 0 if self.closed == "lost" else int(self.closed["queue"])

    @property
    def lawless(self) -> str:
        """Why the duration of trials in which nobody is replaced has no law that is known exactly; empty if it has."""
        if self.evaluate == "resolved":
            return "cohorts are decided on once they are resolved"
        if self.accrual.kind == "uniform":
            return "gaps are uniform"
        only = "the law of a queue is known for Poisson arrivals only"
        return only if self.queue and self.accrual.kind != "poisson" else ""

    @property
    def adds_up(self) -> bool:
        """Whether the mean duration is a sum over cohorts of what is known exactly, where it has no law."""
        memoryless = self.accrual.kind == "poisson" and not self.queue
        return self.evaluate == "resolved" and memoryless and not self.known_at

    def _ends(self) -> tuple[float, ...]:
        """Return where intervals between visits end, as shares of the window."""
        return (*(day / self.window for day in self.visits if day < self.window), 1.0)

    @property
    def known_at(self) -> tuple[float, ...]:
        """Shares of the window at which a DLT becomes known; empty for at once."""
        return self._ends() if self.known == "at_visit" else ()

    @property
    def law(self) -> Onset | None:
        """The onset as it is calculated with, its visits known."""
        return None if self.onset is None else replace(self.onset, ends=self._ends())

    def onset_beside(self, events: bool) -> Onset:
        """Return the law of the time of a DLT in trials, with other events in the window or without."""
        return self.law or Onset("constant" if events else "uniform")

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
        own = self.arrivals.rate * MONTH
        each = {pace: self.accrual.at(pace, self.window, self.slots) for pace in self.also_per_month}
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
            "waits": self.waits(),
            **({} if self.accrual.kind == "dates" else {"arrivals_per_window": self.arrivals.rate * self.window}),
            "pending_at_arrival": self.arrivals.pending(self.window),
            "registered_day": self.registered_day,
            "registered_completion": self.registered_completion or "",
        }

    def waits(self) -> str:
        """Say when designs that follow cohorts in full decide, and what becomes of who comes meanwhile."""
        until = {
            "window": "until the window of every patient of a cohort has ended",
            "resolved": "until every patient of a cohort has had a DLT or has come to the end of the window",
        }[self.evaluate]
        if self.evaluate == "resolved" and self.known == "at_visit":
            until += ", a DLT being known at the next visit"
        lost = f"waits if fewer than {self.queue} do, and is lost otherwise" if self.queue else "is lost"
        who = f"who comes while enrolment is closed {lost}"
        return f"Designs that follow cohorts in full wait {until}; {who}. The first patient's wait counts."

    def describe(self) -> str:
        """Say the window, the pace and the follow-up."""
        followed = f", follow-up of {self.follow_up:g}" if self.follow_up is not None else ""
        slots = f", {self.slots} slots a window" if self.accrual.kind == "bernoulli" else ""
        between = self.stagger.describe()
        stagger = f"; {between}" if between else ""
        return f"DLT window of {self.window:g} days{followed}; {self.accrual.describe()}{slots}{stagger}"
