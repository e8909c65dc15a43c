"""Sums by halves of tallies are those over all endings, however many scenarios are weighed at a time."""

import numpy as np
import pytest

from doseopt import BOIN, BOIN12, CRM, MaxPatients, Modified, ThreePlusThree, after
from doseopt.engines import halves, means
from doseopt.engines.exact import state_weights
from doseopt.engines.graph import reach_of
from doseopt.engines.halves import FEWEST, ROOM, scenarios_at_once, sums
from doseopt.engines.means import means_of, means_of_each

BOIN_24 = Modified(BOIN(doses=4, target=0.25), (MaxPatients(n=24),))
DESIGNS = {
    "boin": BOIN_24,
    "singles": Modified(BOIN(doses=3, target=0.3, cohort=1), (MaxPatients(n=12),)),
    "crm": Modified(CRM(doses=5, target=0.25, skeleton=(0.05, 0.12, 0.25, 0.4, 0.5)), (MaxPatients(n=18),)),
    "3+3": ThreePlusThree(doses=7, target=0.25),
    "one dose": Modified(BOIN(doses=1, target=0.25), (MaxPatients(n=9),)),
}


def rates(doses, scenarios=23):
    """Rising ones, and all 0, and all 1."""
    drawn = np.sort(np.random.default_rng(1).uniform(0, 1, (scenarios, doses)), axis=1)
    return np.concatenate([drawn, np.zeros((1, doses)), np.ones((1, doses))])


def whole(graph, chosen, p, beside=None):
    """The sums over all endings, one product."""
    doses = graph.design.facts.doses
    declared = [each[:, None] == np.arange(-1, doses) for each in chosen]
    counted = np.concatenate([*declared, graph.state.n[graph.ending], graph.state.y[graph.ending]], axis=1)
    return state_weights(graph, p, graph.ending, beside) @ counted.astype(float)


@pytest.mark.parametrize("name", DESIGNS)
def test_sums_by_halves_are_those_over_all_endings(name):
    graph = reach_of(DESIGNS[name])
    chosen, p = np.stack([graph.selected, graph.selected[::-1]]), rates(graph.design.facts.doses)
    np.testing.assert_allclose(sums(graph, chosen, p), whole(graph, chosen, p), rtol=0, atol=1e-12)


def test_from_the_data_so_far_on():
    graph = reach_of(BOIN_24, after(BOIN_24, "1NNN 2NNT 2NNN"))
    chosen, p = graph.selected[None], rates(4)
    np.testing.assert_allclose(sums(graph, chosen, p), whole(graph, chosen, p), rtol=0, atol=1e-12)


def test_efficacy_beside_dlts():
    graph = reach_of(Modified(BOIN12(doses=3, target=0.35), (MaxPatients(n=12),)))
    chosen, p, beside = graph.selected[None], rates(3), rates(3)[:, ::-1]
    np.testing.assert_allclose(sums(graph, chosen, p, beside), whole(graph, chosen, p, beside), rtol=0, atol=1e-12)


def test_blocks_of_scenarios_are_the_whole(monkeypatch):
    graph = reach_of(BOIN_24)
    chosen, p = graph.selected[None], rates(4)
    at_once = sums(graph, chosen, p)
    monkeypatch.setattr(halves, "ROOM", 1)
    monkeypatch.setattr(halves, "FEWEST", 2)
    np.testing.assert_allclose(sums(graph, chosen, p), at_once, rtol=0, atol=1e-12)


def test_means_by_either_route(monkeypatch):
    """Of designs that give the same cohorts and declare another dose."""
    designs, p = [BOIN_24, Modified(BOIN_24.base, BOIN_24.modifiers)], rates(4)
    by_endings = means_of_each(designs, p)
    monkeypatch.setattr(means, "MANY", 0)
    for one, other in zip(means_of_each(designs, p), by_endings, strict=True):
        for part in ("selection", "n", "y"):
            np.testing.assert_allclose(getattr(one, part), getattr(other, part), rtol=0, atol=1e-12)


def test_patients_who_have_dlts_are_those_who_are_treated_times_the_rate(monkeypatch):
    """Wald's identity: no code of the sums is in it."""
    monkeypatch.setattr(means, "MANY", 0)
    p = rates(4)
    found = means_of(BOIN_24, p)
    np.testing.assert_allclose(found.y, found.n * p, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.selection.sum(axis=1), 1, rtol=0, atol=1e-12)


def test_likelihoods_at_a_time_are_bounded():
    """Four arrays of at most 16 MB, or of sixteen scenarios where there are more kinds than that."""
    for kinds in (1, 1000, 100_000, ROOM):
        assert kinds * scenarios_at_once(kinds) <= max(ROOM, kinds * FEWEST)
    assert 8 * ROOM <= 16 << 20


@pytest.mark.parametrize("name", ["boin", "crm", "3+3"])
def test_both_halves_have_fewer_kinds_than_there_are_endings(monkeypatch, name):
    """Also where the endings that are looked at all differ, so that the whole would seem to be the least."""
    monkeypatch.setattr(halves, "LOOKED_AT", 40)
    graph = reach_of(DESIGNS[name])
    cut, doses = halves._cut(graph, False), graph.design.facts.doses
    assert 0 < cut < doses
    tallies = np.stack([graph.state.n[graph.ending], graph.state.y[graph.ending]], axis=-1)
    for part in (tallies[:, :cut], tallies[:, cut:]):
        assert len(np.unique(part.reshape(len(part), -1), axis=0)) < len(tallies) / 2
