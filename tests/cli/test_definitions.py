"""The map of definitions on the command line: its tables, its files and its JSON."""

import json

import pytest
from cli.test_cli import run
from comparison.test_backfilled import RESPONDS

from doseopt.core.parameters import Fault, Faults

STUDY = """
title = "Two designs"
target = 0.25

[mtd]
definition = { patients = 6, rate = "1/6" }

[doses]
labels = ["1", "2", "4"]

[scenarios]
safe = [0.02, 0.05, 0.20]
middle = [0.10, 0.26, 0.50]

[designs."3+3"]
kind = "three_plus_three"

[designs."BOIN"]
kind = "boin"
modifiers = [{ kind = "max_patients", n = 9 }]
"""


@pytest.fixture
def study(tmp_path):
    path = tmp_path / "two.toml"
    path.write_text(STUDY, encoding="utf-8")
    return str(path)


def test_tables_figure_and_files(study, tmp_path):
    result = run("definitions", study, "--out", str(tmp_path / "map"), "--html", str(tmp_path / "map.html"))
    assert result.exit_code == 0
    for title in ("closest to the target", "highest up to the target", "in an interval"):
        assert f"Best design where right is the dose {title}" in result.stdout
    assert "Put on each target: BOIN. The same at every target: 3+3." in " ".join(result.stdout.split())
    written = {path.name for path in (tmp_path / "map").iterdir()}
    assert written == {"definitions.nc", "definitions.csv", "definitions.svg", "definitions.png"}
    assert "Which design is best" in (tmp_path / "map.html").read_text(encoding="utf-8")


def test_json_says_the_same(study):
    found = json.loads(run("definitions", study, "--json").stdout)
    assert found["dims"] == {"definition": 3, "target": 5, "naming": 3, "false_dlts": 3, "design": 2}
    assert found["data_vars"]["retargeted"]["data"][0] == [False, True]


def test_that_backfilling_takes_long_is_said_beforehand(tmp_path, monkeypatch):
    def computed(study, progress):
        raise Faults([Fault("", "here it begins")], study.name)

    monkeypatch.setattr("doseopt.comparison.definition_map.definition_map", computed)
    path = tmp_path / "fills.toml"
    path.write_text(RESPONDS, encoding="utf-8")
    first, *rest = run("definitions", str(path)).stderr.splitlines()
    assert first == "doseopt: BF: backfilling is simulated, anew in each of 15 cells, which takes minutes"
    assert "here it begins" in rest[-1]


def test_one_design_is_a_fault_with_status_2(study, tmp_path):
    path = tmp_path / "one.toml"
    path.write_text(STUDY.split('[designs."BOIN"]')[0], encoding="utf-8")
    result = run("definitions", str(path))
    assert result.exit_code == 2
    assert "designs: wanted at least two, got 1" in result.stderr
