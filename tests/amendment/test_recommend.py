"""A recommendation under stated criteria: parsed, written back, digested; the design, the runner-up, the bounds."""

import pytest
from small_study import SMALL

from doseopt.amendment.dossier import proposed
from doseopt.amendment.ladder import ladder
from doseopt.amendment.outlook import beliefs_now
from doseopt.amendment.recommend import broken, criteria_faults, recommend
from doseopt.core.parameters import Faults
from doseopt.display.outlook import STUDY_MODEL
from doseopt.measures.operating_characteristics import METRICS
from doseopt.records.trial import Trial
from doseopt.reports.sections.recommendation import recommendation_sentence
from doseopt.study.criteria import Criteria
from doseopt.study.file import load_study, parse_study

HEAD = '[amendment]\nregistered = "ATD 6"'
DESIGNS = ["ATD+3+3 cap 10", "CRM 13", "CRM 25", "BOIN 13", "BOIN 25"]


def small(criteria):
    return parse_study(SMALL.replace(HEAD, f'[amendment]\ncriteria = {criteria}\nregistered = "ATD 6"'))


def test_criteria_are_read_written_back_and_part_of_the_digest():
    stated = small('{ maximise = "correct_selection", overdose_selection = 0.15, definition = "main" }')
    assert stated.proposal.criteria == Criteria("correct_selection", {"overdose_selection": 0.15})
    assert parse_study(stated.to_toml()).proposal == stated.proposal
    assert stated.hash != parse_study(SMALL).hash
    assert stated.hash == small('{ overdose_selection = 0.15, maximise = "correct_selection" }').hash
    assert stated.hash != small('{ maximise = "correct_selection", overdose_selection = 0.16 }').hash
    assert parse_study(SMALL).proposal.criteria is None


@pytest.mark.parametrize(
    ("criteria", "messages"),
    [
        ('"correct_selection"', ["amendment.criteria: wanted a table such as { maximise"]),
        ("{ overdose_selection = 0.1 }", ["amendment.criteria.maximise: missing"]),
        (
            '{ maximise = 1, overdose_selection = "low", definition = "other" }',
            [
                "amendment.criteria.maximise: wanted text, got 1",
                "amendment.criteria.overdose_selection: wanted a number, got 'low'",
                "amendment.criteria.definition: wanted one of 'main', got 'other'",
            ],
        ),
    ],
)
def test_faults_of_the_file_are_told_together(criteria, messages):
    with pytest.raises(Faults) as caught:
        small(criteria)
    assert all(message in str(caught.value) for message in messages), caught.value


def test_measures_that_there_are_not_are_told_together():
    study = small('{ maximise = "sample_size", overdose_selction = 0.1, selection = 0.2, overdosed = 15 }')
    with pytest.raises(Faults) as caught:
        proposed(study)
    for message in (
        "amendment.criteria.maximise: wanted a measure that is better where it is large, got 'sample_size'",
        "amendment.criteria.overdose_selction: no measure 'overdose_selction' to compare designs by; did you mean",
        "amendment.criteria.selection: no measure 'selection' to compare designs by",
        "amendment.criteria.overdosed: wanted a number in [0, 1], got 15",
    ):
        assert message in str(caught.value)


@pytest.fixture(scope="module")
def bundled():
    study = load_study("renji-elo-first")
    empty = Trial(study.doses)
    standings = {name: empty.after(study.designs[name]).standing() for name in DESIGNS}
    return study, standings, beliefs_now(study, empty)[STUDY_MODEL]


def test_the_recommended_design_meets_the_bounds_and_is_ahead(bundled):
    """Correct and overdose of the review: CRM 13 63.5, 14.1 and BOIN 13 61.6, 10.0; the registered one 17.2, 2.0."""
    study, standings, belief = bundled
    some = {name: standings[name] for name in ("ATD+3+3 cap 10", "CRM 13", "BOIN 13")}
    found = recommend(study, some, belief, Criteria(bounds={"overdose_selection": 0.15}))
    assert found.ranked == ("CRM 13", "BOIN 13", "ATD+3+3 cap 10")
    found = recommend(study, some, belief, Criteria(bounds={"overdose_selection": 0.12}))
    assert found.ranked == ("BOIN 13", "ATD+3+3 cap 10")
    said = recommendation_sentence(found, "before the first patient")
    assert "correct selection as large as possible, selecting a dose above the MTD at most 12.0%, by the main" in said
    assert "BOIN 13 (correct selection 61.6%, selecting a dose above the MTD 10.0%) is recommended under the " in said
    assert "; the runner-up is ATD+3+3 cap 10 (" in said
    assert said.endswith("Out of the bounds: CRM 13 (correct selection 63.5%, selecting a dose above the MTD 14.0%).")
    found = recommend(study, some, belief, Criteria(bounds={"overdose_selection": 0.12, "sample_size": 11}))
    assert found.ranked == ("ATD+3+3 cap 10",)
    assert "no other design meets them" in recommendation_sentence(found, "now")
    found = recommend(study, some, belief, Criteria(bounds={"correct_selection": 0.9}))
    assert "no design can be recommended" in recommendation_sentence(found, "now")


def test_a_bound_that_is_just_met_is_met():
    criteria = Criteria(bounds={"overdose_selection": 0.15, "correct_selection": 0.5})
    assert broken(criteria, {"overdose_selection": 0.15, "correct_selection": 0.5}) == []
    assert broken(criteria, {"overdose_selection": 0.1501, "correct_selection": 0.5}) == ["overdose_selection"]
    assert broken(criteria, {"overdose_selection": 0.15, "correct_selection": float("nan")}) == ["correct_selection"]


def test_bounds_may_be_on_any_measure_of_the_registry(bundled):
    study, standings, belief = bundled
    some = {"CRM 13": standings["CRM 13"]}
    names = [name for name, each in METRICS.items() if each.better and not each.along]
    criteria = Criteria(bounds=dict.fromkeys(names, 0.5))
    assert criteria_faults(criteria) == []
    values = recommend(study, some, belief, criteria).values["CRM 13"]
    assert set(values) == set(names)
    at = ladder(study, Trial(study.doses), "ATD+3+3 cap 10", ["CRM 13"]).sel(average=STUDY_MODEL, step="CRM 13")
    assert values["patients_below_mtd"] == pytest.approx(at["patients_below_mtd"].item(), abs=1e-12)
    # shares by two routes: patients above the MTD and at most so many of them in all
    assert values["overdosed_80"] <= values["overdosed_60"] <= values["overdosed"] / 0.6
