"""What the posterior DLT rates are worth after each design."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from doseopt.measures.estimation import CEILING
from paper.material import Material

PRINTED = ("MTD 1.5 shallow", "MTD 4.5 steep", "too toxic")
"""Scenarios whose posteriors the paper prints; all are in the comparison's data."""
PRINTED_ROLES = ("registered", "crm_small", "crm_large", "boin_large")
MEASURES = ("bias", "rmse", "coverage", "width")


def claims(material: Material) -> dict[str, Any]:
    """Return accuracy of the common posterior by design and dose, given that the dose was tried."""
    ds = material.comparison
    names = [str(name) for name in ds["design"].to_numpy()]
    prior = ds["prior_upper"].to_numpy() - ds["prior_lower"].to_numpy()
    return {
        "rows": [{"name": name, "doses": _doses(ds.sel(design=name))} for name in names],
        "by": {role: _doses(ds.sel(design=name)) for role, name in material.roles.items()},
        "coverage_least": _extreme(ds, "coverage", np.nanmin),
        "coverage_most": _extreme(ds, "coverage", np.nanmax),
        "mean_coverage": _range(ds["posterior_coverage_if_tried"].mean("scenario")),
        "bias": _range(ds["posterior_bias_if_tried"].mean("scenario")),
        "worst_bias": -100 * float(ds["posterior_bias_if_tried"].mean("scenario").min()),
        "bias_all_top": _range(ds["posterior_bias"].isel(dose=-1).mean("scenario")),
        "rmse_top": _range(ds["posterior_rmse_if_tried"].isel(dose=-1).mean("scenario")),
        "rmse_first": _range(ds["posterior_rmse_if_tried"].isel(dose=0).mean("scenario")),
        "prior_width": prior,
        "prior_width_top": prior[-1],
        "never_below": _never(ds),
        "ceiling": CEILING,
        "excludes": _excludes(ds, material),
        "printed": [_posterior(ds.sel(scenario=name), material, name) for name in PRINTED],
        "printed_designs": [material.roles[role] for role in PRINTED_ROLES],
    }


def _doses(ds: xr.Dataset) -> dict[str, Any]:
    """Return means over the scenarios, one value a dose."""
    found = {name: ds[f"posterior_{name}_if_tried"].mean("scenario").to_numpy() for name in MEASURES}
    top = {f"top_{name}": value[-1] for name, value in found.items()}
    tried = ds["tried"].mean("scenario").to_numpy()
    return {**found, "tried": tried, **top, "top_tried": tried[-1], "first_width": found["width"][0]}


def _posterior(ds: xr.Dataset, material: Material, scenario: str) -> dict[str, Any]:
    """Return what is expected of the posterior at each dose in a scenario, over all trials of some designs."""
    parts = ("mean", "lower", "upper", "coverage")
    designs = [
        {part: ds[f"posterior_{part}"].sel(design=material.roles[role]).to_numpy() for part in parts}
        for role in PRINTED_ROLES
    ]
    return {"scenario": scenario, "p": ds["p_dlt"].to_numpy(), "designs": designs}


def _range(values: xr.DataArray) -> dict[str, float]:
    return {"least": float(values.min()), "most": float(values.max())}


def _extreme(ds: xr.Dataset, name: str, which: Any) -> dict[str, Any]:
    """Return where coverage given tried is extreme, among doses tried in at least one trial of twenty."""
    values = ds[f"posterior_{name}_if_tried"].where(ds["tried"] > 0.05)
    found = float(which(values.to_numpy()))
    at = np.argwhere(np.abs(values.to_numpy() - found) < 1e-12)[0]
    place = {dim: str(values[dim].to_numpy()[k]) for dim, k in zip(values.dims, at, strict=True)}
    return {"value": found, **place}


def _never(ds: xr.Dataset) -> int:
    """Return how many scenarios have a true rate at the top dose that is below the ceiling."""
    return int((ds["p_dlt"].isel(dose=-1) < CEILING).sum())


def _excludes(ds: xr.Dataset, material: Material) -> dict[str, float]:
    """Return the chance that the interval at the true MTD ends below the ceiling, mean over scenarios with an MTD."""
    mtd = ds["mtd"].to_numpy()
    rows = np.flatnonzero(mtd >= 0)
    values = ds["posterior_upper_below_35"].transpose("design", "scenario", "dose").to_numpy()[:, rows, mtd[rows]]
    names = ds["design"].to_numpy().tolist()
    return {role: float(values[names.index(name)].mean()) for role, name in material.roles.items()}
