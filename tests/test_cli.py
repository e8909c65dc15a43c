import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import xarray as xr
from typer.testing import CliRunner

import doseopt
from doseopt.cli import app
from doseopt.comparison import compare
from doseopt.engine.exact import Exact
from doseopt.engine.graph import TooManyStates

ROOT = Path(doseopt.__file__).parents[1]
SMALL = """
title = "small"
target = 0.25
[doses]
labels = ["low", "mid", "high"]
[scenarios]
"mid" = [0.05, 0.25, 0.50]
"none" = [0.5, 0.6, 0.7]
[designs."3+3"]
kind = "three_plus_three"
[designs."BOIN 6"]
kind = "boin"
modifiers = [{ kind = "max_patients", n = 6 }]
[designs."BOIN 9"]
kind = "boin"
modifiers = [{ kind = "max_patients", n = 9 }]
"""
WRONG = (
    SMALL.replace("target = 0.25", "target = 25").replace("0.50]", "1.50]").replace('kind = "boin"', 'kind = "bion"')
)


def run(*arguments):
    """Run the command line in this process."""
    return CliRunner().invoke(app, [str(a) for a in arguments])


def run_apart(*arguments, **options):
    """Run the command line as a user does."""
    command = [sys.executable, "-m", "doseopt.cli", *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "100"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, **options)


@pytest.fixture
def study(tmp_path):
    path = tmp_path / "small.toml"
    path.write_text(SMALL)
    return path


@pytest.fixture
def wrong(tmp_path):
    path = tmp_path / "wrong.toml"
    path.write_text(WRONG)
    return path


def refused(result, *told):
    """Exit status 2, the message on standard error, nothing else, and no traceback."""
    assert getattr(result, "exit_code", getattr(result, "returncode", None)) == 2
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    for text in told:
        assert text in result.stderr
    return result.stderr


def test_version():
    result = run("--version")
    assert result.exit_code == 0
    assert result.stdout == f"doseopt {doseopt.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [([], ["compare", "check"]), (["compare"], ["--out", "--json", "renji-elo"]), (["check"], ["study", "bundled"])],
)
def test_help(arguments, told):
    result = run(*arguments, "--help")
    assert result.exit_code == 0
    assert "Usage" in result.stdout
    assert all(word in result.stdout for word in told)


def test_no_command_shows_the_help():
    result = run()
    assert result.exit_code == 2
    assert "Usage" in result.output


def test_a_valid_study_is_called_valid(study):
    result = run("check", study)
    assert result.exit_code == 0
    hash_ = doseopt.load_study(study).hash
    assert result.stdout == f"{study}: valid (3 designs, 2 scenarios, 3 doses, hash {hash_})\n"
    assert result.stderr == ""


def test_the_bundled_study_is_valid():
    result = run("check", "renji-elo")
    assert result.exit_code == 0
    assert result.stdout.startswith("renji-elo: valid (8 designs, 11 scenarios, 4 doses, hash ")


@pytest.mark.parametrize("command", ["check", "compare"])
def test_all_faults_of_a_study_are_told_at_once(command, wrong):
    lines = refused(run(command, wrong)).splitlines()
    assert lines == [
        f"doseopt: {wrong}: 4 faults",
        "  target: wanted a number in (0, 1), got 25",
        "  scenarios.mid[2]: wanted a number in [0, 1], got 1.5",
        "  designs.\"BOIN 6\".kind: unknown kind 'bion'; did you mean 'boin'?",
        "  designs.\"BOIN 9\".kind: unknown kind 'bion'; did you mean 'boin'?",
    ]


def test_faults_are_told_the_same_way_to_a_user(wrong):
    refused(run_apart("check", wrong), "4 faults", "did you mean 'boin'?")


@pytest.mark.parametrize("command", ["check", "compare"])
def test_an_unknown_study_suggests_the_nearest(command, tmp_path):
    refused(run(command, "renji-ello"), "no such file, and no bundled study", "did you mean 'renji-elo'?")
    refused(run(command, tmp_path / "none.toml"), "no such file")


def test_what_cannot_be_read_as_a_study_is_refused(tmp_path):
    refused(run("check", tmp_path))
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe\x00")
    refused(run("check", binary), "cannot be read as text")
    broken = tmp_path / "broken.toml"
    broken.write_text("title = [")
    refused(run("check", broken), "not a TOML file")


@pytest.mark.parametrize("arguments", [["compare", "--jsn"], ["--verison"], ["chek"], ["check"], ["check", "a", "b"]])
def test_unknown_options_and_commands_are_refused(arguments):
    refused(run(*arguments))


def test_json_is_one_object_and_nothing_else(study, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run("compare", study, "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout, parse_constant=lambda c: pytest.fail(f"{c} is not JSON"))
    assert found["attrs"]["study"] == "small"
    assert found["dims"]["design"] == 3
    assert found["coords"]["scenario"]["data"] == ["mid", "none"]
    assert found["data_vars"]["planned_maximum"]["data"] == [None, 6, 9]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["small.toml"]  # nothing is written unless asked for


def test_a_file_in_the_place_of_the_folder_is_told(study, tmp_path):
    place = tmp_path / "taken"
    place.write_text("mine")
    for out in (place, place / "below"):
        refused(run("compare", study, "--out", out), str(place))
    assert place.read_text() == "mine"


@pytest.mark.skipif(getattr(os, "geteuid", lambda: 1)() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_told(study, tmp_path):
    place = tmp_path / "locked"
    place.mkdir(mode=0o500)
    refused(run("compare", study, "--out", place), str(place))


def test_a_graph_that_is_too_large_says_what_to_do(tmp_path):
    path = tmp_path / "large.toml"
    path.write_text(SMALL.replace("n = 9", "n = 90").replace('kind = "boin"', 'kind = "boin"\ncohort = 1'))
    with pytest.raises(TooManyStates, match="lower its max_patients, use larger cohorts, or simulate it"):
        compare(doseopt.load_study(path), Exact(max_states=1000))


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """One comparison with everything it writes."""
    folder = tmp_path_factory.mktemp("written")
    path = folder / "small.toml"
    path.write_text(SMALL)
    result = run_apart("compare", path, "--out", folder / "new" / "results", cwd=folder)
    assert result.returncode == 0, result.stderr
    return result, folder / "new" / "results"


def test_compare_prints_what_is_compared_and_under_which_definitions(written):
    text = written[0].stdout
    for told in ("small", "3+3", "BOIN 6", "mid", "none", "0.25", "Correct selection"):
        assert told in text
    assert "Written to" in "".join(text.splitlines()[-4:])
    assert "\x1b" not in text
    printed = text[: text.rindex("Written to")]
    assert max(len(line) for line in printed.splitlines()) <= 100


def test_compare_writes_data_and_figures_and_says_so(written):
    result, folder = written
    names = {p.name for p in folder.iterdir()}
    assert {"comparison.nc", "comparison.csv"} <= names
    figures = {n for n in names if n.endswith(".svg")}
    assert len(figures) >= 3
    assert {n.replace(".svg", ".png") for n in figures} == {n for n in names if n.endswith(".png")}
    assert all((folder / n).stat().st_size > 500 for n in names)
    assert not [n for n in names if n.startswith(".")]  # no unfinished file is left
    said = result.stdout[result.stdout.rindex("Written to") :]
    assert all(n in said for n in names)


def test_what_is_written_is_the_comparison(written):
    folder = written[1]
    wanted = compare(doseopt.load_study(folder.parents[1] / "small.toml"))
    with xr.open_dataset(folder / "comparison.nc") as stored:
        assert stored.attrs["study_hash"] == wanted.attrs["study_hash"]
        xr.testing.assert_allclose(stored["selection"], wanted["selection"], atol=0)
    lines = (folder / "comparison.csv").read_text().splitlines()
    assert len(lines) > 3 * 2 * 3
    assert "design" in lines[0]
    assert "scenario" in lines[0]


def test_results_go_to_a_folder_of_that_name_when_none_is_given(study, tmp_path):
    result = run_apart("compare", study, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "results" / "comparison.nc").is_file()
