"""Prior predictive tails: against enumeration of every tally on a grid of the test's own, and the beta-binomial."""

import functools
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import comb, expit
from scipy.stats import betabinom, binom

from doseopt.models.beta import BetaBinomial
from doseopt.models.curves import Empiric, ModelAverage, OneParameterLogistic, TwoParameterLogistic
from doseopt.models.quadrature.predictive import prior_tails

X = np.log(np.array([1.0, 2.0, 4.0]) / 2.0)
SKELETON, OTHER = (0.1, 0.25, 0.4), (0.2, 0.3, 0.5)
PRIORS = {
    "usual": ((-1.4, 0.0), ((2.25, 0.0), (0.0, 0.49))),
    "correlated": ((-0.85, 1.0), ((1.0, -0.5), (-0.5, 1.0))),
    "nearly one parameter": ((-1.0, 0.0), ((1.0, 0.99), (0.99, 1.0))),
    "vague": ((-1.0, 0.0), ((25.0, 0.0), (0.0, 25.0))),
}
TALLIES = [((3, 3, 4), (0, 1, 2)), ((6, 0, 2), (3, 0, 0)), ((0, 0, 5), (0, 0, 5)), ((2, 2, 2), (0, 0, 0))]


@functools.cache
def grid(name):
    """DLT rates and weights under a prior of (log a, log b): a plain fine grid in both."""
    mean, cov = PRIORS[name]
    z = np.linspace(-7, 7, 641)
    factor = np.linalg.cholesky(cov)
    one, two = np.meshgrid(z, z, indexing="ij")
    weight = np.exp(-(one**2 + two**2) / 2)
    keep = weight > 1e-12
    one, two, weight = one[keep], two[keep], weight[keep]
    log_a, log_b = mean[0] + factor[0, 0] * one, mean[1] + factor[1, 0] * one + factor[1, 1] * two
    return expit(log_a[:, None] + np.exp(np.minimum(log_b, 50))[:, None] * X), weight / weight.sum()


def one_parameter(rates, sd):
    z = np.linspace(-8, 8, 20_001)
    weight = np.exp(-(z**2) / 2)
    return rates(np.exp(np.clip(sd * z, -300, 300))[:, None]), weight / weight.sum()


def empiric(skeleton, sd):
    return one_parameter(lambda b: np.array(skeleton) ** b, sd)


def logistic(skeleton, sd):
    x = np.log(skeleton) - np.log1p(-np.array(skeleton)) - 3.0
    return one_parameter(lambda b: expit(3.0 + b * x), sd)


def enumerated(rates, weight, n, y):
    """Two-sided tails from the probability of every tally."""
    tallies = np.array(list(itertools.product(*(range(k + 1) for k in n))))
    n = np.array(n)
    ways = comb(n, tallies).prod(axis=1)
    chance = np.array([weight @ (rates**t * (1 - rates) ** (n - t)).prod(axis=1) for t in tallies]) * ways
    counts = [(tallies.sum(axis=1), sum(y)), *((tallies[:, j], y[j]) for j in range(len(n)))]
    return [min(1, 2 * min(chance[c <= seen].sum(), chance[c >= seen].sum())) for c, seen in counts]


def compare(model, n, y, wanted, tolerance):
    found = prior_tails(model, np.array(n), np.array(y))
    assert found.total == pytest.approx(wanted[0], abs=tolerance)
    tried = np.array(n) > 0
    np.testing.assert_allclose(found.doses[tried], np.array(wanted[1:])[tried], rtol=0, atol=tolerance)
    assert np.isnan(found.doses[~tried]).all()


@pytest.mark.parametrize(("n", "y"), TALLIES)
@pytest.mark.parametrize("sd", [0.3, 1.16, 10.0])
def test_models_of_one_parameter_agree_with_the_enumeration(n, y, sd):
    first, second = empiric(SKELETON, sd), empiric(OTHER, sd)
    compare(Empiric(SKELETON, sd), n, y, enumerated(*first, n, y), 1e-9)
    compare(OneParameterLogistic(SKELETON, sd), n, y, enumerated(*logistic(SKELETON, sd), n, y), 1e-9)
    both = np.concatenate([first[0], second[0]]), np.concatenate([0.3 * first[1], 0.7 * second[1]])
    average = ModelAverage((Empiric(SKELETON, sd), Empiric(OTHER, sd)), (0.3, 0.7))
    compare(average, n, y, enumerated(*both, n, y), 1e-9)


@pytest.mark.parametrize(("n", "y"), [((3, 1, 2), (0, 1, 1)), ((0, 0, 5), (0, 0, 5)), ((2, 2, 0), (2, 0, 0))])
@pytest.mark.parametrize("prior", PRIORS)
def test_two_parameters_agree_with_the_enumeration(prior, n, y):
    mean, cov = PRIORS[prior]
    model = TwoParameterLogistic((1.0, 2.0, 4.0), "mg", 2.0, mean, cov)
    compare(model, n, y, enumerated(*grid(prior), n, y), 1e-9)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.integers(0, 40).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))), min_size=1, max_size=8),
    st.floats(0.05, 20),
    st.floats(0.05, 20),
)
def test_independent_doses_have_beta_binomial_tails(tally, a, b):
    n, y = np.array(tally).T
    found = prior_tails(BetaBinomial(len(n), a, b), n, y)
    total = functools.reduce(np.convolve, [betabinom.pmf(np.arange(k + 1), k, a, b) for k in n])
    seen = y.sum()
    if n.any():
        wanted = min(1, 2 * min(total[: seen + 1].sum(), total[seen:].sum()))
        assert found.total == pytest.approx(wanted, abs=1e-10)
    for j, k in enumerate(n):
        law = betabinom(k, a, b)
        tail = np.nan if k == 0 else min(1, 2 * min(law.cdf(y[j]), law.sf(y[j] - 1)))
        assert found.doses[j] == pytest.approx(tail, abs=1e-10, nan_ok=True)


def test_many_patients_at_one_dose_are_a_closed_form():
    """At the reference dose log a alone matters, and the DLTs of 200 patients follow from one integral."""
    model = TwoParameterLogistic((1.0, 2.0), "mg", 1.0, (-1.0, 0.5), ((2.0, 0.3), (0.3, 1.0)))
    z = np.linspace(-8, 8, 20_001)
    weight = np.exp(-(z**2) / 2) / np.exp(-(z**2) / 2).sum()
    p = expit(-1.0 + np.sqrt(2.0) * z)
    for y in (0, 20, 90, 200):
        wanted = min(1, 2 * min(weight @ binom.cdf(y, 200, p), weight @ binom.sf(y - 1, 200, p)))
        found = prior_tails(model, np.array([200, 0]), np.array([y, 0]))
        assert found.total == pytest.approx(wanted, abs=1e-9)
        assert found.doses[0] == pytest.approx(wanted, abs=1e-9)


def test_a_large_interim_agrees_with_a_transform_on_a_grid():
    """12 doses, 200 patients: 10^14 tallies; the total's law by its characteristic function, dose by dose."""
    n, y = np.array([16] * 8 + [18] * 4), np.array([0, 0, 0, 1, 1, 1, 2, 2, 3, 4, 5, 8])
    values, (mean, cov) = 10 * 1.5 ** np.arange(12), PRIORS["usual"]
    x = np.log(values / values[8])
    z = np.linspace(-7, 7, 181)
    one, two = (part.ravel() for part in np.meshgrid(z, z))
    weight = np.exp(-(one**2 + two**2) / 2)
    keep = weight > 1e-11
    p = expit(mean[0] + 1.5 * one[keep, None] + np.exp(mean[1] + 0.7 * two[keep, None]) * x)
    share = weight[keep] / weight[keep].sum()
    around = np.exp(-2j * np.pi * np.arange(201) / 201)
    law = np.fft.ifft([share @ ((1 - p + p * t) ** n).prod(axis=1) for t in around]).real
    wanted = [2 * min(law[: y.sum() + 1].sum(), law[y.sum() :].sum())]
    for count, seen, rate in zip(n, y, p.T, strict=True):
        wanted.append(2 * min(share @ binom.cdf(seen, count, rate), share @ binom.sf(seen - 1, count, rate)))
    model = TwoParameterLogistic(tuple(values), "mg", float(values[8]), mean, cov)
    compare(model, n, y, np.minimum(wanted, 1), 1e-8)


def test_the_doses_may_stand_in_any_order():
    n, y = np.array([20, 0, 37, 12, 50]), np.array([0, 0, 5, 4, 22])
    values, turned = (1.0, 2.0, 4.0, 8.0, 16.0), np.array([4, 2, 0, 1, 3])
    prior = PRIORS["usual"]
    found = prior_tails(TwoParameterLogistic(values, "mg", 4.0, *prior), n, y)
    other = TwoParameterLogistic(tuple(values[j] for j in turned), "mg", 4.0, *prior)
    again = prior_tails(other, n[turned], y[turned])
    assert again.total == pytest.approx(found.total, abs=1e-12)
    np.testing.assert_allclose(again.doses, found.doses[turned], rtol=0, atol=1e-12)


def test_without_patients_there_is_nothing_to_disagree():
    found = prior_tails(Empiric(SKELETON, 1.0), np.zeros(3, int), np.zeros(3, int))
    assert np.isnan([found.total, *found.doses]).all()
