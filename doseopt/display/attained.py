"""Sentences on the Dataset of `doseopt.limits_of`, for tables and figures alike."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from doseopt.core.state import BoolArray, FloatArray, IntArray

ATTAINABLE = "one patient at a time"


def is_correct_selection(ds: xr.Dataset) -> bool:
    """Return whether the utility is the probability of correct selection."""
    return bool(np.allclose(ds["utility"], ds["correct_selection"], rtol=0, atol=1e-12))


def of_study(ds: xr.Dataset) -> BoolArray:
    """Return which rows are the study's designs, [design]; the others are optimal policies."""
    return np.asarray(ds["regret"].notnull().to_numpy() | ~is_policy(ds))


def is_policy(ds: xr.Dataset) -> BoolArray:
    """Return which rows are optimal policies, [design]."""
    policies = set(ds["policy"].to_numpy().tolist()) if "policy" in ds.coords else set()
    return np.array([name in policies for name in ds["design"].to_numpy().tolist()])


def anything_attainable(ds: xr.Dataset) -> bool:
    """Return whether a bound of any design, or the best design under any rule, was found."""
    return any(name in ds and bool(ds[name].notnull().any()) for name in ("attainable", "optimum"))


def priced(ds: xr.Dataset) -> xr.Dataset | None:
    """Return the rules and numbers of patients for which anything was found, None if there are none."""
    if "optimum" not in ds:
        return None
    shown = ds[["optimum", "price"]].dropna("enrolment", how="all", subset=["optimum"])
    return shown if shown.sizes["enrolment"] else None


def reasons(refused: Mapping[str, str]) -> str:
    """Return a line for each reason: everything that was not computed for it, and why."""
    found: dict[str, list[str]] = {}
    for what, why in refused.items():
        found.setdefault(why, []).append(what)
    return "\n".join(f"{'; '.join(each)}: {why}" for why, each in found.items())


def winners(correct: FloatArray) -> FloatArray:
    """Return each design's share of the truths in which it is best, ties within 1e-9 split; [design, ...] -> same."""
    best = correct >= correct.max(axis=0) - 1e-9
    return np.asarray(best / best.sum(axis=0))


def same_cap(ds: xr.Dataset) -> dict[int, IntArray]:
    """Return the study's designs by their most patients, where there are at least two."""
    most, own = ds["most_patients"].to_numpy(), of_study(ds)
    groups = {int(n): np.flatnonzero(own & (most == n)) for n in np.unique(most[own])}
    return {n: rows for n, rows in groups.items() if len(rows) > 1}
