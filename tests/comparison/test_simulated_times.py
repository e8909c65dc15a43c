"""Times of trials that are simulated as a whole, against those of the same designs whose graph is counted."""

import numpy as np
import pytest
from comparison.test_times_of_lost import BOTH, FIXED, NO_SENTINEL, OUT, POISSON, REPLACED, RESOLVED, STAGGER, STUDY

from doseopt import ExactWherePossible, Simulate
from doseopt.comparison.compare import compare
from doseopt.reports.sections.time import time_blocks
from doseopt.study.file import parse_study

CASES = [
    (POISSON + STAGGER, "", 'death = { probability = 0.35, reading = "complete" }'),
    (POISSON, "", OUT),
    (POISSON + NO_SENTINEL, ', { kind = "max_enrolled", n = 9 }', OUT),
    (FIXED, "", REPLACED),
    (POISSON + RESOLVED, ', { kind = "max_enrolled", n = 9 }', REPLACED),
    (POISSON + "\nclosed = { queue = 2 }", "", BOTH),
]


@pytest.mark.parametrize(("clock", "cap", "events"), CASES)
def test_they_are_those_of_the_design(clock, cap, events):
    """Two routes: cohorts drawn along a graph or by its law, and trials drawn patient by patient."""
    study = parse_study(STUDY.format(clock=clock, cap=cap, events=events))
    counted, drawn = compare(study), compare(study, Simulate(trials=200, seed=3))
    assert (drawn["duration_mcse"] > 0).all()
    error = np.hypot(drawn["duration_mcse"], counted["duration_mcse"])
    assert (np.abs(drawn["duration"] - counted["duration"]) < 4 * error).all()
    trials = drawn["times_trials"].item()
    sd = np.sqrt(2 * counted["completed_by"] * (1 - counted["completed_by"]) / trials)
    assert (np.abs(drawn["completed_by"] - counted["completed_by"]) <= 4 * sd + 1e-12).all()
    for name in ("turned_away", "closed_days"):
        assert drawn[name].values == pytest.approx(counted[name].values, rel=0.1)
    if "enrolled_sd" in counted:
        assert drawn["enrolled_sd"].values == pytest.approx(counted["enrolled_sd"].values, rel=0.1)
        more = drawn["enrolled_quantile"] - counted["enrolled_quantile"]
        assert (np.abs(more) <= 1).all()


def test_reason_trials_seed_and_error_stand_beside_the_number():
    text = STUDY.format(clock=POISSON, cap="", events='death = { probability = 0.35, reading = "complete" }')
    first = time_blocks(compare(parse_study(text), Simulate(trials=50)))[0]
    assert (
        "Simulated, since trials are simulated as a whole (4,000 trials of a design in a scenario, seed 1" in first.text
    )
    assert "standard error of a mean at most" in first.text


def test_who_is_enrolled_is_told_without_a_clock():
    """A mixture of negative binomials is left of the simulation: its error is that of 4,000 trials' tallies."""
    text = STUDY.format(clock=POISSON, cap="", events=REPLACED).replace(
        f"[clock]\nwindow = 28\nfollow_up = 40\n{POISSON}\n", ""
    )
    study = parse_study(text)
    counted, drawn = compare(study), compare(study, Simulate(trials=50))
    assert "duration" not in drawn
    assert drawn["enrolled_sd"].values == pytest.approx(counted["enrolled_sd"].values, rel=0.05)


def test_another_seed_draws_other_days():
    """Also where selections are exact: what is drawn is of the run's seed, and differs by its error."""
    study = parse_study(STUDY.format(clock=POISSON, cap="", events=REPLACED))
    one, two = (compare(study, ExactWherePossible(simulate=Simulate(seed=seed))) for seed in (1, 2))
    assert [each["times_seed"].item() for each in (one, two)] == [1, 2]
    assert (one["correct_selection"] == two["correct_selection"]).all()
    apart = np.abs(one["duration"] - two["duration"])
    assert (apart > 0).all()
    assert (apart < 4 * np.hypot(one["duration_mcse"], two["duration_mcse"])).all()
