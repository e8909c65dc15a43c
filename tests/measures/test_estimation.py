"""Accuracy of posteriors under a design: by hand on a tiny design, exact against simulated, each tally solved once."""

import numpy as np
import pytest
import xarray as xr
from scipy.stats import beta, binom

import doseopt
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import MaxPatients
from doseopt.engines.exact import Exact
from doseopt.engines.simulate import Simulate
from doseopt.measures import estimates as tallies
from doseopt.measures.estimates import Estimates
from doseopt.measures.estimation import effective_sample_size, own_measures, posterior_measures
from doseopt.models.beta import BetaBinomial
from doseopt.models.choice import PosteriorModel
from doseopt.models.curves import Empiric
from doseopt.scenarios import MTDRule, make_scenarios

P = 0.3


def estimated(model, *outcomes):
    """Posteriors at all endings."""
    estimates = Estimates(model, outcomes)
    estimates.run()
    return estimates


@pytest.fixture
def one_cohort():
    """Three patients at the only dose, then the end."""
    design = Modified(doseopt.BOIN(doses=1, target=0.25), (MaxPatients(n=3),))
    return design, doseopt.judged(Exact()(design, make_scenarios([[P]])), MTDRule(target=0.25))


def test_every_measure_of_a_single_cohort_is_what_a_hand_computes(one_cohort):
    design, outcomes = one_cohort
    found = posterior_measures(outcomes, estimated(BetaBinomial(1), outcomes))
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
        posterior_measures(o, estimated(model, o))
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
    estimates = estimated(BetaBinomial(3), *outcomes.values())
    endings = sum(o.sizes["ending"] for o in outcomes.values())
    assert len(estimates.mean) < endings
    for o in outcomes.values():
        mean = (1 + o["y"].to_numpy()) / (2 + o["n"].to_numpy())
        np.testing.assert_allclose(
            estimates.mean[estimates.rank(o["n"].to_numpy(), o["y"].to_numpy())], mean, rtol=0, atol=1e-14
        )


@pytest.fixture
def two_cohorts():
    """Two cohorts of three at two doses, in two scenarios."""
    design = Modified(doseopt.BOIN(doses=2, target=0.25), (MaxPatients(n=6),))
    scenarios = make_scenarios([[0.1, 0.3], [0.3, 0.6]])
    return doseopt.judged(Exact()(design, scenarios), MTDRule(target=0.25))


def by_hand(outcomes, computed):
    """Mean and left-out probability of the endings with the most weight in both scenarios together, from scratch."""
    n, y, weight = (outcomes[name].to_numpy() for name in ("n", "y", "weight"))
    tallies = {}
    for e in range(len(n)):
        key = (*n[e].tolist(), *y[e].tolist())
        tallies[key] = tallies.get(key, 0) + weight[:, e]
    ranked = sorted(tallies, key=lambda key: -tallies[key].sum())
    kept = ranked[:computed]
    share = sum(tallies[key] for key in kept)
    means = {key: (1 + np.array(key[2:])) / (2 + np.array(key[:2])) for key in kept}
    total = sum(tallies[key][:, None] * means[key] for key in kept)
    return total / share[:, None], 1 - share, len(ranked)


@pytest.mark.parametrize("computed", [1, 4, 9])
def test_what_is_left_out_is_told_and_the_rest_is_given_the_others(two_cohorts, monkeypatch, computed):
    monkeypatch.setattr(tallies, "MOST_TALLIES", computed)
    estimates = estimated(BetaBinomial(2), two_cohorts)
    assert (estimates.done, estimates.wanted) == (computed, computed)
    found = posterior_measures(two_cohorts, estimates)
    mean, left_out, _ = by_hand(two_cohorts, computed)
    np.testing.assert_allclose(found["posterior_left_out"], left_out, rtol=0, atol=1e-14)
    np.testing.assert_allclose(found["posterior_mean"], mean, rtol=0, atol=1e-14)
    np.testing.assert_array_equal(found["tried"], estimated_whole(two_cohorts)["tried"])


def estimated_whole(outcomes):
    return posterior_measures(outcomes, estimated(BetaBinomial(2), outcomes))


def test_nothing_is_left_out_unless_it_is_too_much(two_cohorts):
    assert (estimated_whole(two_cohorts)["posterior_left_out"] == 0).all()


def test_nodes_bound_the_work_too(two_cohorts, monkeypatch):
    model = Empiric((0.1, 0.3), 1.16)
    monkeypatch.setattr(tallies, "MOST_NODES", 5 * tallies.quadrature(model).nodes(6))
    assert Estimates(model, [two_cohorts]).wanted == 5


def test_a_tally_that_is_not_done_or_no_ending_is_answered_all_the_same(two_cohorts, monkeypatch):
    monkeypatch.setattr(tallies, "PIECE", 4)
    estimates = Estimates(BetaBinomial(2), [two_cohorts])
    with pytest.raises(ZeroDivisionError):
        estimates.run(lambda done: 1 / 0)
    assert 0 < estimates.done < estimates.wanted
    ends = [two_cohorts[name].to_numpy() for name in ("n", "y")]
    n, y = (np.concatenate([own, [[1, 0]]]) for own in ends)
    wanted = [
        (1 + y) / (2 + n),
        *(beta.ppf(q, 1 + y, 1 + n - y) for q in (0.05, 0.95)),
        beta.sf(1 / 3, 1 + y, 1 + n - y),
    ]
    np.testing.assert_allclose(estimates.at(n, y), wanted, rtol=0, atol=1e-12)
    uniform = {"mean": [0.5, 0.5], "lower": [0.05, 0.05], "upper": [0.95, 0.95]}
    for name, value in uniform.items():
        np.testing.assert_allclose(estimates.prior[name], value, rtol=0, atol=1e-12)


def test_interrupted_work_is_kept_and_goes_on_where_it_stopped(two_cohorts, monkeypatch):
    monkeypatch.setattr(tallies, "PIECE", 4)
    estimates = Estimates(BetaBinomial(2), [two_cohorts])

    def interrupt(done):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        estimates.run(interrupt)
    assert estimates.done == 4
    found = posterior_measures(two_cohorts, estimates)
    mean, left_out, count = by_hand(two_cohorts, 4)
    assert estimates.wanted == count > 8
    np.testing.assert_allclose(found["posterior_mean"], mean, rtol=0, atol=1e-14)
    np.testing.assert_allclose(found["posterior_left_out"], left_out, rtol=0, atol=1e-14)
    steps = []
    estimates.run(steps.append)
    assert steps == [*range(8, count, 4), count]
    xr.testing.assert_identical(posterior_measures(two_cohorts, estimates), estimated_whole(two_cohorts))


def test_every_model_tells_how_many_nodes_it_visits():
    values = (1.0, 3.0, 10.0)
    for kind in ("blrm", "empiric", "logistic", "bma", "beta"):
        model = PosteriorModel(model=kind).curve(values, "mg", 3, 0.25)
        few, many = (tallies.quadrature(model).nodes(patients) for patients in (10, 100))
        assert 1 <= few <= many
        assert few < many or kind in ("beta", "blrm")  # a BLRM's window has as many nodes, closer the more patients


def test_effective_sample_size_of_a_beta_prior_is_its_weight():
    a, b = 2.0, 5.0
    assert effective_sample_size(np.array(beta.mean(a, b)), np.array(beta.std(a, b))) == pytest.approx(a + b)
