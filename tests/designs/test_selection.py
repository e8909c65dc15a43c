from fractions import Fraction
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doseopt.core.state import NONE
from doseopt.designs.selection import closest, isotonic

LAWS = settings(deadline=None, derandomize=True, max_examples=150)
TALLIES = st.lists(
    st.integers(0, 15).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.booleans())),
    min_size=1,
    max_size=6,
)


def weights(n, y):
    """Inverse variance of Beta(y + .05, n - y + .05), in exact fractions."""
    a, b = y + Fraction(1, 20), n - y + Fraction(1, 20)
    return a / (a + b), (a + b) ** 2 * (a + b + 1) / (a * b)


def pooled(tallies):
    """Pool adjacent violators, one dose after the other, in exact fractions."""
    blocks = []
    for n, y in tallies:
        mean, weight = weights(n, y)
        blocks.append((mean, weight, 1))
        while len(blocks) > 1 and blocks[-2][0] >= blocks[-1][0]:
            (m1, w1, k1), (m2, w2, k2) = blocks[-2:]
            blocks[-2:] = [((m1 * w1 + m2 * w2) / (w1 + w2), w1 + w2, k1 + k2)]
    return [float(mean) for mean, _, count in blocks for _ in range(count)]


def least_squares(tallies):
    """The non-decreasing fit of least weighted squares, by trying every way to cut the doses into blocks."""
    points = [weights(n, y) for n, y in tallies]
    best = None
    for count in range(len(points)):
        for cuts in combinations(range(1, len(points)), count):
            edges = [0, *cuts, len(points)]
            means = []
            for low, high in pairwise(edges):
                block = points[low:high]
                means += [sum(m * w for m, w in block) / sum(w for _, w in block)] * len(block)
            if sorted(means) == means:
                loss = sum(w * (m - fit) ** 2 for (m, w), fit in zip(points, means, strict=True))
                best = min(best, (loss, means)) if best else (loss, means)
    return [float(m) for m in best[1]]


def estimates(tallies):
    n, y, allowed = (np.array([column]) for column in zip(*tallies, strict=True))
    return isotonic(n, y, allowed.astype(bool))[0], allowed[0].astype(bool)


@LAWS
@given(TALLIES)
def test_isotonic_is_pool_adjacent_violators(tallies):
    found, allowed = estimates(tallies)
    assert np.isnan(found[~allowed]).all()
    wanted = pooled([(n, y) for n, y, a in tallies if a])
    np.testing.assert_allclose(found[allowed], wanted + 1e-10 * np.arange(1, len(wanted) + 1), rtol=0, atol=1e-13)


@LAWS
@given(TALLIES)
def test_isotonic_is_the_best_fit_that_does_not_fall(tallies):
    found, allowed = estimates(tallies)
    kept = [(n, y) for n, y, a in tallies if a]
    if kept:
        np.testing.assert_allclose(found[allowed], least_squares(kept), rtol=0, atol=1e-9)


@LAWS
@given(TALLIES)
def test_equal_estimates_are_ordered_by_dose(tallies):
    found, allowed = estimates(tallies)
    assert (np.diff(found[allowed]) > 0).all()


def test_isotonic_treats_each_trial_alone():
    n, y = np.array([[3, 6, 0], [3, 3, 3], [6, 6, 6]]), np.array([[1, 0, 0], [0, 1, 2], [2, 1, 0]])
    allowed = np.array([[True, True, False], [True, True, True], [False, True, True]])
    alone = [isotonic(n[[i]], y[[i]], allowed[[i]]) for i in range(3)]
    np.testing.assert_array_equal(isotonic(n, y, allowed), np.concatenate(alone))


def test_a_dose_outside_neither_pools_nor_gets_an_estimate():
    # 1/3, 3/3 left out, 0/3: the outer two pool to (1.05 + 0.05)/... weighted; the middle one has no say.
    inner = isotonic(np.array([[3, 3]]), np.array([[1, 0]]), np.ones((1, 2), bool))[0]
    outer = isotonic(np.array([[3, 3, 3]]), np.array([[1, 3, 0]]), np.array([[True, False, True]]))[0]
    assert np.isnan(outer[1])
    np.testing.assert_allclose(outer[[0, 2]], inner, rtol=0, atol=1e-15)


def test_the_mtd_of_the_boin_paper():
    # Yan et al. 2020, JSS 94(13): n = 3 3 15 9 0, y = 0 0 4 4 0, target 0.30: dose 3.
    n, y = np.array([[3, 3, 15, 9, 0]]), np.array([[0, 0, 4, 4, 0]])
    assert closest(isotonic(n, y, n > 0), 0.30, n > 0).tolist() == [2]


@pytest.mark.parametrize(
    ("estimate", "allowed", "wanted"),
    [
        ([0.1, 0.3, 0.5], [1, 1, 1], 1),
        ([0.15, 0.35, 0.5], [1, 1, 1], 0),  # 0.1 away on both sides: the lower
        ([0.35, 0.15, 0.5], [1, 1, 1], 0),  # the lower dose, not the lower rate
        ([0.2, 0.2, 0.2], [1, 1, 1], 0),
        ([0.15, 0.35, 0.5], [0, 1, 1], 1),
        ([0.25, 0.3, 0.9], [0, 0, 1], 2),
        ([0.25, 0.3, 0.5], [0, 0, 0], NONE),
        ([np.nan, 0.9, np.nan], [0, 1, 0], 1),
    ],
)
def test_closest_to_the_target_ties_to_the_lower(estimate, allowed, wanted):
    assert closest(np.array([estimate]), 0.25, np.array([allowed], bool)).tolist() == [wanted]


def test_rounding_does_not_decide_a_tie():
    # 0.3 - 0.1 and 0.5 - 0.3 differ in the last bit.
    assert (0.3 - 0.1) != (0.5 - 0.3)
    for shift in (-1e-16, 0.0, 1e-16):
        estimate = np.array([[0.1 + shift, 0.5]])
        assert closest(estimate, 0.3, np.ones((1, 2), bool)).tolist() == [0]


@LAWS
@given(st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=1, max_size=6), st.integers(1, 19))
def test_closest_is_a_search_through_the_doses(doses, target):
    kept = [(abs(Fraction(p - target, 20)), j) for j, (p, a) in enumerate(doses) if a]
    estimate, allowed = np.array([[p / 20 for p, _ in doses]]), np.array([[a for _, a in doses]])
    assert closest(estimate, target / 20, allowed)[0] == (min(kept)[1] if kept else NONE)
