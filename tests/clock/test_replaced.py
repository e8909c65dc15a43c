"""The number enrolled: against a convolution term by term, the mean in closed form, and drawn patients."""

import itertools
from math import comb

import numpy as np
import pytest

from doseopt.clock.replaced import enrolled

N = np.array([[3, 0, 0], [3, 3, 1], [0, 2, 6], [3, 3, 1]])
WEIGHT = np.array([[0.5, 0.2, 0.2, 0.1], [0.1, 0.1, 0.7, 0.1]])
REMOVED = np.array([[0.1, 0.2, 0.4], [0.0, 0.35, 0.25]])
MOST = 60


def negative_binomial(n, r, most):
    """Return the probabilities of 0, 1, ... removed before n stay; nothing is removed where nobody is wanted."""
    return np.array([comb(n + k - 1, k) * (1 - r) ** n * r**k if n else float(k == 0) for k in range(most + 1)])


def convolved(weights, removed):
    total = np.zeros(MOST + 1)
    for n, w in zip(N, weights, strict=True):
        law = np.eye(1, MOST + 1, n.sum())[0]
        for size, r in zip(n.tolist(), removed, strict=True):
            law = np.convolve(law, negative_binomial(size, r, MOST))[: MOST + 1]
        total += w * law
    return total


def test_the_law_is_the_convolution():
    law = enrolled(N, WEIGHT, REMOVED)
    for row in range(2):
        wanted = convolved(WEIGHT[row], REMOVED[row])
        np.testing.assert_allclose(law.probability[row, : MOST + 1], wanted[: law.probability.shape[1]], atol=1e-14)
    np.testing.assert_allclose(law.probability.sum(axis=1), 1, rtol=0, atol=1e-13)


def test_mean_and_sd_in_closed_form():
    """E = sum n/(1-r) over doses; the variance is that of the endings' means, and the mean of n r/(1-r)^2."""
    law = enrolled(N, WEIGHT, REMOVED)
    each = N @ (1 / (1 - REMOVED)).T
    mean = np.einsum("re,er->r", WEIGHT, each)
    inner = N @ (REMOVED / (1 - REMOVED) ** 2).T
    variance = np.einsum("re,er->r", WEIGHT, inner + (each - mean) ** 2)
    np.testing.assert_allclose(law.mean, mean, rtol=1e-12)
    np.testing.assert_allclose(law.sd, np.sqrt(variance), rtol=1e-10)


def test_quantiles_and_tail_against_drawn_patients():
    rng, trials = np.random.default_rng(5), 200_000
    n = N[rng.choice(len(N), trials, p=WEIGHT[0])]
    drawn = n.sum(axis=1)
    for j, size in itertools.product(range(3), range(1, 7)):
        rows = n[:, j] == size
        drawn[rows] += rng.negative_binomial(size, 1 - REMOVED[0, j], rows.sum())
    law = enrolled(N, WEIGHT, REMOVED)
    for planned in (3, 8, 12):
        p = law.above(planned)[0]
        assert abs((drawn > planned).mean() - p) < 4 * np.sqrt(p * (1 - p) / trials) + 1e-12
    assert law.quantile(np.array([0.1, 0.5, 0.9]))[0] == pytest.approx(np.quantile(drawn, [0.1, 0.5, 0.9]), abs=0.01)


def test_where_nobody_is_removed_the_enrolled_are_the_evaluable():
    law = enrolled(N, WEIGHT, np.zeros((2, 3)))
    wanted = [0.5 if k == 3 else 0.3 if k == 7 else 0.2 if k == 8 else 0 for k in range(9)]
    np.testing.assert_allclose(law.probability[0, :9], wanted, rtol=0, atol=1e-15)
    assert law.above(8).tolist() == pytest.approx([0, 0], abs=1e-15)
