"""Results say their format, version and study; files and hashes of before are read, or told apart."""

import json
import tomllib
from pathlib import Path

import pytest
import xarray as xr
from small_study import SMALL
from typer.testing import CliRunner

import doseopt
from doseopt.cli import app
from doseopt.study.file import BUNDLED, load_study, parse_study

pytestmark = pytest.mark.usefixtures("without_figures")

TESTS = Path(__file__).parents[1]
FILES = [
    *(name.name.removesuffix(".toml") for name in BUNDLED.iterdir() if name.name.endswith(".toml")),
    *sorted(map(str, TESTS.rglob("*.toml"))),
]
MADE = {"format": 2, "version": doseopt.__version__, "study": "small", "study_hash": parse_study(SMALL).hash}


def run(*arguments):
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture
def small(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("small.toml").write_text(SMALL, encoding="utf-8")
    return tmp_path


def told(found):
    """The origin that JSON states, at the top or in the attributes of a Dataset."""
    return {name: found[name] for name in MADE if name in found}


@pytest.mark.parametrize(
    "command",
    [
        ["compare"],
        ["posterior", "--outcomes", "1N 2NNT"],
        ["next", "--outcomes", "1N 2NNT"],
        ["table", "--design", "BOIN 9"],
        ["paths", "--design", "ATD 6", "--cohorts", "1"],
        ["walk", "--design", "ATD 6", "--scenario", "safe"],
        ["examine", "--design", "ATD 6"],
        ["limits"],
        ["calibrate", "--design", "BOIN 9", "--candidates", "8"],
        ["report"],
    ],
    ids=lambda command: command[0],
)
def test_json_says_its_format_version_and_study(small, command):
    ran = run(command[0], "small.toml", *command[1:], "--json")
    assert ran.exit_code == 0, ran.output
    found = json.loads(ran.stdout)
    datasets = [found, *(part for part in found.values() if isinstance(part, dict))]
    assert MADE in [told(each) for part in datasets for each in (part, part.get("attrs", {}))]


def test_json_of_verify_says_its_format_and_version():
    ran = run("verify", "--only", "boin-boundaries", "--json")
    found = json.loads(ran.stdout)
    assert (found["format"], found["version"]) == (2, doseopt.__version__)


@pytest.mark.parametrize(
    ("command", "file"),
    [
        (["compare"], "comparison.nc"),
        (["posterior", "--outcomes", "1N 2NNT"], "posterior.nc"),
        (["paths", "--design", "ATD 6", "--cohorts", "1"], "paths.nc"),
        (["limits"], "limits.nc"),
        (["amend", "--outcomes", "1N 2NNT"], "amendment.nc"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_netcdf_says_its_format_version_and_study(small, command, file):
    ran = run(command[0], "small.toml", *command[1:], "--out", "here")
    assert ran.exit_code == 0, ran.output
    with xr.open_dataset(f"here/{file}") as stored:
        assert told(stored.attrs) == MADE


@pytest.mark.parametrize("stated", ["", "format = 1\n", "format = 2\n"])
def test_a_study_of_format_1_or_2_or_none_is_the_same_study(stated):
    assert parse_study(stated + SMALL).hash == parse_study(SMALL).hash


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ("3", f"wanted at most 2, got 3: a file of format 3 is read by a doseopt later than {doseopt.__version__}"),
        ("0", "wanted 1 or 2, got 0"),
        ("2.0", "wanted 1 or 2, got 2.0"),
        ("true", "wanted 1 or 2, got True"),
        ('"2"', "wanted 1 or 2, got '2'"),
    ],
)
def test_another_format_is_refused(stated, message):
    with pytest.raises(doseopt.Faults) as refused:
        parse_study(f"format = {stated}\n{SMALL}")
    assert [(fault.where, fault.message) for fault in refused.value.faults] == [("format", message)]


@pytest.mark.parametrize("file", FILES, ids=lambda file: Path(file).name)
def test_an_upgraded_file_is_the_same_study(file, tmp_path):
    ran = run("check", file, "--upgrade", "--out", str(tmp_path / "new" / "study.toml"))
    assert ran.exit_code == 0, ran.output
    text = (tmp_path / "new" / "study.toml").read_text(encoding="utf-8")
    assert tomllib.loads(text)["format"] == 2
    assert load_study(tmp_path / "new" / "study.toml").hash == load_study(file).hash
    assert run("check", file, "--upgrade").stdout == text


def test_out_is_for_an_upgrade(small):
    ran = run("check", "small.toml", "--out", "new.toml")
    assert (ran.exit_code, "--out: wanted with --upgrade only" in ran.stderr) == (2, True)


@pytest.mark.parametrize("stated", [MADE["study_hash"], MADE["study_hash"].removeprefix("h2:")])
def test_a_stated_hash_is_that_of_the_study_with_its_scheme_and_without(small, stated):
    ran = run("check", "small.toml", "--hash", stated)
    assert (ran.exit_code, ran.stderr) == (0, "")


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ("h2:0123456789abcdef", "is of another study"),
        ("0123456789abcdef", "perhaps of the old one, by which the same study has other digits"),
        ("h3:0123456789abcdef", "is of scheme h3; wanted one of scheme h2"),
        ("h2:0123", "wanted a study hash such as h2:"),
        (":0123456789abcdef", "wanted a study hash such as h2:"),
    ],
)
def test_a_stated_hash_that_is_not_of_the_study_is_refused(small, stated, said):
    ran = run("check", "small.toml", "--hash", stated)
    assert ran.exit_code == 2
    assert "--hash" in ran.stderr
    assert said in ran.stderr
    assert MADE["study_hash"] in ran.stderr or "h3" in stated


def test_a_monte_carlo_error_is_written_only_where_a_design_is_simulated(small):
    for further, simulated in ([], False), (["--simulate", "50"], True):
        result = run("compare", "small.toml", "--json", *further)
        assert result.exit_code == 0, result.stderr
        names = json.loads(result.stdout)["data_vars"]
        assert "correct_selection" in names
        assert any(name.endswith("_mcse") for name in names) == simulated
