"""A rate beside that of controls: by hand, in fractions, and by scipy's adaptive rule."""

from fractions import Fraction
from itertools import pairwise
from math import comb, factorial

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import beta, norm

from doseopt.core.parameters import Faults
from doseopt.models.control import ControlledRate, Difference

CASES = [
    (ControlledRate(130, 200), 7, 1),
    (ControlledRate(130, 200, 0.5, 0.5, 0.5), 8, 0),
    (ControlledRate(130, 200, 0.5, 3.9, 2.1), 7.35, 1),
    (ControlledRate(19, 20, 1, 5.7, 0.3), 0, 3),
    (ControlledRate(0, 40), 0, 2),
    (ControlledRate(1, 2, 0), 60, 0),
    (ControlledRate(650, 1000), 30, 30),
]
AT_AN_END = [
    (ControlledRate(1, 100_000, 1, 6e-5, 6 - 6e-5), 0, 0),
    (ControlledRate(99_999, 100_000, 1, 6 - 6e-5, 6e-5), 8, 0),
]


def by_scipy(found, d):
    """Pr(X - C <= d) over the quantiles of C, in pieces between which the integrand is smooth."""
    (a, b), (c, e) = found.rate, found.control
    ends = sorted({0.0, 1.0, *np.linspace(0, 1, 30), *np.clip(beta.cdf([-d, 1 - d], c, e), 0, 1)})
    return sum(quad(lambda u: beta.cdf(beta.ppf(u, c, e) + d, a, b), *p, epsabs=1e-12)[0] for p in pairwise(ends))


@pytest.mark.parametrize(("model", "yes", "no"), CASES + AT_AN_END)
def test_the_distribution_of_the_difference_is_scipys(model, yes, no):
    found = model.posterior(yes, no)
    at = [-0.6, -0.1, 0.0, 0.05, 0.4]
    assert found.cdf(at) == pytest.approx([by_scipy(found, d) for d in at], rel=0, abs=1e-9)


@pytest.mark.parametrize(("model", "yes", "no"), CASES)
def test_an_interval_has_its_tails(model, yes, no):
    found = model.posterior(yes, no)
    assert found.cdf(found.interval(0.9)) == pytest.approx([0.05, 0.95], rel=0, abs=1e-9)
    draws = np.random.default_rng(1).beta(*found.rate, 10**6) - np.random.default_rng(2).beta(*found.control, 10**6)
    assert found.mean() == pytest.approx(draws.mean(), abs=5 * draws.std() / 1000)  # five standard errors


def in_fractions(y, n, s, m):
    """Pr(X > C) for X ~ Beta(1 + y, 1 + n - y): C is below the (y + 1)-th of n + 1 uniform variables."""

    def b(p, q):
        return Fraction(factorial(p - 1) * factorial(q - 1), factorial(p + q - 1))

    terms = (comb(n + 1, i) * b(1 + s + i, 1 + m - s + n + 1 - i) for i in range(y + 1))
    return sum(terms) / b(1 + s, 1 + m - s)


@pytest.mark.parametrize(("y", "n", "s", "m"), [(7, 8, 130, 200), (0, 3, 5, 9), (3, 3, 0, 4), (5, 12, 11, 12)])
def test_the_probability_of_a_higher_rate_in_fractions(y, n, s, m):
    found = ControlledRate(s, m).posterior(y, n - y).above()
    assert found == pytest.approx(float(in_fractions(y, n, s, m)), rel=0, abs=1e-10)


def test_by_hand():
    """One of one: x has the density 2x, and is above a uniform one with the mean of x, 2/3; below -t, (1 - t)^3 / 3."""
    found = ControlledRate(5, 9, weight=0).posterior(1, 0)
    assert found.above() == pytest.approx(2 / 3, abs=1e-10)
    assert found.cdf([-0.5, 1.0, -1.0]) == pytest.approx([0.125 / 3, 1, 0], abs=1e-10)
    assert found.mean() == pytest.approx(2 / 3 - 1 / 2)


def test_the_weight_moves_the_controls_only_and_half_of_them_is_half_the_weight():
    half, fewer = ControlledRate(130, 200, 0.5), ControlledRate(65, 100)
    assert half.posterior(7, 1) == fewer.posterior(7, 1) == Difference((8, 2), (66, 36))


def test_who_is_followed_in_part_lies_between_death_and_survival():
    model = ControlledRate(130, 200)
    worst, part, best = (model.posterior(*seen).above() for seen in ((5, 3), (5 + 0.4, 2), (6, 2)))
    assert worst < part < best


def test_what_is_wrong_is_said_at_once():
    with pytest.raises(Faults) as caught:
        ControlledRate(-1, 10, weight=2, a=0)
    assert [fault.where for fault in caught.value.faults] == ["events", "weight", "a"]


def test_large_counts_are_known_as_well():
    """Both standard deviations are close to 0.5 / sqrt(100,000), and the distributions to normal ones."""
    found = ControlledRate(50_000, 100_000).posterior(50_100, 49_900)
    assert found.above() == pytest.approx(norm.cdf(0.001 / (0.5 * (2 / 100_000) ** 0.5)), abs=1e-5)
