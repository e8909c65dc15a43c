"""Times of trials whose days are drawn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from doseopt.clock.arrivals import EPS
from doseopt.clock.enrolment import Enrolment
from doseopt.clock.fates import Leaving
from doseopt.clock.staying import Stays, stays
from doseopt.core.state import FloatArray
from doseopt.measures.quantiles import LEVELS
from doseopt.study.clock import Clock
from doseopt.study.on_pending import TRIALS

DAYS = (183, 365, 548, 730)
"""Days by which a trial may be done: half a year to two years."""
IN_TIME = sorted({*LEVELS, 0.1, 0.9})
"""Levels of the quantiles."""


def days_of(clock: Clock) -> list[int]:
    """Return the days by which trials may be done, that of the registered completion among them."""
    return sorted({*DAYS, *([clock.registered_day] if clock.registered_day > 0 else [])})


def enrolments(scenarios: xr.Dataset, clock: Clock, seed: int) -> list[Enrolment]:
    """Return the days of trials in each scenario, to be drawn, each with the same seed."""
    return [
        Enrolment(clock.arrivals, each, clock.window, clock.stagger, clock.queue, TRIALS, np.random.default_rng(seed))
        for each in stays_in(scenarios, clock)
    ]


def of_enrolments(clock: Clock, ends: FloatArray, each: Sequence[Enrolment]) -> dict[str, FloatArray]:
    """Name what is known of trials in each scenario that end on some days, [R, T]."""
    lasts, closed = np.array([days.last for days in each]), np.array([days.closed for days in each])
    away = np.array([days.came - days.enrolled for days in each])
    delay = lasts - np.array([clock.arrivals.day_of(days.enrolled) for days in each])
    by, completed = np.array(days_of(clock)) + EPS, lasts + clock.window + clock.after_window
    mean, sd = ends.mean(axis=1), ends.std(axis=1)
    return {
        "duration": mean,
        "duration_mcse": sd / np.sqrt(TRIALS),
        "duration_sd": sd,
        "duration_quantile": np.quantile(ends, IN_TIME, axis=1).T,
        "done_by": (ends[:, :, None] <= by).mean(axis=1),
        "completion": completed.mean(axis=1),
        "completion_sd": completed.std(axis=1),
        "completion_quantile": np.quantile(completed, IN_TIME, axis=1).T,
        "completed_by": (completed[:, :, None] <= by).mean(axis=1),
        "turned_away": away.mean(axis=1),
        "closed_days": closed.mean(axis=1),
        "delay": delay.mean(axis=1),
    }


def stays_in(scenarios: xr.Dataset, clock: Clock) -> list[Stays]:
    """Return how long patients stay in the window, in each scenario."""
    p, events = scenarios["p_observed"].to_numpy(), "hazard" in scenarios
    alone = scenarios["p_alone"].to_numpy() if events else p
    names = "hazard", "rate_met", "p_removed", "p_left_out", "share"
    nothing = np.zeros((len(p), 1, p.shape[1]))
    parts = (
        [scenarios[name].to_numpy() for name in names]
        if events
        else [nothing, p[:, None], nothing, nothing, np.ones((len(p), 1))]
    )
    onset, early = clock.onset_beside(events), clock.evaluate == "resolved"
    each = zip(alone, *parts, strict=True)
    return [stays(rates, Leaving(*of), onset, early, clock.known_at) for rates, *of in each]
