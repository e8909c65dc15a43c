import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doseopt.parameters import Faults
from doseopt.scenarios import MTDRule

LAWS = settings(deadline=None, derandomize=True, max_examples=60)
RULES = st.sampled_from(["closest", "highest_below", "interval"])
HUNDREDTHS = st.integers(0, 100)
CURVES = st.lists(HUNDREDTHS, min_size=1, max_size=7).map(lambda p: sorted(p))


@pytest.mark.parametrize(
    ("rule", "p", "acceptable", "mtd"),
    [
        (MTDRule(0.25), [0.05, 0.10, 0.20, 0.45], [0, 0, 1, 0], 2),
        (MTDRule(0.25), [0.05, 0.10, 0.20, 0.30], [0, 0, 1, 0], 2),  # a tie: the lower
        (MTDRule(0.30), [0.10, 0.25, 0.35, 0.50], [0, 1, 0, 0], 1),
        (MTDRule(0.25), [0.02, 0.03, 0.04, 0.06], [0, 0, 0, 1], 3),
        (MTDRule(0.25), [0.35, 0.40, 0.50, 0.60], [1, 0, 0, 0], 0),  # at phi + 0.10, not above
        (MTDRule(0.20), [0.30, 0.40, 0.52, 0.61], [1, 0, 0, 0], 0),  # 0.2 + 0.1 is not 0.3 in floats
        (MTDRule(0.25), [0.36, 0.40, 0.50, 0.60], [0, 0, 0, 0], -1),
        (MTDRule(0.25, none_above=0.5), [0.36, 0.40, 0.50, 0.60], [1, 0, 0, 0], 0),
        (MTDRule(0.25, "highest_below"), [0.05, 0.10, 0.20, 0.26], [0, 0, 1, 0], 2),
        (MTDRule(0.30, "highest_below"), [0.05, 0.10, 0.1 + 0.2, 0.45], [0, 0, 1, 0], 2),  # 0.30000000000000004
        (MTDRule(0.25, "highest_below"), [0.26, 0.30, 0.40, 0.50], [0, 0, 0, 0], -1),
        (MTDRule(0.25, "interval"), [0.10, 0.20, 0.30, 0.31], [0, 1, 1, 0], 1),  # both ends belong; tie: the lower
        (MTDRule(0.25, "interval"), [0.10, 0.21, 0.26, 0.40], [0, 1, 1, 0], 2),
        (MTDRule(0.25, "interval"), [0.02, 0.03, 0.10, 0.19], [0, 0, 0, 0], -1),
        (MTDRule(0.25, "interval", none_above=0.27), [0.28, 0.40, 0.50, 0.60], [0, 0, 0, 0], -1),
    ],
)
def test_what_is_right(rule, p, acceptable, mtd):
    np.testing.assert_array_equal(rule.acceptable(p), np.array(acceptable, bool))
    assert rule.mtd(p) == mtd


def test_ties_of_decimal_rates_go_to_the_lower_dose():
    """In floats the lower rate is closer in some of these pairs, the higher in others."""
    pairs = [(target, gap) for target in range(5, 96) for gap in range(1, 11) if gap <= target <= 100 - gap]
    higher_is_closer = 0
    for target, gap in pairs:
        p = np.array([target - gap, target + gap]) / 100
        higher_is_closer += abs(p[1] - target / 100) < abs(p[0] - target / 100)
        assert MTDRule(target / 100).mtd(p) == 0
        assert MTDRule(target / 100, "interval", 0.2).mtd(p) == 0
    assert higher_is_closer > 100


def test_batches_of_any_shape():
    p = np.array([[[0.05, 0.25, 0.45], [0.50, 0.60, 0.70]]])
    rule = MTDRule(0.25)
    assert rule.acceptable(p).shape == (1, 2, 3)
    np.testing.assert_array_equal(rule.mtd(p), [[1, -1]])
    assert rule.mtd(p).dtype == np.int64


@LAWS
@given(CURVES, st.integers(1, 99), RULES, st.integers(1, 49))
def test_against_a_statement_in_whole_numbers(p, target, name, halfwidth):
    rule = MTDRule(target / 100, name, halfwidth / 100)
    distance = [abs(q - target) for q in p]
    if name == "closest":
        right = [distance.index(min(distance))]
    elif name == "highest_below":
        right = [k for k, q in enumerate(p) if q <= target][-1:]
    else:
        right = [k for k, d in enumerate(distance) if d <= halfwidth]
    if p[0] > target + 10:
        right = []
    rates = np.array(p) / 100
    assert np.flatnonzero(rule.acceptable(rates)).tolist() == right
    assert rule.mtd(rates) == (min(right, key=lambda k: distance[k]) if right else -1)


def test_threshold_moves_with_the_target():
    assert MTDRule(0.25).none_threshold == pytest.approx(0.35)
    assert MTDRule(0.30).none_threshold == pytest.approx(0.40)
    assert MTDRule(0.30, none_above=0.33).none_threshold == 0.33


def test_every_fault_is_reported():
    with pytest.raises(Faults) as caught:
        MTDRule(1.0, "closer", 0.5, 1.5)
    assert [fault.where for fault in caught.value.faults] == ["target", "rule", "halfwidth", "none_above"]
    assert "did you mean 'closest'" in str(caught.value)
    with pytest.raises(Faults, match=r"none_above: wanted at least the target \(0.3\), got 0.2"):
        MTDRule(0.30, none_above=0.2)


@pytest.mark.parametrize("name", ["closest", "highest_below", "interval"])
def test_description_names_the_numbers(name):
    text = MTDRule(0.25, name, 0.07, 0.4).describe()
    assert "0.25" in text
    assert "0.4" in text
    assert ("0.07" in text) == (name == "interval")
    assert text.count(".") - 1 == sum(text.count(n) for n in ("0.25", "0.4", "0.07"))  # one sentence
