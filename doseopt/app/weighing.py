"""A design that is ready to be weighed by any truth: two products a curve, as fast as a hand moves it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from doseopt.clock.duration import Duration, duration_of
from doseopt.comparison.times import unlawful
from doseopt.core.design import Design
from doseopt.core.state import FloatArray
from doseopt.engines.cohort_outcomes import orders_of
from doseopt.engines.exact import log_of
from doseopt.engines.graph import Graph, graph_of
from doseopt.measures.complete_information import benchmark_beside
from doseopt.measures.declared import FEW
from doseopt.measures.endings import Endings, Truth
from doseopt.measures.operating_characteristics import METRICS
from doseopt.scenarios.mtd_rule import judged_on, planned_of
from doseopt.scenarios.specs import FixedScenario
from doseopt.study.clock import Clock
from doseopt.study.study import Study

NAME = "this curve"
"""Of the scenario."""
LINEAR = (
    "correct_selection",
    "overdose_selection",
    "underdose_selection",
    "no_selection",
    "sample_size",
    "total_dlts",
    "patients_below_mtd",
    "patients_above_mtd",
    "selection",
    "allocation",
)
"""Measures that are linear in what is counted at an ending."""
DECLARED = ("declared_patients", "declared_dlts")
"""Means over the trials that declare a dose."""
SHARES = ("declared_on_few", "meets_definition")
"""Shares of all trials."""
NUMBERS = (*LINEAR, *DECLARED, *SHARES, "duration", "benchmark_correct_selection")
"""What is known of a design at a curve, under the names that a comparison has for it."""


@dataclass(frozen=True, eq=False)
class Weighing:
    """What of a design's graph does not depend on the truth.

    Parameters
    ----------
    factors : float array [2 D + 1, E]
        DLTs and patients without one at each dose, and the log of the paths, of each ending.
    counted : float array [E, X]
        What is counted at each ending.
    columns : mapping of str to slice
        Where of it stands what.
    law : Duration, optional
        Of the endings, where the clock of a study has one that a product gives.
    """

    factors: FloatArray
    counted: FloatArray
    columns: Mapping[str, slice]
    law: Duration | None

    def means(self, p: FloatArray) -> dict[str, FloatArray]:
        """Return the expectations of what is counted, [1, ...] each, at the rates that trials meet, [D]."""
        weight = np.exp(np.concatenate([log_of(p), log_of(1 - p), np.ones(1)]) @ self.factors)
        total = weight @ self.counted
        found = {name: total[None, columns] for name, columns in self.columns.items()}
        if self.law is not None:
            found["duration"] = dataclasses.replace(self.law, weight=weight[None]).mean[:, None]
        return found


def reason_not(study: Study, design: Design) -> str:
    """Say why a design does not follow the hand, and is computed when it is asked for; empty if it does."""
    if design.facts.pending:
        return "it decides while patients are pending"
    if design.facts.backfill is not None:
        return "it backfills lower doses, which is simulated"
    if not design.facts.outcomes.tallied or design.facts.outcomes.lost:
        return "it sees more than DLTs"
    return "" if study.window_events is None else "the study states other events in the window"


def weighing(study: Study, design: Design, max_states: int) -> Weighing:
    """Return a design ready to be weighed, or raise TooManyStates."""
    graph = graph_of(design, None, max_states)
    state, ends = graph.state[graph.ending], graph.ending
    factors = np.concatenate([state.y, state.n - state.y, np.log(graph.paths[ends])[:, None]], axis=1).T
    endings = Endings(state.n[None], state.y[None], graph.selected[None], ends[None], 1, np.ones((1, 1)), np.inf)
    n, y, named = (part[0] for part in endings.declared)
    parts: dict[str, FloatArray] = {name: np.asarray(part[0], float) for name, part in endings.counts.items()}
    one = {
        "named": named,
        "declared_patients": named * n,
        "declared_dlts": named * y,
        "declared_on_few": named & (n <= FEW),
    }
    if study.definition is not None:
        one["meets_definition"] = named & study.definition.met(n, y)
    parts |= {name: np.asarray(part, float)[:, None] for name, part in one.items()}
    stops = np.cumsum([part.shape[1] for part in parts.values()])
    columns = {name: slice(end - part.shape[1], end) for (name, part), end in zip(parts.items(), stops, strict=True)}
    law = None if study.clock is None else _law(study.clock, graph)
    return Weighing(np.ascontiguousarray(factors), np.concatenate([*parts.values()], axis=1), columns, law)


def _law(clock: Clock, graph: Graph) -> Duration | None:
    """Return how long trials take that end in one way or another, None where no product says it.

    Of the paths to an ending the share with each number of cohorts does not depend on the truth, and a duration is
    linear in it, so that its mean is enough.
    """
    listed = clock.accrual.kind == "dates"
    if listed or clock.queue or unlawful(clock, False, graph.design.facts.max_enrolled is not None):
        return None
    total, ends = graph.state.total, graph.ending
    cohorts, new = _mean_cohorts(graph)
    weight = np.ones((1, len(ends)))
    return duration_of(total[ends], cohorts[ends], new[ends], weight, clock.arrivals, clock.window, clock.stagger)


def _mean_cohorts(graph: Graph) -> tuple[FloatArray, FloatArray]:
    """Return the mean of the cohorts of the paths to each state, and of those of two or more at a new dose, [S]."""
    orders, source, target = orders_of(graph.category_counts), graph.source, graph.target
    size = graph.state.total[target] - graph.state.total[source]
    is_new = (size > 1) & (graph.state.n[source, graph.decision.dose[source]] == 0)
    found = np.zeros((2, len(graph.state)))
    for states, into in graph.layers():
        share = graph.paths[source[into]] * orders[into] / graph.paths[target[into]]
        for k, further in enumerate((np.ones(len(size[into])), is_new[into])):
            come = share * (found[k, source[into]] + further)
            found[k, states] = np.bincount(target[into] - states.start, come, states.stop - states.start)
    return found[0], found[1]


def curve_of(study: Study, p_dlt: tuple[float, ...]) -> xr.Dataset:
    """Return a curve as a scenario of a study."""
    return study.met(FixedScenario(p_dlt).rates(NAME, study.doses.as_planned, study.target).labelled(), [NAME])


def numbers_at(
    study: Study, weighings: Mapping[str, Weighing], p_dlt: tuple[float, ...]
) -> dict[str, dict[str, object]]:
    """Return what is known of each design at a curve: the numbers of `NUMBERS`, None where there is none.

    Parameters
    ----------
    study : Study
    weighings : mapping of str to Weighing
        By the names of the designs.
    p_dlt : tuple of float
        True DLT rates at the planned doses.
    """
    scenario = curve_of(study, p_dlt)
    p, met, planned = scenario["p_dlt"].to_numpy(), scenario["p_observed"].to_numpy()[0], planned_of(scenario)
    truth = Truth(p, *judged_on(study.mtd, p, planned), study.target)
    found: dict[str, dict[str, FloatArray]] = {}
    for name, each in weighings.items():
        means = each.means(met)
        numbers = {one: METRICS[one].weighed(means[METRICS[one].of], truth) for one in LINEAR}
        with np.errstate(invalid="ignore"):
            numbers |= {one: (means[one] / means["named"])[:, 0] for one in DECLARED}
        numbers |= {one: means[one][:, 0] for one in (*SHARES, "duration") if one in means}
        found[name] = numbers
    if found:
        size = np.stack([numbers["sample_size"] for numbers in found.values()])
        right = truth.acceptable[:, planned]
        best = (benchmark_beside(p[:, planned], right, size, study.target) * right).sum(axis=2)
        for numbers, value in zip(found.values(), best, strict=True):
            numbers["benchmark_correct_selection"] = value
    return {name: {one: _plain(numbers.get(one)) for one in NUMBERS} for name, numbers in found.items()}


def numbers_of(comparison: xr.Dataset) -> dict[str, dict[str, object]]:
    """Return the same numbers of a comparison in one scenario."""
    names = [name for name in NUMBERS if name in comparison]
    return {
        str(design): dict.fromkeys(NUMBERS)
        | {name: _plain(comparison[name].sel(design=design).transpose("scenario", ...).to_numpy()) for name in names}
        for design in comparison["design"].to_numpy()
    }


def _plain(value: FloatArray | None) -> object:
    """Return the number, or the list, of the one scenario."""
    if value is None:
        return None
    if value.ndim > 1:
        return [None if np.isnan(one) else float(one) for one in value[0]]
    return None if np.isnan(value[0]) else float(value[0])
