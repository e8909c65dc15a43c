"""Operating characteristics, one function each.

A measure is a function of one ending, registered with its unit and what it means; `measure` returns its mean
and Monte Carlo standard error. The few that are not means (quantiles of a count) are in `QUANTILES`.

What is right is judged by `acceptable` (scenario, dose) of the outcomes: where no dose is acceptable, only selecting
none is correct. Above the MTD is a dose above the highest acceptable one whose true DLT rate is above the target.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import xarray as xr

from doseopt.engines.outcomes import expect, judged
from doseopt.scenarios import MTDRule, above_mtd

type Measure = Callable[[xr.Dataset], xr.DataArray]


@dataclass(frozen=True)
class Metric:
    """A performance measure: a function of one ending, its unit, what it means, and which way is better.

    `better` is 1 where high is better, -1 where low is, and 0 where it is one number a dose or a reason.
    """

    function: Measure
    units: str
    long_name: str
    better: int


METRICS: dict[str, Metric] = {}
"""Every measure that is a mean over endings, by the name of its result variable."""


def metric(long_name: str, units: str = "1", better: int = -1) -> Callable[[Measure], Measure]:
    """Register a measure under its function's name; unit "1" is a probability or proportion."""

    def register(function: Measure) -> Measure:
        METRICS[function.__name__] = Metric(function, units, long_name, better)
        return function

    return register


def measure(outcomes: xr.Dataset, name: str) -> tuple[xr.DataArray, xr.DataArray]:
    """Return the mean of a registered measure, and its Monte Carlo standard error."""
    mean, error = expect(outcomes, METRICS[name].function(outcomes))
    attrs = {"units": METRICS[name].units, "long_name": METRICS[name].long_name}
    return mean.assign_attrs(attrs), error.assign_attrs(
        attrs | {"long_name": f"Monte Carlo standard error: {attrs['long_name']}"}
    )


def _levels(outcomes: xr.Dataset) -> xr.DataArray:
    return xr.DataArray(np.arange(outcomes.sizes["dose"]), dims="dose", coords={"dose": outcomes["dose"]})


def _above(outcomes: xr.Dataset) -> xr.DataArray:
    """Return whether a dose is above the MTD, (scenario, dose)."""
    right = outcomes["acceptable"].transpose("scenario", "dose")
    p_dlt = outcomes["p_dlt"].transpose("scenario", "dose").to_numpy()
    return right.copy(data=above_mtd(p_dlt, right.to_numpy(), float(outcomes.attrs["target"])))


def _below(outcomes: xr.Dataset) -> xr.DataArray:
    """Return whether a dose is below the lowest acceptable one, (scenario, dose)."""
    level = _levels(outcomes)
    return outcomes["acceptable"].any("dose") & (
        level < level.where(outcomes["acceptable"], outcomes.sizes["dose"]).min("dose")
    )


def _at_selected(outcomes: xr.Dataset, table: xr.DataArray) -> xr.DataArray:
    """Look a (scenario, dose) table up at the selected dose; False, or 0, where none is selected."""
    chosen = outcomes["selected"]
    return table.isel(dose=chosen.clip(0)).reset_coords(drop=True).where(chosen >= 0, False)


@metric("probability that the dose is selected as the MTD", better=0)
def selection(outcomes: xr.Dataset) -> xr.DataArray:
    """1 at the selected dose."""
    return outcomes["selected"] == _levels(outcomes)


@metric("probability that no dose is selected")
def no_selection(outcomes: xr.Dataset) -> xr.DataArray:
    """1 if the trial declares no MTD."""
    return outcomes["selected"] < 0


@metric("probability of correct selection", better=1)
def correct_selection(outcomes: xr.Dataset) -> xr.DataArray:
    """1 if an acceptable dose is selected, or none where none is acceptable."""
    nothing_right = ~outcomes["acceptable"].any("dose")
    return _at_selected(outcomes, outcomes["acceptable"]) | (nothing_right & (outcomes["selected"] < 0))


@metric("probability of selecting a dose above the MTD")
def overdose_selection(outcomes: xr.Dataset) -> xr.DataArray:
    """1 if a dose above the highest acceptable one is selected whose rate is above the target."""
    return _at_selected(outcomes, _above(outcomes))


@metric("probability of selecting a dose below the MTD")
def underdose_selection(outcomes: xr.Dataset) -> xr.DataArray:
    """1 if a dose below the lowest acceptable one is selected."""
    return _at_selected(outcomes, _below(outcomes))


@metric("expected patients at the dose", "patients", better=0)
def patients(outcomes: xr.Dataset) -> xr.DataArray:
    """n_j."""
    return outcomes["n"]


@metric("expected patients with a DLT at the dose", "patients", better=0)
def dlts(outcomes: xr.Dataset) -> xr.DataArray:
    """y_j."""
    return outcomes["y"]


@metric("expected patients with a DLT", "patients")
def total_dlts(outcomes: xr.Dataset) -> xr.DataArray:
    """Sum of y_j."""
    return outcomes["y"].sum("dose")


@metric("expected sample size", "patients")
def sample_size(outcomes: xr.Dataset) -> xr.DataArray:
    """N, the sum of n_j."""
    return outcomes["n"].sum("dose")


@metric("expected share of the patients treated at the dose", better=0)
def allocation(outcomes: xr.Dataset) -> xr.DataArray:
    """n_j / N."""
    return outcomes["n"] / outcomes["n"].sum("dose")


@metric("expected patients above the MTD", "patients")
def patients_above_mtd(outcomes: xr.Dataset) -> xr.DataArray:
    """Patients treated above the highest acceptable dose, at rates above the target."""
    number: xr.DataArray = xr.dot(outcomes["n"].astype(float), _above(outcomes).astype(float), dim="dose")
    return number


@metric("expected share of the patients treated above the MTD")
def overdosed(outcomes: xr.Dataset) -> xr.DataArray:
    """Patients above the MTD, as a share of all."""
    return patients_above_mtd(outcomes) / outcomes["n"].sum("dose")


@metric("probability that more than 60% of the patients are treated above the MTD")
def overdosed_60(outcomes: xr.Dataset) -> xr.DataArray:
    """1 if more than 60% of the patients are above the MTD; compared in whole numbers."""
    return 10 * patients_above_mtd(outcomes).round() > 6 * outcomes["n"].sum("dose")


@metric("probability that more than 80% of the patients are treated above the MTD")
def overdosed_80(outcomes: xr.Dataset) -> xr.DataArray:
    """1 if more than 80% of the patients are above the MTD; compared in whole numbers."""
    return 10 * patients_above_mtd(outcomes).round() > 8 * outcomes["n"].sum("dose")


@metric("probability that fewer than (planned maximum)/(doses) patients are treated at the MTD")
def poor_allocation(outcomes: xr.Dataset) -> xr.DataArray:
    """1 if the MTD gets fewer patients than an equal share of the planned maximum; nan without an MTD or a maximum."""
    at_mtd = outcomes["n"].isel(dose=outcomes["mtd"].clip(0)).reset_coords(drop=True)
    planned = float(outcomes.attrs["planned"])
    short = outcomes.sizes["dose"] * at_mtd < planned
    known = (outcomes["mtd"] >= 0) & bool(np.isfinite(planned))
    return short.astype(float).where(known)


@metric("probability that the DLT fraction exceeds the target by more than 0.05")
def high_dlt_fraction(outcomes: xr.Dataset) -> xr.DataArray:
    """1 if DLTs / patients > target + 0.05."""
    limit = float(outcomes.attrs["target"]) + 0.05
    return total_dlts(outcomes) > limit * sample_size(outcomes) + 1e-9


@metric("probability that enrolment exceeds the planned maximum")
def over_planned(outcomes: xr.Dataset) -> xr.DataArray:
    """1 if N exceeds the registered enrolment (attribute `registered`); nan without one."""
    registered = float(outcomes.attrs.get("registered", np.nan))
    return (sample_size(outcomes) > registered).astype(float).where(bool(np.isfinite(registered)))


@metric("expected patients enrolled, drop-outs replaced", "patients")
def enrolled(outcomes: xr.Dataset) -> xr.DataArray:
    """N / (1 - q) with q the drop-out probability: the mean of a negative binomial."""
    return sample_size(outcomes) / (1 - float(outcomes.attrs.get("dropout", 0.0)))


@metric("probability that the trial stops for the reason", better=0)
def stopped(outcomes: xr.Dataset) -> xr.DataArray:
    """1 at the reason for stopping."""
    codes = xr.DataArray(
        np.arange(outcomes.sizes["stop_reason"]), dims="stop_reason", coords={"stop_reason": outcomes["stop_reason"]}
    )
    return outcomes["stop"] == codes


def _index(outcomes: xr.Dataset, share: xr.DataArray) -> xr.DataArray:
    """Return 1 - J sum rho_j share_j / sum rho_j, rho_j the distance of p_j from the target; nan for a single dose.

    With one dose it would be the probability that none is selected.
    """
    rho = abs(outcomes["p_dlt"] - float(outcomes.attrs["target"]))
    total = rho.sum("dose")
    weighted: xr.DataArray = xr.dot(rho, share.astype(float), dim="dose")
    return 1 - outcomes.sizes["dose"] * weighted / total.where((total > 0) & (outcomes.sizes["dose"] > 1))


@metric("accuracy index of the selection (Cheung 2011); no selection adds nothing; blank for one dose", better=1)
def accuracy_index(outcomes: xr.Dataset) -> xr.DataArray:
    """Return A = 1 - J sum rho_j pi_j / sum rho_j, linear in the selection probabilities pi_j."""
    return _index(outcomes, selection(outcomes))


@metric("accuracy index of the allocation (Cheung 2011); blank for one dose", better=1)
def allocation_index(outcomes: xr.Dataset) -> xr.DataArray:
    """Return the same index of the shares n_j / N."""
    return _index(outcomes, allocation(outcomes))


LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
QUANTILES: dict[str, tuple[Measure, str]] = {
    "sample_size_quantile": (sample_size, "quantile of the sample size"),
    "total_dlts_quantile": (total_dlts, "quantile of the number of patients with a DLT"),
}
"""Measures that are quantiles of a count over endings, at LEVELS."""


def quantile(outcomes: xr.Dataset, name: str) -> xr.DataArray:
    """Return the smallest value with at least the stated probability at or below it, (scenario, quantile)."""
    function, long_name = QUANTILES[name]
    value, weight = xr.broadcast(function(outcomes), outcomes["weight"])
    weights = weight.transpose("scenario", "ending").to_numpy()
    values = value.transpose("scenario", "ending").to_numpy()
    order = np.argsort(values, axis=1, kind="stable")
    cumulative = np.cumsum(np.take_along_axis(weights, order, axis=1), axis=1)
    position = (cumulative[:, None, :] >= np.array(LEVELS)[None, :, None] - 1e-12).argmax(axis=2)
    result = np.take_along_axis(np.take_along_axis(values, order, axis=1), position, axis=1)
    return xr.DataArray(
        result.astype(float),
        dims=("scenario", "quantile"),
        coords={"scenario": outcomes["scenario"], "quantile": list(LEVELS)},
        attrs={"units": "patients", "long_name": long_name},
    )


def correct_of_all(outcomes: xr.Dataset) -> xr.DataArray:
    """Return the probability of correct selection when insertable doses may be right, too, (scenario).

    Parameters
    ----------
    outcomes : Dataset
        Judged, on doses of which some are insertable.
    """
    correct, _ = measure(outcomes.assign(acceptable=outcomes["acceptable_of_all"]), "correct_selection")
    name = "probability of correct selection, insertable doses counting as doses"
    return correct.assign_attrs(units="1", long_name=name)


def correct_at(outcomes: xr.Dataset, rule: MTDRule, target: float) -> xr.DataArray:
    """Return the probability of correct selection by a rule at another target, (scenario)."""
    correct, _ = measure(judged(outcomes, rule.at(target)), "correct_selection")
    return correct.assign_attrs(units="1", long_name="probability of correct selection at the design's own target")


def operating_characteristics(outcomes: xr.Dataset) -> xr.Dataset:
    """Return every measure of one design's outcomes, each with its `<name>_mcse`.

    Parameters
    ----------
    outcomes : Dataset
        Judged (`doseopt.judged`), with attrs `planned`, and where they apply `registered` and `dropout`.
    """
    result = {}
    for name in METRICS:
        result[name], result[f"{name}_mcse"] = measure(outcomes, name)
    for name in QUANTILES:
        result[name] = quantile(outcomes, name)
    return xr.Dataset(result, attrs=dict(outcomes.attrs))
