"""The recorded answer on waiting by pace: the page made from it, and its numbers by closed forms and once more."""

import json
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

import doseopt
from benchmarks.pace import run
from doseopt import ExactPending, Lattice, SimulatePending
from doseopt.clock.lattice import Gaps
from doseopt.clock.onset import Onset
from doseopt.measures.operating_characteristics import measure

MONTH = 30.4375
LATE = Onset("weibull", late=0.75)


@pytest.fixture(scope="module")
def recorded():
    return json.loads(run.RESULTS.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def study():
    return doseopt.load_study("renji-elo-pace")


def by_place(rows):
    return {(row["pace"], row["design"]): row for row in rows}


def test_the_page_is_made_from_the_record(recorded):
    assert run.page(recorded) == run.PAGE.read_text(encoding="utf-8")
    for said in ("from 1.1 on", "at none", run.answer(recorded).split(";")[0][:40]):
        assert said in run.PAGE.read_text(encoding="utf-8")


def test_the_record_is_of_the_bundled_study(recorded, study):
    assert (recorded["study"], recorded["study_hash"]) == (study.name, study.hash)
    assert recorded["version"] == doseopt.__version__
    assert recorded["accrual"].keys() == run.ACCRUALS.keys()
    places = [(pace, name) for pace in (0.55, 1.1, 2.2, 4.4) for name in study.designs]
    for rows in recorded["accrual"].values():
        assert list(by_place(rows)) == places


def test_the_study_has_the_scenarios_and_the_registered_design_of_the_protocol(study):
    protocol = doseopt.load_study("renji-elo")
    assert study.scenario_specs == protocol.scenario_specs
    assert (study.doses, study.target, study.definition) == (protocol.doses, protocol.target, protocol.definition)
    for name in ("ATD+3+3 cap 10", "ATD+3+3 uncapped", "BOIN 25"):
        assert study.designs[name] == protocol.designs[name]
    same = {"onset": None, "also_per_month": ()}
    assert replace(study.clock, **same) == replace(protocol.clock, **same)


def test_gains_are_differences_of_days(recorded):
    for rows in recorded["accrual"].values():
        place = by_place(rows)
        for (pace, _), row in place.items():
            if "waits_as" in row:
                other = place[pace, row["waits_as"]]
                assert row["of"] == pytest.approx(other["duration"])
                assert row["saved"] == pytest.approx(other["duration"] - row["duration"])


def test_waiting_costs_a_window_a_cohort_at_any_pace(recorded):
    """With Poisson arrivals a trial that waits takes N/rate + 28 C days on average, N and C being those of no clock."""
    place = by_place(recorded["accrual"]["poisson"])
    for name in ("ATD+3+3 uncapped", "3+3", "BOIN 25", "CRM 25"):
        days = {pace: place[pace, name]["duration"] for pace in (0.55, 1.1, 2.2, 4.4)}
        patients = [(days[a] - days[b]) / MONTH / (1 / a - 1 / b) for a, b in combinations(days, 2)]
        assert patients == pytest.approx([patients[0]] * 6, rel=1e-9)
        cohorts = (days[0.55] - patients[0] * MONTH / 0.55) / 28
        assert patients[0] / 3 - 1e-9 < cohorts < patients[0]
        at = {row["correct"] for key, row in place.items() if key[1] == name}
        assert max(at) - min(at) < 1e-12


def test_at_equal_gaps_longer_than_the_window_nobody_is_pending(recorded):
    place = by_place(recorded["accrual"]["fixed"])
    for name, waits in (("TITE-BOIN 25", "BOIN 25"), ("TITE-CRM 25", "CRM 25")):
        one, other = place[0.55, name], place[0.55, waits]
        for which in ("correct", "overdose"):
            assert one[which] == pytest.approx(other[which], abs=1e-12)
        assert one["duration"] == pytest.approx(other["duration"], abs=1e-6)


@pytest.mark.parametrize("name", ["rolling six", "TITE-BOIN 25"])
@pytest.mark.parametrize("pace", [0.55, 1.1])
def test_exact_numbers_once_more(recorded, study, name, pace):
    row = by_place(recorded["accrual"]["fixed"])[pace, name]
    lattice = Lattice(pace * 28 / MONTH, opened=1.0)
    outcomes = study.judge(ExactPending(lattice, LATE)(study.designs[name], study.scenarios))
    for which in ("correct", "overdose"):
        assert row[which] == pytest.approx(float(measure(outcomes, f"{which}_selection")[0].mean()), abs=1e-12)
    days = 28 * (outcomes["weight"] * outcomes["time"]).sum("ending").mean()
    assert row["duration"] == pytest.approx(float(days), rel=1e-12)


@pytest.mark.parametrize("name", ["rolling six", "TITE-BOIN 25", "TITE-CRM 25"])
def test_simulated_numbers_with_other_patients(recorded, study, name):
    """Trials of another seed agree within four standard errors, theirs and those recorded."""
    row = by_place(recorded["accrual"]["poisson"])[2.2, name]
    engine = SimulatePending(Gaps(2.2 * 28 / MONTH), LATE, 400, seed=77)
    outcomes = study.judge(engine(study.designs[name], study.scenarios))
    for which in ("correct", "overdose"):
        mean, error = measure(outcomes, f"{which}_selection")
        most = np.hypot(float(error.mean()), row[f"{which}_error_at_most"])
        assert abs(row[which] - float(mean.mean())) < 4 * most
    each = 28 * outcomes["time"].mean("scenario")
    assert abs(float(each.mean()) - row["duration"]) < 4 * float(each.std()) / np.sqrt(400)
