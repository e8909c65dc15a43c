"""Measures that are linear in the selection, the patients and the DLTs: products of expectations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from doseopt.beliefs.utility import Utility
from doseopt.core.state import NONE, BoolArray, FloatArray, IntArray
from doseopt.engines.means import Means
from doseopt.measures.endings import Truth
from doseopt.measures.operating_characteristics import METRICS, measure
from doseopt.scenarios import MTDRule
from doseopt.scenarios.mtd_rule import judged_on

MEASURES = (
    "correct_selection",
    "overdose_selection",
    "no_selection",
    "sample_size",
    "total_dlts",
    "patients_above_mtd",
    "patients_below_mtd",
    "accuracy_index",
)
"""Measures that are linear in the selection, patients and DLTs."""


def mean_of_known(values: FloatArray, axis: int) -> FloatArray:
    """Return the mean of what is known; nan where nothing is."""
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(known, values, 0).sum(axis=axis) / known.sum(axis=axis))


def linear_measures(
    means: Means,
    p_dlt: FloatArray,
    mtd: MTDRule,
    planned: IntArray | None = None,
    names: Sequence[str] = MEASURES,
) -> dict[str, FloatArray]:
    """Return measures that are linear in the selection, patients and DLTs, [R] each.

    Parameters
    ----------
    means : Means
    p_dlt : float array [R, D]
        True DLT rates, by which right and wrong are judged.
    mtd : MTDRule
    planned : int array, optional
        The doses that may be right, where others can be given too.
    names : sequence of str
        Which of `METRICS`.
    """
    truth = Truth(p_dlt, _acceptable(p_dlt, mtd, planned), np.full(len(p_dlt), NONE), mtd.target)
    counts = {"chosen": means.selection, "patients": means.n, "dlts": means.y}
    return {name: METRICS[name].weighed(counts[METRICS[name].of], truth) for name in names}


def _acceptable(p_dlt: FloatArray, mtd: MTDRule, planned: IntArray | None) -> BoolArray:
    return mtd.acceptable(p_dlt) if planned is None else judged_on(mtd, p_dlt, planned)[0]


def linear_utility(
    measures: Mapping[str, FloatArray],
    p_dlt: FloatArray,
    mtd: MTDRule,
    utility: Utility,
    planned: IntArray | None = None,
) -> FloatArray:
    """Return the expected utility from `linear_measures`, [R]."""
    nothing = ~_acceptable(p_dlt, mtd, planned).any(axis=1)
    value = measures["correct_selection"] * np.where(nothing, utility.none, 1.0)
    return np.asarray(
        value
        - utility.per_dlt * measures["total_dlts"]
        - utility.per_patient_above_mtd * measures["patients_above_mtd"]
        - utility.per_patient * measures["sample_size"]
    )


def expected_utility(outcomes: xr.Dataset, utility: Utility) -> xr.DataArray:
    """Return the expected utility in each scenario, (scenario).

    Parameters
    ----------
    outcomes : Dataset
        Judged (`doseopt.judged`).
    utility : Utility
    """
    right = measure(outcomes, "correct_selection")[0]
    value = right.where(outcomes["acceptable"].any("dose"), utility.none * right)
    prices = {
        "total_dlts": utility.per_dlt,
        "patients_above_mtd": utility.per_patient_above_mtd,
        "sample_size": utility.per_patient,
    }
    for name, price in prices.items():
        if price:
            value = value - price * measure(outcomes, name)[0]
    return value.rename(None).assign_attrs(units="1", long_name=f"expected utility: {utility.describe()}")
