"""CRM and BOIN beside the registered design at equal enrolment."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from paper.claims.attains import SHOWN
from paper.material import SIZES, Material


def claims(material: Material) -> dict[str, Any]:
    """Return means over the scenarios, the table of correct selection, and pairs of equal enrolment."""
    ds = material.comparison
    names = [str(name) for name in ds["design"].to_numpy()]
    return {
        "names": names,
        "rows": [_row(ds.sel(design=name), name) for name in names],
        "by": {role: _row(ds.sel(design=name), name) for role, name in material.roles.items()},
        "table": [
            {"name": str(s), "correct": ds["correct_selection"].sel(scenario=s).to_numpy()}
            for s in ds["scenario"].to_numpy()
        ],
        "pairs": {size: _pair(ds, material.roles[f"crm_{size}"], material.roles[f"boin_{size}"]) for size in SIZES},
        "registered": {
            kind: _pair(ds, material.roles[f"{kind}_small"], material.roles["registered"]) for kind in ("crm", "boin")
        },
        "uncapped": {
            kind: _pair(ds, material.roles[f"{kind}_middle"], material.roles["uncapped"]) for kind in ("crm", "boin")
        },
        "states": {"least": int(ds["states"].min()), "most": int(ds["states"].max())},
        "paths": float(ds["paths"].max()),
    }


def _row(ds: xr.Dataset, name: str) -> dict[str, Any]:
    means = {measure: float(ds[measure].mean()) for measure in SHOWN}
    size = ds["sample_size"].to_numpy()
    sizes = {"size_least": size.min(), "size_most": size.max()}
    return {"name": name, **means, **sizes, "least": float(ds["correct_selection"].min())}


def _pair(ds: xr.Dataset, one: str, other: str) -> dict[str, Any]:
    """Return where one design selects correctly more often than another, and by how much."""
    gap = (ds["correct_selection"].sel(design=one) - ds["correct_selection"].sel(design=other)).to_numpy()
    over = (ds["overdose_selection"].sel(design=one) - ds["overdose_selection"].sel(design=other)).to_numpy()
    above = (ds["patients_above_mtd"].sel(design=one) - ds["patients_above_mtd"].sel(design=other)).to_numpy()
    return {
        "gap": gap.mean(),
        "wins": int((gap > 1e-9).sum()),
        "loses": int((gap < -1e-9).sum()),
        "best": gap.max(),
        "best_in": str(ds["scenario"].to_numpy()[np.argmax(gap)]),
        "worst": gap.min(),
        "worst_by": -gap.min(),
        "worst_in": str(ds["scenario"].to_numpy()[np.argmin(gap)]),
        "overdose_gap": over.mean(),
        "above_gap": above.mean(),
    }
