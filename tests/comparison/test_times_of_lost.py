"""Times of trials whose patients are left out, or replaced up to a cap, or of several populations."""

import math
import random

import numpy as np
import pytest
from oracle import AcceleratedTitration, Trials
from oracle_leaving import Event, Setting, follow

from doseopt import BOIN, MaxPatients, Modified, make_scenarios
from doseopt.clock.arrivals import Accrual
from doseopt.clock.duration import Stagger
from doseopt.comparison.compare import compare
from doseopt.comparison.drawn_times import IN_TIME
from doseopt.comparison.lost import cohorts_along, enrolled_along
from doseopt.comparison.times import times_of
from doseopt.engines.enrolling import enrolling
from doseopt.engines.graph import graph_of
from doseopt.study.clock import Clock
from doseopt.study.file import parse_study

P = (0.25, 0.45)
MANY = 3_000
STUDY = """
title = "two doses"
target = 0.25
doses = {{ labels = ["1", "2"] }}
scenarios = {{ A = {{ p_dlt = [0.25, 0.45] }} }}
[clock]
window = 28
follow_up = 40
{clock}
[designs.rule]
kind = "accelerated_titration"
titrate = 1
on_descent = "three_then_six"
confirm_top = true
modifiers = [{{ kind = "max_patients", n = 10 }}{cap}]
[window_events]
{events}
"""
POISSON = 'accrual = { kind = "poisson", per_window = 1.5 }'
FIXED = 'accrual = { kind = "fixed", per_window = 4 }'
STAGGER = "\nstagger = { sentinel_days = 10, between_patients_days = 3, between_cohorts_days = 5 }"
NO_SENTINEL = "\nstagger = { sentinel_days = 3, between_patients_days = 8, between_cohorts_days = 5 }"
RESOLVED = '\nevaluate = "resolved"'
OUT = 'death = { probability = 0.35, reading = "exclude" }'
REPLACED = 'death = { probability = 0.35, attributed = 0.4, reading = "replace" }'
BOTH = OUT + '\ndropout = { probability = 0.2, reading = "replace" }'
MIXED = """death = {{ probability = {{ CLF = 0.1, ACLF = 0.5 }}, reading = "{0}" }}
dropout = {{ probability = 0.2, reading = "{1}" }}
[populations]
shares = {{ CLF = 0.6, ACLF = 0.4 }}"""
EVENTS = {
    OUT: [Event((0.35,), "exclude")],
    REPLACED: [Event((0.35,), "replace", 0.4)],
    BOTH: [Event((0.35,), "exclude"), Event((0.2,), "replace")],
}
TWO = {"shares": (0.6, 0.4)}


def mixed(death, dropout):
    return [Event((0.1, 0.5), death), Event((0.2, 0.2), dropout)]


STAGGERED = {"sentinel": 10, "between_patients": 3, "between_cohorts": 5}
SLOW = {"sentinel": 3, "between_patients": 8, "between_cohorts": 5}
CASES = {
    "left out": (POISSON, OUT, None, {}, True),
    "left out, staggered": (POISSON + STAGGER, OUT, None, STAGGERED, True),
    "left out, sentinel of no effect": (POISSON + NO_SENTINEL, OUT, None, SLOW, True),
    "left out, equal gaps": (FIXED, OUT, None, {"gap": 7.0}, True),
    "left out, resolved": (POISSON + STAGGER + RESOLVED, OUT, None, STAGGERED | {"resolved": True}, False),
    "left out, capped": (POISSON + NO_SENTINEL, OUT, 9, SLOW, True),
    "left out, capped, sentinel": (POISSON + STAGGER, OUT, 9, STAGGERED, False),
    "replaced, capped": (POISSON + STAGGER, REPLACED, 9, STAGGERED, False),
    "replaced, capped, resolved": (POISSON + RESOLVED, REPLACED, 9, {"resolved": True}, False),
    "left out and replaced": (POISSON + STAGGER, BOTH, None, STAGGERED, False),
    "left out and replaced, resolved": (
        POISSON + STAGGER + RESOLVED,
        BOTH,
        None,
        STAGGERED | {"resolved": True},
        False,
    ),
    "left out and replaced, capped": (POISSON + RESOLVED, BOTH, 9, {"resolved": True}, False),
    "two populations, replaced": (POISSON, MIXED.format("replace", "complete"), None, TWO, False),
    "two populations, resolved": (
        POISSON + RESOLVED,
        MIXED.format("complete", "replace"),
        None,
        TWO | {"resolved": True},
        False,
    ),
    "two populations, left out": (POISSON, MIXED.format("exclude", "dlt"), None, TWO, True),
    "two populations, all": (
        POISSON + RESOLVED,
        MIXED.format("replace", "exclude"),
        9,
        TWO | {"resolved": True},
        False,
    ),
}
"""Clock, events, cap on those enrolled, the same for the oracle, and whether the law is exact."""


def events_of(text):
    if text in EVENTS:
        return EVENTS[text]
    ways = [(a, b) for a in ("replace", "complete", "exclude") for b in ("replace", "complete", "dlt", "exclude")]
    return next(mixed(*way) for way in ways if MIXED.format(*way) == text)


@pytest.mark.parametrize("case", CASES)
def test_against_one_patient_after_the_other(case):
    """Means within 4 standard errors of both, and the distribution at some quantiles."""
    clock, events, most, more, exact = CASES[case]
    cap = "" if most is None else f', {{ kind = "max_enrolled", n = {most} }}'
    ds = compare(parse_study(STUDY.format(clock=clock, events=events, cap=cap))).isel(design=0, scenario=0)
    at, rng = Setting(P, tuple(events_of(events)), most=most, **more), random.Random(11)
    oracle = Trials(AcceleratedTitration(2, titrate=1, on_descent="three_then_six", confirm_top=True), cap=10)
    end, last, enrolled, _ = np.array([follow(oracle, at, rng) for _ in range(MANY)]).T
    assert (ds["duration_mcse"].item() == 0) == exact
    factor = np.sqrt(1 / MANY + (0 if exact else 1 / 4000))
    for name, values in (("duration", end), ("completion", last + 40)):
        assert abs(ds[name].item() - values.mean()) < 4 * values.std() * factor + 1e-6, name
        assert ds[f"{name}_sd"].item() == pytest.approx(values.std(), rel=0.08), name
        for level, day in zip(IN_TIME, ds[f"{name}_quantile"].to_numpy(), strict=True):
            below, upto = (values < day - 1e-4).mean(), (values <= day + 1e-4).mean()
            error = 4.5 * np.sqrt(level * (1 - level)) * factor
            assert below - error <= level <= upto + error, (name, level)
    assert abs(ds["enrolled"].item() - enrolled.mean()) < 4 * enrolled.std() / np.sqrt(MANY) + 1e-9
    away = ds["turned_away"].item() + ds["enrolled"].item()
    if not at.gap:
        assert abs(away - last.mean() * at.rate) < 4 * last.std() * at.rate * factor


def left_out(doses=1, out=0.5):
    truth = make_scenarios([[0.0] * doses], ["none"])
    dims = ("scenario", "dose")
    return truth.assign(
        p_excluded=(dims, np.full((1, doses), out)), per_evaluable=(dims, np.full((1, doses), 1 / (1 - out)))
    )


def test_a_cohort_of_two_of_whom_half_are_left_out():
    """Two evaluable of one dose, no DLT. A cohort of two has none with 1/4, one with 1/2, two with 1/4; with one, the
    next are cohorts of one, each evaluable with 1/2. j empty cohorts of two, then two at once: 2 (j + 1) enrolled in
    j + 1 cohorts with (1/4)^j 1/4; or one, then the k-th single: 2 (j + 1) + k in j + 1 + k with (1/4)^j 1/2 (1/2)^k.
    """
    truth = left_out()
    design = enrolling(Modified(BOIN(doses=1, target=0.25, cohort=2), (MaxPatients(n=2),)), truth)
    rate, sentinel = 1.5 / 28, 9.0
    wanted = {}
    for j in range(60):
        wanted[2 * j + 2, j + 1] = wanted.get((2 * j + 2, j + 1), 0) + 0.25 ** (j + 1)
        for k in range(1, 100):
            key = 2 * j + 2 + k, j + 1 + k
            wanted[key] = wanted.get(key, 0) + 0.25**j * 0.5 ** (k + 1)
    c = cohorts_along(graph_of(design), truth, True)
    assert c.weight.sum() == pytest.approx(1, abs=1e-14)
    assert (c.new == 1).all()
    for n, cohorts, weight in zip(c.n.tolist(), c.cohorts.tolist(), c.weight[0], strict=True):
        assert weight == pytest.approx(wanted[n, cohorts], abs=1e-15)
    times = times_of(truth, Clock(28, Accrual(per_window=1.5), stagger=Stagger(sentinel)), graph_of(design))
    mean = sum(w * (n / rate + 28 * k + sentinel) for (n, k), w in wanted.items())
    square = sum(w * ((n / rate + 28 * k + sentinel) ** 2 + n / rate**2) for (n, k), w in wanted.items())
    assert times["duration"][0] == pytest.approx(mean, rel=1e-12)
    assert times["duration_sd"][0] == pytest.approx(math.sqrt(square - mean**2), rel=1e-10)

    def erlang(n, x):
        return 1 - math.exp(-x) * sum(x**i / math.factorial(i) for i in range(n)) if x > 0 else 0.0

    done = sum(w * erlang(n, rate * (183 - 28 * k - sentinel)) for (n, k), w in wanted.items())
    assert times["done_by"][0, 0] == pytest.approx(done, rel=1e-11)


@pytest.mark.parametrize("out", [0.02, 0.3])
def test_the_patients_of_the_cohorts_are_those_enrolled(out):
    """By generating functions, the other route."""
    truth = left_out(3, out).assign(p_observed=(("scenario", "dose"), [[0.1, 0.25, 0.4]]))
    graph = graph_of(enrolling(Modified(BOIN(doses=3, target=0.25, cohort=3), (MaxPatients(n=9),)), truth))
    c, law = cohorts_along(graph, truth, False), enrolled_along(graph, truth)
    found = np.bincount(c.n, c.weight[0], law.probability.shape[1])
    np.testing.assert_allclose(found[: law.probability.shape[1]], law.probability[0], rtol=0, atol=1e-14)


def test_a_law_that_takes_too_much_memory_or_time_is_simulated(monkeypatch):
    text = STUDY.format(clock=POISSON, events=OUT, cap="")
    exact = compare(parse_study(text))
    monkeypatch.setattr("doseopt.comparison.times.MOST", 10)
    drawn = compare(parse_study(text))
    assert drawn.attrs["times_simulated"] == "the law takes too much memory or time"
    assert (drawn["duration_mcse"] > 0).all()
    assert (np.abs(drawn["duration"] - exact["duration"]) < 4 * drawn["duration_mcse"]).all()
