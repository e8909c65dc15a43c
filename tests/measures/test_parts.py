"""Measures of many endings, a part of them at a time."""

import tracemalloc

import numpy as np
import pytest
import xarray as xr

from doseopt import BOIN, Exact, MaxPatients, Modified, MTDRule, judged, make_scenarios
from doseopt.beliefs.right import Definitions
from doseopt.beliefs.utility import ErrorPrices
from doseopt.core.definition import Definition
from doseopt.measures import endings as endings_module
from doseopt.measures.decisive import decisive_accuracy
from doseopt.measures.declared import declared_evidence, declared_posterior
from doseopt.measures.endings import Endings
from doseopt.measures.estimates import Estimates
from doseopt.measures.estimation import own_measures, posterior_measures
from doseopt.measures.operating_characteristics import operating_characteristics
from doseopt.measures.reliability import reliability
from doseopt.measures.selection_score import selection_score
from doseopt.models.beta import BetaBinomial

RULE = MTDRule(0.25)
DESIGN = Modified(BOIN(doses=3, target=0.25), (MaxPatients(n=15),))
SCENARIOS = make_scenarios(np.sort(np.random.default_rng(4).random((12, 3)) ** 2, axis=1))
MEASURES = {
    "characteristics": lambda outcomes, estimates: operating_characteristics(outcomes),
    "own": lambda outcomes, estimates: own_measures(outcomes, DESIGN),
    "evidence": lambda outcomes, estimates: declared_evidence(outcomes, Definition(6, "1/6")),
    "score": lambda outcomes, estimates: selection_score(outcomes, ErrorPrices()),
    "posterior": posterior_measures,
    "declared": declared_posterior,
    "decisive": lambda outcomes, estimates: decisive_accuracy(outcomes, DESIGN, estimates),
    "reliability": reliability,
}


def estimated(outcomes):
    estimates = Estimates(BetaBinomial(3), [outcomes], definitions=Definitions((RULE,), range(3)))
    estimates.run()
    return estimates


@pytest.fixture(scope="module")
def few():
    outcomes = judged(Exact()(DESIGN, SCENARIOS), RULE)
    return outcomes, estimated(outcomes)


@pytest.fixture(scope="module")
def many(few):
    """The same endings a thousand times, each with a thousandth of its weight."""
    outcomes, times = few[0].drop_dims("entry"), 1000
    again = outcomes.isel(ending=np.tile(np.arange(outcomes.sizes["ending"]), times))
    return again.assign(weight=again["weight"] / times), few[1]


@pytest.mark.parametrize("measures", MEASURES.values(), ids=MEASURES)
@pytest.mark.parametrize("room", [1, 1000])
def test_parts_of_the_endings_have_the_measures_of_all(few, measures, room, monkeypatch):
    whole = measures(*few)
    monkeypatch.setattr(endings_module, "ROOM", room)
    assert len(list(Endings.of(few[0]).parts())) > 2
    xr.testing.assert_allclose(measures(*few), whole, rtol=0, atol=1e-12)


@pytest.mark.parametrize("measures", MEASURES.values(), ids=MEASURES)
def test_measures_of_many_endings_take_less_than_half_a_number_a_scenario_and_ending(few, many, measures, monkeypatch):
    wanted = measures(*few)
    monkeypatch.setattr(endings_module, "ROOM", 1 << 16)
    tracemalloc.start()
    found = measures(*many)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < many[0]["weight"].nbytes / 2
    xr.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12)
