"""Cohorts whose patients are replaced: closed forms, the exact law where nobody leaves, and one patient at a time."""

import heapq

import numpy as np
import pytest

from doseopt import AcceleratedTitration, build_graph
from doseopt.clock.competing import meet
from doseopt.clock.duration import Stagger, fixed_duration, poisson_duration
from doseopt.clock.onset import Onset
from doseopt.clock.replacing import GRID, Calendars, leaving
from doseopt.engines.calendars import draw_ends
from doseopt.engines.cohorts import cohorts_of

WINDOW, RATE, TRIALS = 28.0, 0.1, 20_000
P, M = 0.25, 0.35


def calendars(removed, kind="poisson", stagger=Stagger(), seed=4):  # noqa: B008  # a frozen default
    leaves = leaving(np.array([P]), -np.log1p(-np.array([M])), Onset("constant"))
    return Calendars(np.array([removed]), leaves, kind, RATE, WINDOW, stagger, np.random.default_rng(seed))


def cohort(drawn, size):
    zeros = np.zeros(TRIALS, np.int64)
    return drawn.follow(np.zeros(TRIALS), zeros + size, zeros, np.ones(TRIALS, bool))


def test_leaving_times_under_constant_hazards_are_a_truncated_exponential():
    hazard = -np.log((1 - P) * (1 - M))
    (found,) = leaving(np.array([P]), -np.log1p(-np.array([M])), Onset("constant"))
    wanted = -np.expm1(-hazard * np.linspace(0, 1, GRID)) / -np.expm1(-hazard)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-6)


def test_a_cohort_of_one_in_closed_form():
    """k patients wait k gaps, the last stays a window, the others until they leave."""
    met, hazard = meet(P, [M], ["replace"], [0.0]), -np.log((1 - P) * (1 - M))
    days = cohort(calendars(float(met.removed)), 1)
    tries = float(met.per_evaluable)
    leaves = 1 / hazard - np.exp(-hazard) / -np.expm1(-hazard)
    wanted = tries / RATE + WINDOW + (tries - 1) * WINDOW * leaves
    assert abs(days.mean() - wanted) < 4 * days.std() / np.sqrt(TRIALS)


def one_by_one(size, removed, rng):
    """Follow one cohort through its arrivals: places that are free are filled, and opened again by who leaves."""
    hazard, day, free, last = -np.log((1 - P) * (1 - M)), 0.0, size, 0.0
    going = []
    while free or going:
        day += rng.exponential(1 / RATE)
        while going and going[0] <= day:
            heapq.heappop(going)
            free += 1
        if free:
            free, last = free - 1, day
            if rng.random() < removed:
                u = rng.random()
                heapq.heappush(going, day - WINDOW * np.log(1 - u * -np.expm1(-hazard)) / hazard)
    return last + WINDOW


@pytest.mark.parametrize("size", [2, 3])
def test_cohorts_against_one_patient_at_a_time(size):
    removed = float(meet(P, [M], ["replace"], [0.0]).removed)
    rng = np.random.default_rng(8)
    wanted = np.array([one_by_one(size, removed, rng) for _ in range(TRIALS)])
    found = cohort(calendars(removed), size)
    error = np.sqrt((wanted.var() + found.var()) / TRIALS)
    assert abs(found.mean() - wanted.mean()) < 4 * error
    for day in (50, 75, 110):
        p = (wanted <= day).mean()
        assert abs((found <= day).mean() - p) < 4 * np.sqrt(2 * p * (1 - p) / TRIALS)


@pytest.mark.parametrize("stagger", [Stagger(), Stagger(14, 7, 3)], ids=str)
@pytest.mark.parametrize("kind", ["poisson", "fixed"])
def test_where_nobody_leaves_trials_take_as_long_as_by_the_exact_law(kind, stagger):
    design = AcceleratedTitration(doses=3, target=0.25, titrate=1)
    graph, p = build_graph(design), np.array([0.1, 0.25, 0.5])
    drawn = calendars(0.0, kind, stagger)
    drawn = Calendars(np.zeros(3), np.repeat(drawn.leaves, 3, axis=0), kind, RATE, WINDOW, stagger, drawn.rng)
    days = draw_ends(graph, p, drawn.follow, stagger.between_cohorts_days, TRIALS, np.random.default_rng(2))
    c = cohorts_of(graph, p[None])
    law = {"poisson": poisson_duration, "fixed": fixed_duration}[kind](
        c.n, c.cohorts, c.new, c.weight, RATE, WINDOW, stagger
    )
    assert abs(days.mean() - law.mean[0]) < 4 * days.std() / np.sqrt(TRIALS)
    assert days.std() == pytest.approx(law.sd[0], rel=0.03)
    for day in (150, 250, 350):
        q = law.below([day])[0, 0]
        assert abs((days <= day + 1e-6).mean() - q) < 4 * np.sqrt(q * (1 - q) / TRIALS) + 1e-9
