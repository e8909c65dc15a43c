"""Patients and cohorts at the end of trials: against a walk over every outcome path."""

import itertools
from collections import defaultdict
from math import comb

import numpy as np
import pytest

from doseopt import BOIN, AcceleratedTitration, MaxPatients, Modified, ThreePlusThree, build_graph, load_study
from doseopt.core.state import CONTINUE, TrialState
from doseopt.core.trial import advance, decide_and_select
from doseopt.engines.cohorts import cohorts_of
from doseopt.engines.exact import Exact, edge_chances, edge_weights

DESIGNS = {
    "3+3": ThreePlusThree(doses=3, target=0.25),
    "ATD": Modified(AcceleratedTitration(doses=3, target=0.25, titrate=1), (MaxPatients(n=8),)),
    "BOIN": Modified(BOIN(doses=3, target=0.25, cohort=2), (MaxPatients(n=7),)),
}
P = np.array([[0.1, 0.25, 0.5], [0.4, 0.5, 0.6]])


def walked(design, p, start=None):
    """Return the probability of each (patients, cohorts, new cohorts of two or more), one path after the other."""
    found = defaultdict(float)
    start = TrialState.empty(design.facts.doses, len(design.facts.memory)) if start is None else start

    def go(state, chance, cohorts, new):
        decision, _ = decide_and_select(design, state)
        if decision.stop[0] != CONTINUE:
            found[int(state.total[0] - start.total[0]), cohorts, new] += chance
            return
        size, dose = int(decision.size[0]), int(decision.dose[0])
        more = new + (size > 1 and state.n[0, dose] == 0)
        for y in range(size + 1):
            child = advance(design, state, decision, np.array([[y, size - y]]))
            go(child, chance * comb(size, y) * p[dose] ** y * (1 - p[dose]) ** (size - y), cohorts + 1, more)

    go(start, 1.0, 0, 0)
    return found


def test_patients_before_the_start_are_left_out():
    """After one DLT in three at the first dose of 3+3 at least three patients are still to come; only these count."""
    design = DESIGNS["3+3"]
    empty = TrialState.empty(3, len(design.facts.memory))
    decision, _ = decide_and_select(design, empty)
    start = advance(design, empty, decision, np.array([[1, 2]]))
    found = cohorts_of(build_graph(design, start, edges=True), P)
    assert found.n.min() == 3
    keys = list(zip(found.n.tolist(), found.cohorts.tolist(), found.new.tolist(), strict=True))
    for row, p in enumerate(P):
        wanted = walked(design, p, start)
        assert set(wanted) == set(keys)
        np.testing.assert_allclose(found.weight[row], [wanted[key] for key in keys], rtol=1e-12)


@pytest.mark.parametrize("name", DESIGNS)
def test_every_path_is_counted(name):
    found = cohorts_of(build_graph(DESIGNS[name], edges=True), P)
    np.testing.assert_allclose(found.weight.sum(axis=1), 1, rtol=0, atol=1e-13)
    keys = list(zip(found.n.tolist(), found.cohorts.tolist(), found.new.tolist(), strict=True))
    assert len(set(keys)) == len(keys)
    for row, p in enumerate(P):
        wanted = walked(DESIGNS[name], p)
        assert set(wanted) == set(keys)
        np.testing.assert_allclose(found.weight[row], [wanted[key] for key in keys], rtol=1e-12)


def test_three_outcome_categories_have_a_pass_a_scenario():
    """A titration that ends at a moderate toxicity: its patients are those of the edges' own route."""
    design = AcceleratedTitration(doses=3, target=0.25, titrate=2, trigger="first_moderate")
    graph, moderate = build_graph(design, edges=True), np.full_like(P, 0.3)
    found = cohorts_of(graph, P, moderate)
    weight = edge_weights(graph, P, moderate)[:, graph.ending]
    total = graph.state.total[graph.ending]
    for n in np.unique(total):
        np.testing.assert_allclose(
            found.weight[:, found.n == n].sum(axis=1), weight[:, total == n].sum(axis=1), rtol=1e-12
        )


@pytest.mark.parametrize("room", [1, 1 << 22])
def test_scenarios_side_by_side_are_as_each_by_itself(room, monkeypatch):
    """By the chance of each edge, some scenarios at a time, where one pass serves all by the likelihood of a tally."""
    monkeypatch.setattr("doseopt.engines.cohorts.ROOM", room)
    graph = build_graph(DESIGNS["ATD"], edges=True)
    found, wanted = cohorts_of(graph, P, by=edge_chances(graph, P)), cohorts_of(graph, P)
    assert [found.n.tolist(), found.new.tolist()] == [wanted.n.tolist(), wanted.new.tolist()]
    np.testing.assert_allclose(found.weight, wanted.weight, rtol=1e-12)


def test_patients_of_the_bundled_designs_are_those_of_the_endings():
    study = load_study("renji-elo-first")
    for name, design in itertools.islice(study.designs.items(), 4):
        found = cohorts_of(build_graph(design, edges=True), study.scenarios["p_observed"].to_numpy())
        outcomes = Exact()(design, study.scenarios)
        mean = (outcomes["n"].sum("dose") * outcomes["weight"]).sum("ending").to_numpy()
        np.testing.assert_allclose(found.weight @ found.n, mean, rtol=1e-12, err_msg=name)
