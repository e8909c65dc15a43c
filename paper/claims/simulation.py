"""When simulation of the usual size would have misled, computed from exact probabilities."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from scipy.integrate import trapezoid
from scipy.special import ndtr
from scipy.stats import binom, norm

from doseopt.core.state import FloatArray
from paper.claims import tuning
from paper.claims.common_patients import correlation
from paper.claims.shared_posterior import shared_error
from paper.material import SIZES, Material

REPLICATES = (1_000, 10_000)
SAME = 1e-9
"""Differences below it are none."""
SURE, RISKY = 0.95, 0.05
SHOWN = 0.1
"""Differences up to which the figure shows them."""


def claims(material: Material) -> dict[str, Any]:
    """Return what simulations with independent patients would say of differences that are known exactly."""
    ds = material.comparison
    correct = ds["correct_selection"].transpose("design", "scenario").to_numpy()
    names = [str(name) for name in ds["design"].to_numpy()]
    pairs = list(itertools.combinations(range(len(names)), 2))
    high, low = _compared(correct, pairs)
    found = {str(r): _sizes(high, low, r) | {"mcse": 0.5 / r**0.5, "mcse_gap": (0.5 / r) ** 0.5} for r in REPLICATES}
    least = needed(high, low)
    return {
        "small": found[str(REPLICATES[0])] | {"replicates": REPLICATES[0]},
        "large": found[str(REPLICATES[1])] | {"replicates": REPLICATES[1]},
        "comparisons": len(high),
        "pairs": len(pairs),
        "gap_median": float(np.median(high - low)),
        "needed_median": float(np.median(least)),
        "needed_share_large": float((least > REPLICATES[-1]).mean()),
        "risky": RISKY,
        "sure": SURE,
        "means": _means(material),
        "examples": _examples(material),
        "curve": _curve(high, low),
        "tuning": _tuning(material),
        "common": correlation(material),
        "shared": shared_error(material),
    }


def _compared(correct: FloatArray, pairs: list[tuple[int, int]]) -> tuple[FloatArray, FloatArray]:
    """Return the higher and the lower probability of each comparison in which the two differ."""
    two = np.array([correct[list(pair)] for pair in pairs])  # [pair, 2, scenario]
    high, low = two.max(axis=1).ravel(), two.min(axis=1).ravel()
    differ = high - low > SAME
    return high[differ], low[differ]


def reversed_order(high: float, low: float, replicates: int) -> tuple[float, float]:
    """Return the probabilities that the lower one comes out above, and equal: sums over two binomial counts."""
    counts = np.arange(replicates + 1)
    chance = binom.pmf(counts, replicates, low)
    below = binom.cdf(counts - 1, replicates, high)
    return float(chance @ below), float(chance @ binom.pmf(counts, replicates, high))


def _sizes(high: FloatArray, low: FloatArray, replicates: int) -> dict[str, Any]:
    wrong = np.array([reversed_order(h, p, replicates)[0] for h, p in zip(high, low, strict=True)])
    error = np.sqrt((high * (1 - high) + low * (1 - low)) / replicates)
    detected = _detected((high - low) / error)
    return {
        "wrong": float(wrong.sum()),
        "risky": int((wrong > RISKY).sum()),
        "risky_share": float((wrong > RISKY).mean()),
        "missed": float((1 - detected).sum()),
        "missed_share": float((1 - detected).mean()),
        "within_error": int((high - low < error).sum()),
    }


def _detected(z: FloatArray) -> FloatArray:
    """Return the probability that a difference of z standard errors is significant at 5%, two-sided (normal)."""
    limit = norm.ppf(1 - RISKY / 2)
    return np.asarray(ndtr(z - limit) + ndtr(-z - limit))


def needed(high: FloatArray, low: FloatArray) -> FloatArray:
    """Return the replicates with which the order comes out right with probability `SURE` (normal approximation)."""
    return np.asarray(norm.ppf(SURE) ** 2 * (high * (1 - high) + low * (1 - low)) / (high - low) ** 2)


def _examples(material: Material) -> list[dict[str, Any]]:
    """Return the closest comparisons at equal enrolment, one a size, with the exact risk of a wrong order."""
    ds, rows = material.comparison, []
    for size in SIZES:
        names = [material.roles[f"{kind}_{size}"] for kind in ("crm", "boin")]
        two = ds["correct_selection"].sel(design=names).transpose("design", "scenario").to_numpy()
        gap = np.abs(two[0] - two[1])
        at = int(np.argmin(np.where(gap > SAME, gap, np.inf)))
        high, low = two[:, at].max(), two[:, at].min()
        risks = {f"wrong_{r}": reversed_order(high, low, r)[0] for r in REPLICATES}
        named = {"better": names[int(two[:, at].argmax())], "worse": names[int(two[:, at].argmin())]}
        rows.append({**named, "scenario": str(ds["scenario"].to_numpy()[at]), "high": high, "low": low, **risks})
    return rows


def _means(material: Material) -> dict[str, Any]:
    """Return the same for means over the scenarios, at equal enrolment (normal approximation)."""
    found = {}
    for size in SIZES:
        names = [material.roles[f"{kind}_{size}"] for kind in ("crm", "boin")]
        two = material.comparison["correct_selection"].sel(design=names).transpose("design", "scenario").to_numpy()
        gap = float(abs(two[0].mean() - two[1].mean()))
        error = {r: float(np.sqrt((two * (1 - two)).sum() / r)) / two.shape[1] for r in REPLICATES}
        found[size] = {"gap": gap} | {f"wrong_{r}": float(ndtr(-gap / error[r])) for r in REPLICATES}
    return found


def _curve(high: FloatArray, low: FloatArray) -> dict[str, Any]:
    """Return for each comparison its difference and its risk of a wrong order, for the figure."""
    gap = high - low
    order = [k for k in np.argsort(gap) if gap[k] < SHOWN]
    wrong = {str(r): [reversed_order(float(high[k]), float(low[k]), r)[0] for k in order] for r in REPLICATES}
    return {"below": SHOWN, "gap": gap[order], "wrong": wrong}


def winner(scores: FloatArray, replicates: int) -> dict[str, float]:
    """Return what comes of choosing the best of candidates by simulation: expected loss and optimism.

    Each estimate is normal around the exact score with its binomial variance, independent of the others. The
    probability that candidate i comes out best is the integral of its density times the others' distribution functions.
    """
    mean, sd = scores, np.sqrt(scores * (1 - scores) / replicates)
    x = np.linspace(mean.max() - 8 * sd.max(), mean.max() + 8 * sd.max(), 4001)
    below = np.maximum(ndtr((x[:, None] - mean) / sd), 1e-300)
    every = np.exp(np.log(below).sum(axis=1))
    density = norm.pdf(x[:, None], mean, sd) * every[:, None] / below
    chance = trapezoid(density, x, axis=0)
    chance = chance / chance.sum()
    expected_top = float(x[-1] - trapezoid(every, x))
    chosen = float(chance @ mean)
    right = float(chance[mean >= mean.max() - SAME].sum())
    return {"loss": float(mean.max() - chosen), "optimism": expected_top - chosen, "right": right}


def _tuning(material: Material) -> dict[str, Any]:
    """Return what calibrating by simulation would have cost, over the recorded candidates."""
    found = tuning.source(material)["designs"]
    rows = []
    for each in found.values():
        scores = np.array(each["scores"], float)
        gain = each["compared"]["belief"]
        gained = gain["calibrated"]["correct_selection"] - gain["default"]["correct_selection"]
        parts = {str(r): winner(scores, r) for r in REPLICATES}
        rows.append({"name": each["name"], "gain": gained, **{f"at_{r}": part for r, part in parts.items()}})
    ends = {}
    for size, r in zip(("small", "large"), REPLICATES, strict=True):
        for what in ("loss", "optimism", "right"):
            values = [row[f"at_{r}"][what] for row in rows]
            ends[f"{what}_{size}"] = {"least": min(values), "most": max(values)}
    return {"rows": rows, **ends}
