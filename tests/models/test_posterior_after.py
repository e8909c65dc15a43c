"""The posterior after one tally is that of a batch; cuts of a model and roots of many functions at once."""

import math
from dataclasses import dataclass

import numpy as np
import pytest

from doseopt.models.base import GaussianPrior
from doseopt.models.curves import Empiric, ModelAverage, OneParameterLogistic, TwoParameterLogistic
from doseopt.models.quadrature import posterior_after, quadrature
from doseopt.models.rates import FAR, cuts
from doseopt.models.root import root

SD = math.sqrt(1.34)
SKELETON = (0.05, 0.12, 0.25, 0.40)
DOSES = (1.0, 2.0, 4.0, 9.0)
MODELS = {
    "empiric": Empiric(SKELETON, SD),
    "logistic": OneParameterLogistic(SKELETON, SD, 3.0),
    "falling": OneParameterLogistic(SKELETON, 0.5, -1.5),
    "average": ModelAverage((Empiric(SKELETON, SD), OneParameterLogistic(SKELETON, 0.3)), (0.3, 0.7)),
    "two parameters": TwoParameterLogistic.weakly_informative(DOSES, "mg", 4.0),
}
RATES = np.array([0.05, 0.16, 0.33, 0.7])


@pytest.mark.parametrize("name", MODELS)
def test_it_is_that_of_a_batch(name):
    model, n, y = MODELS[name], np.array([20, 30, 60, 90]), np.array([1, 3, 15, 40])
    alone, batch = posterior_after(model, n, y), quadrature(model).posterior(n[None], y[None])
    for ask in ("mean", "sd", "log_marginal"):
        np.testing.assert_allclose(getattr(alone, ask)(), getattr(batch, ask)(), rtol=0, atol=2e-9)
    np.testing.assert_allclose(alone.below(RATES), batch.below(RATES), rtol=0, atol=2e-9)


@dataclass(frozen=True)
class Hyperbolic:
    """p_j = 1 / (1 + k_j exp(-theta)), which the package has no inverse of; it is theta = log k_j + logit p_j."""

    odds: tuple[float, ...]

    @property
    def doses(self):
        return len(self.odds)

    def prior(self):
        return GaussianPrior(("theta",), (0.5,), ((4.0,),))

    def log_dlt_rate(self, theta, xp):
        return -xp.log1p(np.array(self.odds) * xp.exp(-theta))


def test_cuts_of_a_model_without_an_inverse():
    odds, rates = (40.0, 9.0, 2.0), np.array([0.01, 0.25, 0.9])
    exact = (np.log(odds) + np.log(rates / (1 - rates))[:, None] - 0.5) / 2
    np.testing.assert_allclose(cuts(Hyperbolic(odds), rates), exact, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(cuts(Hyperbolic((1e80,)), np.array([0.3])), [[FAR]])
    np.testing.assert_array_equal(cuts(Hyperbolic((1e-80,)), np.array([0.3])), [[-FAR]])


def test_roots_of_many_functions():
    wanted = np.array([[-30.0, 1e-9, 0.0], [2.0, 17.5, 29.9]])
    for rise in (lambda x: x**3 - wanted**3, lambda x: np.arctan(1e4 * (x - wanted)), lambda x: np.exp(wanted - x) - 1):
        np.testing.assert_allclose(root(rise, wanted * 0 - 31.0, wanted * 0 + 33.0), wanted, rtol=0, atol=1e-12)
    same = np.full((1, 2), 3.0)
    np.testing.assert_array_equal(root(lambda x: x * 0 + 1, same, same), same)
