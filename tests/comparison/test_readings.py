"""The silences of a protocol: every reading is the design that it says, and the effects are theirs."""

import dataclasses

import numpy as np
import pytest

from doseopt import (
    BOIN,
    AcceleratedTitration,
    Exact,
    MaxPatients,
    Modified,
    MTDRule,
    Rules,
    Selecting,
    ThreePlusThree,
    bayes_optimal,
    belief_of_rates,
    judged,
)
from doseopt.comparison.readings import readings_of
from doseopt.comparison.silences import MEASURES, silences
from doseopt.core.parameters import Faults
from doseopt.measures.operating_characteristics import measure
from doseopt.study.file import load_study, parse_study

STUDY = """
title = "one truth"
target = 0.30
doses = { labels = ["1", "2", "3", "4"], values = [1, 2, 4, 8], unit = "mg", tolerance = 0.2 }
[scenarios]
truth = [0.05, 0.15, 0.30, 0.45]
[designs.ATD]
kind = "accelerated_titration"
[designs."ATD 10"]
kind = "accelerated_titration"
modifiers = [{ kind = "max_patients", n = 10 }]
[designs.mTPI]
kind = "mtpi"
modifiers = [{ kind = "max_patients", n = 9 }]
[designs.table]
kind = "table"
decisions = ["3: E S D DU"]
modifiers = [{ kind = "max_patients", n = 3 }]
"""


@pytest.fixture(scope="module")
def study():
    return parse_study(STUDY)


@pytest.fixture(scope="module")
def uncapped(study):
    return silences(study, "ATD")


@pytest.fixture(scope="module")
def capped(study):
    return silences(study, "ATD 10")


def at(ds, factor, value):
    row = np.flatnonzero((ds["factor_of"] == factor).to_numpy() & (ds["value"] == value).to_numpy())
    return ds.isel(reading=int(row[0]), scenario=0)


def test_published_numbers_of_two_readings(uncapped, capped):
    # registered protocol, p = (.05, .15, .30, .45), exact by two trees (published.md of the reference numbers): no MTD,
    # MTD at the third dose, expected patients
    used = at(uncapped, "trigger", "first_dlt")
    assert used["no_selection"].item() == pytest.approx(0.015762, abs=5e-7)
    assert used["correct_selection"].item() == pytest.approx(0.282771, abs=5e-7)
    assert used["sample_size"].item() == pytest.approx(13.232958, abs=5e-7)
    six = at(uncapped, "on_descent", "six")
    assert six["sample_size"].item() == pytest.approx(13.234436, abs=5e-7)
    # titration also ended by one grade-2 toxicity, P(grade 2 | no DLT) = .10 (one tree)
    moderate = at(uncapped, "trigger", "first_moderate")
    assert moderate["no_selection"].item() == pytest.approx(0.016971, abs=5e-7)
    assert moderate["correct_selection"].item() == pytest.approx(0.282335, abs=5e-7)
    # hard cap 10 (one tree)
    hard = at(capped, "enrolment cap", "10")
    assert hard["no_selection"].item() == pytest.approx(0.508606, abs=5e-7)
    assert hard["sample_size"].item() == pytest.approx(9.879338, abs=5e-7)
    none = at(capped, "enrolment cap", "none")
    assert none["no_selection"].item() == pytest.approx(0.015762, abs=5e-7)


def test_the_silences_are_those_of_the_design(study):
    found = readings_of(study, study.designs["ATD 10"])
    values = {factor: [reading.value for reading in each] for factor, each in found.items()}
    assert values == {
        "on_descent": ["three_then_six", "six", "declare"],
        "confirm_top": ["yes", "no"],
        "mtd_at_cap": ["definition", "not_excluded"],
        "titration_cohort": ["1", "2", "3"],
        "trigger": ["first_dlt", "first_moderate", "second_moderate"],
        "after_dlt": ["fill", "three_new"],
        "enrolment cap": ["10", "none"],
        "target DLT rate": ["0.3", "0.2", "0.25", "0.333"],
        "actual dose": ["as planned", "off by up to 20%"],
    }


def test_every_combination_is_there_once_and_is_its_design(study, capped):
    # 3 * 2 * 2 * 3 * 3 * 2 * 2 = 432 less those that declare on descent and yet confirm the top dose, a sixth
    assert capped.attrs["combinations"] == 360
    places = capped["position"].to_numpy()
    assert len(np.unique(places, axis=0)) == 360
    found = readings_of(study, study.designs["ATD 10"])
    scenarios = study.scenarios
    scenarios = scenarios.assign(p_moderate=scenarios["p_moderate"].fillna(0.10))
    for k in np.random.default_rng(3).choice(360, 12, replace=False).tolist():
        words = {f: found[f][j].value for f, j in zip(capped["own_factor"].to_numpy(), places[k], strict=True)}
        base = AcceleratedTitration(
            doses=4,
            target=0.30,
            on_descent=words["on_descent"],
            confirm_top=words["confirm_top"] == "yes",
            mtd_at_cap=words["mtd_at_cap"],
            titration_cohort=int(words["titration_cohort"]),
            trigger=words["trigger"],
            after_dlt=words["after_dlt"],
        )
        design = base if words["enrolment cap"] == "none" else Modified(base, (MaxPatients(n=10),))
        outcomes = judged(Exact()(design, scenarios), study.mtd)
        for name in MEASURES:
            assert capped[f"{name}_all"][k].item() == pytest.approx(measure(outcomes, name)[0].item(), abs=1e-12)


def test_combinations_that_are_too_large_together_are_evaluated_one_by_one(study, uncapped, monkeypatch):
    monkeypatch.setattr("doseopt.comparison.silences.MOST", 700)  # states, of which the largest has 600
    one_by_one = silences(study, "ATD")
    for name in MEASURES:
        np.testing.assert_allclose(one_by_one[f"{name}_all"], uncapped[f"{name}_all"], rtol=0, atol=1e-13)


def test_a_reading_that_needs_another_has_no_numbers_alone(capped):
    assert np.isnan(at(capped, "on_descent", "declare")["correct_selection"].item())
    assert (capped["position"].sel(own_factor="on_descent") == 2).any()


def test_effects_and_spreads_by_hand(capped):
    base = at(capped, "enrolment cap", "10")["correct_selection"].item()
    changes = [at(capped, "titration_cohort", v)["correct_selection"].item() - base for v in ("2", "3")]
    assert capped["effect_correct_selection"].sel(factor="titration_cohort").item() == max(changes, key=abs)
    place = capped["position"].sel(own_factor="enrolment cap").to_numpy()
    means = [capped["correct_selection_all"].to_numpy()[place == k].mean() for k in (0, 1)]
    assert capped["spread_correct_selection"].sel(own_factor="enrolment cap").item() == pytest.approx(
        abs(means[0] - means[1]), abs=1e-12
    )


def test_another_target_moves_what_is_right_and_not_the_rule(study, uncapped):
    moved = dataclasses.replace(study, target=0.2, mtd=dataclasses.replace(study.mtd, target=0.2))
    outcomes = judged(Exact()(study.designs["ATD"], study.scenarios), moved.mtd)
    found = at(uncapped, "target DLT rate", "0.2")
    assert found["correct_selection"].item() == pytest.approx(measure(outcomes, "correct_selection")[0].item())
    assert found["sample_size"].item() == at(uncapped, "target DLT rate", "0.3")["sample_size"].item()


def test_actual_doses_change_the_rates(uncapped):
    planned, off = (at(uncapped, "actual dose", v) for v in ("as planned", "off by up to 20%"))
    assert planned["total_dlts"].item() != off["total_dlts"].item()
    assert planned["total_dlts"].item() == pytest.approx(off["total_dlts"].item(), abs=0.02)


def test_the_registered_protocol_turns_on_what_its_definition_means_at_the_cap():
    ds = silences(load_study(), "ATD+3+3 cap 10")
    effect = abs(ds["effect_correct_selection"]).to_series().sort_values(ascending=False)
    assert set(effect.index[:2]) == {"enrolment cap", "mtd_at_cap"}


def test_a_design_without_silences(study):
    with pytest.raises(Faults, match=r"designs\.table: has no parameter"):
        silences(study, "table")
    with pytest.raises(Faults, match="no design 'ATF'"):
        silences(study, "ATF")


SELECTING = """
title = "a selection of its own"
target = 0.25
doses = { labels = ["1", "2", "3"] }
[scenarios]
truth = [0.10, 0.25, 0.45]
[designs.plain]
kind = "three_plus_three"
modifiers = [{ kind = "max_patients", n = 12 }]
[designs.selecting]
kind = "three_plus_three"
selection = { kind = "boin" }
modifiers = [{ kind = "max_patients", n = 12 }]
"""


def test_a_design_with_its_own_selection_has_the_silences_of_its_allocation():
    study = parse_study(SELECTING)
    plain, own = (readings_of(study, study.designs[name]) for name in ("plain", "selecting"))
    assert {f: [r.value for r in each] for f, each in own.items()} == {
        f: [r.value for r in each] for f, each in plain.items()
    }
    assert {"on_descent", "confirm_top", "mtd_at_cap", "enrolment cap"} <= set(own)
    found = silences(study, "selecting")
    three = ThreePlusThree(doses=3, target=0.25, confirm_top=False)
    design = Modified(Selecting(three, BOIN(doses=3, target=0.25)), (MaxPatients(n=12),))
    outcomes = judged(Exact()(design, study.scenarios), study.mtd)
    read = at(found, "confirm_top", "no")
    for name in MEASURES:
        assert read[name].item() == pytest.approx(measure(outcomes, name)[0].item(), abs=1e-12)
    assert read["sample_size"].item() < at(found, "confirm_top", "yes")["sample_size"].item()


def test_only_a_cap_that_is_laid_over_a_design_can_be_read_away(study):
    belief = belief_of_rates(np.array([[0.1, 0.25, 0.4, 0.6], [0.05, 0.1, 0.25, 0.4]]))
    policy = bayes_optimal(belief, MTDRule(0.25), Rules(9, cohort=3)).design
    assert "enrolment cap" not in readings_of(study, policy)
    capped = Modified(ThreePlusThree(doses=4, target=0.25), (MaxPatients(n=9),))
    assert [reading.value for reading in readings_of(study, capped)["enrolment cap"]] == ["9", "none"]
