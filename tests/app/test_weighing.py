"""Numbers of a curve, by two products, are those of a comparison."""

import dataclasses

import numpy as np
import pytest

from doseopt import (
    BOIN,
    CRM,
    Accrual,
    Clock,
    IndifferenceInterval,
    MaxPatients,
    Modified,
    Stagger,
    ThreePlusThree,
    load_study,
)
from doseopt.app.weighing import NUMBERS, curve_of, numbers_at, numbers_of, reason_not, weighing
from doseopt.comparison.compare import compare
from doseopt.engines.budget import TooManyStates
from doseopt.reports.given import study_of


def difference(study):
    """The largest difference to a comparison, relative to 1 or the number, and how many numbers there were."""
    ready = {name: weighing(study, design, 10**6) for name, design in study.designs.items()}
    worst, count = 0.0, 0
    for k, p in enumerate(study.scenarios["p_dlt"].to_numpy()):
        planned = tuple(p.tolist())
        wanted = numbers_of(compare(study, posteriors=False).isel(scenario=[k]))
        for name, numbers in numbers_at(study, ready, planned).items():
            for one in NUMBERS:
                found, other = np.array(numbers[one], float), np.array(wanted[name][one], float)
                assert np.array_equal(np.isnan(found), np.isnan(other)), (name, one)
                off = np.abs(found - other) / np.maximum(1, np.abs(other))
                worst, count = max(worst, float(np.nanmax(np.append(off, 0)))), count + int((~np.isnan(found)).sum())
    return worst, count


def test_numbers_are_those_of_doseopt_compare():
    bundled = load_study("renji-elo").only(["ATD+3+3 cap 10", "CRM 13", "BOIN 16"])
    some = {name: bundled.scenario_specs[name] for name in ("flat", "MTD 0.5 steep", "too toxic")}
    worst, count = difference(dataclasses.replace(bundled, scenario_specs=some))
    assert worst < 1e-11
    assert count > 100


@pytest.mark.parametrize(
    "clock",
    [
        Clock(28, Accrual("fixed", per_month=2)),
        Clock(
            28, Accrual(per_month=2), stagger=Stagger(sentinel_days=14, between_patients_days=2, between_cohorts_days=3)
        ),
        Clock(28, Accrual("bernoulli", per_slot=0.3), slots=4),
    ],
    ids=["fixed", "staggered", "slots"],
)
def test_durations_are_those_of_doseopt_compare(clock):
    boin = Modified(BOIN(doses=3, target=0.25, cohort=3), (MaxPatients(n=9),))
    crm = Modified(CRM(doses=3, target=0.25, skeleton=IndifferenceInterval(2, 0.05), cohort=2), (MaxPatients(n=8),))
    study = study_of({"BOIN": boin, "CRM": crm, "3+3": ThreePlusThree(doses=3, target=0.25)}, [[0.1, 0.25, 0.4]])
    worst, _ = difference(dataclasses.replace(study, clock=clock))
    assert worst < 1e-11


def test_three_plus_three_at_one_dose_in_closed_form():
    """It names the dose with at most one DLT in six, of three after none and six after one: 0.7^6 + 6 x 0.3 x 0.7^5."""
    study = study_of({"3+3": ThreePlusThree(doses=1, target=0.3)})
    found = numbers_at(study, {"3+3": weighing(study, study.designs["3+3"], 100)}, (0.3,))["3+3"]
    assert found["selection"] == [pytest.approx(0.7**6 + 6 * 0.3 * 0.7**5, abs=1e-12)]
    assert found["duration"] is None


def test_the_benchmark_stands_at_the_published_example():
    """O'Quigley et al.'s benchmark of a fixed trial: 18 patients, target 0.30, 56.73% for the third dose."""
    boin = Modified(BOIN(doses=4, target=0.3, cohort=18), (MaxPatients(n=18),))
    study = study_of({"BOIN": boin})
    found = numbers_at(study, {"BOIN": weighing(study, boin, 10_000)}, (0.05, 0.15, 0.30, 0.45))["BOIN"]
    assert found["sample_size"] == pytest.approx(18)
    assert found["benchmark_correct_selection"] == pytest.approx(0.567318, abs=1e-6)


def test_a_graph_beyond_the_budget_is_refused():
    study = load_study("renji-elo")
    with pytest.raises(TooManyStates):
        weighing(study, study.designs["BOIN 25"], 50)


def test_a_design_that_sees_more_than_dlts_does_not_follow_the_hand():
    study = load_study("renji-elo")
    assert {reason_not(study, design) for design in study.designs.values()} == {""}
    assert curve_of(study, (0.1, 0.2, 0.3, 0.4))["p_dlt"].to_numpy().tolist() == [[0.1, 0.2, 0.3, 0.4]]
