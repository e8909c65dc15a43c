"""Cohort sizes, the demand before a trial may end, the narrow interval, and another final selection, worked by hand."""

import dataclasses

import numpy as np
import pytest
from scipy.stats import beta
from test_behaviour import answer

from doseopt import BLRM, BMACRM, BOIN, CRM, AcceleratedTitration, ThreePlusThree
from doseopt.core.parameters import Faults
from doseopt.core.trial import after, selected, step
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import (
    CohortsByDLT,
    CohortsByDose,
    CohortsInOrder,
    DemandAtDose,
    EnoughAtDose,
    MaxPatients,
    NarrowInterval,
    TooToxic,
)
from doseopt.designs.selecting import Selecting
from doseopt.engines.exact import Exact
from doseopt.engines.graph import build_graph
from doseopt.engines.outcomes import judged
from doseopt.measures.operating_characteristics import operating_characteristics
from doseopt.models.skeleton import IndifferenceInterval
from doseopt.scenarios import MTDRule, make_scenarios
from doseopt.study.file import parse_study

BASE = BOIN(doses=4, target=0.30)
CAP = MaxPatients(n=30)
THREE = ThreePlusThree(doses=4, target=0.25)


@pytest.mark.parametrize(
    ("rule", "outcomes", "wanted"),
    [
        (CohortsByDose(sizes=(1, 2, 3, 4)), "", (1, 1)),
        (CohortsByDose(sizes=(1, 2, 3, 4)), "1N", (2, 2)),
        (CohortsByDose(sizes=(1, 2, 3, 4)), "1N 2NN 3NNN", (4, 4)),
        (CohortsByDose(sizes=(1, 2, 3, 4)), "1N 2NT", (1, 1)),
        (CohortsByDLT(before=1, after=3), "", (1, 1)),
        (CohortsByDLT(before=1, after=3), "1N 2N", (3, 1)),
        (CohortsByDLT(before=1, after=3), "1N 2T", (1, 3)),
        (CohortsByDLT(before=1, after=3), "1N 2T 1NNN", (2, 3)),
        (CohortsInOrder(sizes=(1, 3, 2)), "", (1, 1)),
        (CohortsInOrder(sizes=(1, 3, 2)), "1N", (2, 3)),
        (CohortsInOrder(sizes=(1, 3, 2)), "1N 2NNN", (3, 2)),
        (CohortsInOrder(sizes=(1, 3, 2)), "1N 2NNN 3NN 4NN", (4, 2)),
        (CohortsInOrder(sizes=(4,)), "1NNNN", (2, 4)),
    ],
)
def test_the_next_cohort_size(rule, outcomes, wanted):
    assert answer(Modified(BASE, (rule, CAP)), outcomes) == wanted


def test_the_cap_truncates_what_a_size_rule_asks_for():
    design = Modified(BASE, (CohortsByDLT(before=4, after=4), MaxPatients(n=6)))
    assert answer(design, "1NNNN") == (2, 2)


@pytest.mark.parametrize(
    "base", [THREE, AcceleratedTitration(doses=4, target=0.25), BOIN(doses=4, target=0.25, titration=True)]
)
def test_a_design_that_counts_on_its_own_sizes_takes_no_size_rule(base):
    with pytest.raises(Faults, match="leaves the cohort size open"):
        Modified(base, (CohortsByDLT(before=1, after=3), CAP))


def test_sizes_by_dose_want_one_a_dose():
    with pytest.raises(Faults, match=r"modifiers\[0\].sizes: wanted 4 sizes, one a dose, got 2"):
        Modified(BASE, (CohortsByDose(sizes=(1, 3)), CAP))


@pytest.mark.parametrize(("position", "wanted"), [(1, (1, 2, 2, 3, 4)), (2, (1, 2, 3, 3, 4)), (3, (1, 2, 3, 4, 4))])
def test_an_inserted_dose_has_the_cohort_size_of_the_dose_above_it(position, wanted):
    assert CohortsByDose(sizes=(1, 2, 3, 4)).with_dose(position, 1.5).sizes == wanted


@pytest.mark.parametrize(("level", "wanted"), [(1, 1), (2, 2), (3, 4), (4, 5), ("any", "any"), ("recommended",) * 2])
def test_enough_patients_are_still_wanted_at_the_dose_that_was_meant(level, wanted):
    """A dose between levels 2 and 3 (index 2) moves levels 3 and 4 up."""
    moved = EnoughAtDose(n=6, dose=level, only_if_staying=True).with_dose(2, 1.5)
    assert (moved.n, moved.dose, moved.only_if_staying) == (6, wanted, True)


def test_a_design_with_an_inserted_dose_keeps_the_sizes_and_the_stop_of_its_own_doses():
    rules = (CohortsByDose(sizes=(1, 2, 4, 4)), EnoughAtDose(n=6, dose=2), CAP)
    design = Modified(BASE, rules).with_dose(1, 1.5)
    assert answer(design, "1N") == (2, 2)
    assert answer(design, "1N 2NN") == (3, 2)
    assert answer(design, "1N 2NN 3NN") == (4, 4)
    assert answer(design, "1N 2NN 2NN 2NN") == (3, 2)  # six at the inserted dose: not the one that was meant
    assert answer(design, "1N 2NN 3NN 3NT 3NT")[0] == "enough_at_dose"


@pytest.mark.parametrize("wrong", [(), (0,), (1.5,), (True,), 3])
def test_sizes_that_are_none(wrong):
    with pytest.raises(Faults, match="wanted a list of cohort sizes"):
        CohortsInOrder(sizes=wrong)


# "1NNN 2NNN 3NTT 2NNN": dose 3 excluded, 0 of 6 at dose 2, which 3+3 declares the MTD.
COMPLETE = "1NNN 2NNN 3NTT 2NNN"


def test_a_demand_holds_up_a_complete_trial_until_it_is_met():
    assert answer(THREE, COMPLETE) == ("complete", 2)
    design = Modified(THREE, (DemandAtDose(n=9),))
    assert answer(design, COMPLETE) == (2, 3)
    assert answer(design, f"{COMPLETE} 2NNN") == ("complete", 2)
    assert answer(design, f"{COMPLETE} 2NTT") == (1, 3)


def test_a_demand_leaves_the_size_to_a_design_that_has_a_cohort_in_mind():
    """Nobody was at level 2, where four are wanted: BOIN's next cohort there is of three. One is missing at level 1."""
    rules = (EnoughAtDose(n=3, dose="any"), DemandAtDose(n=4), CAP)
    assert answer(Modified(BASE, rules), "1NNN") == (2, 3)
    assert answer(Modified(BASE, rules), "1NNT") == (1, 3)  # 1/3 stays


def test_a_demand_keeps_the_cohort_size_that_the_design_has_in_mind():
    # 2 of 6 is between the boundaries of BOIN at 0.30: stay. One patient is missing, the cohort has three
    enough = EnoughAtDose(n=6)
    assert answer(Modified(BASE, (enough, CAP)), "1NNT 1NNT") == ("enough_at_dose", 1)
    assert answer(Modified(BASE, (enough, DemandAtDose(n=7), CAP)), "1NNT 1NNT") == (1, 3)
    # 3+3 has no further cohort in mind: it treats those that are missing
    assert answer(Modified(THREE, (DemandAtDose(n=7),)), COMPLETE) == (2, 1)


def test_the_narrow_interval_is_that_of_the_dose_to_be_given():
    # 90% intervals: of 0 in 6 under Beta(1, 7) 0.34 wide, of none 0.90, of 2 in 2 0.61
    design = Modified(BASE, (NarrowInterval(width=0.4), CAP))
    assert answer(design, "1NNNNNN") == (2, 3)
    assert answer(design, "1NNNNNN 2TT")[0] == "narrow_interval"
    wide = Modified(BASE, (NarrowInterval(width=0.3), CAP))
    assert answer(wide, "1NNNNNN 2TT") == (1, 3)


def test_a_demand_never_undoes_the_cap_or_too_toxic():
    assert answer(Modified(THREE, (DemandAtDose(n=9), MaxPatients(n=12))), COMPLETE) == ("max_patients", 2)
    toxic = Modified(BASE, (DemandAtDose(n=9), CAP))
    assert answer(toxic, "1TTT") == ("too_toxic", None)


def test_a_trial_that_a_demand_sends_on_is_still_held_to_the_safety_stop():
    # 1 of 6 at the lowest dose, dose 2 excluded: complete. Pr(p_1 > 0.05 | Beta(2, 6)) = 0.96.
    seen = "1NNT 1NNN 2TTN"
    chance = beta(2, 6).sf(0.05)
    assert chance > 0.95
    assert answer(Modified(THREE, (DemandAtDose(n=9), TooToxic(confidence=0.97, above=0.05))), seen) == (1, 3)
    assert answer(Modified(THREE, (DemandAtDose(n=9), TooToxic(confidence=0.95, above=0.05))), seen) == (
        "too_toxic",
        None,
    )


def test_a_demand_and_enough_at_dose():
    # 1 of 3 at phi = 0.30: stay. Two rules: enough with 3 patients, but at least 6 wanted.
    enough = EnoughAtDose(n=3)
    assert answer(Modified(BASE, (enough, CAP)), "1NNN 2NNT") == ("enough_at_dose", 2)
    design = Modified(BASE, (enough, DemandAtDose(n=6), CAP))
    assert answer(design, "1NNN 2NNT") == (2, 3)
    assert answer(design, "1NNN 2NNT 2NNT") == ("enough_at_dose", 2)


def test_a_demanded_design_declares_no_dose_on_fewer():
    graph = build_graph(Modified(THREE, (DemandAtDose(n=9),)), edges=True)
    chosen = graph.selected >= 0
    rows = graph.state[graph.ending[chosen]]
    assert rows.n[rows.at, graph.selected[chosen]].min() == 9


@pytest.mark.parametrize(("outcomes", "n", "y"), [("1NNN 1NNN", 6, 0), ("1NNT 1NNN", 6, 1), ("1NNT 1NNN 1NNT", 9, 2)])
def test_the_narrow_interval_of_the_beta_posterior(outcomes, n, y):
    """BOIN has no model: Beta(1 + y, 1 + n - y), here at its only dose."""
    law = beta(1 + y, 1 + n - y)
    width = float(law.ppf(0.95) - law.ppf(0.05))
    one = BOIN(doses=1, target=0.30)
    assert answer(Modified(one, (NarrowInterval(width=width + 1e-6), CAP)), outcomes) == ("narrow_interval", 1)
    assert answer(Modified(one, (NarrowInterval(width=width - 1e-6), CAP)), outcomes) == (1, 3)


def test_stopping_reasons_reach_the_results():
    scenarios = make_scenarios([[0.05, 0.15, 0.30, 0.45]], ["a"], ["1", "2", "3", "4"])
    design = Modified(BASE, (EnoughAtDose(n=9), NarrowInterval(width=0.4), MaxPatients(n=15)))
    oc = operating_characteristics(judged(Exact()(design, scenarios), MTDRule(target=0.30)))
    why = oc["stopped"].isel(scenario=0).to_series()
    assert set(why.index) == {"too_toxic", "enough_at_dose", "narrow_interval", "max_patients"}
    assert abs(why.sum() - 1) < 1e-12
    assert (why > 0).all()


# Another final selection

SKELETON = IndifferenceInterval(prior_mtd=3, halfwidth=0.05)


def ends(design, outcomes):
    state = after(design, outcomes)
    given = step(design, state)
    assert given.stop[0]
    return int(selected(design, state, given.stop)[0]) + 1


def test_selection_by_isotonic_regression():
    # 0/3, 1/6, 2/3: 3+3 declares dose 2. With target 0.05, isotonic regression takes dose 1 (0/3).
    seen = "1NNN 2NNT 2NNN 3NTT"
    assert ends(THREE, seen) == 2
    assert ends(Selecting(THREE, BOIN(doses=4, target=0.05)), seen) == 1
    assert ends(Selecting(THREE, BOIN(doses=4, target=0.25)), seen) == 2


def test_a_selector_does_not_select_what_allocation_excluded():
    # 2 of 6 at dose 3: 3+3 has excluded it and all above; the CRM at target 1/3 would go higher than dose 2.
    seen = "1NNN 2NNN 3NNT 3NNT 2NNN"
    crm = CRM(doses=4, target=1 / 3, skeleton=SKELETON)
    state = after(crm, seen)
    assert int(crm.select(state, np.zeros(1, int))[0]) + 1 >= 3
    assert ends(Selecting(THREE, crm), seen) == 2


def test_too_toxic_selects_none_whatever_the_selector():
    assert ends(Selecting(THREE, CRM(doses=4, target=0.25, skeleton=SKELETON)), "1TTN") == 0


def test_selection_changes_no_allocation():
    scenarios = make_scenarios([[0.05, 0.15, 0.30, 0.45]], ["a"], ["1", "2", "3", "4"])
    rule = MTDRule(target=0.25)
    plain, other = (
        operating_characteristics(judged(Exact()(design, scenarios), rule))
        for design in (THREE, Selecting(THREE, CRM(doses=4, target=0.25, skeleton=SKELETON)))
    )
    np.testing.assert_array_equal(plain["patients"], other["patients"])
    assert abs(plain["selection"] - other["selection"]).max() > 0.01


def test_a_selector_must_read_the_tally_alone():
    titration = AcceleratedTitration(doses=4, target=0.25, trigger="first_moderate")
    with pytest.raises(Faults, match="reads the tally alone, got one that keeps moderate"):
        Selecting(THREE, titration)
    with pytest.raises(Faults, match="wanted 4 doses"):
        Selecting(THREE, BOIN(doses=3, target=0.25))


DOSES = (1.0, 2.0, 4.0, 8.0)
BAYESIAN = BLRM(doses=4, target=0.25, dose_values=DOSES, reference_dose=4.0, unit="mg")


@pytest.mark.parametrize(
    ("selector", "changes"),
    [
        (
            BAYESIAN,
            {
                "mean": (-1.0, 0.1),
                "cov": ((1.0, 0.2), (0.2, 1.0)),
                "reference_dose": 2.0,
                "intervals": (0.2, 0.3),
                "feasibility": 0.5,
                "overdose": 0.4,
                "rule": "mean",
                "select_untried": False,
            },
        ),
        (
            CRM(doses=4, target=0.25, skeleton=SKELETON),
            {"prior_sd": 0.5, "model": "logistic", "estimate": "mean", "select_untried": False},
        ),
        (BMACRM(doses=4, target=0.25), {"prior_sd": 0.5, "weights": (0.1, 0.2, 0.3, 0.4)}),
        (BOIN(doses=4, target=0.25), {"cutoff": 0.9, "bounded": True, "target": 0.2}),
    ],
)
def test_whatever_a_selection_rests_on_is_described(selector, changes):
    rows = Selecting(THREE, selector).describe()
    for name, value in changes.items():
        other = Selecting(THREE, dataclasses.replace(selector, **{name: value}))
        assert other.describe() != rows, name
    prior = [row.reading for row in Selecting(THREE, BAYESIAN).describe() if row.rule == "selection: prior"]
    assert prior == ["log a ~ N(-1.39, 2.25), log b ~ N(0, 0.49), covariance 0 (variances)"]


STUDY = """
title = "t"
target = 0.25
[doses]
labels = ["a", "b", "c", "d"]
[scenarios]
"m" = [0.05, 0.15, 0.25, 0.40]
[designs.A]
kind = "three_plus_three"
selection = { kind = "crm", skeleton = { prior_mtd = 3, halfwidth = 0.05 } }
modifiers = [{ kind = "demand_at_dose", n = 6 }, { kind = "max_patients", n = 18 }]
[designs.B]
kind = "boin"
modifiers = [{ kind = "cohorts_in_order", sizes = [1, 1, 3] }, { kind = "max_patients", n = 18 }]
"""


def test_the_study_file_says_it_all_and_back():
    study = parse_study(STUDY)
    assert isinstance(study.designs["A"].base, Selecting)
    again = parse_study(study.to_toml())
    assert again == study
    assert again.hash == study.hash


def test_faults_of_a_selection_have_their_place():
    wrong = STUDY.replace('kind = "crm", skeleton', 'kind = "crn", skeleton')
    with pytest.raises(Faults, match=r"designs.A.selection.kind: unknown kind 'crn'"):
        parse_study(wrong)
    wrong = STUDY.replace('selection = { kind = "crm"', 'selection = { modifiers = [], kind = "crm"')
    with pytest.raises(Faults, match=r"designs.A.selection.modifiers: unknown key"):
        parse_study(wrong)
