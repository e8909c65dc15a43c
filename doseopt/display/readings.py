"""Silences of a protocol and their readings in plain words, for figures as for tables."""

from __future__ import annotations

import numpy as np
import xarray as xr

TARGET, ACTUAL, CAP, NAMES = "target DLT rate", "actual dose", "enrolment cap", "naming rule"

FACTORS = {
    "titration_cohort": "patients in a titration cohort",
    "trigger": "what ends titration",
    "after_dlt": "a titration dose with a DLT",
    "on_descent": "a dose below one that is too toxic",
    "confirm_top": "highest dose after its first cohort",
    "mtd_at_cap": "the MTD when enrolment ends the trial",
    NAMES: "what a dose must meet to be named the MTD",
    CAP: "what the planned enrolment means",
    TARGET: "target DLT rate",
    ACTUAL: "the dose actually given",
    "death_in_window": "a death in the DLT window",
    "transplantation": "a transplantation in the DLT window",
    "dropout_in_window": "drop-out in the DLT window",
    "dlt_window": "length of the DLT window",
    "population_order": "the order in which populations come",
}
"""Factors of `doseopt.comparison.readings`: what the protocol is silent on."""

READINGS = {
    "trigger": {
        "first_dlt": "the first DLT",
        "first_moderate": "also one grade 2 toxicity",
        "second_moderate": "also the second grade 2 toxicity",
    },
    "after_dlt": {"fill": "filled to 3", "three_new": "3 new patients count instead"},
    "on_descent": {
        "three_then_six": "filled to 3, then to 6",
        "six": "filled to 6 at once",
        "stepwise": "filled to A, then to A + B",
        "at_once": "filled to A + B at once",
        "declare": "declared as it stands",
    },
    "confirm_top": {"yes": "filled up", "no": "declared on that"},
    "mtd_at_cap": {
        "definition": "only as the rule itself defines it",
        "not_excluded": "the highest tried and not excluded",
    },
    CAP: {"none": "an estimate: no cap"},
}
"""Readings of a factor, where the value itself does not say it."""


def factor_words(factor: str) -> str:
    """Return what a factor is."""
    return FACTORS.get(factor, factor.replace("_", " "))


def reading_words(factor: str, value: str) -> str:
    """Return what a reading of a factor is."""
    if factor == CAP and value not in READINGS[CAP]:
        return f"a hard cap of {value}"
    return READINGS.get(factor, {}).get(value, value.replace("_", " "))


def ranked(ds: xr.Dataset) -> list[tuple[str, list[int]]]:
    """Return factors by their largest effect on correct selection, each with its readings' places, that in use first.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.comparison.silences`.
    """
    size = np.round(np.abs(ds["effect_correct_selection"].to_numpy()), 9)
    of, used = ds["factor_of"].to_numpy(), ds["in_use"].to_numpy()
    found = []
    for factor in ds["factor"].to_numpy()[np.argsort(-size, kind="stable")].tolist():
        rows = np.flatnonzero(of == factor)
        found.append((str(factor), rows[np.argsort(~used[rows], kind="stable")].tolist()))
    return found
