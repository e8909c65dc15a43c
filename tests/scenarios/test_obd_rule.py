"""The optimal biological dose: utility, limits, none right, ties."""

import numpy as np
import pytest

from doseopt import OBDRule

RULE = OBDRule(phi_t=0.35)


def test_the_utility_is_the_mean_over_the_four_cells():
    p, q = 0.3, 0.2
    cells = 100 * (1 - p) * q + 40 * (1 - p) * (1 - q) + 60 * p * q + 0 * p * (1 - q)
    assert RULE.utility(p, q) == pytest.approx(cells, abs=1e-12)


@pytest.mark.parametrize(
    ("p", "q", "right"),
    [
        ([0.05, 0.10, 0.40], [0.20, 0.50, 0.90], [False, True, False]),  # the best is too toxic
        ([0.05, 0.10, 0.35], [0.20, 0.25, 0.60], [False, False, True]),  # at the limits is within them
        ([0.05, 0.10, 0.20], [0.20, 0.24, 0.10], [False, False, False]),  # nowhere enough efficacy
        ([0.40, 0.50, 0.60], [0.90, 0.90, 0.90], [False, False, False]),  # too toxic everywhere
        ([0.10, 0.10, 0.20], [0.50, 0.50, 0.50], [True, True, False]),  # the same utility twice
    ],
)
def test_which_doses_are_right(p, q, right):
    assert RULE.acceptable(p, q).tolist() == right
    assert RULE.obd(p, q) == (right.index(True) if True in right else -1)


def test_many_scenarios_at_once():
    rng = np.random.default_rng(1)
    p, q = rng.random((2, 50, 4))
    for one, a, b in zip(RULE.acceptable(p, q), p, q, strict=True):
        within = [j for j in range(4) if a[j] <= 0.35 and b[j] >= 0.25]
        best = max(within, key=lambda j: 40 * (1 - a[j]) + 60 * b[j], default=None)  # as u2 + u3 = 100
        assert np.flatnonzero(one).tolist() == ([] if best is None else [best])
