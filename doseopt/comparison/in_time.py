"""Measures of a study's clock and of what competes with the DLT: how long trials take, and how many they enrol."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from doseopt.clock.duration import Duration, closed_days, fixed_duration, poisson_duration
from doseopt.clock.replaced import Enrolled, enrolled
from doseopt.clock.replacing import Calendars, leaving
from doseopt.comparison.evaluate import Engine
from doseopt.comparison.lost import enrolled_along
from doseopt.core.design import Design
from doseopt.core.state import FloatArray
from doseopt.engines.calendars import draw_ends
from doseopt.engines.cohorts import cohorts_of
from doseopt.engines.enrolling import enrolling
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
QUANTILE = "time_quantile"
"""Their dimension: other measures have quantiles at other levels."""
ROOM = 1 << 22
"""Weights of endings at a time."""
TRIALS, SEED = 4_000, 1
"""Of a design in a scenario, where the duration is simulated."""
LAWS = {"poisson": poisson_duration, "fixed": fixed_duration}
REPLACED = "patients enrolled, those not evaluable included"
DECIDED, ENDED = "the last cohort is decided on", "the last follow-up ends"
ENROLLED: dict[str, tuple[str, str, str]] = {
    "enrolled_sd": ("", "patients", f"standard deviation of the {REPLACED}"),
    "enrolled_quantile": (QUANTILE, "patients", f"quantile of the {REPLACED}"),
    "more_than_planned": ("", "1", "probability of enrolling more than planned"),
}
TIMES: dict[str, tuple[str, str, str]] = {
    "duration": ("", "days", f"expected days until {DECIDED}"),
    "duration_mcse": ("", "days", f"Monte Carlo standard error: expected days until {DECIDED}"),
    "duration_sd": ("", "days", f"standard deviation of the days until {DECIDED}"),
    "duration_quantile": (QUANTILE, "days", f"quantile of the days until {DECIDED}"),
    "done_by": ("day", "1", f"probability that by the day {DECIDED}"),
    "completion": ("", "days", f"expected days until {ENDED}"),
    "completion_sd": ("", "days", f"standard deviation of the days until {ENDED}"),
    "completion_quantile": (QUANTILE, "days", f"quantile of the days until {ENDED}"),
    "completed_by": ("day", "1", f"probability that by the day {ENDED}"),
    "turned_away": ("", "patients", "expected patients who come while enrolment is closed"),
    "closed_days": ("", "days", "expected days on which enrolment is closed"),
}
"""Variables: further dimension, unit, meaning."""
PACED = ("duration", "completion", "completed_by")
"""Those that stand beside each other by pace."""


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
        With the variables of `ENROLLED` if patients are replaced or left out, and with a clock those of `TIMES`: exact,
        unless patients are replaced; then simulated along the graph, with `duration_mcse`; nan where they are left out,
        or replaced up to a cap.
    """
    events = study.window_events
    about = (ENROLLED if events is not None and (events.replaces or events.leaves_out) else {}) | (
        TIMES if study.clock is not None else {}
    )
    if not about:
        return result
    found = _numbers(study, engine, result, about)
    coordinates: dict[str, Any] = {QUANTILE: IN_TIME}
    if study.clock is not None:
        coordinates["day"] = ("day", days_of(study.clock), {"units": "days", "long_name": "days from the start"})
    dims = {name: ("design", "scenario", *([dim] if dim else [])) for name, (dim, *_) in about.items()}
    made = {n: (dims[n], found[n], {"units": unit, "long_name": text}) for n, (_, unit, text) in about.items()}
    paces = {} if study.clock is None else study.clock.paces()
    if paces:
        each = [_numbers(replace(study, clock=clock), engine, result, about) for clock in paces.values()]
        coordinates["pace"] = ("pace", list(paces), {"units": "1", "long_name": "patients a month"})
        for name in PACED:
            _, unit, text = about[name]
            value = np.stack([numbers[name] for numbers in each])
            made[f"{name}_at_pace"] = (("pace", *dims[name]), value, {"units": unit, "long_name": f"{text}, by pace"})
    return result.assign_coords(coordinates).assign(made)


def _numbers(
    study: Study, engine: Engine, result: xr.Dataset, about: Mapping[str, tuple[str, str, str]]
) -> dict[str, FloatArray]:
    """Return the variables of all designs, [design, scenario, ...]; nan for those that were simulated."""
    lengths = {QUANTILE: len(IN_TIME), "day": 0 if study.clock is None else len(days_of(study.clock))}
    shape = result.sizes["design"], study.scenarios.sizes["scenario"]
    found = {n: np.full((*shape, *([lengths[dim]] if dim else [])), np.nan) for n, (dim, *_) in about.items()}
    for d, (name, design) in enumerate(study.designs.items()):
        if np.isinf(float(result["trials"].sel(design=name))):
            enrols = enrolling(design, study.scenarios)
            if enrols is not design:
                for variable, value in _number(study, enrolled_along(_graph(enrols, engine), study.scenarios)).items():
                    found[variable][d] = value
                continue
            for rows, values in _laws(study, _graph(design, engine), ENROLLED.keys() <= about.keys()):
                for variable, value in values.items():
                    found[variable][d, rows] = value
    return found


def days_of(clock: Clock) -> list[int]:
    """Return the days by which trials may be done, that of the registered completion among them."""
    return sorted({*DAYS, *([clock.registered_day] if clock.registered_day > 0 else [])})


def _graph(design: Design, engine: Engine) -> Graph:
    exact = getattr(engine, "exact", engine)
    graph = graph_of(design)
    return settle(graph) if isinstance(exact, Exact) and exact.settled else graph


def _laws(study: Study, graph: Graph, replaces: bool) -> Iterator[tuple[slice, dict[str, FloatArray]]]:
    """Yield a few scenarios at a time, with the variables in them."""
    clock, graded = study.clock, graph.design.facts.outcomes.graded
    p_all, moderate_all = (study.scenarios[name].to_numpy() for name in ("p_observed", "p_moderate"))
    step = max(ROOM // len(graph.state if graded else graph.ending), 1)
    for first in range(0, len(p_all), step):
        rows = slice(first, first + step)
        p, moderate = p_all[rows], moderate_all[rows] if graded else None
        if replaces:
            yield rows, _enrolled(study, graph, p, moderate, rows)
        if clock is not None and not replaces:
            yield rows, _exact_times(clock, graph, p, moderate)
        if clock is not None and replaces and not graded and study.scenarios["hazard"].notnull().all():
            yield rows, _drawn_times(study, clock, graph, p, rows)


def _enrolled(
    study: Study, graph: Graph, p: FloatArray, moderate: FloatArray | None, rows: slice
) -> dict[str, FloatArray]:
    """Return the law of the number enrolled."""
    weight = ending_weights(graph, p) if moderate is None else edge_weights(graph, p, moderate)[:, graph.ending]
    return _number(study, enrolled(graph.state.n[graph.ending], weight, _removed(study)[rows]))


def _number(study: Study, law: Enrolled) -> dict[str, FloatArray]:
    """Name the parts of the law of the number enrolled."""
    planned = study.planned_enrolment
    more = np.full(len(law.mean), np.nan) if planned is None else law.above(planned)
    quantile = law.quantile(np.array(IN_TIME)).astype(float)
    return {"enrolled_sd": law.sd, "enrolled_quantile": quantile, "more_than_planned": more}


def _removed(study: Study) -> FloatArray:
    """Return the probability that a patient enrolled is replaced, [R, D]."""
    return np.asarray(1 - 1 / study.scenarios["per_evaluable"].to_numpy())


def _exact_times(clock: Clock, graph: Graph, p: FloatArray, moderate: FloatArray | None) -> dict[str, FloatArray]:
    """Return the law of the duration, and who is turned away on the way."""
    rate, days = clock.accrual.rate(clock.window), np.array(days_of(clock), float)
    c = cohorts_of(graph, p, moderate)
    law: Duration = LAWS[clock.accrual.kind](c.n, c.cohorts, c.new, c.weight, rate, clock.window, clock.stagger)
    closed = c.weight @ closed_days(c.n, c.cohorts, c.new, clock.window, clock.stagger)
    came = rate * (law.mean - clock.window)  # until the last was enrolled
    by = (law.below(days), law.below(days - clock.after_window))
    moments = law.mean, np.zeros(len(p)), law.sd
    return _times(clock, moments, law.quantile(IN_TIME), by, came - c.weight @ c.n, closed)


def _drawn_times(study: Study, clock: Clock, graph: Graph, p: FloatArray, rows: slice) -> dict[str, FloatArray]:
    """Draw the duration where patients are replaced, each scenario with the same seed."""
    rate, days = clock.accrual.rate(clock.window), np.array(days_of(clock))
    removed = _removed(study)[rows]
    alone, hazard = (study.scenarios[name].to_numpy()[rows] for name in ("p_alone", "hazard"))
    ends = np.empty((len(p), TRIALS))
    for r, met in enumerate(p):
        draws, leaves = np.random.default_rng(SEED), leaving(alone[r], hazard[r], study.onset)
        kind, window = clock.accrual.kind, clock.window
        calendars = Calendars(removed[r], leaves, kind, rate, window, clock.stagger, draws)
        ends[r] = draw_ends(graph, met, calendars.follow, clock.stagger.between_cohorts_days, TRIALS, draws)
    mean, sd = ends.mean(axis=1), ends.std(axis=1)
    patients = ending_weights(graph, p) @ graph.state.n[graph.ending] / (1 - removed)
    came, enrolled_in_all = rate * (mean - clock.window), patients.sum(axis=1)
    closed = (
        mean - clock.window - enrolled_in_all / rate if clock.accrual.kind == "poisson" else np.full(len(p), np.nan)
    )
    by = tuple((ends[:, :, None] + later <= days + 1e-6).mean(axis=1) for later in (0.0, clock.after_window))
    moments = mean, sd / np.sqrt(TRIALS), sd
    return _times(clock, moments, np.quantile(ends, IN_TIME, axis=1).T, by, came - enrolled_in_all, closed)


def _times(
    clock: Clock,
    moments: tuple[FloatArray, FloatArray, FloatArray],
    quantile: FloatArray,
    by: tuple[FloatArray, ...],
    away: FloatArray,
    closed: FloatArray,
) -> dict[str, FloatArray]:
    """Name the parts of a law, of the duration and of the completion, which comes a constant time later."""
    mean, error, sd = moments
    return {
        "duration": mean,
        "duration_mcse": error,
        "duration_sd": sd,
        "duration_quantile": quantile,
        "done_by": by[0],
        "completion": mean + clock.after_window,
        "completion_sd": sd,
        "completion_quantile": quantile + clock.after_window,
        "completed_by": by[1],
        "turned_away": away,
        "closed_days": closed,
    }
