import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doseopt.core.parameters import Faults
from doseopt.scenarios import MTDRule, above_mtd

LAWS = settings(deadline=None, derandomize=True, max_examples=60)
RULES = ("closest", "highest_below", "interval")
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
        (MTDRule(0.25, "interval"), [0.02, 0.03, 0.10, 0.19], [0, 0, 0, 1], 3),  # all below: the highest
        (MTDRule(0.25, "interval"), [0.31, 0.40, 0.50, 0.60], [0, 0, 0, 0], -1),  # only where the lowest lies above
        (MTDRule(0.25, "interval"), [0.02, 0.10, 0.31, 0.60], [0, 1, 0, 0], 1),  # jumped over: the highest below
        (MTDRule(0.25, "interval", jumped="none"), [0.02, 0.10, 0.31, 0.60], [0, 0, 0, 0], -1),
        (MTDRule(0.25, "interval", jumped="none"), [0.02, 0.03, 0.10, 0.19], [0, 0, 0, 1], 3),  # not jumped over
        (MTDRule(0.25, "interval", low=0.16, high=0.33), [0.10, 0.16, 0.33, 0.34], [0, 1, 1, 0], 2),
        (MTDRule(0.25, "interval", low=0.16, high=0.33), [0.33, 0.34, 0.50, 0.60], [1, 0, 0, 0], 0),
        (MTDRule(0.25, "interval", low=0.16, high=0.33), [0.34, 0.40, 0.50, 0.60], [0, 0, 0, 0], -1),
        (MTDRule(0.25, "interval", high=0.25), [0.10, 0.20, 0.26, 0.60], [0, 1, 0, 0], 1),  # the other end: halfwidth
        (MTDRule(0.25, "interval", 0.10, low=0.25), [0.10, 0.24, 0.35, 0.60], [0, 0, 1, 0], 2),
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
@given(CURVES, st.integers(1, 99), st.sampled_from(["closest", "highest_below"]))
def test_against_a_statement_in_whole_numbers(p, target, name):
    rule = MTDRule(target / 100, name)
    distance = [abs(q - target) for q in p]
    below = [k for k, q in enumerate(p) if q <= target]
    right = [distance.index(min(distance))] if name == "closest" else below[-1:]
    if p[0] > target + 10:
        right = []
    rates = np.array(p) / 100
    assert np.flatnonzero(rule.acceptable(rates)).tolist() == right
    assert rule.mtd(rates) == (min(right, key=lambda k: distance[k]) if right else -1)


@LAWS
@given(CURVES, st.tuples(HUNDREDTHS, st.integers(1, 99), HUNDREDTHS).map(sorted), st.sampled_from(["below", "none"]))
def test_an_interval_against_a_statement_in_whole_numbers(p, ends, jumped):
    low, target, high = ends
    if not 0 < target < 100:
        return
    rule = MTDRule(target / 100, "interval", low=low / 100, high=high / 100, jumped=jumped)
    right = [k for k, q in enumerate(p) if low <= q <= high]
    if not right and (p[-1] < low or jumped == "below"):
        right = [k for k, q in enumerate(p) if q < low][-1:]
    rates = np.array(p) / 100
    found = rule.acceptable(rates)
    assert np.flatnonzero(found).tolist() == right
    assert rule.mtd(rates) == (min(right, key=lambda k: abs(p[k] - target)) if right else -1)
    over = [k for k, q in enumerate(p) if q > target and k > max(right, default=-1)]
    assert np.flatnonzero(above_mtd(rates, found, target / 100)).tolist() == over
    assert all(p[k] > high for k in over)  # where rates do not fall, all above the interval and no other


@LAWS
@given(st.sets(HUNDREDTHS, min_size=1, max_size=7).map(sorted), st.integers(1, 99), st.sampled_from(RULES))
def test_above_the_mtd_is_all_above_the_highest_right_dose_where_one_dose_is_right(p, target, name):
    """As it always was, for rates that rise: the true rate decides nothing that the order of the doses does not."""
    rates = np.array(p) / 100
    right = MTDRule(target / 100, name).acceptable(rates)
    highest = np.flatnonzero(right).max(initial=-1)
    np.testing.assert_array_equal(above_mtd(rates, right, target / 100), np.arange(len(p)) > highest)


@pytest.mark.parametrize("jumped", ["below", "none"])
@pytest.mark.parametrize("top", [0.13, 0.19])
def test_a_safe_drug_has_no_overdose(jumped, top):
    p = np.array([0.01, 0.04, 0.08, top])
    right = MTDRule(0.25, "interval", jumped=jumped).acceptable(p)
    assert right.tolist() == [False, False, False, True]
    assert not above_mtd(p, right, 0.25).any()
    assert not above_mtd(p, np.zeros(4, bool), 0.25).any()  # not even if none were right


def test_below_a_jumped_interval_nothing_is_an_overdose_though_none_is_right():
    p = np.array([0.02, 0.10, 0.31, 0.60])
    right = MTDRule(0.25, "interval", jumped="none").acceptable(p)
    assert above_mtd(p, right, 0.25).tolist() == [False, False, True, True]


def test_a_dose_that_is_no_more_toxic_than_the_target_is_no_overdose():
    p = np.array([0.05, 0.15, 0.25, 0.25])
    right = MTDRule(0.25).acceptable(p)
    assert right.tolist() == [False, False, True, False]
    assert not above_mtd(p, right, 0.25).any()


def test_a_rule_at_another_target_takes_its_interval_along():
    moved = MTDRule(0.25, "interval", low=0.16, high=0.33).at(0.30)
    assert moved.interval == pytest.approx((0.21, 0.38))
    assert MTDRule(0.25, "interval", low=0.0, high=1.0, jumped="none").at(0.9).interval == pytest.approx((0.65, 1))
    assert MTDRule(0.25, "interval", 0.1).at(0.30).interval == pytest.approx((0.2, 0.4))
    assert MTDRule(0.25, none_above=0.28).at(0.30).none_above == 0.30
    assert MTDRule(0.25, none_above=0.33).at(0.30).none_above == 0.33


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


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"none_above": 0.4}, {"none_above"}),
        ({"low": 0.3, "high": 0.2}, {"low", "high"}),
        ({"low": 0.2, "high": 0.3, "halfwidth": 0.1}, {"halfwidth"}),
        ({"rule": "closest", "low": 0.2, "high": 0.3, "jumped": "none"}, {"low", "high", "jumped"}),
        ({"rule": "highest_below", "high": 0.3, "none_above": 0.1}, {"none_above", "high"}),
        ({"low": "0.2", "high": 0.1, "jumped": "over"}, {"low", "high", "jumped"}),
        ({"low": 1.2, "none_above": 0.4}, {"low", "none_above"}),
    ],
)
def test_what_a_rule_does_not_read_is_a_fault(given, wanted):
    with pytest.raises(Faults) as caught:
        MTDRule(0.25, **{"rule": "interval"} | given)
    assert {fault.where for fault in caught.value.faults} == wanted


def test_an_interval_describes_itself():
    text = MTDRule(0.25, "interval", low=0.16, high=0.33).describe()
    assert "from 0.16 to 0.33" in text
    assert "the highest dose below that if all are below or the doses jump over it" in text
    assert "none is correct if the lowest dose is above 0.33" in text
    assert "none if the doses jump over it" in MTDRule(0.25, "interval", jumped="none").describe()


@pytest.mark.parametrize("name", ["closest", "highest_below", "interval"])
def test_description_names_the_numbers(name):
    text = MTDRule(0.25, name, 0.07, None if name == "interval" else 0.4).describe()
    assert "0.25" in text
    assert ("0.4" in text) == (name != "interval")
    assert ("0.07" in text) == ("0.32" in text) == (name == "interval")
    assert text.count(".") - 1 == sum(text.count(n) for n in ("0.25", "0.4", "0.07", "0.32"))  # one sentence
