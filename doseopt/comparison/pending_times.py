"""Times of the trials of designs that decide while patients are pending, and what is decided before it is known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from doseopt.clock.lattice import Calendar
from doseopt.core.design import Design
from doseopt.core.parameters import Faults
from doseopt.core.state import FloatArray
from doseopt.engines.budget import TooManyStates
from doseopt.engines.duration_pending import duration_law
from doseopt.engines.escalated import escalated_before_dlt
from doseopt.engines.exact import rates_beside
from doseopt.engines.ways import MEANS, fates_of
from doseopt.study.on_pending import Engine, InTime, in_time_for, lattice_of
from doseopt.study.study import Study

MOST_TIMED = 500_000
"""States that are followed slot by slot at the most."""
ROUNDING = 1e-9
"""By which days and probabilities may be off."""


def times_of_pending(
    study: Study, engine: Engine, design: Design, days: Sequence[float], levels: Sequence[float]
) -> dict[str, FloatArray]:
    """Return how long the trials of a design take that decides while patients are pending, and whom it turns away.

    The duration ends when the outcomes of all patients are known. In slots it is exact, with quantiles and
    probabilities by a day that are nan where the trials cannot be followed slot by slot; else it is simulated. A
    patient who is turned away stands for the days until the next one comes, on which enrolment is closed.

    Parameters
    ----------
    study : Study
    engine : Exact, Simulate or ExactWherePossible
        That the comparison is made with.
    design : Design
    days : sequence of float
        By which it is said how many trials are done.
    levels : sequence of float
        Of the quantiles.

    Returns
    -------
    dict of str to float array [R, ..]
        By the names of `in_time.TIMES`, in days, and of `in_time.PENDING`.
    """
    assert study.clock is not None
    served, clock = in_time_for(study, engine), study.clock
    found = served(design, study.scenarios)
    in_slots = found.attrs["engine"] == "exact" and clock.accrual.kind != "dates"
    drawn = None
    if found.attrs["engine"] == "simulated":
        drawn = found
    elif not in_slots:
        drawn = served.drawn(design, study.scenarios)
    times, chance = _law(served, study, design) if drawn is None else _drawn(drawn)
    timed = _means(found if drawn is None else drawn)
    window, after = clock.window, clock.after_window
    sd = window * np.sqrt(np.maximum(timed["square"] - timed["time"] ** 2, 0))
    done, completed = (_below(times * window + later, chance, np.array(days)) for later in (0.0, after))
    quantile, mean = window * _quantile(times, chance, np.array(levels)), _means(found)
    return {
        "duration": window * timed["time"],
        "duration_mcse": sd / np.sqrt(np.inf if drawn is None else drawn.attrs["trials"]),
        "duration_sd": sd,
        "duration_quantile": quantile,
        "done_by": done,
        "completion": window * timed["time"] + after,
        "completion_sd": sd,
        "completion_quantile": quantile + after,
        "completed_by": completed,
        "turned_away": mean["turned_away"],
        "closed_days": window * mean["closed"],
        "pending_at_decision": mean["pending"] / mean["decisions"],
        "decided_while_pending": mean["while_pending"] / mean["decisions"],
        **_escalated(served, study, design, found, drawn),
        **_enrolled(served, study, design, levels, drawn),
    }


def _enrolled(
    served: InTime, study: Study, design: Design, levels: Sequence[float], drawn: xr.Dataset | None
) -> dict[str, FloatArray]:
    """Return the law of the number enrolled where patients may be lost, simulated; nan where it cannot be."""
    fates = fates_of(study.scenarios, served.onset)
    if fates is None or not fates.loses:
        return {}
    shape, planned = study.scenarios.sizes["scenario"], study.planned_enrolment
    try:
        each = (served.drawn(design, study.scenarios) if drawn is None else drawn)["enrolled"].to_numpy()
    except Faults:  # arrivals in slots, or a DLT known at visits, are simulated in no continuous time
        each = np.full((shape, 1), np.nan)
    more = np.full(shape, np.nan) if planned is None else np.where(np.isnan(each), np.nan, each > planned).mean(axis=1)
    quantile = np.quantile(each, levels, axis=1, method="inverted_cdf").T
    return {"enrolled_sd": each.std(axis=1), "enrolled_quantile": quantile, "more_than_planned": more}


def _means(outcomes: xr.Dataset) -> dict[str, FloatArray]:
    """Return the means over the endings of what is counted on the way, [R] each."""
    return {name: (outcomes["weight"] * outcomes[name]).sum("ending").to_numpy() for name in MEANS}


def _escalated(
    served: InTime, study: Study, design: Design, found: xr.Dataset, drawn: xr.Dataset | None
) -> dict[str, FloatArray]:
    """Return how probable an escalation before a DLT is, exact where the design is, and its Monte Carlo error."""
    p = study.scenarios["p_observed"].to_numpy()
    if found.attrs["engine"] == "exact":
        fates = fates_of(study.scenarios, served.onset)
        try:
            most = served.most_states(study.scenarios)
            beside = rates_beside(design.facts.outcomes, study.scenarios)
            chance = escalated_before_dlt(design, lattice_of(served.clock), served.onset, p, most, fates, beside)
        except (TooManyStates, MemoryError, Faults):  # marks take more room than the trials do
            chance = np.full(len(p), np.nan)
        return {"escalated_before_dlt": chance, "escalated_before_dlt_mcse": np.zeros(len(p))}
    assert drawn is not None
    share = drawn["escalated_before_dlt"].mean("ending").to_numpy()
    error = np.sqrt(share * (1 - share) / drawn.attrs["trials"])
    return {"escalated_before_dlt": share, "escalated_before_dlt_mcse": error}


def _law(served: InTime, study: Study, design: Design) -> tuple[FloatArray, FloatArray]:
    """Return the durations of trials, [1, T], and their probabilities, [R, T]; nan where they are too many."""
    p, lattice = study.scenarios["p_observed"].to_numpy(), lattice_of(served.clock)
    assert not isinstance(lattice, Calendar)
    try:
        fates = fates_of(study.scenarios, served.onset)
        most = min(MOST_TIMED, served.most_states(study.scenarios))
        beside = rates_beside(design.facts.outcomes, study.scenarios)
        times, chance = duration_law(design, lattice, served.onset, p, most, fates, beside)
    except TooManyStates:
        return np.zeros((1, 1)), np.full((len(p), 1), np.nan)
    return times[None], chance


def _drawn(outcomes: xr.Dataset) -> tuple[FloatArray, FloatArray]:
    """Return the durations of simulated trials in order, [R, T], and their probabilities."""
    times = np.sort(outcomes["time"].to_numpy(), axis=1)
    return times, np.full(times.shape, 1 / times.shape[1])


def _below(times: FloatArray, chance: FloatArray, days: FloatArray) -> FloatArray:
    """Return the probability of at most these days, [R, Q]."""
    return np.asarray(((times[:, None, :] <= days[:, None] + ROUNDING) * chance[:, None, :]).sum(axis=2))


def _quantile(times: FloatArray, chance: FloatArray, levels: FloatArray) -> FloatArray:
    """Return the shortest times with at least these probabilities at or below them, [R, Q]."""
    reached = np.cumsum(chance, axis=1)[:, None, :] >= levels[:, None] - ROUNDING
    found = np.take_along_axis(np.broadcast_to(times, chance.shape), reached.argmax(axis=2), axis=1)
    return np.where(np.isnan(chance[:, :1]), np.nan, found)
