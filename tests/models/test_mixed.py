"""Patients who count in part, and priors that are mixtures: against plain integrals, other routes, and draws."""

import numpy as np
import pytest
from pytensor.compile.mode import Mode
from scipy.special import expit
from scipy.stats import norm

from doseopt.models.beta import BetaBinomial
from doseopt.models.curves import Empiric, ModelAverage, TwoParameterLogistic
from doseopt.models.external import External, RobustPrior
from doseopt.models.monotone import Monotone
from doseopt.models.nuts.draws import SampledPosterior, diagnose
from doseopt.models.nuts.joint import Joint
from doseopt.models.nuts.pymc import _build, sample
from doseopt.models.nuts.tree import Axes
from doseopt.models.quadrature import fitted, posterior_after, quadrature
from doseopt.models.quadrature.mixed import completions
from doseopt.models.quadrature.partial import Partial
from doseopt.models.quadrature.predictive import prior_tails

BLRM = TwoParameterLogistic.weakly_informative((0.15e9, 0.5e9, 1.5e9, 4.5e9), "cells", 1.5e9)
EMPIRIC = Empiric((0.05, 0.12, 0.25, 0.40), 1.16)
N, Y = np.array([3, 3, 6, 0]), np.array([0, 0, 1, 0])
WEIGHTS = ((), (0.5,), (0.25, 0.7), ())
EXTERNAL = External((3, 6, 6, 0), (0, 1, 3, 0), 0.4)
KINDS = {
    "empiric": EMPIRIC,
    "blrm": BLRM,
    "beta": BetaBinomial(4),
    "monotone": Monotone((0.05, 0.12, 0.25, 0.40), 2.0),
    "average": ModelAverage((EMPIRIC, Empiric((0.12, 0.25, 0.40, 0.55), 1.16)), (0.5, 0.5)),
}


def grid(weights=WEIGHTS, external=None, n=N, y=Y):
    """Posterior of the BLRM by a product of Gauss-Legendre panels over 9 sds: mean, sd, Pr(p <= 1/3), log evidence.

    The prior is stated anew: log a ~ N(logit 0.20, 1.5^2), log b ~ N(0, 0.7^2).
    """
    x, w = np.polynomial.legendre.leggauss(20)
    edges = np.linspace(-9, 9, 31)
    z = (edges[:-1, None] + 0.3 * (1 + x)).ravel()
    mass = np.tile(0.3 * w, 30)
    log_a, slope = np.log(0.25) + 1.5 * z[:, None], np.exp(0.7 * z)[None, :]
    p = [expit(log_a + slope * np.log(d)) for d in (0.1, 1 / 3, 1.0, 3.0)]
    prior = np.outer(mass * norm.pdf(z), mass * norm.pdf(z))
    if external is not None:
        seen = np.prod([q**b * (1 - q) ** (a - b) for q, a, b in zip(p, external.n, external.y, strict=True)], axis=0)
        prior = prior * (1 - external.weight + external.weight * seen / (prior * seen).sum())
    for q, a, b, some in zip(p, n, y, weights, strict=True):
        prior = prior * q**b * (1 - q) ** (a - b) * np.prod([1 - w * q for w in some], axis=0)
    whole = prior.sum()
    mean = np.array([(prior * q).sum() for q in p]) / whole
    square = np.array([(prior * q * q).sum() for q in p]) / whole
    return mean, np.sqrt(square - mean**2), np.log(whole)


@pytest.mark.parametrize("external", [None, EXTERNAL])
@pytest.mark.parametrize("weights", [WEIGHTS, ((), (), (), ())])
def test_of_the_two_parameter_model_they_are_those_of_a_plain_integral(weights, external):
    model = BLRM if external is None else RobustPrior(BLRM, external)
    posterior = posterior_after(model, N, Y, None, weights)
    mean, sd, evidence = grid(weights, external)
    assert posterior.mean()[0] == pytest.approx(mean, abs=1e-8)
    assert posterior.sd()[0] == pytest.approx(sd, abs=1e-8)
    assert posterior.log_marginal()[0] == pytest.approx(evidence, abs=1e-8)


def test_patients_in_part_are_those_of_the_other_route_for_one_parameter():
    mixed = posterior_after(EMPIRIC, N, Y, None, WEIGHTS)
    other = fitted.solve(EMPIRIC, N[None], Y[None], Partial(np.array([[1, 2, 2]]), np.array([[0.5, 0.25, 0.7]])))
    for ask in (
        lambda p: p.mean(),
        lambda p: p.sd(),
        lambda p: p.prob(0.16, 0.33),
        lambda p: p.quantile(0.9),
        lambda p: p.log_marginal(),
    ):
        assert np.allclose(ask(mixed), ask(other), rtol=0, atol=1e-10)


@pytest.mark.parametrize("name", KINDS)
def test_full_and_no_follow_up_are_a_patient_more_and_nobody(name):
    more = posterior_after(KINDS[name], N, Y, None, ((), (1.0,), (0.0, 0.0), ()))
    plain = posterior_after(KINDS[name], N + np.array([0, 1, 0, 0]), Y)
    assert more.mean()[0] == pytest.approx(plain.mean()[0], abs=1e-12)
    assert more.log_marginal() == pytest.approx(plain.log_marginal(), abs=1e-12)


def test_coefficients_are_those_of_the_product():
    completed, log_weight = completions(WEIGHTS)
    for p in (0.1, 0.7):
        whole = (np.exp(log_weight) * (1 - p) ** completed.sum(axis=1)).sum()
        assert whole == pytest.approx((1 - 0.5 * p) * (1 - 0.25 * p) * (1 - 0.7 * p), abs=1e-14)


@pytest.mark.parametrize("name", KINDS)
def test_external_data_are_weighed_by_the_evidence(name):
    """The posterior weight of the external data from Bayes' rule, three marginal likelihoods and the prior weight."""
    curve, more, dlts = KINDS[name], np.array(EXTERNAL.n), np.array(EXTERNAL.y)
    alone, both, outside = (
        float(posterior_after(curve, n, y).log_marginal()[0]) for n, y in ((N, Y), (N + more, Y + dlts), (more, dlts))
    )
    like, unlike = 0.4 * np.exp(both - outside), 0.6 * np.exp(alone)
    posterior = posterior_after(RobustPrior(curve, EXTERNAL), N, Y)
    assert posterior.share[0] == pytest.approx([like / (like + unlike), unlike / (like + unlike)], abs=1e-9)
    batch = quadrature(RobustPrior(curve, EXTERNAL)).posterior(np.stack([N, N * 0]), np.stack([Y, Y * 0]))
    assert batch.mean()[0] == pytest.approx(posterior.mean()[0], abs=1e-8)
    assert batch.share[1] == pytest.approx([0.4, 0.6], abs=1e-9)
    for level in (0.05, 0.5, 0.95):
        cut = posterior.quantile(level)[0]
        assert np.diag(posterior.below(cut)[0]) == pytest.approx([level] * 4, abs=1e-9)


def test_quantiles_of_many_trials_are_those_of_each():
    model = RobustPrior(EMPIRIC, EXTERNAL)
    n = np.stack([N + k for k in range(6)])
    many = quadrature(model).posterior(n, np.tile(Y, (6, 1)))
    for s in (0, 5):
        alone = posterior_after(model, n[s], Y)
        for level in (0.05, 0.95):
            assert many.quantile(level)[s] == pytest.approx(alone.quantile(level)[0], abs=2e-6)


def test_prior_predictive_tails_of_a_mixture_are_the_mixture_of_tails():
    """0 of 3 at the only dose, where Beta(1, 1) is Beta(4, 4) after 3 of 6 external patients, of weight 0.4."""
    model = RobustPrior(BetaBinomial(1), External((6,), (3,), 0.4))
    none = 0.4 * (4 * 5 * 6) / (8 * 9 * 10) + 0.6 / 4
    assert prior_tails(model, np.array([3]), np.array([0])).total == pytest.approx(2 * none, abs=1e-12)


ROBUST = RobustPrior(BLRM, EXTERNAL)
CASES = {
    "weighted": (BLRM, WEIGHTS),
    "robust": (ROBUST, ()),
    "both, averaged": (RobustPrior(KINDS["average"], EXTERNAL), WEIGHTS),
}


@pytest.mark.parametrize("name", CASES)
def test_numpy_and_pymc_state_the_same_density(name):
    """In PyMC the log binomial coefficients are added, which do not depend on the parameters."""
    joint = Joint(*[CASES[name][0], None, CASES[name][1]])
    built = _build(joint, (N, Y), Axes.of(joint))
    density = built.compile_logp(mode=Mode(linker="py", optimizer=None))
    off = []
    for z in np.random.default_rng(1).normal(0, 1, (5, len(joint.prior.names))):
        off.append(density({"z": z}) - joint.log_prior(z) - joint.log_likelihood(joint.theta(z, np), N, Y))
    assert np.ptp(off) < 1e-9
    assert off[0] == pytest.approx(np.log(6), abs=1e-9)


@pytest.mark.parametrize("name", ["weighted", "robust"])
def test_draws_agree_with_quadrature(name):
    """z of means and of two probabilities at four doses, bound by a family-wise error of 1e-4."""
    model, weights = CASES[name]
    draws = SampledPosterior(sample(model, N, Y, seed=20261129, draws=4000, weights=weights))
    exact = posterior_after(model, N, Y, None, weights)
    size = diagnose(draws.tree).min_ess_bulk
    z = [(draws.mean() - exact.mean()) / draws.mean_mcse()]
    for cut in ((0.0, 0.16), (0.33, 1.0)):
        chance = exact.prob(*cut)
        z.append((draws.prob(*cut) - chance) / np.sqrt(chance * (1 - chance) / size))
    assert np.abs(z).max() < norm.isf(1e-4 / 2 / 12)
    tree = draws.tree
    error = tree.attrs["log_marginal_likelihood_mcse"]
    assert abs(tree.attrs["log_marginal_likelihood"] - exact.log_marginal()[0]) < norm.isf(1e-4 / 2) * error
    if name == "robust":
        assert tree.attrs["external_weight"] == pytest.approx(exact.share[0, 0], abs=4 * 0.5 / np.sqrt(size))
        prior = np.exp(np.log(tree["prior"]["p_dlt"].to_numpy()[0]))
        nothing = np.zeros(4, int)
        wanted = posterior_after(model, nothing, nothing)
        assert np.abs(prior.mean(axis=0) - wanted.mean()[0]).max() < 5 * wanted.sd()[0].max() / np.sqrt(len(prior))
