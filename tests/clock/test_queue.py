"""Queues with Poisson arrivals: rows sum to 1, and are those of scipy."""

import numpy as np
import pytest
from scipy.stats import poisson

from doseopt.clock.queue import joined


@pytest.mark.parametrize("arrivals", [1e-8, 0.3, 5.0, 900.0])
@pytest.mark.parametrize("most", [0, 1, 4, 300])
def test_a_queue_after_a_closed_time(arrivals, most):
    found = joined(arrivals, most)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-11)
    for before in {0, most // 2, most}:
        wanted = [poisson.pmf(after - before, arrivals) for after in range(most)]
        np.testing.assert_allclose(found[before], [*wanted, poisson.sf(most - before - 1, arrivals)], rtol=1e-10)
