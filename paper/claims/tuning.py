"""What calibration gains: from the recorded calibrations."""

from __future__ import annotations

import dataclasses
import os
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from doseopt.calibration import calibrate
from doseopt.study.file import load_study
from doseopt.study.study import Study
from paper.material import SIZES, Material
from paper.store import RECORDED, StaleRecord, made_by, read_json, write_json

RECORD = RECORDED / "calibrations.json"
STUDY = "renji-elo-first"
"""What was calibrated: the study with the scenarios that were elicited first; belief and designs are the same."""
SEED, CANDIDATES, FEW = 1, 300, 8
MEASURES = ("correct_selection", "overdose_selection", "patients_above_mtd")


def roles_tuned() -> list[str]:
    """Return the designs that are calibrated, by role."""
    return [f"{kind}_{size}" for kind in ("crm", "boin") for size in SIZES]


def computed(material: Material, candidates: int = CANDIDATES) -> dict[str, Any]:
    """Calibrate; every candidate's exact score is kept."""
    found = {}
    workers = min(2, os.cpu_count() or 1) if candidates > FEW else 0
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn")) if workers else None
    try:
        for role in roles_tuned():
            name = material.roles[role]
            each = calibrate(material.study, name, candidates=candidates, seed=SEED, executor=pool)
            found[role] = {"name": name} | _kept(each.dataset)
    finally:
        if pool is not None:
            pool.shutdown()
    made = {"made_by": made_by(material.study, SEED), "basis": basis(material.study)}
    return made | {"held_out": each.dataset.attrs["held_out"], "designs": found}


def _kept(ds: xr.Dataset) -> dict[str, Any]:
    compared = {
        belief: {
            which: {m: float(ds["compared"].sel(which=which, belief=belief, measure=m)) for m in MEASURES}
            for which in ("default", "calibrated")
        }
        for belief in ("belief", "held out")
    }
    chosen = ds["value"].to_numpy()[ds.attrs["chosen"]]
    return {
        "compared": compared,
        "attainable": {b: float(ds["attainable"].sel(belief=b)) for b in ("belief", "held out")},
        "parameters": dict(zip(ds["parameter"].to_numpy().tolist(), chosen, strict=True)),
        "scores": ds["correct_selection"].to_numpy(),
    }


def record(material: Material) -> Path:
    """Calibrate and record."""
    return write_json(RECORD, computed(material))


def basis(study: Study) -> str:
    """Return the hash of a study without the amendment that it proposes, on which no calibration depends."""
    return dataclasses.replace(study, proposal=None).hash


def recorded(study: Study) -> Any:
    """Return the recorded calibrations, if they are of this study.

    Raises
    ------
    StaleRecord
    """
    found = read_json(RECORD)
    if found["basis"] != basis(study):
        raise StaleRecord(
            f"{RECORD.name} is of another study (without its amendment {found['basis']}, not {basis(study)})"
        )
    return found


@cache
def source(material: Material) -> Any:
    """Return the calibrations: recorded, or those of a reduced build."""
    if material.is_reduced:
        return computed(material, FEW)
    return recorded(load_study(STUDY))


def claims(material: Material) -> dict[str, Any]:
    """Return the table of what calibration gains."""
    found = source(material)
    rows = [_row(each) for each in found["designs"].values()]
    return {
        "rows": rows,
        "by": dict(zip(found["designs"], rows, strict=True)),
        "candidates_least": min(row["candidates"] for row in rows),
        "candidates_most": max(row["candidates"] for row in rows),
        "held_out": found["held_out"],
        "gain": _range([row["gain"] for row in rows]),
        "closed": _range([row["closed"] for row in rows]),
        "held_gain": _range([row["held_gain"] for row in rows]),
        "held_closed": _range([row["held_closed"] for row in rows]),
        "above_more": sum(row["above_calibrated"] > row["above_default"] for row in rows),
        "count": len(rows),
        "recorded": found["made_by"],
    }


def _row(each: dict[str, Any]) -> dict[str, Any]:
    """Return correct selection as it is and calibrated, and the share of the gap to the attainable that is closed."""
    row: dict[str, Any] = {"name": each["name"], "candidates": len(each["scores"])}
    for belief, start in (("belief", ""), ("held out", "held_")):
        default, tuned = (each["compared"][belief][which]["correct_selection"] for which in ("default", "calibrated"))
        best = each["attainable"][belief]
        row |= {f"{start}default": default, f"{start}calibrated": tuned, f"{start}attainable": best}
        row |= {f"{start}gain": tuned - default, f"{start}closed": (tuned - default) / (best - default)}
    for which in ("default", "calibrated"):
        row[f"above_{which}"] = each["compared"]["belief"][which]["patients_above_mtd"]
        row[f"overdose_{which}"] = each["compared"]["belief"][which]["overdose_selection"]
    return row


def _range(values: list[float]) -> dict[str, float]:
    return {"least": float(np.min(values)), "most": float(np.max(values))}
