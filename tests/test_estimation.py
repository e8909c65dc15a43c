"""Accuracy of posteriors under a design: by hand on a tiny design, exact against simulated, each tally solved once."""

import numpy as np
import pytest
from scipy.stats import beta, binom

import doseopt
from doseopt.engine.exact import Exact
from doseopt.engine.simulate import Simulate
from doseopt.estimation import effective_sample_size, estimate_once, own_measures, posterior_measures
from doseopt.models.beta import BetaBinomial
from doseopt.models.curves import Empiric
from doseopt.modified import Modified
from doseopt.modifiers import MaxPatients
from doseopt.scenarios import MTDRule, make_scenarios

P = 0.3


@pytest.fixture
def one_cohort():
    """Three patients at the only dose, then the end."""
    design = Modified(doseopt.BOIN(doses=1, target=0.25), (MaxPatients(n=3),))
    return design, doseopt.judged(Exact()(design, make_scenarios([[P]])), MTDRule(target=0.25))


def test_every_measure_of_a_single_cohort_is_what_a_hand_computes(one_cohort):
    design, outcomes = one_cohort
    found = posterior_measures(outcomes, estimate_once(BetaBinomial(1), {"d": outcomes}), "d")
    y = np.arange(4)
    weight = binom.pmf(y, 3, P)
    mean = (1 + y) / 5
    lower, upper = beta.ppf(0.05, 1 + y, 4 - y), beta.ppf(0.95, 1 + y, 4 - y)
    wanted = {
        "mean": weight @ mean,
        "bias": weight @ mean - P,
        "rmse": np.sqrt(weight @ (mean - P) ** 2),
        "coverage": weight @ ((lower <= P) & (upper >= P)),
        "width": weight @ (upper - lower),
        "lower": weight @ lower,
        "upper": weight @ upper,
        "upper_below_35": weight @ (upper < 0.35),
    }
    for name, value in wanted.items():
        assert found[f"posterior_{name}"].item() == pytest.approx(value, abs=1e-12), name
        assert found[f"posterior_{name}_if_tried"].item() == pytest.approx(value, abs=1e-12), name
        assert found[f"posterior_{name}_mcse"].item() == 0
    assert found["tried"].item() == pytest.approx(1, abs=1e-12)
    own = own_measures(outcomes, design)
    isotonic = (y + 0.05) / 3.1 + 1e-10
    kept = ~np.array([False, False, False, True])  # 3 of 3 eliminates the dose: no estimate
    share = weight[kept] / weight[kept].sum()
    assert own["own_mean"].item() == pytest.approx(share @ isotonic[kept], abs=1e-12)
    assert own["own_rmse"].item() == pytest.approx(np.sqrt(share @ (isotonic[kept] - P) ** 2), abs=1e-12)


def test_exact_and_simulated_agree():
    design = doseopt.AcceleratedTitration(doses=3, target=0.25)
    scenarios = make_scenarios([[0.1, 0.25, 0.45]])
    model = Empiric((0.1, 0.25, 0.4), 1.16)
    exact, simulated = (
        posterior_measures(o, estimate_once(model, {"d": o}), "d")
        for o in (Exact()(design, scenarios), Simulate(trials=4000, seed=5)(design, scenarios))
    )
    for name in ("mean", "bias", "rmse", "coverage", "width", "mean_if_tried", "coverage_if_tried", "rmse_if_tried"):
        gap = np.abs(simulated[f"posterior_{name}"] - exact[f"posterior_{name}"])
        assert (gap <= 4.5 * simulated[f"posterior_{name}_mcse"] + 1e-9).all(), name
    assert (simulated["posterior_mean_mcse"] > 0).all()


def test_designs_share_the_posterior_of_a_tally():
    scenarios = make_scenarios([[0.1, 0.25, 0.45]])
    outcomes = {
        f"cap {n}": Exact()(Modified(doseopt.BOIN(doses=3, target=0.25), (MaxPatients(n=n),)), scenarios)
        for n in (9, 9, 12)
    }
    estimates = estimate_once(BetaBinomial(3), outcomes)
    endings = sum(o.sizes["ending"] for o in outcomes.values())
    assert len(estimates.mean) < endings
    for name, o in outcomes.items():
        mean = (1 + o["y"].to_numpy()) / (2 + o["n"].to_numpy())
        np.testing.assert_allclose(estimates.mean[estimates.where[name]], mean, rtol=0, atol=1e-14)


def test_effective_sample_size_of_a_beta_prior_is_its_weight():
    a, b = 2.0, 5.0
    assert effective_sample_size(np.array(beta.mean(a, b)), np.array(beta.std(a, b))) == pytest.approx(a + b)
