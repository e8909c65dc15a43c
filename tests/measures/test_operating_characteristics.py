import math

import numpy as np
import pytest
import xarray as xr

from doseopt import BOIN, AcceleratedTitration
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import MaxPatients
from doseopt.engines import means
from doseopt.engines.exact import Exact
from doseopt.engines.means import means_of
from doseopt.engines.outcomes import judged
from doseopt.measures.endings import Endings
from doseopt.measures.expected import linear_measures
from doseopt.measures.operating_characteristics import METRICS, correct_at, measure, operating_characteristics, values
from doseopt.measures.quantiles import LEVELS, QUANTILES, quantiles
from doseopt.scenarios import MTDRule, make_scenarios

# Three endings at three doses: (patients, DLTs, MTD declared, reason). Scenarios differ in the truth and the weights.
N = np.array([[3, 3, 0], [3, 3, 4], [2, 0, 0]])
Y = np.array([[0, 1, 0], [0, 1, 2], [2, 0, 0]])
SELECTED = np.array([1, 2, -1])
STOP = np.array([0, 0, 1])
TRUTH = {  # name: (true rates, acceptable doses, MTD, weights)
    "middle": ([0.05, 0.25, 0.45], [0, 1, 0], 1, [0.50, 0.30, 0.20]),
    "none": ([0.45, 0.55, 0.65], [0, 0, 0], -1, [0.10, 0.20, 0.70]),
    "two": ([0.20, 0.25, 0.40], [1, 1, 0], 1, [0.25, 0.25, 0.50]),
    "top": ([0.05, 0.10, 0.25], [0, 0, 1], 2, [0.20, 0.30, 0.50]),
    "lowest": ([0.25, 0.45, 0.65], [1, 0, 0], 0, [0.40, 0.40, 0.20]),
}
ATTRS = {"target": 0.25, "planned": 9.0, "registered": 6.0}
TRIALS = 20  # every weight above is a multiple of 1/20

# Worked out by hand, scenario by scenario, in the order of TRUTH.
BY_HAND = {
    "selection": [(0, 0.5, 0.3), (0, 0.1, 0.2), (0, 0.25, 0.25), (0, 0.2, 0.3), (0, 0.4, 0.4)],
    "no_selection": [0.2, 0.7, 0.5, 0.5, 0.2],
    "correct_selection": [0.5, 0.7, 0.25, 0.3, 0.0],
    "overdose_selection": [0.3, 0.3, 0.25, 0.0, 0.8],
    "underdose_selection": [0.0, 0.0, 0.0, 0.2, 0.0],
    "patients": [(2.8, 2.4, 1.2), (2.3, 0.9, 0.8), (2.5, 1.5, 1.0), (2.5, 1.5, 1.2), (2.8, 2.4, 1.6)],
    "dlts": [(0.4, 0.8, 0.6), (1.4, 0.3, 0.4), (1.0, 0.5, 0.5), (1.0, 0.5, 0.6), (0.4, 0.8, 0.8)],
    "total_dlts": [1.8, 2.1, 2.0, 2.1, 2.0],
    "sample_size": [6.4, 4.0, 5.0, 5.2, 6.8],
    # shares of the endings: (.5 .5 0), (.3 .3 .4), (1 0 0)
    "allocation": [(0.54, 0.34, 0.12), (0.81, 0.11, 0.08), (0.7, 0.2, 0.1), (0.69, 0.19, 0.12), (0.52, 0.32, 0.16)],
    "patients_above_mtd": [1.2, 4.0, 1.0, 0.0, 4.0],
    "overdosed": [0.12, 1.0, 0.1, 0.0, 0.48],
    "overdosed_60": [0.0, 1.0, 0.0, 0.0, 0.4],  # the second ending has 70% above the lowest dose
    "overdosed_80": [0.0, 1.0, 0.0, 0.0, 0.0],
    "poor_allocation": [0.2, math.nan, 0.5, 0.7, 0.2],  # fewer than 9/3 at the MTD
    "high_dlt_fraction": [0.2, 0.7, 0.5, 0.5, 0.2],  # 1/6, 3/10 (at 0.30, not above), 2/2
    "over_planned": [0.3, 0.2, 0.25, 0.3, 0.4],
    "enrolled": [8.0, 5.0, 6.25, 6.5, 8.5],
    "stopped": [(0.8, 0.2), (0.3, 0.7), (0.5, 0.5), (0.5, 0.5), (0.8, 0.2)],
    "accuracy_index": [1 - 3 * 0.06 / 0.4, 1 - 3 * 0.11 / 0.9, 1 - 3 * 0.0375 / 0.2, 1 - 3 * 0.03 / 0.35, -0.2],
    "allocation_index": [0.01, 1 - 3 * 0.227 / 0.9, 0.25, 1 - 3 * 0.1665 / 0.35, 0.36],
    "patients_below_mtd": [2.8, math.nan, 0.0, 4.0, 0.0],
    "underdosed": [0.54, math.nan, 0.0, 0.88, 0.0],
    "never_reached": [0.2, math.nan, 0.0, 0.7, 0.0],
    "exposed_1": [0.3, 1.0, 0.25, 0.0, 0.8],
    "exposed_3": [0.3, 0.3, 0.25, 0.0, 0.8],
    "exposed_6": [0.0, 0.3, 0.0, 0.0, 0.4],
    "dlts_above_mtd": [0.6, 2.1, 0.5, 0.0, 1.6],
    "two_dlts_above_mtd": [0.3, 0.9, 0.25, 0.0, 0.4],
    "too_high_selection": [0.3, 0.3, 0.25, 0.0, 0.8],
    "sample_size_quantile": [
        (2, 6, 6, 10, 10),
        (2, 2, 2, 6, 10),
        (2, 2, 2, 6, 10),
        (2, 2, 2, 10, 10),
        (2, 6, 6, 10, 10),
    ],
    "total_dlts_quantile": [(1, 1, 1, 3, 3), (1, 2, 2, 2, 3), (1, 1, 2, 2, 3), (1, 2, 2, 3, 3), (1, 1, 2, 3, 3)],
}


def outcomes(n, y, selected, stop, weight, lead, **attrs):
    p_dlt, acceptable, mtd, _ = zip(*TRUTH.values(), strict=True)
    return xr.Dataset(
        {
            "n": ((*lead, "dose"), n),
            "y": ((*lead, "dose"), y),
            "selected": (lead, selected),
            "stop": (lead, stop),
            "weight": (("scenario", "ending"), weight),
            "p_dlt": (("scenario", "dose"), np.array(p_dlt)),
            "acceptable": (("scenario", "dose"), np.array(acceptable, bool)),
            "mtd": ("scenario", np.array(mtd)),
            "per_evaluable": (("scenario", "dose"), np.full((len(TRUTH), 3), 1.25)),
        },
        coords={"scenario": list(TRUTH), "dose": ["a", "b", "c"], "stop_reason": ["complete", "too_toxic"]},
        attrs={**ATTRS, **attrs},
    )


def exact():
    """Three endings shared by all scenarios."""
    weight = np.array([w for *_, w in TRUTH.values()])
    return outcomes(N, Y, SELECTED, STOP, weight, ("ending",), engine="exact", trials=math.inf)


def simulated():
    """The same as a simulator gives it: one ending a trial, different ones in each scenario, in any order."""
    rng = np.random.default_rng(4)
    kinds = []
    for *_, weight in TRUTH.values():
        kind = np.repeat(np.arange(3), np.round(np.array(weight) * TRIALS).astype(int))
        kinds.append(rng.permutation(kind))
    kinds = np.array(kinds)
    weight = np.full(kinds.shape, 1 / TRIALS)
    lead = ("scenario", "ending")
    return outcomes(
        N[kinds], Y[kinds], SELECTED[kinds], STOP[kinds], weight, lead, engine="simulated", trials=float(TRIALS)
    )


def found(data, name):
    if name in QUANTILES:
        dims, value, _ = quantiles(Endings.of(data))[name]
        assert dims == ("scenario", "quantile")
        return value
    return measure(data, name)[0].transpose("scenario", ...).to_numpy()


def test_means_do_not_depend_on_how_many_scenarios_are_weighed_at_a_time(monkeypatch):
    for design, moderate in ((BOIN(doses=3, target=0.25), None), (AcceleratedTitration.example(), 0.3)):
        capped = Modified(design, (MaxPatients(n=9),)) if moderate is None else design
        rates = np.random.default_rng(1).uniform(0, 1, (7, capped.facts.doses))
        given = () if moderate is None else (None, np.full(rates.shape, moderate))
        monkeypatch.setattr(means, "ROOM", 1 << 24)
        whole = means.means_of(capped, rates, *given)
        monkeypatch.setattr(means, "ROOM", 1)
        parts = means.means_of(capped, rates, *given)
        for name in ("selection", "n", "y"):
            np.testing.assert_allclose(getattr(parts, name), getattr(whole, name), rtol=0, atol=1e-13)
        np.testing.assert_allclose(parts.selection.sum(axis=1), 1, atol=1e-12)


def test_every_measure_has_a_row():
    assert set(BY_HAND) == set(METRICS) | set(QUANTILES)


@pytest.mark.parametrize("name", BY_HAND)
@pytest.mark.parametrize("make", [exact, simulated])
def test_worked_out_by_hand(name, make):
    np.testing.assert_allclose(found(make(), name), np.array(BY_HAND[name]), rtol=0, atol=1e-13)


@pytest.mark.parametrize("name", METRICS)
def test_no_monte_carlo_error_in_exact_results(name):
    error = measure(exact(), name)[1]
    assert error.dims == measure(exact(), name)[0].dims
    assert (error.fillna(0) == 0).all()


MOMENTS = {  # by hand: E[X^2] beside E[X] above
    "no_selection": [0.2, 0.7, 0.5, 0.5, 0.2],
    "correct_selection": [0.5, 0.7, 0.25, 0.3, 0.0],
    "sample_size": [48.8, 26.4, 36 * 0.25 + 100 * 0.25 + 4 * 0.5, 36 * 0.2 + 100 * 0.3 + 4 * 0.5, 55.2],
    "total_dlts": [0.5 + 2.7 + 0.8, 0.1 + 1.8 + 2.8, 0.25 + 2.25 + 2.0, 0.2 + 2.7 + 2.0, 0.4 + 3.6 + 0.8],
    "patients_above_mtd": [16 * 0.3, 26.4, 16 * 0.25, 0.0, 9 * 0.4 + 49 * 0.4],
}


@pytest.mark.parametrize("name", MOMENTS)
def test_monte_carlo_error_is_the_root_of_variance_over_trials(name):
    variance = np.array(MOMENTS[name]) - np.square(BY_HAND[name])
    np.testing.assert_allclose(measure(simulated(), name)[1], np.sqrt(variance / TRIALS), rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", METRICS)
def test_monte_carlo_error_is_that_of_the_single_trials(name):
    data = simulated()
    each = values(data, name)
    mean, error = measure(data, name)
    np.testing.assert_allclose(mean, each.mean("ending"), rtol=0, atol=1e-12)
    np.testing.assert_allclose(error, each.std("ending") / math.sqrt(TRIALS), rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", METRICS)
def test_every_measure_has_a_unit_and_a_meaning(name):
    mean, error = measure(exact(), name)
    assert mean.attrs["units"] in ("1", "patients")
    assert mean.attrs["long_name"]
    assert error.attrs == {
        "units": mean.attrs["units"],
        "long_name": f"Monte Carlo standard error: {mean.attrs['long_name']}",
    }
    assert METRICS[name].function.__doc__


def test_selection_and_no_selection_sum_to_one():
    data = exact()
    whole = found(data, "selection").sum(axis=1) + found(data, "no_selection")
    np.testing.assert_allclose(whole, 1, rtol=0, atol=1e-15)


def test_where_a_dose_is_right_selecting_is_right_too_high_too_low_or_none():
    data = exact().drop_sel(scenario="none")
    parts = [found(data, f"{name}_selection") for name in ("correct", "overdose", "underdose", "no")]
    np.testing.assert_allclose(sum(parts), 1, rtol=0, atol=1e-15)


def test_selecting_between_two_acceptable_doses_is_neither_over_nor_under():
    # doses 1 and 3 acceptable: dose 2, selected by the first ending, is not correct, but within the range
    data = exact()
    data["acceptable"][0] = [True, False, True]
    assert found(data, "correct_selection")[0] == pytest.approx(0.3)
    assert found(data, "overdose_selection")[0] == found(data, "underdose_selection")[0] == 0


@pytest.mark.parametrize(
    ("n", "over_60", "over_80"),
    [([2, 3], 0, 0), ([3, 7], 1, 0), ([1, 4], 1, 0), ([1, 5], 1, 1), ([4, 6], 0, 0), ([2, 8], 1, 0), ([0, 3], 1, 1)],
)
def test_shares_above_the_mtd_are_compared_in_whole_numbers(n, over_60, over_80):
    data = xr.Dataset(
        {
            "n": (("ending", "dose"), [n]),
            "acceptable": (("scenario", "dose"), [[True, False]]),
            "p_dlt": (("scenario", "dose"), [[0.25, 0.45]]),
            "weight": (("scenario", "ending"), [[1.0]]),
        },
        coords={"dose": ["a", "b"], "scenario": ["s"]},
        attrs={"trials": math.inf, "target": 0.25},
    )
    assert found(data, "overdosed_60").item() == over_60
    assert found(data, "overdosed_80").item() == over_80


def test_a_safe_drug_has_no_overdose_by_any_definition():
    """True rates of 1 to 13%: the highest dose is right by the interval rule, and no patient is above the MTD."""
    truth = make_scenarios([[0.01, 0.04, 0.08, 0.13]], ["safe"])
    design = Modified(BOIN(doses=4, target=0.25, cohort=3), (MaxPatients(n=12),))
    for rule in (MTDRule(0.25), MTDRule(0.25, "interval"), MTDRule(0.25, "interval", low=0.16, high=0.33)):
        data = judged(Exact()(design, truth), rule)
        for name in ("overdose_selection", "patients_above_mtd", "overdosed", "overdosed_60"):
            assert found(data, name).item() == 0
        assert found(data, "correct_selection").item() == found(data, "selection").item(3)
        lean = linear_measures(means_of(design, np.array([[0.01, 0.04, 0.08, 0.13]])), data["p_dlt"].to_numpy(), rule)
        for name, value in lean.items():
            assert value.item() == pytest.approx(found(data, name).item(), abs=1e-12)


@pytest.mark.parametrize(("n", "y", "high"), [(3, 1, 1), (13, 4, 1), (10, 3, 0), (20, 6, 0), (7, 2, 0)])
def test_a_dlt_fraction_is_high_from_0_05_above_the_target_on(n, y, high):
    """At a target of 0.25: 1/3 and 4/13 = 0.308 are above 0.30; 3/10 and 6/20 are just at it; 2/7 is below."""
    data = exact().copy(deep=True)
    data["n"][:], data["y"][:] = [n, 0, 0], [y, 0, 0]
    np.testing.assert_allclose(found(data, "high_dlt_fraction"), high, rtol=0, atol=1e-12)


def test_correct_at_a_target_above_that_from_which_none_is_right():
    """By hand: nobody may declare 30% at a target of 25% and none from 28% on; at a target of 35% dose 1 is right."""
    rule = MTDRule(0.25, none_above=0.28)
    data = exact().isel(scenario=[0])
    data["p_dlt"][0] = [0.30, 0.50, 0.60]
    data["selected"] = ("ending", [0, 1, -1])
    assert measure(judged(data, rule), "correct_selection")[0].item() == 0.2
    assert correct_at(data, rule, 0.25).item() == 0.2
    assert correct_at(data, rule, 0.35).item() == 0.5  # |0.30 - 0.35| < |0.50 - 0.35|
    assert correct_at(data, rule, 0.45).item() == 0.3  # |0.50 - 0.45| is the smallest
    assert correct_at(data, rule, 0.29).item() == 0.2  # then 0.30 is above it


def test_what_is_not_known_is_nan():
    data = exact()
    del data.attrs["registered"]
    data.attrs["planned"] = math.nan
    assert np.isnan(found(data, "over_planned")).all()
    assert np.isnan(found(data, "poor_allocation")).all()


def test_without_drop_out_the_enrolled_are_the_evaluable():
    data = exact().drop_vars("per_evaluable")
    np.testing.assert_array_equal(found(data, "enrolled"), found(data, "sample_size"))


def test_operating_characteristics_hold_every_measure_and_its_error():
    result = operating_characteristics(exact())
    assert set(result.data_vars) == set(METRICS) | {f"{m}_mcse" for m in METRICS} | set(QUANTILES)
    assert result["quantile"].to_numpy().tolist() == list(LEVELS)
    for name, wanted in BY_HAND.items():
        np.testing.assert_allclose(result[name].transpose("scenario", ...), np.array(wanted), rtol=0, atol=1e-13)


def test_what_counts_only_needs_no_judgement_and_what_is_right_does():
    data = exact().drop_vars(["acceptable", "mtd"])
    np.testing.assert_allclose(found(data, "selection"), np.array(BY_HAND["selection"]), rtol=0, atol=1e-13)
    np.testing.assert_allclose(found(data, "stopped"), np.array(BY_HAND["stopped"]), rtol=0, atol=1e-13)
    with pytest.raises(ValueError, match="wanted outcomes that were judged"):
        found(data, "correct_selection")


def test_doses_above_the_mtd_are_told_apart_where_the_same_is_right():
    """Dose 1 is right in both; dose 2 is above the target in one only, and has 7 of 10 patients."""
    data = xr.Dataset(
        {
            "n": (("ending", "dose"), [[3, 7]]),
            "acceptable": (("scenario", "dose"), [[True, False], [True, False]]),
            "p_dlt": (("scenario", "dose"), [[0.25, 0.45], [0.25, 0.25]]),
            "weight": (("scenario", "ending"), [[1.0], [1.0]]),
        },
        coords={"dose": ["a", "b"], "scenario": ["s", "t"]},
        attrs={"trials": math.inf, "target": 0.25},
    )
    assert found(data, "overdosed_60").tolist() == [1, 0]
    assert found(data, "patients_above_mtd").tolist() == [7, 0]
