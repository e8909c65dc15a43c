"""Cost of posteriors: 2,000 tallies of four doses and up to 36 patients, nothing kept from the batch before.

One round asks for everything that a table of posteriors shows: mean, sd, 90% interval and two interval probabilities at
each dose. Divide by 2,000 for the cost of a tally.
"""

import itertools
import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from doseopt.models.beta import BetaBinomial
from doseopt.models.curves import Empiric, ModelAverage, OneParameterLogistic, TwoParameterLogistic
from doseopt.models.quadrature import quadrature
from doseopt.models.two_parameter import dose_grids

TALLIES = 2000
SD = math.sqrt(1.34)
SKELETONS = [(0.05, 0.12, 0.25, 0.40), (0.10, 0.20, 0.30, 0.40), (0.02, 0.05, 0.10, 0.25)]
MODELS: dict[str, Any] = {
    "empiric": Empiric(SKELETONS[0], SD),
    "logistic": OneParameterLogistic(SKELETONS[0], SD),
    "two_parameter": TwoParameterLogistic.weakly_informative((0.15e9, 0.5e9, 1.5e9, 4.5e9), "cells", 1.5e9),
    "average": ModelAverage(tuple(Empiric(s, SD) for s in SKELETONS), (1 / 3, 1 / 3, 1 / 3)),
    "beta": BetaBinomial(4),
}


@pytest.fixture(scope="module")
def tallies() -> tuple[Any, Any]:
    """Distinct tallies, each of 36 patients or fewer."""
    rng = np.random.default_rng(1)
    drawn: dict[Any, None] = {}
    while len(drawn) < TALLIES:
        n = rng.multinomial(rng.integers(3, 37), rng.dirichlet(np.ones(4)))
        drawn[(*n.tolist(), *rng.binomial(n, np.sort(rng.random(4))).tolist())] = None
    rows = np.array(list(itertools.islice(drawn, TALLIES)))
    return rows[:, :4], rows[:, 4:]


def everything(model: Any, n: Any, y: Any) -> Any:
    """Mean, sd, 90% interval and two interval probabilities; new arrays, so that no answer is at hand."""
    posterior = quadrature(model).posterior(n.copy(), y.copy())
    answers = [posterior.mean(), posterior.sd(), posterior.quantile(0.05), posterior.quantile(0.95)]
    return np.stack([*answers, posterior.prob(0.16, 0.33), posterior.prob(0.33)])


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_posteriors(benchmark: Any, model: Any, tallies: Any) -> None:
    """All answers about 2,000 tallies."""
    mean, sd, low, high, target, over = benchmark.pedantic(
        everything, (model, *tallies), rounds=5, warmup_rounds=1, iterations=1
    )
    assert mean.shape == (TALLIES, 4)
    assert ((low < mean) & (mean < high)).mean() > 0.99
    assert (sd > 0).all()
    assert (target + over < 1 + 1e-6).all()
    if isinstance(model, BetaBinomial):
        n, y = tallies
        np.testing.assert_allclose(stats.beta(1 + y, 1 + n - y).cdf(high), 0.95, atol=1e-9)


def test_nodes_of_the_two_parameter_model(benchmark: Any) -> None:
    """What the first posterior of a model costs beyond the others."""
    model = MODELS["two_parameter"]

    def fresh() -> Any:
        dose_grids.cache_clear()
        return dose_grids(model, model.values, 64)

    grids = benchmark.pedantic(fresh, rounds=5, warmup_rounds=1)
    assert len(grids) == 4
