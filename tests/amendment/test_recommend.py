"""A recommendation under stated criteria: parsed, written back, digested; the design, the runner-up, the bounds."""

import dataclasses

import numpy as np
import oracle_bundled
import pytest
from small_study import SMALL
from typer.testing import CliRunner

from doseopt.amendment.criteria import broken, criteria_faults
from doseopt.amendment.dossier import proposed
from doseopt.amendment.ladder import ladder
from doseopt.amendment.recommend import recommend
from doseopt.cli import app
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


def test_check_tells_a_criterion_on_no_measure_with_its_place(tmp_path):
    stated = 'criteria = { maximise = "correct_selection", overdose_selction = 0.1 }'
    study = tmp_path / "study.toml"
    study.write_text(SMALL.replace(HEAD, f'[amendment]\n{stated}\nregistered = "ATD 6"'), encoding="utf-8")
    result = CliRunner().invoke(app, ["check", str(study)])
    assert result.exit_code == 2
    said = " ".join(result.stderr.split())
    assert "amendment.criteria.overdose_selction: no measure 'overdose_selction'" in said
    assert "did you mean 'overdose_selection'?" in said


@pytest.mark.parametrize("command", ["check", "amend", "report"])
def test_a_criterion_on_no_measure_is_told_with_the_other_faults_of_the_file(tmp_path, command):
    stated = 'maximise = "correct_selction", overdose_selection = 2, sample_size = "few", definition = "x"'
    criteria = f"criteria = {{ {stated} }}"
    study = tmp_path / "study.toml"
    text = SMALL.replace(HEAD, f'[amendment]\n{criteria}\nregistered = "ATD 9"').replace("target", "targt", 1)
    study.write_text(text, encoding="utf-8")
    result = CliRunner().invoke(app, [command, str(study)])
    assert result.exit_code == 2
    said = " ".join(result.stderr.split())
    for fault in (
        "targt: unknown key",
        "amendment.registered: no design 'ATD 9'",
        "amendment.criteria.maximise: no measure 'correct_selction'",
        "amendment.criteria.overdose_selection: wanted a number in [0, 1], got 2",
        "amendment.criteria.sample_size: wanted",
        "amendment.criteria.definition: wanted one of",
    ):
        assert said.count(fault) == 1, (fault, said)


@pytest.fixture(scope="module")
def bundled():
    study = load_study("renji-elo-first")
    empty = Trial(study.doses)
    standings = {name: empty.after(study.designs[name]).standing() for name in DESIGNS}
    return study, standings, empty


def test_the_recommended_design_meets_the_bounds_and_is_ahead(bundled):
    """Correct and overdose of the review: CRM 13 63.5, 14.1 and BOIN 13 61.6, 10.0; the registered one 17.2, 2.0."""
    study, standings, empty = bundled
    some = {name: standings[name] for name in ("ATD+3+3 cap 10", "CRM 13", "BOIN 13")}
    found = recommend(study, empty, some, Criteria(bounds={"overdose_selection": 0.15}))
    assert found.ranked == ("CRM 13", "BOIN 13", "ATD+3+3 cap 10")
    found = recommend(study, empty, some, Criteria(bounds={"overdose_selection": 0.12}))
    assert found.ranked == ("BOIN 13", "ATD+3+3 cap 10")
    said = recommendation_sentence(found, "before the first patient")
    assert "correct selection as large as possible, selecting a dose above the MTD at most 12.0%, by the main" in said
    assert "BOIN 13 (correct selection 61.6%, selecting a dose above the MTD 10.0%) is recommended under the " in said
    assert "; the runner-up is ATD+3+3 cap 10 (" in said
    assert said.endswith("Out of the bounds: CRM 13 (correct selection 63.5%, selecting a dose above the MTD 14.0%).")
    found = recommend(study, empty, some, Criteria(bounds={"overdose_selection": 0.12, "sample_size": 11}))
    assert found.ranked == ("ATD+3+3 cap 10",)
    assert "no other design meets them" in recommendation_sentence(found, "now")
    found = recommend(study, empty, some, Criteria(bounds={"correct_selection": 0.9}))
    assert "no design can be recommended" in recommendation_sentence(found, "now")


def test_a_bound_that_is_just_met_is_met():
    criteria = Criteria(bounds={"overdose_selection": 0.15, "correct_selection": 0.5})
    assert broken(criteria, {"overdose_selection": 0.15, "correct_selection": 0.5}) == []
    assert broken(criteria, {"overdose_selection": 0.1501, "correct_selection": 0.5}) == ["overdose_selection"]
    assert broken(criteria, {"overdose_selection": 0.15, "correct_selection": float("nan")}) == ["correct_selection"]


def test_bounds_may_be_on_any_measure_of_the_registry(bundled):
    study, standings, empty = bundled
    some = {"CRM 13": standings["CRM 13"]}
    names = [name for name, each in METRICS.items() if each.better and not each.along]
    criteria = Criteria(bounds=dict.fromkeys(names, 0.5))
    assert criteria_faults(criteria) == []
    values = recommend(study, empty, some, criteria).values["CRM 13"]
    assert set(values) == set(names)
    at = ladder(study, Trial(study.doses), "ATD+3+3 cap 10", ["CRM 13"]).sel(average=STUDY_MODEL, step="CRM 13")
    assert values["patients_below_mtd"] == pytest.approx(at["patients_below_mtd"].item(), abs=1e-12)
    # shares by two routes: patients above the MTD and at most so many of them in all
    assert values["overdosed_80"] <= values["overdosed_60"] <= values["overdosed"] / 0.6


ALSO = """
also = [
    { name = "below", rule = "highest_below", none_above = 0.25 },
    { name = "at 0.2", rule = "highest_below", target = 0.2, none_above = 0.2 },
]
"""


def test_criteria_may_judge_by_another_definition_at_the_targets_of_the_designs():
    def read(name, also=ALSO):
        criteria = f'{{ maximise = "correct_selection", definition = "{name}" }}'
        return parse_study(
            f"{SMALL}\n[mtd]{also}".replace(HEAD, f'[amendment]\ncriteria = {criteria}\nregistered = "ATD 6"')
        )

    stated = read("below")
    assert stated.proposal.criteria.definition == "below"
    assert parse_study(stated.to_toml()).proposal == stated.proposal
    with pytest.raises(Faults, match=r"amendment.criteria.definition: wanted one of 'main', 'below', 'at 0.2', got"):
        read("above")
    with pytest.raises(
        Faults, match=r"criteria.definition: wanted a definition at the target of 0.25 .* 'at 0.2' is at 0.2"
    ):
        read("at 0.2")
    with pytest.raises(Faults) as wrong:  # of the definition alone
        read("at 0.2", ALSO.replace("target = 0.2", "target = 2"))
    assert [fault.where for fault in wrong.value.faults] == ["mtd.also[1].target"]


def test_another_definition_ranks_by_what_is_right_under_it(bundled):
    """Against draws from the prior of the study's model, judged by hand, on endings of the oracle."""
    study, standings, empty = bundled
    rng = np.random.default_rng(20)
    intercept, steep = rng.normal(np.log(0.2 / 0.8), 1.5, 20_000), np.exp(rng.normal(0, 0.7, 20_000))
    p = 1 / (1 + np.exp(-(intercept[:, None] + steep[:, None] * np.log(np.array([0.1, 1 / 3, 1, 3])))))
    right = (p <= 0.25).sum(axis=1) - 1  # the highest at or below it; -1 where none is
    study = dataclasses.replace(study, also={"below": dataclasses.replace(study.mtd, rule="highest_below")})
    criteria = Criteria(bounds={"overdose_selection": 0.25}, definition="below")
    some = {name: standings[name] for name in ("ATD+3+3 cap 10", "CRM 13", "BOIN 13")}
    found = recommend(study, empty, some, criteria)
    for name, trials in {"CRM 13": oracle_bundled.crm(13), "BOIN 13": oracle_bundled.boin(13)}.items():
        correct = np.zeros(len(p))
        for (n, y, mtd), orders in trials.endings().items():
            chance = orders * np.prod(p ** np.array(y) * (1 - p) ** (np.array(n) - np.array(y)), axis=1)
            correct += chance * (right == (-1 if mtd is None else mtd))
        error = correct.std() / np.sqrt(len(p))
        assert abs(found.values[name]["correct_selection"] - correct.mean()) < 4 * error
    assert found.ranked == ("BOIN 13", "ATD+3+3 cap 10")
    said = recommendation_sentence(found, "before the first patient")
    assert 'by the definition "below" of the true MTD' in said
