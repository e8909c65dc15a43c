"""Sums over nodes of products, by compiled loops and by NumPy, against panels of each tally's own; corners."""

import numpy as np
import pytest

from doseopt.core import compiled
from doseopt.models.curves import Empiric, OneParameterLogistic
from doseopt.models.quadrature import fitted, one_parameter, products, quadrature
from doseopt.models.quadrature.partial import Partial
from doseopt.models.slope import SlopePrior

SKELETON = (0.05, 0.12, 0.25, 0.40)
MODELS = {
    "usual": Empiric(SKELETON, 1.34**0.5),
    "tight": Empiric(SKELETON, 0.05),
    "vague": Empiric(SKELETON, 9.0),
    "tanh": Empiric(SKELETON, 1.34**0.5, SlopePrior("exponential", rate=1.0)),
    "logistic": OneParameterLogistic(SKELETON, 1.34**0.5),
    "wide skeleton": Empiric((0.001, 0.02, 0.5, 0.98), 2.0),
}
FALLING = [[1, 1, 0, 0], [30, 0, 0, 30], [60, 0, 0, 60], [3, 0, 0, 0], [120, 0, 0, 0], [0, 0, 0, 120]]
DLTS = [[1, 0, 0, 0], [30, 0, 0, 0], [40, 0, 0, 2], [3, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 120]]
ASKED = (
    lambda p: p.theta_mean(),
    lambda p: p.plugin(),
    lambda p: p.mean(),
    lambda p: p.sd(),
    lambda p: p.prob(0.1, 0.33),
    lambda p: p.log_marginal(),
)


def tallies(rng, drawn=40):
    """Tallies of 1 to 120 patients, single ones and falling rates among them; with more, who count in part."""
    n = rng.multinomial(rng.integers(1, 121, drawn), rng.dirichlet(np.ones(4), drawn))
    n, y = np.concatenate([FALLING, n]), np.concatenate([DLTS, rng.binomial(n, rng.random((drawn, 4)))])
    return n, y, Partial(rng.integers(-1, 4, (len(n), 3)), rng.integers(0, 9, (len(n), 3)) / 8)


@pytest.mark.parametrize("route", ["loops", "numpy"])
@pytest.mark.parametrize("name", MODELS)
def test_corners(name, route, monkeypatch):
    found = compiled.loops() if route == "loops" else None
    monkeypatch.setattr(products, "compiled", lambda steps: found)
    n, y, partial = tallies(np.random.default_rng(5))
    for more in (None, partial):
        own = fitted.solve(MODELS[name], n, y, more)
        posterior = quadrature(MODELS[name]).posterior(n.copy(), y.copy(), more)
        for ask in ASKED:
            np.testing.assert_allclose(ask(posterior), ask(own), rtol=1e-9, atol=1e-9)


def test_both_routes_agree_to_rounding(monkeypatch):
    n, y, _ = tallies(np.random.default_rng(6), 200)
    answers = []
    for route in (compiled.loops(), None):
        monkeypatch.setattr(products, "compiled", lambda steps, route=route: route)
        answers.append([part.mean() for _, part in one_parameter.solve(MODELS["usual"], 128, n, y)])
    np.testing.assert_allclose(np.concatenate(answers[0]), np.concatenate(answers[1]), rtol=1e-13)
