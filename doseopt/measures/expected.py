"""Measures that are linear in the selection, the patients and the DLTs: products of expectations."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from doseopt.beliefs.utility import Utility
from doseopt.core.state import BoolArray, FloatArray, IntArray
from doseopt.engines.means import Means
from doseopt.measures.operating_characteristics import measure
from doseopt.scenarios import MTDRule, above_mtd
from doseopt.scenarios.mtd_rule import judged_on

MEASURES = (
    "correct_selection",
    "overdose_selection",
    "no_selection",
    "sample_size",
    "total_dlts",
    "patients_above_mtd",
    "accuracy_index",
)
"""Measures that are linear in the selection, patients and DLTs."""


def linear_measures(
    means: Means, p_dlt: FloatArray, mtd: MTDRule, planned: IntArray | None = None
) -> dict[str, FloatArray]:
    """Return the measures of `MEASURES`, [R] each.

    Parameters
    ----------
    means : Means
    p_dlt : float array [R, D]
        True DLT rates, by which right and wrong are judged.
    mtd : MTDRule
    planned : int array, optional
        The doses that may be right, where others can be given too.
    """
    right = _acceptable(p_dlt, mtd, planned)
    above = above_mtd(p_dlt, right, mtd.target)
    distance = np.abs(p_dlt - mtd.target)
    none, each = means.selection[:, 0], means.selection[:, 1:]
    total = np.where(right.shape[1] > 1, distance.sum(axis=1), 0.0)  # with one dose there is nothing to choose between
    return {
        "correct_selection": (each * right).sum(axis=1) + none * ~right.any(axis=1),
        "overdose_selection": (each * above).sum(axis=1),
        "no_selection": none,
        "sample_size": means.n.sum(axis=1),
        "total_dlts": means.y.sum(axis=1),
        "patients_above_mtd": (means.n * above).sum(axis=1),
        "accuracy_index": 1 - right.shape[1] * (each * distance).sum(axis=1) / np.where(total > 0, total, np.nan),
    }


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
