"""Posteriors are right to 1e-9 for every prior that is accepted, against a fine grid that shares no line with them."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle_posterior import FineGrid, Oracle
from scipy.special import logit, ndtr

from doseopt.core.parameters import Faults
from doseopt.designs import DESIGNS
from doseopt.models.choice import PosteriorModel
from doseopt.models.curves import Empiric, ModelAverage, OneParameterLogistic, TwoParameterLogistic
from doseopt.models.prior_limits import FURTHEST_MEAN, LARGEST_SD, MOST_CORRELATED, SMALLEST_SD
from doseopt.models.quadrature import quadrature, two_parameter
from doseopt.models.quadrature.two_parameter_nodes import FINE
from doseopt.models.skeleton import IndifferenceInterval

RIGHT = 1e-9
CUT = 0.33
CUTS = (0.1, 0.25, 0.33, 0.6)
TEN = tuple(np.geomspace(10, 240, 10).tolist())


def two(values, mean, sds, rho=0.0, reference=2.0):
    (a, b), c = sds, rho * sds[0] * sds[1]
    return TwoParameterLogistic(values, "mg", reference, mean, ((a * a, c), (c, b * b)))


def check(model, n, y, **grid):
    """Mean, sd and distribution function at a cut and at a quantile, against the grid."""
    posterior = quadrature(model).posterior(np.array([n]), np.array([y]))
    exact = FineGrid(model, np.array(n), np.array(y), CUT, **grid)
    np.testing.assert_allclose(posterior.mean()[0], exact.mean(), rtol=0, atol=RIGHT)
    np.testing.assert_allclose(posterior.sd()[0], exact.sd(), rtol=0, atol=2e-8)  # of the grid: the root of rounding
    np.testing.assert_allclose(1 - posterior.prob(CUT)[0], exact.cdf(), rtol=0, atol=RIGHT)
    assert posterior.log_marginal()[0] == pytest.approx(exact.log_marginal(), abs=2e-8)
    return posterior


THREE, DLTS = (3, 6, 3), (0, 2, 2)
VAGUE = [(5, 5), (10, 10), (2, 4), (3, 3), (1e-3, 1e-3), (1e-3, 1.0), (10, 0.3)]


@pytest.mark.parametrize("sds", VAGUE)
@pytest.mark.parametrize("tally", [((0, 0, 0), (0, 0, 0)), (THREE, DLTS)], ids=["prior", "data"])
def test_vague_and_sharp_priors(sds, tally):
    check(two((1.0, 2.0, 4.0), (math.log(0.25), 0.0), sds), *tally, outer=120, inner=50)


@pytest.mark.parametrize("sds", [(LARGEST_SD, SMALLEST_SD), (SMALLEST_SD, SMALLEST_SD), (SMALLEST_SD, 0.5)])
def test_the_prior_of_a_rate_when_one_parameter_is_all_but_known(sds):
    # given log b the logit of a rate is normal: one sum over log b, of a closed form
    v = np.linspace(-9, 9, 400_001)
    weight = np.exp(-(v**2) / 2) / np.exp(-(v**2) / 2).sum()
    model, nothing = two((1.0, 2.0, 4.0), (-2.0, 0.2), sds), np.zeros((1, 3), int)
    posterior = quadrature(model).posterior(nothing, nothing)
    for cut in (0.05, 0.12, CUT):
        for j, x in enumerate(model.x.tolist()):
            exact = weight @ ndtr((logit(cut) + 2.0 - np.exp(0.2 + sds[1] * v) * x) / sds[0])
            assert posterior.prob(0.0, cut)[0, j] == pytest.approx(exact, abs=RIGHT)


def test_a_published_trials_own_prior():
    tally = (3, 3, 3, 3) + (0,) * 6, (0, 0, 1, 1) + (0,) * 6
    check(two(TEN, (-0.847, -0.094), (1.489, 1.275), reference=100.0), *tally, outer=100, inner=50)


@pytest.mark.parametrize("rho", [0.99, -0.99, 0.999, 0.9999, -0.9999])
def test_correlated_priors(rho):
    check(two((1.0, 2.0, 4.0), (math.log(0.25), 0.0), (2.0, 1.0), rho), THREE, DLTS, outer=160, inner=50)


@pytest.mark.parametrize("many", [300, 1000])
def test_contradictory_data_from_many_patients(many):
    n, y = (many,) * 4, tuple(many * k // 10 for k in (7, 5, 3, 1))
    check(two((0.15, 0.5, 1.5, 4.5), (math.log(0.25), 0.0), (1.5, 0.7), reference=1.5), n, y, outer=100, inner=50)


def test_all_dlts_at_the_lowest_dose():
    # Newton's method for the mode runs in a circle here unless it is stopped
    check(
        two((0.15, 0.5, 1.5, 4.5), (math.log(0.25), 0.0), (1.5, 0.7), 0.9999, 1.5),
        (36, 0, 0, 0),
        (36, 0, 0, 0),
        outer=300,
    )
    check(two((0.15, 0.5, 1.5, 4.5), (math.log(0.25), 0.0), (1.5, 3.0), 0.0, 1.5), (36, 0, 0, 0), (36, 0, 0, 0))


@pytest.mark.parametrize("seed", [3, 11, 26])
def test_drawn_priors_and_tallies(seed):
    rng = np.random.default_rng(seed)
    doses = int(rng.integers(1, 6))
    x = np.sort(rng.uniform(0, 11.5, doses))
    mean = (float(rng.uniform(-8, 4)), float(rng.uniform(-2, 2)))
    model = two(
        tuple(np.exp(x).tolist()),
        mean,
        10 ** rng.uniform(-1, 1, 2),
        rng.uniform(-0.9, 0.9),
        float(np.exp(rng.uniform(0, 11))),
    )
    n = rng.integers(0, int(rng.choice([4, 30, 300])), doses)
    check(model, n.tolist(), rng.binomial(n, rng.random(doses)).tolist(), outer=160, inner=60)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.integers(0, 10**6))
def test_every_accepted_prior_gives_a_posterior_that_keeps_its_laws(seed):
    rng = np.random.default_rng(seed)
    doses = int(rng.integers(1, 42))
    x = np.sort(rng.uniform(0, 11.5, doses))
    rho = float(rng.choice([0.0, 0.9, -0.99, MOST_CORRELATED, -MOST_CORRELATED]))
    mean = tuple((rng.uniform(-1, 1, 2) * FURTHEST_MEAN).tolist())
    sds = tuple((10 ** rng.uniform(math.log10(SMALLEST_SD), math.log10(LARGEST_SD), 2)).tolist())
    model = two(tuple(np.exp(x).tolist()), mean, sds, rho, float(np.exp(rng.uniform(-1, 12))))
    n = rng.integers(0, int(rng.choice([1, 4, 30, 1001])), doses)[None]
    y = rng.binomial(n, rng.random(doses))
    posterior = quadrature(model).posterior(n, y)
    mean, sd, over = posterior.mean(), posterior.sd(), posterior.prob(CUT)
    assert ((mean >= 0) & (mean <= 1)).all()
    assert (np.diff(mean, axis=1) >= -RIGHT).all()  # the curve rises with the dose
    assert (np.diff(over, axis=1) >= -RIGHT).all()
    assert (sd**2 <= mean * (1 - mean) + RIGHT).all()
    assert (over <= mean / CUT + RIGHT).all()  # Markov
    assert posterior.log_marginal()[0] <= RIGHT
    # one patient more at the first dose: the evidence splits into that with and without a DLT
    one = np.eye(doses, dtype=int)[:1]
    more = [quadrature(model).posterior(n + one, y + k * one).log_marginal()[0] for k in (0, 1)]
    assert np.logaddexp(*more) == pytest.approx(posterior.log_marginal()[0], abs=1e-8)
    with np.errstate(divide="ignore"):
        assert more[1] - posterior.log_marginal()[0] == pytest.approx(np.log(mean[0, 0]), abs=1e-6) or mean[0, 0] < 1e-8


@pytest.mark.parametrize("sd", [SMALLEST_SD, 0.05, 3.0, 5.0, LARGEST_SD])
@pytest.mark.parametrize("kind", [Empiric, OneParameterLogistic])
def test_one_parameter(kind, sd):
    model = kind((0.05, 0.12, 0.25, 0.40), sd)
    n = np.array([[0, 0, 0, 0], [3, 6, 3, 0], [36, 0, 0, 0], [9, 9, 9, 9], [300, 300, 300, 300], [1000, 0, 0, 1000]])
    y = np.array([[0, 0, 0, 0], [0, 2, 2, 0], [36, 0, 0, 0], [9, 0, 0, 0], [200, 150, 60, 10], [50, 0, 0, 400]])
    posterior = quadrature(model).posterior(n, y)
    for i, oracle in enumerate(Oracle(model, n[i], y[i]) for i in range(len(n))):
        log_marginal, mean, variance, rates, _ = oracle.moments()
        assert posterior.log_marginal()[i] == pytest.approx(log_marginal, abs=2e-8)
        assert posterior.theta_mean()[i] == pytest.approx(mean, abs=RIGHT)
        assert posterior.theta_variance()[i] == pytest.approx(variance, abs=RIGHT * max(1, sd**2))
        np.testing.assert_allclose(posterior.mean()[i], rates, rtol=0, atol=RIGHT)
        for cut in CUTS:
            exact = [oracle.above(j, cut) for j in range(4)]
            np.testing.assert_allclose(posterior.prob(cut)[i], exact, rtol=0, atol=RIGHT)


def test_quantiles_of_one_parameter_models_after_many_patients():
    # the 5% quantiles that a grid of 29,784 nodes gives, with prior sd 1.1576; the data leave no trace of the prior
    data = np.array([[1000] * 5]), np.array([[50, 120, 250, 400, 550]])
    for sd in (1.1576, 5.0):
        model = OneParameterLogistic((0.05, 0.12, 0.25, 0.40, 0.55), sd, 3.0)
        found = quadrature(model).posterior(*data).quantile(0.05)[0]
        np.testing.assert_allclose(found, [0.04594, 0.11233, 0.23868, 0.38784, 0.53961], rtol=0, atol=6e-6)


def test_quantiles_of_wide_posteriors_have_the_probability_they_are_asked_for():
    model = two((1.0, 2.0, 4.0), (math.log(0.25), 0.0), (5.0, 5.0))
    posterior = quadrature(model).posterior(np.array([THREE]), np.array([DLTS]))
    for q in (0.05, 0.5, 0.9):
        found = posterior.quantile(q)[0]
        for j in range(3):
            assert posterior.prob(0.0, float(found[j]))[0, j] == pytest.approx(q, abs=1e-8)


def test_a_model_average_with_a_vague_prior():
    models = tuple(Empiric(s, 10.0) for s in ((0.05, 0.12, 0.25), (0.10, 0.20, 0.30)))
    n, y = np.array([[3, 6, 3]]), np.array([[0, 2, 2]])
    posterior = quadrature(ModelAverage(models, (0.5, 0.5))).posterior(n, y)
    parts = [Oracle(m, n[0], y[0]).moments() for m in models]
    weight = np.exp([part[0] for part in parts])
    exact = weight @ [part[3] for part in parts] / weight.sum()
    np.testing.assert_allclose(posterior.mean()[0], exact, rtol=0, atol=RIGHT)
    for j, q in itertools.product(range(3), (0.1, 0.5)):
        rate = float(posterior.quantile(q)[0, j])
        assert posterior.prob(0.0, rate)[0, j] == pytest.approx(q, abs=1e-6)


def test_a_tally_is_the_same_whether_its_neighbours_need_panels_or_not():
    model = two((0.1, 0.3, 1.0, 3.0), (-1.4, 0.2), (2.5, 1.0), 0.4, 1.0)
    rng = np.random.default_rng(2)
    n = rng.integers(0, 9, (40, 4))
    y = rng.binomial(n, 0.4)
    n[7], y[7] = (30, 0, 0, 30), (30, 0, 0, 0)
    together = quadrature(model).posterior(n, y)
    assert len({type(part) for part in together.parts}) == 2  # of both kinds
    for i in range(0, 40, 7):
        alone = quadrature(model).posterior(n[i : i + 1], y[i : i + 1])
        np.testing.assert_allclose(alone.mean()[0], together.mean()[i], rtol=0, atol=1e-12)
        np.testing.assert_allclose(alone.prob(CUT)[0], together.prob(CUT)[i], rtol=0, atol=1e-12)


def test_nodes_that_miss_what_they_promise_are_noticed(monkeypatch):
    model = two((0.15, 0.5, 1.5, 4.5), (math.log(0.25), 0.0), (1.5, 0.7), reference=1.5)
    n, y = np.array([[3, 6, 3, 0]]), np.array([[0, 1, 2, 0]])
    right = quadrature(model).posterior(n, y).mean()
    monkeypatch.setattr(two_parameter, "FINE", FINE._replace(r=8.0))
    coarse = quadrature(model).posterior(n.copy(), y.copy())
    np.testing.assert_allclose(coarse.mean(), right, rtol=0, atol=RIGHT)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"cov": ((1e-8, 0.0), (0.0, 1.0))}, "standard deviations in [0.001, 10], got 0.0001 and 1"),
        ({"cov": ((1.0, 0.0), (0.0, 121.0))}, "standard deviations in [0.001, 10], got 1 and 11"),
        ({"cov": ((1.0, 0.99999), (0.99999, 1.0))}, "correlation in [-0.9999, 0.9999], got 0.99999"),
        ({"mean": (-60.0, 0.0)}, "mean of log a in [-50, 50] and of log b in [-10, 10]"),
        ({"mean": (0.0, 11.0)}, "mean of log a in [-50, 50] and of log b in [-10, 10]"),
    ],
)
def test_priors_beyond_what_is_accurate_are_refused_by_name(given, said):
    with pytest.raises(Faults) as caught:
        PosteriorModel(**given)
    assert said in str(caught.value)
    assert str(caught.value).splitlines()[-1].strip().startswith(next(iter(given)))
    design = {"doses": 2, "target": 0.25, "dose_values": (1.0, 2.0), "reference_dose": 2.0, "unit": "mg"}
    with pytest.raises(Faults) as caught:
        DESIGNS["blrm"](**design, **given)
    assert said in str(caught.value)


@pytest.mark.parametrize("sd", [1e-300, 0.0, 9e-4, 10.1])
def test_prior_sds_beyond_what_is_accurate_are_refused(sd):
    for make in (
        lambda: DESIGNS["crm"](doses=2, target=0.25, skeleton=(0.1, 0.2), prior_sd=sd),
        lambda: DESIGNS["bma_crm"](doses=2, target=0.25, prior_sd=sd),
        lambda: PosteriorModel(model="empiric", prior_sd=sd),
    ):
        with pytest.raises(Faults, match=r"prior_sd: wanted a number in \[0.001, 10\]"):
            make()


@pytest.mark.parametrize(
    ("skeleton", "target", "doses", "where"),
    [
        (IndifferenceInterval(2, 0.05), 0.95, 3, "skeleton.halfwidth: wanted less than the target"),
        (IndifferenceInterval(1, 0.05), 0.05, 3, "skeleton.halfwidth: wanted less than the target"),
        (IndifferenceInterval(1, 0.24), 0.25, 41, "skeleton.halfwidth: wanted one that gives increasing rates"),
        (IndifferenceInterval(41, 0.2), 0.25, 41, "skeleton.halfwidth: wanted one that gives increasing rates"),
    ],
)
def test_skeletons_that_leave_the_rates_between_0_and_1_are_refused(skeleton, target, doses, where):
    with pytest.raises(Faults) as caught:
        DESIGNS["crm"](doses=doses, target=target, skeleton=skeleton)
    assert where in str(caught.value)


def test_a_logistic_skeleton_about_the_rate_that_the_curve_cannot_leave_is_refused():
    with pytest.raises(Faults, match=r"skeleton.halfwidth: wanted one that gives increasing rates"):
        DESIGNS["crm"](
            doses=3, target=0.25, skeleton=IndifferenceInterval(2, 0.05), model="logistic", intercept=float(logit(0.25))
        )
