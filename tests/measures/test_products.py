"""Means of many measures and entries of many endings at once, against sums an ending at a time."""

import math

import numpy as np
import pytest

from benchmarks.speed import cases
from doseopt import BOIN, Exact, MaxPatients, Modified, judged, make_scenarios
from doseopt.core.state import CONTINUE
from doseopt.engines.exact import ending_weights, state_weights
from doseopt.engines.graph import reach_of
from doseopt.measures.operating_characteristics import METRICS, measured, values

DESIGNS = [
    cases.crm(patients=18),
    cases.three_plus_three(),
    Modified(BOIN(doses=3, target=0.25), (MaxPatients(n=20),)),
    cases.boin(patients=9, cohort=1),
]


def random_scenarios(doses, count=40):
    return make_scenarios(np.sort(np.random.default_rng(doses).random((count, doses)), axis=1))


@pytest.mark.parametrize("design", DESIGNS)
def test_measures_are_their_sums_over_endings(design):
    outcomes = judged(Exact()(design, random_scenarios(design.facts.doses)), cases.MTD)
    outcomes.attrs["registered"] = 7.0
    weight = outcomes["weight"].to_numpy()
    found = measured(outcomes, METRICS)
    assert len(np.unique(outcomes["mtd"])) > 2
    for name in METRICS:
        each = values(outcomes, name).to_numpy().reshape(*weight.shape, -1)
        wanted = np.array([[math.fsum(column) for column in row.T] for row in weight[..., None] * each])
        np.testing.assert_allclose(found[name][1].reshape(wanted.shape), wanted, rtol=0, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("design", DESIGNS)
def test_entries_are_their_sums_over_states(design):
    scenarios = random_scenarios(design.facts.doses, 5)
    p, reach = scenarios["p_observed"].to_numpy(), reach_of(design)
    wanted = {}

    def add(state, dose, weights):
        n = reach.state.n[state]
        key = (tuple((n > 0).tolist()), int(n.sum()), dose)
        wanted[key] = wanted.get(key, 0) + weights

    for state, weights in zip(reach.ending, ending_weights(reach, p).T, strict=True):
        add(state, -1, weights)
    for state in np.flatnonzero(reach.decision.stop == CONTINUE):
        dose = int(reach.decision.dose[state])
        if reach.state.n[state, dose] == 0:
            add(state, dose, state_weights(reach, p, np.array([state]))[:, 0])
    outcomes = Exact()(design, scenarios)
    given, patients, dose = (outcomes[f"entry_{name}"].to_numpy() for name in ("given", "patients", "dose"))
    keys = [(tuple(g), int(n), int(d)) for g, n, d in zip(given.tolist(), patients, dose, strict=True)]
    assert set(keys) == set(wanted)
    for key, weights in zip(keys, outcomes["entry_weight"].transpose("entry", "scenario").to_numpy(), strict=True):
        np.testing.assert_allclose(weights, wanted[key], rtol=0, atol=1e-12)
