"""Maps over truth space: their values are those of each truth, in the memory of a few of them."""

import tracemalloc

import numpy as np

from doseopt import BOIN, Exact, MaxPatients, Modified, MTDRule, judged, make_scenarios
from doseopt.attainable.maps import ODDS_RATIOS, truth_map
from doseopt.engines.graph import graph_of
from doseopt.measures.operating_characteristics import measure

RULE = MTDRule(target=0.25)


def test_a_map_holds_the_probability_of_correct_selection_in_each_truth():
    """Rates by the family's definition: odds of the target times the odds ratio to the power of the distance."""
    boin = Modified(BOIN(doses=3, target=0.25), (MaxPatients(n=9),))
    found = truth_map({"BOIN": boin}, RULE)["map_correct_selection"]
    for ratio, location in ((ODDS_RATIOS[0], 0.0), (ODDS_RATIOS[7], 2.3), (ODDS_RATIOS[-1], 4.4)):
        odds = 1 / 3 * ratio ** (np.arange(1, 4) - location)
        outcomes = judged(Exact()(boin, make_scenarios([odds / (1 + odds)])), RULE)
        wanted = measure(outcomes, "correct_selection")[0].item()
        here = found.sel(design="BOIN", odds_ratio=ratio, location=location).item()
        np.testing.assert_allclose(here, wanted, rtol=0, atol=1e-12)


def test_a_map_takes_the_memory_of_a_few_truths():
    """All endings in all truths would take, in 8 bytes each, several times as much."""
    boin = Modified(BOIN(doses=4, target=0.25), (MaxPatients(n=24),))
    endings = len(graph_of(boin).ending)
    truths = len(ODDS_RATIOS) * 55
    tracemalloc.start()
    assert truth_map({"BOIN": boin}, RULE)["map_mtd"].size == truths
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * endings * truths / 4
