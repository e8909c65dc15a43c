"""Sampled posteriors: the same model as every other route, the same answer, and words when it cannot be trusted."""

import functools
import itertools
from pathlib import Path

import arviz as az
import matplotlib.pyplot as plt
import numpy as np
import nutpie
import pymc as pm
import pytest
import xarray as xr
from models.test_hazard import FOLLOWED, STRUCK, N, Y, standardised
from pytensor.compile.mode import Mode
from sampled_models import BLRM, DOSES, MODELS
from scipy.special import comb, expit, log_expit, logsumexp, roots_sh_jacobi
from scipy.stats import beta, binom, gamma, kstest, multivariate_normal, norm

from doseopt import __version__
from doseopt.models.base import GammaPrior
from doseopt.models.beta import BetaBinomial
from doseopt.models.curves import Empiric, ModelAverage
from doseopt.models.likelihood import log1mexp
from doseopt.models.monotone import Monotone
from doseopt.models.nuts.draws import Diagnostics, SampledPosterior, SamplingWarning, diagnose
from doseopt.models.nuts.joint import Joint
from doseopt.models.nuts.pymc import build, compiled, sample
from doseopt.models.nuts.slope import SampledSlope
from doseopt.models.populations import TwoPopulations
from doseopt.models.quadrature import posterior_after, quadrature
from doseopt.models.stick import BetaPrior

QUADRATURE = ("empiric", "logistic", "blrm", "beta-binomial", "average", "gamma slope", "monotone")
TALLIES = {"mixed": ((3, 3, 6, 3), (0, 0, 1, 2)), "toxic low dose": ((6, 3, 0, 0), (4, 3, 0, 0))}
SEED = 20261123
FAMILY = 1e-4
PYTHON = Mode(linker="py", optimizer=None)
"""No compiler: a density is evaluated a few times only."""
INTERVALS = ((0.0, 0.16), (0.16, 0.33), (0.33, 1.0))
LEVELS = (0.05, 0.5, 0.95)


def tally(name: str, which: str = "mixed") -> tuple[np.ndarray, np.ndarray]:
    n, y = (np.array(counts) for counts in TALLIES[which])
    return (
        (np.stack([n, n[::-1]]), np.stack([y, np.minimum([0, 1, 0, 0], n[::-1])]))
        if name == "two populations"
        else (n, y)
    )


@functools.cache
def fitted(name: str, which: str = "mixed") -> xr.DataTree:
    # A stream of its own for each fit: models of one parameter that share a stream err alike.
    seed = SEED + 1 + list(MODELS).index(name) + len(MODELS) * list(TALLIES).index(which)
    return sample(MODELS[name], *tally(name, which), seed=seed, draws=10_000, next_cohort=3)


def bound(comparisons: int) -> float:
    return float(norm.isf(FAMILY / 2 / comparisons))


def log_rates(model: object, z: np.ndarray) -> np.ndarray:
    """The rates from the statement of each model, without `Joint`: [..., D], [..., model, D] or [..., group, D]."""
    if isinstance(model, BetaBinomial):
        return log_expit(BetaPrior(("p",) * 4, (model.a,) * 4, (model.b,) * 4).theta(z, np))
    if isinstance(model, ModelAverage):
        return np.stack([m.log_dlt_rate(m.prior().theta(z), np) for m in model.models], axis=-2)
    prior = model.prior()
    if isinstance(prior, GammaPrior):  # sampled as b itself
        return model.log_dlt_rate(z, np)
    return model.log_dlt_rate(prior.theta(z, np) if isinstance(prior, BetaPrior) else prior.theta(z), np)


def log_density(model: object, z: np.ndarray, n: np.ndarray, y: np.ndarray) -> float:
    log_p = log_rates(model, z)
    log_q = np.where(log_p > -0.5, np.log(-np.expm1(log_p)), np.log1p(-np.exp(log_p)))
    each = np.log(comb(n, y)) + y * log_p + (n - y) * log_q
    assert np.allclose(each, binom.logpmf(y, n, np.exp(log_p)), rtol=1e-6)
    if isinstance(model, ModelAverage):
        return float(norm.logpdf(z).sum() + logsumexp(each.sum(axis=-1) + np.log(model.weights)))
    if isinstance(model, Monotone | BetaBinomial):
        prior = Joint(model).prior
        v, step = expit(prior.theta(z, np)), 1e-6
        slope = (prior.theta(z + step, np) - prior.theta(z - step, np)) / (2 * step)
        shift = (beta.logpdf(v, prior.a, prior.b) + np.log(v * (1 - v) * slope)).sum() - prior.log_densities(
            z, np
        ).sum()
        assert abs(shift) < 1e-6  # the slope is a difference quotient here
        return float(prior.log_densities(z, np).sum() + each.sum())
    prior = model.prior()
    if isinstance(prior, GammaPrior):
        of_slope = gamma.logpdf(np.exp(z), prior.shape, scale=1 / prior.rate)
        return float((of_slope + z).sum() + each.sum())
    return float(norm.logpdf(z).sum() + each.sum())


@pytest.mark.parametrize("name", MODELS)
def test_numpy_and_pymc_state_the_same_density_and_the_same_rates(name: str) -> None:
    rng = np.random.default_rng(1)
    model, joint = MODELS[name], Joint(MODELS[name])
    n, y = tally(name)
    built = build(model, n, y)
    density = built.compile_logp(mode=PYTHON)
    rates = built["log_p_by_model" if name == "average" else "p_dlt"]
    scale = 0.4 if name == "cloglog" else 1.5  # further out its rates are 1 in double precision
    for z in rng.normal(0, scale, (20, len(joint.prior.names))):
        assert density({"z": z}) == pytest.approx(log_density(model, z, n, y), abs=1e-10)
        here = rates.eval({built["z"]: z}, mode=PYTHON)
        assert np.allclose(here if name == "average" else np.log(here), log_rates(model, z), rtol=0, atol=1e-10)


@pytest.mark.parametrize("name", MODELS)
def test_density_and_gradient_stay_finite_where_rates_are_0_or_1(name: str) -> None:
    joint = Joint(MODELS[name])
    n = np.full(joint.data_shape, 36)
    for y in (np.zeros_like(n), n):
        built = build(MODELS[name], n, y)
        density, gradient = built.compile_logp(mode=PYTHON), built.compile_dlogp(mode=PYTHON)
        for z in (-4.0, 4.0):
            at = {"z": np.full(len(joint.prior.names), z)}
            assert np.isfinite(density(at))
            assert np.isfinite(gradient(at)).all()


def test_log1mexp_is_accurate_at_both_ends() -> None:
    x = np.array([0.0, -1e-20, -1e-5, -0.6, -0.7, -50.0, -800.0])
    wanted = [
        np.log(1e-300),
        np.log(1e-20),
        np.log(1e-5) - 5e-6,
        np.log(-np.expm1(-0.6)),
        np.log1p(-np.exp(-0.7)),
        -np.exp(-50.0),
        0,
    ]
    assert np.allclose(log1mexp(x, np), wanted, rtol=1e-10, atol=0)


def test_prior_predictive_of_pymc_is_that_of_the_statement() -> None:
    for name in ("average", "monotone"):
        n, y = tally(name)
        with build(MODELS[name], n, y):
            drawn = pm.sample_prior_predictive(400, random_seed=1, compile_kwargs={"mode": PYTHON})["prior_predictive"][
                "y"
            ].to_numpy()
        own = fitted(name)["prior_predictive"]["y"].to_numpy()[0]
        error = np.sqrt(own.var(axis=0) * (1 / 400 + 1 / len(own)))
        assert (abs(drawn[0].mean(axis=0) - own.mean(axis=0)) < bound(8) * error).all()


def prob_error(draws: SampledPosterior, exact: np.ndarray, cut: tuple[float, float]) -> np.ndarray:
    """The Monte Carlo error of a probability; of a rare event the few draws that hit it cannot tell, the truth can."""
    expected = np.sqrt(exact * (1 - exact) / diagnose(draws.tree).min_ess_bulk)
    return np.maximum(draws.prob_mcse(*cut), expected)


def compared(name: str, which: str) -> np.ndarray:
    """z values of everything that a posterior answers."""
    n, y = tally(name, which)
    exact, draws = quadrature(MODELS[name]).posterior(n[None], y[None]), SampledPosterior(fitted(name, which))
    z = [(draws.mean() - exact.mean()) / draws.mean_mcse(), (draws.sd() - exact.sd()) / draws.sd_mcse()]
    for cut in INTERVALS:
        z += [(draws.prob(*cut) - exact.prob(*cut)) / prob_error(draws, exact.prob(*cut), cut)]
    z += [(draws.quantile(q) - exact.quantile(q)) / draws.quantile_mcse(q) for q in LEVELS]
    error = draws.tree.attrs["log_marginal_likelihood_mcse"]
    return np.append(np.concatenate(z), (draws.log_marginal() - exact.log_marginal()) / error)


@pytest.mark.parametrize("which", TALLIES)
@pytest.mark.parametrize("name", QUADRATURE)
def test_nuts_agrees_with_quadrature(name: str, which: str) -> None:
    z = compared(name, which)
    assert abs(z).max() < bound(z.size * len(QUADRATURE) * len(TALLIES)), z.round(2)


def test_the_monotone_model_agrees_with_exact_integrals() -> None:
    """In v the likelihood is a polynomial, so Gauss-Jacobi rules with enough nodes are exact."""
    model = MODELS["monotone"]
    assert isinstance(model, Monotone)
    n, y = tally("monotone")
    prior, draws = model.prior(), SampledPosterior(fitted("monotone"))
    rules = [roots_sh_jacobi(12, a + b - 1, a) for a, b in zip(prior.a, prior.b, strict=True)]
    v = np.array(list(itertools.product(*(nodes for nodes, _ in rules))))
    weight = np.array([np.prod(w) for w in itertools.product(*(w / w.sum() for _, w in rules))])
    p = 1 - np.cumprod(1 - v, axis=1)
    likelihood = weight * np.prod(p**y * (1 - p) ** (n - y), axis=1)
    mean = likelihood @ p / likelihood.sum()
    sd = np.sqrt(likelihood @ p**2 / likelihood.sum() - mean**2)
    z = [*((draws.mean() - mean) / draws.mean_mcse())[0], *((draws.sd() - sd) / draws.sd_mcse())[0]]
    z += [(draws.log_marginal()[0] - np.log(likelihood.sum())) / draws.tree.attrs["log_marginal_likelihood_mcse"]]
    assert np.abs(z).max() < bound(len(z)), z


def test_the_hazard_model_agrees_with_the_integral_where_patients_count_in_part() -> None:
    """Exposures are data: what is compiled serves them and whole windows alike."""
    model = MODELS["cloglog"]
    exact = posterior_after(model, N, Y, None, FOLLOWED, STRUCK)
    tree = sample(model, N, Y, seed=20261129, draws=2000, weights=FOLLOWED, struck=STRUCK)
    z, off = standardised(tree, exact, diagnose(tree).min_ess_bulk)
    assert np.abs(z).max() < bound(8)
    assert off < 1
    each = [Joint.of(model, None, *parts).shared for parts in ((FOLLOWED, STRUCK), ((), ()))]
    assert compiled(each[0]) is compiled(each[1])


@pytest.mark.parametrize("name", ["monotone", "two populations"])
def test_models_without_quadrature_agree_with_weighted_draws_from_the_prior(name: str) -> None:
    rng, n_y = np.random.default_rng(2), tally(name)
    joint, draws = Joint(MODELS[name]), SampledPosterior(fitted(name))
    theta = joint.draw(rng, 100_000)
    weight = np.exp(joint.log_likelihood(theta, *n_y))
    weight /= weight.sum()
    p = np.exp(joint.reported(theta, np)).reshape(len(theta), *draws.mean().shape)
    z = []
    for ask, here, error in [
        (p, draws.mean(), draws.mean_mcse()),
        *(((p > low) & (p <= high), draws.prob(low, high), draws.prob_mcse(low, high)) for low, high in INTERVALS),
    ]:
        there = np.einsum("i,i...->...", weight, ask)
        other = np.sqrt(np.einsum("i,i...->...", weight**2, (ask - there) ** 2))
        z.append((here - there) / np.hypot(error, other))
    assert np.abs(z).max() < bound(np.size(z)), np.round(z, 2)


def test_monotone_rates_are_in_order_in_every_draw() -> None:
    for group in ("prior", "posterior"):
        assert (fitted("monotone")[group]["p_dlt"].diff("dose").to_numpy() >= 0).all()


def test_prior_of_the_monotone_model_is_the_beta_that_its_docstring_states() -> None:
    model = MODELS["monotone"]
    assert isinstance(model, Monotone)
    nothing = np.zeros(4, dtype=int)
    tree = sample(model, nothing, nothing, seed=SEED, draws=4000)
    draws, guess = SampledPosterior(tree), np.array(model.guess)
    for j, s in enumerate(guess):
        own = tree["prior"]["p_dlt"].to_numpy()[0, :, j]
        assert kstest(own, beta(model.precision * s, model.precision * (1 - s)).cdf).pvalue > FAMILY / 4
    for low, high in INTERVALS:
        law = beta(model.precision * guess, model.precision * (1 - guess))
        exact = law.cdf(high) - law.cdf(low)
        z = (draws.prob(low, high) - exact) / prob_error(draws, exact, (low, high))
        assert np.abs(z).max() < bound(12)
    assert abs(draws.log_marginal()[0]) < 5 * tree.attrs["log_marginal_likelihood_mcse"]


def test_one_population_pulls_the_other_towards_it_but_less() -> None:
    model, nothing = MODELS["two populations"], np.zeros((2, 4), dtype=int)
    blank = SampledPosterior(sample(model, nothing, nothing, seed=SEED, draws=4000))
    assert (abs(blank.mean()[0] - blank.mean()[1]) < bound(4) * np.hypot(*blank.mean_mcse())).all()
    for y in (0, 5):
        n = np.array([[0, 6, 6, 0], [0, 0, 0, 0]])
        one = SampledPosterior(sample(model, n, np.minimum(n, y), seed=SEED, draws=4000))
        moved = (one.mean() - blank.mean())[:, 1:3] * (1 if y else -1)
        assert (moved[1] > 0.03).all()
        assert (moved[0] > moved[1]).all()


def test_equal_seeds_equal_draws() -> None:
    first, again, other = (sample(MODELS["blrm"], *tally("blrm"), seed=seed) for seed in (5, 5, 6))
    for group in ("posterior", "prior", "posterior_predictive", "prior_predictive"):
        assert first[group].to_dataset().identical(again[group].to_dataset())
        assert not first[group].to_dataset().equals(other[group].to_dataset())
    assert first.attrs == again.attrs


def test_a_model_is_compiled_once_for_all_its_data_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    real = nutpie.compile_pymc_model
    monkeypatch.setattr(nutpie, "compile_pymc_model", lambda *a, **k: (calls.append(1), real(*a, **k))[1])
    n = np.array([3, 6])
    means = [
        SampledPosterior(sample(Empiric((0.1, 0.3), 0.9), n, np.array(y), seed=1)).mean()
        for y in ((0, 0), (2, 5), (0, 1))
    ]
    assert len(calls) == 1
    assert (means[1] > means[2]).all()
    assert (means[2] > means[0]).all()
    assert compiled(Joint(Empiric((0.1, 0.3), 0.9))) is compiled(Joint(Empiric((0.1, 0.3), 0.9)))


def test_the_sampler_of_pymc_gives_the_same_posterior() -> None:
    n, y = tally("empiric")
    tree = sample(MODELS["empiric"], n, y, seed=SEED, sampler="pymc")
    draws, exact = SampledPosterior(tree), quadrature(MODELS["empiric"]).posterior(n[None], y[None])
    assert np.abs((draws.mean() - exact.mean()) / draws.mean_mcse()).max() < bound(4)
    assert tree.attrs["sampler"] == "pymc"
    assert "diverging" in tree["sample_stats"]


def test_actual_doses_are_data_and_the_planned_ones_are_reported() -> None:
    n, y, actual = np.array([1, 2, 3, 6, 3]), np.array([0, 0, 0, 1, 2]), (0.14e9, 0.16e9, 0.5e9, 1.4e9, 4.6e9)
    tree = sample(BLRM, n, y, seed=SEED, draws=4000, at=actual, next_cohort=(1, 2, 3, 4))
    assert tree["observed_data"]["y"].dims == ("observation",)
    assert tree["constant_data"]["actual_dose"].attrs["units"] == "cells"
    assert tree["predictions_constant_data"]["dose_value"].to_numpy().tolist() == list(DOSES)
    assert tree["predictions"]["y_next"].max(("chain", "draw")).to_numpy().tolist() == [1, 2, 3, 4]
    draws = SampledPosterior(tree)
    split = quadrature(BLRM.at((*actual, *DOSES))).posterior(np.append(n, [0] * 4)[None], np.append(y, [0] * 4)[None])
    assert np.abs((draws.mean() - split.mean()[:, 5:]) / draws.mean_mcse()).max() < bound(4)
    for model in (BLRM, MODELS["two populations"]):
        k = Joint(model, DOSES).data_shape
        same = [build(model, np.full(k, 3), np.full(k, 1), at=at) for at in (None, DOSES)]
        z = np.linspace(-1, 1, len(Joint(model).prior.names))
        assert len({float(m.compile_logp(mode=PYTHON)({"z": z})) for m in same}) == 1


def test_the_tree_is_labelled_and_survives_a_file(tmp_path: Path) -> None:
    n, y = tally("empiric")
    labels = ["low", "middle", "high", "top"]
    tree = sample(MODELS["empiric"], n, y, seed=1, labels=labels, values=DOSES, unit="cells", next_cohort=3)
    assert tree["posterior"]["p_dlt"].dims == ("chain", "draw", "dose")
    assert tree["posterior"]["dose"].to_numpy().tolist() == labels
    assert tree["constant_data"]["dose_value"].attrs["units"] == "cells"
    sampled = {"posterior", "posterior_predictive", "predictions", "log_likelihood", "log_prior", "sample_stats"}
    fixed = {"observed_data", "constant_data", "predictions_constant_data"}
    assert set(tree.children) == {*sampled, *fixed, "prior", "prior_predictive"}
    assert tree.attrs["seed"] == 1
    assert tree.attrs["version"] == __version__
    assert (tree["posterior_predictive"]["y"] <= tree["constant_data"]["n"]).all()
    tree.to_netcdf(tmp_path / "posterior.nc")
    with xr.open_datatree(tmp_path / "posterior.nc") as read:
        assert diagnose(read) == diagnose(tree)
        assert np.array_equal(SampledPosterior(read).mean(), SampledPosterior(tree).mean())
    two = fitted("two populations")["posterior"]["p_dlt"]
    assert two.dims == ("chain", "draw", "group", "dose")
    assert two["group"].to_numpy().tolist() == ["chronic", "acute-on-chronic"]


def test_predictions_of_the_next_cohort_are_those_of_the_draws() -> None:
    tree = fitted("blrm")
    error = np.sqrt(9 / tree["posterior"]["p_dlt"].isel(dose=0).size)
    difference = tree["predictions"]["y_next"].mean() - 3 * tree["posterior"]["p_dlt"].mean()
    assert abs(float(difference)) < 5 * error


@pytest.mark.parametrize("name", MODELS)
def test_densities_in_the_tree_are_those_of_the_draws(name: str) -> None:
    """The log likelihood of each tally by SciPy from the drawn rates, and the prior as it is stated."""
    tree, model = fitted(name, "toxic low dose"), MODELS[name]
    n, y = tally(name, "toxic low dose")
    p = tree["posterior"]["p_dlt"].to_numpy()[:, :50]
    wanted = binom.logpmf(y, n, p)[..., n > 0]
    np.testing.assert_allclose(tree["log_likelihood"]["y"].to_numpy()[:, :50], wanted, rtol=1e-6, atol=1e-9)
    assert tree["observed_data"]["y"].to_numpy().tolist() == y[n > 0].tolist()
    assert tree["constant_data"]["n"].to_numpy().tolist() == n[n > 0].tolist()
    prior = Joint(model).prior
    theta = np.stack([tree["posterior"][part].to_numpy()[:, :50] for part in prior.names], axis=-1)
    found = tree["log_prior"]["parameters"].to_numpy()[:, :50]
    if isinstance(prior, BetaPrior):
        v = expit(theta)
        inside = ((v > 1e-12) & (v < 1 - 1e-9)).all(axis=-1)
        stated = beta.logpdf(v, prior.a, prior.b).sum(axis=-1)
        np.testing.assert_allclose(found[inside], stated[inside], rtol=1e-5, atol=1e-6)
    elif isinstance(prior, SampledSlope):
        of_slope = gamma.logpdf(np.exp(theta[..., 0]), prior.prior.shape, scale=1 / prior.prior.rate)
        np.testing.assert_allclose(found, of_slope, atol=1e-9)
    else:
        np.testing.assert_allclose(found, multivariate_normal(prior.mean, prior.cov).logpdf(theta), atol=1e-9)


@pytest.mark.filterwarnings("ignore:Estimated shape parameter")  # of leaving out a dose: true, and not at issue
@pytest.mark.parametrize("name", MODELS)
def test_arviz_reads_the_tree_of_every_model(name: str) -> None:
    tree = fitted(name, "toxic low dose").isel(draw=slice(None, None, 10))
    summary = az.summary(tree)
    names = tree["posterior"].data_vars
    assert all(any(str(row).startswith(str(part)) for row in summary.index) for part in names)
    assert az.loo(tree).n_data_points == tree["observed_data"]["y"].size
    az.plot_ppc_dist(tree, kind="ecdf")
    plt.close("all")


def made(shift: float = 0.0, diverging: int = 0, draws: int = 1000, keep: float = 0.0) -> xr.DataTree:
    rng = np.random.default_rng(3)
    b = rng.standard_normal((4, draws)) + shift * np.arange(4)[:, None]
    for k in range(1, draws):
        b[:, k] = keep * b[:, k - 1] + np.sqrt(1 - keep**2) * b[:, k]
    flags = np.zeros((4, draws), dtype=bool)
    flags.flat[:diverging] = True
    posterior = xr.Dataset({"b": (("chain", "draw"), b), "p_dlt": (("chain", "draw", "dose"), expit(b)[..., None])})
    stats = xr.Dataset({"diverging": (("chain", "draw"), flags)})
    return xr.DataTree.from_dict({"posterior": posterior, "sample_stats": stats})


def test_diagnostics_say_in_words_what_is_wrong() -> None:
    assert diagnose(made()).ok
    assert "no step diverged" in diagnose(made()).words()
    for tree, words in (
        (made(shift=1.0), "chains do not agree"),
        (made(diverging=1), "1 step of the sampler diverged"),
        (made(diverging=3), "3 steps of the sampler diverged"),
        (made(draws=50), "sample again with more draws"),
        (made(keep=0.97), "worth only"),
    ):
        assert not diagnose(tree).ok
        assert words in diagnose(tree).words()
    assert not Diagnostics(float("nan"), 1000.0, 1000.0, 0).ok


def test_sampling_too_little_warns() -> None:
    with pytest.warns(SamplingWarning, match="more draws"):
        sample(MODELS["empiric"], *tally("empiric"), seed=1, draws=50)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"y": [0, 0, 1, 4]}, "0 <= y <= n"),
        ({"y": [0, 0, 1]}, r"y: wanted shape \(4,\), got \(3,\)"),
        ({"y": [0, 0, 0.5, 1]}, "whole numbers"),
        ({"sampler": "emcee"}, "nutpie, pymc"),
        ({"at": (1.0,) * 4}, "planned doses only"),
        ({"labels": ["a"]}, "wanted 4, one a dose, got 1"),
        ({"values": DOSES}, "unit of the doses"),
        ({"values": DOSES[:2], "unit": "cells"}, "wanted 4"),
    ],
)
def test_faults_are_named(options: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        sample(MODELS["empiric"], **{"n": [3, 3, 3, 3], "y": [0, 0, 1, 2], "seed": 1, **options})


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Monotone((0.2, 0.2), 4.0), "increase strictly"),
        (lambda: Monotone((0.1, 0.2), 0.0), "positive precision"),
        (lambda: TwoPopulations(BLRM, ("a", "a")), "two different populations"),
        (lambda: TwoPopulations(BLRM, between=0.0), "above 0"),
        (lambda: BetaPrior(("a",), (0.0,), (1.0,)), "positive parameters"),
        (lambda: BetaPrior(("a",), (1.0, 1.0), (1.0,)), "wanted 1 values"),
    ],
)
def test_faults_of_models_are_named(make: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()


def test_the_shared_parameter_of_an_average_keeps_its_name_where_priors_agree() -> None:
    same = ModelAverage((Empiric((0.1, 0.2), 1.0), Empiric((0.2, 0.4), 1.0)), (0.5, 0.5))
    assert Joint(same).prior.names == ("b",)
    assert Joint(MODELS["average"]).prior.names == ("b_standardised",)
