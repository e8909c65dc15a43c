"""The tables of a record as the data of every command that takes data."""

import hashlib
import json
import re
from pathlib import Path

import pytest
from cli.test_cli import run
from pages import Page
from small_study import SMALL

CLOCK = "\n[clock]\nwindow = 28\naccrual = { per_month = 1 }\n"
ADSL = """USUBJID,DOSELEV,TRTSDT,SAFFL,EVALFL,EOSDT,TRANSDT,COHORT
Ann,1,2024-03-01,Y,,,,1
Bob,2,2024-04-01,Y,,,,2
Cid,2,2024-04-05,Y,N,2024-04-20,,2
Dan,2,2024-04-22,Y,,,,2
Eve,2,2024-05-01,Y,,,,2
"""
ADAE = "USUBJID,AEDECOD,ASTDT,ATOXGR,DLTFL\nBob,Fever,2024-04-09,3,Y\nCid,Fever,2024-04-05,1,N\n"
AT = ("--cutoff", "2024-05-20")
"""Ann none, Bob a DLT, Cid left and is not evaluable, Dan at the last day of the window, Eve pending for 19 days."""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("study.toml").write_text(SMALL + CLOCK, encoding="utf-8")
    Path("tables").mkdir()
    Path("tables/adsl.csv").write_text(ADSL, encoding="utf-8")
    Path("tables/adae.csv").write_text(ADAE, encoding="utf-8")
    Path("tables/letters.docx").write_text("private", encoding="utf-8")
    return tmp_path


def test_next_is_that_of_the_outcome_string(folder):
    told = json.loads(run("next", "study.toml", "--data", "tables", *AT, "--json").stdout)
    same = json.loads(run("next", "study.toml", "--outcomes", "1N 2TN?19", "--json").stdout)
    assert [(dose["n"], dose["y"]) for dose in told["doses"]] == [(1, 0), (2, 1), (0, 0)]
    assert (told["doses"], told["designs"]) == (same["doses"], same["designs"])
    assert told["pending"] == ["5"]
    assert told["ask_again"] == {"patients": ["5"], "days": 9, "on": "2024-05-29"}


def test_posterior_is_that_of_the_outcome_string(folder):
    told, same = (
        json.loads(run("posterior", "study.toml", *words, "--json").stdout)
        for words in (("--data", "tables", *AT), ("--outcomes", "1N 2TN?19"))
    )
    assert told["doses"] == same["doses"]


@pytest.mark.parametrize("command", [("next",), ("posterior", "--json"), ("paths", "--design", "BOIN 9"), ("amend",)])
def test_every_command_asks_what_the_tables_leave_open(folder, command):
    Path("tables/adsl.csv").write_text(ADSL.replace("Y,N,2024", "Y,,2024"), encoding="utf-8")
    done = run(command[0], "study.toml", *command[1:], "--data", "tables")
    assert done.exit_code == 2
    assert "patient Cid left the DLT window without a DLT (dropout on day 15)" in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("study", "words", "said"),
    [
        (SMALL, (), "window: wanted the days of the DLT window"),
        (SMALL + CLOCK, ("--cutoff", "1.5.2024"), "cutoff: wanted a date such as 2024-03-31"),
    ],
)
def test_what_does_not_fit_is_said(folder, study, words, said):
    Path("study.toml").write_text(study, encoding="utf-8")
    done = run("next", "study.toml", "--data", "tables", *words)
    assert done.exit_code == 2
    assert said in " ".join(done.stderr.split())


def test_a_folder_without_tables_is_refused(folder):
    Path("empty").mkdir()
    done = run("next", "study.toml", "--data", "empty")
    assert done.exit_code == 2
    assert "adsl.csv: missing" in done.stderr


@pytest.mark.usefixtures("without_figures")
def test_the_tables_lie_beside_the_report_and_nothing_else(folder):
    done = run("amend", "study.toml", "--data", "tables", *AT, "--out", "out")
    assert done.exit_code == 0, done.output
    assert {path.name for path in Path("out/data").iterdir()} == {"adsl.csv", "adae.csv"}
    assert Path("out/data/adsl.csv").read_text(encoding="utf-8") == ADSL
    html = Path("out/amendment.html").read_text(encoding="utf-8")
    assert "doseopt amend study.toml --data data --cutoff 2024-05-20" in html
    assert f"data/adae.csv, SHA-256 {hashlib.sha256(ADAE.encode()).hexdigest()}" in html
    assert "Patients at the cut-off of the data" in html
    assert re.search(r"\b(Bob|Cid|Dan|Eve)\b", html) is None
    page = Page(html)
    events = page.tables["Subjects (%) with treatment-emergent adverse events [events]"]
    assert events[1:3] == [
        ["any", "0", "2 (50%) [2]", "-", "2 (40%) [2]"],
        ["grade 3 or worse", "0", "1 (25%) [1]", "-", "1 (20%) [1]"],
    ]
    assert events[-1] == ["dose-limiting", "0", "1 (25%) [1]", "-", "1 (20%) [1]"]
    assert page.tables["Life table, follow-up ending with a transplantation"][1] == ["(0, 1]", "5", "0", "0", "100.0%"]
    assert "A bar for each subject from treatment to the end of follow-up" in html
    Path("out/data/adlb.csv").write_text("USUBJID", encoding="utf-8")
    done = run("amend", "study.toml", "--data", "tables", *AT, "--out", "out")
    assert done.exit_code == 2
    assert "--out: wanted a folder without tables of other data, got data/adlb.csv in it" in done.stderr


@pytest.mark.parametrize(
    "command", [("next", "--json"), ("posterior", "--json"), ("paths", "--design", "CRM 13", "--json")]
)
def test_the_invented_record_is_data_of_every_command_and_called_so(folder, command):
    done = run(*command, "--data", "example", "--cutoff", "2024-06-10")
    assert done.exit_code == 0, done.output
    assert "the record is invented" in done.stdout
