"""Predictive probabilities, each patient left out, and power-scaling: closed forms, rules of this file, and ArviZ."""

import arviz as az
import numpy as np
import pytest
from sampled_models import MODELS, SKELETON
from scipy.integrate import quad
from scipy.special import comb
from scipy.stats import beta, betabinom, norm

from doseopt.conduct.checking import decided
from doseopt.models.beta import BetaBinomial
from doseopt.models.nuts.independent import draw_independently
from doseopt.models.quadrature import lattice
from doseopt.models.quadrature.evidence import left_out, predictive
from doseopt.models.quadrature.power_scaled import sensitivity, with_prior_power

N, Y = np.array([3, 3, 6, 3]), np.array([0, 0, 1, 2])


def test_independent_doses_predict_beta_binomially():
    found = predictive(BetaBinomial(4, 0.5, 0.7), N, Y, np.array([3, 0, 2, 1]))
    for law, n, y, size in zip(found, N, Y, (3, 0, 2, 1), strict=True):
        np.testing.assert_allclose(law, betabinom(size, 0.5 + y, 0.7 + n - y).pmf(np.arange(size + 1)), rtol=1e-9)


def test_a_patient_is_predicted_from_all_others():
    found = left_out(BetaBinomial(4, 1, 1), N, Y)
    for k, (n, y) in enumerate(zip(N, Y, strict=True)):
        without, with_dlt = ([np.log(seen / (n + 1))] if seen else [np.nan] for seen in (n - y, y))
        np.testing.assert_allclose(found[:, k], [*without, *with_dlt], rtol=1e-9)


def empiric_mass(n, y, also=lambda b: 1.0):
    """Integral of prior times likelihood of the empiric model, times something, by QUADPACK."""

    def value(b):
        p = np.array(SKELETON) ** np.exp(b)
        return norm.pdf(b, 0, 1.16) * np.prod(p**y * (1 - p) ** (n - y)) * also(b)

    return quad(value, -7, 3, limit=400, epsabs=1e-14, epsrel=1e-11)[0]


def test_the_empiric_model_predicts_and_leaves_out_as_integrals_say():
    whole = empiric_mass(N, Y)
    law = predictive(MODELS["empiric"], N, Y, np.full(4, 3))[3]
    for k in range(4):
        chance = empiric_mass(N, Y, lambda b, k=k: (p := SKELETON[3] ** np.exp(b)) ** k * (1 - p) ** (3 - k))
        assert law[k] == pytest.approx(comb(3, k) * chance / whole, rel=1e-6)
    one = np.array([0, 0, 1, 0])
    found = left_out(MODELS["empiric"], N, Y)[1, 2]  # one at the third dose, who had a DLT
    assert found == pytest.approx(np.log(whole / empiric_mass(N - one, Y - one)), rel=1e-6)


def cjs(f, g):
    """The distance as its definition has it, by QUADPACK over the rate, for distribution functions f and g."""

    def one(p, q):
        return quad(lambda x: p(x) * np.log2(2 * p(x) / (p(x) + q(x))) if p(x) > 0 else 0.0, 0, 1, limit=400)[0]

    areas = [quad(h, 0, 1, limit=400)[0] for h in (f, g)]
    return np.sqrt((one(f, g) + one(g, f)) / sum(areas))


@pytest.mark.parametrize(("a", "b", "n", "y"), [(2.0, 3.0, 6, 1), (0.6, 1.4, 9, 4)])
def test_sensitivity_of_independent_doses_is_its_definition(a, b, n, y):
    prior, data = (s[0] for s in sensitivity(BetaBinomial(1, a, b), np.array([n]), np.array([y])))
    base = beta(a + y, b + n - y)
    for found, moved in (
        (prior, lambda k: beta(1 + k * (a - 1) + y, 1 + k * (b - 1) + n - y)),
        (data, lambda k: beta(a + k * y, b + k * (n - y))),
    ):
        slopes = [max(cjs(base.cdf, moved(k).cdf), cjs(base.sf, moved(k).sf)) / abs(np.log2(k)) for k in (0.99, 1.01)]
        assert found == pytest.approx(np.mean(slopes), rel=2e-3)


@pytest.mark.parametrize("name", ["empiric", "gamma slope", "beta-binomial", "cloglog"])
def test_sensitivity_is_what_arviz_finds_from_draws(name):
    """ArviZ smooths the weights and stops at the largest draw, which shows in the second digit."""
    tree = draw_independently(MODELS[name], N, Y, seed=11, draws=40_000)
    table = az.psense_summary(tree, var_names=["p_dlt"], round_to=6)
    for found, wanted in zip(sensitivity(MODELS[name], N, Y), (table["prior"], table["likelihood"]), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=0.08, atol=0.004)


def test_two_populations_predict_and_leave_out_by_the_posterior_of_all_others():
    """A patient's predictive probability is the posterior mean rate without him, and one more's the mean with all."""
    model, n, y = (
        MODELS["two populations"],
        np.array([[3, 1, 0, 0], [0, 2, 1, 0]]),
        np.array([[0, 1, 0, 0], [0, 0, 1, 0]]),
    )
    sizes = np.array([0, 0, 0, 1, 0, 1, 0, 0])
    laws = predictive(model, n.ravel(), y.ravel(), sizes)
    mean = lattice.solve(model, n, y).mean()
    assert [laws[3][1], laws[5][1]] == pytest.approx([mean[0, 3], mean[1, 1]], abs=1e-8)
    wanted = np.full((2, 2, 4), np.nan)
    for dlt, g, dose in np.argwhere(np.stack([n - y, y])).tolist():
        one = np.zeros_like(n)
        one[g, dose] = 1
        p = lattice.solve(model, n - one, y - dlt * one).mean()[g, dose]
        wanted[dlt, g, dose] = np.log(p if dlt else 1 - p)
    np.testing.assert_allclose(left_out(model, n.ravel(), y.ravel()), wanted.reshape(2, 8), atol=1e-8)


def test_the_power_of_the_prior_of_two_populations_is_its_density_to_that_power():
    """tau e with e ~ N(0, 1/alpha) is tau' e' with tau' = tau / sqrt(alpha)."""
    model, alpha = MODELS["two populations"], 1.7
    theta = np.random.default_rng(3).normal(0, 1, (5, 5))
    moved = theta.copy()
    moved[:, 2] -= np.log(alpha) / 2
    moved[:, 3:] *= np.sqrt(alpha)
    scaled = with_prior_power(model, alpha).prior().log_density(moved)
    assert np.ptp(scaled - alpha * model.prior().log_density(theta)) < 1e-9


def test_a_prior_without_a_finite_power_is_refused():
    with pytest.raises(ValueError, match="no finite integral"):
        with_prior_power(BetaBinomial(2, 0.005, 0.005), 1.01)
    prior, data = sensitivity(BetaBinomial(2, 0.005, 0.005), np.array([3, 3]), np.array([1, 2]))
    assert np.isnan(prior).all()
    assert (data > 0).all()


def test_a_probability_is_told_from_a_limit_or_not():
    """0.26 from 4000 draws with an error of 0.01 is one error from 0.25; four times as many draws make it two."""
    found = decided(np.array([0.26, 0.25]), np.array([0.01, 0.01]), 4000)
    np.testing.assert_allclose(found["over_distance"][1], [1, 0], atol=1e-9)
    assert found["draws_needed"][1].tolist() == [16000, np.inf]
