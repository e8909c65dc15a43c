"""Distribution functions at many rates at once, and the finer nodes of a one-parameter model."""

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit, logit
from scipy.stats import norm

from doseopt.models.beta import BetaBinomial
from doseopt.models.curves import Empiric, ModelAverage, OneParameterLogistic, TwoParameterLogistic
from doseopt.models.quadrature import fitted, one_parameter, quadrature
from doseopt.models.skeleton import IndifferenceInterval

SD = math.sqrt(1.34)
SKELETON = (0.05, 0.12, 0.25, 0.40)
RATES = np.array([1e-6, 0.004, 0.16, 0.25, 0.33, 0.5, 0.81, 0.9999])
N, Y = np.array([[3, 6, 6, 0], [0, 0, 0, 0], [0, 6, 20, 5]]), np.array([[0, 1, 2, 0], [0, 0, 0, 0], [0, 0, 4, 5]])
MODELS = {
    "empiric": Empiric(SKELETON, SD),
    "narrow": Empiric(SKELETON, 0.05),
    "logistic": OneParameterLogistic(SKELETON, SD, 1.0),
    "two parameters": TwoParameterLogistic.weakly_informative((1.0, 2.0, 4.0, 9.0), "mg", 4.0),
    "correlated": TwoParameterLogistic((1.0, 2.0, 4.0, 9.0), "mg", 4.0, (-1.4, 0.0), ((9.0, 8.91), (8.91, 9.0))),
    "average": ModelAverage((Empiric(SKELETON, SD), OneParameterLogistic(SKELETON, 0.3)), (0.3, 0.7)),
    "beta": BetaBinomial(4),
}


@pytest.mark.parametrize("name", MODELS)
def test_many_rates_at_once_are_those_one_by_one(name):
    posterior = quadrature(MODELS[name]).posterior(N, Y)
    each = np.stack([posterior.prob(0.0, rate) for rate in RATES.tolist()], axis=1)
    np.testing.assert_allclose(posterior.below(RATES), each, rtol=0, atol=1e-11)


def test_a_dose_whose_rate_no_parameter_moves():
    """With a_0 = 0 a dose of prior guess 1/2 has the rate 1/2 whatever b is."""
    model = OneParameterLogistic((0.2, 0.5), 0.6, 0.0)
    prior = quadrature(model).posterior(np.zeros((1, 2), int), np.zeros((1, 2), int))
    np.testing.assert_allclose(prior.below(np.array([0.3, 0.499, 0.501]))[0, :, 1], [0, 0, 1], atol=1e-14)
    both = quadrature(ModelAverage((model, model), (0.5, 0.5))).posterior(np.zeros((1, 2), int), np.zeros((1, 2), int))
    np.testing.assert_allclose(both.below(np.array([0.3, 0.499, 0.501]))[0, :, 1], [0, 0, 1], atol=1e-14)


def test_tallies_on_finer_nodes_are_right():
    """Against adaptive quadrature of prior times likelihood: tallies whose first nodes do not do."""
    skeleton = IndifferenceInterval(prior_mtd=2, halfwidth=0.05).rates(0.25, 4, "logistic", 3.0)
    model = OneParameterLogistic(skeleton, SD)
    n, y = np.array([[3, 27, 0, 0], [9, 18, 3, 0], [18, 6, 6, 0]]), np.array([[0, 8, 0, 0], [3, 6, 2, 0], [4, 3, 3, 0]])
    parts = one_parameter.solve(model, 32, n, y)
    fine = [(rows, part) for rows, part in parts if isinstance(part, one_parameter.GridPosterior) and part.fine]
    assert sum(len(rows) for rows, _ in fine) >= 2
    x = logit(skeleton) - 3
    for rows, part in fine:
        own = fitted.solve(model, n[rows], y[rows])
        np.testing.assert_allclose(part.quantile(0.05), own.quantile(0.05), rtol=0, atol=1e-11)
        for i, row in enumerate(rows):
            peak = part.theta_mean()[i]

            def log_f(b, row=row):
                p = expit(3 + np.exp(b) * x)
                return norm.logpdf(b, 0, SD) + y[row] @ np.log(p) + (n[row] - y[row]) @ np.log1p(-p)

            def f(b, log_f=log_f, peak=peak):
                return math.exp(log_f(b) - log_f(peak))

            cut = float(model.theta_at(np.full(4, np.log(0.33 / 0.67)))[1])
            ends = (peak - 2, peak + 2)
            over, total = (quad(f, *pair, epsabs=1e-14, epsrel=1e-13, limit=400)[0] for pair in ((ends[0], cut), ends))
            assert part.prob(0.33)[i, 1] == pytest.approx(over / total, abs=1e-11)
