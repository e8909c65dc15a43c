"""Averages over a continuous belief: an independent integral, piece by piece, gives the same.

The oracle has no code of the rules under test: a trapezoid rule in the steepness, and in the location, between roots
that `scipy.optimize.brentq` finds of conditions on the rates, ten Gauss-Legendre nodes.
"""

import dataclasses
import functools
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import expit, logit
from scipy.stats import norm

from doseopt.attainable import Rules, bayes_optimal, error_of
from doseopt.beliefs import ACCURACY, Belief, LogisticFamily, belief_of_rates, integrated
from doseopt.beliefs.of_model import updated
from doseopt.beliefs.split import gauss_rule, jumps, kinks
from doseopt.engines.means import means_of
from doseopt.measures.expected import linear_measures
from doseopt.scenarios import MTDRule
from doseopt.study.file import load_study, parse_study

STATED = {
    "BOIN 10": 59.39,
    "BOIN 13": 61.09,
    "BOIN 25": 72.73,
    "CRM 10": 60.36,
    "CRM 13": 66.21,
    "CRM 25": 73.90,
    "ATD+3+3 cap 10": 13.43,
    "ATD+3+3 uncapped": 57.51,
}
"""Correct selection (%) averaged over the bundled study's belief, by a review's own enumerator and grid."""


def curves(family, z, u, doses, target):
    slope = np.log(family.odds_ratio) * np.exp(family.steepness_sd * u)
    place = family.location + family.location_sd * np.asarray(z)[:, None]
    return expit(logit(target) + (np.arange(1, doses + 1) - place) * slope)


def edges(family, u, doses, mtd):
    """Where, as z, p_j + p_(j+1) = 2 phi, p_1 = none_above, or p_j passes a limit of the rule."""

    def p(z):
        return curves(family, [z], u, doses, mtd.target)[0]

    conditions = [lambda z, j=j: p(z)[j] + p(z)[j + 1] - 2 * mtd.target for j in range(doses - 1)]
    conditions.append(lambda z: p(z)[0] - mtd.none_threshold)
    limits = {mtd.target, mtd.target - mtd.halfwidth, mtd.target + mtd.halfwidth}
    conditions += [lambda z, j=j, limit=limit: p(z)[j] - limit for j in range(doses) for limit in limits]
    roots = [brentq(f, -8, 8, xtol=1e-13) for f in conditions if f(-8.0) * f(8.0) < 0]
    # and where steep curves rise: p_j = t at the location j - (logit t - logit phi) / slope
    slope = np.log(family.odds_ratio) * np.exp(family.steepness_sd * u)
    rise = (logit([0.01, 0.06, 0.5, 0.9, 0.99]) - logit(mtd.target)) / slope
    roots += ((np.arange(1, doses + 1)[:, None] - rise - family.location) / family.location_sd).ravel().tolist()
    # and where the lower of two rates comes to tie with the highest, both next to 0
    low = (doses - (logit(0.01) - logit(mtd.target)) / slope - family.location) / family.location_sd
    for j in range(doses - 1):
        ties = [p(z)[-1] - p(z)[j] - 1e-9 for z in (low, 8.0)]
        if low < 8 and ties[0] > 0 > ties[1]:
            roots.append(brentq(lambda z, j=j: p(z)[-1] - p(z)[j] - 1e-9, low, 8))
    return sorted({-8.0, -3.0, 3.0, 8.0, *(z for z in roots if abs(z) < 8)})


def integral(values, family, doses, mtd, step=0.15):
    """Average of values [K, ...] of rates [K, D] over the belief."""
    x, share = np.polynomial.legendre.leggauss(10)
    rates, weight = [], []
    for u in np.arange(-40, 41) * step:
        for low, high in pairwise(edges(family, u, doses, mtd)):
            z = low + (high - low) / 2 * (1 + x)
            rates.append(curves(family, z, u, doses, mtd.target))
            weight.append(norm.pdf(u) * norm.pdf(z) * share * (high - low) / 2)
    total = np.concatenate(weight)
    return total @ values(np.concatenate(rates)) / total.sum()


def chances(design, mtd, names=("correct_selection", "overdose_selection", "accuracy_index")):
    def values(p):
        found = linear_measures(means_of(design, p), p, mtd)
        return np.column_stack([found[name] for name in names])

    return values


@pytest.mark.parametrize("name", STATED)
def test_averages_of_the_bundled_study_are_those_of_a_review(name):
    study = load_study()
    belief = study.believed()
    found = 100 * belief.mean(chances(study.designs[name], study.mtd)(belief.p_dlt))[0]
    assert found == pytest.approx(STATED[name], abs=0.01)


@pytest.mark.parametrize("name", ["CRM 13", "BOIN 10", "ATD+3+3 uncapped"])
def test_averages_of_the_bundled_study_are_those_of_an_independent_integral(name):
    study = load_study()
    values = chances(study.designs[name], study.mtd)
    wanted = integral(values, study.belief, 4, study.mtd)
    for fineness, tolerance in ((0, 6e-5), (1, 2e-5)):
        belief = study.believed(fineness)
        np.testing.assert_allclose(belief.mean(values(belief.p_dlt)), wanted, rtol=0, atol=tolerance)


def test_the_attainable_of_the_bundled_study():
    study = load_study()
    for patients, stated in ((10, 69.82), (13, 72.55)):
        found = [bayes_optimal(study.believed(fineness), study.mtd, Rules(patients)).value for fineness in (0, 1)]
        assert 100 * found[0] == pytest.approx(stated, abs=0.01)
        assert found[0] == pytest.approx(found[1], abs=5e-5)


def test_the_policy_of_a_rule_is_worth_its_value_under_an_independent_integral():
    study = load_study()
    belief = study.believed()
    best = bayes_optimal(belief, study.mtd, Rules(6))
    wanted = integral(chances(best.design, study.mtd), study.belief, 4, study.mtd)[0]
    assert best.value == pytest.approx(wanted, abs=5e-5)
    assert error_of(best.design, belief, study.mtd) < ACCURACY


def test_few_curves_are_enough():
    belief = load_study().believed()
    assert np.count_nonzero(belief.weights) <= 320
    assert len(belief.weights) <= 400  # with those of the coarser rule; as many as medians of a grid took, before


RULES = {
    "closest": MTDRule(0.3),
    "highest": MTDRule(0.3, rule="highest_below", none_above=0.3),
    "interval": MTDRule(0.25, rule="interval", halfwidth=0.08),
}
FAMILY = """
title = "five doses"
target = {target}
mtd = {{ rule = "{rule}", halfwidth = {halfwidth}{none} }}
doses = {{ labels = ["a", "b", "c", "d", "e"] }}
[belief]
kind = "logistic"
location = {location}
location_sd = {sd}
odds_ratio = {ratio}
steepness_sd = {spread}
[scenarios]
s = [0.1, 0.2, 0.3, 0.4, 0.5]
[designs.BOIN]
kind = "boin"
modifiers = [{{ kind = "max_patients", n = 15 }}]
"""


@pytest.mark.parametrize("halfwidth", [0.05, 0.1])
def test_kinks_are_where_the_interval_begins_to_hold_two_doses(halfwidth):
    """On the logit scale k steps of exp(spread u) log(odds ratio) must be shorter than the interval."""
    mtd, family = MTDRule(0.25, rule="interval", halfwidth=halfwidth), LogisticFamily(3.0, 1.5, 2.5, 0.4)
    found = kinks(lambda z: mtd.acceptable(family.at(z, 5, 0.25)))
    long = logit(0.25 + halfwidth) - logit(0.25 - halfwidth)
    wanted = [np.log(long / (k * np.log(2.5))) / 0.4 for k in (4, 3, 2, 1)]
    inside = [u for u in wanted if abs(u) < 3]
    assert inside
    for u in inside:
        assert min(abs(u - v) for v in found) < 0.03  # what is right in less than 0.01 sds is overlooked


def study_of(mtd, location=3.0, sd=1.5, ratio=2.5, spread=0.4):
    return parse_study(
        FAMILY.format(
            target=mtd.target,
            rule=mtd.rule,
            halfwidth=mtd.halfwidth,
            none="" if mtd.rule == "interval" else f", none_above = {mtd.none_threshold}",
            location=location,
            sd=sd,
            ratio=ratio,
            spread=spread,
        )
    )


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(("n", "y"), [((0, 0, 0, 0, 0), (0, 0, 0, 0, 0)), ((3, 3, 6, 0, 0), (0, 0, 2, 0, 0))])
def test_integrated_averages_are_those_of_an_independent_integral(rule, n, y):
    study, n, y = study_of(RULES[rule]), np.array(n), np.array(y)
    average = chances(study.designs["BOIN"], study.mtd, ("correct_selection", "accuracy_index"))

    def joint(p):
        likelihood = np.prod(p**y * (1 - p) ** (n - y), axis=1)[:, None]
        return np.column_stack([likelihood, likelihood * average(p)])

    whole = integral(joint, study.belief, 5, study.mtd)
    belief, values = integrated(updated(study.believed(), n, y), lambda b: average(b.p_dlt))
    off = np.abs(belief.mean(values) - whole[1:] / whole[0])
    assert belief.error(values).max() <= ACCURACY
    assert off.max() <= ACCURACY
    assert len(belief.weights) < 2500


@settings(max_examples=8, deadline=None)
@given(
    st.sampled_from(list(RULES)),
    st.floats(0, 6),
    st.floats(0, 4),
    st.floats(1.1, 20),
    st.floats(0, 1.2),
    st.integers(0, 2),
)
def test_any_family_is_integrated_by_rules_that_agree(rule, location, sd, ratio, spread, fineness):
    study = study_of(RULES[rule], location, sd, ratio, spread)
    belief = study.believed(fineness)
    assert belief.weights.min() >= 0
    assert ((belief.p_dlt >= 0) & (belief.p_dlt <= 1)).all()
    # what does not jump: the mean rate of the third dose, by scipy
    slope = np.log(ratio)

    def rate(z, u):
        return expit(logit(study.target) + (3 - location - sd * z) * slope * np.exp(spread * u)) * norm.pdf(z)

    def over_location(u):
        return quad(rate, -8, 8, args=(u,), limit=200, points=[(3 - location) / sd] if sd > 0.4 else None)[0]

    wanted = sum(norm.pdf(u) * over_location(u) for u in np.arange(-6, 6.1, 0.5)) * 0.5
    assert belief.mean(belief.p_dlt[:, 2]) == pytest.approx(wanted, abs=2e-3)


ANY = """
title = "any"
target = {target}
mtd = {{ {mtd} }}
doses = {{ labels = {labels} }}
[belief]
kind = "logistic"
location = {location}
location_sd = {sd}
odds_ratio = {ratio}
steepness_sd = {spread}
[scenarios]
s = {rates}
[designs.X]
{design}
modifiers = [{{ kind = "max_patients", n = 9 }}]
"""
DESIGNS = [
    'kind = "boin"',
    'kind = "crm"\nskeleton = {{ prior_mtd = 2, halfwidth = 0.04 }}',
    'kind = "three_plus_three"',
]
MTDS = [
    'rule = "closest"',
    'rule = "closest", none_above = {target}',
    'rule = "highest_below"',
    'rule = "interval", halfwidth = 0.06',
    'rule = "interval", halfwidth = 0.08, jumped = "none"',
]


def any_study(seed):
    """A study with any number of doses, rule, design, and belief; half of them as steep at all locations."""
    rng = np.random.default_rng(seed)
    doses, target = int(rng.choice([2, 3, 4, 7])), float(rng.choice([0.2, 0.25, 0.33]))
    return parse_study(
        ANY.format(
            target=target,
            mtd=str(rng.choice(MTDS)).format(target=target),
            labels=[f"d{j}" for j in range(doses)],
            location=rng.uniform(0, doses + 1),
            sd=float(rng.choice([0.5, 1.5, 4.0])),
            ratio=np.exp(rng.uniform(0.2, 2.4)),
            spread=float(rng.choice([0.0, 0.3, 0.6, 1.0])) if seed % 2 else 0.0,
            rates=np.linspace(0.05, 0.6, doses).tolist(),
            design=str(rng.choice(DESIGNS)).format(),
        )
    )


@pytest.mark.parametrize("seed", range(16))
def test_the_stated_error_is_true_of_any_belief(seed):
    """Of 58 others it was exceeded in two, 1.3 and 1.8 times; what is printed is never off by half a step."""
    study = any_study(seed)
    average = chances(study.designs["X"], study.mtd)
    belief, values = integrated(study.believed(), lambda b: average(b.p_dlt))
    doses = len(study.doses.labels)
    off = np.abs(belief.mean(values) - integral(average, study.belief, doses, study.mtd, step=0.1)).max()
    error = belief.error(values).max()
    assert off <= 2 * error + 3e-5  # of the independent integral, whose steps do not mind the kinks
    assert error < 5e-4


@pytest.mark.parametrize("fineness", [0, 1, 2])
def test_the_error_of_equally_steep_curves_is_seen(fineness):
    """The inner parameter alone is integrated: a coarser rule that differs in the outer one only would say 0."""
    study = study_of(RULES["interval"], spread=0.0)
    belief = study.believed(fineness)
    values = chances(study.designs["BOIN"], study.mtd)(belief.p_dlt)
    assert belief.error(values).max() > 1e-9


def test_a_dose_that_may_be_inserted_is_an_overdose_from_the_target_on():
    text = FAMILY.replace('labels = ["a", "b", "c", "d", "e"]', 'labels = ["a", "b"], values = [1, 4], unit = "mg"')
    text = text.replace("values = [1, 4]", 'values = [1, 4], insertable = "midpoints"').replace(
        "[0.1, 0.2, 0.3, 0.4, 0.5]", "[0.1, 0.3]"
    )
    fixed = {"target": 0.25, "rule": "closest", "halfwidth": 0.05, "none": "", "location": 1.5, "sd": 1, "ratio": 4}
    study = parse_study(text.format(**fixed, spread=0.4))
    planned = study.doses.as_planned

    def average(p):
        above = (p[:, 1] > 0.25) & (p[:, 0] + p[:, 2] > 0.5)  # the first dose is the closest, or none is right
        return np.column_stack([above, above * p[:, 1]])

    def values(p):
        return average(planned.on_grid(p))

    wanted = integral_cut(values, study.belief, study.mtd, planned)
    belief, each = integrated(study.believed(), lambda b: average(b.p_dlt))
    assert np.abs(belief.mean(each) - wanted).max() < 1e-5


def integral_cut(values, family, mtd, planned, step=0.15):
    """As `integral`, with cuts where the rate at the inserted dose is the target, too."""
    x, share = np.polynomial.legendre.leggauss(10)
    total = top = 0.0
    for u in np.arange(-40, 41) * step:

        def inserted(z, u=u):
            return planned.on_grid(curves(family, [z], u, 2, mtd.target))[0, 1] - mtd.target

        cuts = edges(family, u, 2, mtd)
        cuts = sorted({*cuts, brentq(inserted, -8, 8)} if inserted(-8.0) * inserted(8.0) < 0 else cuts)
        for low, high in pairwise(cuts):
            z = low + (high - low) / 2 * (1 + x)
            weight = norm.pdf(u) * norm.pdf(z) * share * (high - low) / 2
            top = top + weight @ values(curves(family, z, u, 2, mtd.target))
            total += weight.sum()
    return top / total


def test_a_belief_without_a_law_has_sums_without_error():
    belief = belief_of_rates([[0.1, 0.2], [0.3, 0.5]], [0.75, 0.25])
    values = np.array([[1.0], [3.0]])
    assert belief.mean(values).tolist() == [1.5]
    assert belief.error(values).tolist() == [0]
    assert integrated(belief, lambda b: values)[0] is belief


@pytest.mark.parametrize(("apart", "asked"), [(0.01, 4), (0.0, 1)])
def test_integrated_stops_at_the_finest_rule_and_keeps_its_error(apart, asked):
    """It asks for no scenario of a finer rule that it has the values of."""
    calls = []

    def finer(left):
        scenarios = belief_of_rates([[0.1 + apart * left], [0.2 + apart * left]]).scenarios
        made = Belief(scenarios, np.array([1.0, 0.0]), "", np.array([0.0, 1.0]))
        return dataclasses.replace(made, finer=functools.partial(finer, left - 1) if left else None)

    def values(belief):
        calls.append(belief)
        return np.array([[0.0], [1.0]])

    belief, found = integrated(finer(3), values)
    assert len(calls) == asked
    assert found.tolist() == [[0.0], [1.0]]
    assert belief.error(np.array([[0.0], [1.0]])).tolist() == [1]


def test_stated_points_are_curves_of_equal_weight():
    study = load_study()
    belief = dataclasses.replace(study, belief=dataclasses.replace(study.belief, points=3)).believed()
    assert belief.weights.tolist() == pytest.approx([1 / 9] * 9)
    assert belief.check is None
    assert belief.source.startswith("9 logistic curves")


def test_jumps_are_found_where_they_are():
    places = np.array([[-0.3, 0.1], [0.2, 0.21]])

    def judged(line, inner):
        return (inner[:, None] > places[line]) @ np.array([[1], [1]]) == 1

    line, place = jumps(judged, 2, np.linspace(-1, 1, 1001))
    order = np.lexsort((place, line))
    np.testing.assert_allclose(place[order], places.ravel(), atol=1e-12)


@pytest.mark.parametrize("nodes", [1, 3, 6])
def test_gauss_rules_are_exact_for_polynomials(nodes):
    x = np.sort(np.random.default_rng(1).normal(size=40))
    mass = np.random.default_rng(2).random(40)
    place, weight = gauss_rule(x, mass, nodes)
    for degree in range(2 * nodes):
        assert weight @ place**degree == pytest.approx(mass @ x**degree, rel=1e-9, abs=1e-9)
