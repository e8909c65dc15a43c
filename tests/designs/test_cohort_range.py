"""Cohorts of so many to so many patients as they come: the mixture by hand, its two ends, and a running trial."""

import numpy as np
import pytest
from test_behaviour import answer

from doseopt import BOIN, TITEBOIN, ThreePlusThree
from doseopt.comparison.as_they_come import at_end
from doseopt.comparison.compare import compare
from doseopt.conduct.next_dose import next_dose
from doseopt.conduct.pathways import paths
from doseopt.conduct.walk import walk
from doseopt.core.parameters import Faults
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import CohortRange, CohortsByDLT, CohortsByDose, MaxPatients, Titrate
from doseopt.engines.cohorts import cohorts_of
from doseopt.engines.exact import Exact, edge_weights, ending_weights
from doseopt.engines.graph import build_graph
from doseopt.engines.ordered import in_order, ordered
from doseopt.engines.simulate import Simulate
from doseopt.records.trial import Trial
from doseopt.scenarios import make_scenarios
from doseopt.study.file import parse_study

BASE = BOIN(doses=3, target=0.25)
RANGE = CohortRange(from_=2, to=3, weights=(3, 1))
DESIGN = Modified(BASE, (RANGE, MaxPatients(n=8)))
RATES = [[0.1, 0.25, 0.4], [0.3, 0.4, 0.5]]
STUDY = """
title = "as they come"
target = 0.25
[doses]
labels = ["a", "b", "c"]
[scenarios]
one = [0.1, 0.25, 0.4]
[designs.it]
kind = "boin"
modifiers = [{ kind = "cohort_range", from = 2, to = 3, weights = [3, 1] }, { kind = "max_patients", n = 8 }]
[designs.other]
kind = "boin"
modifiers = [{ kind = "max_patients", n = 6 }]
"""


def outcomes(design):
    return Exact()(design, make_scenarios(RATES, ["a", "b"]))


def means(found):
    weight = found["weight"].to_numpy()
    chosen = [(weight * (found["selected"].to_numpy() == j)).sum(axis=1) for j in range(-1, 3)]
    return np.array([*chosen, *np.einsum("re,ed->dr", weight, found["n"].to_numpy())])


def test_a_cohort_of_one_or_two_at_one_dose_by_hand():
    """At most two patients: one comes first with probability .3, and one more then; else two. DLTs are Bin(2, p)."""
    design = Modified(BOIN(doses=1, target=0.25), (CohortRange(from_=1, to=2, weights=(0.3, 0.7)), MaxPatients(n=2)))
    graph, p = build_graph(design, edges=True), np.array([[0.5]])
    weight = dict(zip(graph.state.y[graph.ending, 0].tolist(), ending_weights(graph, p)[0], strict=True))
    assert weight == pytest.approx({0: 0.25, 1: 0.5, 2: 0.25}, abs=1e-14)
    assert edge_weights(graph, p)[0, graph.ending].sum() == pytest.approx(1, abs=1e-14)
    cohorts = cohorts_of(graph, p)
    assert dict(zip(cohorts.cohorts.tolist(), cohorts.weight[0], strict=True)) == pytest.approx({1: 0.7, 2: 0.3})


@pytest.mark.parametrize(("end", "cohort"), [("fewest", 2), ("most", 3)])
def test_at_each_end_it_is_the_design_with_cohorts_of_that_size(end, cohort):
    fixed = Modified(BOIN(doses=3, target=0.25, cohort=cohort), (MaxPatients(n=8),))
    np.testing.assert_allclose(means(outcomes(at_end(DESIGN, end))), means(outcomes(fixed)), rtol=0, atol=1e-12)


def test_the_simulation_agrees():
    trials, exact = 20_000, means(outcomes(DESIGN))[:4]
    drawn = Simulate(trials=trials, seed=3)(DESIGN, make_scenarios(RATES, ["a", "b"]))
    found = np.array([(drawn["selected"].to_numpy() == j).mean(axis=1) for j in range(-1, 3)])
    assert (np.abs(found - exact) < 4 * np.sqrt(exact * (1 - exact) / trials) + 1e-9).all()
    assert abs(found - means(outcomes(at_end(DESIGN, "most")))[:4]).max() > 0.02


def test_with_other_rules_on_cohorts_they_hold_together():
    """A titration, a size and the cap leave places, of which as many are taken as patients come."""
    titrated = Modified(BASE, (Titrate(), RANGE, MaxPatients(n=8)))
    assert answer(titrated, "1N") == (2, 1)
    assert answer(titrated, "1N 2T 2NN") == (1, 3)  # 1 of 3 is above 0.298: down
    sizes = build_graph(Modified(BASE, (RANGE, CohortsByDose(sizes=(1, 3, 3)), MaxPatients(n=7))), edges=True)
    treated = sizes.category_counts.sum(axis=1)
    at_first = sizes.decision.dose[sizes.source] == 0
    assert set(treated[at_first].tolist()) == {1}
    assert set(treated[~at_first].tolist()) >= {2, 3}
    assert answer(Modified(BASE, (RANGE, CohortsByDLT(before=1, after=3), MaxPatients(n=7))), "1N 2T") == (1, 3)
    assert answer(DESIGN, "1NNN 2NNN") == (3, 2)


def test_patients_of_two_populations_alike_come_in_any_order():
    scenarios = make_scenarios(RATES, ["a", "b"])
    graph = build_graph(DESIGN, edges=True)
    turned = ordered(graph, in_order(scenarios, scenarios, 3))
    np.testing.assert_allclose(turned["weight"], ending_weights(graph, np.array(RATES)), rtol=0, atol=1e-13)


def test_the_cohort_given_is_the_cohort_seen():
    study = parse_study(STUDY)
    found = next_dose(study, Trial.from_outcomes("1NN 2NNN", study.doses))["designs"]["it"]
    assert (found["level"], found["fewest"], found["size"], found["departures"]) == (3, 2, 3, [])
    few = next_dose(study, Trial.from_outcomes("1N", study.doses))["designs"]["it"]
    assert (few["level"], few["size"], few["unfinished"]) == (1, 1, {"treated": 1, "of": 2})
    many = next_dose(study, Trial.from_outcomes("1NNNN", study.doses))["designs"]["it"]
    assert "the design gives 2 to 3 patients at level 1" in many["departure"]


def test_pathways_and_a_walk_have_cohorts_of_each_size():
    study = parse_study(STUDY)
    tree = paths(study, Trial.from_outcomes("", study.doses), "it", cohorts=2, scenario="one")
    leaf = tree["leaf"].to_numpy()
    assert tree["probability"].to_numpy()[leaf].sum() == pytest.approx(1, abs=1e-12)
    first = tree["depth"].to_numpy() == 1
    by_size = np.bincount(tree["patients"].to_numpy()[first], tree["probability"].to_numpy()[first])
    assert by_size[2:] == pytest.approx([0.75, 0.25], abs=1e-12)
    walked = [walk(study, Trial.from_outcomes("", study.doses), "it", "one", seed=seed)["steps"] for seed in range(6)]
    assert {step["size"] for steps in walked for step in steps[:2]} == {2, 3}


def test_a_comparison_says_both_ends():
    found = compare(parse_study(STUDY))
    for end, cohort in (("fewest", 2), ("most", 3)):
        fixed = means(outcomes(Modified(BOIN(doses=3, target=0.25, cohort=cohort), (MaxPatients(n=8),))))
        value = found[f"correct_selection_if_{end}_come"].to_numpy()
        assert value[0, 0] == pytest.approx(fixed[2, 0], abs=1e-12)
        assert np.isnan(value[1]).all()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"from_": 3, "to": 3}, "to: wanted more than from = 3, got 3"),
        ({"from_": 2, "to": 4, "weights": (1, 1)}, "weights: wanted 3, one for each of 2 to 4 patients, got 2"),
        ({"from_": 2, "to": 3, "weights": (0, 0)}, "not all 0"),
        ({"from_": 0, "to": 3}, "from: wanted a whole number in"),
    ],
)
def test_ranges_that_are_none(values, message):
    with pytest.raises(Faults, match=message):
        CohortRange(**values)


def test_designs_that_have_cohorts_of_their_own_take_no_range():
    with pytest.raises(Faults, match="leaves the cohort size open"):
        Modified(ThreePlusThree(doses=3, target=0.25), (RANGE,))
    with pytest.raises(Faults, match="decides on whole cohorts"):
        Modified(TITEBOIN(doses=3, target=0.25), (RANGE,))


def test_of_those_who_come_some_may_be_left_out():
    """One dose, one or two come, each left out with 1/2: evaluable are Bin, and a cohort without any is none."""
    design = Modified(BOIN(doses=1, target=0.25), (CohortRange(from_=1, to=2, weights=(0.5, 0.5)), MaxPatients(n=1)))
    scenarios = make_scenarios([[0.5]], ["one"]).assign(p_excluded=(("scenario", "dose"), [[0.5]]))
    two = Modified(design.base, (design.modifiers[0], MaxPatients(n=2)))
    for each in (design, two):
        found = Exact()(each, scenarios)
        assert found["weight"].sum().item() == pytest.approx(1, abs=1e-12)
        assert (found["weight"] * found["y"].sum("dose")).sum().item() == pytest.approx(0.5 * each.facts.cap, abs=1e-12)
    drawn = Simulate(trials=4_000, seed=1)(two, scenarios)
    exact = Exact()(two, scenarios)
    none = [(each["weight"] * (each["selected"] < 0)).sum().item() for each in (exact, drawn)]
    assert abs(none[0] - none[1]) < 4 * np.sqrt(none[0] * (1 - none[0]) / 4_000) + 1e-9
