"""An unfinished last cohort and pending patients: a state of its own, against enumeration of every path."""

import dataclasses
import itertools
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_study import SMALL
from typer.testing import CliRunner

from doseopt.amendment.amend import amend
from doseopt.amendment.dossier import gather, proposed
from doseopt.cli import app
from doseopt.conduct.next_dose import next_dose
from doseopt.conduct.pathways import paths
from doseopt.core.cohort import Cohort
from doseopt.core.trial import after
from doseopt.display.pathways import courses
from doseopt.engines.exact import Exact
from doseopt.engines.simulate import Simulate
from doseopt.records.course import Course
from doseopt.records.replay import replay
from doseopt.records.trial import Trial
from doseopt.scenarios import make_scenarios
from doseopt.study.file import load_study, parse_study

STUDY = """
title = "four doses"
target = 0.25
[doses]
labels = ["a", "b", "c", "d"]
[designs."3+3"]
kind = "three_plus_three"
[designs.BOIN]
kind = "boin"
modifiers = [{ kind = "max_patients", n = 15 }]
[designs.CRM]
kind = "crm"
skeleton = { prior_mtd = 2, halfwidth = 0.06 }
modifiers = [{ kind = "no_skipping" }, { kind = "coherent" }, { kind = "too_toxic" }, { kind = "max_patients", n = 12 }]
[designs.ATD]
kind = "accelerated_titration"
titrate = 2
after_dlt = "three_new"
titration_cohort = 2
[designs.graded]
kind = "accelerated_titration"
titrate = 3
titration_cohort = 2
trigger = "second_moderate"
[designs.grid]
kind = "boin"
drop = ["b"]
modifiers = [{ kind = "max_patients", n = 12 }]
"""
P, MODERATE = (0.08, 0.2, 0.33, 0.5), (0.1, 0.2, 0.2, 0.3)
TRUTH = make_scenarios([P], p_moderate=[MODERATE])
DESIGNS = dict(parse_study(STUDY, "four").designs)


def ask(outcomes, *names, study=None):
    study = study or parse_study(STUDY, "four")
    found = next_dose(study, Trial.from_outcomes(outcomes, study.doses), designs=names)["designs"]
    return {name: (one["level"], one["size"], one["stop"], one["mtd"]) for name, one in found.items()}


@pytest.mark.parametrize(
    ("design", "outcomes", "wanted"),
    [
        # 3+3, Storer 1989: 0/3 up, 1/3 three more, 2 DLTs: excluded whatever the third has
        ("3+3", "1NNN 2NT", (2, 1, None, None)),
        ("3+3", "1NNN 2N", (2, 2, None, None)),
        ("3+3", "1NNN 2TT", (1, 3, None, None)),
        ("3+3", "1NNN 2NT.", (2, 1, None, None)),  # closed, and the rule still wants three there
        ("3+3", "1TT", (None, None, "too_toxic", None)),
        # BOIN, target 0.25: lambda_e = 0.197, lambda_d = 0.298
        ("BOIN", "1NNN 2NT", (1, 3, None, None)),  # 1/3 or 2/3, both down
        ("BOIN", "1NNN 2NN", (2, 1, None, None)),  # 0/3 up or 1/3 down
        ("BOIN", "1NNN 2NN.", (3, 3, None, None)),  # 0/2 up
        ("BOIN", "1NNN 2N.", (3, 3, None, None)),
        ("BOIN", "1NN", (1, 1, None, None)),
        ("BOIN", "1NNN 2NNNN", (3, 3, None, None)),  # more than it gave: as it stands
        ("BOIN", "1NNN 3NN", (4, 3, None, None)),  # another level than it gave: as it stands
        ("BOIN", "1NNN 2NNN 3NNN 4NNT 3N", (3, 2, None, None)),
    ],
)
def test_the_rest_of_a_cohort_comes_first_unless_nothing_depends_on_it(design, outcomes, wanted):
    assert ask(outcomes, design)[design] == wanted


def test_what_is_told_of_an_unfinished_cohort():
    study = parse_study(STUDY, "four")
    one = next_dose(study, Trial.from_outcomes("1NNN 2NN", study.doses), designs=["BOIN"])["designs"]["BOIN"]
    assert (one["action"], one["unfinished"]) == ("treat", {"treated": 2, "of": 3})
    assert one["departures"] == []
    whole = next_dose(study, Trial.from_outcomes("1NNN 2NN.", study.doses), designs=["BOIN"])["designs"]["BOIN"]
    assert (whole["action"], whole["unfinished"]) == ("treat", None)
    assert whole["departure"] == "cohort 2 (2NN.): the design gives 3 patients at level 2"


def enumerated(design, cohorts):
    """Weight by (n, y, stop, MTD): every outcome, patient by patient, of those not seen yet; then the exact engine."""
    letters = "TN" if design.facts.outcomes.graded is False else "TMN"
    found = {}

    def chance_of(level, text):
        p, m = P[level], MODERATE[level]
        each = {"T": p, "M": (1 - p) * m, "N": (1 - p) * (1 - m) if design.facts.outcomes.graded else 1 - p}
        return math.prod(each[x] for x in text)

    gaps = [i for i, cohort in enumerate(cohorts) for x in cohort.letters if x == "?"]
    for texts in itertools.product(letters, repeat=len(gaps)):
        whole = [cohort.letters.replace("?", "") for cohort in cohorts]
        chance = 1.0
        for i, x in zip(gaps, texts, strict=True):
            whole[i] += x
            chance *= chance_of(cohorts[i].level - 1, x)
        filled = tuple(Cohort(c.level, text) for c, text in zip(cohorts, whole, strict=True))
        treated, wanted = replay(design, Course(filled, True)).branches[0].answer.unfinished or (0, 0)
        for more in itertools.product(letters, repeat=wanted - treated):
            last = [*whole[:-1], whole[-1] + "".join(more)]
            seen = tuple(Cohort(c.level, text) for c, text in zip(cohorts, last, strict=True))
            for key, weight in weighed(design, after(design, seen)).items():
                found[key] = found.get(key, 0.0) + chance * chance_of(cohorts[-1].level - 1, more) * weight
    return found


def weighed(design, start):
    outcomes = Exact()(design, TRUTH, start)
    found = {}
    for e, weight in enumerate(outcomes["weight"].to_numpy()[0].tolist()):
        key = (*outcomes["n"].to_numpy()[e].tolist(), *outcomes["y"].to_numpy()[e].tolist())
        key = (*key, int(outcomes["stop"].to_numpy()[e]) + 1, int(outcomes["selected"].to_numpy()[e]))
        found[key] = found.get(key, 0.0) + weight
    return found


AMID = [
    ("BOIN", "1NNN 2NN"),
    ("BOIN", "1N"),
    ("BOIN", "1NNN 2N?"),
    ("BOIN", "1N?N 2NNN"),
    ("3+3", "1NNN 2NT"),
    ("3+3", "1N?T 2?"),
    ("CRM", "1NNN 2N"),
    ("CRM", "1T?N 1N?"),
    ("ATD", "1?"),
    ("ATD", "1NN 2?T"),
    ("graded", "1NM 2M"),
    ("graded", "1N? 2?"),
    ("grid", "1NNN 3NN"),
    ("grid", "1?NN 2?N"),
]


def cohorts_in(text):
    return tuple(Cohort(int(group[0]), group[1:]) for group in text.split())


@pytest.mark.parametrize(("name", "text"), AMID)
def test_operating_characteristics_amid_cohorts_are_those_of_every_path(name, text):
    design, cohorts = DESIGNS[name], cohorts_in(text)
    going, start = replay(design, Course(cohorts, True)).standing()
    assert going != design
    wanted = enumerated(design, cohorts)
    assert sum(wanted.values()) == pytest.approx(1, abs=1e-12)
    assert {k: v for k, v in weighed(going, start).items() if v} == pytest.approx(wanted, abs=1e-12)


def test_simulated_trials_agree():
    going, start = replay(DESIGNS["CRM"], Course(cohorts_in("1N?N 2N"), True)).standing()
    exact, drawn = (engine(going, TRUTH, start) for engine in (Exact(), Simulate(20_000, 1)))
    for ending in ("n", "y"):
        mean = [float((o["weight"] @ o[ending].sum("dose")).item()) for o in (exact, drawn)]
        assert mean[0] == pytest.approx(mean[1], abs=0.05)


def test_paths_begin_with_the_rest_of_the_cohort():
    study = parse_study(STUDY, "four")
    ds = paths(study, Trial.from_outcomes("1NNN 2NN", study.doses), "BOIN", 2)
    assert (int(ds["level"][0]), int(ds["size"][0])) == (2, 1)
    assert ds["level"][1:3].to_numpy().tolist() == [3, 1]  # 0/3 up, 1/3 down
    # independent doses, Beta(1, 1): Pr(N) after 0/2 is 3/4; beta-binomial
    assert ds["branch"][1].item() == pytest.approx(3 / 4, rel=1e-12)
    wait = paths(study, Trial.from_cohorts(cohorts_in("1NNN 2N?"), study.doses), "BOIN", 1)
    assert (int(wait["pending"][0]), int(wait["size"][0])) == (1, 1)
    assert list(zip(wait["level"][1:].to_numpy(), wait["size"][1:].to_numpy(), strict=True)) == [(2, 1), (1, 3)]
    assert len(courses(paths(study, Trial.from_outcomes("1NNN 2NN.", study.doses), "BOIN", 1))) == 4


@pytest.fixture(scope="module")
def small():
    return parse_study(SMALL, "small.toml")


def test_an_amendment_treats_the_rest_by_the_registered_design_under_both(small):
    # ATD 6 gave 3 at level 2 of which 2 are treated; BOIN 9 goes on after the third, too
    tree = amend(small, Trial.from_outcomes("1N 2NT", small.doses), "ATD 6", ["BOIN 9"])
    now, nxt = tree["now"].to_dataset(), tree["next"].to_dataset()
    assert nxt["level"].to_numpy().tolist() == [2, 2]
    assert nxt["size"].to_numpy().tolist() == [1, 1]
    p = small.scenarios["p_dlt"].to_numpy()[:, 1]
    both = [
        amend(small, Trial.from_outcomes(f"1N 2NT{x}", small.doses), "ATD 6", ["BOIN 9"])["now"].to_dataset()
        for x in "NT"
    ]
    for measure in ("correct_selection", "sample_size", "total_dlts"):
        mixed = (1 - p) * both[0][measure] + p * both[1][measure]
        np.testing.assert_allclose(now[measure], mixed, atol=1e-12)
    np.testing.assert_allclose(now["further_patients"], now["sample_size"] - 3, atol=1e-12)


def test_a_cohort_that_the_registered_design_calls_whole_is_whole_for_both(small):
    # a single patient is ATD 6's first cohort, and was BOIN 9's run-in
    closed = amend(small, Trial.from_outcomes("1T.", small.doses), "ATD 6", ["BOIN 9"])
    tree = amend(small, Trial.from_outcomes("1T", small.doses), "ATD 6", ["BOIN 9"])
    assert tree["now"].to_dataset().equals(closed["now"].to_dataset())
    assert tree["average"].to_dataset().equals(closed["average"].to_dataset())


def test_a_report_amid_a_cohort(small):
    dossier = gather(small, Trial.from_outcomes("1N 2NT", small.doses), proposed(small))
    assert dossier.departures == []
    for ds in dossier.pathways.values():
        assert (int(ds["level"][0]), int(ds["size"][0])) == (2, 1)
    for trials in dossier.examples.values():
        assert all(trial["steps"][0]["size"] == 1 for trial in trials.values())
    assert (dossier.attainable["attained_now"] <= dossier.attainable["attainable_now"] + 1e-12).all()


def csv(path, rows, header="patient,dose_level,dlt"):
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def run(*arguments):
    return CliRunner().invoke(app, list(map(str, arguments)))


def test_pending_patients_are_waited_for(tmp_path):
    file = csv(tmp_path / "na.csv", ["101,1,0", "102,2,NA", "103,2,"])
    done = run("next", "renji-elo", "--data", file, "--json")
    assert done.exit_code == 0
    read = json.loads(done.output)
    assert read["pending"] == ["102", "103"]
    one = read["designs"]["ATD+3+3 uncapped"]
    assert (one["action"], one["pending"], one["dose"], one["level"], one["size"]) == ("wait", 2, None, None, None)
    # 3+3 at level 2 with 0 or 1 of 2: one more of its three; 2 of 2: excluded, level 1 is filled from 1 to 3
    then = {outcome: (x["level"], x["size"]) for outcome, x in one["if"].items()}
    assert then == {"NN": (2, 1), "NT": (2, 1), "TT": (1, 2)}
    text = run("next", "renji-elo", "--data", file)
    assert text.exit_code == 0
    assert "Pending, not counted: 102, 103" in text.output
    assert "ATD+3+3 uncapped: wait for 2 patients" in text.output


def test_one_decision_for_every_outcome_is_given_and_the_pending_are_listed(tmp_path):
    (tmp_path / "s.toml").write_text(STUDY)
    file = csv(tmp_path / "p.csv", ["a,1,0", "b,1,0", "c,1,0", "d,2,1", "e,2,1", "f,2,NA"])
    done = run("next", tmp_path / "s.toml", "--design", "3+3", "--design", "BOIN", "--data", file, "--json")
    for one in json.loads(done.output)["designs"].values():
        assert (one["action"], one["level"], one["size"], one["pending"]) == ("treat", 1, 3, 1)
        assert one["if"] == {}
    assert "Pending, not counted: f" in run("next", tmp_path / "s.toml", "--data", file, "--design", "3+3").output


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_what_follows_each_outcome_is_what_follows_when_it_is_known(data):
    """Pending patients anywhere: each branch is the trial with their outcomes filled in."""
    name = data.draw(st.sampled_from(sorted(DESIGNS)))
    letters = "NT?" if DESIGNS[name].facts.outcomes.graded is False else "NMT?"
    group = st.builds(Cohort, st.integers(1, 3), st.text(letters, min_size=1, max_size=3))
    cohorts = tuple(data.draw(st.lists(group, min_size=1, max_size=4)))
    found = replay(DESIGNS[name], Course(cohorts, True)).branches
    for branch in found:
        outcomes = iter(branch.outcome)
        whole = [
            dataclasses.replace(c, letters=c.letters.replace("?", "") + (next(outcomes) if "?" in c.letters else ""))
            for c in cohorts
        ]
        (alone,) = replay(DESIGNS[name], Course(tuple(whole), True)).branches
        assert alone.answer == branch.answer
    kinds = len(letters) - 1
    assert len(found) == math.prod(math.comb(c.letters.count("?") + kinds - 1, kinds - 1) for c in cohorts)


def test_many_pending_patients(tmp_path):
    study = parse_study(STUDY, "four")
    same = csv(tmp_path / "same.csv", [f"{i},1,NA,c" for i in range(40)], "patient,dose_level,dlt,cohort")
    one = next_dose(study, Trial.from_csv(same, study.doses), designs=["BOIN"])["designs"]["BOIN"]
    assert one["action"] == "wait"
    assert len(one["if"]) == 41
    many = csv(tmp_path / "many.csv", [f"{i},1,NA,{i}" for i in range(40)], "patient,dose_level,dlt,cohort")
    one = next_dose(study, Trial.from_csv(many, study.doses), designs=["BOIN"])["designs"]["BOIN"]
    assert (one["action"], one["pending"], one["if"]) == ("wait", 40, {})


@pytest.mark.usefixtures("without_figures")
def test_paths_and_amendments_name_who_is_pending_or_left_out(tmp_path, small):
    (tmp_path / "small.toml").write_text(SMALL, encoding="utf-8")
    header = "patient,dose_level,dlt,evaluable,reason"
    file = csv(tmp_path / "p.csv", ["Ann,1,0,yes,", "Bob,2,NA,yes,", "Cid,2,0,no,moved away"], header)
    for command in (["paths", "--design", "BOIN 9"], ["amend"], ["next"]):
        done = run(command[0], tmp_path / "small.toml", *command[1:], "--data", file, "--json")
        assert done.exit_code == 0, done.output
        read = json.loads(done.output.splitlines()[-1])
        pending, left_out = ("2", "3") if command == ["amend"] else ("Bob", "Cid")  # a report shows numbers
        assert pending in read["pending"]
        assert left_out in read["left_out"]
        assert "moved away" in read["left_out"]
    said = run("paths", tmp_path / "small.toml", "--design", "BOIN 9", "--data", file).output
    assert "Pending, not counted: Bob" in said
    assert "Left out: Cid" in said
    assert "now: wait for 1 at 2" in said
    ran = run("amend", tmp_path / "small.toml", "--data", file, "--out", tmp_path / "out")
    assert ran.exit_code == 0, ran.output
    assert "wait for 1 patient at 2 (level 2)" in ran.output
    html = (tmp_path / "out" / "amendment.html").read_text(encoding="utf-8")
    assert "weighed like patients still to come: 2" in html
    assert "3 (cannot be evaluated: moved away)" in html
    assert "Bob" not in html
    now = load_study(tmp_path / "small.toml")
    assert Trial.from_csv(file, now.doses).after(now.designs["ATD 6"]).cohorts == (Cohort(1, "N"), Cohort(2, "?"))
