"""How many comparisons on scenarios that others published could have been decided by their number of replicates."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import xarray as xr

from paper.claims.simulation import REPLICATES, RISKY, SURE, needed, reversed_order
from paper.material import Material
from paper.store import ROOT, digest

SCENARIOS = ROOT / "benchmarks" / "statistical" / "results" / "benchmark.nc"
COMPARED = ("3+3 six", "CRM", "BOIN", "BLRM")
"""One design of each kind: of BOIN, Keyboard and mTPI-2, which decide alike here, one."""
PAIRS = tuple(itertools.combinations(COMPARED, 2))
STEP = 1e-4
"""To which the file rounds probabilities: closer designs are no comparison."""
PRINTED = {"designs": ("TPI", "mTPI"), "correct": (0.79, 0.78), "replicates": 1000}
"""Ji et al. 2010, Table 1, scenario 1; its number of replicates follows from recorded tolerances, and was not read."""


def claims(material: Material) -> dict[str, Any]:
    """Return what numbers of replicates would have decided on the published scenarios."""
    high, low, close = _compared()
    found = {
        "comparisons": len(high),
        "scenarios": _count(),
        "pairs": len(PAIRS),
        "names": list(COMPARED),
        "digest": digest(SCENARIOS)[:16],
        "gap_median": np.median(high - low),
        "printed": _printed(),
        "by": {str(r): _decided(high, low, r) for r in (500, *REPLICATES)},
    }
    same = close[high - low > STEP]
    found["close"] = {str(r): _decided(high[same], low[same], r) for r in (500, *REPLICATES)}
    return found | {"needed": _needed(high, low), "needed_close": _needed(high[same], low[same])}


def _compared() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return higher and lower correct selection of each comparison, and whether neither design is 3+3 or BLRM."""
    highs, lows, kind = [], [], []
    with xr.open_dataset(SCENARIOS) as ds:
        rows = [k for k, family in enumerate(ds["family"].to_numpy().tolist()) if family.startswith("published")]
        correct = ds["correct_selection"].isel(scenario=rows)
        for one, other in PAIRS:
            a, b = (correct.sel(design=name).to_numpy().ravel() for name in (one, other))
            known = ~np.isnan(a) & ~np.isnan(b) & (np.abs(a - b) > STEP)
            highs.append(np.maximum(a, b)[known])
            lows.append(np.minimum(a, b)[known])
            kind.append(np.full(known.sum(), {one, other} == {"CRM", "BOIN"}))
    return np.concatenate(highs), np.concatenate(lows), np.concatenate(kind)


def _count() -> int:
    with xr.open_dataset(SCENARIOS) as ds:
        return sum(family.startswith("published") for family in ds["family"].to_numpy().tolist())


def _decided(high: np.ndarray, low: np.ndarray, replicates: int) -> dict[str, Any]:
    """Return how many comparisons come out in the right order with probability `SURE`."""
    wrong = np.array([reversed_order(h, p, replicates)[0] for h, p in zip(high, low, strict=True)])
    sure = needed(high, low) <= replicates
    return {"decided": int(sure.sum()), "share": sure.mean(), "risky": int((wrong > RISKY).sum()), "of": len(high)}


def _needed(high: np.ndarray, low: np.ndarray) -> dict[str, float]:
    least = needed(high, low)
    return {"median": np.median(least), "upper": np.quantile(least, 0.9), "sure": SURE}


def _printed() -> dict[str, Any]:
    """Return what the replicates of the printed comparison could tell."""
    (one, other), r = PRINTED["correct"], PRINTED["replicates"]
    error = float(np.sqrt((one * (1 - one) + other * (1 - other)) / r))
    return {
        **PRINTED,
        "gap": one - other,
        "error": error,
        "needed": float(needed(np.array([one]), np.array([other]))[0]),
    }
