"""Registered against amended: conditional results are the exact engine's from the same state, averages are averages."""

import dataclasses

import numpy as np
import pytest

from doseopt import Exact, Simulate, after, judged, operating_characteristics
from doseopt.amendment.amend import amend
from doseopt.amendment.outlook import beliefs_now, enrolment_needed
from doseopt.beliefs import ACCURACY
from doseopt.beliefs.of_model import COARSE
from doseopt.comparison.compare import compare
from doseopt.conduct.next_dose import next_dose
from doseopt.conduct.posterior import analyse
from doseopt.core.parameters import Faults
from doseopt.core.state import NONE
from doseopt.designs.layers import with_cap
from doseopt.display.outlook import STUDY_MODEL
from doseopt.measures.operating_characteristics import measure
from doseopt.models.quadrature import quadrature
from doseopt.records.patient import Patient
from doseopt.records.trial import Trial
from doseopt.study.file import load_study, parse_study

OUTCOMES = "1N 2NNT"
REGISTERED, AMENDED = "ATD+3+3 cap 10", ["BOIN 13", "CRM 25"]


@pytest.fixture(scope="module")
def study():
    return load_study()


@pytest.fixture(scope="module")
def interim(study):
    return amend(study, Trial.from_outcomes(OUTCOMES, study.doses), REGISTERED, AMENDED)


@pytest.fixture(scope="module")
def prospective(study):
    return amend(study, Trial(study.doses), REGISTERED, AMENDED)


def test_without_data_the_conditional_results_are_the_unconditional_ones(study, prospective):
    whole = compare(study).sel(design=[REGISTERED, *AMENDED])
    for node in ("now", "start"):
        part = prospective[node].to_dataset()
        for name in ("correct_selection", "overdose_selection", "no_selection", "selection", "patients", "total_dlts"):
            np.testing.assert_allclose(part[name], whole[name].transpose(*part[name].dims), rtol=0, atol=1e-12)


def test_from_the_data_on_simulation_from_the_same_state_agrees(study, interim):
    scenarios = study.scenarios
    names = ("correct_selection", "overdose_selection", "no_selection", "sample_size", "total_dlts")
    for design in (REGISTERED, *AMENDED):
        start = after(study.designs[design], OUTCOMES)
        outcomes = judged(Simulate(20_000, 5)(study.designs[design], scenarios, start), study.mtd)
        exact = interim["now"].to_dataset().sel(design=design)
        for name in names:
            mean, error = measure(outcomes, name)
            # 165 comparisons, Bonferroni at 1e-4
            assert (abs(mean - exact[name]) <= 5.1 * error + 2e-4).all(), (design, name)


def test_what_is_still_to_come(study, interim):
    now = interim["now"].to_dataset()
    np.testing.assert_allclose(now["further_patients"], now["sample_size"] - 4, rtol=0, atol=1e-12)
    np.testing.assert_allclose(now["further_dlts"], now["total_dlts"] - 1, rtol=0, atol=1e-12)
    assert (now["further_patients"].sel(design=REGISTERED) <= 6 + 1e-9).all()


def test_averages_are_weighted_sums_of_exact_results(study, interim):
    averages = interim["average"].to_dataset()
    belief = beliefs_now(study, Trial.from_outcomes(OUTCOMES, study.doses))["the study's belief"]
    for design in (REGISTERED, *AMENDED):
        start = after(study.designs[design], OUTCOMES)
        at, by = averages.sel(design=design, belief="the study's belief"), belief
        while True:  # the rule whose error is small enough, and stated
            found = operating_characteristics(judged(Exact()(study.designs[design], by.scenarios, start), study.mtd))
            if abs(by.weights @ found["correct_selection"].to_numpy() - at["correct_selection"].item()) < 1e-10:
                break
            by = by.refined.trimmed
        assert by.error(found["correct_selection"].to_numpy()) <= at["error"] <= ACCURACY
        for name in ("correct_selection", "overdose_selection", "no_selection", "sample_size", "accuracy_index"):
            assert at[name].item() == pytest.approx(float(by.weights @ found[name].to_numpy()), abs=1e-10)
        np.testing.assert_allclose(at["selection"], by.weights @ found["selection"].to_numpy(), atol=1e-10)
        total = at["selection"].sum().item() + at["no_selection"].item()
        assert total == pytest.approx(1, abs=1e-12)


def test_expected_dlts_of_the_next_patients_follow_the_posterior(study, interim):
    """With Wald's identity: averaged over the model, the DLTs of a cohort are its patients times the posterior mean."""
    n, y = np.array([1, 3, 0, 0]), np.array([0, 1, 0, 0])
    belief = beliefs_now(study, Trial.from_outcomes(OUTCOMES, study.doses))[STUDY_MODEL]
    mean = quadrature(study.curve()).posterior(n[None], y[None]).mean()[0]
    np.testing.assert_allclose(belief.weights @ belief.p_dlt, mean, atol=1e-4)


@pytest.mark.parametrize(
    ("belief", "design", "percent", "error"),
    [
        # independent recursion and a grid of 1001 x 1001
        (STUDY_MODEL, REGISTERED, 19.75, 0.01),
        (STUDY_MODEL, "BOIN 13", 42.35, 0.01),
        # plain grids, each at two offsets: 601 x 601 (24.79 and 24.75), 64001 nodes (30.409 and 30.416)
        ("prior sd doubled", REGISTERED, 24.77, 0.03),
        ("model logistic", REGISTERED, 30.41, 0.01),
    ],
)
def test_average_correct_selection_against_dense_grids(interim, belief, design, percent, error):
    found = interim["average"]["correct_selection"].sel(design=design, belief=belief)
    assert 100 * found.item() == pytest.approx(percent, abs=error)


def test_actual_doses_weigh_in_the_model(study):
    patients = (Patient("1", 0, False), Patient("2", 1, False), Patient("3", 1, False), Patient("4", 1, True, 0.3e9))
    data = Trial(study.doses, patients)
    planned = beliefs_now(
        study, Trial(study.doses, (*patients[:3], dataclasses.replace(patients[3], actual_dose=None)))
    )
    given = beliefs_now(study, data)
    mean = analyse(study, data).summary["mean"]
    np.testing.assert_allclose(given[STUDY_MODEL].weights @ given[STUDY_MODEL].p_dlt, mean, rtol=0, atol=1e-5)
    for name in ("model empiric", "the study's belief"):
        np.testing.assert_array_equal(given[name].weights, planned[name].weights)


def test_the_sensitivity_covers_prior_sds_models_and_the_belief(interim):
    beliefs = interim["average"]["belief"].to_numpy().tolist()
    assert beliefs[:3] == [STUDY_MODEL, "prior sd halved", "prior sd doubled"]
    assert {"model empiric", "model logistic", "model bma", "the study's belief"} <= set(beliefs)
    spread = interim["average"]["correct_selection"].sel(design="CRM 25")
    assert float(spread.max() - spread.min()) > 0.01


def test_paired_differences_agree_with_the_exact_ones(interim):
    paired, now = interim["paired"].to_dataset(), interim["now"].to_dataset()
    for design in AMENDED:
        exact = now["correct_selection"].sel(design=design) - now["correct_selection"].sel(design=REGISTERED)
        at = paired.sel(amended=design)
        assert (abs(at["correct_selection_gain"] - exact) <= 4.6 * at["correct_selection_gain_mcse"] + 2e-4).all()
        # two designs select differently at least as often as their marginal selections differ
        gap = abs(now["selection"].sel(design=design) - now["selection"].sel(design=REGISTERED)).sum("dose")
        gap = (gap + abs(now["no_selection"].sel(design=design) - now["no_selection"].sel(design=REGISTERED))) / 2
        assert (at["selects_differently"] + 4.6 * at["selects_differently_mcse"] >= gap - 2e-4).all()


def test_the_error_of_paired_differences_is_that_of_single_trials(study, interim):
    """Trial by trial on the same 20,000 patients; the share of differing selections has the error of a binomial."""
    scenarios = study.scenarios
    drawn, acceptable = {}, study.mtd.acceptable(scenarios["p_dlt"].to_numpy())
    for name in (REGISTERED, *AMENDED):
        design = study.designs[name]
        drawn[name] = Simulate(20_000, 1)(design, scenarios, after(design, OUTCOMES))["selected"].to_numpy()

    def right(name, scenario):
        answers = set(np.flatnonzero(acceptable[scenario]).tolist()) or {NONE}
        return np.isin(drawn[name][scenario], list(answers))

    for name in AMENDED:
        at = interim["paired"].to_dataset().sel(amended=name)
        share = at["selects_differently"].to_numpy()
        np.testing.assert_allclose(share, (drawn[name] != drawn[REGISTERED]).sum(axis=1) / 20_000, atol=1e-12)
        np.testing.assert_allclose(at["selects_differently_mcse"], np.sqrt(share * (1 - share) / 20_000), rtol=1e-9)
        for k in range(len(acceptable)):
            better = np.sum(right(name, k) & ~right(REGISTERED, k)) / 20_000
            worse = np.sum(right(REGISTERED, k) & ~right(name, k)) / 20_000
            assert at["correct_selection_gain"].item(k) == pytest.approx(better - worse, abs=1e-12)
            error = np.sqrt((better + worse - (better - worse) ** 2) / 20_000)
            assert at["correct_selection_gain_mcse"].item(k) == pytest.approx(error, rel=1e-9)


def test_what_is_next_is_what_conduct_says(study, interim):
    said = next_dose(study, Trial.from_outcomes(OUTCOMES, study.doses))["designs"]
    found = interim["next"].to_dataset()
    for design in (REGISTERED, *AMENDED):
        at = found.sel(design=design)
        assert at["level"].item() == said[design]["level"]
        assert at["size"].item() == said[design]["size"]
        assert at["stop"].item() == ""


def test_enrolment_needed(study, interim):
    curve = interim["enrolment"]["correct_selection"]
    assert (curve["enrolment"].to_numpy() >= 4).all()
    design = with_cap(study.designs["CRM 25"], 19)
    for fineness, tolerance in ((2, ACCURACY), (COARSE, 1e-10)):  # a finer rule, and the one that is accurate enough
        belief = beliefs_now(study, Trial.from_outcomes(OUTCOMES, study.doses), fineness)[STUDY_MODEL]
        outcomes = judged(Exact()(design, belief.scenarios, after(design, OUTCOMES)), study.mtd)
        correct = float(belief.weights @ measure(outcomes, "correct_selection")[0].to_numpy())
        assert curve.sel(design="CRM 25", enrolment=19).item() == pytest.approx(correct, abs=tolerance)
    needed = enrolment_needed(curve, correct)
    assert needed["CRM 25"] <= 19
    assert needed[REGISTERED] is None


def test_a_trial_that_is_over_stays_as_it_is(study):
    tree = amend(study, Trial.from_outcomes("1T 1TTT", study.doses), "BOIN 10", ["CRM 10"])
    found = tree["next"].to_dataset().sel(design="BOIN 10")
    assert found["stop"].item() == "too_toxic"
    assert (found["level"].item(), found["size"].item(), found["mtd"].item()) == (0, 0, 0)
    assert (tree["now"]["no_selection"].sel(design="BOIN 10") == 1).all()
    assert (tree["now"]["further_patients"].sel(design="BOIN 10") == 0).all()


def test_the_tree_says_where_it_comes_from(study, interim, tmp_path):
    assert interim.attrs["registered"] == REGISTERED
    assert interim.attrs["outcomes"] == OUTCOMES
    assert interim.attrs["study_hash"] == study.hash
    assert interim.attrs["seed"] == 1
    interim.to_netcdf(tmp_path / "amendment.nc")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("BOIN 10", []), "amended: missing; wanted at least one design"),
        (("BOIN 10", ["BOIN 10"]), "BOIN 10 is the registered design"),
        (("BOIN 11", ["CRM 10"]), "no design 'BOIN 11' in the study; did you mean"),
    ],
)
def test_faults(study, arguments, message):
    with pytest.raises(Faults) as caught:
        amend(study, Trial(study.doses), *arguments)
    assert message in str(caught.value)


def test_designs_that_look_at_moderate_toxicity_are_refused():
    text = """
title = "m"
target = 0.25
doses = { labels = ["a", "b"] }
[scenarios]
s = { p_dlt = [0.1, 0.3], p_moderate = [0.1, 0.2] }
[designs.ATD]
kind = "accelerated_titration"
trigger = "first_moderate"
[designs."3+3"]
kind = "three_plus_three"
"""
    with pytest.raises(Faults, match=r"designs.ATD: wanted a design that looks at DLTs only"):
        amend(parse_study(text), Trial(parse_study(text).doses), "3+3", ["ATD"])
