"""Calibration: exact measures, limits that hold, a front that is one, and nothing lost."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import doseopt.calibration.search as search_module
from doseopt import DESIGNS, Exact, Utility, judged, operating_characteristics
from doseopt.attainable import Rules, bayes_optimal
from doseopt.beliefs import DrawnBelief, LogisticFamily, belief_of_rates
from doseopt.calibration import Objective, calibrate, measures_of
from doseopt.calibration.change import held_out_belief
from doseopt.calibration.search import _front, _Search, chosen_tunables
from doseopt.core.parameters import Faults
from doseopt.core.tunable import Tunable
from doseopt.designs.layers import tunable, with_values
from doseopt.designs.modified import Modified
from doseopt.measures.expected import MEASURES, expected_utility
from doseopt.models.skeleton import IndifferenceInterval
from doseopt.scenarios import MTDRule
from doseopt.study.file import load_study, parse_study

STUDY = """
title = "three doses"
target = 0.25
doses = { labels = ["1", "3", "10"], values = [1, 3, 10], unit = "mg" }
belief = { kind = "logistic", location = 2.0, location_sd = 1.2, points = 5 }
[scenarios]
s = [0.1, 0.25, 0.4]
[designs."3+3"]
kind = "three_plus_three"
[designs."CRM 6"]
kind = "crm"
skeleton = { prior_mtd = 2, halfwidth = 0.05 }
modifiers = [{ kind = "no_skipping" }, { kind = "too_toxic", confidence = 0.9 }, { kind = "max_patients", n = 6 }]
[designs."CRM 9"]
kind = "crm"
skeleton = { prior_mtd = 2, halfwidth = 0.05 }
modifiers = [{ kind = "no_skipping" }, { kind = "max_patients", n = 9 }]
[designs.BOIN]
kind = "boin"
modifiers = [{ kind = "max_patients", n = 9 }]
[designs.BLRM]
kind = "blrm"
reference_dose = 3
modifiers = [{ kind = "no_skipping" }, { kind = "max_patients", n = 6 }]
"""
PRICED = Utility(none=0.7, per_dlt=0.03, per_patient_above_mtd=0.02, per_patient=0.004)


@pytest.fixture(scope="module")
def study():
    return parse_study(STUDY)


@pytest.fixture(scope="module")
def crm(study):
    return calibrate(study, "CRM 6", candidates=60, seed=3)


@pytest.mark.parametrize("name", ["3+3", "CRM 6", "BOIN", "BLRM"])
def test_lean_measures_are_the_registered_ones(study, name):
    belief, design = study.believed(), study.designs[name]
    names = (*MEASURES, "utility", "overdosed_60", "high_dlt_fraction")
    found = measures_of(design, belief, study.mtd, names, PRICED)
    outcomes = judged(Exact()(design, belief.scenarios), study.mtd)
    known = operating_characteristics(outcomes)
    for measure in set(names) - {"utility"}:
        np.testing.assert_allclose(found[measure], known[measure], rtol=0, atol=1e-12, err_msg=measure)
    np.testing.assert_allclose(found["utility"], expected_utility(outcomes, PRICED), rtol=0, atol=1e-12)


def test_every_candidate_is_what_its_parameters_say(study, crm):
    ds, belief = crm.dataset, study.believed()
    assert 40 <= ds.sizes["candidate"] <= 60
    for k in (0, 7, int(ds.attrs["chosen"])):
        level, halfwidth, sd = ds["value"].to_numpy()[k].tolist()
        base = dataclasses.replace(
            study.designs["CRM 6"].base, skeleton=IndifferenceInterval(int(level), halfwidth), prior_sd=sd
        )
        design = Modified(base, study.designs["CRM 6"].modifiers)
        correct = measures_of(design, belief, study.mtd)["correct_selection"] @ belief.weights
        assert ds["correct_selection"][k].item() == pytest.approx(correct, abs=1e-12)
        assert halfwidth == round(halfwidth, 4)


def test_the_best_is_chosen_and_is_better_than_the_default(crm):
    ds = crm.dataset
    chosen = int(ds.attrs["chosen"])
    assert ds["score"][chosen].item() == ds["score"].max().item()
    correct = ds["compared"].sel(measure="correct_selection", belief="belief")
    assert correct.sel(which="calibrated").item() == pytest.approx(ds["correct_selection"][chosen].item(), abs=1e-12)
    assert correct.sel(which="calibrated").item() > correct.sel(which="default").item()
    assert correct.max().item() <= ds["attainable"].sel(belief="belief").item() + 1e-9


def test_the_attainable_is_that_of_the_class(study, crm):
    best = bayes_optimal(study.believed(), study.mtd, Rules(6))
    assert crm.dataset["attainable"].sel(belief="belief").item() == best.value


def test_limits_are_kept(study):
    free = calibrate(study, "CRM 6", candidates=40, seed=1).dataset
    most = float(free["overdose_selection"].min()) + 0.01
    aim = Objective(limits=(("overdose_selection", most), ("total_dlts", 3.0)))
    found = calibrate(study, "CRM 6", objective=aim, candidates=40, seed=1).dataset
    chosen = int(found.attrs["chosen"])
    assert found["overdose_selection"][chosen].item() <= most
    assert found["total_dlts"][chosen].item() <= 3.0
    kept = (found["overdose_selection"] <= most) & (found["total_dlts"] <= 3.0)
    assert (kept == (found["excess"] == 0)).all()
    assert found["score"][chosen].item() == found["score"].where(kept).max().item()


def test_excess_is_relative_to_each_limit_and_added_up():
    """Averages over the belief: overdose .25 * .4 + .75 * .2 = .25, DLTs 4.5, patients 9."""
    belief = belief_of_rates([[0.1, 0.2], [0.2, 0.4]], [0.25, 0.75])
    measures = {
        "overdose_selection": np.array([0.4, 0.2]),
        "total_dlts": np.array([3.0, 5.0]),
        "sample_size": np.array([9.0, 9.0]),
    }

    def excess(**limits):
        return Objective(limits=tuple(limits.items())).excess(measures, belief)

    assert excess(overdose_selection=0.2) == pytest.approx(0.25)  # 0.05 above 0.2
    assert excess(total_dlts=3.0) == pytest.approx(0.5)  # 1.5 above 3
    assert excess(overdose_selection=0.2, total_dlts=3.0) == pytest.approx(0.75)
    # what lies below its limit makes up for nothing
    assert excess(overdose_selection=0.2, total_dlts=3.0, sample_size=18.0) == pytest.approx(0.75)
    assert excess(overdose_selection=0.25, total_dlts=4.5) == 0
    assert excess(overdose_selection=0.0) == pytest.approx(0.25e9)  # finite


def test_the_search_ranks_what_exceeds_a_limit_last_and_by_how_much():
    """Three candidates of one parameter, at 0.3, 0.4 and 0.5: the best score exceeds a limit most, the next less."""
    said = {0.3: (0.9, 0.5), 0.4: (0.8, 0.25), 0.5: (0.1, 0.0)}

    def judge(row, tuned):
        score, over = said[row.item()]
        return {"score": score, "excess": over, "overdose_selection": 0.0}

    tuned = [Tunable("prior_sd", 0.3, 0.5)]
    costs = _Search(tuned, judge, None, lambda _: None).costs(np.array([[0.3, 0.4, 0.5]]))
    assert costs[2] == -0.1
    assert np.argsort(costs).tolist() == [2, 1, 0]
    assert costs[0] - costs[1] == pytest.approx(0.25)


def test_limits_that_nothing_keeps(study):
    found = calibrate(study, "CRM 6", objective=Objective(limits=(("sample_size", 0.5),)), candidates=8)
    assert found.design is None
    assert found.dataset.attrs["chosen"] == -1
    assert found.dataset["which"].to_numpy().tolist() == ["default"]


def test_the_worst_scenario_counts_if_asked_for(study):
    found = calibrate(study, "BOIN", objective=Objective(worst=True), candidates=16)
    belief = study.believed()
    measures = measures_of(found.design, belief, study.mtd)
    assert found.dataset["score"].max().item() == pytest.approx(measures["correct_selection"].min(), abs=1e-12)


def test_low_is_better_where_it_is(study):
    found = calibrate(study, "BOIN", objective=Objective("patients_above_mtd"), candidates=24).dataset
    chosen = int(found.attrs["chosen"])
    assert found["patients_above_mtd"][chosen].item() == found["patients_above_mtd"].min().item()


def test_the_utility_of_the_study_as_objective(study):
    priced = dataclasses.replace(study, utility=PRICED)
    found = calibrate(priced, "BOIN", objective=Objective("utility"), candidates=16).dataset
    assert found["utility"][int(found.attrs["chosen"])].item() == found["utility"].max().item()
    assert (found["utility"] < found["correct_selection"]).all()


def test_the_front_by_brute_force():
    rng = np.random.default_rng(5)
    score, cost = rng.integers(0, 12, 80) / 10, rng.integers(0, 12, 80) / 10
    front = _front(score, cost)
    beaten = [
        any((score[k] >= s and cost[k] < c) or (score[k] > s and cost[k] <= c) for k in range(80))
        for s, c in zip(score, cost, strict=True)
    ]
    assert not (front & np.array(beaten)).any()
    on = {(s, c) for s, c, b in zip(score, cost, beaten, strict=True) if not b}
    assert {(score[k], cost[k]) for k in np.flatnonzero(front)} == on  # each point of the front is there


def test_the_same_seed_gives_the_same_search_on_any_executor(study, crm):
    with ThreadPoolExecutor(2) as executor:
        again = calibrate(study, "CRM 6", candidates=60, seed=3, executor=executor)
    for name in ("value", "score", "compared"):
        np.testing.assert_array_equal(again.dataset[name], crm.dataset[name])
    assert again.design == crm.design
    other = calibrate(study, "CRM 6", candidates=60, seed=4)
    assert not np.array_equal(other.dataset["value"][:5], crm.dataset["value"][:5])


def test_an_interrupted_search_keeps_what_it_had(study, monkeypatch):
    judged_, calls = search_module._judged, []

    def interrupted(*arguments, **keywords):
        calls.append(1)
        if len(calls) > 11:
            raise KeyboardInterrupt
        return judged_(*arguments, **keywords)

    monkeypatch.setattr(search_module, "_judged", interrupted)
    found = calibrate(study, "BOIN", candidates=60)
    assert found.dataset.sizes["candidate"] == 11
    assert found.dataset.attrs["interrupted"] == 1
    assert found.design is not None


def test_progress_counts_the_candidates(study):
    told = []
    found = calibrate(study, "BOIN", candidates=16, progress=told.append)
    assert told == list(range(1, found.dataset.sizes["candidate"] + 1))


@pytest.mark.parametrize("kind", [kind for kind in DESIGNS if tunable(DESIGNS[kind].example())])
def test_every_tunable_parameter_can_be_tuned_over_its_range(kind):
    design = DESIGNS[kind].example()
    groups = {}
    for each in tunable(design):
        groups.setdefault(each.key, []).append(each)
    for group in groups.values():
        for end in ("low", "high"):
            values = {t.name: t.rounded(getattr(t, end)) for t in group}
            tuned = with_values(design, values)
            assert tuned != design
            assert hash(tuned) == hash(with_values(design, values))
    usual = {t.name: t.rounded((t.low + t.high) / 2) for t in tunable(design) if t.usual}
    assert with_values(design, usual) != design


def test_a_skeleton_tuned_directly_rises_by_its_gaps(study):
    design = with_values(study.designs["CRM 6"], {"lowest_rate": 0.1, "gap_2": 1.0, "gap_3": 0.5})
    rates = np.array(design.base.rates)
    assert np.log(rates / (1 - rates)) - np.log(0.1 / 0.9) == pytest.approx([0, 1.0, 1.5], abs=1e-4)


def test_the_prior_of_a_blrm_is_set_by_means_and_sds(study):
    base = with_values(study.designs["BLRM"], {"mean_log_a": -1.0, "sd_log_b": 0.5}).base
    assert base.mean == (-1.0, 0.0)
    assert np.array(base.cov) == pytest.approx(np.diag([1.5**2, 0.25]))


def test_what_is_free():
    design = parse_study(STUDY).designs["CRM 6"]
    assert [t.name for t in chosen_tunables(design, ())] == ["prior_mtd", "halfwidth", "prior_sd"]
    assert [t.name for t in chosen_tunables(design, ("skeleton",))] == ["lowest_rate", "gap_2", "gap_3"]
    assert [t.name for t in chosen_tunables(design, ("prior_sd", "cohort"))] == ["prior_sd", "cohort"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "CRM 7"}, "no design 'CRM 7' in the study; did you mean"),
        ({"name": "3+3"}, "3+3 has no parameter that can be tuned"),
        ({"name": "BOIN", "free": ("saff",)}, "BOIN has no 'saff'; did you mean 'saf'?"),
        ({"name": "CRM 6", "free": ("skeleton", "halfwidth")}, "got both"),
        ({"name": "BOIN", "candidates": 3}, "candidates: wanted at least 8, got 3"),
    ],
)
def test_faults(study, arguments, message):
    with pytest.raises(Faults) as caught:
        calibrate(study, **arguments)
    assert message in str(caught.value)


def test_faults_of_the_objective_come_together():
    with pytest.raises(Faults) as caught:
        Objective("correct_selektion", limits=(("patients", 3.0),))
    assert "did you mean 'correct_selection'" in str(caught.value)
    assert "at-most: wanted a measure that is one number a scenario, got 'patients'" in str(caught.value)


def test_held_out_is_another_family(study):
    drawn = dataclasses.replace(study, belief=DrawnBelief("paoletti", 5, 30))
    assert "paoletti" in held_out_belief(study).source
    assert "clertant" in held_out_belief(drawn).source


def test_moderate_toxicity_and_insertable_doses_are_refused():
    text = STUDY.replace('unit = "mg"', 'unit = "mg", insertable = "midpoints"')
    with pytest.raises(Faults, match="wanted a design on the planned doses"):
        calibrate(parse_study(text), "BOIN")


def test_the_calibrated_study_file_loads_again_and_selects_alike(study, crm, tmp_path):
    extended = dataclasses.replace(study, designs={**study.designs, "CRM 6 calibrated": crm.design})
    (tmp_path / "calibrated.toml").write_text(extended.to_toml())
    again = load_study(tmp_path / "calibrated.toml")
    assert again.designs["CRM 6 calibrated"] == crm.design
    assert again == extended


def test_mtd_rule_and_belief_of_other_kinds():
    belief = belief_of_rates(LogisticFamily(location=2, location_sd=1, points=3).rates(3, 0.3), np.arange(1, 10))
    design = parse_study(STUDY).designs["BOIN"]
    mtd = MTDRule(0.3, "interval", halfwidth=0.1)
    found = measures_of(design, belief, mtd)
    known = operating_characteristics(judged(Exact()(design, belief.scenarios), mtd))
    for name in MEASURES:
        np.testing.assert_allclose(found[name], known[name], rtol=0, atol=1e-12)
