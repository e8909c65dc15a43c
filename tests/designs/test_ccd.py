"""The cumulative cohort design: its table worked in whole numbers, and whole trials against the second statement."""

from fractions import Fraction

import numpy as np
import oracle
import pytest

from doseopt import CCD, Exact, Faults, MaxPatients, Modified, MTDRule, judged, make_scenarios
from doseopt import operating_characteristics as measures
from doseopt.designs.interval import DOWN, STAY, UP
from doseopt.study.file import parse_study

RECOMMENDED = {
    "0.10": "0.09",
    "0.15": "0.09",
    "0.20": "0.09",
    "0.25": "0.09",
    "0.30": "0.10",
    "0.35": "0.10",
    "0.40": "0.12",
    "0.45": "0.13",
    "0.50": "0.13",
}
"""Half-widths that Ivanova, Flournoy & Chung 2007 recommend, as R code of Lin & Yin (2018) has them."""


@pytest.mark.parametrize(("target", "delta"), RECOMMENDED.items())
def test_moves_in_whole_numbers(target, delta):
    """An end of the interval is outside of it: up at phi - delta, down at phi + delta, exactly."""
    low, high = Fraction(target) - Fraction(delta), Fraction(target) + Fraction(delta)
    n, y = (grid.ravel() for grid in np.meshgrid(np.arange(1, 101), np.arange(101)))
    n, y = n[y <= n], y[y <= n]
    seen = [Fraction(int(a), int(b)) for a, b in zip(y, n, strict=True)]
    wanted = [UP if x <= low else DOWN if x >= high else STAY for x in seen]
    assert CCD(doses=3, target=float(target)).moves(n, y).tolist() == wanted
    assert low in seen


class SecondStatement(oracle.BOIN):
    """BOIN's trials with other boundaries."""

    def __init__(self, doses, target, delta):
        super().__init__(doses, target)
        self.lambda_e, self.lambda_d = target - delta, target + delta


@pytest.mark.parametrize(("target", "delta"), [(0.25, None), (0.3, 0.07)])
def test_operating_characteristics_by_a_plain_recursion(target, delta):
    truths = [(0.05, 0.15, 0.3, 0.45), (0.3, 0.4, 0.5, 0.6), (0.02, 0.03, 0.05, 0.1)]
    design = Modified(CCD(doses=4, target=target, delta=delta), (MaxPatients(n=18),))
    found = measures(judged(Exact()(design, make_scenarios(truths)), MTDRule(target)))
    trials = oracle.Trials(SecondStatement(4, target, delta or 0.09), cap=18)
    for i, p in enumerate(truths):
        chosen, patients, dlts = trials.evaluate(p)
        ours = found.isel(scenario=i)
        assert [ours["no_selection"].item(), *ours["selection"].values] == pytest.approx(chosen, abs=1e-12)
        assert ours["patients"].values == pytest.approx(patients, abs=1e-12)
        assert ours["dlts"].values == pytest.approx(dlts, abs=1e-12)


def test_an_interval_that_leaves_no_room_is_refused():
    with pytest.raises(Faults, match="delta: wanted at most the target and its distance to 1"):
        CCD(doses=3, target=0.05)
    with pytest.raises(Faults, match=r"delta: wanted at most the target and its distance to 1 \(0.2\), got 0.3"):
        CCD(doses=3, target=0.2, delta=0.3)
    assert CCD(doses=3, target=0.05, delta=0.03).width == 0.03


def test_in_a_study_file():
    text = """
title = "A study"
target = 0.3
[doses]
labels = ["1", "2", "3"]
[designs.CCD]
kind = "ccd"
modifiers = [{ kind = "max_patients", n = 12 }]
"""
    assert parse_study(text).designs["CCD"] == Modified(CCD(doses=3, target=0.3), (MaxPatients(n=12),))
