"""A posterior as weighted scenarios: the same means and tails as the quadrature, and Bayes' rule for any belief."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import expit

from doseopt import BOIN, MaxPatients, Modified, ThreePlusThree
from doseopt.beliefs import ACCURACY, belief_of_rates, integrated, of_model
from doseopt.beliefs.of_model import COARSE, FINE, belief_of_model, updated
from doseopt.core.parameters import Faults
from doseopt.engines.means import means_of
from doseopt.measures.expected import linear_measures
from doseopt.models.beta import BetaBinomial
from doseopt.models.curves import Empiric, ModelAverage, OneParameterLogistic, TwoParameterLogistic
from doseopt.models.quadrature import quadrature
from doseopt.scenarios import MTDRule

SKELETON, SD = (0.06, 0.14, 0.25, 0.38), 1.34**0.5
MODELS = {
    "empiric": (Empiric(SKELETON, SD), 1e-6),
    "logistic": (OneParameterLogistic(SKELETON, SD, 3.0), 1e-6),
    "blrm": (TwoParameterLogistic.weakly_informative((0.15e9, 0.5e9, 1.5e9, 4.5e9), "cells", 1.5e9), 1e-5),
    "bma": (
        ModelAverage((Empiric(SKELETON, SD), Empiric((0.15, 0.25, 0.36, 0.47), SD)), (0.7, 0.3)),
        1e-6,
    ),
    "beta": (BetaBinomial(4, 0.5, 1.0), 1e-3),
}
TALLIES = [
    ((0, 0, 0, 0), (0, 0, 0, 0)),
    ((1, 3, 0, 0), (0, 1, 0, 0)),
    ((3, 6, 9, 7), (0, 1, 2, 4)),
    ((0, 0, 0, 36), (0, 0, 0, 0)),
    ((12, 0, 0, 0), (9, 0, 0, 0)),
]


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(("n", "y"), TALLIES)
def test_means_and_tails_are_those_of_the_quadrature(name, n, y):
    model, tolerance = MODELS[name]
    n, y = np.array(n), np.array(y)
    belief = belief_of_model(model, n, y)
    posterior = quadrature(model).posterior(n[None], y[None])
    assert belief.weights @ belief.p_dlt == pytest.approx(posterior.mean()[0], abs=tolerance)
    second = belief.weights @ belief.p_dlt**2 - (belief.weights @ belief.p_dlt) ** 2
    assert np.sqrt(second) == pytest.approx(posterior.sd()[0], abs=2 * tolerance)


# the pieces of two parameters are cut for the data, those of one are narrow enough for both
@pytest.mark.parametrize(("name", "tolerance"), [("empiric", 1e-9), ("logistic", 1e-9), ("blrm", 5e-5), ("bma", 1e-9)])
def test_updating_the_prior_gives_the_posterior(name, tolerance):
    model, _ = MODELS[name]
    n, y = np.array([3, 6, 3, 0]), np.array([0, 1, 2, 0])
    after = updated(belief_of_model(model), n, y)
    direct = belief_of_model(model, n, y)
    assert after.weights @ after.p_dlt == pytest.approx(direct.weights @ direct.p_dlt, abs=tolerance)


def test_bayes_rule_by_hand():
    belief = belief_of_rates([[0.1, 0.2], [0.3, 0.5]], [0.75, 0.25])
    after = updated(belief, np.array([2, 1]), np.array([1, 1]))
    one, two = 0.75 * 0.1 * 0.9 * 0.2, 0.25 * 0.3 * 0.7 * 0.5
    assert after.weights.tolist() == pytest.approx([one / (one + two), two / (one + two)])


def test_data_that_no_scenario_allows():
    with pytest.raises(Faults, match=r"^belief: .* probability 0: n = \[1\] patients and y = \[1\] DLTs"):
        updated(belief_of_rates([[0.0]]), np.array([1]), np.array([1]))


# Indicators that jump: an independent rule, adaptive quadrature between roots

TARGET, TOO_TOXIC = 0.25, 0.35
LOG_ODDS_PRIOR = (np.log(0.25), 1.5, 0.7)
X = np.log(np.array([0.1, 1 / 3, 1.0, 3.0]))


def right(p):
    """The dose closest to the target by thresholds, for rates that increase; none if the lowest is too toxic."""
    closest = (p[:, :-1] + p[:, 1:] < 2 * TARGET).sum(axis=1)
    return (np.arange(p.shape[1]) == closest[:, None]) & (p[:, :1] <= TOO_TOXIC)


def integrals(rates, edges_of, n, y):
    """Integrals over a standard normal z of likelihood times (1, the same with p_1^2 (1 - p_2)^3), [1 + D, 2] by MTD.

    Between the roots of p_j + p_(j+1) = 2 phi and p_1 = none, each found by brentq; -1, none, comes last.
    """
    thresholds = [lambda z, j=j: rates(z)[j] + rates(z)[j + 1] - 2 * TARGET for j in range(len(n) - 1)]
    thresholds.append(lambda z: rates(z)[0] - TOO_TOXIC)
    roots = [brentq(f, -6, 6, xtol=1e-13) for f in thresholds if f(-6.0) * f(6.0) < 0]
    edges = sorted({-6.0, *roots, *edges_of, 6.0})
    found = np.zeros((1 + len(n), 2))
    for low, high in pairwise(edges):
        p = rates((low + high) / 2)
        which = -1 if p[0] > TOO_TOXIC else int(sum(p[j] + p[j + 1] < 2 * TARGET for j in range(len(n) - 1)))

        def weighed(z, power):
            p = rates(z)
            seen = np.exp(-(z**2) / 2) * np.prod(p**y * (1 - p) ** (n - y))
            return seen * (p[0] ** 2 * (1 - p[1]) ** 3) ** power

        for power in (0, 1):
            found[which, power] += quad(weighed, low, high, args=(power,), epsabs=1e-17, epsrel=1e-9, limit=200)[0]
    return found


def of_belief(model, n, y):
    belief = belief_of_model(model, n, y, right)
    chosen = right(belief.p_dlt)
    chosen = np.column_stack([chosen, ~chosen.any(axis=1)])
    value = belief.p_dlt[:, 0] ** 2 * (1 - belief.p_dlt[:, 1]) ** 3
    return np.column_stack([belief.weights @ chosen, (belief.weights * value) @ chosen])


JUMP_TALLIES = [TALLIES[0], TALLIES[1], ((9, 9, 9, 9), (0, 1, 2, 5))]


@pytest.mark.parametrize("name", ["empiric", "logistic"])
@pytest.mark.parametrize(("n", "y"), JUMP_TALLIES)
def test_jumps_of_one_parameter(name, n, y):
    n, y, s = np.array(n), np.array(y), np.array(SKELETON)
    formula = {
        "empiric": lambda z: s ** np.exp(SD * z),
        "logistic": lambda z: expit(3 + np.exp(SD * z) * (np.log(s / (1 - s)) - 3)),
    }[name]
    wanted = integrals(formula, np.arange(-5, 6), n, y)
    np.testing.assert_allclose(of_belief(MODELS[name][0], n, y), wanted / wanted[:, 0].sum(), rtol=0, atol=1e-8)


@pytest.mark.parametrize(("n", "y"), JUMP_TALLIES)
def test_jumps_of_two_parameters(n, y):
    n, y = np.array(n), np.array(y)
    mean, sd_a, sd_b = LOG_ODDS_PRIOR
    wanted = np.zeros((5, 2))
    for u in np.linspace(-6, 6, 81):
        slope = np.exp(sd_b * u) * X
        wanted += np.exp(-(u**2) / 2) * integrals(lambda z, s=slope: expit(mean + sd_a * z + s), [-3, -1, 1, 3], n, y)
    np.testing.assert_allclose(of_belief(MODELS["blrm"][0], n, y), wanted / wanted[:, 0].sum(), rtol=0, atol=1e-7)


@pytest.mark.parametrize(("n", "y"), TALLIES)
def test_nodes_are_few(n, y):
    assert len(belief_of_model(MODELS["blrm"][0], np.array(n), np.array(y), right).weights) <= 3000


def test_extreme_data_leave_weights():
    n = np.array([0, 0, 0, 3000])
    belief = belief_of_model(MODELS["blrm"][0], n, n, right)
    assert (belief.weights @ belief.p_dlt)[3] > 0.99


def test_doses_that_patients_were_given():
    model, _ = MODELS["blrm"]
    n, y = np.array([1, 3, 0, 0]), np.array([0, 1, 0, 0])
    planned = belief_of_model(model, n, y, right)
    same = belief_of_model(model, n, y, right, (model.values[:2], n[:2], y[:2]))
    np.testing.assert_allclose(same.weights, planned.weights, rtol=1e-12)
    at = ((0.15e9, 0.4e9, 0.5e9), np.array([1, 1, 2]), np.array([0, 1, 0]))
    belief = belief_of_model(model, n, y, right, at)
    posterior = quadrature(model).posterior(at[1][None], at[2][None], at=at[0])
    assert belief.weights @ belief.p_dlt == pytest.approx(posterior.mean()[0], abs=1e-5)


# Rates pass the target, and curves become steep enough to jump over an interval: the stated error is true

UNEVEN = {4: (0.1, 1 / 3, 1.0, 3.0), 7: (1.0, 2.0, 5.0, 8.0, 20.0, 25.0, 60.0)}
RULES = {
    "closest": MTDRule(TARGET),
    "none_above": MTDRule(TARGET, none_above=TARGET),
    "interval": MTDRule(TARGET, "interval", halfwidth=0.05),
    "none if jumped": MTDRule(TARGET, "interval", halfwidth=0.08, jumped="none"),
}
PRIORS = {"default": ((1.5**2, 0.0), (0.0, 0.7**2)), "doubled and correlated": ((9.0, -2.1), (-2.1, 1.96))}
AFTER = {4: {0: 1, 2: 3}, 12: {0: 3, 1: 3, 2: 6}}
"""Patients at doses, by how many there are."""


def judged_values(mtd, p):
    """What an average is made of: is the second, third or no dose right; the share of a dose's distance in all."""
    right = mtd.acceptable(p)
    far = np.abs(p - TARGET)
    each = np.column_stack([right[:, 1:3], ~right.any(axis=1), far[:, 0] / far.sum(axis=1)])
    return each * (1 - p[:, [0]]) ** 3


def two_parameter_mean(mtd, prior, x, n, y, values=judged_values):
    """The average by a dense trapezoid rule across; along, between places that have a formula or a root, ten nodes."""
    (va, c), (_, vb) = prior
    sd_b, rho = vb**0.5, c / (va * vb) ** 0.5
    nodes, share = np.polynomial.legendre.leggauss(10)
    top = total = 0.0
    for u in np.linspace(-7, 7, 281):
        steps, centre, sd = np.exp(sd_b * u) * x, np.log(0.25) + va**0.5 * rho * u, (va * (1 - rho**2)) ** 0.5

        def p(z, steps=steps, centre=centre, sd=sd):
            return expit(centre + sd * np.asarray(z)[..., None] + steps)

        rates = np.array([TARGET, mtd.none_threshold, *mtd.interval, 0.01, 0.06, 0.5, 0.9, 0.99])
        cuts = ((np.log(rates / (1 - rates)) - centre - steps[:, None]) / sd).ravel().tolist()
        for j in range(len(x) - 1):

            def middle(z, j=j, p=p):
                return p(z)[j : j + 2].sum() - 2 * TARGET

            cuts += [brentq(middle, -8, 8, xtol=1e-12)] if middle(-8.0) * middle(8.0) < 0 else []
        cuts = np.unique(np.clip([*cuts, *range(-8, 9)], -8, 8))
        half = np.diff(cuts)[:, None] / 2
        z = (cuts[:-1, None] + half * (1 + nodes)).ravel()
        q = p(z)
        weight = (half * share).ravel() * np.exp(-(z**2 + u**2) / 2) * np.prod(q**y * (1 - q) ** (n - y), axis=1)
        top, total = top + weight @ values(mtd, q), total + weight.sum()
    return top / total


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    ("doses", "prior", "patients"), [(4, "default", 12), (4, "doubled and correlated", 4), (7, "default", 4)]
)
def test_averages_over_two_parameters_have_the_error_that_is_stated(rule, doses, prior, patients):
    mtd, values = RULES[rule], UNEVEN[doses]
    model = TwoParameterLogistic(values, "mg", values[-2], (np.log(0.25), 0.0), PRIORS[prior])
    n, y = np.zeros(doses, int), np.zeros(doses, int)
    n[list(AFTER[patients])] = list(AFTER[patients].values())
    y[2] = 1
    belief = belief_of_model(model, n, y, mtd.acceptable, None, TARGET, COARSE)
    wanted = two_parameter_mean(mtd, PRIORS[prior], model.x, n, y)
    while belief is not None:
        each = judged_values(mtd, belief.p_dlt)
        error, off = belief.error(each).max(), np.abs(belief.mean(each) - wanted).max()
        assert off <= 3 * error + 2e-5  # of the trapezoid rule
        belief = belief.finer() if belief.finer else None
    assert error <= ACCURACY


DESIGNS = {
    4: [Modified(BOIN(doses=4, target=TARGET), (MaxPatients(n=24),)), ThreePlusThree(doses=4, target=TARGET)],
    7: [Modified(BOIN(doses=7, target=TARGET), (MaxPatients(n=18),))],
}


def design_values(design, start=None):
    """Return a function of (definition, rates): correct and overdose selection, and the share of 24 patients."""

    def values(mtd, p):
        found = linear_measures(means_of(design, p, start), p, mtd)
        return np.column_stack([found["correct_selection"], found["overdose_selection"], found["sample_size"] / 24])

    return values


@pytest.mark.parametrize("rule", ["closest", "none if jumped"])
@pytest.mark.parametrize(("doses", "prior"), [(4, "default"), (4, "doubled and correlated"), (7, "default")])
def test_averages_of_designs_are_refined_until_they_are_those_of_an_independent_rule(doses, prior, rule):
    mtd, values = RULES[rule], UNEVEN[doses]
    model = TwoParameterLogistic(values, "mg", values[-2], (np.log(0.25), 0.0), PRIORS[prior])
    nobody = np.zeros(doses, int)
    for design in DESIGNS[doses]:
        average = design_values(design)
        coarse = belief_of_model(model, nobody, nobody, mtd.acceptable, None, TARGET, COARSE)
        belief, each = integrated(coarse, lambda b, average=average: average(mtd, b.p_dlt))
        wanted = two_parameter_mean(mtd, PRIORS[prior], model.x, nobody, nobody, average)
        assert belief.error(each).max() <= ACCURACY
        np.testing.assert_allclose(belief.mean(each), wanted, rtol=0, atol=belief.error(each).max() + 2e-5)


def test_a_coarse_rule_is_enough_for_a_default_prior():
    """Half of the curves that the finer one has."""
    none = np.zeros(4, int)
    each = [belief_of_model(MODELS["blrm"][0], none, none, right, None, TARGET, k) for k in (COARSE, FINE)]
    assert len(each[0].weights) < len(each[1].weights) / 2


def test_each_rule_of_a_belief_is_made_once_and_cut_at_the_same_places(monkeypatch):
    """Three beliefs, each by a rule and the next coarser one: four rules."""
    made, cut = [], []
    rule, kinks = of_model._rule, of_model.kinks
    monkeypatch.setattr(of_model, "_rule", lambda *given: made.append(given[-1]) or rule(*given))
    monkeypatch.setattr(of_model, "kinks", lambda judged: cut.append(judged) or kinks(judged))
    none = np.zeros(4, int)
    right_between = MTDRule(TARGET, "interval", halfwidth=0.05).acceptable
    belief = belief_of_model(MODELS["blrm"][0], none, none, right_between, None, TARGET, COARSE)
    finest = belief.refined.refined
    assert (sorted(made), len(cut)) == ([0, 1, 2, 3], 1)
    alone = belief_of_model(MODELS["blrm"][0], none, none, right_between, None, TARGET, COARSE + 2)
    np.testing.assert_array_equal(finest.p_dlt, alone.p_dlt)
    np.testing.assert_array_equal(finest.weights, alone.weights)


@pytest.mark.parametrize(("n", "y"), TALLIES)
def test_averages_are_refined_without_the_lightest_scenarios(n, y):
    """They are a third of a rule for two parameters, and weigh 1e-6 together. No scenario is asked about twice."""
    right, asked = MTDRule(TARGET).acceptable, []

    def average(belief):
        return np.where(right(belief.p_dlt), 1.0, belief.p_dlt)

    coarse = belief_of_model(MODELS["blrm"][0], np.array(n), np.array(y), right, None, TARGET, COARSE)
    not_enough = coarse.error(average(coarse)).max() / ACCURACY / 2
    belief, found = integrated(coarse, lambda belief: asked.append(belief) or average(belief), not_enough)
    whole = coarse.refined
    assert belief.finer is whole.finer
    assert len(belief.weights) < 0.7 * len(whole.weights)
    assert asked[0] is coarse
    assert len(asked) == 2
    before = {row.tobytes() for row in coarse.p_dlt}
    np.testing.assert_array_equal(asked[1].p_dlt, [row for row in belief.p_dlt if row.tobytes() not in before])
    assert len(asked[1].p_dlt) < len(belief.p_dlt) - 0.7 * np.count_nonzero(belief.check)
    np.testing.assert_array_equal(found, average(belief))
    np.testing.assert_allclose(belief.mean(found), whole.mean(average(whole)), rtol=0, atol=1e-6)
    np.testing.assert_allclose(belief.error(found), whole.error(average(whole)), rtol=0, atol=2e-6)


@pytest.mark.parametrize("name", ["empiric", "logistic"])
def test_the_distance_from_the_target_has_a_kink_in_one_parameter(name):
    mtd, s = MTDRule(TARGET, "interval", halfwidth=0.05), np.array(SKELETON)
    formula = {
        "empiric": lambda z: s ** np.exp(SD * z),
        "logistic": lambda z: expit(3 + np.exp(SD * z) * (np.log(s / (1 - s)) - 3)),
    }[name]
    n, y = np.array([1, 3, 0, 0]), np.array([0, 1, 0, 0])
    cuts = [
        brentq(lambda z, j=j, t=t: formula(z)[j] - t, -6, 6)
        for j in range(4)
        for t in (TARGET, *mtd.interval)
        if (formula(-6.0)[j] - t) * (formula(6.0)[j] - t) < 0
    ]

    def weighed(z, k):
        p = formula(z)
        seen = np.exp(-(z**2) / 2) * np.prod(p**y * (1 - p) ** (n - y))
        return seen * (1.0 if k < 0 else judged_values(mtd, p[None])[0, k])

    def whole(k):
        pieces = pairwise(sorted({-6.0, *range(-5, 6), *cuts, 6.0}))
        return sum(quad(weighed, low, high, args=(k,), epsabs=1e-15, epsrel=1e-10)[0] for low, high in pieces)

    belief = belief_of_model(MODELS[name][0], n, y, mtd.acceptable, None, TARGET)
    wanted = np.array([whole(k) for k in range(4)]) / whole(-1)
    np.testing.assert_allclose(belief.mean(judged_values(mtd, belief.p_dlt)), wanted, rtol=0, atol=1e-7)


@pytest.mark.parametrize("rule", ["closest", "interval"])
@pytest.mark.parametrize("doses", [2, 4])
def test_averages_over_independent_doses_have_the_error_that_is_stated(rule, doses):
    """Against a million random draws."""
    mtd, n = RULES[rule], np.full(doses, 3)
    y = np.minimum(np.arange(doses), 2)
    draws = np.random.default_rng(1).beta(0.5 + y, 1.0 + n - y, size=(1_000_000, doses))
    wanted = mtd.acceptable(draws).mean(axis=0)
    belief = belief_of_model(BetaBinomial(doses, 0.5, 1.0), n, y, mtd.acceptable)
    while belief is not None:
        each = mtd.acceptable(belief.p_dlt)
        error, off = belief.error(each).max(), np.abs(belief.mean(each) - wanted).max()
        assert off <= 2 * error + 0.002  # four standard errors of the draws
        belief = belief.finer() if belief.finer else None
    assert error < 0.0015
