"""A+B designs against the closed forms of Lin & Shih (2001), written here from the paper, and 3+3 as one of them."""

from itertools import pairwise
from math import comb

import numpy as np
import pytest

from doseopt import APlusB, Exact, Faults, MTDRule, ThreePlusThree, after, build_graph, judged, make_scenarios
from doseopt import operating_characteristics as measures
from doseopt.study.file import parse_study

P = (0.08, 0.17, 0.3, 0.45, 0.6)
RULES = [
    (3, 3, 1, 1, 1),
    (2, 4, 1, 1, 1),
    (2, 2, 1, 1, 2),
    (4, 3, 1, 2, 2),
    (1, 5, 1, 1, 2),
    (5, 4, 2, 3, 3),
    (3, 3, 2, 2, 3),
]


def chance(k, n, p):
    return comb(n, k) * p**k * (1 - p) ** (n - k)


class LinShih:
    """The probabilities that a dose is left upwards after A, after A + B, and what happens when it is filled later."""

    def __init__(self, p, a, b, c, d, e):
        few = [(x, chance(x, a, p)) for x in range(c)]
        some = [(x, chance(x, a, p)) for x in range(c, d + 1)]
        self.up_after_a = sum(w for _, w in few)
        self.up_after_both = sum(w * chance(y, b, p) for x, w in some for y in range(b + 1) if x + y <= e)
        self.up = self.up_after_a + self.up_after_both
        self.filled_well = sum(w * chance(y, b, p) for x, w in few for y in range(b + 1) if x + y <= e)
        self.filled_ill = self.up_after_a - self.filled_well


def without_descent(rule):
    """P(none), P(1), ... as a dose is declared below the first that is too toxic."""
    each = [LinShih(p, *rule) for p in P]
    reached = np.cumprod([1.0, *(dose.up for dose in each)])
    return [*(before - after for before, after in pairwise(reached)), reached[-1]]


def with_descent(rule):
    """P(none), P(1), ...: after dose k is found too toxic each below is filled, unless it is full, until one holds."""
    each = [LinShih(p, *rule) for p in P]
    found = np.zeros(len(P) + 1)
    for k in range(len(P)):
        going = np.prod([dose.up for dose in each[:k]]) * (1 - each[k].up)
        for i in range(k - 1, -1, -1):
            found[i + 1] += going * (each[i].filled_well + each[i].up_after_both) / each[i].up
            going *= each[i].filled_ill / each[i].up
        found[0] += going
    found[-1] += np.prod([dose.up for dose in each])
    return found


def selection(design):
    outcomes = judged(Exact()(design, make_scenarios([P])), MTDRule(0.25))
    ds = measures(outcomes).isel(scenario=0)
    return [ds["no_selection"].item(), *ds["selection"].to_numpy()]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(("on_descent", "closed_form"), [("stepwise", with_descent), ("declare", without_descent)])
def test_closed_forms(rule, on_descent, closed_form):
    numbers = dict(zip("abcde", rule, strict=True))
    design = APlusB(doses=5, target=0.25, **numbers, on_descent=on_descent, confirm_top=False)
    assert selection(design) == pytest.approx(closed_form(rule), abs=1e-13)


@pytest.mark.parametrize(
    ("own", "its", "confirm_top"),
    [
        *(("stepwise", "three_then_six", top) for top in (True, False)),
        *(("at_once", "six", top) for top in (True, False)),
        ("declare", "declare", False),
    ],
)
@pytest.mark.parametrize("start", [1, 3])
def test_three_plus_three_is_one(own, its, confirm_top, start):
    shared = {"doses": 4, "target": 0.25, "start": start, "confirm_top": confirm_top}
    ours, theirs = (
        build_graph(d, edges=True) for d in (APlusB(on_descent=own, **shared), ThreePlusThree(on_descent=its, **shared))
    )
    for name in ("n", "y"):
        np.testing.assert_array_equal(getattr(ours.state, name), getattr(theirs.state, name))
    np.testing.assert_array_equal(ours.selected, theirs.selected)
    assert ours.counts() == theirs.counts()


@pytest.mark.parametrize(("on_descent", "sizes"), [("stepwise", [2, 4, 0]), ("at_once", [6, 5, 0])])
def test_an_untried_dose_below_an_excluded_one_is_filled_in_one_step_or_two(on_descent, sizes):
    """2+4 from level 2: two DLTs there, so level 1 is next; then what is left of six."""
    design = APlusB(doses=3, target=0.25, a=2, b=4, start=2, on_descent=on_descent)
    seen = ("2TT", "2TT 1NN" if on_descent == "stepwise" else "2TT 1N.", "2TT 1NN 1NNNN")
    decisions = [design.decide(after(design, outcomes)) for outcomes in seen]
    assert [(d.dose.item(), d.size.item()) for d in decisions] == [(0, size) for size in sizes]


def test_what_cannot_be_counted_is_refused_all_at_once():
    with pytest.raises(Faults) as refused:
        APlusB(doses=3, target=0.25, a=2, b=4, c=3, d=1, e=9)
    assert sorted(fault.where for fault in refused.value.faults) == ["c", "d", "e"]


def test_in_a_study_file():
    text = """
title = "A study"
target = 0.25
[doses]
values = [1, 2, 3]
unit = "mg"
[designs."2+4"]
kind = "a_plus_b"
a = 2
b = 4
"""
    assert parse_study(text).designs["2+4"] == APlusB(doses=3, target=0.25, a=2, b=4)
