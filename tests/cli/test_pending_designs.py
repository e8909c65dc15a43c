"""Designs that decide while patients are pending, in study files and in commands in which no time passes."""

import pytest
from typer.testing import CliRunner

from doseopt import TITEBOIN, TITECRM, Faults, RollingSix
from doseopt.attainable.attained import limits_of
from doseopt.cli import app
from doseopt.comparison.weighable import unweighed
from doseopt.core.trial import demand_waiting
from doseopt.designs.layers import layers
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
@pytest.mark.parametrize(
    "command", [["paths"], ["walk", "--scenario", "A"], ["examine"], ["calibrate"]], ids=lambda command: command[0]
)
def test_commands_in_which_no_time_passes_refuse_them_in_one_line(file, command, name):
    ran = CliRunner().invoke(app, [command[0], str(file), *command[1:], "--design", name])
    assert ran.exit_code == 2
    if (command[0], name) == ("calibrate", "rolling six"):
        assert "rolling six has no parameter that can be tuned" in ran.output
        return
    (line,) = ran.output.strip().splitlines()
    assert line.startswith("doseopt: design: wanted a design that waits until every outcome is known")


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
