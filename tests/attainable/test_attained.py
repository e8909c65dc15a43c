"""What designs attain of what is attainable: regret, bounds with fewer patients, price of rules, maps."""

import numpy as np
import pytest

import doseopt.attainable.price as price_module
from doseopt import BOIN, CRM, Exact, MaxPatients, Modified, NoSkipping, ThreePlusThree, Utility, judged, make_scenarios
from doseopt.attainable import Rules, bayes_optimal
from doseopt.attainable.attained import limits_of
from doseopt.attainable.frontier import frontier, frontier_bound
from doseopt.attainable.maps import truth_map
from doseopt.attainable.price import RULES, price_of_rules
from doseopt.beliefs import LogisticFamily, belief_of_rates
from doseopt.core.parameters import Faults
from doseopt.display.attained import ATTAINABLE
from doseopt.engines.budget import TooManyStates
from doseopt.measures.expected import expected_utility
from doseopt.measures.operating_characteristics import measure
from doseopt.scenarios import MTDRule
from doseopt.study.file import parse_study

MTD = MTDRule(0.25)
BELIEF = belief_of_rates(LogisticFamily(location=2.0, location_sd=1.2, points=5).rates(3, 0.25))
PRICED = Utility(none=0.8, per_dlt=0.02, per_patient_above_mtd=0.01, per_patient=0.001)
DESIGNS = {
    "3+3": Modified(ThreePlusThree(doses=3, target=0.25), (MaxPatients(n=8),)),
    "BOIN": Modified(BOIN(doses=3, target=0.25), (MaxPatients(n=8),)),
    "CRM": Modified(CRM(doses=3, target=0.25, skeleton=(0.1, 0.25, 0.4)), (NoSkipping(), MaxPatients(n=8))),
    "CRM singles": Modified(
        CRM(doses=3, target=0.25, skeleton=(0.1, 0.25, 0.4), cohort=1), (NoSkipping(), MaxPatients(n=8))
    ),
}


def averages(design, utility):
    outcomes = judged(Exact()(design, BELIEF.scenarios), MTD)
    counts = [measure(outcomes, name)[0] for name in ("sample_size", "patients_above_mtd")]
    return [float(BELIEF.weights @ v.to_numpy()) for v in (expected_utility(outcomes, utility), *counts)]


@pytest.mark.parametrize("utility", [Utility(), PRICED])
@pytest.mark.parametrize(("price", "which"), [("per_patient", 1), ("per_patient_above_mtd", 2)])
def test_no_design_exceeds_the_frontier_at_its_own_number_of_patients(utility, price, which):
    _, front = frontier(BELIEF, MTD, Rules(8), utility, price)
    best = bayes_optimal(BELIEF, MTD, Rules(8), utility).value
    for name, design in DESIGNS.items():
        row = averages(design, utility)
        bound = frontier_bound(front, row[which])
        assert row[0] <= bound + 1e-9, name
        assert bound <= best + 1e-9, name


def test_the_frontier_trades_utility_for_patients_above_the_mtd():
    _, front = frontier(BELIEF, MTD, Rules(8))
    assert np.allclose(front["utility"] - front["price"] * front["count"], front["value"], rtol=0, atol=1e-9)
    assert (np.diff(front["utility"]) <= 1e-9).all()
    assert (np.diff(front["count"]) <= 1e-9).all()
    # its own policies lie on the bound
    for k in range(front.sizes["price"]):
        point = front.isel(price=k)
        assert frontier_bound(front, float(point["count"])) == pytest.approx(float(point["utility"]), abs=1e-9)


def test_price_of_rules():
    result = price_of_rules(BELIEF, MTD, [4, 7])
    assert result["price"].sel(rule=ATTAINABLE).to_numpy().tolist() == [0, 0]
    assert float(result["price"].sel(rule="skipping allowed").max()) <= 1e-12
    assert float(result["price"].drop_sel(rule="skipping allowed").min()) >= -1e-12
    assert (result["optimum"].sel(enrolment=7) >= result["optimum"].sel(enrolment=4)).all()
    threes = bayes_optimal(BELIEF, MTD, Rules(7, cohort=3)).value
    assert result["optimum"].sel(rule="cohorts of 3", enrolment=7).item() == threes
    after_one = bayes_optimal(BELIEF, MTD, Rules(7, cohort=3, first_cohort=1)).value
    assert result["optimum"].sel(rule="1 patient, then cohorts of 3", enrolment=7).item() == after_one


def test_every_rule_changes_the_class():
    base = Rules(10)
    changed = {name: rule(base) for name, rule in RULES.items()}
    assert changed.pop(ATTAINABLE) == base
    assert base not in changed.values()
    assert len(set(changed.values())) == len(changed)


def test_a_rule_that_is_too_large_to_solve_has_no_price(monkeypatch):
    def refuse(*arguments):
        raise TooManyStates("too many")

    monkeypatch.setattr(price_module, "guard", refuse)
    result = price_of_rules(BELIEF, MTD, [4])
    assert np.isnan(result["price"]).all()
    assert result.attrs["not_computed"] == "every rule, 4 patients: too many"

    def refuse_coherent(course, rules):
        return refuse() if rules.coherent else None

    monkeypatch.setattr(price_module, "guard", refuse_coherent)
    result = price_of_rules(BELIEF, MTD, [4])
    both = "coherent, 4 patients; cohorts of 3, coherent, MTD tried, safety stop, 4 patients: too many"
    assert result.attrs["not_computed"] == both
    assert result["price"].isnull().sum() == 2


def test_the_map_is_the_exact_engine_at_each_truth():
    result = truth_map(DESIGNS, MTD)
    where = {"location": 1.5, "odds_ratio": float(result["odds_ratio"][13])}
    slope = np.log(where["odds_ratio"])
    odds = (0.25 / 0.75) * np.exp(slope * (np.array([1, 2, 3]) - 1.5))
    truth = make_scenarios([odds / (1 + odds)])
    at = result.sel(where)
    assert at["map_mtd"].item() == MTD.mtd(truth["p_dlt"])[0]
    for name, design in DESIGNS.items():
        alone = measure(judged(Exact()(design, truth), MTD), "correct_selection")[0].item()
        assert at["map_correct_selection"].sel(design=name).item() == pytest.approx(alone, abs=1e-12)


def test_where_the_target_lies_on_a_dose_it_is_the_mtd():
    result = truth_map({"3+3": DESIGNS["3+3"]}, MTD)["map_mtd"]
    for level in (1, 2, 3):
        assert (result.sel(location=float(level)) == level - 1).all()
    assert (result.sel(location=0.0).isel(odds_ratio=slice(10, None)) == -1).all()


STUDY = """
title = "three doses"
target = 0.25
doses = { labels = ["a", "b", "c"] }
belief = { kind = "logistic", location = 2.0, location_sd = 1.2, points = 5 }
[scenarios]
s = [0.1, 0.25, 0.4]
[designs."3+3"]
kind = "three_plus_three"
modifiers = [{ kind = "max_patients", n = 8 }]
[designs.BOIN]
kind = "boin"
modifiers = [{ kind = "max_patients", n = 5 }]
"""


def test_limits_of_a_study():
    told = []
    found = limits_of(parse_study(STUDY), told.append)
    ds = found.dataset
    assert list(found.policies) == ["optimal 8", "optimal 5"]
    assert told[0] == "3+3"
    of_class = [text for text in told if text.startswith(Rules(8).describe())]
    trades = f"{Rules(8).describe()}, prices of patients above mtd, "
    assert of_class[:2] == [Rules(8).describe(), f"{trades}11%"]
    assert f"{trades}100%" in of_class
    assert [f"{trades}{k} of 11" in of_class for k in range(1, 12)] == [True] * 11
    assert "cohorts of 2; 8 patients, 100%" in told
    assert len(set(told)) > len(told) - 3  # the designs are drawn over truths at the end
    for name, cap in (("3+3", 8), ("BOIN", 5)):
        best = bayes_optimal(BELIEF, MTD, Rules(cap))
        row = ds.sel(design=name)
        assert row["attainable"].item() == pytest.approx(best.value, abs=1e-12)
        assert ds["utility"].sel(design=f"optimal {cap}").item() == pytest.approx(best.value, abs=1e-9)
        assert row["regret"].item() == pytest.approx(best.value - row["correct_selection"].item(), abs=1e-12)
        assert row["efficiency"].item() == pytest.approx(row["correct_selection"].item() / best.value, abs=1e-12)
        assert row["utility"].item() <= row["attainable_same_exposure"].item() <= best.value + 1e-12
        assert row["utility"].item() <= row["attainable_same_size"].item() <= best.value + 1e-12
    assert ds["enrolment"].to_numpy().tolist() == [5, 8]
    assert ds.sizes["policy"] == 2
    assert ds.attrs["scenarios"] == 25


def test_fewer_patients_attain_less():
    """By any price c of a patient no design with N expected patients attains more than V(c) + c N."""
    rules = 'modifiers = [{ kind = "enough_at_dose", n = 3 }, { kind = "max_patients", n = 9 }]'
    text = STUDY.replace('modifiers = [{ kind = "max_patients", n = 5 }]', rules)
    row = limits_of(parse_study(text)).dataset.sel(design="BOIN")
    size, found = row["sample_size"].item(), row["attainable_same_size"].item()
    assert size < 6.5
    bounds = [bayes_optimal(BELIEF, MTD, Rules(9), Utility(per_patient=c)).value + c * size for c in (0.004, 0.012)]
    assert row["utility"].item() <= found <= min(bounds) + 1e-12
    assert found < row["attainable"].item() - 0.01


def test_with_prices_there_is_no_ratio():
    text = STUDY.replace("[scenarios]", "utility = { per_dlt = 0.05 }\n[scenarios]")
    ds = limits_of(parse_study(text)).dataset
    assert np.isnan(ds["efficiency"]).all()
    assert (ds["regret"].sel(design=["3+3", "BOIN"]) > 0).all()
    expected = ds["correct_selection"] - 0.05 * ds["total_dlts"]
    assert np.allclose(ds["utility"], expected, rtol=0, atol=1e-9)


def test_designs_that_see_more_than_dlts_are_left_out_and_said_so():
    text = STUDY.replace("s = [0.1, 0.25, 0.4]", "s = { p_dlt = [0.1, 0.25, 0.4], p_moderate = [0.1, 0.1, 0.2] }")
    moderate = '[designs.ATD]\nkind = "accelerated_titration"\ntrigger = "first_moderate"\n'
    ds = limits_of(parse_study(text + moderate)).dataset
    assert "ATD" not in ds["design"].to_numpy()
    assert ds.attrs["left_out"] == "ATD"
    with pytest.raises(Faults, match="wanted at least one that looks at DLTs only"):
        limits_of(parse_study(text[: text.index("[designs.")] + moderate))


def test_with_insertable_doses_the_mtd_is_a_planned_one():
    text = STUDY.replace(
        '["a", "b", "c"]', '["1", "3", "10"], values = [1, 3, 10], unit = "mg", insertable = "midpoints"'
    )
    found = limits_of(
        parse_study(text.replace('kind = "three_plus_three"', 'kind = "three_plus_three"\ninserts = true'))
    )
    ds = found.dataset
    assert found.policies["optimal 8, skipping"].doses == 5
    assert (ds["utility"] <= ds["attainable"].fillna(1) + 1e-9).all()
    assert ds["utility"].sel(design="optimal 8, skipping").item() == pytest.approx(
        ds["attainable"].sel(design="3+3").item(), abs=1e-9
    )
    assert "map_correct_selection" not in ds


def test_patients_below_the_mtd_are_averaged_over_what_has_one():
    """By hand: the only patient is at dose 1, below the MTD where that is dose 2."""
    text = """
title = "Two"
target = 0.25
[doses]
labels = ["a", "b"]
[scenarios]
second = [0.05, 0.25]
first = [0.25, 0.5]
none = [0.6, 0.7]
[designs.one]
kind = "boin"
cohort = 1
modifiers = [{ kind = "max_patients", n = 1 }]
"""
    found = limits_of(parse_study(text)).dataset.sel(design="one")
    assert found["patients_below_mtd"].item() == pytest.approx((1 + 0) / 2, abs=1e-12)
    assert found["patients_above_mtd"].item() == pytest.approx(1 / 3, abs=1e-12)
