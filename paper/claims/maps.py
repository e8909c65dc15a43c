"""Which design is ahead, over definition of right, target, naming rule and false DLTs; and where the order turns."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from doseopt.comparison.definition_map import TIE
from paper.material import Material

AT = (0.1, 0.2)
"""Shares of false and of late DLTs that the text names."""
READINGS = {"event": "no: event", "dlt": "death: dlt", "half": "death: replace 50%", "replaced": "death: replace"}


def claims(material: Material) -> dict[str, Any]:
    """Return the map in numbers, and the points at which the order turns."""
    ds = material.definitions
    ahead = ds["ahead"]
    combinations = int(np.prod([ahead.sizes[dim] for dim in ahead.dims if dim != "design"]))
    wins = ahead.sum([dim for dim in ahead.dims if dim != "design"]).to_numpy()
    order = np.argsort(-wins, kind="stable")
    names = ds["design"].to_numpy()
    perturbed = _perturbed(material)
    turns = {role: _turns(found, material.roles) for role, found in material.turns.items()}
    rows = {row["name"]: row for row in perturbed["rows"]}
    return {
        "combinations": combinations,
        "tie": TIE,
        "wins": [{"name": str(names[k]), "count": int(wins[k])} for k in order],
        "ever": int((wins > 0).sum()),
        "designs": len(names),
        "targets": len(ds["target"]),
        "shares": ds["false_dlts"].to_numpy(),
        "turns": turns,
        "crm_large_turns": turns["crm_middle"]["false_dlts"]["crm_large"]["until"],
        "perturbed": perturbed,
        "late_crm_large": rows[material.roles["crm_large"]]["late_dlts_overdose"][-1],
        "death": _death(material),
    }


def _turns(ds: xr.Dataset, roles: dict[str, str]) -> dict[str, Any]:
    """Return crossings of mean correct selection, by perturbation and role; `until`: the first, or the range's end."""
    found: dict[str, Any] = {}
    mean = ds.sel(criterion="mean")
    for kind in ds["perturbation"].to_numpy().tolist():
        for role, name in roles.items():
            if name in mean["design"] and not np.isnan(mean["ahead_at_first"].sel(perturbation=kind, design=name)):
                at = mean["break_even"].sel(perturbation=kind, design=name).dropna("crossing").to_numpy()
                first = float(mean["ahead_at_first"].sel(perturbation=kind, design=name))
                until = at[0] if len(at) else ds["amount"].sel(perturbation=kind).max().item()
                found.setdefault(kind, {})[role] = {"at": at, "ahead": first, "count": len(at), "until": until}
    return found


def _perturbed(material: Material) -> dict[str, Any]:
    """Return mean correct and overdose selection of every design at shares of false, and of late DLTs."""
    ds = material.turns["registered"].sel(criterion="mean")
    rows = []
    for name in material.study.designs:
        row: dict[str, Any] = {"name": name}
        for kind in ("false_dlts", "late_dlts"):
            at = ds.sel(perturbation=kind, design=name)
            for short in ("correct", "overdose"):
                values = at[f"perturbed_{short}_selection"].to_numpy()
                row[f"{kind}_{short}"] = [float(np.interp(x, at["amount"], values)) for x in (0.0, *AT)]
        rows.append(row)
    return {"shares": [0.0, *AT], "rows": rows}


def _death(material: Material) -> dict[str, Any]:
    """Return correct selection by reading of a death in the window, mean over the scenarios."""
    part = material.comparison["correct_selection_by_reading"].mean("scenario")
    return {
        role: {short: float(part.sel(design=name, window_reading=long)) for short, long in READINGS.items()}
        for role, name in material.roles.items()
    }
