"""What would change the decision: the numbers of an independent review, and crossings by plain enumeration."""

import math

import numpy as np
import pytest
import tomli_w
from oracle_bundled import SCENARIOS, atd, boin, crm
from scipy.optimize import brentq
from scipy.special import expit, logit

from doseopt import load_study
from doseopt.comparison.break_even import break_even, turns_of_polynomial
from doseopt.core.parameters import Faults
from doseopt.engines.budget import TooManyStates
from doseopt.engines.means import means_of
from doseopt.measures.expected import linear_measures
from doseopt.reports.sections.break_even import break_even_blocks
from doseopt.scenarios.perturbations import DOSE_ERROR, recorded
from doseopt.study.file import parse_study

FALSE = {  # share -> correct selection of the registered design without cap, CRM 10, 13 and 25, BOIN 25
    0.00: (50.5, 53.5, 61.0, 71.7, 69.3),
    0.10: (32.8, 38.6, 44.3, 49.1, 44.3),
    0.15: (25.6, 32.8, 36.3, 36.3, 32.0),
    0.20: (20.1, 27.9, 29.4, 26.0, 22.8),
}
NAMES = ["ATD+3+3 uncapped", "CRM 10", "CRM 13", "CRM 25", "BOIN 25"]


@pytest.fixture(scope="module")
def study():
    return load_study("renji-elo-first")


@pytest.fixture(scope="module")
def found(study):
    return break_even(study, NAMES[0], NAMES[1:])


def correct(trials, perturbed):
    """The mean of correct selection by plain enumeration, and the worst; right is judged by the true rates."""
    each = []
    for p, right in SCENARIOS.values():
        q = [perturbed(rate) for rate in p]
        each.append(math.fsum(chance for _, _, mtd, chance in trials.weighed(q) if mtd == right))
    return math.fsum(each) / len(each), min(each)


def crossings(found, perturbation, criterion, design):
    each = found["break_even"].sel(perturbation=perturbation, criterion=criterion, design=design).to_numpy()
    return each[~np.isnan(each)]


@pytest.mark.parametrize("share", FALSE)
def test_false_dlts(found, share):
    at = found.sel(perturbation="false_dlts", criterion="mean")
    k = int(np.flatnonzero(np.isclose(at["amount"], share)).item())
    got = 100 * at["perturbed_correct_selection"].isel(point=k)
    np.testing.assert_allclose(got, FALSE[share], rtol=0, atol=0.0501)


def test_false_dlts_of_the_registered_design_where_it_names_a_dose(study):
    table = study.to_dict()["designs"]
    designs = {"naming": table["ATD+3+3 cap 10"] | {"names": "any"}, "CRM 10": table["CRM 10"]}
    at = break_even(with_designs(study, designs), "naming", ["CRM 10"])
    at = at.sel(perturbation="false_dlts", criterion="mean", design="naming").isel(point=[0, 20, 30, 40])
    np.testing.assert_allclose(at["amount"], [0, 0.10, 0.15, 0.20])
    np.testing.assert_allclose(100 * at["perturbed_correct_selection"], (48.5, 32.4, 26.5, 21.9), rtol=0, atol=0.0501)


def test_late_dlts(found):
    """60% are seen: correct, and overdose of which the first is rounded to whole percent."""
    at = found.sel(perturbation="late_dlts", criterion="mean")
    k = int(np.flatnonzero(np.isclose(at["amount"], 0.4)).item())
    at = 100 * at.isel(point=k).sel(design=["CRM 25", "CRM 13", "BOIN 25", NAMES[0]])
    np.testing.assert_allclose(at["perturbed_correct_selection"], (52.6, 50.9, 56.0, 52.9), rtol=0, atol=0.0501)
    np.testing.assert_allclose(at["perturbed_overdose_selection"], (45, 42, 40, 29), rtol=0, atol=0.501)


def test_where_more_patients_buy_nothing(study):
    """From .15 on 25 patients buy nothing over 13: the review has 36.3 for both CRMs there."""
    found = break_even(study, "CRM 13", ["CRM 25"])
    assert found["ahead_at_first"].sel(perturbation="false_dlts", criterion="mean", design="CRM 25") == 1
    (point,) = crossings(found, "false_dlts", "mean", "CRM 25")
    assert 0.149 < point < 0.151


def test_false_dlts_by_plain_enumeration(study):
    """BOIN 25 is ahead of BOIN 13 just below the share that was found, and behind just above."""
    found = break_even(study, "BOIN 13", ["BOIN 25"])
    (point,) = crossings(found, "false_dlts", "mean", "BOIN 25")
    for share, sign in ((point - 1e-6, 1), (point + 1e-6, -1)):
        one, other = (correct(boin(cap), lambda p, f=share: 1 - (1 - p) * (1 - f))[0] for cap in (25, 13))
        assert np.sign(one - other) == sign


@pytest.mark.parametrize(("criterion", "number"), [("mean", 0), ("worst", 1)])
def test_late_dlts_by_plain_enumeration(study, criterion, number):
    """Few late DLTs, and BOIN 10 is no longer behind CRM 10: once on average, once in the worst scenario."""
    designs = boin(10), crm(10)

    def ahead(late):
        one, other = (correct(trials, lambda p: (1 - late) * p)[number] for trials in designs)
        return one - other

    grid = np.linspace(0, 1, 41)
    signs = np.sign([ahead(late) for late in grid[:-1]])  # at the end both name the highest dose
    (k,) = np.flatnonzero(signs[1:] != signs[:-1])
    point = brentq(ahead, grid[k], grid[k + 1], xtol=1e-9)
    found = break_even(study, "CRM 10", ["BOIN 10"])
    np.testing.assert_allclose(crossings(found, "late_dlts", criterion, "BOIN 10"), [point], rtol=0, atol=1e-6)
    assert found["ahead_at_first"].sel(perturbation="late_dlts", criterion=criterion, design="BOIN 10") == signs[0]


def linear(p, values, given):
    """Logit rates linear in the log of the dose between doses, and beyond the ends."""
    x, y, at = np.log(values), logit(p), np.log(given)
    k = np.clip(np.searchsorted(x, at) - 1, 0, len(x) - 2)
    return expit(y[k] + (at - x[k]) * (y[k + 1] - y[k]) / (x[k + 1] - x[k]))


@pytest.mark.parametrize(("error", "reviewed", "ours"), [(0.2, 46.6, 46.2), (-0.2, 55.1, 55.2)])
def test_systematic_dose_error(study, found, error, reviewed, ours):
    """The review joins the rates by straight lines, this package by a monotone cubic: 0.4 and 0.1 points apart."""
    values = np.array(study.doses.values)
    p = np.array([linear(p, values, (1 + error) * values) for p, _ in SCENARIOS.values()])
    design = study.designs[NAMES[0]]
    straight = linear_measures(means_of(design, p), p, study.mtd)["correct_selection"].mean()
    assert 100 * straight == pytest.approx(reviewed, abs=0.0501)
    at = found.sel(perturbation="dose_error", criterion="mean", design=NAMES[0])
    k = int(np.flatnonzero(np.isclose(at["amount"], error)).item())
    got = at["perturbed_correct_selection"].isel(point=k).item()
    assert 100 * got == pytest.approx(ours, abs=0.0501)
    truth, _ = DOSE_ERROR.rates(*2 * [study.scenarios["p_dlt"].to_numpy()], np.full((1, 1, 1), error), study.doses)
    each = zip(truth[0].tolist(), SCENARIOS.values(), strict=True)
    trials = atd()
    wanted = [math.fsum(c for _, _, mtd, c in trials.weighed(p) if mtd == right) for p, (_, right) in each]
    assert got == pytest.approx(math.fsum(wanted) / len(wanted), abs=1e-12)


def test_the_safety_stop(study):
    at = break_even(study, NAMES[0], ["CRM 13", "BOIN 25"]).sel(stop_threshold=[0.80, 0.95])
    none, mean, overdose = (
        100 * at[f"stop_{name}"].sel(design="CRM 13").to_numpy()
        for name in ("none_right", "correct_selection", "overdose_selection")
    )
    np.testing.assert_allclose(none, (74, 42), rtol=0, atol=0.501)
    np.testing.assert_allclose(overdose, (15.1, 18.0), rtol=0, atol=0.0501)
    assert mean[1] - mean[0] == pytest.approx(1.7, abs=0.0501)
    assert at["stop_correct_selection"].sel(design=[NAMES[0], "BOIN 25"]).isnull().all()


def test_a_design_against_its_like_never_crosses(study):
    alike = {name: study.to_dict()["designs"]["BOIN 10"] for name in ("one", "other")}
    found = break_even(with_designs(study, alike), "one", ["other"])
    assert (found["ahead_at_first"].sel(design="other") == 0).all()
    assert found["break_even"].sizes["crossing"] == 0


def test_what_is_too_large_is_left_out(study):
    large = {"kind": "crm", "skeleton": {"prior_mtd": 3, "halfwidth": 0.05}, "cohort": 1}
    large["modifiers"] = [{"kind": "max_patients", "n": 300}]
    designs = {name: study.to_dict()["designs"][name] for name in ("BOIN 10", "BOIN 13")} | {"large": large}
    other = with_designs(study, designs)
    assert break_even(other, "BOIN 10", ["BOIN 13", "large"]).attrs["left_out"] == "large"
    with pytest.raises(Faults, match="wanted one to compare with BOIN 10, got none; too large: large"):
        break_even(other, "BOIN 10", ["large"])
    with pytest.raises(TooManyStates, match="large: "):
        break_even(other, "large", ["BOIN 10"])


def with_designs(study, designs):
    table = study.to_dict() | {"designs": designs}
    del table["amendment"]
    return parse_study(tomli_w.dumps(table))


def test_all_roots_of_a_polynomial():
    """Two crossings a tenth of a step of the grid apart, two that are far, and a root that only touches."""
    roots = (0.4, 0.4005, 0.7, 0.95)

    def function(x):
        return np.prod([x - root for root in roots], axis=0) * (x - 0.2) ** 2 * (1.5 - x) ** 20

    turns, first = turns_of_polynomial(function, 0, 1, 26)
    assert first == 1
    np.testing.assert_allclose(turns, roots, rtol=0, atol=1e-6)


def test_shares_of_rates():
    np.testing.assert_allclose(recorded(np.array([0.2, 1.0]), 0.1, 0.5), [0.19, 0.55], rtol=0, atol=1e-15)


def test_a_study_without_values_of_doses_is_perturbed_in_all_ways_but_the_dose():
    """Both shares go from 0 to 1, and each has its own amounts in the table that the report reads."""
    text = 'target = 0.25\n[doses]\nlabels = ["1", "2"]\n[scenarios]\na = [0.1, 0.3]\n'
    text += '[designs.A]\nkind = "three_plus_three"\n[designs.B]\nkind = "boin"\n'
    text += 'modifiers = [{ kind = "max_patients", n = 6 }]\n'
    found = break_even(parse_study(f'title = "two"\n{text}', "two.toml"), "A", ["B"])
    ends = found["amount"].transpose("perturbation", "point").isel(point=[0, -1])
    assert ends.to_numpy().tolist() == [[0, 1], [0, 1], [0, 0.5], [0, 0.5]]


ONE = """
title = "One dose"
target = 0.3
[doses]
labels = ["20"]
values = [20]
unit = "mg"
[clock]
window = 28
accrual = { kind = "fixed", per_month = 2 }
[scenarios]
right = [0.3]
[designs.BOIN]
kind = "boin"
modifiers = [{ kind = "max_patients", n = 6 }]
[designs."rolling six"]
kind = "rolling_six"
"""


def test_of_one_dose_no_rate_beside_it_is_known_and_who_waits_is_named():
    found = break_even(parse_study(ONE), "BOIN", ["rolling six"])
    assert found["perturbation"].values.tolist() == ["false_dlts", "late_dlts", "death", "dropout"]
    text = break_even_blocks(found)[0].text
    assert "every dose given is off" not in text
    assert "followed up before the next decision, and nobody backfilled: rolling six." in text
