"""Answers about tallies are the posterior's, whichever tallies were asked about before, and are bounded in bytes."""

import numpy as np
import pytest

from doseopt.models.curves import TwoParameterLogistic
from doseopt.models.quadrature import asked as module
from doseopt.models.quadrature import quadrature
from doseopt.models.quadrature.asked import FEW, Asked, Inside
from doseopt.models.quadrature.two_parameter import RIGHT

MODEL = TwoParameterLogistic((1.0, 3.0, 10.0), "mg", 3.0, (-1.4, 0.0), ((2.0, 0.0), (0.0, 0.5)))
INTERVALS = ((0.33, 1.0), (0.16, 0.33))


def tallies(seed, count):
    random = np.random.default_rng(seed)
    n = random.integers(0, 7, (count, 3))
    return n, random.binomial(n, 0.3)


def direct(n, y):
    posterior = quadrature(MODEL).posterior(n, y)
    return np.stack([posterior.prob(*interval) for interval in INTERVALS], axis=2)


@pytest.mark.parametrize("most", [1 << 26, 3000, 0])
def test_answers_are_those_of_the_posterior(most, monkeypatch):
    monkeypatch.setattr(module, "MOST_BYTES", most)
    ask = Asked(Inside(MODEL, INTERVALS), 3, 2)
    none = np.zeros((2, 3), int)
    np.testing.assert_allclose(ask(none, none), direct(none, none), rtol=0, atol=RIGHT)  # alone it has panels
    for seed, count in [(1, 30), (2, 1), (1, 30), (3, 50), (2, 40)]:
        n, y = tallies(seed, count)
        np.testing.assert_allclose(ask(n, y), direct(n, y), rtol=0, atol=1e-13 if count > FEW else RIGHT)


def test_no_tally_is_computed_twice():
    plain, computed = Inside(MODEL, INTERVALS), []
    ask = Asked(lambda n, y: computed.extend(map(tuple, np.hstack([n, y]))) or plain(n, y), 3, 2)
    for seed in (1, 2, 1, 3):
        ask(*tallies(seed, 40))
    assert len(computed) == len(set(computed)) > 40
