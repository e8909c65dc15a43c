"""Duration of full-follow-up trials: an independent calculation, and calendars drawn patient by patient."""

import csv
from pathlib import Path

import numpy as np
import pytest

from doseopt import AcceleratedTitration, MaxPatients, Modified, ThreePlusThree, build_graph
from doseopt.clock.arrivals import MONTH, Accrual, Arrivals
from doseopt.clock.duration import Duration, Stagger, duration_of
from doseopt.engines.cohorts import cohorts_of

REFERENCE = Path(__file__).parent / "reference" / "duration_exact.csv"
"""Calculated apart from the package: own recursion, mixture of gamma distributions, quantiles by bisection."""
ROWS = list(csv.DictReader(REFERENCE.read_text().splitlines()))
REGISTERED = AcceleratedTitration(doses=4, target=0.25, titrate=1, on_descent="three_then_six", confirm_top=True)
DESIGNS = {
    "registered uncapped": REGISTERED,
    "registered cap 10": Modified(REGISTERED, (MaxPatients(n=10),)),
    "3+3 six everywhere": ThreePlusThree(doses=4, target=0.25, on_descent="three_then_six"),
}


@pytest.mark.parametrize("row", ROWS, ids=lambda r: "-".join(list(r.values())[i] for i in (0, 2, 3, 4, 5)))
def test_law_of_the_duration(row):
    p = np.array([[float(v) for v in row["p"].split("|")]])
    graph = build_graph(DESIGNS[row["design"]], edges=True)
    c = cohorts_of(graph, p)
    stagger = Stagger(between_patients_days=float(row["stagger_days"]))
    arrivals = Accrual("poisson", per_month=float(row["accrual_per_month"])).arrivals(28)
    law = duration_of(c.n, c.cohorts, c.new, c.weight, arrivals, float(row["window_days"]), stagger)
    q = law.quantile([0.1, 0.5, 0.9])[0]
    found = {
        "mean_n": c.weight[0] @ c.n,
        "mean_cohorts": c.weight[0] @ c.cohorts,
        "mean_duration_days": law.mean[0],
        "sd_duration": law.sd[0],
        **dict(zip(("q10", "q50", "q90"), q, strict=True)),
        "p_within_365": law.below([365.0])[0, 0],
        "p_within_670": law.below([670.0])[0, 0],
    }
    for name, value in found.items():
        assert value == pytest.approx(float(row[name]), rel=6e-10), name


SIZES = [(1, 1, 0), (3, 3, 1), (3, 3, 0), (2, 2, 1)]
"""Cohorts of a trial made for this: size, again, and whether the dose is new."""


def drawn(accrual, window, stagger, trials, rng):
    """Follow a trial of cohorts of 1, 3, 3 and 2 through drawn calendars, patient by patient."""
    gap = 1 / accrual.rate(window)
    gaps = rng.exponential(gap, (trials, 400)) if accrual.kind == "poisson" else np.full((trials, 400), gap)
    calendars = np.cumsum(gaps, axis=1)
    ends = np.empty(trials)
    for i, days in enumerate(calendars):
        free, arrival, last = 0.0, 0, 0.0
        for size, _, new in SIZES:
            for k in range(size):
                while days[arrival] < free - 1e-9:
                    arrival += 1
                last = days[arrival]
                arrival += 1
                gap = max(stagger.between_patients_days, stagger.sentinel_days if new and k == 0 else 0)
                free = last + gap
            free = last + window + stagger.between_cohorts_days
        ends[i] = last + window
    return ends


STAGGERS = [
    Stagger(),
    Stagger(between_patients_days=3),
    Stagger(7, 3, 5),
    Stagger(sentinel_days=2, between_patients_days=3),
]


@pytest.mark.parametrize("stagger", STAGGERS, ids=str)
@pytest.mark.parametrize("kind", ["poisson", "fixed"])
def test_against_drawn_calendars(kind, stagger):
    accrual, trials = Accrual(kind, per_month=4), 4_000
    ends = drawn(accrual, 28, stagger, trials, np.random.default_rng(3))
    law = duration_of(*(np.array([v]) for v in (9, 4, 2)), np.ones((1, 1)), accrual.arrivals(28), 28, stagger)
    assert abs(ends.mean() - law.mean[0]) <= 4 * ends.std() / np.sqrt(trials) + 1e-9
    assert law.sd[0] == pytest.approx(ends.std(), rel=0.06, abs=1e-6)
    for level, day in zip((0.1, 0.5, 0.9), law.quantile([0.1, 0.5, 0.9])[0], strict=True):
        p = law.below([day])[0, 0]
        assert p == pytest.approx(1 if kind == "fixed" else level)
        assert abs((ends <= day + 1e-6).mean() - p) <= 4 * np.sqrt(p * (1 - p) / trials) + 1e-12


def test_a_mixture_of_numbers():
    """Two trials of fixed length, 28 and 56 days with 0.25 and 0.75."""
    law = Duration(np.array([28.0, 56.0]), np.zeros(2), 0.1, np.array([[0.25, 0.75]]))
    assert law.mean.tolist() == [49]
    assert law.sd.tolist() == pytest.approx([28 * np.sqrt(0.25 * 0.75)])
    assert law.quantile([0.1, 0.25, 0.5]).tolist() == [pytest.approx([28, 28, 56])]
    assert law.below([27.9, 28, 56]).tolist() == [[0, 0.25, 1]]


def test_the_figures_of_the_registered_design():
    """Two patients a month, window of 28 days: 90% done in 480.8 days, 99.8% in 670."""
    c = cohorts_of(build_graph(REGISTERED, edges=True), np.array([[0.05, 0.1, 0.2, 0.3]]))
    law = duration_of(c.n, c.cohorts, c.new, c.weight, Arrivals("poisson", 2 / MONTH), 28, Stagger())
    assert law.quantile([0.9]).round(1).tolist() == [[480.8]]
    assert law.below([670]).round(3).tolist() == [[0.998]]


def test_quantiles_are_those_of_halving_an_interval():
    """With many components, one without any wait, and in slots: where the distribution function reaches the level."""
    rng, levels = np.random.default_rng(3), np.array([0.01, 0.05, 0.5, 0.95, 0.99])
    for slot, fewest in ((0.0, 1), (0.0, 0), (7.0, 1)):
        cohorts = rng.integers(2, 9, 40)
        waited = np.maximum(3 * cohorts - rng.integers(0, 3, 40), 1) * (np.arange(40) >= 1 - fewest)
        law = Duration(28.0 * cohorts, waited.astype(float), 0.018, rng.dirichlet(np.full(40, 0.3), 5), slot)
        low, high = np.zeros((5, 5)), np.full((5, 5), 1e5)
        for _ in range(70):
            middle = (low + high) / 2
            done = law.below(middle) >= levels - 1e-13
            low, high = np.where(done, low, middle), np.where(done, middle, high)
        assert law.quantile(levels) == pytest.approx(high, rel=1e-12)
