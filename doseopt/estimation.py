"""What is known about the DLT rate at each dose after a trial: bias, error and coverage, under each design.

The posterior depends on the tally only, so its operating characteristics are exact sums over a design's endings,
whatever the design. Posteriors are computed once for each distinct tally, whichever designs reach it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from doseopt.design import Design
from doseopt.models.quadrature import quadrature
from doseopt.outcomes import expect
from doseopt.posterior_model import PosteriorCurve
from doseopt.rows import unique_rows
from doseopt.state import FloatArray, IntArray, TrialState

LEVEL = 0.90
"""Of the intervals: equal-tailed, exact posterior quantiles."""
CEILING = 0.35
"""The rate that the upper end of an interval is compared with."""

MEASURES = {
    "mean": "expected posterior mean DLT rate",
    "lower": "expected lower end of the 90% interval of the DLT rate",
    "upper": "expected upper end of the 90% interval of the DLT rate",
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


@dataclass(frozen=True, eq=False)
class Estimates:
    """Posterior summaries of distinct tallies, and where the endings of each design are among them.

    Attributes
    ----------
    mean, lower, upper : float array [U, D]
    prior : dict of str to float array [D]
        The same before any patient.
    where : dict of str to int array
        For each design the position of each ending, shaped as its `selected`.
    """

    mean: FloatArray
    lower: FloatArray
    upper: FloatArray
    prior: Mapping[str, FloatArray]
    where: Mapping[str, IntArray]


def estimate_once(model: PosteriorCurve, outcomes: Mapping[str, xr.Dataset]) -> Estimates:
    """Compute the posterior at every tally that any of the designs can end with, each tally once.

    Parameters
    ----------
    model : a model of `models.curves`, or BetaBinomial
    outcomes : mapping of str to Dataset
        Of several designs on the same doses.
    """
    tallies, shapes = [], []
    for part in outcomes.values():
        n, y = part["n"].to_numpy(), part["y"].to_numpy()
        shapes.append(n.shape[:-1])
        tallies.append(np.concatenate([n.reshape(-1, n.shape[-1]), y.reshape(-1, n.shape[-1])], axis=1))
    rows = np.concatenate(tallies)
    first, inverse = unique_rows(rows.T)
    doses = rows.shape[1] // 2
    posterior = quadrature(model).posterior(rows[first, :doses], rows[first, doses:])
    cuts = np.cumsum([len(t) for t in tallies])[:-1]
    where = {
        name: part.reshape(shape) for name, part, shape in zip(outcomes, np.split(inverse, cuts), shapes, strict=True)
    }
    tail = (1 - LEVEL) / 2
    nobody = np.zeros((1, doses), np.int64)
    before = quadrature(model).posterior(nobody, nobody)
    ends = {"lower": before.quantile(tail)[0], "upper": before.quantile(1 - tail)[0]}
    prior = {"mean": before.mean()[0], **ends}
    return Estimates(posterior.mean(), posterior.quantile(tail), posterior.quantile(1 - tail), prior, where)


def posterior_measures(outcomes: xr.Dataset, estimates: Estimates, design: str) -> xr.Dataset:
    """Return the accuracy of the common posterior under a design, (scenario, dose), with Monte Carlo errors.

    Parameters
    ----------
    outcomes : Dataset
        Of the design.
    estimates : Estimates
        Of `estimate_once`.
    design : str
        Name of the design among the estimates.
    """
    where = estimates.where[design]
    dims = (*outcomes["selected"].dims, "dose")
    mean, lower, upper = (xr.DataArray(a[where], dims=dims) for a in (estimates.mean, estimates.lower, estimates.upper))
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
    result = _means(outcomes, {f"posterior_{name}": v for name, v in values.items()}, None)
    result |= _means(outcomes, {f"posterior_{name}_if_tried": v for name, v in values.items()}, tried)
    result["tried"], result["tried_mcse"] = expect(outcomes, tried)
    names = {f"posterior_{name}": text for name, text in MEASURES.items()}
    names |= {f"posterior_{name}_if_tried": f"{text}, given that the dose was tried" for name, text in MEASURES.items()}
    return _labelled(result, names | {"tried": "probability that the dose is tried"})


def own_measures(outcomes: xr.Dataset, design: Design) -> xr.Dataset:
    """Return the accuracy of a design's own estimate of the DLT rates, given that it makes one at the dose."""
    n, y = (outcomes[name].to_numpy() for name in ("n", "y"))
    flat_n, flat_y = n.reshape(-1, n.shape[-1]), y.reshape(-1, n.shape[-1])
    nowhere = np.zeros(len(flat_n), np.int64)
    state = TrialState(flat_n, flat_y, nowhere, np.zeros((len(flat_n), len(design.memory)), np.int64))
    own = xr.DataArray(design.estimated(state).reshape(n.shape), dims=(*outcomes["selected"].dims, "dose"))
    made = own.notnull().astype(float)
    own = own.fillna(0.0)
    bias = own - outcomes["p_dlt"]
    result = _means(outcomes, {"own_mean": own, "own_bias": bias, "own_rmse": bias**2}, made)
    return _labelled(result, {f"own_{name}": text for name, text in OWN.items()})


def _means(
    outcomes: xr.Dataset, values: Mapping[str, xr.DataArray], given: xr.DataArray | None
) -> dict[str, xr.DataArray]:
    """Return means and Monte Carlo errors of functions of the ending, if need be given an event; roots of the rmse.

    A conditional mean is a ratio; its error is that of the linearised ratio. That of a root is by the delta method.
    """
    result = {}
    chance = None if given is None else expect(outcomes, given)[0]
    for name, value in values.items():
        if given is None or chance is None:
            mean, error = expect(outcomes, value)
        else:
            known = chance.where(chance > 0)
            mean = expect(outcomes, value * given)[0] / known
            error = expect(outcomes, (value - mean.fillna(0)) * given)[1] / known
        if "rmse" in name:
            mean = mean**0.5
            error = error / (2 * mean.where(mean > 0))
            error = error.fillna(0.0) if np.isinf(float(outcomes.attrs["trials"])) else error
        result[name], result[f"{name}_mcse"] = mean, error
    return result


def _labelled(result: Mapping[str, xr.DataArray], names: Mapping[str, str]) -> xr.Dataset:
    labelled = {}
    for name, text in names.items():
        labelled[name] = result[name].assign_attrs(units="1", long_name=text)
        text = f"Monte Carlo standard error: {text}"
        labelled[f"{name}_mcse"] = result[f"{name}_mcse"].assign_attrs(units="1", long_name=text)
    return xr.Dataset(labelled).drop_vars(["n", "y"], errors="ignore")


def effective_sample_size(mean: FloatArray, sd: FloatArray) -> FloatArray:
    """Return the patients that a prior with this mean and sd of the DLT rate is worth, m(1-m)/v - 1, elementwise."""
    return np.asarray(mean * (1 - mean) / sd**2 - 1)
