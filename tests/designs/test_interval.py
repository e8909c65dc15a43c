"""The base of the interval designs: cutting (0, 1) into pieces, ties, and faults."""

import dataclasses
import math

import numpy as np
import pytest

from doseopt import BOIN, MTPI, MTPI2, TPI, I3Plus3, Keyboard
from doseopt.core.parameters import Faults, declared
from doseopt.designs.interval import DOWN, STAY, UP, equal_pieces, last_largest, move_to_densest

MARGINS = [Keyboard, MTPI, MTPI2, I3Plus3]


@pytest.mark.parametrize(
    ("low", "high", "wanted"),
    [
        (0.25, 0.35, [0, 0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 0.95, 1]),
        (0.20, 0.30, [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]),  # no slivers that rounding leaves
        (0.05, 0.45, [0, 0.05, 0.45, 0.85, 1]),
    ],
)
def test_pieces(low, high, wanted):
    np.testing.assert_allclose(equal_pieces(low, high), wanted, rtol=0, atol=1e-12)
    assert low in equal_pieces(low, high)
    assert high in equal_pieces(low, high)


def test_ties_go_to_the_last():
    values = np.array([[0.1, 0.3, 0.3], [0.3, 0.3 + 1e-15, 0.1], [0.3, 0.3 + 1e-9, 0.1], [0.3, 0.3 - 1e-9, 0.1]])
    assert last_largest(values).tolist() == [2, 1, 1, 0]


def test_a_tie_between_two_intervals_goes_to_the_higher():
    """Worked by hand: after 2 DLTs in 4 patients the posterior is symmetric about 1/2."""
    n, y = np.array([4]), np.array([2])
    edges = np.array([0, 0.4, 0.5, 0.6, 1])
    assert move_to_densest(n, y, edges, 0.4) == DOWN
    assert move_to_densest(n, y, edges, 0.5) == STAY
    assert move_to_densest(n, y, edges, 0.6) == UP
    assert TPI(doses=3, target=0.5, k1=0.1, k2=0.1).moves(n, y) == DOWN


@pytest.mark.parametrize("kind", MARGINS)
def test_margins_leave_room_on_both_sides(kind):
    with pytest.raises(Faults) as caught:
        kind(doses=3, target=0.25, margin_left=0.25, margin_right=0.75)
    assert [str(f) for f in caught.value.faults] == [
        "margin_left: wanted less than the target (0.25), got 0.25",
        "margin_right: wanted less than 1 - target (0.75), got 0.75",
    ]


@pytest.mark.parametrize("kind", [*MARGINS, TPI, BOIN])
def test_a_parameter_outside_its_domain_is_a_fault_and_no_other_error(kind):
    good = kind(doses=3, target=0.25)
    for name in declared(kind):
        for value in ("x", None, math.nan, -1, 1e300):
            with pytest.raises(Faults) as caught:
                dataclasses.replace(good, **{name: value})
            assert caught.value.faults[0].where == name, value
