"""`--budget` on the command line: one meaning, whatever is asked; what does not fit is named, the rest goes on."""

import asyncio
import json

import pytest
from typer.testing import CliRunner

from doseopt.app.worker import Limits, Worker
from doseopt.cli import app

STUDY = """
title = "a large design beside a small one"
target = 0.25
[doses]
labels = ["1", "2", "3", "4", "5"]
[scenarios]
"middle" = [0.05, 0.12, 0.25, 0.40, 0.55]
[designs."BOIN 30"]
kind = "boin"
modifiers = [{ kind = "max_patients", n = 30 }]
[designs."BOIN 9"]
kind = "boin"
modifiers = [{ kind = "max_patients", n = 9 }]
"""
FITS = "would fit"


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "study.toml").write_text(STUDY, encoding="utf-8")
    return "study.toml"


def run(*arguments):
    return CliRunner().invoke(app, [*arguments])


def test_compare_simulates_what_does_not_fit(path):
    engines = {}
    for budget in ("2", "0.001"):
        done = run("compare", path, "--json", "--budget", budget)
        assert done.exit_code == 0
        found = json.loads(done.stdout)
        engines[budget] = dict(zip(found["coords"]["design"]["data"], found["coords"]["engine"]["data"], strict=True))
    assert engines == {
        "2": {"BOIN 30": "exact", "BOIN 9": "exact"},
        "0.001": {"BOIN 30": "simulated", "BOIN 9": "exact"},
    }


def test_limits_names_what_does_not_fit_and_goes_on(path):
    done = run("limits", path, "--json", "--budget", "0.001")
    refused = json.loads(done.stdout)["attrs"]["not_computed"]
    assert "BOIN 30: the graph of this design (5 doses, at most 30 patients)" in refused
    assert FITS in refused
    assert json.loads(done.stdout)["coords"]["design"]["data"][0] == "BOIN 9"


def test_calibrate_names_what_does_not_fit_and_goes_on(path):
    few = ("calibrate", path, "--free", "saf", "--candidates", "8", "--json", "--budget", "0.001")
    done = run(*few, "--design", "BOIN")
    assert done.exit_code == 0
    assert [*json.loads(done.stdout)] == ["BOIN 9"]
    assert "doseopt: BOIN 30: the graph of this design" in done.stderr
    alone = run(*few, "--design", "BOIN 30")
    assert alone.exit_code == 2
    assert FITS in alone.stderr


def test_paths_says_how_many_cohorts_would_fit(path):
    done = run("paths", path, "--design", "BOIN 30", "--cohorts", "9")
    assert done.exit_code == 2
    assert "wanted at most 6" in done.stderr


def test_the_app_names_what_does_not_fit_and_goes_on(path):
    async def ask():
        worker = Worker(Limits(budget=1_000_000), (STUDY, path))
        try:
            await worker.ask("read", {"text": STUDY})
            numbers, refused = {}, {}
            while not (numbers and refused):
                found = await worker.ask("curve", {"p": [0.05, 0.12, 0.25, 0.40, 0.55]})
                numbers, refused = found["numbers"], found["refused"]
            return numbers, refused
        finally:
            worker.end()

    numbers, refused = asyncio.run(ask())
    assert [*numbers] == ["BOIN 9"]
    assert FITS in refused["BOIN 30"]


@pytest.mark.parametrize("command", ["compare", "limits", "calibrate", "app"])
def test_a_budget_is_read_alike(command):
    done = run(command, "--budget", "0")
    assert done.exit_code == 2
    assert "0.001" in done.stderr
