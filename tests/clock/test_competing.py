"""What happens first in the DLT window: closed forms, an independent calculation, and simulated times."""

import csv
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import quad

from doseopt.clock.competing import competing, meet
from doseopt.clock.mortality import mortality
from doseopt.clock.onset import Onset
from doseopt.core.parameters import Faults

REFERENCE = Path(__file__).parent / "reference" / "competing.csv"
"""Closed forms for constant competing hazards, calculated apart from the package: p, m, attributed share, readings."""
LINES = REFERENCE.read_text().splitlines()
ROWS = [{k: float(v) for k, v in row.items() if k != "hazards"} for row in csv.DictReader(LINES)]
ONSETS = {
    "constant": Onset("constant"),
    "uniform": Onset("uniform"),
    "weibull": Onset("weibull", late=0.7),
    "visits": Onset("visits", shares=(0.5, 0.2, 0.3), ends=(0.1, 0.5, 1.0)),
}


def test_the_reference_is_there():
    assert len(ROWS) == 72


@pytest.mark.parametrize("row", ROWS, ids=lambda r: f"p={r['p']:g} m={r['m']:g} a={r['a']:g}")
def test_rates_of_each_reading(row):
    p, m, a = row["p"], row["m"], row["a"]
    dlt, (other,), neither = competing(p, [m])
    found = {
        "p_dlt_first": dlt,
        "p_background_first": other,
        "p_neither": neither,
        "seen_all_deaths_dlt": meet(p, [m], ["dlt"], [0]).rate,
        "seen_attributed_rest_completes": meet(p, [m], ["complete"], [a]).rate,
        "evaluable_replace": 1 - meet(p, [m], ["replace"], [a]).removed,
        "seen_attributed_rest_replaced": meet(p, [m], ["replace"], [a]).rate,
        "enrolled_per_evaluable": meet(p, [m], ["replace"], [a]).per_evaluable,
    }
    for name, value in found.items():
        assert value == pytest.approx(row[name], rel=0, abs=6e-13), name


def test_uniform_onset_has_a_closed_form():
    """p m / -ln(1 - m): .21725 for .25 and .25."""
    dlt, _, neither = competing(0.25, [0.25], Onset("uniform"))
    assert dlt == pytest.approx(0.25 * 0.25 / -np.log(0.75), rel=1e-14)
    assert round(float(dlt), 5) == 0.21725
    assert neither == pytest.approx(0.5625, rel=1e-14)


@pytest.mark.parametrize("late", [0.05, 0.3, 0.5, 0.8, 0.99])
def test_weibull_onset_by_another_quadrature(late):
    p, m = 0.3, 0.4
    shape = np.log2(np.log(1 - p) / np.log(1 - (1 - late) * p))
    value, _ = quad(
        lambda s: np.exp(np.log(1 - m) * (-np.log(1 - s) / -np.log(1 - p)) ** (1 / shape)), 0, p, epsabs=1e-13
    )
    assert competing(p, [m], Onset("weibull", late=late))[0] == pytest.approx(value, rel=0, abs=1e-9)


def test_a_weibull_onset_has_its_share_in_the_second_half():
    onset = Onset("weibull", late=0.7)
    assert onset.reached(np.array([0.5, 1.0]), np.array(0.2)) == pytest.approx([0.3 * 0.2, 0.2])


@pytest.mark.parametrize("name", ONSETS)
def test_probabilities_of_several_events_sum_to_one(name):
    p = np.array([0.0, 0.05, 0.4, 1.0])
    dlt, others, neither = competing(p, [0.1, np.array([0.0, 0.2, 0.3, 0.4])], ONSETS[name])
    np.testing.assert_allclose(dlt + others.sum(axis=0) + neither, 1, rtol=0, atol=1e-14)
    assert others.shape == (2, 4)
    assert (others >= 0).all()
    assert dlt[0] == 0
    assert others[1, 0] == 0


def drawn(onset, p, events, trials, rng):
    """Draw what happens first in the window: 0 a DLT, k the k-th event, -1 nothing. Times by inversion on a grid."""
    grid = np.linspace(0, 1, 20_001)
    u = rng.random(trials)
    dlt = np.interp(u, onset.reached(grid, np.array(p)), grid, right=np.inf)
    dlt[u >= p] = np.inf
    others = [rng.exponential(-1 / np.log1p(-m), trials) for m in events]
    times = np.stack([dlt, *others])
    return np.where(times.min(axis=0) > 1, -1, times.argmin(axis=0))


@pytest.mark.parametrize("name", ONSETS)
def test_every_rate_by_simulated_times(name):
    trials, rng = 400_000, np.random.default_rng(20)
    p, events, readings, attributed = 0.3, (0.2, 0.1, 0.15), ("replace", "dlt", "complete"), (0.5, 0.0, 0.25)
    first = drawn(ONSETS[name], p, events, trials, rng)
    dlt, others, neither = competing(p, events, ONSETS[name])
    wanted = np.array([neither, dlt, *others])
    found = np.bincount(first + 1, minlength=5) / trials
    assert (np.abs(found - wanted) < 4 * np.sqrt(wanted * (1 - wanted) / trials)).all()
    called, v = np.zeros(trials, bool), rng.random(trials)
    called[first == 0] = called[first == 2] = True
    called[(first == 1) & (v < 0.5)] = called[(first == 3) & (v < 0.25)] = True
    out = (first == 1) & ~called
    met = meet(p, events, readings, attributed, ONSETS[name])
    rate, left = called[~out].mean(), 1 - out.mean()
    assert abs(rate - met.rate) < 4 * np.sqrt(rate * (1 - rate) / (~out).sum())
    assert abs(left - 1 / met.per_evaluable) < 4 * np.sqrt(left * (1 - left) / trials)


@pytest.mark.parametrize("name", ONSETS)
def test_who_is_left_out_by_simulated_times(name):
    trials, rng = 400_000, np.random.default_rng(21)
    p, events, attributed = 0.3, (0.25, 0.1), (0.4, 0.0)
    first, v = drawn(ONSETS[name], p, events, trials, rng), rng.random(trials)
    called = (first == 0) | ((first == 1) & (v < 0.4))
    out, replaced = (first == 1) & ~called, first == 2
    met = meet(p, events, ("exclude", "replace"), attributed, ONSETS[name])
    for found, of, wanted in (
        (called, ~(out | replaced), met.rate),
        (out, ~replaced, met.excluded),
        (replaced, np.ones(trials, bool), met.removed),
        (out, np.ones(trials, bool), met.left_out),
    ):
        assert abs(found[of].mean() - wanted) < 4 * np.sqrt(wanted * (1 - wanted) / of.sum())


def test_without_events_the_rate_is_untouched():
    p = np.array([0.0, 0.1, 0.3, 1.0])
    met = meet(p, [], [], [])
    assert met.rate.tolist() == p.tolist()
    assert met.per_evaluable.tolist() == [1, 1, 1, 1]


def test_mortality_between_published_days():
    """CANONIC, grade 1: 22% at 28 and 40% at 90 days; on the way the log of survival is linear."""
    found = mortality([0, 14, 28, 60, 90, 121], [28, 90], [0.22, 0.40])
    wanted = [0, 1 - 0.78**0.5, 0.22, 1 - 0.78 * (0.6 / 0.78) ** (32 / 62), 0.40, 1 - 0.6 * (0.6 / 0.78) ** 0.5]
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-14)


def test_mortality_says_all_that_is_wrong():
    with pytest.raises(Faults) as caught:
        mortality(28, [90, 28], [0.4, 0.22])
    assert [fault.where for fault in caught.value.faults] == ["days", "died"]
