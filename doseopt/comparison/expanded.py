"""Expansion cohorts: patients in them, how often the dose selected is lowered, and the selection before them."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from doseopt.comparison.evaluate import outcomes_of
from doseopt.designs.expanding import GONE, LOWERED, Expanding
from doseopt.engines.budget import TooManyStates
from doseopt.measures.operating_characteristics import METRICS, measure
from doseopt.study.on_pending import Engine
from doseopt.study.study import Study

BEFORE = ("correct_selection", "overdose_selection", "no_selection", "selection")
"""Measures that are also told of the trials as they end before the expansion."""
ADDED = {"sample_size": "expansion_patients", "total_dlts": "expansion_dlts"}
"""Counts, and what of them is in the expansion."""


def expanded(study: Study, engine: Engine, result: xr.Dataset) -> dict[str, Any]:
    """Return what the expansion cohorts of a study's designs change.

    Trials with and without an expansion are the same until it begins, so that what it adds is a difference of means.

    Parameters
    ----------
    study : Study
    engine : Exact, Simulate or ExactWherePossible
    result : Dataset
        The operating characteristics of the study's designs.

    Returns
    -------
    dict
        Variables (design, scenario), of "selection" (design, scenario, dose): `<name>_before_expansion` of `BEFORE`,
        `expansion_patients`, `expansion_dlts` and `mtd_lowered`, the share of trials in which the dose selected before
        is not kept; nan for designs without an expansion, and where the calculation is too large. Empty if none has.
    """
    having = {d: name for d, name in enumerate(study.designs) if isinstance(study.designs[name], Expanding)}
    if not having:
        return {}
    found = {name: np.full(result[name].shape, np.nan) for name in (*BEFORE, *ADDED)}
    lowered = np.full(result["correct_selection"].shape, np.nan)
    for d, name in having.items():
        design = study.designs[name]
        assert isinstance(design, Expanding)
        try:
            blocks = list(outcomes_of(study, engine, name, design.base, study.scenarios))
        except TooManyStates:
            continue
        for what, value in found.items():
            value[d] = np.concatenate([measure(block, what)[0].to_numpy() for block in blocks])
        reasons = [reason for reason in (LOWERED, GONE) if reason in result["stop_reason"]]
        lowered[d] = result["stopped"].isel(design=d).sel(stop_reason=reasons).sum("stop_reason")
    told: dict[str, Any] = {}
    for name in BEFORE:
        about = {"units": METRICS[name].units, "long_name": f"{METRICS[name].long_name}, before the expansion"}
        told[f"{name}_before_expansion"] = (result[name].dims, found[name], about)
    for name, added in ADDED.items():
        about = {"units": "patients", "long_name": f"{METRICS[name].long_name}, what the expansion adds"}
        told[added] = (result[name].dims, result[name].to_numpy() - found[name], about)
    about = {"units": "1", "long_name": "probability that the expansion lowers the dose selected, or leaves none"}
    return told | {"mtd_lowered": (result["correct_selection"].dims, lowered, about)}
