import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from rich.cells import cell_len
from scipy.optimize import isotonic_regression
from scipy.stats import beta
from typer.testing import CliRunner

import doseopt
from doseopt.cli import app
from doseopt.comparison.compare import compare
from doseopt.engines.budget import TooManyStates
from doseopt.engines.exact import Exact
from doseopt.measures import estimates
from doseopt.measures.estimates import Estimates

pytestmark = pytest.mark.usefixtures("without_figures")

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
    command = [sys.executable, "-m", "doseopt", *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "200"}
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


def test_one_of_a_kind_is_said_in_the_singular(tmp_path):
    one = tmp_path / "one.toml"
    one.write_text(
        'title = "x"\ntarget = 0.3\ndoses.labels = ["1"]\nscenarios.a = [0.1]\n'
        'designs.D = { kind = "boin", modifiers = [{ kind = "max_patients", n = 6 }] }\n'
    )
    assert "valid (1 design, 1 scenario, 1 dose, hash" in run("check", one).stdout


@pytest.mark.parametrize("columns", [12, 40, 200])
@pytest.mark.parametrize("name", ["a design with a name of many words", "剂" * 60, "δόση" * 20, "x" * 150])
def test_faults_are_as_wide_as_the_terminal(tmp_path, monkeypatch, columns, name):
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(
        f'title = "x"\ntarget = 3\ndoses.labels = ["1"]\ndesigns."{name}" = {{ kind = "boin", cutoff = 7 }}\n'
    )
    monkeypatch.chdir(tmp_path)
    whole = run("check", "wrong.toml").stderr
    monkeypatch.setenv("COLUMNS", str(columns))
    broken = run("check", "wrong.toml").stderr
    assert max(map(cell_len, broken.splitlines())) <= columns
    assert "".join(broken.split()) == "".join(whole.split())
    assert len(whole.splitlines()) == 1 + 2


def test_a_device_is_no_study():
    refused(run("check", os.devnull), "a device or a pipe")


@pytest.mark.parametrize("command", ["compare", "limits", "report"])
def test_what_is_refused_leaves_no_empty_folder(study, tmp_path, command):
    bare = SMALL[: SMALL.index("[scenarios]")] + SMALL[SMALL.index("[designs") :]
    study.write_text(bare)
    (tmp_path / "kept").mkdir()
    for folder in (tmp_path / "new" / "results", tmp_path / "kept"):
        result = run(command, study, "--out", folder)
        assert result.exit_code == 2
        assert "scenarios: missing" in result.stderr
    assert not (tmp_path / "new").exists()
    assert (tmp_path / "kept").is_dir()


def test_the_bundled_study_is_valid():
    result = run("check", "renji-elo")
    assert result.exit_code == 0
    assert result.stdout.startswith("renji-elo: valid (10 designs, 11 scenarios, 4 doses, hash ")


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
    large = doseopt.load_study(path)
    message = r"BOIN 9: .*lower its max_patients, use larger cohorts, or simulate it"
    with pytest.raises(TooManyStates, match=message):
        compare(large.only(["BOIN 9"]), Exact(max_states=1000))
    found = compare(large, Exact(max_states=1000))
    assert "BOIN 9" not in found["design"]
    assert re.search(message, found.attrs["not_computed"])


def test_a_design_that_is_too_large_is_named_beside_the_comparison_of_the_others(tmp_path):
    path = tmp_path / "large.toml"
    large = '[designs."BOIN 400"]\nkind = "boin"\ncohort = 1\nmodifiers = [{ kind = "max_patients", n = 400 }]\n'
    path.write_text(SMALL + large)
    for options in [], ["--full"]:
        result = run("compare", path, "--settled", "--robust", *options)
        assert result.exit_code == 0, result.stderr
        told = " ".join(result.stdout.split())
        assert re.search(r"Not computed:? BOIN 400: .* lower its max_patients", told), told[:900]


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
    said = " ".join(result.stdout[result.stdout.rindex("Written to") :].split())
    assert "comparison.nc .csv" in said
    several = said[said.index(";") : said.index("(.svg .png)")]
    assert all(n.removesuffix(".svg") in several for n in figures)


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


# Posteriors, and simulation

STATED = SMALL.replace("[scenarios]", '[posterior]\nmodel = "beta"\na = 0.5\nb = 1.5\n[scenarios]')


def stored(folder):
    return xr.load_dataset(folder / "comparison.nc")


@pytest.fixture
def stated(tmp_path):
    path = tmp_path / "stated.toml"
    path.write_text(STATED)
    return path


def test_posteriors_are_computed_only_if_the_study_states_one_or_they_are_asked_for(study, stated, tmp_path):
    heading = "Posterior DLT rates at each dose"
    for path, option, wanted, printed in [
        (study, [], False, False),
        (study, ["--posterior"], True, True),
        (stated, [], True, False),
        (stated, ["--full"], True, True),
        (stated, ["--no-posterior"], False, False),
    ]:
        result = run("compare", path, *option, "--out", tmp_path / "out")
        assert result.exit_code == 0, result.stderr
        assert (heading in result.stdout) == printed
        assert ("Computed for every ending of a trial." in result.stdout) == wanted
        found = stored(tmp_path / "out")
        assert ("posterior_mean" in found) == wanted
        assert ("posterior_model" in found.attrs) == wanted
        assert "correct_selection" in found


def test_a_model_that_the_study_does_not_state_is_called_the_default(study, stated, tmp_path):
    told = "by default, as the study states no [posterior]"
    assert told in " ".join(run("compare", study, "--posterior", "--out", tmp_path).stdout.split())
    assert told not in " ".join(run("compare", stated, "--posterior", "--out", tmp_path).stdout.split())
    for path, wanted in [(study, True), (stated, False)]:
        result = run("posterior", path, "--outcomes", "1NNN", "--out", tmp_path)
        assert (told in " ".join(result.stdout.split())) == wanted


def test_the_operating_characteristics_stand_before_the_posteriors(stated, tmp_path, monkeypatch):
    printed = []
    monkeypatch.setattr(Estimates, "run", lambda *_: printed.append(True) or 1 / 0)
    result = run("compare", stated, "--out", tmp_path / "out")
    assert isinstance(result.exception, ZeroDivisionError)
    assert printed
    assert "Correct and overdose selection (% of trials)" in result.stdout
    assert "correct_selection" in stored(tmp_path / "out")


def test_an_interrupt_keeps_the_posteriors_that_are_done(stated, tmp_path, monkeypatch):
    whole = run("compare", stated, "--out", tmp_path / "whole")
    finish = Estimates.run

    def interrupted(self, progress):
        def stop(done):
            raise KeyboardInterrupt

        finish(self, stop)

    monkeypatch.setattr(estimates, "PIECE", 5)
    monkeypatch.setattr(Estimates, "run", interrupted)
    result = run("compare", stated, "--out", tmp_path / "part")
    assert result.exit_code == 130
    assert "posteriors interrupted after 5 of " in result.stderr
    assert "the probability of those left out is" in " ".join(result.stdout.split())
    part, all_ = stored(tmp_path / "part"), stored(tmp_path / "whole")
    assert "Computed for every ending of a trial." in " ".join(whole.stdout.split())
    assert (all_["posterior_left_out"] == 0).all()
    assert ((part["posterior_left_out"] > 0) & (part["posterior_left_out"] < 1)).all()
    for name in ("correct_selection", "selection", "sample_size"):
        xr.testing.assert_identical(part[name], all_[name])
    lines = (tmp_path / "part" / "comparison.csv").read_text().splitlines()
    assert any(",posterior_left_out," in line for line in lines)


def test_an_interrupt_before_any_posterior_keeps_the_rest(stated, tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Estimates, "__init__", stop)
    result = run("compare", stated, "--out", tmp_path / "out")
    assert result.exit_code == 130
    assert "posteriors interrupted" in result.stderr
    assert "posterior_mean" not in stored(tmp_path / "out")


def interrupting(*_):
    raise KeyboardInterrupt


def test_an_interrupt_of_break_even_points_keeps_the_rest(stated, tmp_path, monkeypatch):
    monkeypatch.setattr("doseopt.comparison.break_even._perturbed", interrupting)
    result = run("compare", stated, "--robust", "--out", tmp_path / "out")
    assert result.exit_code == 130
    assert "break-even points interrupted; they are left out" in result.stderr
    assert "Correct and overdose selection (% of trials)" in result.stdout
    assert "What would change the decision" not in result.stdout
    data = stored(tmp_path / "out")
    assert "posterior_mean" in data
    assert "break_even" not in data


def test_an_interrupt_with_nothing_done_is_said(stated, tmp_path, monkeypatch):
    monkeypatch.setattr("doseopt.comparison.compare.before_readings", interrupting)
    result = run("compare", stated, "--out", tmp_path / "out")
    assert result.exit_code == 130
    assert "doseopt: interrupted" in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "trials"),
    [
        (["--simulate"], 10_000),
        (["--simulate", "250"], 250),
        (["--simulate=250"], 250),
        (["--simulate", "--seed", "7"], 10_000),
    ],
)
@pytest.mark.parametrize("before", [True, False])
def test_simulate_takes_a_number_or_none(study, arguments, trials, before):
    given = [*arguments, study] if before else [study, *arguments]
    result = run("compare", *given, "--json")
    assert result.exit_code == 0, result.stderr
    attrs = json.loads(result.stdout)["attrs"]
    assert (attrs["engine"], attrs["trials"]) == ("simulated", trials)
    assert attrs["seed"] == (7 if "--seed" in arguments else 1)


@pytest.mark.parametrize("trials", ["0", "-5", "2000000", "many"])
def test_trials_out_of_bounds_are_refused(study, trials):
    refused(run("compare", study, "--simulate", trials, "--json"))


def test_settled_and_simulated_exclude_each_other(study):
    refused(run("compare", study, "--settled", "--simulate"), "wanted one of --settled and --simulate")


EIGHT = """
title = "8 doses, 60 patients"
target = 0.25
[doses]
labels = ["10", "20", "40", "60", "80", "100", "120", "140"]
[scenarios]
"a" = [0.02, 0.04, 0.08, 0.12, 0.18, 0.25, 0.35, 0.45]
[designs.BOIN]
kind = "boin"
modifiers = [{ kind = "max_patients", n = 60 }]
[designs."3+3"]
kind = "three_plus_three"
"""


def test_eight_doses_and_sixty_patients_are_simulated_beside_an_exact_design(tmp_path):
    path = tmp_path / "eight.toml"
    path.write_text(EIGHT)
    result = run("compare", path, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    told = " ".join(result.stdout.split())
    assert "1 design marked ~ simulated, as the exact calculation would be too large: 10,000 trials a scenario" in told
    assert "seed 1" in told
    assert "Largest Monte Carlo standard error: 0." in told
    found = stored(tmp_path / "out")
    assert found["engine"].to_numpy().tolist() == ["simulated", "exact"]
    share = found["correct_selection"].to_numpy()[:, 0]
    error = found["correct_selection_mcse"].to_numpy()[:, 0]
    assert error[0] == pytest.approx((share[0] * (1 - share[0]) / 10_000) ** 0.5)
    assert error[1] == 0
    # an own simulation of 4,000 trials that shares no line with the package
    assert abs(share[0] - boin_alone(4000)) <= 4.5 * error[0] * 3.5**0.5


def boin_alone(trials, cohort=3, cap=60, target=0.25):
    """Share of correct selections of BOIN in the scenario of EIGHT, simulated trial by trial from its publication."""
    rng, right = np.random.default_rng(11), 0
    p = np.array([0.02, 0.04, 0.08, 0.12, 0.18, 0.25, 0.35, 0.45])
    low, high = 0.6 * target, 1.4 * target
    up = np.log((1 - low) / (1 - target)) / np.log(target * (1 - low) / (low * (1 - target)))
    down = np.log((1 - target) / (1 - high)) / np.log(high * (1 - target) / (target * (1 - high)))
    out = {(n, y): beta.sf(target, 1 + y, 1 + n - y) > 0.95 for n in range(3, cap + 1) for y in range(n + 1)}
    for _ in range(trials):
        n, y, dose, top = [0] * 8, [0] * 8, 0, 7
        while sum(n) < cap and top >= 0:
            n[dose] += cohort
            y[dose] += int((rng.random(cohort) < p[dose]).sum())
            top = dose - 1 if out[n[dose], y[dose]] else top
            share = y[dose] / n[dose]
            step = 1 if share <= up else -1 if share >= down else 0
            dose = max(0, min(dose + step, top))
        right += top >= 0 and selected_by_isotonic(n, y, top, target) == 5
    return right / trials


def selected_by_isotonic(n, y, top, target):
    """The tried dose not above `top` whose isotonic estimate is closest to the target."""
    tried = [j for j in range(top + 1) if n[j]]
    rate = isotonic_regression([(y[j] + 0.05) / (n[j] + 0.1) for j in tried], weights=weights_of(n, y, tried)).x
    distance = [abs(r + 1e-10 * k - target) for k, r in enumerate(rate, 1)]
    return tried[int(np.argmin(distance))]


def weights_of(n, y, tried):
    """Inverse of the variance of the Beta posterior of each dose."""
    a, b = np.array([y[j] + 0.05 for j in tried]), np.array([n[j] - y[j] + 0.05 for j in tried])
    return 1 / (a * b / ((a + b) ** 2 * (a + b + 1)))


@pytest.mark.parametrize("hostile", ["\x1b", "\u202e", "\ufffe"])
@pytest.mark.parametrize("words", [["{}[2J"], ["--x{}"], ["check", "a", "b{}"], ["next", "--x{}"]])
def test_an_error_of_usage_controls_no_terminal(words, hostile):
    done = CliRunner().invoke(app, [word.format(hostile) for word in words], env={"COLUMNS": "200"})
    assert done.exit_code == 2
    assert hostile not in done.output
    assert f"U+{ord(hostile):04X}" in done.stderr or repr(hostile)[1:-1] in done.stderr


def test_the_name_of_a_study_file_controls_no_terminal(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a\x1b[2J.toml").write_text(SMALL, encoding="utf-8")
    done = CliRunner().invoke(app, ["check", "a\x1b[2J.toml"])
    assert done.exit_code == 0
    assert done.output.startswith("a<U+001B>[2J.toml: valid (3 designs")


def test_the_name_of_a_folder_controls_no_terminal(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "study.toml").write_text(SMALL, encoding="utf-8")
    done = CliRunner().invoke(app, ["table", "study.toml", "--out", "a\x1b[2J\u202e"])
    assert done.exit_code == 0
    assert "Written to a<U+001B>[2J<U+202E>:" in done.output
    assert not {"\x1b", "\u202e"} & set(done.output)
