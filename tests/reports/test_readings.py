"""The rows of the readings, and the sentence on all combinations."""

import numpy as np
import pytest
import xarray as xr
from comparison.test_readings import STUDY

from doseopt.comparison.readings import readings_of
from doseopt.comparison.silences import silences
from doseopt.display.readings import factor_words, reading_words
from doseopt.reports.sections.readings import combinations_sentence, silences_rows
from doseopt.study.file import load_study, parse_study


@pytest.fixture(scope="module")
def capped():
    return silences(parse_study(STUDY), "ATD 10")


def by_hand():
    """Two factors, two scenarios; one reading is a design only together with another."""
    correct = [[0.3, 0.5], [0.2, 0.5], [0.3, 0.5], [0.7, 0.9], [np.nan, np.nan]]
    other = [[1.0, 2.0], [1.0, 2.004], [1.0, 2.0], [2.0, 3.5], [np.nan, np.nan]]
    dims = ("reading", "scenario")
    return xr.Dataset(
        dict.fromkeys(("correct_selection", "overdose_selection", "no_selection"), (dims, correct))
        | dict.fromkeys(("patients_below_mtd", "sample_size"), (dims, other))
        | {
            "effect_correct_selection": ("factor", [-0.05, 0.4]),
            "correct_selection_all": ("combination", [0.4, 0.1, 0.2, 0.3, 0.5]),
            "position": (("combination", "own_factor"), [[0, 0], [0, 1], [1, 0], [1, 1], [0, 2]]),
        },
        {
            "factor_of": ("reading", ["a_rule", "a_rule", "confirm_top", "confirm_top", "confirm_top"]),
            "value": ("reading", ["as_it_is", "other", "yes", "no", "never"]),
            "in_use": ("reading", [True, False, True, False, False]),
            "factor": ["a_rule", "confirm_top"],
        },
        {"design": "D"},
    )


def test_rows_by_hand():
    head, rows = silences_rows(by_hand())
    below = "patients below the MTD"
    assert head == ["silent on", "reading", "in use", "correct %", "overdose %", "no MTD %", below, "patients"]
    assert rows == [
        ["highest dose after its first cohort", "filled up", "yes", "40.0", "40.0", "40.0", "1.5", "1.5"],
        [
            "highest dose after its first cohort",
            "declared on that",
            "",
            "80.0 (+40.0)",
            "80.0 (+40.0)",
            "80.0 (+40.0)",
            "2.8 (+1.2)",
            "2.8 (+1.2)",
        ],
        ["highest dose after its first cohort", "never", "", "-", "-", "-", "-", "-"],
        ["a rule", "as it is", "yes", "40.0", "40.0", "40.0", "1.5", "1.5"],
        ["a rule", "other", "", "35.0 (-5.0)", "35.0 (-5.0)", "35.0 (-5.0)", "1.5 (0.0)", "1.5 (0.0)"],
    ]


def test_sentence_by_hand():
    assert combinations_sentence(by_hand()) == (
        "Over all 5 combinations of readings of its own rules, D selects correctly in 10.0% to 50.0% of trials, "
        "averaged over the scenarios (quartiles 20.0%, 30.0% and 40.0%); with the readings in use in 40.0%."
    )


def test_published_numbers_in_the_rows(capped):
    # registered protocol, p = (.05, .15, .30, .45), exact by two trees (published.md of the reference numbers): no MTD
    # 0.508606 and 9.879338 patients with a cap of 10; 0.015762, 13.232958 and the third dose 0.282771 without
    _, rows = silences_rows(capped)
    hard, estimate = (row for row in rows if row[0] == "what the planned enrolment means")
    assert (hard[1:3], hard[5], hard[7]) == (["a hard cap of 10", "yes"], "50.9", "9.9")
    assert (estimate[1:3], estimate[5], estimate[7]) == (["an estimate: no cap", ""], "1.6 (-49.3)", "13.2 (+3.4)")
    assert estimate[3].startswith("28.3 (+")


def test_rows_are_ranked_with_the_reading_in_use_first(capped):
    _, rows = silences_rows(capped)
    order = list(dict.fromkeys(row[0] for row in rows))
    effect = abs(capped["effect_correct_selection"]).to_series()
    size = {factor_words(str(factor)): value for factor, value in effect.items()}
    assert np.diff([size[name] for name in order]).max() <= 1e-9
    for name in order:
        used, *others = (row[2] for row in rows if row[0] == name)
        assert (used, set(others)) == ("yes", {""})
    assert len(rows) == capped.sizes["reading"]


def test_every_silence_of_the_registered_protocol_has_words():
    study = load_study()
    found = readings_of(study, study.designs["ATD+3+3 cap 10"])
    said = {}
    for factor, each in found.items():
        assert "_" not in factor_words(factor)
        assert factor_words(factor) != factor or factor == "target DLT rate"
        said[factor] = [reading_words(factor, reading.value) for reading in each]
        assert len(set(said[factor])) == len(each)
        assert not any("_" in word or word in ("yes", "no") for word in said[factor])
    assert said["trigger"][0] == "the first DLT"
    assert said["enrolment cap"] == ["a hard cap of 10", "an estimate: no cap"]
