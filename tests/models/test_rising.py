"""Rates that rise or are flat, against integrals of polynomials in fractions, which are exact."""

from fractions import Fraction
from math import factorial

import numpy as np
import pytest
from scipy.special import betaln
from scipy.stats import beta

from doseopt.core.parameters import Faults
from doseopt.models.rising import RisingOrFlat

TALLIES = [
    ((1, 6, 1, 0), (0, 3, 1, 0)),
    ((3, 3), (3, 0)),
    ((0, 0, 0, 0), (0, 0, 0, 0)),
    ((2, 0, 5, 1, 0, 3, 4), (0, 0, 4, 0, 0, 2, 4)),
    ((12, 12, 12), (12, 6, 0)),
    ((5,), (2,)),
]


def times(p, q):
    found = [Fraction(0)] * (len(p) + len(q) - 1)
    for i, a in enumerate(p):
        for k, b in enumerate(q):
            found[i + k] += a * b
    return found


def integral(p):
    """The polynomial that is the integral from 0."""
    return [Fraction(0), *(a / (k + 1) for k, a in enumerate(p))]


def at(p, x):
    return sum(a * x**k for k, a in enumerate(p))


def likelihood(n, y):
    found = [Fraction(0)] * y + [Fraction(1)]
    for _ in range(n - y):
        found = times(found, [Fraction(1), Fraction(-1)])
    return found


def exact(n, y):
    """The marginal likelihoods; of the rising model each mean; and Pr(p_j <= x) as a function of a fraction."""
    size = len(n)
    each = [likelihood(*pair) for pair in zip(n, y, strict=True)]
    below, above = [[Fraction(1)]], [[Fraction(1)]]
    for f in each[:-1]:
        below.append(integral(times(f, below[-1])))
    for f in each[:0:-1]:
        up_to = integral(times(f, above[-1]))
        above.append([at(up_to, 1) - up_to[0], *(-a for a in up_to[1:])])
    density = [times(times(f, b), a) for f, b, a in zip(each, below, above[::-1], strict=True)]
    total = [at(integral(p), 1) for p in density]
    assert len(set(total)) == 1
    means = [at(integral(times([Fraction(0), Fraction(1)], p)), 1) / total[0] for p in density]
    alive, dead = sum(y), sum(n) - sum(y)
    flat = Fraction(factorial(alive) * factorial(dead), factorial(alive + dead + 1))
    return flat, total[0] * factorial(size), means, lambda x: [at(integral(p), x) / total[0] for p in density]


@pytest.mark.parametrize(("n", "y"), TALLIES)
def test_every_number_in_fractions(n, y):
    flat, rising, means, below = exact(n, y)
    prior = Fraction(3, 10)
    share = (1 - prior) * rising / ((1 - prior) * rising + prior * flat)
    found = RisingOrFlat(len(n), 0.3).posterior(np.array(n), np.array(y))
    assert np.exp(found.log_marginals()) == pytest.approx([float(flat), float(rising)], rel=1e-10)
    assert found.rising == pytest.approx(float(share), rel=0, abs=1e-10)
    one = Fraction(1 + sum(y), 2 + sum(n))
    assert found.mean() == pytest.approx([float(share * m + (1 - share) * one) for m in means], rel=0, abs=1e-10)
    for x in (Fraction(1, 100), Fraction(1, 7), Fraction(1, 2), Fraction(6, 7), Fraction(99, 100)):
        both = float(share) * np.array(below(x), float)
        both += float(1 - share) * beta.cdf(float(x), 1 + sum(y), 1 + sum(n) - sum(y))
        assert found.cdf(np.full(len(n), float(x))) == pytest.approx(both, rel=0, abs=1e-7)


@pytest.mark.parametrize(("n", "y"), TALLIES)
def test_an_interval_has_its_tails(n, y):
    found = RisingOrFlat(len(n)).posterior(np.array(n), np.array(y))
    lower, upper = found.interval(0.9)
    assert found.cdf(lower) == pytest.approx(np.full(len(n), 0.05), abs=1e-9)
    assert found.cdf(upper) == pytest.approx(np.full(len(n), 0.95), abs=1e-9)


def test_nobody_leaves_the_prior():
    """The j-th of D ordered uniform rates has the mean j / (D + 1); half of the weight is on one rate, of mean 1/2."""
    found = RisingOrFlat(4).posterior(np.zeros(4, int), np.zeros(4, int))
    assert found.rising == pytest.approx(0.5, abs=1e-12)
    assert found.mean() == pytest.approx([0.35, 0.45, 0.55, 0.65], abs=1e-12)


def test_one_dose_is_a_uniform_prior_whatever_the_weights():
    found = RisingOrFlat(1, 0.2).posterior(np.array([6]), np.array([2]))
    assert found.rising == pytest.approx(0.8, abs=1e-12)
    assert found.interval()[0] == pytest.approx(beta.ppf(0.025, 3, 5), abs=1e-8)


def test_thousands_in_the_wrong_order_lose_nothing():
    """All of 3,000 at the lower dose and none at the higher: both rates are close to 1/2 if they may not fall."""
    found = RisingOrFlat(2).posterior(np.array([3000, 3000]), np.array([3000, 0]))
    flat, rising = found.log_marginals()
    assert np.isfinite([flat, rising]).all()
    n = 3000  # G_1 is x^(n + 1) / (n + 1)
    assert rising == pytest.approx(np.log(2) + betaln(n + 2, n + 1) - np.log(n + 1), abs=1e-9)


def test_more_nodes_say_the_same(monkeypatch):
    n, y = np.array([60] * 7), np.array([9, 20, 18, 30, 31, 45, 44])
    few = RisingOrFlat(7).posterior(n, y)
    usual = few.log_marginals()[1], few.mean(), few.interval()
    monkeypatch.setattr("doseopt.models.rising.FEWEST", 997)
    more = RisingOrFlat(7).posterior(n, y)
    assert usual[0] == pytest.approx(more.log_marginals()[1], abs=1e-9)
    assert usual[1] == pytest.approx(more.mean(), abs=1e-10)
    assert np.array(usual[2]) == pytest.approx(np.array(more.interval()), abs=1e-6)


def test_what_is_wrong_is_said_at_once():
    with pytest.raises(Faults) as caught:
        RisingOrFlat(0, 1.0)
    assert [fault.where for fault in caught.value.faults] == ["doses", "flat"]
