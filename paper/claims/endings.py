"""What an ending lets one believe of each dose, and of the dose declared."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from doseopt.measures.endings import TOO_HIGH
from paper.material import Material

SHOWN = 8


def claims(material: Material) -> dict[str, Any]:
    """Return the most probable endings with the posterior there, and the evidence at the dose declared."""
    ds = material.comparison
    names = ds["ending"].to_numpy()[:SHOWN].tolist()
    return {
        "rows": [_row(ds.sel(ending=name), name) for name in names],
        "count": len(names),
        "too_high": TOO_HIGH,
        "error": float(ds.attrs["belief_error"]),
        "shown_least": float(1 - ds["endings_not_shown"].max()),
        "shown_most": float(1 - ds["endings_not_shown"].min()),
        "left_out": float(ds["posterior_left_out"].max()),
        "declared": {role: _declared(ds.sel(design=name)) for role, name in material.roles.items()},
        "clean": _clean(ds),
    }


def _row(ds: xr.Dataset, name: str) -> dict[str, Any]:
    """Return an ending: its probability by design, the posterior of each dose, and what designs declare there."""
    probability = ds["ending_probability"].to_numpy()
    labels = ds["dose"].to_numpy().tolist()
    declares: dict[str, list[str]] = {}
    for k, design in enumerate(ds["design"].to_numpy().tolist()):
        if probability[k] > 1e-9:
            at = ds["ending_declared"].to_numpy()[k]
            declares.setdefault(str(labels[int(at.argmax())]) if at.max() > 0.5 else "none", []).append(design)
    return {
        "name": name,
        "tried": int(np.flatnonzero(ds["ending_patients"].to_numpy())[-1]),
        "most": np.nanmax(probability),
        "declares": declares,
        **{part: ds[f"ending_{part}"].to_numpy() for part in ("mean", "lower", "upper", "over")},
    }


def _declared(ds: xr.Dataset) -> dict[str, float]:
    """Return what is known of the dose declared: means over the scenarios, given that one is declared."""
    parts = ("patients", "dlts", "p_over", "doubtful", "over", "right", "p_right")
    return {part: float(ds[f"declared_{part}"].mean()) for part in parts}


def _clean(ds: xr.Dataset) -> dict[str, Any]:
    """Return the posterior at the top dose after the ending without a DLT at the registered cap, and after one DLT."""
    found = {}
    for short, dlts in (("none", 0), ("one", 1)):
        name = f"0/1 0/3 0/3 {dlts}/3"
        at = ds.sel(ending=name).isel(dose=-1)
        found[short] = {part: float(at[f"ending_{part}"]) for part in ("mean", "lower", "upper", "over")}
        found[short]["probability"] = float(ds["ending_probability"].sel(ending=name).max())
    return found
