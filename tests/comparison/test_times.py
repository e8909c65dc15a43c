"""Times of trials against an oracle that follows calendars event by event, and against sums over all paths."""

import dataclasses
import functools
import itertools
import math
import random

import numpy as np
import pytest
from oracle import AcceleratedTitration as OracleTitration
from oracle import Stop, ThreePlusThree, Trial, Trials
from oracle_calendar import Calendar, Setting, constant_hazard, fixed, listed, poisson, slots, uniform

from doseopt import AcceleratedTitration, MaxPatients, Modified, build_graph, make_scenarios
from doseopt import ThreePlusThree as Design
from doseopt.clock.arrivals import Accrual
from doseopt.clock.competing import meet
from doseopt.clock.duration import Stagger, duration_of
from doseopt.clock.onset import Onset
from doseopt.comparison.drawn_times import IN_TIME
from doseopt.comparison.times import _drawn, mean_days, times_of
from doseopt.engines.cohorts import cohorts_of
from doseopt.engines.exact import edge_chances
from doseopt.engines.ordered import in_order, ordered_chances
from doseopt.study.clock import Clock

P = (0.25, 0.45)
SCENARIOS = make_scenarios([P], ["one"])
ORACLE = Trials(OracleTitration(2, titrate=1, on_descent="three_then_six", confirm_top=True), cap=10)
GRAPH = build_graph(
    Modified(
        AcceleratedTitration(doses=2, target=0.25, titrate=1, on_descent="three_then_six", confirm_top=True),
        (MaxPatients(n=10),),
    ),
    edges=True,
)
DAYS = tuple(round(3 + 7.7 * k + 40 * math.sin(k) ** 2, 1) for k in range(120))
DAYS = tuple(sorted(set(DAYS)))
ACCRUALS = {
    "poisson": (Accrual("poisson", per_window=1.5), poisson(1.5 / 28)),
    "fixed": (Accrual("fixed", per_window=4), fixed(7.0)),
    "uniform": (Accrual("uniform", per_window=1.5), uniform(1.5 / 28)),
    "bernoulli": (Accrual("bernoulli", per_slot=0.3), slots(7.0, 0.3)),
    "dates": (Accrual("dates", dates=DAYS), listed(DAYS)),
}
STAGGERS = {"": Stagger(), "staggered": Stagger(10, 3, 5), "sentinel of no effect": Stagger(3, 8, 0)}
EXACT = {("poisson", 0), ("poisson", 2), ("fixed", 0), ("bernoulli", 0), ("dates", 0)}
MANY = 3_000


def found(accrual, stagger=Stagger(), queue=None, **more):  # noqa: B008  # a frozen default
    closed = "lost" if queue is None else {"queue": queue}
    clock = Clock(28, accrual, follow_up=40, stagger=stagger, closed=closed, **more)
    return {name: value[0] for name, value in times_of(SCENARIOS, clock, GRAPH).items()}


def drawn(arrivals, stagger, queue, seed, **more):
    setting = Setting(
        arrivals,
        28.0,
        stagger.sentinel_days,
        stagger.between_patients_days,
        stagger.between_cohorts_days,
        queue or 0,
        **more,
    )
    rng = random.Random(seed)
    return [Calendar(ORACLE, P, setting, rng).run() for _ in range(MANY)]


def agree(times, trials, law=True):
    """Means within 4 standard errors of both, and the distribution function at some quantiles."""
    ends = np.array([t.end for t in trials])
    last = np.array([t.last for t in trials]) + 40
    each = {
        "duration": ends,
        "completion": last,
        "turned_away": np.array([t.turned_away for t in trials]),
        "closed_days": np.array([t.closed_days for t in trials]),
    }
    exact = times["duration_mcse"] == 0 and law
    for name, values in each.items():
        error = values.std() * np.sqrt(1 / MANY + (0 if times["duration_mcse"] == 0 else 1 / 4000))
        assert abs(times[name] - values.mean()) <= 4 * error + 1e-9, name
    for name, values in (("duration", ends), ("completion", last)):
        assert times[f"{name}_sd"] == pytest.approx(values.std(), rel=0.08), name
        for level, day in zip(IN_TIME, times[f"{name}_quantile"], strict=True):
            below, upto = (values < day - 1e-6).mean(), (values <= day + 1e-6).mean()
            error = 4.5 * np.sqrt(level * (1 - level) * (1 / MANY + (0 if exact else 1 / 4000)))
            assert below - error <= level <= upto + error, (name, level)


@pytest.mark.parametrize("stagger", STAGGERS)
@pytest.mark.parametrize("queue", [None, 2])
@pytest.mark.parametrize("kind", ACCRUALS)
def test_against_calendars_event_by_event(kind, queue, stagger):
    accrual, arrivals = ACCRUALS[kind]
    times = found(accrual, STAGGERS[stagger], queue)
    assert (times["duration_mcse"] == 0) == ((kind, queue or 0) in EXACT)
    agree(times, drawn(arrivals, STAGGERS[stagger], queue, 5))


ONSETS = {
    "uniform": (None, lambda rng, _: rng.random()),
    "constant": (Onset("constant"), constant_hazard),
}


@pytest.mark.parametrize("onset", ONSETS)
@pytest.mark.parametrize(("kind", "queue"), [("poisson", None), ("poisson", 1), ("fixed", None), ("dates", 2)])
def test_resolved_cohorts_against_calendars(kind, queue, onset):
    accrual, arrivals = ACCRUALS[kind]
    law, draw = ONSETS[onset]
    stagger = STAGGERS["staggered"]
    times = found(accrual, stagger, queue, evaluate="resolved", onset=law)
    assert (times["duration_mcse"] == 0) == (kind == "poisson" and not queue)
    agree(times, drawn(arrivals, stagger, queue, 6, resolved=True, onset=draw), law=False)


@pytest.mark.parametrize("stagger", STAGGERS)
def test_means_of_resolved_cohorts_against_all_paths(stagger):
    """Of who is still in the window when the last of a cohort is enrolled, drawn a million times by size and DLTs."""
    at, rng, many = STAGGERS[stagger], np.random.default_rng(3), 500_000
    graph, oracle = small(2, 4)
    clock = Clock(28, ACCRUALS["poisson"][0], stagger=at, evaluate="resolved")
    times = times_of(SCENARIOS, clock, graph)

    @functools.cache
    def stays(size, new, dlts):
        """Mean and variance of the mean of the days from the last enrolment until all are resolved."""
        toxic = np.arange(size) < dlts
        known = np.where(rng.permuted(np.tile(toxic, (many, 1)), axis=1), 28 * rng.random((many, size)), 28.0)
        days = known[:, 0]
        for k in range(1, size):
            gap = max(at.between_patients_days, at.sentinel_days if new and k == 1 else 0)
            days = np.maximum(days - gap - rng.exponential(28 / 1.5, many), known[:, k])
        return days.mean(), days.var() / many

    duration = last = variance = 0.0
    for chance, cohorts in paths(oracle, P, detailed=True):
        closed, rest = -at.between_cohorts_days, 0.0
        for size, new, dlts in cohorts:
            rest, uncertain = stays(size, new, dlts)
            sentinel = max(at.sentinel_days - at.between_patients_days, 0) if new and size > 1 else 0
            closed += rest + at.between_patients_days * (size - 1) + sentinel + at.between_cohorts_days
            closed += size * 28 / 1.5
            variance += chance * uncertain
        duration, last = duration + chance * closed, last + chance * (closed - rest)
    assert abs(times["duration"][0] - duration) < 4 * math.sqrt(variance)
    assert abs(times["completion"][0] - last - 28) < 4 * math.sqrt(variance)
    patients = sum(chance * sum(size for size, _ in cohorts) for chance, cohorts in paths(oracle, P))
    assert times["turned_away"][0] == pytest.approx((times["completion"][0] - 28) * 1.5 / 28 - patients, rel=1e-12)


def test_dlts_known_at_visits():
    accrual, arrivals = ACCRUALS["poisson"]
    more = {"visits": (7, 14, 60), "known": "at_visit"}
    times = found(accrual, evaluate="resolved", **more)
    ends = (0.25, 0.5, 1.0)
    agree(times, drawn(arrivals, Stagger(), 0, 7, resolved=True, onset=ONSETS["uniform"][1], visits=ends), law=False)


def paths(trials, p, trial=None, chance=1.0, sizes=(), detailed=False):
    """All paths of a rule: their probability, and the sizes and novelty of their cohorts, and DLTs if asked for."""
    nothing = (0,) * trials.doses
    trial = Trial(nothing, nothing) if trial is None else trial
    given = trials.decide(trial)
    if isinstance(given, Stop):
        yield chance, sizes
        return
    rate, new = p[given.dose], trial.n[given.dose] == 0
    for dlts in range(given.size + 1):
        odds = math.comb(given.size, dlts) * rate**dlts * (1 - rate) ** (given.size - dlts)
        after = trials.treated(trial, given, dlts)
        cohort = (given.size, new, dlts) if detailed else (given.size, new)
        yield from paths(trials, p, after, chance * odds, (*sizes, cohort), detailed)


SMALL = {(1, 3): (0.4,), (1, 4): (0.4,), (2, 4): P}
"""Doses and cap, and the rates."""


def small(doses, cap):
    base = Design(doses=doses, target=0.25, on_descent="three_then_six")
    oracle = Trials(ThreePlusThree(doses, on_descent="three_then_six", confirm_top=True), cap=cap)
    return build_graph(Modified(base, (MaxPatients(n=cap),)), edges=True), oracle


def last_of(sizes, days, stagger):
    """Index and day of the last patient of a path, one day after the other."""
    opens, k = -1.0, -1
    for size, new in sizes:
        for i in range(size):
            k = next(j for j in range(k + 1, len(days)) if days[j] >= opens)
            sentinel = stagger.sentinel_days if new and i == 0 else 0
            opens = days[k] + max(stagger.between_patients_days, sentinel)
        opens = days[k] + 28 + stagger.between_cohorts_days
    return k


@pytest.mark.parametrize("stagger", STAGGERS)
@pytest.mark.parametrize("size", SMALL, ids=str)
def test_listed_arrivals_against_all_paths(size, stagger):
    p, (graph, oracle) = SMALL[size], small(*size)
    clock = Clock(28, ACCRUALS["dates"][0], stagger=STAGGERS[stagger])
    times = times_of(make_scenarios([p], ["one"]), clock, graph)
    each = [(chance, last_of(sizes, DAYS, STAGGERS[stagger]), sizes) for chance, sizes in paths(oracle, p)]
    assert sum(chance for chance, *_ in each) == pytest.approx(1, abs=1e-12)
    ends = [DAYS[k] + 28 for _, k, _ in each]
    assert times["duration"][0] == pytest.approx(sum(c * e for (c, *_), e in zip(each, ends, strict=True)), rel=1e-12)
    away = sum(c * (k + 1 - sum(s for s, _ in sizes)) for c, k, sizes in each)
    assert times["turned_away"][0] == pytest.approx(away, rel=1e-12, abs=1e-12)
    late = sum(c * (DAYS[k] - DAYS[sum(s for s, _ in sizes) - 1]) for c, k, sizes in each)
    assert times["delay"][0] == pytest.approx(late, rel=1e-12, abs=1e-12)
    done = sum(c for (c, *_), e in zip(each, ends, strict=True) if e <= 183)
    assert times["done_by"][0, 0] == pytest.approx(done, rel=1e-12)


def waited(sizes, stagger, rate, most):
    """Law of the patients waited for along a path, {number: probability}: every number of arrivals summed over."""
    law = {(0, 0): 1.0}
    for size, new in sizes:
        for i in range(size):
            closed = 28 + stagger.between_cohorts_days
            if i < size - 1:
                closed = max(stagger.between_patients_days, stagger.sentinel_days if new and i == 0 else 0)
            after = {}
            for (number, queue), chance in law.items():
                number, queue = (number, queue - 1) if queue else (number + 1, 0)
                for come in range(60):
                    odds = math.exp(-rate * closed) * (rate * closed) ** come / math.factorial(come)
                    key = number, min(queue + come, most)
                    after[key] = after.get(key, 0) + chance * odds
            law = after
    return law


@pytest.mark.parametrize("stagger", STAGGERS)
@pytest.mark.parametrize("size", SMALL, ids=str)
def test_queues_against_all_paths(size, stagger):
    """T is the closed days, a window, and a gamma time for who is waited for; mass 1."""
    p, (graph, oracle), rate = SMALL[size], small(*size), 1.5 / 28
    at = STAGGERS[stagger]
    clock = Clock(28, ACCRUALS["poisson"][0], stagger=at, closed={"queue": 2})
    times = times_of(make_scenarios([p], ["one"]), clock, graph)
    mass = mean = square = 0.0
    for chance, sizes in paths(oracle, p):
        closed = 28 * len(sizes) + at.between_cohorts_days * (len(sizes) - 1)
        for size_, new in sizes:
            closed += at.between_patients_days * (size_ - 1)
            closed += max(at.sentinel_days - at.between_patients_days, 0) if new and size_ > 1 else 0
        for (number, _), odds in waited(sizes, at, rate, 2).items():
            t = closed + number / rate
            mass, mean = mass + chance * odds, mean + chance * odds * t
            square += chance * odds * (t**2 + number / rate**2)
    assert mass == pytest.approx(1, abs=1e-12)
    assert times["duration"][0] == pytest.approx(mean, rel=1e-12)
    assert times["duration_sd"][0] == pytest.approx(math.sqrt(square - mean**2), rel=1e-9)


@pytest.mark.parametrize("stagger", STAGGERS)
@pytest.mark.parametrize("size", SMALL, ids=str)
def test_patients_in_slots_against_all_paths(size, stagger):
    """Slots of 7 days, one in three with a patient: negative binomial waits, and closed days are whole slots."""
    p, (graph, oracle), q = SMALL[size], small(*size), 1 / 3
    at = STAGGERS[stagger]
    times = times_of(make_scenarios([p], ["one"]), Clock(28, Accrual("bernoulli", per_slot=q), stagger=at), graph)
    mass = mean = square = done = 0.0
    for chance, sizes in paths(oracle, p):
        slots_ = 0
        for k, (size_, new) in enumerate(sizes):
            for i in range(size_):
                gap = max(at.between_patients_days, at.sentinel_days if new and i == 0 else 0)
                gap = gap if i < size_ - 1 else 28 + at.between_cohorts_days
                slots_ += max(math.ceil(gap / 7), 1) - 1 if i < size_ - 1 or k < len(sizes) - 1 else 0
        n = sum(size_ for size_, _ in sizes)
        for come in range(n, 400):
            odds = chance * math.comb(come - 1, n - 1) * q**n * (1 - q) ** (come - n)
            t = 7 * (slots_ + come) + 28
            mass, mean, square, done = mass + odds, mean + odds * t, square + odds * t**2, done + odds * (t <= 183)
    assert mass == pytest.approx(1, abs=1e-12)
    assert times["duration"][0] == pytest.approx(mean, rel=1e-12)
    assert times["duration_sd"][0] == pytest.approx(math.sqrt(square - mean**2), rel=1e-9)
    assert times["done_by"][0, 0] == pytest.approx(done, rel=1e-11)


def test_a_queue_whose_law_takes_too_much_memory_is_simulated(monkeypatch):
    accrual = ACCRUALS["poisson"][0]
    exact = found(accrual, queue=2)
    monkeypatch.setattr("doseopt.comparison.times.MOST", 10)
    drawn_ = found(accrual, queue=2)
    assert exact["duration_mcse"] == 0 < drawn_["duration_mcse"]
    for name in ("duration", "completion"):
        assert abs(drawn_[name] - exact[name]) < 4 * drawn_["duration_mcse"]
    assert drawn_["turned_away"] == pytest.approx(exact["turned_away"], rel=0.15)
    assert drawn_["delay"] == pytest.approx(exact["delay"], abs=4 * drawn_["duration_mcse"])


def close(one, two, names=("duration", "duration_sd", "duration_quantile", "done_by", "turned_away", "closed_days")):
    for name in names:
        np.testing.assert_allclose(one[name], two[name], rtol=1e-12, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("stagger", STAGGERS.values(), ids=STAGGERS)
def test_a_queue_of_nobody_is_lost(stagger):
    for accrual, _ in ACCRUALS.values():
        close(found(accrual, stagger, 0), found(accrual, stagger))


@pytest.mark.parametrize("stagger", STAGGERS.values(), ids=STAGGERS)
def test_fixed_arrivals_are_those_dates_and_a_patient_in_every_slot(stagger):
    one = found(Accrual("fixed", per_window=4), stagger)
    close(one, found(Accrual("dates", dates=tuple(7.0 * k for k in range(1, 200))), stagger))
    close(one, found(Accrual("bernoulli", per_slot=1.0), stagger))


def test_a_longer_queue_than_there_are_patients_changes_nothing():
    close(found(ACCRUALS["poisson"][0], queue=10), found(ACCRUALS["poisson"][0], queue=1000))


def test_small_slots_are_poisson():
    one = found(ACCRUALS["poisson"][0], STAGGERS["staggered"])
    for slots_, most in ((280, 0.01), (28_000, 1e-4)):
        two = found(Accrual("bernoulli", per_slot=1.5 / slots_), STAGGERS["staggered"], slots=slots_)
        assert two["duration"] == pytest.approx(one["duration"], rel=most)
        np.testing.assert_allclose(two["done_by"], one["done_by"], atol=2 * most)


def test_a_queue_shortens_a_trial_and_resolved_cohorts_do():
    accrual = ACCRUALS["poisson"][0]
    means = [found(accrual, queue=k)["duration"] for k in range(4)]
    assert all(b < a for a, b in itertools.pairwise(means))
    window, resolved = (found(ACCRUALS["uniform"][0], evaluate=e) for e in ("window", "resolved"))
    assert resolved["duration"] < window["duration"] - 4 * window["duration_mcse"]


@pytest.mark.parametrize("stagger", STAGGERS.values(), ids=STAGGERS)
def test_resolved_cohorts_are_no_later_and_where_nobody_has_a_dlt_as_late(stagger):
    accrual = ACCRUALS["poisson"][0]
    window, resolved = (found(accrual, stagger, evaluate=e) for e in ("window", "resolved"))
    assert resolved["duration_mcse"] == 0
    assert resolved["duration"] < window["duration"]
    assert resolved["completion"] < window["completion"]
    none = make_scenarios([(0.0, 0.0)], ["none"])
    one, two = (times_of(none, Clock(28, accrual, stagger=stagger, evaluate=e), GRAPH) for e in ("window", "resolved"))
    for name in ("duration", "completion", "turned_away", "closed_days", "delay"):
        assert two[name][0] == pytest.approx(one[name][0], rel=1e-9), name


def test_designs_that_look_at_moderate_toxicity():
    """Drawn along the edges and by the law of each scenario."""
    graph = build_graph(
        Modified(AcceleratedTitration(doses=2, target=0.25, titrate=2, trigger="first_moderate"), (MaxPatients(n=8),)),
        edges=True,
    )
    assert graph.category_counts.shape[1] == 3
    scenarios = make_scenarios([P, (0.1, 0.2)], ["one", "two"], p_moderate=[(0.2, 0.3), (0.4, 0.5)])
    clock = Clock(28, ACCRUALS["poisson"][0])
    law, resolved = (times_of(scenarios, c, graph) for c in (clock, dataclasses.replace(clock, evaluate="resolved")))
    rates = [scenarios[name].to_numpy() for name in ("p_observed", "p_moderate")]
    drawn_ = _drawn(scenarios, clock, graph, 1, edge_chances(graph, *rates))
    for name in ("duration", "completion"):
        assert (np.abs(drawn_[name] - law[name]) < 4 * drawn_["duration_mcse"]).all()
    assert (resolved["duration"] < law["duration"]).all()
    assert (resolved["duration_mcse"] == 0).all()


@pytest.mark.parametrize("kind", ["poisson", "bernoulli", "fixed", "dates"])
@pytest.mark.parametrize("stagger", STAGGERS.values(), ids=STAGGERS)
def test_a_mean_alone_is_that_of_the_law(kind, stagger):
    """From expected counts, state by state, where the law is that of each number of cohorts; in two and three kinds."""
    scenarios = make_scenarios([P, (0.1, 0.2)], ["one", "two"], p_moderate=[(0.2, 0.3), (0.4, 0.5)])
    titration = AcceleratedTitration(doses=2, target=0.25, titrate=2, trigger="first_moderate")
    both = GRAPH, build_graph(Modified(titration, (MaxPatients(n=8),)), edges=True)
    clock = Clock(28, ACCRUALS[kind][0], stagger=stagger)
    for graph in both:
        wanted = times_of(scenarios, clock, graph)["duration"]
        np.testing.assert_allclose(mean_days(scenarios, clock, graph), wanted, rtol=1e-12)


def test_a_mean_where_one_population_comes_first_is_that_of_its_cohorts(monkeypatch):
    first, then = (make_scenarios(rates, ["one", "two"]) for rates in ([P, (0.1, 0.2)], [(0.4, 0.6), (0.2, 0.5)]))
    scenarios, clock = in_order(first, then, 4), Clock(28, ACCRUALS["poisson"][0], stagger=STAGGERS["staggered"])
    by = ordered_chances(GRAPH, then["p_observed"].to_numpy(), scenarios)
    c = cohorts_of(GRAPH, then["p_observed"].to_numpy(), by=by)
    law = duration_of(c.n, c.cohorts, c.new, c.weight, clock.arrivals, clock.window, clock.stagger)
    np.testing.assert_allclose(mean_days(scenarios, clock, GRAPH), law.mean, rtol=1e-12)
    monkeypatch.setattr("doseopt.comparison.times.ROOM", 1)
    np.testing.assert_allclose(mean_days(scenarios, clock, GRAPH), law.mean, rtol=1e-12)


READINGS = {"dlt": ("dlt", 0.0), "complete": ("complete", 0.4), "replace": ("replace", 0.4)}


@pytest.mark.parametrize("reading", READINGS)
def test_resolved_by_other_events_against_competing_times(reading):
    """Exponential times of DLT and death, the earlier in the window: who is known when, one patient at a time."""
    read, share = READINGS[reading]
    p, m = np.array(P), 0.35
    met = meet(p, [m], [read], [share])
    dims, of = ("scenario", "dose"), ("scenario", "population", "dose")
    scenarios = SCENARIOS.assign(
        p_observed=(dims, met.rate[None]),
        p_alone=(dims, p[None]),
        per_evaluable=(dims, met.per_evaluable[None]),
        hazard=(of, np.full((1, 1, 2), -math.log(1 - m))),
        rate_met=(of, met.rate[None, None]),
        p_removed=(of, met.removed[None, None]),
        p_left_out=(of, met.left_out[None, None]),
        share=(of[:2], np.ones((1, 1))),
    )
    times = times_of(scenarios, Clock(28, ACCRUALS["poisson"][0], evaluate="resolved"), GRAPH)
    assert (times["duration_mcse"][0] == 0) == (reading != "replace")
    rng = random.Random(9)

    def patient(day, dose):
        """Day on which it is known how a patient counts, and how."""
        dlt, death = (rng.expovariate(-math.log(1 - q)) for q in (p[dose], m))
        if min(dlt, death) >= 1:
            return day + 28, "clean"
        counts = dlt < death or read == "dlt" or rng.random() < share
        return day + 28 * min(dlt, death), "dlt" if counts else {"replace": "left"}.get(read, "clean")

    def trial():
        nothing, day = (0, 0), 0.0
        state = Trial(nothing, nothing)
        while not isinstance(given := ORACLE.decide(state), Stop):
            free, known, dlts = [day] * given.size, day, 0
            while free:
                day = max(day, free.pop(0)) + rng.expovariate(1.5 / 28)
                end, how = patient(day, given.dose)
                dlts += how == "dlt"
                if how == "left":
                    free = sorted([*free, end])
                else:
                    known = max(known, end)
            day, state = known, ORACLE.treated(state, given, dlts)
        return day

    ends = np.array([trial() for _ in range(MANY)])
    error = math.sqrt(ends.var() / MANY + times["duration_mcse"][0] ** 2)
    assert abs(times["duration"][0] - ends.mean()) < 4 * error
    assert times["duration_sd"][0] == pytest.approx(ends.std(), rel=0.08)
