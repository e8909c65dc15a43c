"""Model -> pymc.Model -> ArviZ: the same statement of a model, sampled.

Parameters are non-centred, theta = mean + L z with z ~ N(0, I), or the logit of a beta variable. The log density of the
data is y log p + (n - y) log(1 - p) from the *log* rates, plus the log binomial coefficient: what PyMC calls the log
likelihood is that of the tally. The log marginal likelihood that is reported is of the patients in their order, without
the coefficient, like that of every other route (`doseopt.models.base.Posterior`).

The sampler is named and never the default, which in PyMC changes with what is installed.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from doseopt import __version__
from doseopt.core.parameters import Fault, Faults
from doseopt.core.state import IntArray
from doseopt.models.base import GaussianPrior
from doseopt.models.likelihood import log_likelihood
from doseopt.models.nuts.draws import SamplingWarning, diagnose
from doseopt.models.nuts.joint import Joint, Sampled, check_tally
from doseopt.models.nuts.tree import Axes, Drawn, tree_of
from doseopt.models.quadrature.mixed import Weights


class _Namespace:
    """`pytensor.tensor` for models to be stated in.

    PyTensor writes logaddexp as log(exp a + exp b) and leaves it to the compiler to mend; here it is stable as written.
    """

    def __getattr__(self, name: str) -> Any:
        import pytensor.tensor as pt

        return getattr(pt, name)

    def logaddexp(self, a: Any, b: Any) -> Any:
        """Return log(exp a + exp b)."""
        import pytensor.tensor as pt

        return a + pt.softplus(b - a)


XP = _Namespace()
SAMPLERS = ("nutpie", "pymc")
TARGET_ACCEPT, STEEP_ACCEPT = 0.9, 0.99
"""Acceptance that step sizes are tuned for: small steps cost little in models this small and save divergences. The
second of hazard models, whose likelihood falls off as exp(-exp(eta))."""


def build(
    model: Sampled,
    n: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    at: Sequence[float] | None = None,
    labels: Sequence[str] | None = None,
) -> Any:
    """Return the model as a `pymc.Model`, its data as `pm.Data` (`n_data`, `y_data`), its rates as `p_dlt`.

    Parameters
    ----------
    model : Model, BetaBinomial, ModelAverage, Monotone or TwoPopulations
    n, y : int array [D]
        Patients and DLTs at each dose; [2, D] for `TwoPopulations`, [K] or [2, K] with `at`.
    at : sequence of float, optional
        K doses that the patients were given, where they differ from those reported; the unit is the model's.
    labels : sequence of str, optional
        Names of the doses; "1", "2", ... without.

    Returns
    -------
    pymc.Model
        Of a model average: `log_p_by_model` in place of `p_dlt`, the index of the model summed out.
    """
    joint = Joint.of(model, at)
    tally = check_tally(joint, n, y)
    return _build(joint, tally, Axes.of(joint, labels))


def _build(joint: Joint, tally: tuple[IntArray, IntArray], axes: Axes) -> Any:
    import pymc as pm

    with pm.Model(coords={"parameter": joint.prior.names, **axes.coords}) as result:
        n = pm.Data("n_data", tally[0], dims=axes.data)
        y = pm.Data("y_data", tally[1], dims=axes.data)
        theta = joint.theta(_unit(joint), XP)
        for k, name in enumerate(joint.prior.names):
            pm.Deterministic(name, theta[k])
        log_p = joint.reported(theta, XP)
        if joint.log_weights is None:
            pm.Deterministic("p_dlt", XP.exp(log_p), dims=axes.rates)
        else:
            pm.Deterministic("log_p_by_model", log_p, dims=("model", *axes.rates))
        exposure = {name: pm.Data(name, value, dims=axes.data) for name, value in joint.exposure.items()}
        beside = joint.in_part(theta, XP, exposure) + joint.log_external(theta, XP)
        if joint.log_weights is not None:
            beside = XP.as_tensor(joint.log_weights) + beside
        elif not isinstance(beside, float | int):
            pm.Potential("beside", beside)
        _observe(joint, n, joint.observed(theta, XP), y, axes, beside)
    return result


def _unit(joint: Joint) -> Any:
    """Return z, what is sampled, [P]."""
    import pymc as pm

    prior = joint.prior
    if isinstance(prior, GaussianPrior):
        return pm.Normal("z", 0.0, 1.0, shape=len(prior.names), dims="parameter")
    return pm.CustomDist(
        "z",
        np.zeros(len(prior.names)),
        logp=lambda z, start: prior.log_densities(z, XP),
        random=lambda start, rng=None, size=None: prior.z(prior.draw(rng, 1)[0]),
        support_point=lambda z, size, start: start,
        dims="parameter",
    )


def _observe(joint: Joint, n: Any, log_p: Any, y: Any, axes: Axes, log_weight: Any) -> None:
    """Add the observed DLTs `y`; of a model average with the log weight of each model, all else included."""
    import pymc as pm

    averaged = joint.log_weights is not None

    def coefficient(n: Any, value: Any) -> Any:
        return XP.gammaln(n + 1) - XP.gammaln(value + 1) - XP.gammaln(n - value + 1)

    def one(value: Any, n: Any, log_p: Any) -> Any:
        return log_likelihood(log_p, n, value, XP) + coefficient(n, value)

    def average(value: Any, n: Any, log_p: Any, log_weight: Any) -> Any:
        each = log_likelihood(log_p, n, value, XP).sum(axis=-1) + log_weight
        models = [each[..., m] for m in range(len(axes.coords["model"]))]
        return functools.reduce(XP.logaddexp, models) + coefficient(n, value).sum(axis=-1)

    def draw(n: Any, log_p: Any, *log_weight: Any, rng: Any = None, size: Any = None) -> Any:
        if log_weight:
            weight = np.exp(log_weight[0] - np.max(log_weight[0]))
            log_p = log_p[rng.choice(len(weight), p=weight / weight.sum())]
        return rng.binomial(n, np.exp(log_p))

    pm.CustomDist(
        "y",
        n,
        log_p,
        *([log_weight] if averaged else []),
        logp=average if averaged else one,
        random=draw,
        signature="(k),(m,k),(m)->(k)" if averaged else "(),()->()",
        dtype="int64",
        observed=y,
        dims=axes.data,
    )


@functools.lru_cache(maxsize=32)
def compiled(joint: Joint) -> Any:
    """Return the model compiled by nutpie, once for all its data sets, which `with_data` puts in."""
    import nutpie

    nothing = np.zeros(joint.data_shape, dtype=np.int64)
    return nutpie.compile_pymc_model(_build(joint, (nothing, nothing), Axes.of(joint)), var_names=["z"])


@dataclass(frozen=True)
class Effort:
    """How long to sample: draws kept and steps of tuning in each of some chains."""

    draws: int = 1000
    tune: int = 1000
    chains: int = 4


def _nuts(
    joint: Joint, tally: tuple[IntArray, IntArray], sampler: str, effort: Effort, seed: int, progress: bool
) -> xr.DataTree:
    """Return the draws of z, groups posterior and sample_stats; the rest follows from z and the same statement."""
    accept = STEEP_ACCEPT if joint.exposure else TARGET_ACCEPT
    counts = {"draws": effort.draws, "tune": effort.tune, "chains": effort.chains}
    if sampler == "nutpie":
        import nutpie

        ready = compiled(joint.shared).with_data(n_data=tally[0], y_data=tally[1], **joint.exposure)
        options = {"target_accept": accept, "save_warmup": False, "progress_bar": progress}
        result: xr.DataTree = nutpie.sample(ready, seed=seed, **counts, **options)
        return result
    import pymc as pm

    with _build(joint, tally, Axes.of(joint)):
        result = pm.sample(
            nuts_sampler="pymc",
            target_accept=accept,
            var_names=["z"],
            random_seed=seed,
            cores=1,
            progressbar=progress,
            compute_convergence_checks=False,
            **counts,
        )
    return result


def sample(
    model: Sampled,
    n: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    seed: int,
    draws: int = 1000,
    tune: int = 1000,
    chains: int = 4,
    sampler: str = "nutpie",
    at: Sequence[float] | None = None,
    weights: Weights = (),
    struck: Weights = (),
    next_cohort: int | Sequence[int] | None = None,
    labels: Sequence[str] | None = None,
    values: Sequence[float] | None = None,
    unit: str | None = None,
    progress: bool = False,
) -> xr.DataTree:
    """Return draws from the posterior of the DLT rates, with what is needed to judge and to use them.

    Parameters
    ----------
    model : Model, BetaBinomial, ModelAverage, Monotone, TwoPopulations or RobustPrior
    n, y : int array [D]
        Patients and DLTs at each dose; [2, D] for `TwoPopulations`, one row a population; [K] or [2, K] with `at`.
    seed : int
        Equal seeds give equal draws.
    draws, tune, chains : int
        Draws kept and tuning steps in each chain.
    sampler : {"nutpie", "pymc"}
        The same algorithm (NUTS) by two programs; nutpie compiles a model once for all its data sets.
    at : sequence of float, optional
        Doses of the data, in the unit of the model, where they differ from the doses reported.
    weights : tuple of tuple of float, optional
        For each dose with data, w of further patients, whose likelihood is 1 - w p, or (1 - p)^w by the hazard of
        `TwoParameterCloglog`.
    struck : tuple of tuple of float, optional
        For each dose with data, the share of the window after which DLTs came, of which this is known; for that model.
    next_cohort : int or sequence of int, optional
        Patients in the next cohort, at every dose or at each; adds the group `predictions`.
    labels : sequence of str, optional
        Names of the doses; "1", "2", ... without.
    values, unit : sequence of float and str, optional
        Doses and their unit, `dose_value` of `constant_data`; models that know them need not be told.
    progress : bool
        Show a progress bar.

    Returns
    -------
    xarray.DataTree
        `posterior`: the parameters by name and `p_dlt` (chain, draw, [group,] dose); for a model average also
        `model_index`, drawn from its probabilities given the parameter. `prior`, with `p_dlt` likewise;
        `prior_predictive` and `posterior_predictive`: `y`, DLTs of as many patients as observed; `predictions`:
        `y_next`, of the next cohort; `log_likelihood` of the DLTs at each dose; `log_prior`; `sample_stats`;
        `observed_data`: `y`; `constant_data`: `n`, `dose_value`, `actual_dose`. This is what ArviZ reads.
        Attributes of the root: model, seed, sampler, version, `log_marginal_likelihood` (of the patients in their
        order, by importance sampling) and its `_mcse`.

    Warns
    -----
    SamplingWarning
        If the draws cannot be trusted: R-hat above 1.01, an effective sample size below 400, divergences.
    """
    if sampler not in SAMPLERS:
        raise Faults([Fault("sampler", f"wanted one of {', '.join(SAMPLERS)}, got {sampler!r}")])
    joint = Joint.of(model, at, weights, struck)
    axes = Axes.of(joint, labels, values, unit)
    tally = check_tally(joint, n, y)
    sizes = None if next_cohort is None else np.broadcast_to(np.asarray(next_cohort, dtype=np.int64), model.doses)
    raw = _nuts(joint, tally, sampler, Effort(draws, tune, chains), seed, progress)
    z = raw["posterior"]["z"].transpose("chain", "draw", ...).to_numpy()
    rng = np.random.default_rng(np.random.SeedSequence(seed).spawn(1)[0])
    log_marginal = joint.log_marginal(z.reshape(-1, z.shape[-1]), tally, rng)
    drawn = Drawn(joint.theta(z, np), log_marginal, raw["sample_stats"].to_dataset())
    tree = tree_of(joint, tally, axes, drawn, sizes, rng)
    about = {"model": repr(model), "seed": seed, "sampler": sampler, "independent_draws": 0}
    tree.attrs = {**about, "version": __version__, **tree.attrs}
    diagnostics = diagnose(tree)
    if not diagnostics.ok:
        warnings.warn(diagnostics.words(), SamplingWarning, stacklevel=2)
    return tree
