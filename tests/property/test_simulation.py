"""The simulator against the exact engine, and its patients against themselves."""

import numpy as np
import pytest
import strategies
import xarray as xr
from scipy.stats import norm

from doseopt import BOIN, CRM, AcceleratedTitration, ThreePlusThree
from doseopt.core.trial import after
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import Coherent, EnoughAtDose, MaxPatients, NoSkipping, RunIn, TooToxic
from doseopt.engines.exact import Exact
from doseopt.engines.outcomes import judged
from doseopt.engines.simulate import Simulate
from doseopt.measures.operating_characteristics import values
from doseopt.scenarios import MTDRule, make_scenarios

TRIALS, SEED = 20_000, 20261123
RULE = MTDRule(target=0.25)
SCENARIOS = make_scenarios(
    [[0.05, 0.15, 0.25, 0.45], [0.30, 0.45, 0.55, 0.60], [0.02, 0.05, 0.10, 0.15]], p_moderate=np.full((3, 4), 0.2)
)
SKELETON = strategies.SKELETON[:4]
DESIGNS = {
    "3+3": ThreePlusThree(doses=4, target=0.25),
    "ATD": Modified(AcceleratedTitration(doses=4, target=0.25, titrate=2), (MaxPatients(13),)),
    "ATD graded": AcceleratedTitration(
        doses=4, target=0.25, titrate=3, trigger="second_moderate", after_dlt="three_new"
    ),
    "BOIN": Modified(
        BOIN(doses=4, target=0.25, titration=True), (MaxPatients(18), EnoughAtDose(9, only_if_staying=True))
    ),
    "CRM": Modified(
        CRM(doses=4, target=0.25, skeleton=SKELETON),
        (NoSkipping(), Coherent(), TooToxic(0.9), MaxPatients(18), RunIn(levels=2, top_up=True)),
    ),
}
NAMES = [
    *("selection", "no_selection", "correct_selection", "overdose_selection", "patients", "dlts", "sample_size"),
    *("allocation", "overdosed", "patients_above_mtd", "high_dlt_fraction", "stopped"),
]
each_design = pytest.mark.parametrize("design", DESIGNS.values(), ids=DESIGNS)


def moments(outcomes, name):
    """Mean and variance of one ending, flat."""
    value = values(outcomes, name)
    weight = outcomes["weight"]
    mean = xr.dot(weight, value, dim="ending")
    variance = xr.dot(weight, (value - mean) ** 2, dim="ending")
    return mean.to_numpy().ravel(), variance.transpose(*mean.dims).to_numpy().ravel()


def compare(design, start=None):
    exact = judged(Exact()(design, SCENARIOS, start), RULE)
    drawn = judged(Simulate(TRIALS, SEED)(design, SCENARIOS, start), RULE)
    parts = [(*moments(exact, name), moments(drawn, name)[0]) for name in NAMES]
    mean, variance, found = (np.concatenate([part[i] for part in parts]) for i in range(3))
    certain = variance <= 1e-15
    np.testing.assert_allclose(found[certain], mean[certain], rtol=0, atol=1e-9)
    z = (found - mean)[~certain] / np.sqrt(variance[~certain] / TRIALS)
    assert len(z) > 50
    assert np.abs(z).max() <= norm.isf(1e-4 / 2 / len(z))


@each_design
def test_simulation_agrees_with_the_exact_engine(design):
    compare(design)


@each_design
def test_simulation_from_midway_agrees_with_the_exact_engine(design):
    compare(design, after(design, "1NNN 2NNT"))


@each_design
def test_the_same_seed_gives_the_same_trials_and_the_scenarios_beside_do_not_matter(design):
    drawn = Simulate(300, 5)(design, SCENARIOS)
    xr.testing.assert_identical(drawn, Simulate(300, 5)(design, SCENARIOS))
    alone = Simulate(300, 5)(design, SCENARIOS.isel(scenario=[1]))
    np.testing.assert_array_equal(alone["y"][0], drawn["y"][1])
    assert (Simulate(300, 6)(design, SCENARIOS)["y"] != drawn["y"]).any()


def test_trials_in_several_batches_are_those_of_one_and_no_two_batches_are_alike():
    """Of 500 scenarios 200 trials are drawn at a time, of one scenario all 500."""
    design = Modified(BOIN(doses=4, target=0.25), (MaxPatients(18),))
    scenarios = SCENARIOS.isel(scenario=[0])
    many = make_scenarios(np.repeat(scenarios["p_dlt"].to_numpy(), 500, axis=0))
    alone, drawn = (Simulate(500, 5)(design, truth)["y"].to_numpy() for truth in (scenarios, many))
    np.testing.assert_array_equal(drawn[0], alone[0])
    np.testing.assert_array_equal(drawn[-1], alone[0])
    assert (alone[0, :200] != alone[0, 200:400]).any()


def test_all_designs_treat_the_same_patients():
    """At a single dose, designs that differ in all else must see the same DLTs in the same trials."""
    scenarios = make_scenarios([[0.1], [0.35], [0.6]])
    bases = [BOIN(doses=1, target=0.3, cutoff=0.999999, cohort=c) for c in (1, 2, 3, 4)]
    bases += [CRM(doses=1, target=0.25, skeleton=(0.25,), cohort=c) for c in (1, 3, 12)]
    drawn = [Simulate(500, 9)(Modified(base, (MaxPatients(12),)), scenarios)["y"].to_numpy() for base in bases]
    for y in drawn[1:]:
        np.testing.assert_array_equal(y, drawn[0])
    assert (np.diff(drawn[0], axis=0) >= 0).all()  # the patient who has a DLT at a low rate has one at a higher
    assert len(np.unique(drawn[0])) > 5
