"""What each design does now: against published conduct and the rules as registered."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from doseopt.cli import app
from doseopt.conduct.in_hand import read_trial
from doseopt.conduct.next_dose import next_dose
from doseopt.core.parameters import Faults
from doseopt.records.trial import Trial
from doseopt.reports.render.terminal import terminal_text
from doseopt.reports.sections.next_dose import next_document
from doseopt.study.file import load_study, parse_study

FIVE = """
title = "five doses"
target = 0.30
[doses]
labels = ["d1", "d2", "d3", "d4", "d5"]
[scenarios]
"m" = [0.05, 0.15, 0.30, 0.45, 0.60]
[designs."3+3"]
kind = "three_plus_three"
on_descent = "declare"
confirm_top = false
[designs.BOIN]
kind = "boin"
modifiers = [{ kind = "max_patients", n = 60 }]
[designs.coherent]
kind = "crm"
skeleton = { prior_mtd = 3, halfwidth = 0.05 }
modifiers = [{ kind = "coherent" }, { kind = "max_patients", n = 60 }]
"""


@pytest.fixture(scope="module")
def five():
    return parse_study(FIVE, "five.toml")


def ask(study, outcomes, *designs):
    data = Trial.from_outcomes(outcomes, study.doses)
    return next_dose(study, data, designs)


def short(one):
    return one["level"], one["size"], one["stop"], one["mtd"]


def test_the_registered_protocol_after_a_dlt_at_the_second_dose():
    found = ask(load_study(), "1N 2NNT")
    assert list(found["designs"]) == list(load_study().designs)
    one = found["designs"]["ATD+3+3 uncapped"]
    assert short(one) == (2, 3, None, None)
    assert one["dose"] == "0.5"
    assert one["departure"] is None
    assert [dose["n"] for dose in found["doses"]] == [1, 3, 0, 0]


@pytest.mark.parametrize(
    ("outcomes", "wanted"),
    [
        ("", (1, 3, None, None)),
        ("1NNN", (2, 3, None, None)),
        ("1NNN 2NNN 3NNT", (3, 3, None, None)),
        ("1NNN 2NNN 3NNT 3NTN", (None, None, "complete", 2)),
        ("1TTN", (None, None, "too_toxic", None)),
    ],
)
def test_three_plus_three_as_in_escalation(five, outcomes, wanted):
    """R's escalation 0.2.3, `get_three_plus_three`: 1NNN -> 2; ... 3NNT -> 3; ... 3NTN -> MTD 2 and stop."""
    assert short(ask(five, outcomes, "3+3")["designs"]["3+3"]) == wanted


def test_the_conduct_of_boin_as_in_escalation(five):
    """Next dose after each cohort, R's escalation 0.2.3, phi = 0.30."""
    cohorts = ["1NNN", "2NNN", "3NTT", "2NTN", "3NNN", "3NNN", "4TTT", "3NTN", "3NNT", "3TNN"]
    found = [ask(five, " ".join(cohorts[: k + 1]), "BOIN")["designs"]["BOIN"] for k in range(len(cohorts))]
    assert [one["level"] for one in found] == [2, 3, 2, 3, 3, 4, 3, 3, 3, 3]
    assert all(one["departure"] is None for one in found)
    assert [d["level"] for d in found[-1]["inadmissible"]] == [4, 5]
    assert found[-1]["inadmissible"][0]["why"] == "Pr(DLT rate > 0.3) > 0.95 at this dose or a lower one"


def test_a_departure_is_named_and_the_answer_is_from_the_tallies(five):
    one = ask(five, "1NNN 3NNN 3NNN", "BOIN")["designs"]["BOIN"]
    assert one["departure"] == "cohort 2 (3NNN): the design gives 3 patients at level 2"
    assert len(one["departures"]) == 2
    assert short(one) == (4, 3, None, None)
    stopped = ask(five, "1TTN 1NNN", "3+3")["designs"]["3+3"]
    assert stopped["departure"] == "cohort 2 (1NNN): the design had stopped (too_toxic)"


HEADER = "patient,dose_level,dlt,evaluable\n"


def rows(path, text):
    path.write_text(HEADER + "".join(f"{i},{row}\n" for i, row in enumerate(text.split(), 1)))
    return path


def test_patients_from_csv_are_grouped_as_each_design_groups_them(five, tmp_path):
    # six at dose 1, one of them with a DLT in the second three; one who cannot be evaluated does not count
    data = Trial.from_csv(rows(tmp_path / "p.csv", "1,0,1 1,0,1 1,,0 1,0,1 1,1,1 1,0,1 1,0,1"), five.doses)
    found = next_dose(five, data)["designs"]
    assert found["BOIN"]["cohorts"] == "1NNN 1TNN"
    assert found["BOIN"]["departure"] == "cohort 2 (1TNN): the design gives 3 patients at level 2"
    assert found["coherent"]["cohorts"].split()[0] == "1NNN"
    whole = "1N 2NNT 2NNN"
    study = load_study()
    per_patient = "1,0,1 2,0,1 2,0,1 2,1,1 2,0,1 2,0,1 2,0,1"
    data = Trial.from_csv(rows(tmp_path / "q.csv", per_patient), study.doses)
    one, other = next_dose(study, data)["designs"], ask(study, whole)["designs"]
    assert one["ATD+3+3 uncapped"] == other["ATD+3+3 uncapped"]
    assert one["CRM 25"] == other["CRM 25"]


def test_unknown_designs_are_told_together(five):
    with pytest.raises(Faults, match=r"(?s)no design 'BION'.*did you mean 'BOIN'.*no design '3\+2'"):
        ask(five, "1NNN", "BION", "3+2")


def run(*arguments):
    return CliRunner().invoke(app, ["next", *map(str, arguments)])


def test_json_has_the_promised_fields():
    done = run("--outcomes", "1N 2NNT", "--design", "BOIN 10", "--json")
    assert done.exit_code == 0
    one = json.loads(done.output)["designs"]["BOIN 10"]
    # 1 of 3 at phi = 0.25 is above lambda_d = 0.298: down to the first dose
    assert {name: one[name] for name in ("dose", "level", "size", "stop", "mtd", "departure")} == {
        "dose": "0.15",
        "level": 1,
        "size": 3,
        "stop": None,
        "mtd": None,
        "departure": None,
    }


def test_a_stopped_trial_has_no_level_and_its_mtd():
    done = run("--outcomes", "1N 2NNT 2NNN 3TTN", "--design", "ATD+3+3 uncapped", "--json")
    one = json.loads(done.output)["designs"]["ATD+3+3 uncapped"]
    assert (one["level"], one["dose"], one["size"], one["stop"], one["mtd"]) == (None, None, None, "complete", 2)


def test_the_text_keeps_to_its_width():
    for outcomes in ("", "1N 2NNT 2NNN 3TTN 1NNN"):
        lines = terminal_text(next_document(ask(load_study(), outcomes))).plain.splitlines()
        assert max(map(len, lines)) <= 100


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--outcomes", "1N 2XNT"], "cohort 2 ('2XNT')"),
        (["--outcomes", "9NNN"], "wanted a dose level of 1 to 4, got 9"),
        (["--outcomes", "1N", "--data", "x.csv"], "wanted outcomes or a file, got both"),
        (["--data", "nothing.csv"], "nothing.csv"),
        (["--design", "BION 10"], "did you mean 'BOIN 10'?"),
    ],
)
def test_wrong_input_is_told(arguments, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run(*arguments)
    assert done.exit_code == 2
    assert told in done.stderr
    assert "Traceback" not in done.output


def test_paths_take_the_same_file(tmp_path):
    path = rows(tmp_path / "p.csv", "1,0,1 2,0,1 2,0,1 2,1,1")
    arguments = ["paths", "--design", "CRM 25", "--cohorts", "1", "--json"]
    from_csv, from_text = (
        CliRunner().invoke(app, [*arguments, *more]) for more in (["--data", str(path)], ["--outcomes", "1N 2NNT"])
    )
    assert from_csv.exit_code == from_text.exit_code == 0
    told = [json.loads(one.output) for one in (from_csv, from_text)]
    hashes = {one.pop("trial_hash") for one in told}
    assert told[0] == told[1]
    assert len(hashes) == 2, "the string states the cohorts, which the file leaves to the design"
    assert CliRunner().invoke(app, [*arguments, "--data", str(path), "--outcomes", "1N"]).exit_code == 2


CASES = Path(__file__).parents[1] / "cases" / "interim-tally-blowup"


def test_a_large_interim_is_answered_by_the_rules():
    """BOIN at 0.25: boundaries .197 and .298; a dose goes when Pr(rate > .25) passes .95 under a uniform prior."""
    twelve = load_study(str(CASES / "twelve.toml"))
    outcomes = "1NNN 2NNN 3NNN 4NNN 5NNN 6NNN 7NNT 7NNN 8NNT 8NNN 9NNT 9NNN 10NNT 10NNN 11NNT 11NTT 10NTN"
    answer = next_dose(twelve, Trial.from_outcomes(outcomes, twelve.doses), ["BOIN"])
    found = answer["designs"]["BOIN"]
    assert (found["level"], found["size"]) == (10, 3)  # 2 of 9 lies between: stay
    assert found["inadmissible"] == []  # 3 of 6 at dose 11: Beta(4, 4) has .929 above .25
    eight = load_study(str(CASES / "eight.toml"))
    outcomes = "1NNN 2NNN 3NNT 3NNN 4NNT 4NNN 5NNT 5NNN 6NNT 6NNT 6NNN 7NTT 6NNN"
    answer = next_dose(eight, Trial.from_outcomes(outcomes, eight.doses), ["BOIN"])
    found = answer["designs"]["BOIN"]
    assert (found["level"], found["size"]) == (7, 3)  # 2 of 12: up; 2 of 3 at dose 7: Beta(3, 2) has .949 above .25
    bundled = load_study()
    data = Trial.from_csv(CASES / "hundred.csv", bundled.doses)
    found = next_dose(bundled, data, designs=["BOIN 25"])["designs"]["BOIN 25"]
    assert (found["dose"], found["mtd"]) == (None, 4)  # all are treated; 7 of 25 at dose 4 is closest to .25


def test_who_is_counted_in_part_is_not_said_to_be_left_out(tmp_path):
    text = load_study("renji-elo").to_toml()
    weighted = parse_study(text.replace("[posterior]", '[posterior]\nlikelihood = "weighted"', 1))
    for study, said in ((parse_study(text), "not counted"), (weighted, "counted by the study's model (in part) only")):
        trial = read_trial(study, "1N 2NN?14")
        page = terminal_text(next_document(next_dose(study, trial, ["CRM 25"])), 200).plain
        assert f"Pending, {said}: " in page
