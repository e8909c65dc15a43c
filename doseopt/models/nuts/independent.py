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
from doseopt.models.quadrature.drawn import draw
from doseopt.models.quadrature.mixed import Weights

SAMPLER = "quadrature"
PIECE, MOST = 50_000, 10_000_000
"""Proposals from the prior at a time, and in all."""


def draw_independently(
    model: Judge,
    n: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    seed: int,
    draws: int = 4000,
    at: Sequence[float] | None = None,
    weights: Weights = (),
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
    at, weights, next_cohort, labels, values, unit
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
    joint = Joint(model, None if at is None else tuple(float(d) for d in at), weights if any(weights) else ())
    axes, tally = Axes.of(joint, labels, values, unit), check_tally(joint, n, y)
    sizes = None if next_cohort is None else np.broadcast_to(np.asarray(next_cohort, dtype=np.int64), model.doses)
    rng = np.random.default_rng(seed)
    if isinstance(model, TwoPopulations):
        drawn = _accepted(joint, tally, draws, rng)
    else:
        theta, log_marginal = draw(model, *tally, draws, rng, joint.at, joint.weights)
        drawn = Drawn(theta[None], Estimate(log_marginal, 0.0))
    tree = tree_of(joint, tally, axes, drawn, sizes, rng)
    about = {"model": repr(model), "seed": seed, "sampler": SAMPLER, "independent_draws": 1}
    tree.attrs = {**about, "version": __version__, **tree.attrs}
    return tree


def _accepted(joint: Joint, tally: tuple[IntArray, IntArray], size: int, rng: np.random.Generator) -> Drawn:
    """Draw by rejection from the prior: no likelihood is above that of the observed rates."""
    n, y = tally
    rate = y / np.maximum(n, 1)
    highest = float((xlogy(y, rate) + xlogy(n - y, 1 - rate)).sum())
    kept, count, tried = [], 0, 0
    while count < size:
        if tried >= MOST:
            wanted = (
                f"wanted a prior that the data do not contradict: {MOST:,} draws of it gave {count:,} of the posterior"
            )
            raise Faults([Fault("model", f"{wanted}; sample it by NUTS")])
        theta = joint.draw(rng, PIECE)
        kept.append(theta[np.log(rng.random(PIECE)) < joint.log_likelihood(theta, n, y) - highest])
        count, tried = count + len(kept[-1]), tried + PIECE
    share = count / tried
    log_marginal = Estimate(highest + float(np.log(share)), float(np.sqrt((1 - share) / count)))
    return Drawn(np.concatenate(kept)[None, :size], log_marginal)
