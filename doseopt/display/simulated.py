"""Names of the designs of a comparison that are simulated."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr

from doseopt.core.state import BoolArray


def simulated(comparison: xr.Dataset) -> BoolArray:
    """Return which designs of a comparison are simulated, not exact."""
    if "trials" in comparison.coords:
        return np.asarray(np.isfinite(comparison["trials"].to_numpy()))
    return np.full(comparison.sizes["design"], comparison.attrs.get("engine") == "simulated")


def evaluated(comparison: xr.Dataset) -> list[str]:
    """Return how each design was evaluated: exact, simulated, or over calendars, exact given each."""
    kinds = comparison["engine"].to_numpy().tolist() if "engine" in comparison.coords else []
    kinds = kinds or ["simulated"] * comparison.sizes["design"]
    how = ("simulated" if kind == "simulated" else "over calendars" for kind in kinds)
    return [one if drawn else "exact" for one, drawn in zip(how, simulated(comparison), strict=True)]


def with_simulated_named(comparison: xr.Dataset, name: Callable[[int, str], str]) -> xr.Dataset:
    """Return a comparison whose simulated designs are called otherwise, given their place and name."""
    each = zip(comparison["design"].to_numpy(), simulated(comparison), strict=True)
    labels = [name(d, str(label)) if drawn else str(label) for d, (label, drawn) in enumerate(each)]
    return comparison.assign_coords(design=labels)


def error_of(ds: xr.Dataset, name: str) -> xr.DataArray:
    """Return the Monte Carlo error of a measure, 0 where it has none."""
    return ds[f"{name}_mcse"] if f"{name}_mcse" in ds else xr.zeros_like(ds[name])


def without_errors(comparison: xr.Dataset) -> xr.Dataset:
    """Return a comparison without the Monte Carlo errors that are 0 as every design is evaluated exactly."""
    known = comparison.variables
    if not np.isinf(known["trials"].to_numpy()).all():
        return comparison
    errors = [name for name in comparison if str(name).endswith("_mcse")]
    return comparison.drop_vars([name for name in errors if not (known[name].to_numpy() > 0).any()])
