"""Batches of trials: rows of them, whichever way they lie in memory."""

import numpy as np
import pytest

from doseopt.core.state import TrialState

N = np.array([[3, 0, 6], [1, 2, 4], [5, 3, 0], [2, 2, 2]])


def batch(turned):
    """Four trials, a trial after the other or a dose after the other in memory."""
    n = np.asfortranarray(N) if turned else N
    return TrialState(n, n // 2, np.array([2, 1, 0, 2]), np.arange(4)[:, None])


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(
    "rows", [slice(1, 3), [2, 0, 2], np.array([3, 1]), np.array([True, False, False, True]), np.array([-1])]
)
def test_rows_are_those_of_each_array(turned, rows):
    found = batch(turned)[rows]
    np.testing.assert_array_equal(found.n, N[rows])
    np.testing.assert_array_equal(found.y, (N // 2)[rows])
    assert found.dose.tolist() == np.array([2, 1, 0, 2])[rows].tolist()
    assert found.memory[:, 0].tolist() == np.arange(4)[rows].tolist()


def test_the_order_in_memory_is_kept():
    assert batch(True)[np.array([0, 2])].n.flags.f_contiguous
    assert batch(False)[np.array([0, 2])].n.flags.c_contiguous
