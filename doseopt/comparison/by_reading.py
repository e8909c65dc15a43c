"""Measures of the designs under each reading of what happens in the DLT window, all else as stated."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from doseopt.comparison.evaluate import Engine, outcomes_of
from doseopt.comparison.in_time import TIMES
from doseopt.comparison.times import mean_days, replaced_in
from doseopt.comparison.window_readings import MOST, NONE, WindowReading, orders, window_silences
from doseopt.core.design import Design
from doseopt.core.state import FloatArray, IntArray
from doseopt.engines.budget import TooManyStates
from doseopt.engines.exact import Exact
from doseopt.engines.graph import Graph, graph_of
from doseopt.engines.ordered import FIRST, MANY, ordered
from doseopt.engines.simulate import Simulate
from doseopt.measures.operating_characteristics import METRICS, measure_each
from doseopt.study.clock import Clock
from doseopt.study.study import Study

MEASURES = ("correct_selection", "no_selection", "overdose_selection", "patients_below_mtd", "sample_size", "enrolled")
DAYS = "duration"
DIMENSION = "window_reading"
ORDER = "population_order"


def _graph(engine: Engine, design: Design) -> Graph | None:
    """Return the graph of a design that the engine has evaluated; None if it is not known."""
    exact, refused = getattr(engine, "exact", engine), getattr(engine, "refused", ())
    if design.facts.in_time or isinstance(engine, Simulate) or design in refused:
        return None
    try:
        return graph_of(design, max_states=exact.max_states if isinstance(exact, Exact) else MOST)
    except TooManyStates:
        return None


def _in_order(study: Study, graph: Graph | None, scenarios: xr.Dataset) -> dict[str, FloatArray]:
    """Return the measures where one population comes first, [1, scenario] each; nan where they are not known."""
    if graph is None or graph.states > MOST or graph.design.facts.outcomes.beside:
        return {m: np.full((1, study.scenarios.sizes["scenario"]), np.nan) for m in MEASURES}
    outcomes = study.judge(ordered(graph, scenarios))
    return {m: mean[None] for m, mean in measure_each(outcomes, MEASURES).items()}


def _mixed(study: Study, engine: Engine, name: str, design: Design, sides: _Sides) -> dict[str, FloatArray]:
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


type _Sides = list[tuple[IntArray, xr.Dataset]]
"""Readings in which patients are left out, and in which none is, and their scenarios side by side."""
type _Met = list[tuple[list[int], Clock, xr.Dataset]]
"""Readings that share a clock, and their scenarios side by side."""


def _sharing_clocks(study: Study, each: list[WindowReading], read: list[xr.Dataset]) -> _Met:
    """Return the readings in which the duration may have a law that is known, those that share a clock together."""
    if study.clock is None:
        return []
    alike: dict[tuple[float | None, str], list[int]] = {}
    for k, (reading, scenarios) in enumerate(zip(each, read, strict=True)):
        if "p_excluded" not in scenarios and not replaced_in(scenarios):
            alike.setdefault((reading.window, reading.first), []).append(k)
    found = []
    for (days, _), rows in alike.items():
        clock = study.clock if days is None else study.clock.with_window(days)
        names = [name for name in ("p_observed", "p_moderate", "p_eff", FIRST, MANY) if name in read[rows[0]]]
        found.append((rows, clock, xr.concat([read[k][names] for k in rows], "scenario")))
    return found


def _days(graph: Graph | None, met: _Met, readings: int, scenarios: int) -> FloatArray:
    """Return the expected duration in the scenarios of all readings, [reading, scenario]; nan where no law is known."""
    found = np.full((readings, scenarios), np.nan)
    if graph is not None:
        for rows, clock, those in met:
            found[rows] = mean_days(those, clock, graph).reshape(len(rows), -1)
    return found


class WindowReadings:
    """Some measures under each reading of each event and of the window, of one design after the other.

    Parameters
    ----------
    study : Study
        With window events, or silences on them.
    engine : Exact, Simulate or ExactWherePossible
    """

    def __init__(self, study: Study, engine: Engine) -> None:
        self._study, self._engine, self._in_order = study, engine, orders(study)
        each, factors = [WindowReading("no: event", NONE, None)], [""]
        for factor, readings in window_silences(study).items():
            _, *told = readings  # the first is that there is no such event, or the window in use
            each, factors = [*each, *told], [*factors, *[factor] * len(told)]
        self._mixed, self._each = each, [*each, *self._in_order]
        self._factors = [*factors, *[ORDER] * len(self._in_order)]

    @functools.cached_property
    def _scenarios(self) -> tuple[_Sides, list[xr.Dataset], _Met]:
        """Those of mixed populations, of one after the other, and all that share a clock."""
        study = self._study
        read = [reading.of(study).met(*study.stated) for reading in self._mixed]
        left_out = np.array(["p_excluded" in scenarios for scenarios in read])
        kinds = np.flatnonzero(left_out), np.flatnonzero(~left_out)
        sides = [(rows, _side_by_side([read[k] for k in rows])) for rows in kinds if len(rows)]
        one_by_one = [reading.met(study, lambda read: read.met(*study.stated)) for reading in self._in_order]
        return sides, one_by_one, _sharing_clocks(study, self._each, [*read, *one_by_one])

    def of(self, name: str) -> dict[str, FloatArray]:
        """Return the measures of a design, [reading, scenario] each."""
        study, engine, (sides, one_by_one, met) = self._study, self._engine, self._scenarios
        design = study.designs[name]
        mixed = _mixed(study, engine, name, design, sides)
        graph = _graph(engine, design) if met or one_by_one else None
        further = [_in_order(study, graph, scenarios) for scenarios in one_by_one]
        found = {m: np.concatenate([mixed[m], *(one[m] for one in further)]) for m in MEASURES}
        if study.clock is not None:
            found[DAYS] = _days(graph, met, len(self._each), study.scenarios.sizes["scenario"])
        return found

    def joined(self, parts: Sequence[Mapping[str, FloatArray]]) -> xr.Dataset:
        """Return the measures of all designs, (window_reading, design, scenario).

        Returns
        -------
        Dataset
            `<measure>_by_reading`; the first reading is that no such event happens; nan of designs whose graph has more
            than `MOST` states where patients are left out or their populations come one after the other, there also of
            designs that look at moderate toxicity, and if trials are simulated. With a clock also of `DAYS`: nan where
            the duration has no law that is known, as where patients are replaced or left out.
        """
        study = self._study
        coords = {
            DIMENSION: [reading.label for reading in self._each],
            f"{DIMENSION}_words": (DIMENSION, [reading.words for reading in self._each]),
            f"{DIMENSION}_factor": (DIMENSION, self._factors),
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
