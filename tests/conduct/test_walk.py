"""One trial in words: it is a trial of the simulator's, and obeys its design."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from doseopt.cli import app
from doseopt.conduct.next_dose import next_dose
from doseopt.conduct.posterior import analyse
from doseopt.conduct.walk import walk
from doseopt.core.cohort import Cohort
from doseopt.core.parameters import Faults
from doseopt.engines.patients import Patients
from doseopt.records.trial import Trial
from doseopt.reports.render.terminal import terminal_text
from doseopt.reports.sections.walk import walk_document
from doseopt.scenarios.doses import Doses
from doseopt.study.file import load_study

GOLDEN = Path(__file__).parents[1] / "golden"
STUDY = load_study("renji-elo-first")
CASES = [("ATD+3+3 uncapped", "MTD 1.5 steep", 1), ("CRM 25", "mild", 2), ("BOIN 10", "too toxic", 3)]


@pytest.mark.parametrize("design", STUDY.designs)
def test_the_trial_is_the_designs_and_its_patients_the_simulators(design):
    trial = walk(STUDY, Trial(STUDY.doses), design, "MTD 1.5 steep", seed=5)
    cohorts = [Cohort(one["level"], one["letters"]) for one in trial["steps"]]
    assert Trial.from_cohorts(cohorts, STUDY.doses).after(STUDY.designs[design]).departures == []
    count = sum(len(c.letters) for c in cohorts)
    u = Patients(1, np.random.SeedSequence(5)).tolerance(np.zeros(count, int), np.arange(count))
    rates = np.repeat([trial["p_dlt"][c.level - 1] for c in cohorts], [len(c.letters) for c in cohorts])
    assert "".join(c.letters for c in cohorts) == "".join("T" if x else "N" for x in u < rates)
    assert trial["correct"] == (trial["mtd"] == trial["true_mtd"] == 3)


def test_none_is_the_correct_answer_where_every_dose_is_too_toxic():
    for seed in range(12):
        trial = walk(STUDY, Trial(STUDY.doses), "ATD+3+3 cap 10", "too toxic", seed)
        assert trial["true_mtd"] is None
        assert trial["correct"] == (trial["mtd"] is None)


@pytest.mark.parametrize(("design", "scenario", "seed"), CASES)
def test_golden_texts(design, scenario, seed):
    """Regression only: the text as it was when it was last read by eye."""
    text = terminal_text(walk_document(walk(STUDY, Trial(STUDY.doses), design, scenario, seed))).plain
    assert max(map(len, text.splitlines())) <= 100
    golden = GOLDEN / f"walk-{design.replace(' ', '-')}.txt"
    assert text + "\n" == golden.read_text(encoding="utf-8")


def test_a_walk_goes_on_from_the_trial_so_far():
    """BOIN, target 0.25: 0/3 is up; the cap of 10 leaves one patient, at level 4; 0/1 there, and none had a DLT."""
    so_far = Trial.from_outcomes("1NNN 2NNN 3NNN", STUDY.doses)
    told = walk(STUDY, so_far, "BOIN 10", "flat", 1)
    assert [(step["level"], step["size"]) for step in told["steps"]] == [(4, 1)]
    assert (told["stop"], told["trial_hash"]) == ("max_patients", so_far.digest)


def test_a_trial_on_other_doses_is_refused():
    other = Trial.from_outcomes("1N", Doses(("a", "b")))
    for analysis in (next_dose, lambda study, trial: walk(study, trial, "BOIN 10", "flat"), analyse):
        with pytest.raises(Faults, match="trial: wanted a trial on the study's doses"):
            analysis(STUDY, other)


def test_wrong_names_are_told_together():
    with pytest.raises(Faults, match=r"(?s)design: not in the study: 'CRM'.*scenario: missing; known: flat"):
        walk(STUDY, Trial(STUDY.doses), "CRM", "")


def test_the_command_prints_words_or_json():
    arguments = ["walk", "--design", "BOIN 10", "--scenario", "mild", "--seed", "4"]
    said = CliRunner().invoke(app, arguments)
    assert said.exit_code == 0
    assert "The MTD declared is" in said.output
    trial = json.loads(CliRunner().invoke(app, [*arguments, "--json"]).output)
    assert trial["seed"] == 4
    assert CliRunner().invoke(app, ["walk", "--design", "nobody"]).exit_code == 2
