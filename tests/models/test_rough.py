"""Rough estimates: their errors are below their bounds, and no decision of a CRM comes out otherwise for them."""

import numpy as np
import pytest

import doseopt
from doseopt.core import compiled
from doseopt.designs import crm
from doseopt.designs.selection import TIE, closest, surely_closest
from doseopt.models.curves import Empiric, OneParameterLogistic
from doseopt.models.quadrature import fitted, quadrature, rough
from doseopt.models.quadrature.batch import nominal_size
from doseopt.models.quadrature.one_parameter_nodes import Fineness
from doseopt.models.slope import SlopePrior

SKELETON = (0.05, 0.12, 0.25, 0.40)
MODELS = {
    "usual": Empiric(SKELETON, 1.34**0.5),
    "tight": Empiric(SKELETON, 0.001),
    "narrow": Empiric(SKELETON, 0.05),
    "vague": Empiric(SKELETON, 10.0),
    "elsewhere": Empiric(SKELETON, 1.0, SlopePrior("normal", mean=2.0)),
    "logistic": OneParameterLogistic(SKELETON, 1.34**0.5),
    "logistic, vague": OneParameterLogistic(SKELETON, 10.0, intercept=-3.0),
    "rates that rise and fall": OneParameterLogistic(SKELETON, 1.5, intercept=-2.0),
    "wide skeleton": Empiric((0.001, 0.02, 0.5, 0.98), 2.0),
    "exponential": Empiric(SKELETON, 1.34**0.5, SlopePrior("exponential", rate=1.0)),
    "gamma": OneParameterLogistic(SKELETON, 1.34**0.5, slope_prior=SlopePrior("gamma", shape=0.5, rate=2.0)),
}
ROUTES = ("loops", "numpy")
ONE_SKELETON = np.sort(np.random.default_rng(3).uniform(0.02, 0.7, (8, 5)), axis=1).round(3)


@pytest.fixture(params=ROUTES)
def route(request, monkeypatch):
    """Compiled loops, or NumPy alone."""
    found = compiled.loops() if request.param == "loops" else None
    monkeypatch.setattr(rough, "compiled", lambda steps: found)


def tallies(rng, most=120, drawn=300, doses=4):
    """Tallies of 1 to `most` patients: rates that rise, fall, are in no order, or are 0 and 1."""
    n = rng.multinomial(rng.integers(1, most + 1, drawn), rng.dirichlet(np.ones(doses), drawn))
    rates = rng.random((4, drawn // 4, doses))
    rates = np.concatenate([np.sort(rates[0]), np.sort(rates[1])[:, ::-1], rates[2], rates[3].round()])
    return n, rng.binomial(n, rates)


@pytest.mark.parametrize("name", MODELS)
def test_errors_are_below_their_bounds(name, route):
    """Those of means, against panels of each tally's own."""
    model, (n, y) = MODELS[name], tallies(np.random.default_rng(7), drawn=40 if name == "gamma" else 300)
    own, sizes, prior = fitted.solve(model, n, y), nominal_size(n.sum(axis=1)), model.prior()
    known = 0
    for size in np.unique(sizes).tolist():
        nodes, rows = rough.nodes_for(model, size), sizes == size
        for plugin in (True, False) if nodes else ():
            mean, off = nodes.means(n[rows], y[rows], plugin)
            right = prior.z(prior.at(own.theta_mean()))[None] if plugin else own.mean().T
            if not plugin or name not in ("exponential", "gamma"):  # z has another mean than the slope
                assert not (np.abs(mean - right[:, rows]) > off + 1e-9).any()
            known += np.isfinite(off).sum()
    assert known > 1.5 * len(n) or "vague" in name


@pytest.mark.parametrize("plugin", [True, False])
@pytest.mark.parametrize("name", MODELS)
def test_sure_answers_are_right(name, plugin, route):
    model, (n, y) = MODELS[name], tallies(np.random.default_rng(8))
    posterior = quadrature(model).posterior(n.copy(), y.copy())
    right = posterior.plugin() if plugin else posterior.mean()
    for target in (0.1, 0.25, 0.4):
        for allowed in (np.ones(n.shape, bool), n > 0):
            dose, sure = surely_closest(*rough.roughly(model, n, y, plugin), target, allowed)
            np.testing.assert_array_equal(dose[sure], closest(right, target, allowed)[sure])
            if name in ("usual", "logistic", "wide skeleton"):
                assert sure.mean() > 0.99


@pytest.mark.parametrize("name", ["usual", "logistic", "wide skeleton"])
def test_bounds_hold_and_are_needed_where_nodes_are_too_far_apart(name, monkeypatch, route):
    monkeypatch.setattr(rough, "ROUGH", Fineness(0.6, 24.0))
    rough.nodes_for.cache_clear()
    n, y = tallies(np.random.default_rng(5))
    few = n.sum(axis=1) <= 16
    n, y, nodes = n[few], y[few], rough.nodes_for(MODELS[name], 16)
    rough.nodes_for.cache_clear()
    mean, off = nodes.means(n, y, plugin=False)
    error, known = np.abs(mean - fitted.solve(MODELS[name], n, y).mean().T), np.isfinite(off)
    assert known.mean() > 0.9
    assert 0.05 < (error / off)[:, known].max() < 1


def test_both_routes_agree_to_rounding(monkeypatch):
    n, y = tallies(np.random.default_rng(9))
    answers = []
    for found in (compiled.loops(), None):
        monkeypatch.setattr(rough, "compiled", lambda steps, found=found: found)
        answers.append(rough.roughly(MODELS["usual"], n, y, plugin=True))
    np.testing.assert_allclose(*(answer.estimate for answer in answers), rtol=1e-7)  # what loops leave out
    np.testing.assert_allclose(*(answer.off for answer in answers), rtol=1e-3)


@pytest.mark.parametrize("estimate", ["plugin", "mean"])
@pytest.mark.parametrize("seed", range(len(ONE_SKELETON)))
def test_whole_graphs_do_not_depend_on_the_accuracy(seed, estimate, monkeypatch):
    """Decisions and MTDs of all states, against a rule that asks for posteriors to all digits."""
    rng = np.random.default_rng(seed)
    base = doseopt.CRM(
        doses=5,
        target=float(rng.choice([0.15, 0.25, 0.33])),
        skeleton=tuple(ONE_SKELETON[seed].tolist()),
        model=str(rng.choice(["empiric", "logistic"])),
        prior_sd=float(rng.choice([0.01, 0.3, 1.16, 3.0, 10.0])),
        estimate=estimate,
        cohort=int(rng.integers(1, 4)),
        select_untried=bool(rng.integers(2)),
    )
    design = doseopt.Modified(base, (doseopt.MaxPatients(n=7 if base.cohort == 1 else 12),))
    found = doseopt.build_graph(design, edges=True)
    monkeypatch.setattr(crm, "surely_closest", lambda off, *_: (np.zeros(len(off), int), np.zeros(len(off), bool)))
    right = doseopt.build_graph(design, edges=True)
    for name in ("n", "y"):
        np.testing.assert_array_equal(getattr(found.state, name), getattr(right.state, name))
    np.testing.assert_array_equal(found.decision.dose, right.decision.dose)
    np.testing.assert_array_equal(found.selected, right.selected)


def test_what_may_come_out_otherwise_is_not_sure():
    estimate = np.array([[0.1, 0.2, 0.33], [0.1, 0.2, 0.31], [0.2, 0.3, 0.9], [0.2, np.nan, 0.3], [0.1, 0.2, 0.33]])
    off = np.array([[0.01] * 3, [0.01] * 3, [0.01] * 3, [0.01] * 3, [0.01, 0.05, 0.01]])
    allowed = np.ones(estimate.shape, bool)
    dose, sure = surely_closest(estimate, off, 0.25, allowed)
    assert sure.tolist() == [True, False, False, False, False]
    assert dose[0] == 1
    dose, sure = surely_closest(estimate, off, 0.25, allowed & [True, False, True])
    assert sure.tolist() == [True, True, True, False, True]
    assert dose[:3].tolist() == [2, 2, 0]
    assert not surely_closest(estimate, off, 0.25, ~allowed)[1].any()


def test_a_tie_is_left_to_the_accurate_rule():
    estimate, allowed = np.array([[0.2, 0.3 + TIE / 2]]), np.ones((1, 2), bool)
    assert not surely_closest(estimate, np.zeros((1, 2)), 0.25, allowed)[1].any()


def test_many_patients_have_no_rough_estimate():
    n, y = np.array([[200, 100, 0, 0]]), np.array([[20, 30, 0, 0]])
    assert np.isnan(rough.roughly(MODELS["usual"], n, y, plugin=True).off).all()
