"""Speed of the optimal policy and of calibration; `make bench` runs it. Medians are in the README."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from typing import Any

import pytest

import doseopt
from doseopt.calibrate import Objective, calibrate
from doseopt.limits import Rules, bayes_optimal
from doseopt.scenarios import LogisticFamily, MTDRule, belief_of_rates
from doseopt.study_file import parse_study

MTD = MTDRule(0.25)


def belief(doses: int, points: int = 20) -> doseopt.Belief:
    """400 scenarios unless said otherwise."""
    return belief_of_rates(LogisticFamily(location=doses - 0.5, location_sd=1.5, points=points).rates(doses, 0.25))


SIZES = {
    "4 doses, 30 patients in threes": (4, Rules(30, cohort=3), 636_988),
    "4 doses, 25 single patients": (4, Rules(25), 12_458_745),
    "4 doses, 30 single patients": (4, Rules(30), 45_100_164),
    "5 doses, 30 patients in threes": (5, Rules(30, cohort=3), 3_087_700),
    "5 doses, 20 single patients": (5, Rules(20), 21_620_368),
    "6 doses, 30 patients in threes": (6, Rules(30, cohort=3), 10_601_458),
    "6 doses, 15 single patients": (6, Rules(15), 7_765_940),
}


@pytest.mark.parametrize("name", SIZES)
def test_optimal_policy(benchmark: Any, name: str) -> None:
    """Backward induction over all tallies, 400 scenarios."""
    doses, rules, tallies = SIZES[name]
    found = benchmark.pedantic(bayes_optimal, (belief(doses), MTD, rules), rounds=3)
    assert found.design.table.tallies.size == tallies


CALIBRATED = """
title = "2,000 CRMs"
target = 0.25
doses = { labels = ["1", "2", "3", "4"] }
belief = { kind = "generator", generator = "paoletti", seed = 1, count = 200 }
[scenarios]
s = [0.05, 0.15, 0.25, 0.4]
[designs.CRM]
kind = "crm"
skeleton = { prior_mtd = 3, halfwidth = 0.05 }
modifiers = [
    { kind = "no_skipping" }, { kind = "coherent" }, { kind = "too_toxic" }, { kind = "max_patients", n = 24 },
]
"""


def test_two_thousand_crms(benchmark: Any) -> None:
    """4 doses, 24 patients in threes, 200 scenarios, on two cores; with the attainable for comparison."""
    study = parse_study(CALIBRATED)

    def run() -> Any:
        with ProcessPoolExecutor(2) as executor:
            return calibrate(study, "CRM", (), Objective(), 2000, 1, executor)

    found = benchmark.pedantic(run, rounds=1)
    assert found.dataset.sizes["candidate"] > 1500
