"""Accuracy of estimated DLT rates after a trial: bias, error and coverage at each dose, under each design.

The posterior depends on the tally only, so its operating characteristics are exact sums over a design's endings,
whatever the design. Posteriors are computed once for each distinct tally, whichever designs reach it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import xarray as xr

from doseopt.core.design import Design, estimated_by
from doseopt.core.distinct import row_keys, unique_rows
from doseopt.core.state import FloatArray, IntArray, TrialState
from doseopt.engines.outcomes import expect
from doseopt.measures.endings import TOO_HIGH
from doseopt.models.choice import PosteriorCurve
from doseopt.models.quadrature import quadrature
from doseopt.models.quadrature.batch import Engine

LEVEL = 0.90
"""Of the intervals: equal-tailed, exact posterior quantiles."""
CEILING = 0.35
"""The rate that the upper end of an interval is compared with."""

MEASURES = {
    "mean": "expected posterior mean DLT rate",
    "lower": "mean of the 5% quantiles of the DLT rate",
    "upper": "mean of the 95% quantiles of the DLT rate",
    "bias": "expected posterior mean minus the true DLT rate",
    "rmse": "root mean squared error of the posterior mean DLT rate",
    "coverage": "probability that the 90% interval covers the true DLT rate",
    "width": "expected width of the 90% interval of the DLT rate",
    "upper_below_35": "probability that the upper end of the 90% interval is below 0.35",
}
"""What is said of the common posterior: `posterior_<name>`, and `posterior_<name>_if_tried` given it was tried."""

OWN = {
    "mean": "expected estimate of the design's own method",
    "bias": "expected estimate of the design's own method minus the true DLT rate",
    "rmse": "root mean squared error of the design's own estimate",
}
"""What is said of a design's own estimate, given that it makes one at the dose: `own_<name>`."""


MOST_NODES = 5 * 10**9
"""Nodes of a quadrature that are visited for one comparison, all tallies together."""
MOST_TALLIES = 200_000
"""Tallies whose posterior is computed for one comparison."""
PIECE = 1_000
"""Tallies at a time."""


class Estimates:
    """Posterior summaries of the tallies that trials can end with, those that carry most weight first.

    Parameters
    ----------
    model : a model of `models.curves`, or BetaBinomial
    outcomes : iterable of Dataset
        Of one or several designs on the same doses, in any order, each with any scenarios. A tally counts by its
        probability in all of them together.
    most_nodes : int, optional
        Nodes of the quadrature that are visited, all tallies together.

    Attributes
    ----------
    mean, lower, upper, over : float array [U, D]
        Of the tallies so far, `done` of them; the ends of the interval are exact posterior quantiles, and `over` is the
        probability of a rate above `TOO_HIGH`.
    wanted : int
        Tallies that `run` computes: all, unless they are more than `MOST_TALLIES`, or need more than `most_nodes`.
    prior : dict of str to float array [D]
        The same before any patient.
    """

    def __init__(self, model: PosteriorCurve, outcomes: Iterable[xr.Dataset], most_nodes: int | None = None) -> None:
        self._engine = quadrature(model)
        keys, weight = _weighed(outcomes)
        order = np.argsort(-weight, kind="stable")
        self._rank = np.empty(len(order), np.int64)
        self._rank[order] = np.arange(len(order))
        self._keys = keys
        self._tallies = keys[order].view(np.int32).reshape(len(keys), -1).astype(np.int64)
        doses = self._tallies.shape[1] // 2
        nodes = self._engine.nodes(int(self._tallies[:, :doses].sum(axis=1).max()))
        self.done, self.wanted = 0, min(len(order), MOST_TALLIES, max(1, (most_nodes or MOST_NODES) // nodes))
        self.mean, self.lower, self.upper, self.over = np.full((4, self.wanted, doses), np.nan)
        nobody = np.zeros((1, 2 * doses), np.int64)
        names = ("mean", "lower", "upper")
        self.prior = {name: value[0] for name, value in zip(names, summaries(self._engine, nobody), strict=False)}

    def run(self, progress: Callable[[int], object] = lambda _: None) -> None:
        """Compute the posteriors; when interrupted those done so far are kept, and the next call goes on there.

        Parameters
        ----------
        progress : callable, optional
            Told how many tallies are done.
        """
        while self.done < self.wanted:
            rows = slice(self.done, min(self.done + PIECE, self.wanted))
            found = summaries(self._engine, self._tallies[rows])
            self.mean[rows], self.lower[rows], self.upper[rows], self.over[rows] = found
            self.done = rows.stop
            progress(self.done)

    def rank(self, n: IntArray, y: IntArray) -> IntArray:
        """Return where the tallies [..., D] stand among all; those before `done` have their posterior."""
        return np.asarray(self._rank[np.searchsorted(self._keys, _keys_of(n, y))].reshape(n.shape[:-1]))


def summaries(engine: Engine, tallies: IntArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return posterior mean, ends of the interval, and probability of a rate above `TOO_HIGH`, [U, D] each.

    Parameters
    ----------
    engine : Engine
        Of `quadrature`.
    tallies : int array [U, 2D]
        Patients, then DLTs, at each dose.
    """
    doses, tail = tallies.shape[1] // 2, (1 - LEVEL) / 2
    posterior = engine.posterior(tallies[:, :doses], tallies[:, doses:])
    ends = posterior.quantile(tail), posterior.quantile(1 - tail)
    return posterior.mean(), *ends, posterior.prob(TOO_HIGH)


def _keys_of(n: IntArray, y: IntArray) -> Any:
    """Return the keys of tallies [..., D], in one row after the other."""
    return row_keys(n.reshape(-1, n.shape[-1]), y.reshape(-1, y.shape[-1]))


def _weighed(outcomes: Iterable[xr.Dataset]) -> tuple[Any, FloatArray]:
    """Return the distinct tallies, sorted by key, and the probability of each in all scenarios and designs together."""
    keys, weight = np.zeros(0, "S1"), np.zeros(0)
    for part in outcomes:
        here = part["weight"].to_numpy() if part["n"].ndim == 3 else part["weight"].to_numpy().sum(axis=0)
        keys = np.concatenate([keys, _keys_of(part["n"].to_numpy(), part["y"].to_numpy())])
        keys, inverse = np.unique(keys, return_inverse=True)
        weight = np.bincount(inverse, np.concatenate([weight, here.ravel()]), len(keys))
    return keys, weight


def posterior_measures(outcomes: xr.Dataset, estimates: Estimates) -> xr.Dataset:
    """Return the accuracy of the common posterior under a design, (scenario, dose), with Monte Carlo errors.

    Parameters
    ----------
    outcomes : Dataset
        Of the design; one of those that the estimates were made for.
    estimates : Estimates

    Returns
    -------
    Dataset
        Also `tried`, and `posterior_left_out` (scenario): the probability of the endings whose posterior has not been
        computed. What is said of the posterior is given the other endings.
    """
    rank = estimates.rank(outcomes["n"].to_numpy(), outcomes["y"].to_numpy())
    dims = outcomes["selected"].dims
    left_out = xr.DataArray(rank >= estimates.done, dims=dims)
    known = np.where(left_out, 0, rank)
    summaries = (estimates.mean, estimates.lower, estimates.upper)
    mean, lower, upper = (xr.DataArray(a[known], dims=(*dims, "dose")) for a in summaries)
    p = outcomes["p_dlt"]
    values = {
        "mean": mean,
        "lower": lower,
        "upper": upper,
        "bias": mean - p,
        "rmse": (mean - p) ** 2,
        "coverage": (lower <= p) & (p <= upper),
        "width": upper - lower,
        "upper_below_35": upper < CEILING,
    }
    tried = (outcomes["n"] > 0).astype(float)
    covered = None if not left_out.any() else (~left_out).astype(float)
    both = tried if covered is None else tried * covered
    result = means_given(outcomes, {f"posterior_{name}": v for name, v in values.items()}, covered)
    result |= means_given(outcomes, {f"posterior_{name}_if_tried": v for name, v in values.items()}, both)
    for name, event in {"tried": tried, "posterior_left_out": left_out}.items():
        result[name], result[f"{name}_mcse"] = expect(outcomes, event)
    names = {f"posterior_{name}": text for name, text in MEASURES.items()}
    names |= {f"posterior_{name}_if_tried": f"{text}, given that the dose was tried" for name, text in MEASURES.items()}
    names |= {
        "tried": "probability that the dose is tried",
        "posterior_left_out": "probability of the endings whose posterior was not computed",
    }
    return labelled(result, names)


def own_measures(outcomes: xr.Dataset, design: Design) -> xr.Dataset:
    """Return the accuracy of a design's own estimate of the DLT rates, given that it makes one at the dose."""
    n, y = (outcomes[name].to_numpy() for name in ("n", "y"))
    flat = np.concatenate([n, y], axis=-1).reshape(-1, 2 * design.facts.doses)
    first, inverse = unique_rows(flat.T)
    estimates = np.empty((len(first), design.facts.doses))
    for start in range(0, len(first), PIECE):
        tallies = flat[first[start : start + PIECE]]
        nowhere = np.zeros(len(tallies), np.int64)
        memory = np.zeros((len(tallies), len(design.facts.memory)), np.int64)
        state = TrialState(tallies[:, : design.facts.doses], tallies[:, design.facts.doses :], nowhere, memory)
        estimates[start : start + PIECE] = estimated_by(design, state)
    own = xr.DataArray(estimates[inverse].reshape(n.shape), dims=(*outcomes["selected"].dims, "dose"))
    made = own.notnull().astype(float)
    own = own.fillna(0.0)
    bias = own - outcomes["p_dlt"]
    result = means_given(outcomes, {"own_mean": own, "own_bias": bias, "own_rmse": bias**2}, made)
    return labelled(result, {f"own_{name}": text for name, text in OWN.items()})


def means_given(
    outcomes: xr.Dataset, values: Mapping[str, xr.DataArray], given: xr.DataArray | None
) -> dict[str, xr.DataArray]:
    """Return means and Monte Carlo errors of functions of the ending, if need be given an event; roots of the rmse.

    A conditional mean is a ratio; its error is that of the linearised ratio. That of a root is by the delta method.
    """
    result, exact = {}, np.isinf(float(outcomes.attrs["trials"]))
    chance = None if given is None else expect(outcomes, given)[0]
    for name, value in values.items():
        if given is None or chance is None:
            mean, error = expect(outcomes, value)
        else:
            known = chance.where(chance > 0)
            mean = expect(outcomes, value * given)[0] / known
            error = mean - mean if exact else expect(outcomes, (value - mean.fillna(0)) * given)[1] / known
        if "rmse" in name:
            mean = mean**0.5
            error = error / (2 * mean.where(mean > 0))
            error = error.fillna(0.0) if exact else error
        result[name], result[f"{name}_mcse"] = mean, error
    return result


def labelled(result: Mapping[str, xr.DataArray], names: Mapping[str, str]) -> xr.Dataset:
    """Return some results with what they are, and their Monte Carlo errors."""
    found = {}
    for name, text in names.items():
        found[name] = result[name].assign_attrs(units="1", long_name=text)
        text = f"Monte Carlo standard error: {text}"
        found[f"{name}_mcse"] = result[f"{name}_mcse"].assign_attrs(units="1", long_name=text)
    return xr.Dataset(found).drop_vars(["n", "y"], errors="ignore")


def effective_sample_size(mean: FloatArray, sd: FloatArray) -> FloatArray:
    """Return the patients that a prior with this mean and sd of the DLT rate is worth, m(1-m)/v - 1, elementwise."""
    return np.asarray(mean * (1 - mean) / sd**2 - 1)
