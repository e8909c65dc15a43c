"""Independent draws from posteriors by quadrature: the exact posterior, and a tree that ArviZ reads as it is."""

from pathlib import Path

import arviz as az
import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr
from sampled_models import BLRM, DOSES, MODELS
from scipy.special import logit
from scipy.stats import beta, kstest, norm

from doseopt.core.parameters import Faults
from doseopt.models.curves import TwoParameterLogistic
from doseopt.models.nuts.independent import draw_independently
from doseopt.models.populations import TwoPopulations
from doseopt.models.quadrature.drawn import draw
from doseopt.models.quadrature.lattice import solve

BY_QUADRATURE = ("empiric", "logistic", "blrm", "beta-binomial", "average", "gamma slope")
MIXED, NOTHING = ((3, 3, 6, 3), (0, 0, 1, 2)), ((0, 0, 0, 0), (0, 0, 0, 0))
SEED, DRAWS, FAMILY = 20261129, 4000, 1e-4
GRID = np.linspace(-12, 12, 40_001)


def exact_cdf(name, n, y):
    """Distribution function of the rate at the third dose of the one-parameter models, by the midpoint rule here."""
    curves = {
        "empiric": lambda b: np.exp(b[:, None]) * np.log(MODELS["empiric"].skeleton),
        "logistic": lambda b: -np.logaddexp(0, -(3 + np.exp(b[:, None]) * (logit(MODELS["logistic"].skeleton) - 3))),
    }
    log_p = np.clip(curves[name](GRID), -1e4, -1e-12)
    log_f = norm.logpdf(GRID, 0, 1.16) + (y * log_p + (n - y) * np.log1p(-np.exp(log_p))).sum(axis=1)
    weight = np.exp(log_f - log_f.max())
    below = np.cumsum(weight) / weight.sum()
    order = np.argsort(log_p[:, 2])
    return lambda p: np.interp(np.log(p), log_p[order, 2], (1 - below)[order])


@pytest.mark.parametrize("data", [MIXED, NOTHING])
@pytest.mark.parametrize("name", ["empiric", "logistic"])
def test_draws_of_one_parameter_follow_an_independent_rule(name, data):
    n, y = map(np.array, data)
    p = draw_independently(MODELS[name], n, y, seed=SEED)["posterior"]["p_dlt"].to_numpy()[0, :, 2]
    assert len(p) == DRAWS
    assert len(np.unique(p)) == DRAWS, "draws are rounded to nodes"
    assert kstest(np.clip(p, 1e-300, None), exact_cdf(name, n, y)).pvalue > FAMILY


def test_independent_doses_are_beta():
    n, y = map(np.array, MIXED)
    p = draw_independently(MODELS["beta-binomial"], n, y, seed=SEED)["posterior"]["p_dlt"].to_numpy()[0]
    for j in range(4):
        assert kstest(p[:, j], beta(0.5 + y[j], 0.5 + n[j] - y[j]).cdf).pvalue > FAMILY
    assert np.abs(np.corrcoef(p.T)[np.triu_indices(4, 1)]).max() < 4 / np.sqrt(DRAWS)


@pytest.mark.parametrize("correlation", [0.0, -0.8])
def test_draws_of_two_parameters_follow_an_independent_rule(correlation):
    """Means, variances and the covariance of (log a, log b) by importance sampling from the prior."""
    cov = np.array([[2.25, correlation * 1.05], [correlation * 1.05, 0.49]])
    model = TwoParameterLogistic(DOSES, "cells", 1.5e9, BLRM.mean, tuple(map(tuple, cov.tolist())))
    n, y = map(np.array, MIXED)
    theta, log_marginal = draw(model, n, y, DRAWS, np.random.default_rng(SEED))
    rng = np.random.default_rng(1)
    prior = rng.multivariate_normal(model.mean, cov, 400_000)
    eta = prior[:, :1] + np.exp(prior[:, 1:]) * np.log(np.array(DOSES) / 1.5e9)
    weight = np.exp(-(y * np.logaddexp(0, -eta) + (n - y) * np.logaddexp(0, eta)).sum(axis=1))
    assert abs(weight.mean() / np.exp(log_marginal) - 1) < 5 * weight.std() / weight.mean() / np.sqrt(len(weight))
    weight /= weight.sum()
    for of in (
        lambda t: t[:, 0],
        lambda t: t[:, 1],
        lambda t: t[:, 0] * t[:, 1],
        lambda t: t[:, 0] ** 2,
        lambda t: t[:, 1] ** 2,
        lambda t: t[:, 1] > 0.7,
        lambda t: t[:, 0] < -2,
    ):
        found, wanted = of(theta), weight @ of(prior)
        error = np.hypot(found.std() / np.sqrt(DRAWS), np.sqrt(weight**2 @ (of(prior) - wanted) ** 2))
        assert abs(found.mean() - wanted) < norm.isf(FAMILY / 14) * error


@pytest.mark.filterwarnings("ignore:Estimated shape parameter")  # of leaving out a dose: true, and not at issue
@pytest.mark.parametrize("name", BY_QUADRATURE)
def test_arviz_takes_the_tree_as_it_is(name, tmp_path: Path):
    n, y = map(np.array, MIXED)
    tree = draw_independently(MODELS[name], n, y, seed=SEED, next_cohort=3, labels=list("abcd"))
    assert tree["posterior"]["p_dlt"].dims == ("chain", "draw", "dose")
    assert tree["posterior"]["dose"].to_numpy().tolist() == list("abcd")
    assert tree.attrs["independent_draws"] == 1
    assert tree.attrs["log_marginal_likelihood_mcse"] == 0
    assert "sample_stats" not in tree.children
    assert np.isnan(az.summary(tree, round_to="none")["r_hat"]).all(), "one chain has none to agree with"
    assert az.loo(tree).n_data_points == 4
    assert list(az.psense_summary(tree, var_names=["p_dlt"]).columns) == ["prior", "likelihood", "diagnosis"]
    az.plot_forest(tree, var_names=["p_dlt"])
    az.plot_ppc_dist(tree, kind="ecdf")
    plt.close("all")
    tree.to_netcdf(tmp_path / "posterior.nc")
    with xr.open_datatree(tmp_path / "posterior.nc") as read:
        xr.testing.assert_identical(read.load(), tree)


def test_equal_seeds_give_equal_draws_and_actual_doses_are_data():
    n, y, actual = np.array([1, 2, 3]), np.array([0, 0, 1]), (0.14e9, 0.5e9, 1.2e9)
    one, again, other = (draw_independently(BLRM, n, y, seed=seed, at=actual, draws=50) for seed in (4, 4, 5))
    xr.testing.assert_identical(one, again)
    assert not one["posterior"].to_dataset().equals(other["posterior"].to_dataset())
    assert one["constant_data"]["actual_dose"].to_numpy().tolist() == list(actual)


def test_rates_in_order_before_any_patient_and_after_some():
    """Each rate is Beta(M s, M (1 - s)) before; after patients at one dose alone the conjugate posterior."""
    model = MODELS["monotone"]
    for n, y in (((0, 0, 0, 0), (0, 0, 0, 0)), ((0, 6, 0, 0), (0, 2, 0, 0))):
        tree = draw_independently(model, np.array(n), np.array(y), seed=SEED)
        p = tree["posterior"]["p_dlt"].to_numpy()[0, :, 1]
        law = beta(4 * model.guess[1] + y[1], 4 * (1 - model.guess[1]) + n[1] - y[1])
        assert len(np.unique(p)) == DRAWS
        assert kstest(p, law.cdf).pvalue > FAMILY


def test_draws_in_two_populations_agree_with_the_quadrature():
    model, n = TwoPopulations(BLRM, ("CLF", "ACLF")), np.array([[3, 3, 6, 3], [3, 6, 3, 3]])
    y = np.array([[0, 0, 1, 2], [0, 1, 0, 0]])
    p = draw_independently(model, n, y, seed=SEED)["posterior"]["p_dlt"].to_numpy()[0]
    known = solve(model, n, y)
    z = (p.mean(axis=0) - known.mean()) / (known.sd() / np.sqrt(DRAWS))
    assert np.abs(z).max() < norm.isf(FAMILY / 2 / z.size)


def test_data_that_a_prior_contradicts_and_no_draws_are_refused():
    model, n = TwoPopulations(BLRM, ("CLF", "ACLF")), np.full((2, 4), 60)
    with pytest.raises(Faults, match="sample it by NUTS"):
        draw_independently(model, n, np.array([[60, 0, 60, 0]] * 2), seed=1)
    with pytest.raises(Faults, match="draws: wanted at least 1, got 0"):
        draw_independently(BLRM, n[0], n[0] // 2, seed=1, draws=0)
