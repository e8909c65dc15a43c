"""A safety rule asks for posteriors of a CRM only where they may be above its confidence: its answers are theirs."""

import numpy as np
import pytest

from doseopt import CRM, MaxPatients, Modified, NoSkipping, SlopePrior, TooToxic, build_graph
from doseopt.core.state import Decision, TrialState

SKELETON = (0.05, 0.12, 0.25, 0.40)
RULES = {
    "empiric": CRM(doses=4, target=0.25, skeleton=SKELETON),
    "little known before": CRM(doses=4, target=0.25, skeleton=SKELETON, prior_sd=3.0),
    "much known before": CRM(doses=4, target=0.25, skeleton=SKELETON, prior_sd=0.2),
    "another mean": CRM(doses=4, target=0.25, skeleton=SKELETON, slope_prior=SlopePrior("normal", -0.5, 0.8)),
}
OTHERS = {
    "logistic": CRM(doses=4, target=0.25, skeleton=SKELETON, model="logistic"),
    "posterior mean": CRM(doses=4, target=0.25, skeleton=SKELETON, estimate="mean"),
    "no normal prior": CRM(doses=4, target=0.25, skeleton=SKELETON, model="tanh"),
}


def tallies(doses=4, many=2_000):
    rng = np.random.default_rng(5)
    n = rng.integers(0, 13, (many, doses))
    y = rng.binomial(n, rng.uniform(0, 1, (many, 1)) ** 2)
    return TrialState(n, y, rng.integers(0, doses, many), np.zeros((many, 0), np.int64))


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_no_posterior_above_the_confidence_is_left_out(rule):
    state = tallies()
    for rate in (0.1, 0.25, 0.5):
        exact = rule.posterior(state).prob(rate)
        may = rule.may_exceed(state, rate, 0.64)
        assert (exact[~may] <= 1 - np.exp(-1)).all()
        assert 0.05 < may.mean() < 0.95


@pytest.mark.parametrize("rule", OTHERS.values(), ids=OTHERS)
def test_all_are_asked_for_where_nothing_is_known_of_them(rule):
    assert rule.may_exceed(tallies(), 0.25, 0.95).all()
    assert RULES["empiric"].may_exceed(tallies(), 0.25, 0.63).all()


@pytest.mark.parametrize("rule", {**RULES, **OTHERS}.values(), ids={**RULES, **OTHERS})
@pytest.mark.parametrize("dose", [1, 2, "recommended"])
def test_the_rule_stops_where_the_posterior_says(rule, dose):
    state = tallies()
    decision = Decision(state.dose, np.full(len(state), 3), np.zeros(len(state), np.int64))
    for confidence in (0.4, 0.7, 0.95):
        stops = TooToxic(confidence, dose=dose).bind(rule)(state, decision).stop > 0
        at = state.dose if dose == "recommended" else dose - 1
        np.testing.assert_array_equal(stops, rule.posterior(state).prob(0.25)[state.at, at] > confidence)


def test_a_graph_is_the_same_whether_posteriors_are_left_out_or_not(monkeypatch):
    design = Modified(RULES["empiric"], (NoSkipping(), TooToxic(0.8), MaxPatients(n=15)))
    quick = build_graph(design)
    monkeypatch.setattr(CRM, "may_exceed", lambda _, state, *__: np.ones(state.n.shape, bool))
    slow = build_graph(design)
    assert quick.counts() == slow.counts()
    np.testing.assert_array_equal(quick.selected, slow.selected)
    np.testing.assert_array_equal(quick.decision.stop, slow.decision.stop)
