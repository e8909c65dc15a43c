"""Readings of what happens in the DLT window: what each makes of the designs, all else as stated."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from doseopt.beliefs import StatedBelief
from doseopt.comparison.evaluate import Engine, outcomes_of
from doseopt.comparison.in_time import TIMES
from doseopt.comparison.times import mean_days, replaced_in
from doseopt.core.design import Design
from doseopt.core.state import FloatArray, IntArray
from doseopt.engines.budget import TooManyStates
from doseopt.engines.exact import Exact
from doseopt.engines.graph import graph_of
from doseopt.engines.ordered import FIRST, MANY, in_order, ordered
from doseopt.engines.simulate import Simulate
from doseopt.measures.operating_characteristics import METRICS, measure_each
from doseopt.study.departure import Departure
from doseopt.study.silences import factor_of
from doseopt.study.study import Study
from doseopt.study.window_events import NAMES, WindowEvents, having

MEASURES = ("correct_selection", "no_selection", "overdose_selection", "patients_below_mtd", "sample_size", "enrolled")
DAYS = "duration"
DIMENSION = "window_reading"
WINDOW = "dlt_window"
ORDER = "population_order"
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


def _in_order(study: Study, engine: Engine, design: Design, scenarios: xr.Dataset) -> dict[str, FloatArray]:
    """Return the measures where one population comes first, [1, scenario] each; nan where they are not known."""
    unknown = {m: np.full((1, study.scenarios.sizes["scenario"]), np.nan) for m in MEASURES}
    if design.facts.outcomes.beside or design.facts.in_time or isinstance(engine, Simulate):
        return unknown
    try:
        outcomes = study.judge(ordered(design, scenarios, MOST))
    except TooManyStates:
        return unknown
    return {m: mean[None] for m, mean in measure_each(outcomes, MEASURES).items()}


def _mixed(
    study: Study, engine: Engine, name: str, design: Design, sides: list[tuple[IntArray, xr.Dataset]]
) -> dict[str, FloatArray]:
    """Return the measures of a design under all readings, [reading, scenario] each, some readings at a time."""
    shape = sum(len(rows) for rows, _ in sides), study.scenarios.sizes["scenario"]
    found = {m: np.full(shape, np.nan) for m in MEASURES}
    if design.facts.in_time:  # its trials would have to be walked through once more in each reading
        return found
    for rows, scenarios in sides:  # a graph of its own where patients are left out
        limited = "p_excluded" in scenarios and not isinstance(engine, Simulate)
        try:
            blocks = outcomes_of(study, Exact(max_states=MOST) if limited else engine, name, design, scenarios)
            parts = [measure_each(outcomes, MEASURES) for outcomes in blocks]
        except TooManyStates:
            if not limited:
                raise
            continue
        for m, values in found.items():
            values[rows] = np.concatenate([part[m] for part in parts]).reshape(len(rows), -1)
    return found


def _days(
    study: Study, engine: Engine, design: Design, each: list[WindowReading], read: list[xr.Dataset]
) -> dict[str, FloatArray]:
    """Return the expected duration in the scenarios of all readings, [reading, scenario]; nan where no law is known."""
    if study.clock is None:
        return {}
    found = np.full((len(each), study.scenarios.sizes["scenario"]), np.nan)
    if not (design.facts.in_time or isinstance(engine, Simulate)):
        exact = getattr(engine, "exact", engine)
        try:
            graph = graph_of(design, max_states=exact.max_states if isinstance(exact, Exact) else MOST)
        except TooManyStates:
            return {DAYS: found}
        alike: dict[tuple[float | None, str], list[int]] = {}
        for k, (reading, scenarios) in enumerate(zip(each, read, strict=True)):
            if "p_excluded" not in scenarios and not replaced_in(scenarios):
                alike.setdefault((reading.window, reading.first), []).append(k)
        for (days, _), rows in alike.items():
            clock = study.clock if days is None else study.clock.with_window(days)
            names = [name for name in ("p_observed", "p_moderate", "p_eff", FIRST, MANY) if name in read[rows[0]]]
            scenarios = xr.concat([read[k][names] for k in rows], "scenario")
            found[rows] = mean_days(scenarios, clock, graph).reshape(len(rows), -1)
    return {DAYS: found}


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
        than `MOST` states where patients are left out or their populations come one after the other, there also of
        designs that look at moderate toxicity, and if trials are simulated. With a clock also of `DAYS`: nan where the
        duration has no law that is known, as where patients are replaced or left out.
    """
    each, factors = [WindowReading("no: event", NONE, None)], [""]
    for factor, readings in window_silences(study).items():
        _, *told = readings  # the first is that there is no such event, or the window in use
        each, factors = [*each, *told], [*factors, *[factor] * len(told)]
    read = [reading.of(study).met(*study.stated) for reading in each]
    kinds = [np.flatnonzero(["p_excluded" in s for s in read]), np.flatnonzero(["p_excluded" not in s for s in read])]
    sides = [(rows, _side_by_side([read[k] for k in rows])) for rows in kinds if len(rows)]
    in_order = orders(study)
    each, factors = [*each, *in_order], [*factors, *[ORDER] * len(in_order)]
    one_by_one = [reading.met(study, lambda read: read.met(*study.stated)) for reading in in_order]
    parts = []
    for name, design in study.designs.items():
        mixed = _mixed(study, engine, name, design, sides)
        further = [_in_order(study, engine, design, scenarios) for scenarios in one_by_one]
        part = {m: np.concatenate([mixed[m], *(one[m] for one in further)]) for m in MEASURES}
        parts.append(part | _days(study, engine, design, each, [*read, *one_by_one]))
    coords = {
        DIMENSION: [reading.label for reading in each],
        f"{DIMENSION}_words": (DIMENSION, [reading.words for reading in each]),
        f"{DIMENSION}_factor": (DIMENSION, factors),
        "design": list(study.designs),
        "scenario": study.scenarios["scenario"],
    }
    data = {}
    about = {name: (METRICS[name].units, METRICS[name].long_name) for name in MEASURES}
    about |= {} if study.clock is None else {DAYS: TIMES[DAYS][1:]}
    for name, (units, text) in about.items():
        values = np.stack([part[name] for part in parts], axis=1)
        attrs = {"units": units, "long_name": f"{text}, by reading of what happens in the window"}
        if missing := _missing(study, name, values):
            attrs["not_computed_for"] = missing
        data[f"{name}_by_reading"] = ((DIMENSION, "design", "scenario"), values, attrs)
    return xr.Dataset(data, coords)


def _missing(study: Study, name: str, values: FloatArray) -> str:
    """Say for which designs a measure, [reading, design, scenario], is not known in some readings, and why."""
    reasons, law = [], "no law of the duration is known exactly, as where patients are replaced or left out"
    for (label, design), known in zip(study.designs.items(), np.moveaxis(~np.isnan(values), 1, 0), strict=True):
        if design.facts.in_time:
            how = "decides while patients are pending" if design.facts.pending else "backfills lower doses"
            reasons.append(f"{label}: {how}")
        elif not known.all():
            reasons.append(f"{label}: {law if name == DAYS else 'too large beside a comparison, or simulated'}")
    return f"{'; '.join(reasons)}: wanted the reading in [window_events]" if reasons else ""


def _side_by_side(each: list[xr.Dataset]) -> xr.Dataset:
    """Return the scenarios of all readings as one Dataset, the first reading first."""
    parts = []
    for scenarios in each:
        one = {} if "per_evaluable" in scenarios else {"per_evaluable": xr.ones_like(scenarios["p_observed"])}
        left_out = [name for name in ("p_excluded",) if name in scenarios]
        parts.append(scenarios.assign(one)[["p_dlt", "p_observed", "p_moderate", "per_evaluable", *left_out]])
    return xr.concat(parts, "scenario", coords="minimal", compat="override", combine_attrs="override")
