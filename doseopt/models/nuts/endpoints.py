"""Endpoints beside the DLT, sampled: a rate beside that of historical controls, and rates that rise or are flat.

`ControlledRate` is stated for PyMC here, the power prior as a weight on the controls' log likelihood and not by the
beta distribution that it leads to. Both models of `RisingOrFlat` are models of rates that are sampled anyhow: flat is
one beta-binomial rate of all subjects, rising is `Monotone` with the increments of D ordered uniform rates; each is
sampled by itself, and their marginal likelihoods weigh the draws.
"""

from __future__ import annotations

import functools
import warnings
from typing import Any

import numpy as np
import xarray as xr

from doseopt import __version__
from doseopt.core.state import IntArray
from doseopt.models.beta import BetaBinomial
from doseopt.models.control import ControlledRate
from doseopt.models.monotone import Monotone
from doseopt.models.nuts.draws import SamplingWarning, diagnose
from doseopt.models.nuts.pymc import TARGET_ACCEPT, sample
from doseopt.models.rising import RisingOrFlat

CHAINS, TUNE = 4, 1000
SAMPLER = "nutpie"


def build_controlled(model: ControlledRate, yes: float, no: float) -> Any:
    """Return the model as a `pymc.Model` with `rate`, `control` and `difference`; all numbers are `pm.Data`."""
    import pymc as pm
    import pytensor.tensor as pt

    numbers = _numbers(model, yes, no)
    with pm.Model() as result:
        data = {name: pm.Data(name, value) for name, value in numbers.items()}
        rate = pm.Beta("rate", data["a"], data["b"])
        control = pm.Beta("control", 1.0, 1.0)
        pm.Deterministic("difference", rate - control)
        seen = data["events"] * pt.log(control) + (data["controls"] - data["events"]) * pt.log1p(-control)
        pm.Potential("controls_seen", data["weight"] * seen)
        pm.Potential("treated_seen", data["yes"] * pt.log(rate) + data["no"] * pt.log1p(-rate))
    return result


def _numbers(model: ControlledRate, yes: float, no: float) -> dict[str, float]:
    seen = {"events": model.events, "controls": model.controls, "weight": model.weight, "yes": yes, "no": no}
    return {name: float(value) for name, value in ({"a": model.a, "b": model.b} | seen).items()}


@functools.cache
def _compiled() -> Any:
    """Return the model compiled by nutpie, once for all its numbers."""
    import nutpie

    return nutpie.compile_pymc_model(build_controlled(ControlledRate(1, 2), 1, 1))


def sample_controlled(
    model: ControlledRate, yes: float, no: float, *, seed: int, draws: int = 1000, progress: bool = False
) -> xr.DataTree:
    """Return draws of the rate of those treated and of that of the controls.

    Parameters
    ----------
    model : ControlledRate
    yes, no : float
        Those treated with the event and without it.
    seed, draws : int
        Equal seeds give equal draws; so many in each of four chains.
    progress : bool
        Show a progress bar.

    Returns
    -------
    xarray.DataTree
        `posterior`: `rate`, `control` and `difference` (chain, draw); `sample_stats`.

    Warns
    -----
    SamplingWarning
        If the draws cannot be trusted.
    """
    import nutpie

    ready = _compiled().with_data(**_numbers(model, yes, no))
    counts = {"draws": draws, "tune": TUNE, "chains": CHAINS}
    options = {"target_accept": TARGET_ACCEPT, "save_warmup": False, "progress_bar": progress}
    tree: xr.DataTree = nutpie.sample(ready, seed=seed, **counts, **options)
    return _judged(tree, repr(model), seed)


def sample_rising(
    model: RisingOrFlat, n: IntArray, y: IntArray, *, seed: int, draws: int = 1000, progress: bool = False
) -> xr.DataTree:
    """Return draws of the rate at each dose.

    Parameters
    ----------
    model : RisingOrFlat
    n, y : int array [D]
        Subjects, and those with the event.
    seed, draws : int
        Equal seeds give equal draws; so many in each of four chains.
    progress : bool
        Show a progress bar.

    Returns
    -------
    xarray.DataTree
        `posterior`: `if_flat` (chain, draw), `if_rising` and the average of both, `rate` (chain, draw, dose);
        `sample_stats`. Attributes: `rising`, the posterior probability that the rates rise, and `rising_mcse`.

    Warns
    -----
    SamplingWarning
        If the draws cannot be trusted.
    """
    above = model.doses + 1
    ordered = Monotone(tuple(j / above for j in range(1, above)), precision=above)
    streams = [int(s.generate_state(1)[0]) for s in np.random.SeedSequence(seed).spawn(3)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SamplingWarning)  # said once, of both
        one = sample(BetaBinomial(1), [n.sum()], [y.sum()], seed=streams[0], draws=draws, progress=progress)
        more = sample(ordered, n, y, seed=streams[1], draws=draws, progress=progress)
    odds = np.exp(more.attrs["log_marginal_likelihood"] - one.attrs["log_marginal_likelihood"])
    rising = 1 / (1 + model.flat / (1 - model.flat) / odds)
    error = np.hypot(*(tree.attrs["log_marginal_likelihood_mcse"] for tree in (one, more)))
    flat, each = (tree["posterior"].to_dataset()["p_dlt"] for tree in (one, more))
    flat = flat.isel(dose=0, drop=True)
    chosen = np.random.default_rng(streams[2]).random(flat.shape) < rising
    rate = each.where(xr.DataArray(chosen, dims=flat.dims), flat)
    drawn = {"if_flat": flat, "if_rising": each, "rate": rate.transpose("chain", "draw", "dose")}
    stats = xr.concat([tree["sample_stats"].to_dataset()[["diverging"]] for tree in (one, more)], "model")
    groups = {"posterior": xr.Dataset(drawn), "sample_stats": stats}
    tree = xr.DataTree.from_dict(groups)
    tree.attrs |= {"rising": float(rising), "rising_mcse": float(rising * (1 - rising) * error)}
    return _judged(tree, repr(model), seed)


def _judged(tree: xr.DataTree, model: str, seed: int) -> xr.DataTree:
    """Return draws with what they are of, and warn if they cannot be trusted."""
    tree.attrs |= {"model": model, "seed": seed, "sampler": SAMPLER, "version": __version__}
    found = diagnose(tree)
    if not found.ok:
        warnings.warn(found.words(), SamplingWarning, stacklevel=3)
    return tree
