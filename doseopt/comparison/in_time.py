"""Measures of a study's clock and of what competes with the DLT: how long trials take, and how many they enrol."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from doseopt.clock.arrivals import TooFewDates
from doseopt.clock.replaced import Enrolled, enrolled
from doseopt.comparison.backfilled_times import times_of_backfilling
from doseopt.comparison.drawn_times import IN_TIME, days_of
from doseopt.comparison.evaluate import Engine
from doseopt.comparison.lost import enrolled_along
from doseopt.comparison.pending_times import times_of_pending
from doseopt.comparison.simulated_times import times_of_simulated, told_why_simulated
from doseopt.comparison.times import numbers_of, times_of
from doseopt.core.design import Design
from doseopt.core.parameters import Fault, Faults
from doseopt.core.state import FloatArray
from doseopt.engines.budget import TooManyStates
from doseopt.engines.enrolling import enrolling
from doseopt.engines.exact import Exact, edge_weights, ending_weights, rates_beside
from doseopt.engines.graph import Graph, graph_of, most_patients
from doseopt.engines.settled import settle
from doseopt.study.on_pending import seed_of
from doseopt.study.study import Study

QUANTILE = "time_quantile"
"""Their dimension: other measures have quantiles at other levels."""
ROOM = 1 << 22
"""Weights of endings at a time."""
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
    "delay": ("", "days", "expected days that the last patient comes later than if enrolment never closed"),
}
"""Variables: further dimension, unit, meaning."""
HASTY = "probability that a dose is escalated from while a patient is pending there who is to have a DLT"
PENDING = {
    "pending_at_decision": ("", "patients", "expected patients pending when the design is asked"),
    "decided_while_pending": ("", "1", "share of the decisions that are made while patients are pending"),
    "escalated_before_dlt": ("", "1", HASTY),
    "escalated_before_dlt_mcse": ("", "1", f"Monte Carlo standard error: {HASTY}"),
}
"""Where a design decides while patients are pending."""
FILLED = "expected patients of backfilling"
BACKFILLED = {
    "backfilled": ("", "patients", FILLED),
    "backfilled_mcse": ("", "patients", f"Monte Carlo standard error: {FILLED}"),
}
"""Where a design backfills lower doses."""
PACED = ("duration", "duration_quantile", "completion", "completed_by")
"""Those that stand beside each other by pace."""


type Laws = list[dict[str, FloatArray] | int]
"""Variables of one design at each pace, [R, ...]; the most patients of its trials where listed arrivals are too few."""


def laws_of(study: Study, engine: Engine, design: Design, trials: float) -> Laws:
    """Return what `in_time` tells of one design, at each pace; best asked for while its graph is at hand.

    Parameters
    ----------
    study : Study
    engine : Exact, Simulate or ExactWherePossible
    design : Design
    trials : float
        That it was evaluated with, infinite for the exact engine.
    """
    return [_of_design(each, engine, design, trials, about) for each, about in _asked(study)]


def in_time(study: Study, engine: Engine, result: xr.Dataset, laws: Mapping[str, Laws] | None = None) -> xr.Dataset:
    """Add how many patients trials enrol and how long they take, where the study has the tables for it.

    Parameters
    ----------
    study : Study
    engine : Exact, Simulate or ExactWherePossible
        That the comparison was made with.
    result : Dataset
        Of the designs.
    laws : mapping of str to list, optional
        Of `laws_of`, by the name of the design.

    Returns
    -------
    Dataset
        With the variables of `ENROLLED` if patients are replaced or left out, and with a clock those of `TIMES`: exact
        where the duration has a law that is known, else simulated, with `duration_mcse`.

    Raises
    ------
    Faults
        Where a trial can still enrol after the last of the arrivals that a study lists.
    """
    asked = _asked(study)
    if not asked:
        return result
    if laws is None:
        trials = dict(zip(result["design"].values.tolist(), result["trials"].values.tolist(), strict=True))
        laws = {name: laws_of(study, engine, design, trials[name]) for name, design in study.designs.items()}
    each = [_joined(study, [laws[name][k] for name in study.designs]) for k in range(len(asked))]
    found, about = each[0], asked[0][1]
    coordinates: dict[str, Any] = {QUANTILE: IN_TIME}
    if study.clock is not None:
        coordinates["day"] = ("day", days_of(study.clock), {"units": "days", "long_name": "days from the start"})
    dims = {name: ("design", "scenario", *([dim] if dim else [])) for name, (dim, *_) in about.items()}
    made = {n: (dims[n], found[n], {"units": unit, "long_name": text}) for n, (_, unit, text) in about.items()}
    if study.clock is not None and (paces := study.clock.paces()):
        others = iter(each[1:])
        at = [found if clock.accrual == study.clock.accrual else next(others) for clock in paces.values()]
        coordinates["pace"] = ("pace", list(paces), {"units": "1", "long_name": "patients a month"})
        for name in PACED:
            _, unit, text = about[name]
            value = np.stack([numbers[name] for numbers in at])
            made[f"{name}_at_pace"] = (("pace", *dims[name]), value, {"units": unit, "long_name": f"{text}, by pace"})
    return told_why_simulated(study, engine, result.assign_coords(coordinates).assign(made), found)


def _asked(study: Study) -> list[tuple[Study, dict[str, tuple[str, str, str]]]]:
    """Return the study at its own pace, then at each other, with the variables that are told there; none if none is."""
    events = study.window_events
    about = (ENROLLED if events is not None and (events.replaces or events.leaves_out) else {}) | (
        TIMES if study.clock is not None else {}
    )
    if any(design.facts.pending for design in study.designs.values()):
        about |= PENDING
    if any(design.facts.backfill is not None for design in study.designs.values()):
        about |= BACKFILLED
    if study.clock is None:
        return [(study, about)] if about else []
    paced, own = {name: about[name] for name in PACED}, study.clock.accrual
    others = [clock for clock in study.clock.paces().values() if clock.accrual != own]
    return [(study, about), *((replace(study, clock=clock), paced) for clock in others)]


def _of_design(
    study: Study, engine: Engine, design: Design, trials: float, about: Mapping[str, tuple[str, str, str]]
) -> dict[str, FloatArray] | int:
    """Return the variables of one design, [R, ...], nan if not known; the most patients if arrivals are too few."""
    lengths = {QUANTILE: len(IN_TIME), "day": 0 if study.clock is None else len(days_of(study.clock))}
    scenarios = study.scenarios.sizes["scenario"]
    found = {n: np.full((scenarios, *([lengths[dim]] if dim else [])), np.nan) for n, (dim, *_) in about.items()}
    try:
        for rows, values in _found(study, engine, design, trials, about):
            for variable in found.keys() & values.keys():
                found[variable][rows] = values[variable]
    except TooFewDates:
        return design.facts.cap or 0 if np.isfinite(trials) else most_patients(design)
    return found


def _joined(study: Study, each: Sequence[dict[str, FloatArray] | int]) -> dict[str, FloatArray]:
    """Return the variables of all designs, [design, scenario, ...], or say whose trials outlast the arrivals."""
    short = [(name, most) for name, most in zip(study.designs, each, strict=True) if isinstance(most, int)]
    if short:
        assert study.clock is not None
        which = ", ".join(f"{name!r} (up to {patients} patients)" for name, patients in short)
        listed = f"wanted more arrivals than the {len(study.clock.accrual.dates)} listed"
        raise Faults([Fault("clock.accrual.dates", f"{listed}: after the last, trials can still enrol under {which}")])
    known = [values for values in each if not isinstance(values, int)]
    return {name: np.stack([values[name] for values in known]) for name in known[0]}


def _found(
    study: Study, engine: Engine, design: Design, trials: float, about: Collection[str]
) -> Iterator[tuple[slice, dict[str, FloatArray]]]:
    """Yield some scenarios, with the variables of one design in them."""
    seed = seed_of(engine)
    replaces = ENROLLED.keys() <= {*about}  # not asked again at each pace: it does not depend on it
    if design.facts.in_time:
        assert study.clock is not None
        times = times_of_pending if design.facts.pending else times_of_backfilling
        yield slice(None), times(study, engine, design, days_of(study.clock), IN_TIME)
    elif np.isinf(trials):
        enrols = enrolling(design, study.scenarios)
        graph = _graph(enrols, engine) if enrols is design or design.facts.comers is None else None
        if graph is None:
            yield from _drawn(study, design, replaces, seed)
        elif enrols is design:
            yield from _laws(study, graph, replaces, seed)
        else:
            yield from _laws_along(study, graph, replaces, seed)
    else:
        yield from _drawn(study, design, replaces, seed)


def _drawn(study: Study, design: Design, replaces: bool, seed: int) -> Iterator[tuple[slice, dict[str, FloatArray]]]:
    """Yield the variables of a design whose trials are simulated."""
    times, law = times_of_simulated(study.scenarios, study.clock, design, seed)
    yield slice(None), times | (_number(study, law) if replaces and law is not None else {})


def _graph(design: Design, engine: Engine) -> Graph | None:
    """Return the graph of a design, None where there is room for its endings only."""
    exact = getattr(engine, "exact", engine)
    try:
        graph = graph_of(design)
    except TooManyStates:
        return None
    return settle(graph) if isinstance(exact, Exact) and exact.settled else graph


def _laws(study: Study, graph: Graph, replaces: bool, seed: int) -> Iterator[tuple[slice, dict[str, FloatArray]]]:
    """Yield a few scenarios at a time, with the variables in them."""
    clock, p_all = study.clock, study.scenarios["p_observed"].to_numpy()
    beside = rates_beside(graph.design.facts.outcomes, study.scenarios)
    most = len(graph.ending if beside is None else graph.state)
    step = max(ROOM // max(most, 0 if clock is None else numbers_of(study.scenarios, clock, graph)), 1)
    for first in range(0, len(p_all), step):
        rows = slice(first, first + step)
        p, q = p_all[rows], None if beside is None else beside[rows]
        if replaces:
            yield rows, _enrolled(study, graph, p, q, rows)
        if clock is not None:
            yield rows, times_of(study.scenarios.isel(scenario=rows), clock, graph, seed)


def _laws_along(study: Study, graph: Graph, numbers: bool, seed: int) -> Iterator[tuple[slice, dict[str, FloatArray]]]:
    """Yield the variables of a design as it enrols where patients are left out, or replaced up to a cap."""
    if numbers:
        yield slice(None), _number(study, enrolled_along(graph, study.scenarios))
    step = max(ROOM // len(graph.source), 1)
    for first in range(0, study.scenarios.sizes["scenario"], step):
        rows = slice(first, first + step)
        if study.clock is not None:
            yield rows, times_of(study.scenarios.isel(scenario=rows), study.clock, graph, seed)


def _enrolled(
    study: Study, graph: Graph, p: FloatArray, beside: FloatArray | None, rows: slice
) -> dict[str, FloatArray]:
    """Return the law of the number enrolled."""
    weight = ending_weights(graph, p) if beside is None else edge_weights(graph, p, beside)[:, graph.ending]
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
