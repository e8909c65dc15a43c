"""Accuracy of the posterior where it decides, by hand: one dose, six patients, independent uniform rates."""

import numpy as np
import pytest
from scipy.stats import beta

from doseopt import BOIN, Exact, MaxPatients, Modified, MTDRule, Simulate, ThreePlusThree, make_scenarios
from doseopt.beliefs.right import Definitions
from doseopt.engines.outcomes import judged
from doseopt.measures.decisive import decisive_accuracy
from doseopt.measures.estimates import Estimates
from doseopt.models.beta import BetaBinomial

RULE = MTDRule(0.25)
RATES = np.array([0.3, 0.45])
"""Below the 0.35 up to which the only dose is right, and above it and 1/3."""


def accuracy(design, engine=None, doses=1, rates=RATES[:, None]):
    outcomes = judged((engine or Exact())(design, make_scenarios(rates)), RULE)
    estimates = Estimates(BetaBinomial(doses), [outcomes], definitions=Definitions((RULE,), range(doses)))
    estimates.run()
    return decisive_accuracy(outcomes, design, estimates)


def three_plus_three(p):
    """Probability of declaring on 0 and on 1 DLT in 6, and of each ending without, by patients and DLTs."""
    q = 1 - p
    one = 3 * p * q**2
    declared = {(6, 0): q**6, (6, 1): 2 * one * q**3}
    stopped = {(3, 2): 3 * p**2 * q, (3, 3): p**3}
    for first, chance in ((0, q**3), (1, one)):
        for more, each in enumerate((q**3, one, 3 * p**2 * q, p**3)):
            if first + more > 1:
                stopped[(6, first + more)] = stopped.get((6, first + more), 0) + chance * each
    return declared, stopped


def test_three_plus_three_by_hand():
    found = accuracy(ThreePlusThree(doses=1, target=0.25))  # rates count as 0.35 up to 1e-9 above it
    for s, p in enumerate(RATES):
        declared, stopped = three_plus_three(p)
        assert sum(declared.values()) + sum(stopped.values()) == pytest.approx(1)
        total = sum(declared.values())
        said = {key: beta(1 + key[1], 1 + key[0] - key[1]).cdf(0.35 + 1e-9) for key in declared | stopped}
        over = {key: beta(1 + key[1], 1 + key[0] - key[1]).sf(1 / 3) for key in declared}
        right, high = p <= 0.35, p > 1 / 3

        share = {key: w / total for key, w in declared.items()}
        every = [2 * w * (said[key] - right) ** 2 for key, w in (declared | stopped).items()]
        wanted = {
            "declared_p_right": sum(w * said[key] for key, w in share.items()),
            "declared_right": right,
            "declared_right_brier": sum(w * (said[key] - right) ** 2 for key, w in share.items()),
            "declared_over": high,
            "declared_over_brier": sum(w * (over[key] - high) ** 2 for key, w in share.items()),
            "mtd_brier": sum(every),
        }
        for name, value in wanted.items():
            assert found[name].to_numpy()[s] == pytest.approx(float(value), abs=1e-9), name


def test_the_design_s_own_estimate_beside_the_posterior_mean():
    """BOIN of one dose estimates (y + 0.05) / (n + 0.1); uniform prior: the mean is (y + 1) / (n + 2)."""
    design = Modified(BOIN(doses=1, target=0.25), (MaxPatients(n=3),))
    found = accuracy(design)
    for s, p in enumerate(RATES):
        chance = {y: [1, 3, 3, 1][y] * p**y * (1 - p) ** (3 - y) for y in range(3)}  # three of three are eliminated
        apart = {y: (y + 0.05) / 3.1 - (y + 1) / 5 for y in chance}
        total = sum(chance.values())
        mean = sum(chance[y] * apart[y] for y in chance) / total
        far = sum(chance[y] * abs(apart[y]) for y in chance) / total
        assert found["own_minus_posterior"].to_numpy()[s] == pytest.approx(mean, abs=1e-9)
        assert found["own_from_posterior"].to_numpy()[s] == pytest.approx(far, abs=1e-9)


def test_simulated_trials_agree_within_their_errors():
    design = Modified(BOIN(doses=3, target=0.25), (MaxPatients(n=12),))
    rates = np.array([[0.1, 0.25, 0.45], [0.3, 0.5, 0.6]])
    exact, drawn = accuracy(design, None, 3, rates), accuracy(design, Simulate(20_000, 1), 3, rates)
    for name in ("declared_right_brier", "declared_over_brier", "mtd_brier", "declared_p_right", "own_from_posterior"):
        z = (drawn[name] - exact[name]) / drawn[f"{name}_mcse"]
        assert float(np.abs(z).max()) < 4, name
    assert float(exact["mtd_brier_mcse"].max()) == 0


def test_a_posterior_averaged_over_its_own_prior_is_calibrated():
    """Truths drawn from the prior: what is said is true as often, within four standard errors."""
    design = Modified(BOIN(doses=2, target=0.25), (MaxPatients(n=6),))
    rates = np.random.default_rng(1).uniform(size=(4000, 2))
    outcomes = judged(Exact()(design, make_scenarios(rates)), RULE)
    weight, selected = outcomes["weight"].to_numpy(), outcomes["selected"].to_numpy()
    found = accuracy(design, None, 2, rates)
    declared = (weight * (selected >= 0)).sum(axis=1)
    for said, true in (("declared_p_right", "declared_right"),):
        off = np.nan_to_num((found[said] - found[true]).to_numpy()) * declared
        assert abs(off.mean()) < 4 * off.std() / np.sqrt(len(off))
