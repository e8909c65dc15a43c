"""Inputs that went wrong in the field, each with its right value; and the kinds behind them."""

import itertools
import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from doseopt.cli import app
from doseopt.conduct.groupings import groupings, with_warning
from doseopt.conduct.next_dose import next_dose
from doseopt.core.cohort import Cohort, format_outcomes, parse_outcomes
from doseopt.core.parameters import Faults
from doseopt.core.trial import after, step
from doseopt.records.course import Course
from doseopt.records.trial import Trial
from doseopt.study.file import load_study, parse_study

COHERENT = """
title = "CRM coherent"
target = 0.3
[doses]
labels = ["1","2","3","4","5"]
[designs.CRM]
kind = "crm"
skeleton = [0.05,0.12,0.2,0.3,0.45]
modifiers = [{ kind = "no_skipping" },{ kind = "coherent" },{ kind = "max_patients", n = 30 }]
[designs.BOIN]
kind = "boin"
modifiers = [{ kind = "max_patients", n = 30 }]
"""
GRADES = """
title = "ATD six doses with step-up"
target = 0.25
[doses]
labels = ["2","6","20","60","180","400"]
values = [2.0,6.0,20.0,60.0,180.0,400.0]
unit = "ng/kg/week"
[posterior]
model = "blrm"
reference_dose = 180.0
[scenarios]
"a" = { p_dlt = [0.01,0.02,0.05,0.12,0.25,0.45] }
[designs.ATD]
kind = "accelerated_titration"
titrate = 5
trigger = "second_moderate"
[designs."ATD first"]
kind = "accelerated_titration"
titrate = 5
trigger = "first_moderate"
[designs."3+3"]
kind = "three_plus_three"
"""
TPT = """
title = "3+3 five doses"
target = 0.3
[doses]
labels = ["25","50","75","100","125"]
[designs."3+3 A"]
kind = "three_plus_three"
confirm_top = false
on_descent = "declare"
"""
TEN = ["1,0", "1,0", "1,0", "2,0", "2,0", "2,0", "2,0", "2,1", "2,0", "2,0"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, text in (("coherent", COHERENT), ("grades", GRADES), ("tpt", TPT)):
        (tmp_path / f"{name}.toml").write_text(text, encoding="utf-8")
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(app, list(map(str, arguments)))


def told(*arguments):
    done = run("next", *arguments, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.output)


def patients(path, rows, header):
    path.write_text("\n".join([header, *(f"{i},{row}" for i, row in enumerate(rows, 1))]) + "\n", encoding="utf-8")
    return path


def test_cohorts_from_a_file(folder):
    """1NNN 2NNNN 2TNN: 1 of 3 in the last cohort is at or above 0.30, so coherence forbids escalation."""
    string = told("coherent.toml", "--outcomes", "1NNN 2NNNN 2TNN")["designs"]["CRM"]
    assert (string["level"], string["size"]) == (2, 3)
    groups = ["A", "A", "A", "B", "B", "B", "B", "C", "C", "C"]
    with_column = [f"{row},{group}" for row, group in zip(TEN, groups, strict=True)]
    file = patients(folder / "cohorts.csv", with_column, "patient,dose_level,dlt,cohort")
    assert told("coherent.toml", "--data", file)["designs"]["CRM"] == string

    file = patients(folder / "data.csv", TEN, "patient,dose_level,dlt")
    read = told("coherent.toml", "--data", file)
    assert (read["grouping"]["stated"], read["grouping"]["ambiguous"]) == (False, True)
    ways = {way["cohorts"]: (way["level"], way["size"]) for way in read["grouping"]["depends"]["CRM"]["ways"]}
    assert ways["1NNN 2NNNN 2TNN"] == (2, 3)
    assert (3, 3) in ways.values()
    text = " ".join(run("next", "coherent.toml", "--data", file).output.split())
    assert "The data state no cohorts" in text
    assert "The answer of CRM depends on how patients were grouped" in text
    assert "column `cohort`" in text


def test_grade_3_is_moderate_or_worse(folder):
    """The second toxicity of grade 2 or worse ends titration: level 5 is filled, 2 more."""
    for last in ("2", "3", "4", "G3"):
        rows = ["1,0,1", "2,0,0", "3,0,2", "4,0,1", f"5,0,{last}"]
        file = patients(folder / "g.csv", rows, "patient,dose_level,dlt,grade")
        one = told("grades.toml", "--design", "ATD", "--data", file)["designs"]["ATD"]
        assert (one["level"], one["size"]) == (5, 2)


def test_a_grade_that_is_looked_at_is_missed_in_one_round_and_else_not_at_all(folder):
    file = patients(folder / "g.csv", ["1,0,1", "2,0,", "3,0,", "4,1,"], "patient,dose_level,dlt,grade")
    done = run("next", "grades.toml", "--data", file)
    assert done.exit_code == 2
    assert "patient 2" in done.stderr
    assert "patient 3" in done.stderr
    assert "patient 4" not in done.stderr
    assert run("next", "grades.toml", "--design", "3+3", "--data", file).exit_code == 0


def test_a_dlt_is_never_dropped(folder):
    file = patients(folder / "d.csv", ["1,0,yes", "2,1,no"], "patient,dose_level,dlt,evaluable")
    for command in (["next"], ["amend"], ["paths", "--design", "BOIN 25"]):
        done = run(command[0], "renji-elo", *command[1:], "--data", file)
        assert done.exit_code == 2
        assert "patient 2 had a DLT" in done.stderr


def test_a_skipped_level_is_declared(folder):
    one = told("tpt.toml", "--outcomes", "1NNN 3NTT 2NNN")["designs"]["3+3 A"]
    assert (one["action"], one["stop"], one["mtd"]) == ("stop", "complete", 2)


def test_the_conduct_of_a_trial_needs_no_truth(folder):
    assert told("coherent.toml", "--outcomes", "1NNN", "--design", "BOIN")["designs"]["BOIN"]["level"] == 2
    for command in (["table"], ["posterior", "--outcomes", "1NNN", "--json"], ["paths", "--design", "BOIN"]):
        done = run(command[0], "coherent.toml", *command[1:])
        assert done.exit_code == 0, done.output
    assert "no scenarios" in run("check", "coherent.toml").output
    one = told("grades.toml", "--outcomes", "1N 2N 3M 4N 5M")["designs"]["ATD"]
    assert (one["level"], one["size"]) == (5, 2)
    tree = run("paths", "grades.toml", "--design", "ATD", "--outcomes", "1N 2N 3M")
    assert tree.exit_code == 0
    assert "%)" not in tree.output
    assert "p_moderate in every scenario, missing in 'a'" in run("check", "grades.toml").output


@pytest.mark.parametrize("command", ["compare", "limits", "calibrate", "amend", "report", "walk", "examine"])
def test_what_weighs_by_a_truth_says_that_it_is_missing(folder, command):
    options = {"walk": ["--design", "BOIN", "--scenario", "a"], "examine": ["--design", "BOIN"]}
    options["calibrate"] = ["--design", "BOIN"]
    done = run(command, "coherent.toml", *options.get(command, []))
    assert done.exit_code == 2, done.output
    assert "scenarios: missing" in done.stderr
    assert command in done.stderr.partition("missing")[2]
    assert "Traceback" not in done.output


LIBRARY = load_study("library")
RULED = [name for name in LIBRARY.designs if name != "table"]  # a table has rows for whole cohorts only


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_string_and_a_file_of_the_same_patients_are_answered_alike(tmp_path, data):
    """Every design of the library, cohorts of any size in any order."""
    group = st.builds(Cohort, st.integers(1, 4), st.text("NT", min_size=1, max_size=4), st.booleans())
    cohorts = data.draw(st.lists(group, min_size=1, max_size=5))
    text = format_outcomes(tuple(cohorts))
    rows = [
        f"{c.level},{int(x == 'T')},{k},{'yes' if c.closed else 'no'}" for k, c in enumerate(cohorts) for x in c.letters
    ]
    file = patients(tmp_path / "p.csv", rows, "patient,dose_level,dlt,cohort,closed")
    string = next_dose(LIBRARY, Trial.from_outcomes(text, LIBRARY.doses), designs=RULED)
    table = next_dose(LIBRARY, Trial.from_csv(file, LIBRARY.doses), designs=RULED)
    assert table["grouping"]["stated"]
    assert table["designs"] == string["designs"]
    assert table["doses"] == string["doses"]


def test_a_table_with_rows_for_whole_cohorts_only(tmp_path):
    for outcomes, level, size in (("1N", 1, 2), ("1NNN 2NT", 2, 1), ("1NNN 2NNN", 3, 3)):
        one = next_dose(LIBRARY, Trial.from_outcomes(outcomes, LIBRARY.doses), designs=["table"])["designs"]["table"]
        assert (one["level"], one["size"]) == (level, size)
    file = patients(tmp_path / "p.csv", ["1,0", "1,0", "1,0", "2,0"], "patient,dose_level,dlt")
    read = next_dose(LIBRARY, Trial.from_csv(file, LIBRARY.doses), designs=["table"])
    assert (read["designs"]["table"]["size"], read["grouping"]["depends"]) == (2, {})
    with pytest.raises(Faults, match=r"designs.table.decisions: wanted a row for n = 1"):
        next_dose(LIBRARY, Trial.from_outcomes("1N.", LIBRARY.doses), designs=["table"])


def test_an_answer_that_depends_on_the_grouping_against_all_ways_to_cut():
    """Each of the 2^k ways, answered as an outcome string is; memories merged or not, the answers are the same."""
    study = parse_study(COHERENT, "coherent")
    for name, text in itertools.product(study.designs, ["1NNTN", "1NNN 2NTNNN", "1N 1TNNNN", "2NNNTNN"]):
        blocks = parse_outcomes(text, 5)
        found = groupings(study.designs[name], Course(blocks, False))
        each = []
        for block in blocks:
            many = len(block.letters)
            inside = (c for r in range(many) for c in itertools.combinations(range(1, many), r))
            cuts = [[0, *c, many] for c in inside]
            each.append([[Cohort(block.level, block.letters[a:b]) for a, b in itertools.pairwise(cut)] for cut in cuts])
        wanted = set()
        for parts in itertools.product(*each):
            whole = format_outcomes(tuple(cohort for part in parts for cohort in part))
            one = next_dose(study, Trial.from_outcomes(whole, study.doses), designs=[name])["designs"][name]
            wanted.add((one["level"], one["size"], one["stop"], one["mtd"]))
        got = {(a.level, a.size, a.stop, a.mtd) for _, a in found.ways}
        assert got == wanted or (len(wanted) == 1 and not got)


def test_the_bundled_amendment_stands_between_cohorts():
    """Its registered design calls every cohort of its interims whole, so that no number of it could move."""
    study = load_study()
    registered = study.designs[study.proposal.registered]
    for text in ("1N 2NNT", "1N 2NNN 3NNN", "1T", *study.proposal.interims.values()):
        seen = Trial.from_outcomes(text, study.doses).after(registered)
        for each in study.designs.values():
            design, state = seen.standing(each)
            assert design is each
            wanted = after(design, text)
            for part in ("n", "y", "dose", "memory"):
                np.testing.assert_array_equal(getattr(state, part), getattr(wanted, part))


def test_a_file_without_cohorts_is_cut_as_the_design_would_have(tmp_path):
    study = parse_study(COHERENT, "coherent")
    file = patients(tmp_path / "p.csv", TEN, "patient,dose_level,dlt")
    data = Trial.from_csv(file, study.doses)
    warned = with_warning(data, study.designs["BOIN"])
    assert warned.warnings == ()  # 1 of 7 at level 2: up, whatever the cohorts were
    warned = with_warning(data, study.designs["CRM"])
    assert warned.warnings[-1].startswith("The data state no cohorts")
    assert "here 1NNN 2NNN 2NTNN; what it does now depends on that: " in warned.warnings[-1]
    # BOIN, target 0.3, 0/3 at level 2: up; the rest of the run is one cohort that it would not have given
    cohorts = data.after(study.designs["BOIN"]).cohorts
    assert format_outcomes(cohorts) == "1NNN 2NNN 2NTNN"
    assert int(step(study.designs["BOIN"], after(study.designs["BOIN"], cohorts[:2])).dose[0]) == 2
