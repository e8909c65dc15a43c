"""Independent draws from a posterior by quadrature, as the DataTree that samplers give."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import xarray as xr
from scipy.special import xlogy

from doseopt import __version__
from doseopt.core.parameters import Fault, Faults
from doseopt.core.state import IntArray
from doseopt.models.kinds import Judge
from doseopt.models.nuts.joint import Estimate, Joint, check_tally
from doseopt.models.nuts.tree import Axes, Drawn, tree_of
from doseopt.models.populations import TwoPopulations
from doseopt.models.quadrature.drawn import accepted, draw
from doseopt.models.quadrature.mixed import Weights

SAMPLER = "quadrature"


def draw_independently(
    model: Judge,
    n: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    seed: int,
    draws: int = 4000,
    at: Sequence[float] | None = None,
    weights: Weights = (),
    struck: Weights = (),
    next_cohort: int | Sequence[int] | None = None,
    labels: Sequence[str] | None = None,
    values: Sequence[float] | None = None,
    unit: str | None = None,
) -> xr.DataTree:
    """Return independent draws from a posterior by quadrature, with what is needed to use them.

    Parameters
    ----------
    model : Judge
        One of `models.kinds`.
        Of two populations draws from the prior are accepted as often as the likelihood says, which is as exact and slow
        where prior and data disagree.
    n, y : int array [D]
        Patients and DLTs at each dose; [K] with `at`; [2, D] or [2, K] for `TwoPopulations`.
    seed : int
        Equal seeds give equal draws.
    draws : int
        Draws, in one chain: there are no others to compare it with, and nothing to converge.
    at, weights, struck, next_cohort, labels, values, unit
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
    joint = Joint.of(model, at, weights, struck)
    axes, tally = Axes.of(joint, labels, values, unit), check_tally(joint, n, y)
    sizes = None if next_cohort is None else np.broadcast_to(np.asarray(next_cohort, dtype=np.int64), model.doses)
    rng = np.random.default_rng(seed)
    if isinstance(model, TwoPopulations):
        drawn = _of_two(joint, tally, draws, rng)
    else:
        theta, log_marginal = draw(model, *tally, draws, rng, joint.at, joint.weights, joint.struck)
        drawn = Drawn(theta[None], Estimate(log_marginal, 0.0))
    tree = tree_of(joint, tally, axes, drawn, sizes, rng)
    about = {"model": repr(model), "seed": seed, "sampler": SAMPLER, "independent_draws": 1}
    tree.attrs = {**about, "version": __version__, **tree.attrs}
    return tree


def _of_two(joint: Joint, tally: tuple[IntArray, IntArray], size: int, rng: np.random.Generator) -> Drawn:
    """Draw the parameters of two populations."""
    n, y = tally
    rate = y / np.maximum(n, 1)
    highest = float((xlogy(y, rate) + xlogy(n - y, 1 - rate)).sum())
    kept, log_mean, share = accepted(
        lambda count: joint.draw(rng, count), lambda theta: joint.log_likelihood(theta, n, y), highest, size, rng
    )
    return Drawn(kept[None], Estimate(log_mean, float(np.sqrt((1 - share) / (share * size)))))
