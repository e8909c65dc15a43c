"""Priors from quantiles: a known prior comes back from quantiles that SciPy and random numbers give."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import expit, logit
from scipy.stats import norm

from doseopt.models.elicited import (
    LEVELS,
    OneParameterPrior,
    TwoParameterPrior,
    fit_one_parameter,
    fit_two_parameter,
)

X = np.log([0.1, 1 / 3, 1.0, 3.0])


def quantile(x, level, mean, sd, r):
    """A quantile of A + exp(B) x by QUADPACK over B and Brent's method."""

    def off(t):
        def given(w):
            centre = mean[0] + r * sd[0] * w + np.exp(mean[1] + sd[1] * w) * x
            return norm.pdf(w) * norm.cdf((t - centre) / (sd[0] * np.sqrt(1 - r * r)))

        return quad(given, -8.5, 8.5, limit=300, epsabs=1e-12)[0] - level

    return brentq(off, -40, 40, xtol=1e-12)


@pytest.mark.parametrize(
    ("mean", "sd", "r", "doses"),
    [((-1.4, 0.1), (1.5, 0.7), 0.0, 4), ((-0.8, -0.2), (0.9, 0.4), -0.5, 4), ((-2.0, 0.3), (1.1, 0.5), 0.3, 2)],
)
def test_a_known_prior_comes_back_from_its_own_quantiles(mean, sd, r, doses):
    x = X[[0, 2]] if doses == 2 else X
    stated = expit([[quantile(one, level, mean, sd, r) for level in LEVELS] for one in x])
    found = fit_two_parameter(x, stated)
    np.testing.assert_allclose((*found.mean, *found.sd, found.correlation), (*mean, *sd, r), atol=1e-3)


def test_quantiles_of_two_parameters_are_those_of_random_numbers():
    prior, size = TwoParameterPrior((-1.2, 0.2), (1.3, 0.6), -0.4), 1_000_000
    a, b = np.random.default_rng(5).multivariate_normal(prior.mean, prior.cov, size).T
    t = prior.logits(X, np.array(LEVELS))
    for j, x in enumerate(X):
        for k, level in enumerate(LEVELS):
            below = (a + np.exp(b) * x <= t[j, k]).mean()
            assert abs(below - level) < 4.5 * np.sqrt(level * (1 - level) / size)


@pytest.mark.parametrize("intercept", [None, 3.0])
def test_a_known_skeleton_comes_back(intercept):
    skeleton, sd = np.array([0.05, 0.2, 0.45]), 0.9
    b = norm.ppf([0.95, 0.5, 0.05]) * sd  # a large b is a low rate
    if intercept is None:
        stated = skeleton[:, None] ** np.exp(b)
    else:
        stated = expit(intercept + np.exp(b) * (logit(skeleton)[:, None] - intercept))
    found = fit_one_parameter(stated, intercept)
    np.testing.assert_allclose((*found.skeleton, found.sd), (*skeleton, sd), atol=1e-3)


def test_more_than_a_prior_has_parameters_is_a_compromise():
    """A CRM has one sd: of doses stated wide and narrow it fits neither, and lies between the two."""
    one = [expit(OneParameterPrior((s,), sd).logits(np.array(LEVELS)))[0] for s, sd in ((0.1, 0.5), (0.3, 1.5))]
    found = fit_one_parameter(np.array(one))
    assert 0.5 < found.sd < 1.5
    assert np.abs(expit(found.logits(np.array(LEVELS))) - one).max() > 0.02
