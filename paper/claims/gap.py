"""How the gap between the registered design and others splits: naming rule, cap and design; definitions of right."""

from __future__ import annotations

from typing import Any

import xarray as xr

from paper.material import Material

AS_READ, ANY = "as read", "any"
SHOWN = {
    "correct": "correct_selection",
    "over": "overdose_selection",
    "none": "no_selection",
    "patients": "sample_size",
    "dlts": "total_dlts",
    "below": "patients_below_mtd",
    "above": "patients_above_mtd",
    "never": "never_reached",
    "exposed": "exposed_6",
    "meets": "meets_definition",
    "p_over": "declared_p_over",
    "doubtful": "declared_doubtful",
    "score": "selection_score",
    "days": "completion",
}
"""Means over the scenarios, by their names in the text."""
MONTH = 30.4375


def claims(material: Material) -> dict[str, Any]:
    """Return the table of all designs, the same under one naming rule each and by definition, and the split."""
    ds, roles = material.comparison, material.roles
    rows = [_row(ds.sel(design=name), name) for name in ds["design"].to_numpy().tolist()]
    by = {role: next(row for row in rows if row["name"] == name) for role, name in roles.items()}
    return {
        "rows": rows,
        "by": by,
        "namings": ds["naming"].to_numpy().tolist(),
        "definitions": _definitions(ds),
        "split": {kind: _split(by, kind) for kind in ("crm", "boin")},
        "crm_over_naming": by["crm_small"]["over"] - by["naming"]["over"],
        "fewer": _fewer(ds, roles),
    }


def _row(ds: xr.Dataset, name: str) -> dict[str, Any]:
    means = {short: float(ds[long].mean()) for short, long in SHOWN.items()}
    means |= {"months": means.pop("days") / MONTH, "worst": float(ds["correct_selection"].min())}
    by = {
        what: {_key(n): float(ds[f"{what}_by_naming"].sel(naming=n).mean()) for n in ds["naming"].to_numpy().tolist()}
        for what in ("correct", "overdose", "few")
    }
    return {"name": name, **means, "by_naming": by}


def _key(naming: str) -> str:
    return naming.replace(" ", "_")


def _definitions(ds: xr.Dataset) -> dict[str, Any]:
    """Return correct and overdose selection by definition of right, and who is first by each."""
    names = ds["definition"].to_numpy().tolist()
    part = {what: ds[f"{what}_by_definition"].mean("scenario") for what in ("correct", "overdose")}
    rows = [
        {
            "name": design,
            **{what: [float(part[what].sel(design=design, definition=name)) for name in names] for what in part},
        }
        for design in ds["design"].to_numpy().tolist()
    ]
    first = [str(part["correct"].sel(definition=name).idxmax("design").item()) for name in names]
    return {"names": names, "rows": rows, "first": first, "different_first": len(set(first)), "count": len(names)}


def _split(by: dict[str, Any], kind: str) -> dict[str, float]:
    """Return the gap of a design at the registered cap, in three steps: naming, then the design; and the cap alone."""
    read = by["registered"]["by_naming"]["correct"]
    other = by[f"{kind}_small"]["by_naming"]["correct"]
    return {
        "whole": other["as_read"] - read["as_read"],
        "naming": read["any"] - read["as_read"],
        "design": other["as_read"] - read["any"],
        "cap": by["uncapped"]["correct"] - read["as_read"],
        "cap_beyond_naming": by["uncapped"]["correct"] - read["any"],
        "ahead_on_definition": read["definition"] - other["definition"],
        "naming_share": (read["any"] - read["as_read"]) / (other["as_read"] - read["as_read"]),
    }


def _fewer(ds: xr.Dataset, roles: dict[str, str]) -> dict[str, Any]:
    """Return where BOIN with a cohort more selects correctly less often."""
    one, other = (ds["correct_selection"].sel(design=roles[f"boin_{size}"]) for size in ("middle", "small"))
    gap = (one - other).to_numpy()
    return {"worse": int((gap < -1e-9).sum()), "of": len(gap), "most": -gap.min(), "gap": gap.mean()}
