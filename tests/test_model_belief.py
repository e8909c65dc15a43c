"""A posterior as weighted scenarios: the same means and tails as the quadrature, and Bayes' rule for any belief."""

import numpy as np
import pytest

from doseopt.model_belief import belief_of_model, updated
from doseopt.models.beta import BetaBinomial
from doseopt.models.curves import Empiric, ModelAverage, OneParameterLogistic, TwoParameterLogistic
from doseopt.models.quadrature import quadrature
from doseopt.scenarios import belief_of_rates

SKELETON, SD = (0.06, 0.14, 0.25, 0.38), 1.34**0.5
MODELS = {
    "empiric": (Empiric(SKELETON, SD), 1e-6),
    "logistic": (OneParameterLogistic(SKELETON, SD, 3.0), 1e-6),
    "blrm": (TwoParameterLogistic.weakly_informative((0.15e9, 0.5e9, 1.5e9, 4.5e9), "cells", 1.5e9), 1e-4),
    "bma": (
        ModelAverage((Empiric(SKELETON, SD), Empiric((0.15, 0.25, 0.36, 0.47), SD)), (0.7, 0.3)),
        1e-6,
    ),
    "beta": (BetaBinomial(4, 0.5, 1.0), 1e-3),
}
TALLIES = [
    ((0, 0, 0, 0), (0, 0, 0, 0)),
    ((1, 3, 0, 0), (0, 1, 0, 0)),
    ((3, 6, 9, 7), (0, 1, 2, 4)),
    ((0, 0, 0, 36), (0, 0, 0, 0)),
    ((12, 0, 0, 0), (9, 0, 0, 0)),
]


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(("n", "y"), TALLIES)
def test_means_and_tails_are_those_of_the_quadrature(name, n, y):
    model, tolerance = MODELS[name]
    n, y = np.array(n), np.array(y)
    belief = belief_of_model(model, n, y)
    posterior = quadrature(model).posterior(n[None], y[None])
    assert belief.weights @ belief.p_dlt == pytest.approx(posterior.mean()[0], abs=tolerance)
    second = belief.weights @ belief.p_dlt**2 - (belief.weights @ belief.p_dlt) ** 2
    assert np.sqrt(second) == pytest.approx(posterior.sd()[0], abs=2 * tolerance)


@pytest.mark.parametrize("name", ["empiric", "logistic", "blrm", "bma"])
def test_updating_the_prior_gives_the_posterior(name):
    model, _ = MODELS[name]
    n, y = np.array([3, 6, 3, 0]), np.array([0, 1, 2, 0])
    after = updated(belief_of_model(model), n, y)
    direct = belief_of_model(model, n, y)
    assert after.weights @ after.p_dlt == pytest.approx(direct.weights @ direct.p_dlt, abs=1e-9)


def test_bayes_rule_by_hand():
    belief = belief_of_rates([[0.1, 0.2], [0.3, 0.5]], [0.75, 0.25])
    after = updated(belief, np.array([2, 1]), np.array([1, 1]))
    one, two = 0.75 * 0.1 * 0.9 * 0.2, 0.25 * 0.3 * 0.7 * 0.5
    assert after.weights.tolist() == pytest.approx([one / (one + two), two / (one + two)])


def test_data_that_no_scenario_allows():
    with pytest.raises(ValueError, match=r"n=\[1\], y=\[1\] is impossible"):
        updated(belief_of_rates([[0.0]]), np.array([1]), np.array([1]))
