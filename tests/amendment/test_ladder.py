"""The ladder of amendments: numbers of an independent review, a dense grid over an oracle's endings, other studies."""

import dataclasses
import math

import numpy as np
import pytest
from oracle_bundled import atd, boin, crm

from doseopt import compare
from doseopt.amendment.ladder import MEASURES, SCENARIOS, first_reaching, ladder, reaching, search
from doseopt.amendment.outlook import expected
from doseopt.amendment.steps import BOTH, CAP, MORE, READING, RULE, STOP, TITRATION, ladder_steps
from doseopt.core.definition import Definition
from doseopt.display.outlook import STUDY_MODEL
from doseopt.engines.budget import TooManyStates
from doseopt.records.trial import Trial
from doseopt.reports.sections.ladder import ladder_table
from doseopt.study.file import load_study, parse_study
from doseopt.study.silences import ElicitedEvent, Silences

REGISTERED = "ATD+3+3 cap 10"


@pytest.fixture(scope="module")
def study():
    return load_study("renji-elo-first")


@pytest.fixture(scope="module")
def found(study):
    return ladder(study, Trial(study.doses), REGISTERED, study.proposal.amended)


@pytest.mark.parametrize(
    ("step", "correct", "overdose", "none", "patients"),
    [  # of the review, which has no more digits; the third and fourth of its overdoses and "none"s are cut, not rounded
        (REGISTERED, 17.2, 2.0, 65.7, 9.6),
        ("reading stated", 55.9, 10.9, 7.1, 9.6),
        ("cap 16", 56.3, 5.6, 9.1, 12.6),
        ("no cap", 57.5, 6.0, 8.1, 12.7),
        ("BOIN 13", 61.6, 10.0, 3.9, 12.8),
        ("CRM 13", 63.5, 14.1, 3.5, 12.8),
    ],
)
def test_the_numbers_of_an_independent_review(found, step, correct, overdose, none, patients):
    at = found.sel(average=STUDY_MODEL, step=step)
    shares = [100 * at[name].item() for name in MEASURES[:3]]
    assert shares == pytest.approx([correct, overdose, none], abs=0.1)
    assert shares[0] == pytest.approx(correct, abs=0.05)
    assert at["sample_size"].item() == pytest.approx(patients, abs=0.05)


ORACLES = {
    REGISTERED: atd(10),
    "reading stated": atd(10, mtd_at_cap="not_excluded"),
    "cap 16": atd(16),
    "no cap": atd(),
    "reading stated, titration over 3": atd(10, mtd_at_cap="not_excluded", titrate=3),
    "BOIN 13": boin(13),
    "CRM 13": crm(13),
}


def on_a_grid(trials, points=501, met=lambda p: p):
    """Averages over the prior of the study's model: midpoints of two standard normals, every ending of an oracle."""
    z = (np.arange(points) + 0.5) / points * 13 - 6.5
    weight = np.exp(-(z**2) / 2)
    weight = np.outer(weight, weight).ravel() / weight.sum() ** 2
    alpha = np.repeat(math.log(0.2 / 0.8) + 1.5 * z, points)
    beta = np.tile(np.exp(0.7 * z), points)
    keep = weight > 1e-13
    weight, alpha, beta = weight[keep], alpha[keep], beta[keep]
    p = 1 / (1 + np.exp(-(alpha[:, None] + beta[:, None] * np.log(np.array([0.15, 0.5, 1.5, 4.5]) / 1.5))))
    right = np.where(p[:, 0] > 0.35, -1, abs(p - 0.25).argmin(axis=1))
    above = (np.arange(4) > right[:, None]) & (p > 0.25)
    below = np.arange(4) < right[:, None]
    p = np.clip(met(p), 1e-12, 1 - 1e-12)
    logs = np.log(p), np.log1p(-p)
    sums = np.zeros(6)
    for (n, y, mtd), orders in trials.endings().items():
        chance = weight * orders * np.exp(logs[0] @ np.array(y) + logs[1] @ (np.array(n) - y))
        named = -1 if mtd is None else mtd
        sums[0] += chance[right == named].sum()
        sums[1] += chance[above[:, named]].sum() if named >= 0 else 0
        sums[2] += chance.sum() if named < 0 else 0
        sums[3] += chance.sum() * sum(n)
        sums[4] += chance @ below @ np.array(n)
        sums[5] += chance @ above @ np.array(y)
    sums[4] /= weight[right >= 0].sum()
    return sums


@pytest.mark.parametrize("step", ORACLES)
def test_averages_against_a_dense_grid_over_the_endings_of_an_oracle(found, step):
    at = found.sel(average=STUDY_MODEL, step=step)
    np.testing.assert_allclose([at[name].item() for name in MEASURES], on_a_grid(ORACLES[step]), atol=2e-3, rtol=0)


def _replaced(p, m=0.25):
    """DLTs among evaluable patients: constant hazards of a DLT and of death, who dies being replaced."""
    p = np.clip(p, 1e-12, 1 - 1e-12)
    mu, k = -np.log1p(-p), -np.log1p(-m)
    seen, stays = mu / (mu + k) * (1 - (1 - p) * (1 - m)), (1 - p) * (1 - m)
    return seen / (seen + stays)


READ = {"death: dlt": lambda p: 1 - (1 - p) * 0.75, "death: replace": _replaced}


@pytest.fixture(scope="module")
def silent(study):
    return dataclasses.replace(study, silences=Silences(death_in_window=ElicitedEvent(0.25, attributed=0.5)))


@pytest.fixture(scope="module")
def with_death(silent):
    return ladder(silent, Trial(silent.doses), REGISTERED)


@pytest.mark.parametrize("step", READ)
def test_how_a_death_counts_is_a_reading_that_can_be_stated(with_death, step):
    at = with_death.sel(average=STUDY_MODEL, step=step)
    assert (at["rung"].item(), at["window"].item(), at["outcome"].item()) == (READING, step, False)
    found = [at[name].item() for name in MEASURES]
    np.testing.assert_allclose(found, on_a_grid(atd(10), met=READ[step]), atol=2e-3, rtol=0)


def test_the_steps_with_deaths_are_the_readings_of_the_comparison_and_no_gain(study, silent, with_death, found):
    names = [name for name in with_death["step"].to_numpy().tolist() if name.startswith("death")]
    assert names == ["death: dlt", "death: replace", "death: complete", "death: exclude", "death: replace 50%"]
    alone = dataclasses.replace(silent, designs={REGISTERED: study.designs[REGISTERED]}, proposal=None)
    read = compare(alone, posteriors=False).sel(design=REGISTERED).mean("scenario")
    for name in ("correct_selection", "no_selection", "sample_size"):
        at = with_death[name].sel(average=SCENARIOS, step=names)
        np.testing.assert_allclose(at, read[f"{name}_by_reading"].sel(window_reading=names), rtol=1e-12)
    others = with_death.sel(step=[name for name in with_death["step"].to_numpy() if name not in names])
    assert [others["step"].to_numpy()[k] for k in first_reaching(others)] == [
        with_death["step"].to_numpy()[k] for k in first_reaching(with_death)
    ]
    assert not set(names) & set(found["step"].to_numpy().tolist())
    notes = ladder_table(with_death, range(2), SCENARIOS).notes
    assert any("death: dlt, death: replace" in note and "no gain or loss" in note for note in notes)


def test_the_mean_over_the_scenarios_is_that_of_the_comparison(study, found):
    """Like with like, of the same review: correct and overdose; patients below the MTD where a dose is right."""
    at = found.sel(average=SCENARIOS)
    for step, correct, overdose in (("reading stated", 48.5, 12.8), ("CRM 10", 53.5, 20.2), ("BOIN 10", 52.7, 16.0)):
        assert 100 * at["correct_selection"].sel(step=step).item() == pytest.approx(correct, abs=0.05)
        assert 100 * at["overdose_selection"].sel(step=step).item() == pytest.approx(overdose, abs=0.051)
    for step, below in ((REGISTERED, 4.91), ("no cap", 5.63), ("CRM 13", 5.49), ("BOIN 13", 6.53), ("BOIN 25", 9.44)):
        assert at["patients_below_mtd"].sel(step=step).item() == pytest.approx(below, abs=0.005)


def test_what_each_step_changes_and_which_change_what_is_declared(study, found):
    rung = dict(zip(found["step"].to_numpy().tolist(), found["rung"].to_numpy().tolist(), strict=True))
    assert [rung[name] for name in (REGISTERED, "reading stated", "cap 19", "reading stated, cap 13")] == [
        0,
        *(READING, CAP, BOTH),
    ]
    assert [rung[name] for name in ("BOIN 10", "CRM 25")] == [RULE, MORE]
    assert sum(r == TITRATION for r in rung.values()) == 4
    assert sum(r == STOP for r in rung.values()) == 2
    outcome = dict(zip(found["step"].to_numpy().tolist(), found["outcome"].to_numpy().tolist(), strict=True))
    assert not any(outcome[name] for name in (REGISTERED, "cap 13", "cap 16", "cap 19", "no cap"))
    assert outcome["reading stated"]
    assert outcome["BOIN 10"]
    most = found["most_patients"]
    assert most.sel(step=["cap 16", "BOIN 10", "CRM 13"]).to_numpy().tolist() == [16, 10, 13]


def test_a_registered_crm_has_neither_reading_nor_titration(study):
    rungs = [step.rung for step in ladder_steps(study, "CRM 13", ["CRM 25"])]
    assert not {READING, BOTH, TITRATION} & set(rungs)
    steps = {step.name: step for step in ladder_steps(study, "CRM 13", ["CRM 25"])}
    assert [steps[f"cap {n}"].rung for n in (16, 19, 22)] == [CAP] * 3
    assert "no cap" not in steps  # a CRM does not end without one
    assert steps["BOIN 13"].rung == RULE
    assert steps["CRM 25"].rung == MORE
    assert "titrat" not in " ".join(step.says for step in steps.values())


def test_a_naming_rule_is_a_reading_that_can_be_stated():
    text = """
title = "named"
target = 0.25
doses = { labels = ["a", "b", "c"] }
mtd = { definition = { patients = 6, rate = "1/6" } }
[scenarios]
s = [0.05, 0.1, 0.25]
[designs.BOIN]
kind = "boin"
names = "definition"
modifiers = [{ kind = "max_patients", n = 9 }]
"""
    named = parse_study(text)
    found = ladder(named, Trial(named.doses), "BOIN").sel(average=SCENARIOS)
    right = found["correct_selection"]
    assert right.sel(step="reading stated").item() > right.sel(step="BOIN").item()
    assert found["outcome"].sel(step="reading stated").item()


def test_each_wanted_probability_has_its_first_step(found):
    at = found["correct_selection"].sel(average=STUDY_MODEL).to_numpy()
    steps = first_reaching(found)
    assert (np.diff(at[steps]) > 0).all()
    for wanted in (0.1, 0.3, 0.56, 0.575, 0.6, 0.7):
        first = next((k for k in range(len(at)) if at[k] >= wanted), None)
        assert reaching(found, wanted) == first
        assert next(k for k in steps if at[k] >= wanted - 5e-4) <= first
    assert reaching(found, 0.99) is None


def test_amid_a_trial_the_ladder_goes_on_from_there(study):
    """After 1N 2NNN 3NNN the capped design has 3 patients left, and can declare none on six: it names none."""
    trial = Trial.from_outcomes("1N 2NNN 3NNN", study.doses)
    found = ladder(study, trial, REGISTERED)
    assert found["no_selection"].sel(step=REGISTERED).to_numpy() == pytest.approx([1, 1], abs=1e-12)
    assert (found["sample_size"] >= 7).all()


def test_each_step_is_told_and_gives_back_what_a_large_graph_holds(study, monkeypatch):
    told = []
    monkeypatch.setattr("doseopt.amendment.ladder.forget_larger", lambda: told.append("forgotten"))
    trial = Trial.from_outcomes("1N 2NNN 3NNN", study.doses)
    steps = ladder(study, trial, REGISTERED, progress=told.append)["step"].to_numpy().tolist()
    begun = [f"ladder, step {k} of {len(steps)}: {step}" for k, step in enumerate(steps, 1)]
    assert told == [each for step in begun for each in (step, "forgotten")]


def test_a_search_finds_at_least_what_the_ladder_finds(study, found):
    wide = search(study, Trial(study.doses), REGISTERED, library=False)
    at, narrow = (ds["correct_selection"].sel(average=STUDY_MODEL) for ds in (wide, found))
    steps = wide["step"].to_numpy().tolist()
    for name in (REGISTERED, "reading stated", "cap 16", "reading stated, titration over 3", "BOIN 13"):
        assert at.sel(step=name).item() == pytest.approx(narrow.sel(step=name).item())
    assert (np.diff(wide["rung"]) >= 0).all()
    assert "cap 16, titration over 2" in steps


def test_another_rule_that_names_by_the_registered_definition_changes_no_primary_outcome(study):
    """Of the review: at most 10 patients, at least 6 of them and at most 1 DLT in 6 at the dose named, else none."""
    defined = dataclasses.replace(study, definition=Definition(6, "1/6"))
    found = ladder(defined, Trial(study.doses), REGISTERED)
    for step, correct in (("CRM 10, named by the definition", 14.6), ("BOIN 10, named by the definition", 15.6)):
        at = found.sel(step=step)
        assert 100 * at["correct_selection"].sel(average=SCENARIOS).item() == pytest.approx(correct, abs=0.05)
        assert not at["outcome"].item()
        assert at["rung"].item() == RULE
    assert found["outcome"].sel(step=["reading stated", "CRM 10", "BOIN 10"]).all()
    assert "named by the definition" not in found["step"].to_numpy()


def test_steps_too_large_are_left_out_and_said(study, monkeypatch):
    """A step whose graph is refused is no row; the registered design must be exact."""

    def refused(study, design, *rest):
        if design.facts.cap == 16:
            raise TooManyStates("too large")
        return expected(study, design, *rest)

    monkeypatch.setattr("doseopt.amendment.ladder.expected", refused)

    def none_is_small_enough(*_):
        raise TooManyStates("too large")

    found = ladder(study, Trial(study.doses), REGISTERED)
    assert "cap 16" in found.attrs["left_out"].splitlines()
    assert "cap 16" not in found["step"].to_numpy().tolist()
    assert {REGISTERED, "cap 13", "cap 19"} <= set(found["step"].to_numpy().tolist())
    assert found["most_patients"].sizes == found["step"].sizes
    monkeypatch.setattr("doseopt.amendment.ladder.expected", none_is_small_enough)
    with pytest.raises(TooManyStates):
        ladder(study, Trial(study.doses), REGISTERED)
