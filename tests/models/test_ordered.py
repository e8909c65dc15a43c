"""Rates in order without a curve: the closed form against rational numbers, densities and draws."""

import itertools
from fractions import Fraction
from math import comb, log

import numpy as np
import pytest
from scipy.integrate import dblquad
from scipy.special import betaln
from scipy.stats import norm

from doseopt.beliefs.of_model import belief_of_model
from doseopt.models.monotone import Monotone
from doseopt.models.quadrature import posterior_after, quadrature
from doseopt.models.quadrature.predictive import prior_tails

GUESS = (Fraction(1, 20), Fraction(3, 25), Fraction(1, 4), Fraction(9, 20))
WORTH = Fraction(4)
MODEL = Monotone(tuple(map(float, GUESS)), float(WORTH))
TALLIES = [
    ([3, 3, 6, 3], [0, 0, 1, 2]),
    ([6, 3, 0, 0], [4, 3, 0, 0]),
    ([0, 0, 0, 0], [0, 0, 0, 0]),
    ([0, 9, 0, 6], [0, 1, 0, 6]),
]


def rising(a, k):
    """a (a + 1) ... (a + k - 1)."""
    found = Fraction(1)
    for i in range(k):
        found *= a + i
    return found


def moment(powers):
    """E of prod (1 - p_j)^powers_j: 1 - v_k are independent beta variables, and dose j has those up to k = j."""
    found, before = Fraction(1), Fraction(0)
    for k, guess in enumerate(GUESS):
        m = sum(powers[k:])
        found *= rising(WORTH * (1 - guess), m) / rising(WORTH * (1 - before), m)
        before = guess
    return found


def likelihood(n, y):
    """E of prod p^y (1 - p)^(n - y), by the binomial theorem for p^y = (1 - (1 - p))^y."""
    total = Fraction(0)
    for k in itertools.product(*(range(each + 1) for each in y)):
        sign = (-1) ** sum(k)
        ways = np.prod([comb(a, b) for a, b in zip(y, k, strict=True)], dtype=object)
        total += sign * ways * moment([a - b + c for a, b, c in zip(n, y, k, strict=True)])
    return total


@pytest.mark.parametrize(("n", "y"), TALLIES)
def test_evidence_and_moments_are_those_of_rational_arithmetic(n, y):
    posterior = posterior_after(MODEL, np.array(n), np.array(y))
    whole = likelihood(n, y)
    assert posterior.log_marginal()[0] == pytest.approx(log(whole), abs=1e-12)
    for j in range(4):
        one = [a + (k == j) for k, a in enumerate(n)], [a + (k == j) for k, a in enumerate(y)]
        two = [a + 2 * (k == j) for k, a in enumerate(n)], [a + 2 * (k == j) for k, a in enumerate(y)]
        mean, square = (float(likelihood(*more) / whole) for more in (one, two))
        assert posterior.mean()[0, j] == pytest.approx(mean, abs=1e-12)
        assert posterior.sd()[0, j] == pytest.approx(np.sqrt(square - mean**2), abs=1e-9)


def test_probabilities_are_integrals_of_the_density_of_two_doses():
    """Density of (p, q) with increments p, q - p, 1 - q that are Dirichlet(1.2, 1.4, 1.4), by an adaptive rule."""
    model, n, y = Monotone((0.3, 0.65), 4.0), np.array([4, 5]), np.array([1, 3])

    def density(q, p):
        return p**0.2 * (q - p) ** 0.4 * (1 - q) ** 0.4 * p * (1 - p) ** 3 * q**3 * (1 - q) ** 2

    def whole(low, high):
        return dblquad(density, low, high, lambda p: p, lambda p: 1.0, epsabs=1e-12, epsrel=1e-10)[0]

    posterior = quadrature(model).posterior(n[None], y[None])
    mass = whole(0.0, 1.0)
    assert posterior.prob(0.0, 0.33)[0, 0] == pytest.approx(whole(0.0, 0.33) / mass, abs=1e-8)
    above = dblquad(lambda p, q: density(q, p), 0.5, 1, lambda q: 0.0, lambda q: q, epsabs=1e-12, epsrel=1e-10)[0]
    assert posterior.prob(0.5)[0, 1] == pytest.approx(above / mass, abs=1e-8)
    for level in (0.05, 0.5, 0.95):
        cut = posterior.quantile(level)[0]
        assert np.diag(posterior.below(cut)[0]) == pytest.approx([level] * 2, abs=1e-10)


def test_the_prior_of_each_dose_is_the_beta_distribution_that_the_model_states():
    prior = posterior_after(MODEL, np.zeros(4, int), np.zeros(4, int))
    assert prior.mean()[0] == pytest.approx(MODEL.guess, abs=1e-14)
    assert prior.sd()[0] == pytest.approx([np.sqrt(s * (1 - s) / 5) for s in MODEL.guess], abs=1e-14)


def test_one_dose_is_beta_binomial():
    posterior = posterior_after(Monotone((0.25,), 2.0), np.array([7]), np.array([2]))
    assert posterior.mean()[0, 0] == pytest.approx(2.5 / 9)
    assert posterior.log_marginal()[0] == pytest.approx(betaln(2.5, 6.5) - betaln(0.5, 1.5))


def test_a_batch_of_tallies_of_different_sizes_is_each_of_them():
    n, y = (np.array([tally[k] for tally in TALLIES]) for k in (0, 1))
    together = quadrature(MODEL).posterior(n, y)
    for s in range(len(n)):
        alone = posterior_after(MODEL, n[s], y[s])
        for ask in (lambda p: p.mean(), lambda p: p.prob(0.3), lambda p: p.quantile(0.9), lambda p: p.log_marginal()):
            assert np.allclose(ask(together)[s], ask(alone)[0], rtol=0, atol=1e-13)


def test_hundreds_of_patients_whose_likelihood_is_below_the_smallest_number():
    """600 patients without DLT below 600 who all have one: both rates are then known, Dirichlet parameters added up."""
    model, n, y = Monotone((0.3, 0.65), 4.0), np.array([600, 600]), np.array([0, 600])
    posterior = posterior_after(model, n, y)
    # the patients of dose 1 passed v_1, those of dose 2 began at dose 1 or at dose 2: sum over how many at dose 1
    k = np.arange(601)
    log_choose = -np.log(601) - betaln(601 - k, k + 1)
    log_f = log_choose + betaln(1.2 + k, 2.8 + 1200 - k) + betaln(1.4 + 600 - k, 1.4)
    mass = np.exp(log_f - log_f.max())
    mean = float(mass @ ((1.2 + k) / 1204.0) / mass.sum())
    assert posterior.mean()[0, 0] == pytest.approx(mean, rel=1e-9)
    log_marginal = log_f.max() + np.log(mass.sum()) - betaln(1.2, 2.8) - betaln(1.4, 1.4)
    assert posterior.log_marginal()[0] == pytest.approx(log_marginal, rel=1e-12)


def test_the_tail_of_the_total_is_the_sum_over_all_tallies():
    n, y = np.array([2, 0, 3, 1]), np.array([0, 0, 1, 1])
    law = np.zeros(7)
    for each in itertools.product(range(3), range(1), range(4), range(2)):
        ways = np.prod([comb(a, b) for a, b in zip(n.tolist(), each, strict=True)], dtype=object)
        law[sum(each)] += float(ways * likelihood(n.tolist(), list(each)))
    tails = prior_tails(MODEL, n, y)
    assert tails.total == pytest.approx(2 * min(law[:3].sum(), law[2:].sum(), 0.5), abs=1e-12)
    assert np.isnan(tails.doses[1])


@pytest.mark.parametrize(("n", "y"), TALLIES[:2])
def test_points_of_a_belief_are_draws_of_the_posterior(n, y):
    """4,096 points of a sequence are no worse than as many draws."""
    posterior, belief = posterior_after(MODEL, np.array(n), np.array(y)), belief_of_model(MODEL, n, y)
    error = posterior.sd()[0] / np.sqrt(4096)
    z = norm.isf(1e-4 / 2 / 8)
    assert (np.abs(belief.mean(belief.p_dlt) - posterior.mean()[0]) < z * error).all()
    above = posterior.prob(0.3)[0]
    assert (np.abs(belief.mean((belief.p_dlt > 0.3) * 1.0) - above) < z * np.sqrt(above * (1 - above) / 4096)).all()
    assert (np.diff(belief.p_dlt, axis=1) >= 0).all()
