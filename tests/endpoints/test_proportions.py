"""Proportions: what R gives, closed forms, and an independent quadrature."""

import csv
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import beta, binom

from doseopt import Faults
from doseopt.endpoints.proportions import JEFFREYS, Proportion

REFERENCE = Path(__file__).parent / "reference" / "proportions.csv"
"""R 4.2.2: `binom.test`, `qbeta`, `pbeta`, and `integrate` against a control of 130 of 200, Beta(131, 71)."""
ROWS = [{k: float(v) for k, v in row.items()} for row in csv.DictReader(REFERENCE.read_text().splitlines())]


def test_the_reference_is_there():
    assert len(ROWS) == 77


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['y']:g} of {row['n']:g}, {row['p0']:g}")
def test_every_row_of_the_reference(row):
    rate = Proportion(row["y"], row["n"])
    found = {
        "uniform_mean": rate.mean(),
        "p_greater_exact": rate.p_at_least(row["p0"]),
        "post_prob_above_p0_uniform": rate.above(row["p0"]),
        "post_prob_above_hist_130_of_200": rate.above_control(130, 200),
    }
    found["cp_lower"], found["cp_upper"] = rate.clopper_pearson()
    found["jeffreys_lower"], found["jeffreys_upper"] = rate.credible(0.95, JEFFREYS)
    found["uniform_lower90"], found["uniform_upper90"] = rate.credible()
    for name, value in found.items():
        digits = 1e-7 if "hist" in name else 1e-11  # twelve digits are printed; R's `integrate` has its own error
        assert value == pytest.approx(row[name], rel=digits, abs=1e-15), name


def test_against_a_control_without_data_the_chance_of_nothing_seen_is_even():
    assert Proportion(0, 0).above_control(0, 0) == pytest.approx(0.5, abs=1e-15)


@pytest.mark.parametrize(("y", "n", "weight"), [(0, 3, 0.3), (5, 8, 0.3), (20, 20, 1), (3, 9, 0), (55, 80, 0.5)])
def test_a_random_control_by_quadrature(y, n, weight):
    control = beta(1 + weight * 130, 1 + weight * 70)
    own = beta(1 + y, 1 + n - y)
    wanted, _ = quad(lambda c: control.pdf(c) * own.sf(c), 0, 1, points=[0.65], epsabs=1e-13, limit=200)
    assert Proportion(y, n).above_control(130, 200, weight) == pytest.approx(wanted, abs=1e-10)


def test_a_sure_control_is_a_known_rate():
    rate = Proportion(7, 9)
    assert rate.above_control(65_000, 100_000) == pytest.approx(rate.above(0.65), abs=1e-5)


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_the_exact_interval_covers_at_its_level_or_above(level):
    """Whatever the true rate: the sum of the probabilities of the counts whose interval holds it."""
    y = np.arange(8)
    lower, upper = Proportion(y, 7).clopper_pearson(level)
    for rate in np.linspace(0.01, 0.99, 50):
        assert binom.pmf(y, 7, rate)[(lower <= rate) & (rate <= upper)].sum() >= level - 1e-12


def test_nobody_at_a_dose():
    rate = Proportion([0, 1], [0, 1])
    assert [limits[0] for limits in rate.clopper_pearson()] == [0, 1]
    assert rate.mean()[0] == 0.5
    assert rate.p_at_least(0.3)[0] == 1
    assert rate.above(0.3)[0] == pytest.approx(0.7)


def test_the_highest_of_equal_rates_is_any_of_them():
    assert Proportion([1, 1, 1, 1], [3, 3, 3, 3]).highest() == pytest.approx([0.25] * 4, abs=1e-14)
    assert Proportion(1, 3).highest() == pytest.approx([1])


def test_the_higher_of_two_rates_by_the_closed_form():
    """Pr(Beta(6, 4) > Beta(131, 71)): the last column of proportions.csv at 5 of 8."""
    found = Proportion([5, 130], [8, 200]).highest()
    assert found[0] == pytest.approx(Proportion(5, 8).above_control(130, 200), abs=1e-12)
    assert found.sum() == pytest.approx(1, abs=1e-12)


def test_the_highest_of_four_rates_by_simulation():
    y, n = np.array([0, 2, 5, 1]), np.array([3, 6, 6, 1])
    draws = np.random.default_rng(2).beta(1 + y, 1 + n - y, (400_000, 4)).argmax(axis=1)
    share = np.bincount(draws, minlength=4) / 400_000
    assert Proportion(y, n).highest() == pytest.approx(share, abs=4 * np.sqrt(0.25 / 400_000))


def test_everything_that_is_wrong_is_said():
    with pytest.raises(Faults) as caught:
        Proportion([1.5, 2], -1)
    assert [fault.where for fault in caught.value.faults] == ["n", "y"]
    with pytest.raises(Faults, match="y: wanted at most n"):
        Proportion([1, 5], [3, 3])
    with pytest.raises(Faults, match=r"level: wanted a number in \[0, 1\], got 95.0"):
        Proportion(1, 3).clopper_pearson(95)
    with pytest.raises(Faults, match="rate"):
        Proportion(1, 3).above(np.nan)
    for control in ((5, 3, 1), (1, 3, 2), ("x", 3, 1), (1, -1, 1)):
        with pytest.raises(Faults):
            Proportion(1, 3).above_control(*control)
