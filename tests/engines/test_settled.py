"""Stopping when every reachable ending selects the same dose, against a plain recursion over the trial."""

import numpy as np
import pytest

from doseopt import BOIN, CRM, AcceleratedTitration, ThreePlusThree
from doseopt.comparison.compare import compare
from doseopt.core.state import CONTINUE, Decision, TrialState
from doseopt.core.trial import advance, selected, step
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import MaxPatients
from doseopt.engines.exact import Exact, edge_weights, ending_weights
from doseopt.engines.graph import build_graph
from doseopt.engines.outcomes import judged
from doseopt.engines.settled import in_vain, settle
from doseopt.measures.operating_characteristics import operating_characteristics
from doseopt.scenarios import MTDRule, make_scenarios
from doseopt.study.file import load_study, parse_study

DESIGNS = {
    "boin": Modified(BOIN(doses=3, target=0.25, cohort=2), (MaxPatients(n=6),)),
    "crm": Modified(CRM(doses=3, target=0.25, skeleton=(0.1, 0.25, 0.4), cohort=2), (MaxPatients(n=6),)),
    "3+3": ThreePlusThree(doses=3, target=0.25),
    "moderate": AcceleratedTitration(doses=3, target=0.25, titrate=2, trigger="first_moderate"),
}
P, MODERATE = np.array([0.1, 0.25, 0.45]), np.array([0.1, 0.2, 0.3])


def children(design, state, decision):
    size, dose = int(decision.size[0]), int(decision.dose[0])
    ways = range(size + 1)
    if design.facts.outcomes.graded is False:
        outcomes = [(k, size - k) for k in ways]
    else:
        outcomes = [(k, m, size - k - m) for k in ways for m in range(size - k + 1)]
    rates = [P[dose], 1 - P[dose]]
    if design.facts.outcomes.graded:
        rates = [P[dose], (1 - P[dose]) * MODERATE[dose], (1 - P[dose]) * (1 - MODERATE[dose])]
    for outcome in outcomes:
        chance = float(np.prod([r**k for r, k in zip(rates, outcome, strict=True)]))
        left = size
        for k in outcome:
            for i in range(k):
                chance *= (left - i) / (i + 1)
            left -= k
        yield chance, advance(design, state, decision, np.array([outcome]))


def reachable(design, state, known):
    key = (*state.n[0], *state.y[0], *state.dose, *state.memory[0])
    if key not in known:
        known[key] = reached(design, state, known)
    return known[key]


def reached(design, state, known):
    decision = step(design, state)
    if decision.stop[0] != CONTINUE:
        return {int(selected(design, state, decision.stop)[0])}
    return set().union(*(reachable(design, child, known) for _, child in children(design, state, decision)))


def walked(design, state, known, done):
    """[P(none), P(1), ...] and the expected patients of the trial that stops when its answer is settled."""
    key = (*state.n[0], *state.y[0], *state.dose, *state.memory[0])
    if key not in done:
        done[key] = _walked(design, state, known, done)
    return done[key]


def _walked(design, state, known, done):
    found = reachable(design, state, known)
    if state.started[0] and len(found) == 1:
        chosen = np.zeros(design.facts.doses + 1)
        chosen[min(found) + 1] = 1
        return chosen, float(state.total[0])
    decision = step(design, state)
    total, size = np.zeros(design.facts.doses + 1), 0.0
    for chance, child in children(design, state, Decision(decision.dose, decision.size, decision.stop)):
        chosen, patients = walked(design, child, known, done)
        total, size = total + chance * chosen, size + chance * patients
    return total, size


@pytest.mark.parametrize("name", DESIGNS)
def test_the_settled_trial(name):
    design = DESIGNS[name]
    scenarios = make_scenarios([P], ["a"], ["1", "2", "3"], p_moderate=[MODERATE])
    rule = MTDRule(target=0.25)
    oc = operating_characteristics(judged(Exact(settled=True)(design, scenarios), rule)).isel(scenario=0)
    whole = operating_characteristics(judged(Exact()(design, scenarios), rule)).isel(scenario=0)
    chosen, size = walked(design, TrialState.empty(3, len(design.facts.memory)), {}, {})
    np.testing.assert_allclose(oc["no_selection"], chosen[0], atol=1e-12)
    np.testing.assert_allclose(oc["selection"], chosen[1:], atol=1e-12)
    np.testing.assert_allclose(oc["sample_size"], size, atol=1e-12)
    np.testing.assert_allclose(oc["selection"], whole["selection"], atol=1e-12)
    assert float(oc["sample_size"]) <= float(whole["sample_size"]) + 1e-12
    if name in ("boin", "crm"):
        assert float(oc["stopped"].sel(stop_reason="settled")) > 0


def test_a_trial_whose_answer_is_settled_beforehand_treats_its_first_cohort():
    """One dose, two patients of whom BOIN excludes it for neither: level 1 is declared whatever is seen."""
    design = Modified(BOIN(doses=1, target=0.25, cohort=1), (MaxPatients(n=2),))
    scenarios = make_scenarios([[0.25]])
    whole, settled = (judged(Exact(settled=s)(design, scenarios), MTDRule(target=0.25)) for s in (False, True))
    assert operating_characteristics(whole)["sample_size"].item() == pytest.approx(2, abs=1e-12)
    oc = operating_characteristics(settled)
    assert oc["sample_size"].item() == pytest.approx(1, abs=1e-12)
    assert oc["total_dlts"].item() == pytest.approx(0.25, abs=1e-12)
    assert oc["selection"].item() == pytest.approx(1, abs=1e-12)
    assert oc["stopped"].sel(stop_reason="settled").item() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("name", ["boin", "crm", "3+3"])
def test_paths_are_counted_anew(name):
    graph = settle(build_graph(DESIGNS[name], edges=True))
    p = np.array([P])
    np.testing.assert_allclose(ending_weights(graph, p), edge_weights(graph, p)[:, graph.ending], atol=1e-14)


STUDY = """
title = "t"
target = 0.25
[doses]
labels = ["a", "b", "c"]
[scenarios]
"m" = [0.05, 0.25, 0.40]
[designs.A]
kind = "boin"
modifiers = [{ kind = "max_patients", n = 12 }]
"""


def test_a_comparison_of_settled_trials_says_so():
    study = parse_study(STUDY)
    result = compare(study, Exact(settled=True))
    assert "settled" in result["stop_reason"].to_numpy()
    assert "settled" in result.attrs["engine"]
    assert result.attrs["engine"] != compare(study).attrs["engine"]


@pytest.mark.parametrize(("doses", "start"), [(60, 55), (63, 60), (70, 66), (130, 128)])
@pytest.mark.parametrize("kind", ["3+3", "boin"])
def test_stopping_once_settled_changes_no_selection_with_many_doses(kind, doses, start):
    truth = make_scenarios([np.linspace(0.001, 0.9, doses)])
    base = (
        ThreePlusThree(doses=doses, target=0.25, start=start, mtd_at_cap="not_excluded")
        if kind == "3+3"
        else BOIN(doses=doses, target=0.25, cohort=2, start=start)
    )
    outcomes = [Exact(settled=s)(Modified(base, (MaxPatients(n=9),)), truth) for s in (False, True)]
    chances = [np.bincount(o["selected"] + 1, o["weight"].to_numpy()[0], doses + 1) for o in outcomes]
    np.testing.assert_allclose(*chances, rtol=0, atol=1e-12)
    patients = [float((o["n"].sum("dose") * o["weight"]).sum()) for o in outcomes]
    assert patients[1] < patients[0] - 1e-3 if kind == "boin" else patients[1] <= patients[0]


def test_a_trial_in_vain_is_the_one_of_the_registered_protocol():
    """Ten patients: after 1 + 3 + 3 without a DLT six at one dose can no longer be had but at doses already passed."""
    designs = load_study("renji-elo").designs
    assert in_vain(build_graph(designs["ATD+3+3 cap 10"], edges=True)) == "1N 2NNN 3NNN"
    assert in_vain(build_graph(designs["ATD+3+3 uncapped"], edges=True)) == ""


@pytest.mark.parametrize("n", range(3, 14))
def test_a_trial_is_in_vain_from_where_a_plain_recursion_finds_no_declaration(n):
    design = Modified(ThreePlusThree(doses=3, target=0.25, confirm_top=True), (MaxPatients(n=n),))

    known = {}

    def declares(state):
        return max(reachable(design, state, known)) >= 0

    state, letters = TrialState.empty(3), []
    while True:
        decision = step(design, state)
        if decision.stop[0] != CONTINUE or (letters and not declares(state)):
            break
        letters.append(f"{int(decision.dose[0]) + 1}{'N' * int(decision.size[0])}")
        state = next(child for _, child in children(design, state, decision) if child.y.sum() == 0)
    vain = not declares(state)
    assert in_vain(build_graph(design, edges=True)) == (" ".join(letters) if vain else "")
