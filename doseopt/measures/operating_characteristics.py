"""Operating characteristics, one function each.

A measure is registered with its unit and what it means. It is either a function of one ending, `f(endings, truth)`,
which sees of a truth what is right and not the rates; or linear in something counted at each ending (`of`), stated by
the weights of these counts under a truth, so that its mean is a product. `measure` returns the mean of either and its
Monte Carlo standard error. The few that are not means are in `quantiles`.

What is right is judged by `acceptable` (scenario, dose) of the outcomes: where no dose is acceptable, only selecting
none is correct. Above the MTD is a dose above the highest acceptable one whose true DLT rate is above the target.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import xarray as xr

from doseopt.core.state import BoolArray, FloatArray
from doseopt.engines.outcomes import coords_along, judged
from doseopt.measures.endings import Endings, Truth, number_at
from doseopt.measures.metric import Attrs, Measured, Metric, means
from doseopt.measures.optimal_dose import OF_OBD
from doseopt.measures.quantiles import LEVELS, quantiles
from doseopt.measures.safety import SAFETY
from doseopt.scenarios import MTDRule

METRICS: dict[str, Metric] = dict(SAFETY)
"""Every measure that is a mean over endings, by the name of its result variable."""


type Registered = Callable[[Callable[..., Any]], Callable[..., Any]]


def metric(long_name: str, units: str = "1", better: int = -1, along: str = "", of: str = "") -> Registered:
    """Register a measure under its function's name; unit "1" is a probability or proportion. See `Metric`."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        METRICS[function.__name__] = Metric(function, units, long_name, better, along, of)
        return function

    return register


@metric("probability that the dose is selected as the MTD", better=0, along="dose", of="chosen")
def selection(truth: Truth) -> FloatArray:
    """1 at the selected dose."""
    return np.ones_like(truth.p_dlt)


@metric("probability that no dose is selected", of="chosen")
def no_selection(truth: Truth) -> FloatArray:
    """1 if the trial declares no MTD."""
    return _of_chosen(1, np.zeros_like(truth.p_dlt))


@metric("probability of correct selection", better=1, of="chosen")
def correct_selection(truth: Truth) -> FloatArray:
    """1 if an acceptable dose is selected, or none where none is acceptable."""
    return _of_chosen(truth.nothing, truth.acceptable)


@metric("probability of selecting a dose above the MTD", of="chosen")
def overdose_selection(truth: Truth) -> FloatArray:
    """1 if a dose above the highest acceptable one is selected whose rate is above the target."""
    return _of_chosen(0, truth.above)


@metric("probability of selecting a dose below the MTD", of="chosen")
def underdose_selection(truth: Truth) -> FloatArray:
    """1 if a dose below the lowest acceptable one is selected."""
    return _of_chosen(0, truth.below)


def _of_chosen(none: Any, each: Any) -> FloatArray:
    """Return the weights of selecting none, and of selecting each dose, [R, 1 + D]."""
    return np.column_stack([np.broadcast_to(none, len(each)), each]).astype(float)


@metric("expected patients at the dose", "patients", better=0, along="dose", of="patients")
def patients(truth: Truth) -> FloatArray:
    """n_j."""
    return np.ones_like(truth.p_dlt)


@metric("expected patients with a DLT at the dose", "patients", better=0, along="dose", of="dlts")
def dlts(truth: Truth) -> FloatArray:
    """y_j."""
    return np.ones_like(truth.p_dlt)


@metric("expected patients with a DLT", "patients", of="dlts")
def total_dlts(truth: Truth) -> FloatArray:
    """Sum of y_j."""
    return np.ones_like(truth.p_dlt)


@metric("expected sample size", "patients", of="patients")
def sample_size(truth: Truth) -> FloatArray:
    """N, the sum of n_j."""
    return np.ones_like(truth.p_dlt)


@metric("expected share of the patients treated at the dose", better=0, along="dose", of="share")
def allocation(truth: Truth) -> FloatArray:
    """n_j / N."""
    return np.ones_like(truth.p_dlt)


@metric("expected patients above the MTD", "patients", of="patients")
def patients_above_mtd(truth: Truth) -> BoolArray:
    """Patients treated above the highest acceptable dose, at rates above the target."""
    return truth.above


@metric("expected share of the patients treated above the MTD", of="share")
def overdosed(truth: Truth) -> BoolArray:
    """Patients above the MTD, as a share of all."""
    return truth.above


@metric("probability that more than 60% of the patients are treated above the MTD")
def overdosed_60(endings: Endings, truth: Truth) -> BoolArray:
    """1 if more than 60% of the patients are above the MTD; compared in whole numbers."""
    return 10 * number_at(endings.n, truth.above) > 6 * endings.total


@metric("probability that more than 80% of the patients are treated above the MTD")
def overdosed_80(endings: Endings, truth: Truth) -> BoolArray:
    """1 if more than 80% of the patients are above the MTD; compared in whole numbers."""
    return 10 * number_at(endings.n, truth.above) > 8 * endings.total


@metric("probability that fewer than (planned maximum)/(doses) patients are treated at the MTD")
def poor_allocation(endings: Endings, truth: Truth) -> FloatArray:
    """1 if the MTD gets fewer patients than an equal share of the planned maximum; nan without an MTD or a maximum."""
    doses = truth.p_dlt.shape[1]
    at_mtd = number_at(endings.n, np.arange(doses) == truth.mtd[:, None])
    known = (truth.mtd >= 0) & np.isfinite(truth.planned)
    return np.where(known[:, None], doses * at_mtd < truth.planned, np.nan)


@metric("probability that the DLT fraction exceeds the target by more than 0.05")
def high_dlt_fraction(endings: Endings, truth: Truth) -> BoolArray:
    """1 if DLTs / patients > target + 0.05."""
    return np.asarray(endings.y.sum(axis=-1) > (truth.target + 0.05) * endings.total + 1e-9)


@metric("probability that enrolment exceeds the planned maximum")
def over_planned(endings: Endings, truth: Truth) -> FloatArray:
    """1 if N exceeds the registered enrolment (attribute `registered`); nan without one."""
    return np.where(np.isfinite(truth.registered), endings.total > truth.registered, np.nan)


@metric("expected patients enrolled, those not evaluable included", "patients", of="patients")
def enrolled(truth: Truth) -> FloatArray:
    """n_j / (1 - r_j), with r_j the probability that a patient is replaced: the mean of a negative binomial."""
    return np.ones_like(truth.p_dlt) if truth.per_evaluable is None else truth.per_evaluable


@metric("probability that the trial stops for the reason", better=0, along="stop_reason")
def stopped(endings: Endings, truth: Truth) -> BoolArray:
    """1 at the reason for stopping."""
    return np.asarray(endings.stop[..., None] == np.arange(endings.reasons))


@metric(
    "accuracy index of the selection (Cheung 2011); no selection adds nothing; blank for one dose",
    better=1,
    of="chosen",
)
def accuracy_index(truth: Truth) -> FloatArray:
    """Return A = 1 - J sum rho_j pi_j / sum rho_j, linear in the selection probabilities pi_j."""
    return _of_chosen(1, 1 - truth.p_dlt.shape[1] * truth.distance)


@metric("accuracy index of the allocation (Cheung 2011); blank for one dose", better=1, of="share")
def allocation_index(truth: Truth) -> FloatArray:
    """Return the same index of the shares n_j / N."""
    return np.asarray(1 - truth.p_dlt.shape[1] * truth.distance)


def measure(outcomes: xr.Dataset, name: str) -> tuple[xr.DataArray, xr.DataArray]:
    """Return the mean of a registered measure, and its Monte Carlo standard error."""
    found = METRICS[name]
    each = measured(outcomes, [name]).values()
    mean, error = (_labelled(outcomes, found, value).assign_attrs(about) for _, value, about in each)
    return mean, error


def measure_each(outcomes: xr.Dataset, names: Iterable[str]) -> dict[str, FloatArray]:
    """Return the means of registered measures without labels, [R] each, or [R, X]."""
    endings, truth = Endings.of(outcomes), Truth.of(outcomes)
    found = list(names)
    return dict(zip(found, means([METRICS[name] for name in found], endings, truth), strict=True))


def measured(outcomes: xr.Dataset, names: Iterable[str]) -> dict[str, Measured]:
    """Return registered measures, each with its `<name>_mcse`, as the variables of a Dataset."""
    return _measured(outcomes, {name: METRICS[name] for name in names})


def _measured(outcomes: xr.Dataset, metrics: Mapping[str, Metric]) -> dict[str, Measured]:
    """Return measures by name, each with its `<name>_mcse`, as the variables of a Dataset."""
    endings, truth = Endings.of(outcomes), Truth.of(outcomes)
    each = zip(metrics.items(), means(list(metrics.values()), endings, truth), strict=True)
    return {
        f"{name}{end}": (_dims(metric), value, about)
        for (name, metric), mean in each
        for end, (value, about) in _with_error(metric, mean, endings, truth).items()
    }


def _with_error(found: Metric, mean: FloatArray, endings: Endings, truth: Truth) -> dict[str, tuple[FloatArray, Attrs]]:
    """Return the mean of a measure, and its Monte Carlo standard error, with what they are."""
    error = np.zeros_like(mean) if endings.exact else endings.error(found.at(endings, truth), mean)
    about = {"units": found.units, "long_name": found.long_name}
    return {
        "": (mean, about),
        "_mcse": (error, about | {"long_name": f"Monte Carlo standard error: {found.long_name}"}),
    }


def values(outcomes: xr.Dataset, name: str) -> xr.DataArray:
    """Return a registered measure at each ending in each scenario, (scenario, ending, ...)."""
    found = METRICS[name]
    return _labelled(outcomes, found, found.at(Endings.of(outcomes), Truth.of(outcomes)), "ending")


def _dims(found: Metric, *between: str) -> tuple[str, ...]:
    return ("scenario", *between, *((found.along,) if found.along else ()))


def _labelled(outcomes: xr.Dataset, found: Metric, value: FloatArray, *between: str) -> xr.DataArray:
    dims = _dims(found, *between)
    return xr.DataArray(value, dims=dims, coords={dim: outcomes[dim] for dim in dims if dim in outcomes.coords})


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
    """Return every measure of one design's outcomes, each with its `<name>_mcse`; with an OBD those of it, too.

    Parameters
    ----------
    outcomes : Dataset
        Judged (`doseopt.judged`), with attrs `planned`, and where it applies `registered`.

    Examples
    --------
    With one dose 3+3 selects it if at most 1 of 6 patients has a DLT: at a rate of 0.3, 0.7^6 + 6 x 0.3 x 0.7^5.

    >>> from doseopt import Exact, MTDRule, ThreePlusThree, judged, make_scenarios, operating_characteristics
    >>> outcomes = Exact()(ThreePlusThree(doses=1, target=0.25), make_scenarios([[0.3]], ["one"]))
    >>> round(operating_characteristics(judged(outcomes, MTDRule(target=0.25))).correct_selection.item(), 4)
    0.4202
    """
    every = METRICS | OF_OBD if "obd_acceptable" in outcomes else METRICS
    result = _measured(outcomes, every) | quantiles(Endings.of(outcomes))
    coords = coords_along(outcomes, {"scenario", "dose", "stop_reason"})
    return xr.Dataset(result, {**coords, "quantile": list(LEVELS)}, dict(outcomes.attrs))
