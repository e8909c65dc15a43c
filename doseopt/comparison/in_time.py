"""Measures of a study's clock and of what competes with the DLT: how long trials take, and how many they enrol."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr

from doseopt.clock.duration import Duration, closed_days, fixed_duration, poisson_duration
from doseopt.clock.replaced import enrolled
from doseopt.comparison.evaluate import Engine
from doseopt.core.design import Design
from doseopt.core.state import FloatArray
from doseopt.engines.cohorts import cohorts_of
from doseopt.engines.exact import Exact, edge_weights, ending_weights
from doseopt.engines.graph import Graph, graph_of
from doseopt.engines.settled import settle
from doseopt.measures.operating_characteristics import LEVELS
from doseopt.study.clock import Clock
from doseopt.study.study import Study

DAYS = (183, 365, 548, 730)
"""Days by which a trial may be done: half a year to two years."""
IN_TIME = sorted({*LEVELS, 0.1, 0.9})
"""Levels of the quantiles."""
ROOM = 1 << 22
"""Weights of endings at a time."""
LAWS = {"poisson": poisson_duration, "fixed": fixed_duration}
DAY = {"units": "days"}


def in_time(study: Study, engine: Engine, result: xr.Dataset) -> xr.Dataset:
    """Add how many patients trials enrol and how long they take, where the study has the tables for it.

    Parameters
    ----------
    study : Study
    engine : Exact, Simulate or ExactWherePossible
        That the comparison was made with.
    result : Dataset
        Of the designs; of those that were simulated nothing is known here.

    Returns
    -------
    Dataset
        With `enrolled_sd`, `enrolled_quantile` and `more_than_planned` if patients are replaced; with a clock, unless
        patients are replaced, `duration` and `completion` (the last follow-up), each with `_sd` and `_quantile`,
        `done_by` and `completed_by` (day), `turned_away` and `closed_days`.
    """
    found: dict[str, tuple[tuple[str, ...], list[FloatArray], dict[str, str]]] = {}
    replaces = study.window_events is not None and study.window_events.replaces
    for name, design in study.designs.items():
        exact = bool(np.isinf(result["trials"].sel(design=name)))
        graph = _graph(design, engine) if exact else None
        parts: list[Any] = [_enrolled(study, graph)] if replaces else []
        parts += [_durations(study, study.clock, graph)] if study.clock is not None and not replaces else []
        for part in parts:
            for variable, (dims, value, attrs) in part.items():
                found.setdefault(variable, (dims, [], attrs))[1].append(value)
    if not found:
        return result
    variables = {
        name: (("design", "scenario", *dims), np.stack(values), attrs) for name, (dims, values, attrs) in found.items()
    }
    coordinates: dict[str, Any] = {"quantile": IN_TIME}
    if study.clock is not None and not replaces:
        coordinates["day"] = ("day", days_of(study.clock), DAY | {"long_name": "days from the start"})
    return result.reindex(quantile=IN_TIME).assign_coords(coordinates).assign(variables)


def days_of(clock: Clock) -> list[int]:
    """Return the days by which trials may be done, that of the registered completion among them."""
    return sorted({*DAYS, *([clock.registered_day] if clock.registered_day > 0 else [])})


def _graph(design: Design, engine: Engine) -> Graph:
    exact = getattr(engine, "exact", engine)
    graph = graph_of(design)
    return settle(graph) if isinstance(exact, Exact) and exact.settled else graph


def _rates(study: Study, graph: Graph) -> Iterator[tuple[slice, FloatArray, FloatArray | None]]:
    """Yield some scenarios at a time, with the rates that they are weighed with."""
    p, graded = study.scenarios["p_observed"].to_numpy(), graph.design.facts.outcomes.graded
    moderate = study.scenarios["p_moderate"].to_numpy()
    step = max(ROOM // len(graph.state if graded else graph.ending), 1)
    for first in range(0, len(p), step):
        rows = slice(first, first + step)
        yield rows, p[rows], moderate[rows] if graded else None


def _enrolled(study: Study, graph: Graph | None) -> dict[str, Any]:
    """Return the law of the number enrolled: sd, quantiles, and the probability of more than planned."""
    scenarios = study.scenarios.sizes["scenario"]
    sd, more, quantile = (
        np.full(scenarios, np.nan),
        np.full(scenarios, np.nan),
        np.full((scenarios, len(IN_TIME)), np.nan),
    )
    removed = 1 - 1 / study.scenarios["per_evaluable"].to_numpy()
    for rows, p, moderate in () if graph is None else _rates(study, graph):
        weight = ending_weights(graph, p) if moderate is None else edge_weights(graph, p, moderate)[:, graph.ending]
        law = enrolled(graph.state.n[graph.ending], weight, removed[rows])
        sd[rows], quantile[rows] = law.sd, law.quantile(np.array(IN_TIME))
        if study.planned_enrolment is not None:
            more[rows] = law.above(study.planned_enrolment)
    patients = {"units": "patients"}
    whom = "patients enrolled, those not evaluable replaced"
    return {
        "enrolled_sd": ((), sd, patients | {"long_name": f"standard deviation of the {whom}"}),
        "enrolled_quantile": (("quantile",), quantile, patients | {"long_name": f"quantile of the {whom}"}),
        "more_than_planned": ((), more, {"units": "1", "long_name": "probability of enrolling more than planned"}),
    }


def _durations(study: Study, clock: Clock, graph: Graph | None) -> dict[str, Any]:
    """Return the law of the duration, and who is turned away on the way."""
    scenarios, days = study.scenarios.sizes["scenario"], days_of(clock)
    mean, sd, away, closed = np.full((4, scenarios), np.nan)
    quantile, done, completed = (np.full((scenarios, k), np.nan) for k in (len(IN_TIME), len(days), len(days)))
    rate, later = clock.accrual.rate(clock.window), clock.after_window
    for rows, p, moderate in () if graph is None else _rates(study, graph):
        c = cohorts_of(graph, p, moderate)
        law: Duration = LAWS[clock.accrual.kind](c.n, c.cohorts, c.new, c.weight, rate, clock.window, clock.stagger)
        shut = closed_days(c.n, c.cohorts, c.new, clock.window, clock.stagger)
        mean[rows], sd[rows], quantile[rows] = law.mean, law.sd, law.quantile(IN_TIME)
        done[rows], completed[rows] = law.below(days), law.below(np.array(days) - later)
        closed[rows] = c.weight @ shut
        away[rows] = rate * (law.mean - clock.window) - c.weight @ c.n  # of all who came until the last was enrolled
    ends = {"duration": ("the last cohort is decided on", 0.0), "completion": ("the last follow-up ends", later)}
    result = {}
    for name, (text, add) in ends.items():
        result[name] = ((), mean + add, DAY | {"long_name": f"expected days until {text}"})
        result[f"{name}_sd"] = ((), sd, DAY | {"long_name": f"standard deviation of the days until {text}"})
        result[f"{name}_quantile"] = (
            ("quantile",),
            quantile + add,
            DAY | {"long_name": f"quantile of the days until {text}"},
        )
    for name, value, text in (
        ("done_by", done, "the last cohort is decided on"),
        ("completed_by", completed, "the last follow-up has ended"),
    ):
        result[name] = (("day",), value, {"units": "1", "long_name": f"probability that {text} by the day"})
    result["turned_away"] = (
        (),
        away,
        {"units": "patients", "long_name": "expected patients who come while enrolment is closed"},
    )
    result["closed_days"] = ((), closed, DAY | {"long_name": "expected days on which enrolment is closed"})
    return result
