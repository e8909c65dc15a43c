"""Independent draws from a posterior by quadrature, as the DataTree that samplers give."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import xarray as xr

from doseopt import __version__
from doseopt.core.parameters import Fault, Faults
from doseopt.models.base import Model
from doseopt.models.beta import BetaBinomial
from doseopt.models.curves import ModelAverage
from doseopt.models.nuts.joint import Estimate, Joint
from doseopt.models.nuts.pymc import check_tally
from doseopt.models.nuts.tree import Axes, Drawn, tree_of
from doseopt.models.quadrature.drawn import draw

SAMPLER = "quadrature"


def draw_independently(
    model: Model | BetaBinomial | ModelAverage,
    n: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    seed: int,
    draws: int = 4000,
    at: Sequence[float] | None = None,
    next_cohort: int | Sequence[int] | None = None,
    labels: Sequence[str] | None = None,
    values: Sequence[float] | None = None,
    unit: str | None = None,
) -> xr.DataTree:
    """Return independent draws from a posterior by quadrature, with what is needed to use them.

    Parameters
    ----------
    model : Model, BetaBinomial or ModelAverage
        One with a posterior by quadrature.
    n, y : int array [D]
        Patients and DLTs at each dose; [K] with `at`.
    seed : int
        Equal seeds give equal draws.
    draws : int
        Draws, in one chain: there are no others to compare it with, and nothing to converge.
    at, next_cohort, labels, values, unit
        As in `doseopt.models.nuts.pymc.sample`.

    Returns
    -------
    xarray.DataTree
        The groups of `doseopt.models.nuts.pymc.sample` without `sample_stats`. Attributes of the root: model, seed,
        sampler ("quadrature"), `independent_draws` (1), version, `log_marginal_likelihood`, which has no Monte Carlo
        error here.
    """
    if draws < 1:
        raise Faults([Fault("draws", f"wanted at least 1, got {draws}")])
    joint = Joint(model, None if at is None else tuple(float(d) for d in at))
    axes, tally = Axes.of(joint, labels, values, unit), check_tally(joint, n, y)
    sizes = None if next_cohort is None else np.broadcast_to(np.asarray(next_cohort, dtype=np.int64), model.doses)
    rng = np.random.default_rng(seed)
    theta, log_marginal = draw(model, *tally, draws, rng, joint.at)
    tree = tree_of(joint, tally, axes, Drawn(theta[None], Estimate(log_marginal, 0.0)), sizes, rng)
    about = {"model": repr(model), "seed": seed, "sampler": SAMPLER, "independent_draws": 1}
    tree.attrs = {**about, "version": __version__, **tree.attrs}
    return tree
