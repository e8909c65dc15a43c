"""How much treating the same simulated patients with both designs helps."""

from __future__ import annotations

from typing import Any

import numpy as np

from doseopt.core.state import FloatArray
from doseopt.engines.outcomes import judged
from doseopt.engines.simulate import Simulate
from paper.material import SIZES, Material

TRIALS, FEW, SEED = 10_000, 400, 7


def correlation(material: Material) -> dict[str, Any]:
    """Return the correlation of correct selection between CRM and BOIN of equal enrolment on common patients."""
    trials = FEW if material.is_reduced else TRIALS
    values = {}
    for size in SIZES:
        one, other = (_right(material, f"{kind}_{size}", trials) for kind in ("crm", "boin"))
        values[size] = float(np.mean([_correlated(a, b) for a, b in zip(one, other, strict=True)]))
    means = list(values.values())
    return {
        **values,
        "least": min(means),
        "most": max(means),
        "trials": trials,
        "seed": SEED,
        "shrinks_least": float(np.sqrt(1 - max(means))),
        "shrinks_most": float(np.sqrt(1 - min(means))),
    }


def _right(material: Material, role: str, trials: int) -> FloatArray:
    """Return whether each simulated trial selected correctly, [scenario, trial]."""
    design = material.study.designs[material.roles[role]]
    outcomes = judged(Simulate(trials, SEED)(design, material.study.scenarios), material.study.mtd)
    chosen = outcomes["selected"].to_numpy()
    acceptable = outcomes["acceptable"].to_numpy()
    at = np.take_along_axis(acceptable, np.maximum(chosen, 0), axis=1)
    return np.where(chosen >= 0, at, ~acceptable.any(axis=1)[:, None]).astype(float)


def _correlated(one: FloatArray, other: FloatArray) -> float:
    return float(np.corrcoef(one, other)[0, 1]) if one.std() * other.std() > 0 else 0.0
