"""Commands on data with dates: cut-off, window, who is pending, and when to ask again."""

import json

import pytest
from small_study import SMALL
from typer.testing import CliRunner

from doseopt.cli import app
from doseopt.records.trial import LAST, Trial
from doseopt.records.window import Window
from doseopt.reports.render.document import Table
from doseopt.reports.sections.patients import patients_at_cutoff
from doseopt.scenarios.doses import Doses

pytestmark = pytest.mark.usefixtures("without_figures")

CLOCK = "\n[clock]\nwindow = 28\naccrual = { per_month = 1 }\n"
DEATH = '\n[window_events]\ndeath = { probability = 0.1, reading = "replace" }\n'
HEADER = "patient,dose_level,treated,dlt_date,left,left_reason"
ROWS = (
    "Ann,1,2024-03-01,,,",
    "Bob,2,2024-04-01,2024-04-09,,",
    "Cid,2,2024-04-05,,2024-04-20,died",
    "Dan,2,2024-05-01,,,",
)
"""On 20 May: none, a DLT on day 8, a death on day 15, pending for 19 of 28 days."""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "study.toml").write_text(SMALL + CLOCK + DEATH, encoding="utf-8")
    (tmp_path / "silent.toml").write_text(SMALL + CLOCK, encoding="utf-8")
    (tmp_path / "plain.toml").write_text(SMALL, encoding="utf-8")
    (tmp_path / "data.csv").write_text("\n".join((HEADER, *ROWS)) + "\n", encoding="utf-8")
    return tmp_path


def run(*words):
    return CliRunner().invoke(app, list(words))


def test_next_says_who_is_pending_for_how_long_and_when_to_ask_again(folder):
    done = run("next", "study.toml", "--data", "data.csv", "--cutoff", "2024-05-20", "--design", "ATD 6")
    assert done.exit_code == 0, done.output
    said = " ".join(done.output.split())
    assert "Cut-off: 2024-05-20" in said
    assert "Pending, not counted: Dan (19 of 28 days)" in said
    assert "Left out: Cid (cannot be evaluated: death on day 15)" in said
    assert "ATD 6: wait for 1 patient if N: 1 more at 2" in said  # 3+3 fills three after a DLT
    assert "Ask again in 9 days, on 2024-05-29: Dan completes the DLT window then." in said
    assert LAST not in said
    done = run("next", "study.toml", "--data", "data.csv", "--cutoff", "2024-05-20", "--design", "BOIN 9")
    assert "BOIN 9: 3 patients at 1 (level 1)" in done.output  # 1 of 2 or 2 of 2: down
    assert "Ask again" not in done.output


def test_the_object_of_next_holds_it_too(folder):
    read = json.loads(run("next", "study.toml", "--data", "data.csv", "--cutoff", "2024-05-20", "--json").output)
    assert read["pending"] == ["Dan"]
    assert read["ask_again"] == {"patients": ["Dan"], "days": 9, "on": "2024-05-29"}
    assert read["cutoff"] == "2024-05-20"
    assert [(dose["n"], dose["y"]) for dose in read["doses"]] == [(1, 0), (1, 1), (0, 0)]


def test_nobody_is_waited_for_once_all_windows_are_over(folder):
    read = json.loads(run("next", "study.toml", "--data", "data.csv", "--cutoff", "2024-05-29", "--json").output)
    assert (read["pending"], read["ask_again"]) == ([], None)
    assert [(dose["n"], dose["y"]) for dose in read["doses"]] == [(1, 0), (2, 1), (0, 0)]
    assert "Ask again" not in run("next", "study.toml", "--data", "data.csv", "--cutoff", "2024-05-29").output


@pytest.mark.parametrize("command", [("next",), ("posterior", "--json"), ("paths", "--design", "BOIN 9"), ("amend",)])
def test_what_the_protocol_leaves_open_is_asked_for_by_every_command(folder, command):
    done = run(command[0], "silent.toml", *command[1:], "--data", "data.csv")
    assert done.exit_code == 2
    assert "patient Cid left the DLT window without a DLT (death on day 15)" in " ".join(done.stderr.split())
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("plain.toml", "--data", "data.csv"), "--window DAYS"),
        (("study.toml", "--data", "data.csv", "--window", "60"), "wanted the window that the study states, 28 days"),
        (("plain.toml", "--data", "data.csv", "--window", "0"), "window: wanted days above 0"),
        (("study.toml", "--data", "data.csv", "--cutoff", "31.5.2024"), "cutoff: wanted a date such as 2024-03-31"),
        (("study.toml", "--outcomes", "1N", "--cutoff", "2024-05-20"), "cutoff: wanted with data that have dates only"),
        (("plain.toml", "--outcomes", "1N 2N?14"), "--window DAYS"),
    ],
)
def test_window_and_cut_off_that_do_not_fit(folder, words, said):
    done = run("next", *words)
    assert done.exit_code == 2
    assert said in " ".join(done.stderr.split())


def test_a_window_may_be_given_and_days_stand_in_a_string(folder):
    done = run("next", "plain.toml", "--outcomes", "1NNN 2NN?14", "--window", "28", "--design", "BOIN 9")
    assert done.exit_code == 0, done.output
    assert "Ask again in 14 days: 6 completes the DLT window then." in " ".join(done.output.split())


def test_posterior_and_paths_name_the_pending_with_their_follow_up(folder):
    for command in (("posterior", "--json"), ("paths", "--design", "BOIN 9")):
        done = run(command[0], "study.toml", *command[1:], "--data", "data.csv", "--cutoff", "2024-05-20")
        assert done.exit_code == 0, done.output
        assert "Dan (19 of 28 days)" in done.output
        assert "2024-05-20" in done.output


def test_the_report_shows_patients_by_numbers_and_days_without_names_and_dates(folder):
    window = Window(28, {"death": "replace"})
    trial = Trial.from_csv("data.csv", Doses(("1", "2", "4"), unit="mg", values=(1.0, 2.0, 4.0)), window, "2024-05-20")
    (table,) = patients_at_cutoff(trial)
    assert isinstance(table, Table)
    assert table.rows == (
        ("1", "1", "0", "28", "no DLT in the window"),
        ("2", "2", "31", "8", "DLT"),
        ("3", "2", "35", "15", "not evaluable (death)"),
        ("4", "2", "61", "19", "pending"),
    )
    assert patients_at_cutoff(Trial.from_outcomes("1N 2?", trial.doses)) == []


MORE = (
    "patient,dose_level,treated,dlt_date,left,left_reason,actual_dose",
    "Ann,1,2024-03-01,,,,1.5",
    "Later,2,2024-08-01,,,,",
    "Bob,2,2024-04-01,2024-04-09,,,2",
    "Cid,2,2024-04-05,,2024-04-20,died,",
    "Dan,2,2024-05-01,,,,",
)


def test_an_amendment_has_the_table_and_names_no_patient_unless_asked_to(folder):
    """By their places in the data; who is not treated at the cut-off comes after all others."""
    (folder / "data.csv").write_text("\n".join((MORE[0], MORE[1], *MORE[3:], MORE[2])) + "\n", encoding="utf-8")
    given = "amend", "study.toml", "--data", "data.csv", "--cutoff", "2024-05-20"
    done = run(*given, "--out", "out")
    assert done.exit_code == 0, done.output
    html = (folder / "out" / "amendment.html").read_text(encoding="utf-8")
    assert "Patients at the cut-off of the data" in html
    assert "--data data.csv --cutoff 2024-05-20" in html
    for name in ("Ann", "Bob", "Cid", "Dan", "Later"):
        assert name not in html.replace("Lateral", "")
        assert name not in done.output
    for text in ("patient 1: the actual dose 1.5 mg", "left out: 5", "Left out: 3 (cannot", "still to come: 4"):
        assert text in html, text
    named = run(*given, "--identifiers", "--out", "named")
    assert named.exit_code == 0, named.output
    html = (folder / "named" / "amendment.html").read_text(encoding="utf-8")
    for text in ("patient Ann: the actual", "Left out: Cid (cannot", "still to come: Dan", "--identifiers"):
        assert text in html, text


def test_faults_of_the_data_name_the_patients(folder):
    """A command that shows none, too: who mends the file looks for them."""
    (folder / "data.csv").write_text("\n".join((HEADER, *ROWS, "Dan,9,2024-05-02,,,")) + "\n", encoding="utf-8")
    done = run("amend", "study.toml", "--data", "data.csv", "--cutoff", "2024-05-20")
    assert done.exit_code == 2
    assert "patient 'Dan' stands already in line 5" in " ".join(done.stderr.split())


@pytest.mark.parametrize("words", [("--outcomes", "1N"), ()])
def test_identifiers_want_a_table(folder, words):
    done = run("amend", "study.toml", *words, "--identifiers")
    assert done.exit_code == 2
    assert "--identifiers: wanted with a table of patients, --data FILE" in " ".join(done.stderr.split())
