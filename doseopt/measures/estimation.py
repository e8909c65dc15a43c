"""Accuracy of estimated DLT rates after a trial: bias, error and coverage at each dose, under each design.

The posterior depends on the tally only, so its operating characteristics are exact sums over a design's endings,
whatever the design.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from doseopt.core.design import Design, estimated_by
from doseopt.core.distinct import unique_rows
from doseopt.core.state import BoolArray, FloatArray, TrialState
from doseopt.engines.outcomes import coords_along
from doseopt.measures.endings import Endings
from doseopt.measures.estimates import PIECE, Estimates

type Means = dict[str, tuple[FloatArray, FloatArray]]
"""Means in each scenario, [R, ...], and their Monte Carlo errors, by name."""
type Said = tuple[BoolArray | None, Mapping[str, npt.NDArray[Any]]]
"""An event, if need be, and functions of the ending that are given it, by name: [L or R, E, ...] each."""

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
    p = outcomes["p_dlt"].transpose("scenario", "dose").to_numpy()[:, None]

    def say(some: Endings) -> Iterator[Said]:
        rank = estimates.rank(some.n, some.y)
        left_out = rank >= estimates.done
        mean, lower, upper = (
            a[np.where(left_out, 0, rank)] for a in (estimates.mean, estimates.lower, estimates.upper)
        )
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
        tried, covered = some.n > 0, ~left_out[..., None]
        yield None if estimates.complete else covered, {f"posterior_{name}": value for name, value in values.items()}
        yield tried & covered, {f"posterior_{name}_if_tried": value for name, value in values.items()}
        yield None, {"tried": tried, "posterior_left_out": left_out}

    result = means_given(Endings.of(outcomes), say)
    names = {f"posterior_{name}": text for name, text in MEASURES.items()}
    names |= {f"posterior_{name}_if_tried": f"{text}, given that the dose was tried" for name, text in MEASURES.items()}
    names |= {
        "tried": "probability that the dose is tried",
        "posterior_left_out": "probability of the endings whose posterior was not computed",
    }
    return labelled(outcomes, result, names)


def own_measures(outcomes: xr.Dataset, design: Design) -> xr.Dataset:
    """Return the accuracy of a design's own estimate of the DLT rates, given that it makes one at the dose."""
    p = outcomes["p_dlt"].transpose("scenario", "dose").to_numpy()[:, None]

    def say(some: Endings) -> Iterator[Said]:
        own = own_estimates(some, design)
        made = ~np.isnan(own)
        own = np.where(made, own, 0.0)
        bias = own - p
        yield made, {"own_mean": own, "own_bias": bias, "own_rmse": bias**2}

    result = means_given(Endings.of(outcomes), say)
    return labelled(outcomes, result, {f"own_{name}": text for name, text in OWN.items()})


def own_estimates(endings: Endings, design: Design) -> FloatArray:
    """Return a design's own estimates of the DLT rates after each ending, as `endings.n`; nan where it makes none."""
    doses = design.facts.doses
    flat = np.concatenate([endings.n, endings.y], axis=-1).reshape(-1, 2 * doses)
    first, inverse = unique_rows(flat.T)
    estimates = np.empty((len(first), doses))
    for start in range(0, len(first), PIECE):
        tallies = flat[first[start : start + PIECE]]
        nowhere = np.zeros(len(tallies), np.int64)
        memory = np.zeros((len(tallies), len(design.facts.memory)), np.int64)
        state = TrialState(tallies[:, :doses], tallies[:, doses:], nowhere, memory)
        estimates[start : start + PIECE] = estimated_by(design, state)
    return np.asarray(estimates[inverse].reshape(endings.n.shape))


def means_given(endings: Endings, say: Callable[[Endings], Iterable[Said]]) -> Means:
    """Return means and Monte Carlo errors of functions of the ending, if need be given an event; roots of the rmse.

    A conditional mean is a ratio; its error is that of the linearised ratio. That of a root is by the delta method.

    Parameters
    ----------
    endings : Endings
    say : callable
        Told some of the endings: events, with the functions that are given each.
    """
    said: list[Said] = []

    def linear(some: Endings) -> list[FloatArray]:
        said[:] = say(some)  # those of the last part give the names; where there are errors to find it is the only one
        return [some.mean(part) for given, values in said for part in _counted(given, values)]

    found, result = iter(endings.summed(linear)), {}
    for given, values in said:
        chance = np.ones(1) if given is None else next(found)
        known = np.where(chance > 0, chance, np.nan)
        for name, value in values.items():
            mean = next(found) / known
            error = mean - mean
            if not endings.exact and given is None:
                error = endings.error(value, mean)
            elif not endings.exact:
                off = (value - np.where(np.isnan(mean), 0.0, mean)[:, None]) * given
                error = endings.expect(off)[1] / known
            if "rmse" in name:
                mean = np.sqrt(mean)
                error = np.zeros_like(error) if endings.exact else error / (2 * np.where(mean > 0, mean, np.nan))
            result[name] = mean, error
    return result


def _counted(given: BoolArray | None, values: Mapping[str, npt.NDArray[Any]]) -> Iterator[npt.NDArray[Any]]:
    """Yield what means given an event are ratios of: the event, and each function where it happens."""
    if given is not None:
        yield given
    yield from (value if given is None else value * given for value in values.values())


def labelled(
    outcomes: xr.Dataset, found: Means, names: Mapping[str, str], units: Mapping[str, str] | None = None
) -> xr.Dataset:
    """Return means in each scenario, [R] or [R, D], with what they are, and their Monte Carlo errors; units of some."""
    dims = max((("scenario", "dose")[: mean.ndim] for mean, _ in found.values()), key=len)
    made = {}
    for name, text in names.items():
        texts = {name: text, f"{name}_mcse": f"Monte Carlo standard error: {text}"}
        for (each, about), value in zip(texts.items(), found[name], strict=True):
            made[each] = (dims[: value.ndim], value, {"units": (units or {}).get(name, "1"), "long_name": about})
    return xr.Dataset(made, coords_along(outcomes, dims))


def labelled_prior(estimates: Estimates) -> dict[str, Any]:
    """Return what the common posterior says of each dose before any patient: `prior_<name>` (dose)."""
    texts = {"mean": "prior mean", "lower": "lower end of the 90% prior interval", "upper": "upper end of it"}
    return {
        f"prior_{name}": ("dose", value, {"units": "1", "long_name": f"{texts[name]} of the DLT rate"})
        for name, value in estimates.prior.items()
    }


def effective_sample_size(mean: FloatArray, sd: FloatArray) -> FloatArray:
    """Return the patients that a prior with this mean and sd of the DLT rate is worth, m(1-m)/v - 1, elementwise."""
    return np.asarray(mean * (1 - mean) / sd**2 - 1)
