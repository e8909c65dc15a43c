"""Probabilities that each dose is right: against dense grids, formulas and draws."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit
from scipy.stats import beta, norm

from doseopt.beliefs.independent import right_if_independent
from doseopt.beliefs.right import Definitions, RightAfter
from doseopt.models.beta import BetaBinomial
from doseopt.models.curves import Empiric, ModelAverage, TwoParameterLogistic
from doseopt.scenarios import MTDRule

TARGET, NONE = 0.25, 0.35
RULES = (
    MTDRule(TARGET, none_above=NONE),
    MTDRule(TARGET, "highest_below", none_above=0.3),
    MTDRule(TARGET, "interval", low=0.10, high=0.33),
    MTDRule(TARGET, "interval", low=0.20, high=0.30, jumped="none"),
)
BLRM = TwoParameterLogistic((0.15, 0.5, 1.5, 4.5), "x10^9 cells", 1.5, (-1.2, 0.1), ((2.0, 0.3), (0.3, 0.4)))
SKELETON, SD = (0.06, 0.14, 0.25, 0.38), 1.34**0.5
TALLIES = [
    ((0, 0, 0, 0), (0, 0, 0, 0)),
    ((1, 6, 3, 0), (0, 1, 0, 0)),
    ((3, 3, 6, 13), (0, 0, 1, 5)),
    ((6, 3, 0, 0), (3, 2, 0, 0)),
]


def by_hand(p):
    """None and each dose, right by RULES, for rates that increase, [R, D] -> [R, 4, 1 + D]; without the package."""
    rows, doses = p.shape
    found = np.zeros((rows, 4, 1 + doses))
    distance = np.abs(p - TARGET)
    closest = 1 + np.argmax(distance <= distance.min(axis=1)[:, None] + 1e-9, axis=1)  # rates that vanish are a tie
    found[np.arange(rows), 0, np.where(p[:, 0] > NONE, 0, closest)] = 1
    found[np.arange(rows), 1, (p <= TARGET).sum(axis=1)] = 1
    for m, (low, high) in ((2, (0.10, 0.33)), (3, (0.20, 0.30))):
        inside = (p >= low) & (p <= high)
        found[:, m, 1:] = inside
        under = (p < low).sum(axis=1)
        allowed = ~inside.any(axis=1) & (under > 0) & ((m == 2) | (under == doses))
        found[np.flatnonzero(allowed), m, under[allowed]] = 1
        found[:, m, 0] = ~inside.any(axis=1) & ~allowed
    return found


def on_a_grid(n, y):
    """The two-parameter logistic posterior on 1501 points on each of 601 lines, weighed by scipy's normal law."""
    (va, c), (_, vb) = BLRM.cov
    log_b = np.linspace(-4, 4.2, 601)
    total, mass = np.zeros((4, 5)), 0.0
    for b in log_b:
        at = BLRM.mean[0] + c / vb * (b - BLRM.mean[1])
        sd = np.sqrt(va - c**2 / vb)
        log_a = at + sd * np.linspace(-7, 7, 1501)
        p = expit(log_a[:, None] + np.exp(b) * np.log(np.array(BLRM.values) / 1.5))
        weight = (
            norm.pdf(log_a, at, sd)
            * norm.pdf(b, BLRM.mean[1], np.sqrt(vb))
            * np.prod(p**y * (1 - p) ** (n - y), axis=1)
        )
        total += np.einsum("r,rmk->mk", weight, by_hand(p))
        mass += weight.sum()
    return total / mass


@pytest.mark.parametrize(("n", "y"), TALLIES)
def test_two_parameters_on_a_dense_grid(n, y):
    n, y = np.array(n), np.array(y)
    definitions, wanted = Definitions(RULES, range(4)), on_a_grid(n, y)
    belief = definitions.belief(BLRM, n, y)
    alone = np.tensordot(belief.weights, definitions.judged(belief.p_dlt), 1)
    np.testing.assert_allclose(alone, wanted, rtol=0, atol=4e-4)  # 0.04 of a percentage point; tables show tenths
    among_others = RightAfter(BLRM, definitions)(*np.array(TALLIES).transpose(1, 0, 2))
    np.testing.assert_allclose(among_others[TALLIES.index((tuple(n), tuple(y)))], wanted, rtol=0, atol=4e-4)


@pytest.mark.parametrize(("n", "y"), TALLIES)
def test_one_parameter_and_a_model_average_by_adaptive_quadrature(n, y):
    n, y = np.array(n), np.array(y)
    skeletons, weights = (SKELETON, (0.15, 0.25, 0.36, 0.47)), (0.7, 0.3)
    b = np.linspace(-8, 8, 200_001)
    total, mass = np.zeros((4, 5)), 0.0
    for skeleton, share in zip(skeletons, weights, strict=True):
        p = np.array(skeleton) ** np.exp(b)[:, None]
        weight = share * norm.pdf(b, scale=SD) * np.prod(p**y * (1 - p) ** (n - y), axis=1)
        total, mass = total + np.tensordot(weight, by_hand(p), 1), mass + weight.sum()
    model = ModelAverage(tuple(Empiric(s, SD) for s in skeletons), weights)
    found = RightAfter(model, Definitions(RULES, range(4)))(n[None], y[None])[0]
    np.testing.assert_allclose(found, total / mass, rtol=0, atol=1e-4)  # of the grid: a cell has a mass of 3e-5


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.rule} {rule.jumped}")
@pytest.mark.parametrize("prior", [(1.0, 1.0), (0.3, 0.7), (0.005, 0.005)])
@pytest.mark.parametrize("doses", [1, 2, 5])
def test_independent_doses_against_draws(rule, prior, doses):
    """Half a million draws: four standard errors are at most 0.003."""
    n, y = np.arange(doses) * 3, np.minimum(np.arange(doses), 2)
    alpha, other = prior[0] + y, prior[1] + n - y
    draws = np.random.default_rng(doses).beta(alpha, other, size=(500_000, doses))
    right = rule.acceptable(draws)
    wanted = np.append((~right.any(axis=1)).mean(), right.mean(axis=0))
    found = right_if_independent(alpha[None].astype(float), other[None].astype(float), rule)[0]
    np.testing.assert_allclose(found, wanted, rtol=0, atol=0.003)


def test_the_closer_of_two_independent_doses_by_adaptive_quadrature():
    """Pr(|p_2 - t| < |p_1 - t|, p_1 <= c), and p_1 the closer one, each as an integral over its own rate."""
    one, two = beta(2.5, 4.0), beta(1.5, 3.5)

    def within(law, d, most=1.0):
        return max(law.cdf(min(TARGET + d, most)) - law.cdf(TARGET - d), 0)

    second = quad(
        lambda p: two.pdf(p) * (one.cdf(NONE) - within(one, abs(p - TARGET), NONE)),
        0,
        1,
        points=[TARGET, NONE, 2 * TARGET, 0.15],
    )[0]
    first = quad(lambda p: one.pdf(p) * (1 - within(two, abs(p - TARGET))), 0, NONE, points=[TARGET, 0.15])[0]
    found = right_if_independent(np.array([[2.5, 1.5]]), np.array([[4.0, 3.5]]), RULES[0])[0]
    np.testing.assert_allclose(found, [one.sf(NONE), first, second], rtol=0, atol=1e-5)


def test_a_dose_that_is_not_planned_is_never_right():
    found = RightAfter(BetaBinomial(3), Definitions(RULES[:2], (0, 2)))(np.array([[3, 3, 3]]), np.array([[0, 1, 1]]))
    assert (found[..., 2] == 0).all()
    np.testing.assert_allclose(found.sum(axis=2), 1, rtol=0, atol=1e-9)
    alone = RightAfter(BetaBinomial(2), Definitions(RULES[:2], (0, 1)))(np.array([[3, 3]]), np.array([[0, 1]]))
    np.testing.assert_allclose(found[..., [0, 1, 3]], alone, rtol=0, atol=1e-12)


def test_rules_are_refined_where_the_likelihood_is_narrow():
    """40 patients at one dose: against the rule for that tally alone."""
    n, y = np.array([[3, 3, 6, 40]]), np.array([[0, 0, 1, 11]])
    definitions = Definitions(RULES, range(4))
    after = RightAfter(BLRM, definitions)
    found, before = after(n, y)[0], RightAfter(BLRM, definitions).nodes()
    belief = definitions.belief(BLRM, n[0], y[0], fineness=2)
    wanted = np.tensordot(belief.weights, definitions.judged(belief.p_dlt), 1)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=4e-4)
    assert after.nodes() >= before
