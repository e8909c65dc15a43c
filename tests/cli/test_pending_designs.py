"""Designs that decide while patients are pending, in study files and in commands in which no time passes."""

import json

import pytest
import xarray as xr
from typer.testing import CliRunner

from doseopt import TITEBOIN, TITECRM, ExactPending, Faults, Lattice, RollingSix, SimulatePending
from doseopt.amendment.amend import _next, amend
from doseopt.attainable.attained import limits_of
from doseopt.calibration import calibrate
from doseopt.cli import app
from doseopt.clock.arrivals import MONTH
from doseopt.clock.lattice import Gaps
from doseopt.clock.onset import Onset
from doseopt.comparison.weighable import unweighed
from doseopt.conduct.examine import examine
from doseopt.conduct.in_hand import window_of
from doseopt.conduct.walk import walk
from doseopt.core.trial import demand_waiting
from doseopt.designs.layers import layers
from doseopt.designs.waiting import made_to_wait
from doseopt.measures.operating_characteristics import measure
from doseopt.records.trial import Trial
from doseopt.reports.render.terminal import terminal_text
from doseopt.reports.sections.amendment import _now, amendment_document
from doseopt.study.file import parse_study

FILE = """
title = "A study of designs that decide on pending patients"
target = 0.25
[doses]
labels = ["1", "2", "3", "4"]
[scenarios]
A = [0.05, 0.10, 0.20, 0.30]
[designs.BOIN]
kind = "boin"
modifiers = [{ kind = "max_patients", n = 9 }]
[designs."TITE-CRM"]
kind = "tite_crm"
weights = "adaptive"
skeleton = { prior_mtd = 2, halfwidth = 0.05 }
cohort = 1
modifiers = [{ kind = "no_skipping" }, { kind = "max_patients", n = 12 }]
[designs."TITE-BOIN"]
kind = "tite_boin"
estimate = "ess"
suspend_from = 3
modifiers = [{ kind = "max_patients", n = 12 }]
[designs."rolling six"]
kind = "rolling_six"
six_at_mtd = false
"""
CLOCK = '[clock]\nwindow = 28\naccrual = { kind = "fixed", per_month = 2 }\n'
DOSES = ["1", "2", "3", "4"]
PENDING = ("TITE-CRM", "TITE-BOIN", "rolling six")


def with_clock(text):
    return text.replace("[doses]", f"{CLOCK}[doses]", 1)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text(with_clock(FILE))
    return path


def test_a_study_file_reads_and_writes_them():
    study = parse_study(FILE)
    rules = {name: layers(design).rule for name, design in study.designs.items()}
    assert [type(rules[name]) for name in PENDING] == [TITECRM, TITEBOIN, RollingSix]
    assert (rules["TITE-CRM"].weights, rules["TITE-BOIN"].estimate) == ("adaptive", "ess")
    assert (rules["TITE-BOIN"].suspend_from, rules["rolling six"].six_at_mtd) == (3, False)
    again = parse_study(study.to_toml())
    assert again == study
    assert again.hash == study.hash


@pytest.mark.parametrize(
    ("said", "instead", "wanted"),
    [
        (
            '"adaptive"',
            '"adaptiv"',
            "weights: wanted one of 'linear', 'adaptive', got 'adaptiv'; did you mean 'adaptive'?",
        ),
        ('"ess"', '"smi"', "estimate: wanted one of 'imputed', 'ess', got 'smi'"),
        ("suspend_from = 3", "suspend_from = 0", "suspend_from: wanted a whole number of at least 1, got 0"),
        ('"tite_crm"', '"titecrm"', "unknown kind 'titecrm'; did you mean 'tite_crm'?"),
        ('"rolling_six"', '"rolling 6"', "unknown kind 'rolling 6'; did you mean 'rolling_six'?"),
        ("six_at_mtd = false", "six_at_mtd = 6", "six_at_mtd: wanted true or false, got 6"),
        ("{ prior_mtd = 2, halfwidth = 0.05 }", "[0.1, 0.2]", "skeleton: wanted 4 rates, one a dose, got 2"),
        ('kind = "no_skipping"', 'kind = "coherent"', 'scope: wanted "dose" over a design that decides while patients'),
    ],
)
def test_faults_say_what_was_wanted(said, instead, wanted):
    assert FILE.count(said) == 1
    with pytest.raises(Faults) as found:
        parse_study(FILE.replace(said, instead))
    assert any(wanted in str(fault) for fault in found.value.faults), found.value


def test_without_a_clock_check_says_that_one_is_wanted(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text(FILE)
    checked = CliRunner().invoke(app, ["check", str(path)])
    assert checked.exit_code == 0
    lines = [line for line in checked.output.splitlines() if "wanted a [clock]" in line]
    assert len(lines) == len(PENDING)
    compared = CliRunner().invoke(app, ["compare", str(path)])
    assert compared.exit_code == 2
    assert unweighed(parse_study(with_clock(FILE))) == []
    assert CliRunner().invoke(app, ["next", str(path), "--outcomes", "1N 1N 1N"]).exit_code == 0


@pytest.mark.parametrize("name", PENDING)
def test_the_command_in_which_no_time_passes_follows_every_cohort_up_and_says_so(file, name):
    ran = CliRunner().invoke(app, ["examine", str(file), "--design", name])
    assert ran.exit_code == 0, ran.output
    assert "Every cohort is followed up here before the next decision." in " ".join(ran.output.split())


@pytest.mark.parametrize("outcomes", ["", "1NNN 2NN?14", "1NNN 2NNT"])
def test_paths_follow_every_cohort_up_and_say_so(file, outcomes):
    """The tree of TITE-BOIN is that of BOIN, also where the last cohort is not complete."""
    file.write_text(with_clock(FILE).replace("n = 9 }", "n = 12 }"))
    found = {}
    for name in ("BOIN", "TITE-BOIN"):
        ran = CliRunner().invoke(app, ["paths", str(file), "--design", name, "--outcomes", outcomes, "--json"])
        assert ran.exit_code == 0, ran.output
        found[name] = json.loads(ran.output)
    for key in ("next", "paths", "pending"):
        assert found["BOIN"][key] == found["TITE-BOIN"][key]
    assert not found["BOIN"]["followed_up"]
    assert found["TITE-BOIN"]["followed_up"].startswith("Every cohort is followed up here before the next decision.")
    told = CliRunner().invoke(app, ["paths", str(file), "--design", "rolling six", "--cohorts", "1"]).output
    assert "Every cohort is followed up here before the next decision." in told


@pytest.mark.parametrize("name", PENDING)
def test_a_walk_is_the_first_trial_that_is_simulated(file, name):
    study = parse_study(file.read_text())
    told = walk(study, Trial(study.doses), name, "A", seed=6)
    per_window = 2 * 28 / MONTH
    engine = SimulatePending(Gaps(per_window, "fixed"), Onset("uniform"), 3, seed=6)
    trials = engine(study.designs[name], study.scenarios).isel(scenario=0, ending=0)
    levels = [one["level"] for one in told["patients"]]
    assert [levels.count(j) for j in range(1, 5)] == trials["n"].values.tolist()
    struck = [one["level"] for one in told["patients"] if one["dlt"]]
    assert [struck.count(j) for j in range(1, 5)] == trials["y"].values.tolist()
    assert (told["mtd"] or 0) == int(trials["selected"]) + 1
    assert max(one["known"] for one in told["patients"]) == pytest.approx(28 * float(trials["time"]))
    came = [one["came"] for one in told["patients"]]
    assert came == pytest.approx([one["day"] for one in told["arrivals"] if one["level"]])
    for one in told["arrivals"]:
        before = [p for p in told["patients"] if p["came"] < one["day"]]
        assert sum(one["n"]) + len(one["pending"]) == len(before)
        assert sum(one["y"]) == sum(p["dlt"] and p["known"] <= one["day"] for p in before)
    ran = CliRunner().invoke(app, ["walk", str(file), "--design", name, "--scenario", "A", "--seed", "6"])
    assert "Arrival by arrival" in ran.output
    assert f"Patients: {len(came)}; with a DLT: {len(struck)}." in ran.output


def test_a_walk_begins_without_patients():
    study = parse_study(with_clock(FILE))
    with pytest.raises(Faults, match="outcomes: wanted no patients so far"):
        walk(study, Trial.from_outcomes("1N", study.doses), "TITE-BOIN", "A")


def test_calibrate_judges_candidates_exactly_in_time():
    study = parse_study(with_clock(FILE))
    found = calibrate(study, "TITE-BOIN", ("saf",), candidates=8)
    best = int(found.dataset.attrs["chosen"])
    assert best >= 0
    engine = ExactPending(Lattice(2 * 28 / MONTH, opened=1.0))
    for which, design in (("default", study.designs["TITE-BOIN"]), ("calibrated", found.design)):
        outcomes = study.judge(engine(design, study.scenarios))
        for name in ("correct_selection", "overdose_selection", "sample_size"):
            ours = float(found.dataset["compared"].sel(which=which, belief="belief", measure=name))
            assert ours == pytest.approx(float(measure(outcomes, name)[0].mean()), abs=1e-12)
    assert isinstance(layers(found.design).rule, TITEBOIN)


@pytest.mark.parametrize(
    ("name", "clock", "wanted"),
    [
        ("rolling six", CLOCK, "rolling six has no parameter that can be tuned"),
        ("TITE-CRM", CLOCK, "design: wanted one that does not ask when DLTs occurred, as adaptive weights do"),
        ("TITE-BOIN", CLOCK.replace("fixed", "poisson"), "got 'poisson'.*calendars = 200 in the .clock"),
        ("TITE-BOIN", "", "clock: missing; wanted for a design that decides while patients are pending"),
    ],
)
def test_calibrate_says_why_it_cannot(name, clock, wanted):
    with pytest.raises(Faults, match=wanted):
        calibrate(parse_study(FILE.replace("[doses]", f"{clock}[doses]", 1)), name, candidates=8)


def test_limits_leave_them_out_by_name(file):
    study = parse_study(with_clock(FILE))
    found = limits_of(study)
    assert found.dataset.attrs["left_out"] == ", ".join(PENDING)
    assert "BOIN" in found.dataset["design"].values
    only = parse_study(with_clock(FILE).replace('kind = "boin"', 'kind = "tite_boin"'))
    with pytest.raises(Faults, match="at least one that looks at DLTs only"):
        limits_of(only)


def test_only_designs_that_wait_are_followed_without_time():
    designs = parse_study(FILE).designs
    demand_waiting(designs["BOIN"])
    for name in PENDING:
        with pytest.raises(Faults, match="whose trials depend on when they come"):
            demand_waiting(designs[name])


def test_examine_follows_every_cohort_up(file):
    """TITE-BOIN is BOIN then: after the same data the same cohorts, and as probable what a reader would question."""
    study = parse_study(with_clock(FILE.replace("n = 9", "n = 12")))
    own, parent = (examine(study, name) for name in ("TITE-BOIN", "BOIN"))
    for name in ("cohort", "level", "size", "stop", "mtd"):
        assert own.hypothetical[name].values.tolist() == parent.hypothetical[name].values.tolist(), name
    assert own.irrational["probability"].values == pytest.approx(parent.irrational["probability"].values, abs=1e-14)
    shown = CliRunner().invoke(app, ["examine", str(file), "--design", "rolling six"])
    assert shown.exit_code == 0
    assert "Every cohort is followed up here before the next decision." in " ".join(shown.stdout.split())


@pytest.mark.parametrize(
    ("days", "said"),
    [
        ("14", "TITE-BOIN: 3 patients at 3 (level 3)"),
        ("", "TITE-BOIN: wait for 1 patient at 2 (level 2)"),
    ],
)
def test_amend_says_what_one_does_now_by_the_days_of_follow_up(days, said):
    """None in 3, one of them pending for half a window: p = s/(r + STFT) = 0 says up; BOIN waits for the third."""
    study = parse_study(with_clock(FILE))
    trial = Trial.from_outcomes(f"1NNN 2NN?{days}", study.doses, window_of(study))
    standings = {name: trial.after(made_to_wait(study.designs[name])).standing() for name in ("BOIN", "TITE-BOIN")}
    tree = xr.DataTree.from_dict({"next": _next(study, trial, standings), "average": xr.Dataset({}, {"dose": DOSES})})
    now = _now(tree)
    assert [f"{name}: {text}" for name, text in now.items()] == ["BOIN: wait for 1 patient at 2 (level 2)", said]


def test_amend_shows_one_with_everybody_followed_up():
    """From the data so far on TITE-BOIN is BOIN, and it is said; so it is amid a cohort with pending patients."""
    doses = 'values = [1.0, 2.0, 3.0, 4.0]\nunit = "mg"\n[scenarios]'
    study = parse_study(with_clock(FILE.replace("n = 9", "n = 12").replace("[scenarios]", doses)))
    for outcomes in ("", "1NNN 2N??"):
        trial = Trial.from_outcomes(outcomes, study.doses)
        tree = amend(study, trial, "BOIN", ["TITE-BOIN", "rolling six"])
        now = tree["now"].to_dataset()
        for name in ("selection", "further_patients", "correct_selection"):
            both = (now[name].sel(design=which).values for which in ("BOIN", "TITE-BOIN"))
            assert next(both) == pytest.approx(next(both), abs=1e-13), name
        assert tree.attrs["followed_up"] == "TITE-BOIN, rolling six"
        text = " ".join(terminal_text(amendment_document(tree)).plain.split())
        assert "Decides while patients are pending: TITE-BOIN, rolling six." in text
