"""`doseopt amend` and `doseopt report` as a user meets them."""

import hashlib
import json
import threading
from pathlib import Path

import pytest
from small_study import SMALL
from typer.testing import CliRunner

from doseopt.cli import app
from doseopt.cli.terminal import spinner
from doseopt.measures.operating_characteristics import measure
from doseopt.study.file import load_study, parse_study

FILES = {"amendment.html", "amendment.docx", "amendment.pdf", "amendment.nc", "study.toml"}


@pytest.fixture
def small(tmp_path, monkeypatch):
    (tmp_path / "small.toml").write_text(SMALL, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(app, list(arguments))


def test_amend_writes_the_report_its_data_and_the_study(small):
    ran = run("amend", "small.toml", "--outcomes", "1N 2NNT", "--out", "here")
    assert ran.exit_code == 0, ran.output
    assert {path.name for path in (small / "here").iterdir()} == FILES
    assert load_study(small / "here" / "study.toml").hash == parse_study(SMALL).hash
    for said in ("Amendment, after 1N 2NNT", "ATD 6: 2 patients at 2 (level 2)", "averaged over the study's model"):
        assert said in ran.output
    assert all(len(line) <= 100 for line in ran.output.splitlines())
    html = Path("here/amendment.html").read_text(encoding="utf-8")
    assert "doseopt amend study.toml --outcomes &#x27;1N 2NNT&#x27;" in html


@pytest.mark.usefixtures("without_figures")
def test_report_goes_to_results_and_works_the_interims_through(small):
    ran = run("report", "small.toml")
    assert ran.exit_code == 0, ran.output
    assert {path.name for path in (small / "results").iterdir()} == FILES
    assert "a DLT in the first patient (1T)" in Path("results/amendment.html").read_text(encoding="utf-8")
    assert "before the first patient" in ran.output


def test_json_from_a_file_of_patients_and_no_file_written(small):
    Path("p.csv").write_text("patient,dose_level,dlt\na,1,no\nb,2,no\nc,2,yes\nd,2,no\n", encoding="utf-8")
    ran = run("amend", "small.toml", "--data", "p.csv", "--json")
    assert ran.exit_code == 0, ran.output
    answer = json.loads(ran.output.splitlines()[-1])
    assert (answer["format"], answer["study_hash"]) == (2, parse_study(SMALL).hash)
    assert (answer["registered"], answer["outcomes"]) == ("ATD 6", "1N 2NTN")
    assert answer["next"]["data_vars"]["level"]["data"] == [2, 1]
    assert {path.name for path in small.iterdir()} == {"small.toml", "p.csv"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["small.toml", "--amended", "BOIN 10"], "amended: no design 'BOIN 10' in the study; did you mean 'BOIN 9'?"),
        (["small.toml", "--registered", "x"], "registered: no design 'x' in the study"),
        (["small.toml", "--registered", "BOIN 9", "--amended", "BOIN 9"], "BOIN 9 is the registered design"),
        (["small.toml", "--outcomes", "1N 4N"], "wanted a dose level of 1 to 3, got 4"),
        (["small.toml", "--outcomes", "1N", "--data", "p.csv"], "--data: wanted outcomes or a file, got both"),
        (["small.toml", "--data", "none.csv"], "none.csv"),
        (["none.toml"], "no such file"),
        (["small.toml", "--out", "small.toml"], "wanted a folder for the results, got a file"),
    ],
)
def test_wrong_input_ends_with_2_and_one_message(small, arguments, said):
    ran = run("amend", *arguments)
    assert ran.exit_code == 2
    assert said in ran.output
    assert "Traceback" not in ran.output
    assert {path.name for path in small.iterdir()} == {"small.toml"}


@pytest.mark.usefixtures("without_figures")
def test_the_patients_lie_beside_the_report_and_a_title_may_be_very_long(small):
    Path("long.toml").write_text(SMALL.replace("two designs", "two designs " * 40), encoding="utf-8")
    text = "patient,dose_level,dlt\na,1,no\nb,2,no\nc,2,yes\nd,2,no\n"
    Path("p.csv").write_text(text, encoding="utf-8")
    ran = run("amend", "long.toml", "--data", "p.csv", "--out", "here")
    assert ran.exit_code == 0, ran.output
    assert {path.name for path in (small / "here").iterdir()} == FILES | {"data.csv"}
    html = Path("here/amendment.html").read_text(encoding="utf-8")
    assert "doseopt amend study.toml --data data.csv" in html
    assert hashlib.sha256(text.encode()).hexdigest() in html


@pytest.mark.usefixtures("without_figures")
def test_all_files_or_none(small, monkeypatch):
    def fail(*_args, **_kwargs):
        raise OSError("disk full")

    monkeypatch.setattr("doseopt.reports.files.write_pdf", fail)
    ran = run("amend", "small.toml", "--outcomes", "1N", "--out", "here")
    assert ran.exit_code == 2
    assert "disk full" in ran.output
    assert not (small / "here").exists()


def test_data_that_are_impossible_under_the_belief(small):
    Path("zero.toml").write_text(SMALL.replace("[0.02,", "[0.0,").replace("0.10, 0.26", "0.0, 0.26"), encoding="utf-8")
    text = Path("zero.toml").read_text(encoding="utf-8").replace("[0.45,", "[0.0,")
    Path("zero.toml").write_text(text, encoding="utf-8")
    ran = run("amend", "zero.toml", "--outcomes", "1T")
    assert ran.exit_code == 2
    assert "Traceback" not in ran.output


def test_smallest_searches_and_prints_the_frontier(tmp_path):
    path = tmp_path / "small.toml"
    path.write_text(SMALL, encoding="utf-8")
    found = CliRunner().invoke(app, ["amend", str(path), "--smallest", "--out", str(tmp_path / "out")])
    assert found.exit_code == 0, found.output
    assert "The smallest amendment, before the first patient" in " ".join(found.stdout.split())
    assert "to select correctly in 50% of trials" in " ".join(found.stdout.split())
    assert {file.name for file in (tmp_path / "out").iterdir()} == {"smallest.nc", "smallest.png", "smallest.svg"}


@pytest.mark.usefixtures("without_figures")
def test_smallest_tunes_other_rules_within_the_bounds_of_the_criteria(small):
    stated = 'criteria = { maximise = "correct_selection", overdose_selection = 0.2 }\nwanted = 0.5'
    Path("bounded.toml").write_text(SMALL.replace("wanted = 0.5", stated), encoding="utf-8")
    ran = run("amend", "bounded.toml", "--smallest", "--calibrate", "8", "--out", "here")
    assert ran.exit_code == 0, ran.output
    said = " ".join(ran.stdout.split())
    assert "calibrated: about 8 candidates each, seed 1, judged at as many patients as" in said
    calibrated = load_study("here/calibrated.toml")
    tuned = {name: design for name, design in calibrated.designs.items() if name.endswith(" calibrated")}
    assert {"BOIN 6 calibrated", "Keyboard, cap 6 calibrated"} <= set(tuned)
    assert set(calibrated.designs) - set(tuned) == {"ATD 6", "BOIN 9"}
    assert all(design.facts.cap == 6 for design in tuned.values())
    at = calibrated.judge(calibrated.evaluate(tuned["BOIN 6 calibrated"]))
    belief = calibrated.believed()
    assert belief.weights @ measure(at, "overdose_selection")[0].to_numpy() < 0.2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--calibrate", "20"], "--calibrate: wanted with --smallest only"),
        (["--smallest", "--calibrate", "3"], "--calibrate: wanted 0 or at least 8, got 3"),
    ],
)
def test_calibrating_is_part_of_a_search(small, options, said):
    ran = run("amend", "small.toml", *options)
    assert ran.exit_code == 2
    assert said in " ".join(ran.output.split())


def test_criteria_on_what_is_no_measure_are_refused_before_the_work(tmp_path):
    path = tmp_path / "small.toml"
    path.write_text(SMALL.replace("wanted = 0.5", 'criteria = { maximise = "correct" }'), encoding="utf-8")
    for command in (["report", str(path)], ["check", str(path)]):
        found = CliRunner().invoke(app, command)
        assert found.exit_code == 2
        assert "amendment.criteria.maximise: no measure 'correct'" in found.output + str(found.stderr)


def test_a_spinner_has_no_thread_which_would_keep_other_processes_from_being_started():
    before = threading.active_count()
    with spinner("working") as say:
        say("at it")
        assert threading.active_count() == before
