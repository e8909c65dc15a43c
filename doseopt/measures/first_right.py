"""Patients treated before the first one at a right dose."""

from __future__ import annotations

import numpy as np
import xarray as xr

from doseopt.core.state import NONE


def first_right(outcomes: xr.Dataset) -> xr.Dataset:
    """Return how many patients are treated before the first one at an acceptable dose, and its Monte Carlo error.

    Parameters
    ----------
    outcomes : Dataset
        Judged (`doseopt.judged`), with its entries.

    Returns
    -------
    Dataset
        `patients_before_first_right` (scenario): all patients of a trial that never gives a right dose count; those of
        the first cohort at a right dose do not. nan where no dose is right, and where a right dose has been given
        before the start.

    Examples
    --------
    3+3 at rates of 0 and 0.25 gives three patients the first dose:

    >>> from doseopt import Exact, MTDRule, ThreePlusThree, judged, make_scenarios
    >>> outcomes = Exact()(ThreePlusThree(doses=2, target=0.25), make_scenarios([[0, 0.25]], ["second"]))
    >>> first_right(judged(outcomes, MTDRule(target=0.25))).patients_before_first_right.values.tolist()
    [3.0]
    """
    right = outcomes["acceptable"].transpose("scenario", "dose").to_numpy()
    given, dose = outcomes["entry_given"].transpose("entry", "dose").to_numpy(), outcomes["entry_dose"].to_numpy()
    patients = outcomes["entry_patients"].to_numpy().astype(float)
    before = ~(right[:, None, :] & given).any(axis=2)
    weight = outcomes["entry_weight"].transpose("scenario", "entry").to_numpy()
    weight = np.where(before & ((dose == NONE) | right[:, dose]), weight, 0)
    known = right.any(axis=1) & (weight.sum(axis=1) > 0.5)  # 1, or 0 where one has been given before the start
    mean = np.where(known, weight @ patients, np.nan)
    variance = np.maximum(weight @ patients**2 - mean**2, 0)
    if "entry_by_calendar" in outcomes:
        given = outcomes["entry_by_calendar"].transpose("calendar", "scenario", "entry").to_numpy()
        variance = np.where(known, ((given * (weight > 0)) @ patients).var(axis=0, ddof=1), np.nan)
    error = np.sqrt(variance / float(outcomes.attrs["trials"]))
    text = "expected patients before the first one at a right dose, all where none ever is"
    texts = {"": text, "_mcse": f"Monte Carlo standard error: {text}"}
    return xr.Dataset(
        {
            f"patients_before_first_right{end}": ("scenario", value, {"units": "patients", "long_name": texts[end]})
            for end, value in (("", mean), ("_mcse", error))
        },
        coords={"scenario": outcomes["scenario"]},
    )
