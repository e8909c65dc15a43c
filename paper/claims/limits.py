"""What is attained of what is attainable, and what rules cost."""

from __future__ import annotations

from typing import Any

import xarray as xr

from doseopt.display.attained import of_study, same_cap, winners
from doseopt.reports.sections.limits import limit_findings
from paper.material import Material

KEYS = {
    "skipping allowed": "skipping",
    "one patient at a time": "attainable",
    "cohorts of 2": "pairs",
    "cohorts of 3": "threes",
    "1 patient, then cohorts of 3": "one_then_threes",
    "coherent": "coherent",
    "no early stop": "no_early_stop",
    "MTD among doses tried": "tried",
    "safety stop at 95%": "safety",
    "cohorts of 3, coherent, MTD tried, safety stop": "together",
}
SHOWN = ("utility", "attainable", "regret", "efficiency", "attainable_same_size", "attainable_same_exposure")
AVERAGES = ("overdose_selection", "no_selection", "sample_size", "patients_above_mtd", "most_patients")


def claims(material: Material) -> dict[str, Any]:
    """Return averages over the belief beside their bounds, prices of rules, and who is best where."""
    ds = material.limits
    rows = [_row(ds.sel(design=name)) for name in ds["design"].to_numpy()[of_study(ds)]]
    by_name = {row["name"]: row for row in rows}
    sizes = {size: by_name[material.roles[f"crm_{size}"]]["attainable"] for size in material.caps}
    prices = {KEYS[str(rule)]: _by_size(ds["price"].sel(rule=rule), material) for rule in ds["rule"].to_numpy()}
    return {
        "findings": limit_findings(ds),
        "rows": rows,
        "by": {role: by_name[name] for role, name in material.roles.items()},
        "attainable": sizes,
        "optimal": {size: _row(ds.sel(design=f"optimal {cap}")) for size, cap in material.caps.items()},
        "price": prices,
        "price_rows": [{"rule": str(rule), **prices[KEYS[str(rule)]]} for rule in ds["rule"].to_numpy()],
        "wins": _wins(ds, material),
        "error": float(ds.attrs["error"]),
        "truths": int(ds.sizes["odds_ratio"] * ds.sizes["location"]),
    }


def _row(ds: xr.Dataset) -> dict[str, Any]:
    values = {name: float(ds[name]) for name in (*SHOWN, *AVERAGES)}
    gap = values["attainable_same_exposure"] - values["utility"]
    return {"name": str(ds["design"].item()), **values, "regret_same_exposure": gap}


def _by_size(price: xr.DataArray, material: Material) -> dict[str, float]:
    return {size: float(price.sel(enrolment=cap)) for size, cap in material.caps.items()}


def _wins(ds: xr.Dataset, material: Material) -> dict[str, Any]:
    """Return the share of truths in which each of the designs of equal size is best, by size."""
    names = ds["design"].to_numpy()
    found: dict[str, Any] = {}
    for size, cap in material.caps.items():
        rows = same_cap(ds)[cap]
        share = winners(ds["map_correct_selection"].to_numpy()[rows]).reshape(len(rows), -1).mean(axis=1)
        roles = {name: role.removesuffix(f"_{size}") for role, name in material.roles.items()}
        found[size] = {roles[str(names[k])]: float(s) for k, s in zip(rows, share, strict=True)}
    at_planned = same_cap(ds)[material.caps["small"]]
    share = winners(ds["map_correct_selection"].to_numpy()[at_planned])
    registered = share[names[at_planned].tolist().index(material.roles["registered"])]
    found["small"]["registered_none"] = float(registered[ds["map_mtd"].to_numpy() < 0].sum() / registered.sum())
    return found
