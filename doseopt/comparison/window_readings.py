"""Readings of what happens in the DLT window: what each makes of the designs, all else as stated."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from doseopt.comparison.evaluate import Engine, in_one, outcomes_of
from doseopt.engines.budget import TooManyStates
from doseopt.engines.exact import Exact
from doseopt.engines.simulate import Simulate
from doseopt.measures.operating_characteristics import METRICS, measure
from doseopt.study.silences import factor_of
from doseopt.study.study import Study
from doseopt.study.window_events import NAMES, Departure, WindowEvents, having

MEASURES = ("correct_selection", "no_selection", "overdose_selection", "sample_size", "enrolled")
DIMENSION = "window_reading"
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
    """

    label: str
    words: str
    events: WindowEvents | None
    window: float | None = None

    def in_use(self, study: Study) -> bool:
        """Tell whether the study has it so."""
        return self.window is None and self.events == study.window_events

    def of(self, study: Study) -> Study:
        """Return a study that is read so."""
        clock = study.clock
        if clock is not None and self.window is not None:
            clock = clock.with_window(self.window)
        return dataclasses.replace(study, window_events=self.events, clock=clock, silences=None)


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


def window_readings(study: Study, engine: Engine) -> xr.Dataset:
    """Return some measures under each reading of each event and of the window, (window_reading, design, scenario).

    Parameters
    ----------
    study : Study
        With window events, or silences on them.
    engine : Exact, Simulate or ExactWherePossible

    Returns
    -------
    Dataset
        `<measure>_by_reading`; the first reading is that no such event happens; nan of designs whose graph has more
        than `MOST` states where patients are left out.
    """
    smaller = engine if isinstance(engine, Simulate) else Exact(max_states=MOST)
    each, factors = [WindowReading("no: event", NONE, None)], [""]
    for factor, readings in window_silences(study).items():
        _, *told = readings  # the first is that there is no such event, or the window in use
        each, factors = [*each, *told], [*factors, *[factor] * len(told)]
    read = [reading.of(study).scenarios for reading in each]
    kinds = [np.flatnonzero(["p_excluded" in s for s in read]), np.flatnonzero(["p_excluded" not in s for s in read])]
    sides = [(rows, _side_by_side([read[k] for k in rows])) for rows in kinds if len(rows)]
    parts = []
    for name, design in study.designs.items():
        found = {m: np.full((len(each), study.scenarios.sizes["scenario"]), np.nan) for m in MEASURES}
        for rows, scenarios in sides:  # a graph of its own where patients are left out
            some = engine if "p_excluded" not in scenarios else smaller
            try:
                blocks = outcomes_of(study, some, name, design, scenarios)
                of = in_one(xr.Dataset({m: measure(outcomes, m)[0] for m in MEASURES}) for outcomes in blocks)
            except TooManyStates:
                if some is engine:
                    raise
                continue
            for m, values in found.items():
                values[rows] = of[m].to_numpy().reshape(len(rows), -1)
        parts.append(found)
    coords = {
        DIMENSION: [reading.label for reading in each],
        f"{DIMENSION}_words": (DIMENSION, [reading.words for reading in each]),
        f"{DIMENSION}_factor": (DIMENSION, factors),
        "design": list(study.designs),
        "scenario": study.scenarios["scenario"],
    }
    data = {}
    for name in MEASURES:
        values = np.stack([part[name] for part in parts], axis=1)
        text = f"{METRICS[name].long_name}, by reading of what happens in the window"
        data[f"{name}_by_reading"] = (
            (DIMENSION, "design", "scenario"),
            values,
            {"units": METRICS[name].units, "long_name": text},
        )
    return xr.Dataset(data, coords)


def _side_by_side(each: list[xr.Dataset]) -> xr.Dataset:
    """Return the scenarios of all readings as one Dataset, the first reading first."""
    parts = []
    for scenarios in each:
        one = {} if "per_evaluable" in scenarios else {"per_evaluable": xr.ones_like(scenarios["p_observed"])}
        left_out = [name for name in ("p_excluded",) if name in scenarios]
        parts.append(scenarios.assign(one)[["p_dlt", "p_observed", "p_moderate", "per_evaluable", *left_out]])
    return xr.concat(parts, "scenario", coords="minimal", compat="override", combine_attrs="override")
