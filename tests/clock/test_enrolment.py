"""Cohorts whose patients are replaced: closed forms, the exact law where nobody leaves, and one patient at a time."""

import heapq

import numpy as np
import pytest

from doseopt import AcceleratedTitration, build_graph
from doseopt.clock.arrivals import Arrivals
from doseopt.clock.competing import meet
from doseopt.clock.duration import Stagger, duration_of
from doseopt.clock.enrolment import Enrolment
from doseopt.clock.fates import Leaving
from doseopt.clock.onset import Onset
from doseopt.clock.staying import GRID, Stays, leaving, stays
from doseopt.engines.calendars import draw_ends
from doseopt.engines.cohorts import cohorts_of
from doseopt.engines.exact import edge_chances

WINDOW, RATE, TRIALS = 28.0, 0.1, 20_000
P, M = 0.25, 0.35


CONSTANT = Onset("constant")
HAZARD = -np.log1p(-M)
ARRIVALS = {"poisson": Arrivals("poisson", RATE), "fixed": Arrivals("fixed", RATE, 1 / RATE)}


def laws_of(p, hazard, met, removed, onset=CONSTANT, early=False):
    """Laws of one population at one dose."""
    parts = (np.array([[float(v)]]) for v in (hazard, met, removed, 0))
    return stays(np.array([p]), Leaving(*parts, share=np.ones(1)), onset, early)


def enrolment(removed, kind="poisson", stagger=Stagger(), seed=4):  # noqa: B008  # a frozen default
    laws = laws_of(P, HAZARD, P, removed)
    return Enrolment(ARRIVALS[kind], laws, WINDOW, stagger, 0, TRIALS, np.random.default_rng(seed))


def cohort(days, size, dlts=0):
    zeros, all_of_them = np.zeros(TRIALS, np.int64), np.arange(TRIALS)
    return days.follow(all_of_them, np.zeros(TRIALS), zeros + size, zeros, np.ones(TRIALS, bool), zeros + dlts)


def test_leaving_times_under_constant_hazards_are_a_truncated_exponential():
    hazard = -np.log((1 - P) * (1 - M))
    (found,) = leaving(np.array([P]), np.array([HAZARD]), CONSTANT)
    wanted = -np.expm1(-hazard * np.linspace(0, 1, GRID)) / hazard
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-6)


READINGS = {"dlt": [1.0, 0.0], "replace": [0.4, 0.6], "complete": [0.4, 0.0]}
"""Shares of the other events that count as a DLT, and of those that are replaced."""


@pytest.mark.parametrize("reading", READINGS)
def test_when_it_is_known_how_patients_count(reading):
    """Two exponential times, the earlier in the window or none: drawn one by one, and by the laws."""
    as_dlt, out = READINGS[reading]
    rng = np.random.default_rng(1)
    times = rng.exponential(1, (2, 400_000)) / np.array([[-np.log1p(-P)], [HAZARD]])
    first, inside = times.min(axis=0), times.min(axis=0) < 1
    died = inside & (times[1] < times[0])
    u = rng.random(len(first))
    dlt = (inside & ~died) | (died & (u < as_dlt))
    gone = died & (u > 1 - out)
    met, removed = dlt.sum() / (~gone).sum(), gone.mean()
    laws = laws_of(P, HAZARD, met, removed, early=True)
    zeros = np.zeros(100_000, np.int64)
    for count, known in ((True, first[dlt]), (False, np.minimum(first, 1)[~dlt & ~gone])):
        found = laws.known(zeros, np.full(len(zeros), count), rng)
        for share in (0.1, 0.3, 0.6, 0.95, 0.999):
            assert (found <= share).mean() == pytest.approx((known <= share).mean(), abs=0.008)
    if not out:  # nobody leaves
        assert not laws.removed.any()
        return
    assert (laws.left(zeros, rng) <= 0.5).mean() == pytest.approx((first[died] <= 0.5).mean(), abs=0.008)


def test_where_only_dlts_happen_the_others_are_known_at_the_end():
    laws = laws_of(P, 0.0, P, 0.0, Onset("uniform"), early=True)
    zeros, rng = np.zeros(50_000, np.int64), np.random.default_rng(2)
    assert (laws.known(zeros, zeros > 0, rng) == 1).all()
    assert laws.known(zeros, zeros == 0, rng).mean() == pytest.approx(0.5, abs=0.006)


def test_a_cohort_of_one_in_closed_form():
    """k patients wait k gaps, the last stays a window, the others until they leave."""
    met, hazard = meet(P, [M], ["replace"], [0.0]), -np.log((1 - P) * (1 - M))
    days = cohort(enrolment(float(met.removed)), 1)
    tries = float(met.per_evaluable)
    leaves = 1 / hazard - np.exp(-hazard) / -np.expm1(-hazard)
    wanted = tries / RATE + WINDOW + (tries - 1) * WINDOW * leaves
    assert abs(days.mean() - wanted) < 4 * days.std() / np.sqrt(TRIALS)


def one_by_one(size, met, removed, rng, early):
    """Follow one cohort through its arrivals: places that are free are filled, and opened again by who leaves."""
    hazard, day, free, end = -np.log((1 - P) * (1 - M)), 0.0, size, 0.0
    going = []
    while free or going:
        day += rng.exponential(1 / RATE)
        while going and going[0] <= day:
            heapq.heappop(going)
            free += 1
        if free:
            free -= 1
            event = day - WINDOW * np.log(1 - rng.random() * -np.expm1(-hazard)) / hazard
            if rng.random() < removed:
                heapq.heappush(going, event)
            else:
                end = max(end, event if early and rng.random() < met else day + WINDOW)
    return end


@pytest.mark.parametrize("early", [False, True], ids=["window", "resolved"])
@pytest.mark.parametrize("size", [2, 3])
def test_cohorts_against_one_patient_at_a_time(size, early):
    met = meet(P, [M], ["replace"], [0.0])
    rng = np.random.default_rng(8)
    wanted = np.array([one_by_one(size, float(met.rate), float(met.removed), rng, early) for _ in range(TRIALS)])
    laws = laws_of(P, HAZARD, met.rate, met.removed, early=early)
    days = Enrolment(ARRIVALS["poisson"], laws, WINDOW, Stagger(), 0, TRIALS, np.random.default_rng(4))
    found = cohort(days, size, np.random.default_rng(5).binomial(size, met.rate, TRIALS))
    error = np.sqrt((wanted.var() + found.var()) / TRIALS)
    assert abs(found.mean() - wanted.mean()) < 4 * error
    for day in (30, 50, 75, 110):
        p = (wanted <= day).mean()
        assert abs((found <= day).mean() - p) < 4 * np.sqrt(2 * p * (1 - p) / TRIALS)


@pytest.mark.parametrize("stagger", [Stagger(), Stagger(14, 7, 3)], ids=str)
@pytest.mark.parametrize("kind", ["poisson", "fixed"])
def test_where_nobody_leaves_trials_take_as_long_as_by_the_exact_law(kind, stagger):
    design = AcceleratedTitration(doses=3, target=0.25, titrate=1)
    graph, p = build_graph(design, edges=True), np.array([0.1, 0.25, 0.5])
    laws = Stays(np.zeros(3), np.tile(np.linspace(0, 1, GRID), (3, 1)))
    drawn = Enrolment(ARRIVALS[kind], laws, WINDOW, stagger, 0, TRIALS, np.random.default_rng(4))
    chance = edge_chances(graph, p[None])[:, 0]
    days = draw_ends(graph, chance, drawn.follow, stagger.between_cohorts_days, TRIALS, np.random.default_rng(2))
    c = cohorts_of(graph, p[None])
    law = duration_of(c.n, c.cohorts, c.new, c.weight, ARRIVALS[kind], WINDOW, stagger)
    assert abs(days.mean() - law.mean[0]) < 4 * days.std() / np.sqrt(TRIALS)
    assert days.std() == pytest.approx(law.sd[0], rel=0.03)
    for day in (150, 250, 350):
        q = law.below([day])[0, 0]
        assert abs((days <= day + 1e-6).mean() - q) < 4 * np.sqrt(q * (1 - q) / TRIALS) + 1e-9
