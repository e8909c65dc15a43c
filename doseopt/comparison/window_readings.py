"""Readings of what happens in the DLT window: what a protocol may mean by it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import xarray as xr

from doseopt.beliefs import StatedBelief
from doseopt.engines.ordered import in_order
from doseopt.study.departure import Departure
from doseopt.study.silences import factor_of
from doseopt.study.study import Study
from doseopt.study.window_events import NAMES, WindowEvents, having

WINDOW = "dlt_window"
NONE = "no such event"
MOST = 50_000
"""States of a graph in which patients are left out: seconds."""


@dataclass(frozen=True)
class WindowReading:
    """One way to mean the DLT window.

    Parameters
    ----------
    label, words : str
        Short and in full.
    events : WindowEvents or None
        What competes with the DLT.
    window : float, optional
        Days, where they are others than the study's.
    first : str
        The population whose patients come before all others; empty where they come mixed.
    """

    label: str
    words: str
    events: WindowEvents | None
    window: float | None = None
    first: str = ""

    def in_use(self, study: Study) -> bool:
        """Tell whether the study has it so."""
        return self.window is None and self.events == study.window_events

    def of(self, study: Study) -> Study:
        """Return a study that is read so."""
        clock = study.clock
        if clock is not None and self.window is not None:
            clock = clock.with_window(self.window)
        belief = StatedBelief()  # a belief in rates of its own knows no probabilities by scenario
        return dataclasses.replace(study, window_events=self.events, clock=clock, silences=None, belief=belief)

    def met(self, study: Study, scenarios: Callable[[Study], xr.Dataset]) -> xr.Dataset:
        """Return scenarios, as a study has them that is read so; in the order of the populations if one comes first."""
        if not self.first or self.events is None or study.populations is None:
            return scenarios(self.of(study))
        (other,) = (name for name in study.populations.shares if name != self.first)
        each = (dataclasses.replace(self, events=self.events.of(name)).of(study) for name in (self.first, other))
        first, then = map(scenarios, each)
        return in_order(first, then, _of_first(study, self.first))


def window_silences(study: Study) -> dict[str, list[WindowReading]]:
    """Return the silences of the DLT window and their readings, first that of no such event, or the window in use.

    Parameters
    ----------
    study : Study
        What it states of the window, and what it elicits.
    """
    events, found = study.window_events, {}
    for name, event in ({} if events is None else events.events).items():
        each = {f"{label}{' (stated)' * (one == event)}": one for label, one in event.readings().items()}
        readings = [WindowReading(f"{NAMES[name]}: none", NONE, having(events, name, None))]
        readings += _counted(events, name, each)
        found[factor_of(name)] = readings
    if study.silences is not None:
        for name, silent in study.silences.events.items():
            unsaid = WindowReading(f"{NAMES[name]}: none", NONE, events)
            found[factor_of(name)] = [unsaid, *_counted(events, name, silent.readings())]
        if study.silences.dlt_window is not None:
            found[WINDOW] = _other_window(study, study.silences.dlt_window)
    return found


def orders(study: Study) -> list[WindowReading]:
    """Return the orders in which patients of two populations may come; none where they are alike or mixed alone.

    Who dies or is transplanted counts as a DLT in them, so that every patient is evaluable; the patients of the
    population that comes first are its share of the registered enrolment.

    Parameters
    ----------
    study : Study
        With populations, and a silence on an event whose probability differs between them.
    """
    shares = {} if study.populations is None else study.populations.shares
    if study.silences is None or study.window_events is not None or len(shares) != 2 or not study.planned_enrolment:
        return []
    found = []
    for name, silent in study.silences.events.items():
        dlt = silent.readings()["dlt"]
        if name == "dropout" or not dlt.by_population:
            continue
        words = f"{NAMES[name]} {dlt.describe()}"
        for population in shares:
            label = f"{NAMES[name]}: dlt, {population} first"
            many = f"the first {_of_first(study, population)} patients {population}"
            found.append(WindowReading(label, f"{words}; {many}", having(None, name, dlt), first=population))
    return found


def _of_first(study: Study, population: str) -> int:
    assert study.populations is not None
    return round(study.populations.shares[population] * (study.planned_enrolment or 0))


def _counted(events: WindowEvents | None, name: str, each: Mapping[str, Departure]) -> list[WindowReading]:
    """Return the ways in which an event may count, the others as stated."""
    return [
        WindowReading(f"{NAMES[name]}: {label}", f"{NAMES[name]} {event.describe()}", having(events, name, event))
        for label, event in each.items()
    ]


def _other_window(study: Study, days: float) -> list[WindowReading]:
    """Return the window in use and the other one: without and with the events that are elicited."""
    assert study.clock is not None
    assert study.silences is not None
    ratio, events = days / study.clock.window, study.window_events
    for name, event in ({} if events is None else events.events).items():
        events = having(events, name, event.over(ratio))
    whole = f"{days:g} days"
    found = [WindowReading("window: none", f"{study.clock.window:g} days", study.window_events)]
    found.append(WindowReading(f"{whole}: window", whole, events, days))
    for name, silent in study.silences.events.items():
        other = silent.in_other_window()
        for reading in [] if other is None else _counted(events, name, other.readings()):
            label = f"{whole}: {reading.label.replace(':', '')}"
            words = f"{whole}, {reading.words}"
            found.append(dataclasses.replace(reading, label=label, words=words, window=days))
    return found
