"""Other priors of the CRM's slope, against a closed form that shares no line with the package.

With the empiric model a tally's likelihood is a sum of powers of e^-slope, and the mean of such a power under a gamma
distribution is (rate / (rate + L))^shape: everything but quantiles is a finite sum, here of 80 decimal digits.
"""

import dataclasses
from decimal import Decimal, getcontext
from itertools import product
from math import comb

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit, logit

import doseopt
from doseopt import CRM, TITECRM, SlopePrior
from doseopt.core.parameters import Faults
from doseopt.models.choice import PosteriorModel
from doseopt.models.curves import Empiric, OneParameterLogistic
from doseopt.models.kinds import describe_model, with_prior_sd
from doseopt.models.quadrature import fitted, quadrature
from doseopt.models.rates import FAR
from doseopt.study.file import parse_study
from doseopt.testing.models import check_model

SKELETON = (0.05, 0.12, 0.25, 0.40)
PRIORS = {
    "exponential": SlopePrior("exponential", rate=1.0),
    "gamma": SlopePrior("gamma", shape=2.5, rate=1.75),
    "vague": SlopePrior("gamma", shape=0.2, rate=0.2),
    "narrow": SlopePrior("gamma", shape=50.0, rate=40.0),
}
TALLIES = [
    ((3, 3, 3, 0), (0, 0, 1, 0)),
    ((0, 0, 0, 0), (0, 0, 0, 0)),
    ((3, 3, 3, 3), (0, 0, 0, 0)),
    ((6, 0, 0, 1), (3, 0, 0, 1)),
]


def terms(n, y):
    """The likelihood as pairs (coefficient, L): the sum of coefficient * exp(-slope * L)."""
    logs = [-Decimal(repr(s)).ln() for s in SKELETON]
    spare = [a - b for a, b in zip(n, y, strict=True)]
    for part in product(*(range(m + 1) for m in spare)):
        sign = Decimal(-1) ** sum(part)
        coefficient = sign
        for m, i in zip(spare, part, strict=True):
            coefficient *= comb(m, i)
        yield coefficient, sum((i + t) * log for i, t, log in zip(part, y, logs, strict=True))


def closed_form(prior, n, y):
    """Log marginal likelihood, posterior mean slope and mean DLT rates."""
    getcontext().prec = 80
    shape = Decimal(repr(prior.shape if prior.kind == "gamma" else 1.0))
    rate = Decimal(repr(prior.rate))
    mass = slope = Decimal(0)
    rates = [Decimal(0)] * len(SKELETON)
    for coefficient, power in terms(n, y):
        each = coefficient * (rate / (rate + power)) ** shape
        mass += each
        slope += each * shape / (rate + power)
        for j, s in enumerate(SKELETON):
            further = power - Decimal(repr(s)).ln()
            rates[j] += coefficient * (rate / (rate + further)) ** shape
    return float(mass.ln()), float(slope / mass), np.array([float(r / mass) for r in rates])


@pytest.mark.parametrize("name", PRIORS)
@pytest.mark.parametrize(("n", "y"), TALLIES)
@pytest.mark.parametrize("how", ["grid", "panels"])
def test_posteriors_are_those_of_the_closed_form(name, n, y, how):
    model = Empiric(SKELETON, 1.0, PRIORS[name])
    tally = np.array([n]), np.array([y])
    posterior = quadrature(model).posterior(*tally) if how == "grid" else fitted.solve(model, *tally)
    evidence, slope, rates = closed_form(PRIORS[name], n, y)
    assert posterior.log_marginal()[0] == pytest.approx(evidence, abs=1e-9)
    assert posterior.theta_mean()[0] == pytest.approx(slope, rel=1e-9)
    assert np.abs(posterior.mean()[0] - rates).max() < 1e-9
    assert np.abs(posterior.plugin()[0] - np.array(SKELETON) ** slope).max() < 1e-9


def test_a_posterior_that_is_gamma_has_the_quantiles_of_one():
    """Only DLTs: the likelihood is exp(-slope * L), and the posterior a gamma distribution with another rate."""
    from scipy.stats import gamma

    prior = PRIORS["gamma"]
    posterior = quadrature(Empiric(SKELETON, 1.0, prior)).posterior(np.array([[1, 1, 0, 0]]), np.array([[1, 1, 0, 0]]))
    rate = prior.rate - np.log(SKELETON[0]) - np.log(SKELETON[1])
    for q in 0.05, 0.5, 0.95:
        slope = gamma.ppf(1 - q, prior.shape, scale=1 / rate)
        assert np.abs(posterior.quantile(q)[0] - np.array(SKELETON) ** slope).max() < 1e-9
    above = gamma.cdf(np.log(0.25) / np.log(SKELETON), prior.shape, scale=1 / rate)
    assert np.abs(posterior.prob(0.25)[0] - above).max() < 1e-9


@pytest.mark.parametrize("prior", PRIORS.values(), ids=list(PRIORS))
def test_models_with_such_a_prior_conform(prior):
    if prior.shape >= 1:
        check_model(Empiric(SKELETON, 1.0, prior))
        check_model(OneParameterLogistic(SKELETON, 1.0, 3.0, prior))


def test_the_logistic_model_agrees_with_an_adaptive_integral():
    """`logistic_gamma` of R trialr: logit p = a0 + slope x."""
    prior, a0 = SlopePrior("gamma", shape=1.5, rate=1.2), 3.0
    n, y = np.array([3, 3, 3, 0]), np.array([0, 1, 2, 0])
    x = logit(np.array(SKELETON)) - a0

    def weight(slope):
        p = expit(a0 + slope * x)
        return slope ** (prior.shape - 1) * np.exp(-prior.rate * slope) * np.prod(p**y * (1 - p) ** (n - y))

    def integral(f):
        return quad(lambda s: f(s) * weight(s), 0, 20, epsabs=0, epsrel=1e-12, limit=200)[0]

    mass = integral(lambda s: 1.0)
    rates = np.array([integral(lambda s, k=k: expit(a0 + s * k)) for k in x]) / mass
    posterior = quadrature(OneParameterLogistic(SKELETON, 1.0, a0, prior)).posterior(n[None], y[None])
    assert np.abs(posterior.mean()[0] - rates).max() < 1e-9
    assert posterior.theta_mean()[0] == pytest.approx(integral(lambda s: s) / mass, rel=1e-9)


def test_a_normal_prior_is_the_one_of_its_sd():
    usual, stated = Empiric(SKELETON, 0.8), Empiric(SKELETON, 1.0, SlopePrior("normal", sd=0.8))
    n, y = np.array([[3, 3, 3, 0]]), np.array([[0, 0, 1, 0]])
    assert np.array_equal(quadrature(usual).posterior(n, y).plugin(), quadrature(stated).posterior(n, y).plugin())


def test_the_quantile_function_of_the_prior_is_inverted():
    from doseopt.models.base import GammaPrior

    z = np.linspace(-36, 36, 289)
    for shape, rate in (0.5, 2.0), (1.0, 1.0), (7.0, 0.3):
        prior = GammaPrior(shape, rate)
        assert np.abs(prior.z(prior.theta(z)) - z).max() < 1e-9
        assert np.isfinite(prior.theta(np.array([-FAR, FAR]))).all()


def test_the_design_decides_by_the_rate_at_the_posterior_mean_of_the_slope():
    design = CRM(doses=4, target=0.25, skeleton=SKELETON, slope_prior=PRIORS["exponential"])
    state = doseopt.after(design, "1NNN 2NNN")
    slope = closed_form(PRIORS["exponential"], (3, 3, 0, 0), (0, 0, 0, 0))[1]
    assert np.abs(design.estimated(state)[0] - np.array(SKELETON) ** slope).max() < 1e-9
    waits = TITECRM(doses=4, target=0.25, skeleton=SKELETON, slope_prior=PRIORS["exponential"])
    assert np.array_equal(waits.estimated(state), design.estimated(state))
    clauses = {row.rule: row.reading for row in design.describe()}
    assert clauses["model"] == "p = s^exp(b), exp(b) ~ Exponential(1)"
    assert "posterior mean of exp(b)" in clauses["next dose"]


@pytest.mark.parametrize("name", PRIORS)
@pytest.mark.parametrize("how", ["plugin", "mean"])
@pytest.mark.parametrize("seen", ["1NNN", "1NNN 2NNN", "1NNN 2NNT", "1NNT", "1NTT", "2NNN 3NNT 3NTT"])
def test_the_next_dose_is_the_one_whose_estimated_rate_is_closest_to_the_target(name, how, seen):
    design = CRM(doses=4, target=0.25, skeleton=SKELETON, slope_prior=PRIORS[name], estimate=how)
    state = doseopt.after(design, seen)
    _, slope, mean = closed_form(PRIORS[name], *(part[0].tolist() for part in (state.n, state.y)))
    rates = mean if how == "mean" else np.array(SKELETON) ** slope
    assert np.abs(design.estimated(state)[0] - rates).max() < 1e-9
    assert design.decide(state).dose.item() == np.abs(rates - 0.25).argmin()


def test_the_posterior_of_a_study_may_state_one():
    model = PosteriorModel(model="empiric", skeleton=SKELETON, slope_prior=PRIORS["gamma"])
    curve = model.curve(None, "mg", 4, 0.25)
    assert "exp(b) ~ Gamma(2.5, rate 1.75)" in describe_model(curve)
    wide = with_prior_sd(curve, 2.0).slope_prior
    assert (wide.shape / wide.rate, wide.shape / wide.rate**2) == pytest.approx((2.5 / 1.75, 4 * 2.5 / 1.75**2))


STUDY = """
title = "slope"
target = 0.25
[doses]
labels = ["1", "2", "3", "4"]
[posterior]
model = "empiric"
skeleton = [0.05, 0.12, 0.25, 0.40]
slope_prior = { kind = "exponential", rate = 2 }
[designs.CRM]
kind = "crm"
skeleton = [0.05, 0.12, 0.25, 0.40]
slope_prior = { kind = "gamma", shape = 1, rate = 2 }
modifiers = [{ kind = "max_patients", n = 12 }]
"""


def test_a_study_file_states_it_and_is_written_again():
    study = parse_study(STUDY, "slope.toml")
    assert study.posterior.slope_prior == SlopePrior("exponential", rate=2.0)
    assert parse_study(study.to_toml(), "slope.toml") == study
    alike = STUDY.replace('kind = "gamma", shape = 1', 'kind = "exponential"')
    assert parse_study(alike, "slope.toml").hash == study.hash
    normal = STUDY.replace('kind = "gamma", shape = 1, rate = 2', 'kind = "normal", sd = 0.7')
    sd = STUDY.replace('slope_prior = { kind = "gamma", shape = 1, rate = 2 }', "prior_sd = 0.7")
    assert parse_study(normal, "slope.toml").hash == parse_study(sd, "slope.toml").hash != study.hash


def test_faults_name_their_place():
    wrong = STUDY.replace('kind = "gamma", shape = 1, rate = 2 }', 'kind = "gamm", shape = 0 }\nprior_sd = 0.5')
    wrong = wrong.replace('kind = "exponential", rate = 2', 'kind = "exponential", shape = 2')
    with pytest.raises(Faults) as error:
        parse_study(wrong, "slope.toml")
    told = {fault.where: fault.message for fault in error.value.faults}
    assert "did you mean 'gamma'" in told["designs.CRM.slope_prior.kind"], told
    assert told["designs.CRM.slope_prior.shape"].startswith("wanted a number in [0.1, 1000]"), told
    assert "is no parameter of kind 'exponential'" in told["posterior.slope_prior.shape"], told
    with pytest.raises(Faults, match=r"prior_sd: is not read where slope_prior is stated"):
        CRM(doses=4, target=0.25, skeleton=SKELETON, prior_sd=0.5, slope_prior=PRIORS["gamma"])
    with pytest.raises(Faults, match=r"slope_prior: wanted a SlopePrior, got 3"):
        dataclasses.replace(CRM(doses=4, target=0.25, skeleton=SKELETON), slope_prior=3)
