"""Times of the trials of one design: how long they take, how long enrolment is closed, and who is turned away."""

from __future__ import annotations

import numpy as np
import xarray as xr

from doseopt.clock.duration import Duration, closed_days, duration_of, duration_of_listed, next_listed
from doseopt.clock.queue import enrolled_from
from doseopt.clock.resolving import remaining
from doseopt.comparison.drawn_times import IN_TIME, days_of, enrolments, of_enrolments, stays_in
from doseopt.comparison.lost import chances_along, cohorts_along, none_along, shape_along
from doseopt.core.remembered import remembered
from doseopt.core.state import CONTINUE, FloatArray, IntArray
from doseopt.engines.calendars import draw_ends
from doseopt.engines.cohorts import Cohorts, carried, cohorts_of, mean_cohorts
from doseopt.engines.enrolling import replaced
from doseopt.engines.exact import edge_chances, edge_weights, rates_beside, state_weights, tallied
from doseopt.engines.graph import Graph
from doseopt.engines.ordered import FIRST, ordered_chances, ordered_weights
from doseopt.study.clock import Clock
from doseopt.study.on_pending import SEED, TRIALS

ROOM = 1 << 21
"""Weights of states at a time: 16 MB."""
MOST = 1 << 24
"""Numbers that are carried along a graph at a time, for a law that is exact."""


def replaced_in(scenarios: xr.Dataset) -> bool:
    """Tell whether patients are replaced who have another event."""
    return "per_evaluable" in scenarios and bool((replaced(scenarios) > 0).any())


def _staggered(clock: Clock) -> bool:
    """Tell whether the first patient at a new dose is waited for."""
    return clock.stagger.sentinel_days > clock.stagger.between_patients_days


def unlawful(clock: Clock, loses: bool, capped: bool) -> str:
    """Say why the times of a design in whose trials nobody is replaced have no law that is known; empty if they have.

    Parameters
    ----------
    clock : Clock
    loses : bool
        Whether patients are left out.
    capped : bool
        Whether patients enrolled are capped.
    """
    other = bool(clock.queue) or clock.accrual.kind == "dates" or (capped and _staggered(clock))
    return clock.lawless or ("patients are left out" if loses and other else "")


def _is_drawn(scenarios: xr.Dataset, clock: Clock, graph: Graph) -> bool:
    """Tell whether the times of a design are simulated."""
    facts = graph.design.facts
    loses = facts.outcomes.lost > 0
    if replaced_in(scenarios) or unlawful(clock, loses, facts.max_enrolled is not None):
        return True
    if loses:
        shape = shape_along(graph, scenarios, none_along(graph, scenarios), _staggered(clock))
        return int(len(graph.source) * np.prod(shape)) > 4 * MOST  # along every edge: a second a scenario
    return clock.queue > 0 and _too_large(clock, graph)


def numbers_of(scenarios: xr.Dataset, clock: Clock, graph: Graph) -> int:
    """Return how many numbers the times in one scenario take to hold, about."""
    if _is_drawn(scenarios, clock, graph):
        return max(2 * len(graph.source), 10 * TRIALS)
    if clock.accrual.kind == "dates":
        return int(graph.state.total.max() + 1) * (len(clock.accrual.dates) + 2)
    return int(graph.state.total.max() + 1) * int(np.prod(_queue_shape(clock, graph))) if clock.queue else 0


def times_of(scenarios: xr.Dataset, clock: Clock, graph: Graph, seed: int = SEED) -> dict[str, FloatArray]:
    """Return how long trials take in each scenario, by an exact law if there is one, else simulated.

    Parameters
    ----------
    scenarios : Dataset
        With `p_observed`, and `p_alone`, `hazard` and `per_evaluable` where other events happen in the window.
    clock : Clock
    graph : Graph
        Of a design, from the empty trial.
    seed : int, optional
        Of the days, where they are drawn.
    """
    p, space = scenarios["p_observed"].to_numpy(), graph.design.facts.outcomes
    beside = rates_beside(space, scenarios)
    if space.lost and _is_drawn(scenarios, clock, graph):
        return _drawn(scenarios, clock, graph, seed, *chances_along(graph, scenarios))
    if space.lost:
        return _of_law(clock, *_by_cohorts(clock, cohorts_along(graph, scenarios, _staggered(clock))))
    if _is_drawn(scenarios, clock, graph):
        chance = edge_chances(graph, p, beside)
        drawn = _drawn(scenarios, clock, graph, seed, chance)
        if replaced_in(scenarios) or not clock.adds_up:
            return drawn
        return drawn | _resolved_means(scenarios, clock, graph, edge_weights(graph, p, beside), chance)
    return _of_law(clock, *_lawful(clock, graph, p, beside))


def mean_days(scenarios: xr.Dataset, clock: Clock, graph: Graph) -> FloatArray:
    """Return the expected days until the last cohort is decided on, [R]; nan where they follow no law that is known.

    Parameters
    ----------
    scenarios : Dataset
        Maybe of `doseopt.engines.ordered.in_order`.
    clock : Clock
    graph : Graph
        Of a design in whose trials nobody is left out.
    """
    p = scenarios["p_observed"].to_numpy()
    if _is_drawn(scenarios, clock, graph):
        return np.full(len(p), np.nan)
    facts, first = graph.design.facts, FIRST in scenarios
    beside = rates_beside(facts.outcomes, scenarios)
    if clock.accrual.kind == "dates" or clock.queue:
        by = ordered_chances(graph, p, scenarios) if first else None
        return _lawful(clock, graph, p, beside, by)[0].mean
    found = np.empty(len(p))
    step = max(ROOM // len(graph.state), 1)
    for rows in (slice(start, start + step) for start in range(0, len(p), step)):
        q = None if beside is None else beside[rows]
        if first:
            reached = ordered_weights(graph, p[rows], scenarios.isel(scenario=rows))
        elif tallied(facts):
            reached = state_weights(graph, p[rows], np.arange(len(graph.state)), q)
        else:
            reached = edge_weights(graph, p[rows], q)
        # the duration is linear in these counts, so that its mean is that of their means
        counts = mean_cohorts(graph, reached, p[rows], q)
        of_each = np.eye(len(reached))
        found[rows] = duration_of(*counts, of_each, clock.arrivals, clock.window, clock.stagger).mean
    return found


type _Law = tuple[Duration, FloatArray, FloatArray, FloatArray]
"""The law of the duration, and the means of patients turned away, of closed days and of the delay, [R] each."""


def _lawful(clock: Clock, graph: Graph, p: FloatArray, beside: FloatArray | None, by: FloatArray | None = None) -> _Law:
    """Return the times of trials in which nobody is replaced or left out; arguments as of `cohorts_of`."""
    if clock.accrual.kind == "dates":
        return _listed(clock, graph, p, beside, by)
    if clock.queue:
        return _by_cohorts(clock, *_queued(clock, graph, p, beside, by))
    if by is not None:
        return _by_cohorts(clock, cohorts_of(graph, p, beside, by))
    rates = tuple(tuple(map(tuple, each.tolist())) for each in (p, beside) if each is not None)
    return _by_cohorts(clock, _cohorts(graph, rates))


@remembered(0)  # the last ones alone: at every pace of enrolment they are the same
def _cohorts(graph: Graph, rates: tuple[tuple[tuple[float, ...], ...], ...]) -> Cohorts:
    return cohorts_of(graph, *map(np.array, rates))


def _by_cohorts(clock: Clock, c: Cohorts, waited: IntArray | None = None) -> _Law:
    """Return the times where waits are independent of each other."""
    law = duration_of(c.n, c.cohorts, c.new, c.weight, clock.arrivals, clock.window, clock.stagger, waited)
    closed = c.weight @ closed_days(c.n, c.cohorts, c.new, clock.window, clock.stagger)
    enrolled, last = c.weight @ c.n, law.mean - clock.window
    away, delay = clock.arrivals.rate * last - enrolled, last - clock.arrivals.day_of(enrolled)
    return law, away, closed, delay


def _queue_shape(clock: Clock, graph: Graph) -> tuple[int, int, int, int]:
    """Return the most cohorts, those at new doses, patients waited for and patients in the queue, and 1 of each."""
    doses = graph.design.facts.doses if _staggered(clock) else 0
    most = int(graph.state.total.max())  # nobody waits for a place beyond the last
    return graph.deepest + 1, doses + 1, most + 1, min(clock.queue, most) + 1


def _too_large(clock: Clock, graph: Graph) -> bool:
    layer = int(np.bincount(graph.state.total).max())
    return layer * int(np.prod(_queue_shape(clock, graph))) > MOST


def _queued(
    clock: Clock, graph: Graph, p: FloatArray, beside: FloatArray | None, by: FloatArray | None
) -> tuple[Cohorts, IntArray]:
    """Return the patients and cohorts of trials with a queue, and the patients waited for, [G]."""
    begin = np.zeros(_queue_shape(clock, graph))
    begin[0, 0, 0, 0] = 1

    def move(come: FloatArray, size: int, new: bool) -> FloatArray:
        moved, step = np.zeros_like(come), int(new and come.shape[2] > 1)
        after = enrolled_from(come, clock.arrivals.rate, clock.stagger.closed(size, new, clock.window))
        moved[:, 1:, step:] = after[:, :-1, : come.shape[2] - step]
        return moved

    found = carried(graph, p, beside, begin, move, by).sum(axis=-1)
    n, cohorts, new, waited = np.nonzero(found.any(axis=0))
    return Cohorts(n, cohorts, new, found[:, n, cohorts, new, waited]), waited


def _listed(clock: Clock, graph: Graph, p: FloatArray, beside: FloatArray | None, by: FloatArray | None) -> _Law:
    """Return the times where the arrivals are listed: who is enrolled last follows from the cohorts."""
    days, window, stagger = clock.arrivals.listed, clock.window, clock.stagger
    begin = np.eye(len(days) + 2)[0]

    def move(come: FloatArray, size: int, new: bool) -> FloatArray:
        return np.asarray(come @ np.eye(len(days) + 2)[next_listed(days, window, stagger, size, new)])

    found = carried(graph, p, beside, begin, move, by)
    n, last = np.nonzero(found.any(axis=0))
    weight = found[:, n, last]
    law = duration_of_listed(last, weight, days, window)
    c = cohorts_of(graph, p, beside, by)
    closed = c.weight @ closed_days(c.n, c.cohorts, c.new, window, stagger)
    delay = law.mean - window - weight @ clock.arrivals.day_of(n)
    return law, weight @ (last - n), closed, delay


def _drawn(
    scenarios: xr.Dataset,
    clock: Clock,
    graph: Graph,
    seed: int,
    chance: FloatArray,
    none: FloatArray | None = None,
) -> dict[str, FloatArray]:
    """Draw the times; chances as of `chances_along`."""
    each, between = enrolments(scenarios, clock, seed), clock.stagger.between_cohorts_days
    ends = [
        draw_ends(graph, chance[:, r], days.follow, between, TRIALS, days.rng, None if none is None else none[r])
        for r, days in enumerate(each)
    ]
    return of_enrolments(clock, np.array(ends), each)


def _resolved_means(
    scenarios: xr.Dataset, clock: Clock, graph: Graph, reached: FloatArray, chance: FloatArray
) -> dict[str, FloatArray]:
    """Return means of trials whose cohorts are decided on once they are resolved, summed along the edges.

    Parameters
    ----------
    scenarios, clock, graph
        Arrivals are Poisson; nobody is replaced or waits in a queue.
    reached : float array [R, S]
        Probability of each state.
    chance : float array [L, R]
        Of each edge from its state.
    """
    at, rate, stagger = graph.source, clock.arrivals.rate, clock.stagger
    dose, size = graph.decision.dose[at], graph.category_counts.sum(axis=1)
    new, flow = graph.state.n[at, dose] == 0, reached[:, at] * chance.T
    rest, closed = np.zeros_like(flow), np.zeros(len(at))
    laws = stays_in(scenarios, clock)
    for cohort, is_new in {*zip(size.tolist(), new.tolist(), strict=True)}:
        rows = np.flatnonzero((size == cohort) & (new == is_new))
        closed[rows] = sum(stagger.closed(cohort, is_new, 0.0))
        for r, each in enumerate(laws):
            days = remaining(each, cohort, is_new, rate, clock.window, stagger)
            rest[r, rows] = days[graph.category_counts[rows, 0], dose[rows]]
    ends = graph.decision.stop[graph.target] != CONTINUE
    enrolled, between = flow @ size, stagger.between_cohorts_days
    delay = flow @ closed - between + (flow * rest)[:, ~ends].sum(axis=1)
    last = enrolled / rate + delay
    return {
        "duration": last + (flow * rest)[:, ends].sum(axis=1),
        "duration_mcse": np.zeros(len(flow)),
        "completion": last + clock.window + clock.after_window,
        "turned_away": rate * delay,
        "closed_days": delay,
        "delay": delay,
    }


def _of_law(
    clock: Clock, law: Duration, away: FloatArray, closed: FloatArray, delay: FloatArray
) -> dict[str, FloatArray]:
    """Name the parts of a law, of the duration and of the completion, which comes a constant time later."""
    days, later, quantile = np.array(days_of(clock), float), clock.after_window, law.quantile(IN_TIME)
    return {
        "duration": law.mean,
        "duration_mcse": np.zeros(len(law.weight)),
        "duration_sd": law.sd,
        "duration_quantile": quantile,
        "done_by": law.below(days),
        "completion": law.mean + later,
        "completion_sd": law.sd,
        "completion_quantile": quantile + later,
        "completed_by": law.below(days - later),
        "turned_away": away,
        "closed_days": closed,
        "delay": delay,
    }
