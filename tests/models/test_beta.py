import numpy as np
import pytest
from scipy import stats

from doseopt.models.beta import BetaBinomial

TALLIES = [(n, y) for n in (0, 1, 2, 3, 6, 10, 36, 100) for y in sorted({0, 1, n // 3, n // 2, n}) if y <= n]
PRIORS = [(1.0, 1.0), (0.5, 0.5), (0.05, 0.05), (0.005, 0.005), (2.0, 5.0)]


@pytest.mark.parametrize("prior", PRIORS)
def test_posterior_is_the_beta_distribution(prior):
    a, b = prior
    n, y = np.array(TALLIES).T
    posterior = BetaBinomial(len(n), a, b).posterior(n[None], y[None])
    wanted = stats.beta(a + y, b + n - y)
    np.testing.assert_allclose(posterior.mean()[0], wanted.mean(), rtol=1e-13)
    for low, high in [(0.25, 1.0), (0.0, 0.25), (0.2, 0.3), (0.0, 1.0), (0.9, 0.95)]:
        found = posterior.prob(low, high)[0]
        np.testing.assert_allclose(found, wanted.cdf(high) - wanted.cdf(low), rtol=0, atol=1e-12)


def test_shapes_are_trials_by_doses():
    n, y = np.full((5, 3), 6), np.arange(15).reshape(5, 3) % 4
    posterior = BetaBinomial(3).posterior(n, y)
    assert posterior.mean().shape == posterior.prob(0.3).shape == (5, 3)
    np.testing.assert_allclose(posterior.mean(), (1 + y) / 8)


def test_a_known_tail():
    # Beta(4, 1) after 3 of 3: Pr(p > 0.25) = 1 - 0.25^4; it exceeds 0.95, so BOIN at 0.25 eliminates.
    tail = BetaBinomial(1).posterior(np.array([[3]]), np.array([[3]])).prob(0.25)
    assert tail.item() == pytest.approx(1 - 0.25**4, abs=1e-14)
