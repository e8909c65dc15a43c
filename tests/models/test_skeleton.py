import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from doseopt.core.parameters import Faults
from doseopt.models.skeleton import IndifferenceInterval

# Lee & Cheung 2009; numbers of R dfcrm getprior, to the digits given.
PUBLISHED = [
    (5, 3, 0.25, 0.05, "empiric", [0.083973, 0.156741, 0.25, 0.354500, 0.460343]),
    (4, 2, 0.25, 0.05, "empiric", [0.156741, 0.25, 0.354500, 0.460343]),
    (4, 3, 0.30, 0.05, "empiric", [0.122529, 0.203956, 0.30, 0.401819]),
    (6, 3, 0.25, 0.10, "logistic", [0.017726, 0.086117, 0.25, 0.466823, 0.646861, 0.763057]),
]


@pytest.mark.parametrize(("doses", "prior_mtd", "target", "halfwidth", "model", "wanted"), PUBLISHED)
def test_published(doses, prior_mtd, target, halfwidth, model, wanted):
    found = IndifferenceInterval(prior_mtd, halfwidth).rates(target, doses, model)
    np.testing.assert_array_equal(np.round(found, 6), wanted)


def linear(p, model, intercept):
    return math.log(p) if model == "empiric" else math.log(p / (1 - p)) - intercept


@settings(deadline=None, derandomize=True, max_examples=100)
@given(
    st.integers(1, 8),
    st.integers(1, 8),
    st.floats(0.1, 0.5),
    st.floats(0.01, 0.09),
    st.sampled_from(["empiric", "logistic"]),
    st.sampled_from([2.0, 3.0, 5.0]),
)
def test_where_one_dose_is_at_the_end_of_the_interval_its_neighbour_is_at_the_other(
    doses, prior_mtd, target, halfwidth, model, intercept
):
    # The definition itself: at the b where dose k has target + delta ... its lower neighbour has target - delta.
    interval = IndifferenceInterval(prior_mtd, halfwidth)
    assume(not interval.faults(target, doses, model, intercept))
    rates = interval.rates(target, doses, model, intercept)
    assert rates[prior_mtd - 1] == target
    assert list(rates) == sorted(rates)
    assert all(0 < s < 1 for s in rates)
    for lower, upper in pairwise(rates):
        scale = linear(target + halfwidth, model, intercept) / linear(upper, model, intercept)
        at_lower = scale * linear(lower, model, intercept)
        assert at_lower == pytest.approx(linear(target - halfwidth, model, intercept), rel=1e-9)


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ((0, 0.05), ["prior_mtd: wanted a whole number of at least 1, got 0"]),
        ((1.5, 0.05), ["prior_mtd: wanted a whole number of at least 1, got 1.5"]),
        ((1, 0.0), ["halfwidth: wanted a number in (0, 0.5), got 0.0"]),
        (
            (0, 0.5),
            [
                "prior_mtd: wanted a whole number of at least 1, got 0",
                "halfwidth: wanted a number in (0, 0.5), got 0.5",
            ],
        ),
    ],
)
def test_impossible_intervals_are_refused(arguments, wanted):
    with pytest.raises(Faults) as caught:
        IndifferenceInterval(*arguments)
    assert [str(f) for f in caught.value.faults] == wanted


def test_what_does_not_fit_target_and_doses_is_a_fault_with_its_path():
    found = IndifferenceInterval(5, 0.25).faults(0.25, 4)
    assert [str(f) for f in found] == [
        "skeleton.prior_mtd: wanted a level of 1 to 4, got 5",
        "skeleton.halfwidth: wanted less than the target 0.25 and its distance to 1, got 0.25",
    ]
    assert IndifferenceInterval(4, 0.24).faults(0.25, 4) == []
