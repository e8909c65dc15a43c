"""What a calibration is judged by, worked out by hand on two scenarios with weights 1/4 and 3/4."""

import numpy as np
import pytest

from doseopt.beliefs import belief_of_rates
from doseopt.calibration import Objective, calibrate
from doseopt.study.file import parse_study

BELIEF = belief_of_rates([[0.1, 0.2], [0.2, 0.4]], [1, 3])
MEASURES = {
    "correct_selection": np.array([0.8, 0.4]),  # on average 0.5
    "overdose_selection": np.array([0.2, 0.4]),  # 0.35
    "total_dlts": np.array([1.0, 3.0]),  # 2.5
    "sample_size": np.array([9.0, 9.0]),
}


@pytest.mark.parametrize(
    ("limits", "excess"),
    [
        ((), 0),
        ((("overdose_selection", 0.35),), 0),
        ((("overdose_selection", 0.25),), 0.4),
        ((("total_dlts", 2.0),), 0.25),
        # in all, each relative to its own limit; what is kept offsets nothing
        ((("overdose_selection", 0.25), ("total_dlts", 2.0)), 0.65),
        ((("overdose_selection", 0.25), ("total_dlts", 2.0), ("sample_size", 90)), 0.65),
        ((("sample_size", 6), ("total_dlts", 1)), 2.0),
    ],
)
def test_excess_is_relative_to_each_limit(limits, excess):
    assert Objective(limits=limits).excess(MEASURES, BELIEF) == pytest.approx(excess, abs=1e-12)


def test_a_limit_of_nothing_is_exceeded_by_anything():
    assert Objective(limits=(("overdose_selection", 0.0),)).excess(MEASURES, BELIEF) > 1e6


def test_the_score_is_high_where_the_objective_is_good():
    assert Objective().score(MEASURES, BELIEF) == pytest.approx(0.5)
    assert Objective("total_dlts").score(MEASURES, BELIEF) == pytest.approx(-2.5)
    assert Objective(worst=True).score(MEASURES, BELIEF) == pytest.approx(0.4)
    assert Objective("total_dlts", worst=True).score(MEASURES, BELIEF) == pytest.approx(-3)


def test_a_scenario_without_weight_is_not_the_worst():
    belief = belief_of_rates([[0.1, 0.2], [0.2, 0.4], [0.3, 0.5]], [1, 3, 0])
    measures = {"correct_selection": np.array([0.8, 0.4, 0.1])}
    assert Objective(worst=True).score(measures, belief) == pytest.approx(0.4)


STUDY = """
title = "two doses"
target = 0.25
doses = { labels = ["1", "3"] }
belief = { kind = "logistic", location = 1.5, location_sd = 1, points = 2 }
[scenarios]
s = [0.1, 0.25]
[designs.BOIN]
kind = "boin"
modifiers = [{ kind = "max_patients", n = 6 }]
"""


def test_every_candidate_states_its_excess():
    limits = (("overdose_selection", 0.02), ("sample_size", 4.0))
    found = calibrate(parse_study(STUDY), "BOIN", objective=Objective(limits=limits), candidates=8).dataset
    over, size = (found[name].to_numpy() for name, _ in limits)
    wanted = np.maximum(over / 0.02 - 1, 0) + np.maximum(size / 4 - 1, 0)
    assert wanted.min() > 0
    np.testing.assert_allclose(found["excess"], wanted, rtol=1e-12)
