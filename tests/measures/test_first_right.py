"""Patients before the first one at a right dose: by hand, by plain enumeration of courses, and simulated."""

import math

import numpy as np
import pytest
from oracle import Stop
from oracle_bundled import SCENARIOS, atd, boin, crm
from oracle_rules import Trial

from doseopt import (
    AcceleratedTitration,
    Exact,
    MTDRule,
    Simulate,
    ThreePlusThree,
    after,
    judged,
    load_study,
    make_scenarios,
)
from doseopt.engines.settled import SETTLED
from doseopt.measures.first_right import first_right

NAME = "patients_before_first_right"
DESIGNS = {
    "ATD+3+3 cap 10": lambda: atd(10),
    "ATD+3+3 uncapped": atd,
    "CRM 10": lambda: crm(10),
    "BOIN 13": lambda: boin(13),
}


@pytest.fixture(scope="module")
def study():
    return load_study("renji-elo-first")


def by_courses(trials, p, right):
    """Every course by itself, cohort after cohort, until a right dose is about to be given, or the trial ends."""
    decisions = {}

    def go(trial):
        if trial not in decisions:
            decisions[trial] = trials.decide(trial)
        answer = decisions[trial]
        if isinstance(answer, Stop) or answer.dose in right:
            return sum(trial.n)
        rate, size = p[answer.dose], answer.size
        chance = [math.comb(size, k) * rate**k * (1 - rate) ** (size - k) for k in range(size + 1)]
        return math.fsum(c * go(trials.treated(trial, answer, k)) for k, c in enumerate(chance))

    nothing = (0,) * len(p)
    return go(Trial(nothing, nothing))


@pytest.mark.parametrize("name", DESIGNS)
def test_by_plain_enumeration(study, name):
    found = first_right(study.evaluate(name))[NAME]
    trials = DESIGNS[name]()
    for scenario, (p, right) in SCENARIOS.items():
        if right is None:
            assert np.isnan(found.sel(scenario=scenario))
        else:
            assert found.sel(scenario=scenario).item() == pytest.approx(by_courses(trials, p, {right}), abs=1e-10)


def test_several_doses_may_be_right(study):
    """The interval from .10 to .40, by plain enumeration: the first dose of any of them counts."""
    rule = MTDRule(target=0.25, rule="interval", low=0.10, high=0.40)
    outcomes = judged(Exact()(study.designs["BOIN 13"], study.scenarios), rule)
    found = first_right(outcomes)[NAME]
    for name, (p, _) in list(SCENARIOS.items())[1:-1]:
        right = {j for j, rate in enumerate(p) if 0.10 <= rate <= 0.40}
        assert found.sel(scenario=name).item() == pytest.approx(by_courses(boin(13), p, right), abs=1e-10)


def test_by_hand():
    """3+3 at rates 0.5 and 0.25: the second dose follows 0 of 3, or 1 of 3 and 0 of 3; else the first stops it."""
    scenarios = make_scenarios([[0.5, 0.25]], ["second"])
    outcomes = judged(Exact()(ThreePlusThree(doses=2, target=0.25), scenarios), MTDRule(target=0.25, none_above=0.6))
    three = 1 / 8 + 4 / 8  # 0 of 3, and 2 or 3 of 3: three patients before the second dose, or in the whole trial
    assert first_right(outcomes)[NAME].item() == pytest.approx(3 * three + 6 * (1 - three))


@pytest.mark.parametrize("name", ["ATD+3+3 uncapped", "CRM 13"])
def test_simulated_agrees_within_its_error(study, name):
    exact = first_right(study.evaluate(name))
    drawn = first_right(study.evaluate(name, engine=Simulate(trials=4000, seed=11)))
    known = exact[NAME].notnull()
    assert (exact[f"{NAME}_mcse"].where(known, 0) == 0).all()
    error = drawn[f"{NAME}_mcse"].to_numpy()[known]
    assert (error > 0).any()
    off = np.abs((drawn[NAME] - exact[NAME]).to_numpy()[known])
    assert (off <= 4.5 * error + 1e-12).all()
    assert drawn[NAME].isnull().equals(exact[NAME].isnull())


def test_a_simulation_counts_every_trial_as_it_goes(study):
    """Where one patient is at the first dose and a right one is next, exactly one comes before."""
    outcomes = study.evaluate("CRM 10", engine=Simulate(trials=50, seed=1))
    assert np.allclose(outcomes["entry_weight"].where(outcomes["entry_dose"] == -1, 0).sum("entry"), 1, atol=1e-12)
    first = outcomes["entry_weight"].where(~outcomes["entry_given"].any("dose"), 0).sum("entry")
    assert np.allclose(first, 1, atol=1e-12)


def test_from_an_interim_on(study):
    """Patients before the start count where none has had a right dose; where one has, the order is not known."""
    design = study.designs["BOIN 13"]
    start = after(design, "1N 2NNN")
    for engine in (Exact(), Simulate(trials=200, seed=2)):
        found = first_right(study.evaluate("BOIN 13", start, engine))[NAME]
        assert found.sel(scenario="MTD 1.5 steep").item() >= 4
        assert found.sel(scenario=["MTD 0.15 steep", "MTD 0.5 steep", "too toxic"]).isnull().all()


def test_stopped_when_settled_a_trial_has_no_more_patients_before(study):
    whole, short = (first_right(study.evaluate("BOIN 13", engine=Exact(settled=s)))[NAME] for s in (False, True))
    assert (short <= whole + 1e-12).where(whole.notnull(), True).all()
    assert SETTLED in study.evaluate("BOIN 13", engine=Exact(settled=True))["stop_reason"]


def test_of_a_design_that_looks_at_moderate_toxicity():
    """Two doses are titrated in single patients until a DLT or a moderate toxicity; the third is right.

    The third dose comes after two patients if neither had any, at 0.9 x 0.8 each; after a moderate toxicity or a DLT
    more come before it.
    """
    design = AcceleratedTitration(doses=3, target=0.25, titrate=2, trigger="first_moderate")
    rates = np.array([[0.1, 0.1, 0.25]])
    scenarios = make_scenarios(rates, ["third"], p_moderate=np.full((1, 3), 0.2))
    exact, drawn = (
        judged(engine(design, scenarios), MTDRule(target=0.25)) for engine in (Exact(), Simulate(trials=4000, seed=3))
    )
    entry = exact["entry_weight"].where((exact["entry_dose"] == 2) & (exact["entry_patients"] == 2), 0).sum()
    assert entry.item() == pytest.approx((0.9 * 0.8) ** 2, abs=1e-12)
    one, other = first_right(exact), first_right(drawn)
    assert abs(one[NAME] - other[NAME]).item() < 4.5 * other[f"{NAME}_mcse"].item()
