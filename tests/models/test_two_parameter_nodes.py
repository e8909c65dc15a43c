"""One grid of nodes for all doses: as good as it says on the corners, and decisions that need fewer of them."""

import itertools

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import logit
from scipy.stats import norm

from doseopt import BLRM, MaxPatients, Modified, build_graph
from doseopt.core.state import TrialState
from doseopt.designs import blrm
from doseopt.models.curves import TwoParameterLogistic
from doseopt.models.quadrature import nested, quadrature
from doseopt.models.quadrature.asked import Inside
from doseopt.models.quadrature.two_parameter import MANY, RIGHT, NodesPosterior, solve
from doseopt.models.quadrature.two_parameter_nodes import COARSE, FINE, ROUGH, nodes_for
from tests.oracle_posterior import FineGrid

DOSES = (0.15, 0.5, 1.5, 4.5)
CUTS = np.array([0.05, 0.16, 0.33, 0.6])
CORNERS = {
    "as bundled": TwoParameterLogistic.weakly_informative(DOSES, "cells", 1.5),
    "falling correlation": TwoParameterLogistic(DOSES, "mg", 1.5, (-1.0, 0.0), ((4.0, -1.8), (-1.8, 1.0))),
    "rising correlation": TwoParameterLogistic(DOSES, "mg", 1.5, (-1.0, 0.0), ((4.0, 1.8), (1.8, 1.0))),
    "vague": TwoParameterLogistic(DOSES, "mg", 1.5, (-1.4, 0.0), ((6.25, 0.0), (0.0, 1.0))),
    "sharp": TwoParameterLogistic(DOSES, "mg", 1.5, (-1.0, 0.2), ((0.09, 0.0), (0.0, 0.09))),
}
DATA = {
    "none": ((0, 0, 0, 0), (0, 0, 0, 0)),
    "singles": ((1, 1, 1, 1), (0, 0, 0, 1)),
    "falling": ((6, 6, 6, 6), (5, 3, 1, 0)),
    "at one dose": ((0, 0, 30, 0), (0, 0, 15, 0)),
    "120 patients": ((12, 24, 48, 36), (1, 4, 14, 18)),
    "120 at the ends": ((60, 0, 0, 60), (6, 0, 0, 36)),
}


EACH = [(prior, data) for i, prior in enumerate(CORNERS) for k, data in enumerate(DATA) if (i + k) % 4 == 0]


@pytest.mark.parametrize(("prior", "data"), EACH)
def test_corners_against_an_independent_rule(prior, data):
    model, (n, y) = CORNERS[prior], map(np.array, DATA[data])
    posterior, exact = quadrature(model).posterior(n[None], y[None]), FineGrid(model, n, y)
    np.testing.assert_allclose(posterior.below(np.array([0.33]))[0, 0], exact.cdf(), rtol=0, atol=1e-9)
    np.testing.assert_allclose(posterior.mean()[0], exact.mean(), rtol=0, atol=1e-9)
    np.testing.assert_allclose(posterior.sd()[0], exact.sd(), rtol=0, atol=2e-8)  # the root of rounding


@pytest.mark.parametrize("level", [0.05, 0.5, 0.95])
def test_quantiles_of_the_prior_by_one_integral(level):
    """Given b, log a is normal: Pr(p_d <= c) is a mean of normal probabilities over b.

    1e-9 is allowed to the nodes, and as much to the line that quantiles are read from.
    """
    (a, b), ((va, _), (_, vb)) = (model := CORNERS["as bundled"]).mean, model.cov
    none = np.zeros((1, 4), int)
    for dose, c in zip(DOSES, quadrature(model).posterior(none, none).quantile(level)[0], strict=True):

        def below(z, c=c, dose=dose):
            eta = logit(c) - np.exp(b + z * np.sqrt(vb)) * np.log(dose / 1.5)
            return norm.pdf(z) * norm.cdf((eta - a) / np.sqrt(va))

        assert quad(below, -9, 9, epsabs=1e-13, limit=500)[0] == pytest.approx(level, abs=2 * RIGHT)


def drawn(patients, count, seed=1):
    random = np.random.default_rng(seed)
    n = np.stack([random.multinomial(patients, random.dirichlet(np.ones(4) / 2)) for _ in range(count)])
    return n, random.binomial(n, np.sort(random.random((count, 4)), axis=1))


@pytest.mark.parametrize("prior", CORNERS)
def test_the_bound_of_an_error_is_above_the_error(prior):
    """Of coarse nodes and of fine ones for fewer patients, against nodes for more."""
    model, (n, y) = CORNERS[prior], drawn(32, 60)
    tallies = np.column_stack([y, n - y, np.ones(60)])
    closest = nodes_for(model, DOSES, 64, FINE)
    right, (below, _) = closest.answers(tallies), closest.roughly_below(tallies, CUTS)
    known = right.off_below < RIGHT
    assert known.mean() > 0.5
    for patients, fineness in ((32, ROUGH), (32, COARSE), (8, FINE), (32, FINE)):
        nodes = nodes_for(model, DOSES, patients, fineness)
        found, (below_too, off) = nodes.answers(tallies), nodes.roughly_below(tallies, CUTS)
        np.testing.assert_allclose(off, found.off_below, rtol=1e-3)
        assert (np.abs(below_too - below).max(axis=(1, 2)) < off + RIGHT)[known].all()
        assert (np.abs(found.average - right.average).max(axis=1) < found.off + RIGHT)[known].all()


@pytest.mark.parametrize("prior", CORNERS)
def test_means_alone_are_those_of_the_posterior(prior):
    model, (n, y) = CORNERS[prior], drawn(27, MANY, 2)
    exact = quadrature(model).posterior(n, y).mean()
    found = quadrature(model).mean(n, y)
    np.testing.assert_allclose(found, exact, rtol=0, atol=RIGHT)
    assert (found != exact).any()


@pytest.mark.parametrize("prior", CORNERS)
def test_rough_answers_are_as_good_as_they_say(prior):
    """Also after few patients, whose posteriors are the furthest from normal."""
    model, parts = CORNERS[prior], [drawn(patients, 40, 2) for patients in (1, 5, 27, 60)]
    n, y = map(np.concatenate, zip(*parts, strict=True))
    exact = quadrature(model).posterior(n, y).below(CUTS)
    for rows, below, off in quadrature(model).roughly(n, y, CUTS, ROUGH):
        assert np.median(off) < 1e-3
        assert (np.abs(below - exact[rows]).max(axis=(1, 2)) < off).all()


def test_what_is_compared_comes_out_the_same_way_with_rough_answers():
    model, intervals = CORNERS["as bundled"], ((0.33, 1.0), (0.16, 0.33))
    n, y = drawn(18, 300, 3)
    exact = Inside(model, intervals)(n, y)
    limit = float(exact[7, 2, 0])  # of one tally exactly
    found = Inside(model, intervals, (limit, None))(n, y)
    assert (found != exact).mean() > 0.9
    met = exact[..., 0] < limit
    assert found[7, 2, 0] == pytest.approx(limit, abs=RIGHT)
    np.testing.assert_array_equal(np.delete(found[..., 0] < limit, 7, axis=0), np.delete(met, 7, axis=0))
    for j, k in itertools.combinations(range(4), 2):
        both = met[:, j] & met[:, k]
        np.testing.assert_array_equal((found[:, j, 1] < found[:, k, 1])[both], (exact[:, j, 1] < exact[:, k, 1])[both])


@pytest.mark.parametrize("rule", ["interval", "ewoc", "mean"])
def test_decisions_do_not_depend_on_the_accuracy(rule, monkeypatch):
    """Against all answers as accurate as they can be."""
    n, y = drawn(24, 200, 4)
    design = BLRM(doses=4, target=0.25, dose_values=DOSES, unit="mg", reference_dose=1.5, rule=rule)
    state = TrialState(n, y, (n > 0).cumsum(axis=1).argmax(axis=1), np.zeros((200, 0), np.int64))
    with_rough = design.decide(state)
    monkeypatch.setattr(blrm, "inside", lambda model, intervals, limits: Inside(model, intervals))
    exact = design.decide(state)
    np.testing.assert_array_equal(with_rough.dose, exact.dose)
    np.testing.assert_array_equal(with_rough.stop, exact.stop)


@pytest.mark.parametrize(("prior", "cohort"), [*((prior, 3) for prior in CORNERS), ("falling correlation", 1)])
def test_whole_graphs_do_not_depend_on_the_accuracy(prior, cohort, monkeypatch):
    """Of all tallies that can be reached; with 60 patients as well, 224,022 of them, when the rule was made."""
    mean, cov = CORNERS[prior].mean, CORNERS[prior].cov
    design = BLRM(
        doses=4, target=0.25, dose_values=DOSES, unit="mg", reference_dose=1.5, mean=mean, cov=cov, cohort=cohort
    )
    capped = Modified(design, (MaxPatients(n=18 if cohort == 3 else 9),))
    with_rough = build_graph(capped)
    monkeypatch.setattr(blrm, "inside", lambda model, intervals, limits: Inside(model, intervals))
    exact = build_graph(capped)
    assert with_rough.counts() == exact.counts()
    for found in ("selected", "ending", "paths"):
        np.testing.assert_array_equal(getattr(with_rough, found), getattr(exact, found))
    np.testing.assert_array_equal(with_rough.state.y, exact.state.y)


def test_tallies_that_need_the_closest_nodes():
    """Against panels of their own: tallies of up to 32 patients for which the nodes of 64 do not do."""
    model, n = CORNERS["as bundled"], np.array([[1, 2, 0, 22], [1, 0, 2, 28], [0, 1, 2, 23]])
    y = np.array([[0, 0, 0, 11], [0, 0, 1, 20], [0, 0, 2, 15]])
    ((_, found),) = solve(model, DOSES, 32, n, y)
    assert isinstance(found, NodesPosterior)
    assert found.nodes is nodes_for(model, DOSES, 128, FINE)
    own = nested.solve(model, DOSES, n, y)
    for ask in (lambda p: p.mean(), lambda p: p.sd(), lambda p: p.prob(0.16, 0.33), lambda p: p.log_marginal()):
        np.testing.assert_allclose(ask(found), ask(own), rtol=0, atol=1e-9)
    np.testing.assert_allclose(found.quantile(0.05), own.quantile(0.05), rtol=0, atol=1e-8)


def test_few_nodes_count_for_a_tally():
    """A twentieth or so of those of the rule with a grid a dose: 36,000 for this model."""
    model = CORNERS["as bundled"]
    posterior = quadrature(model).posterior(*drawn(30, 20))
    assert isinstance(posterior.parts[0], NodesPosterior)
    assert quadrature(model).nodes(30) <= 20_000
