"""How much each silence of the registry entry matters."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from doseopt.comparison.silences import MODERATE
from doseopt.display.readings import ACTUAL, CAP, TARGET
from paper.material import Material

WORDS = {
    "on_descent": "going down to a dose with fewer patients than the definition asks for",
    "confirm_top": "the top dose needs the full number of patients",
    "mtd_at_cap": "the MTD when the cap stops the trial",
    "titration_cohort": "patients in the titration cohort",
    "trigger": "what ends titration",
    "after_dlt": "the titration dose after a DLT",
    CAP: "the planned enrolment",
    TARGET: "the target DLT rate",
    ACTUAL: "the actual dose",
}
VALUES = {
    "three_then_six": "filled in two steps",
    "six": "filled in one step",
    "declare": "declared at once",
    "definition": "by the definition",
    "not_excluded": "highest dose not excluded",
    "first_dlt": "first DLT",
    "first_moderate": "also first moderate toxicity",
    "second_moderate": "also second moderate toxicity",
    "fill": "filled up, first patient counted",
    "three_new": "a full new cohort",
    "none": "an estimate, no cap",
}
MINOR = ("trigger", "on_descent", "after_dlt")
"""Silences that the text calls minor; how much they move is computed."""
MEASURES = ("correct_selection", "overdose_selection", "no_selection", "sample_size", "total_dlts")


def claims(material: Material) -> dict[str, Any]:
    """Return the readings one at a time and all together, with the cap and without."""
    found = {role: _design(ds) for role, ds in material.readings.items()}
    registered = material.readings["registered"]
    return found | {
        "p_moderate": MODERATE,
        "factors": registered.sizes["factor"],
        "own": registered.sizes["own_factor"],
    }


def _design(ds: xr.Dataset) -> dict[str, Any]:
    effect = {str(f): float(e) for f, e in zip(ds["factor"].to_numpy(), ds["effect_correct_selection"], strict=True)}
    spread = {
        str(f): float(e) for f, e in zip(ds["own_factor"].to_numpy(), ds["spread_correct_selection"], strict=True)
    }
    order = sorted(effect, key=lambda f: -abs(effect[f]))
    rows = [_row(ds, k) for f in order for k in np.flatnonzero(ds["factor_of"].to_numpy() == f)]
    every = ds["correct_selection_all"].to_numpy()
    none = ds["no_selection_all"].to_numpy()
    return {
        "rows": rows,
        "effect": {key(f): value for f, value in effect.items()},
        "spread": {key(f): value for f, value in spread.items()},
        "order": [key(f) for f in order],
        "minor": max(abs(effect[f]) for f in MINOR),
        "combinations": int(ds.attrs["combinations"]),
        "all_least": every.min(),
        "all_most": every.max(),
        "all_none_least": none.min(),
        "all_none_most": none.max(),
        "all_size_least": ds["sample_size_all"].to_numpy().min(),
        "all_size_most": ds["sample_size_all"].to_numpy().max(),
        "by": {f"{key(row['factor'])}.{k}": row for row in rows for k in [row["place"]]},
    }


def key(factor: str) -> str:
    """Return a factor as a key of the results file."""
    return factor.replace(" ", "_")


def _row(ds: xr.Dataset, k: int) -> dict[str, Any]:
    factor, value = str(ds["factor_of"].to_numpy()[k]), str(ds["value"].to_numpy()[k])
    place = int(k - np.flatnonzero(ds["factor_of"].to_numpy() == factor)[0])
    means = {name: float(ds[name].isel(reading=k).mean()) for name in MEASURES}
    known = {"factor": factor, "question": WORDS.get(factor, factor), "place": place}
    return {**known, "value": VALUES.get(value, value), "in_use": bool(ds["in_use"].to_numpy()[k]), **means}
