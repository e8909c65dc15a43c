"""Quantiles of what is counted in a trial: the few operating characteristics that are no means over endings."""

from __future__ import annotations

from functools import partial

import numpy as np

from doseopt.core.state import FloatArray, IntArray
from doseopt.measures.endings import Endings
from doseopt.measures.metric import Measured

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
QUANTILES = {
    "sample_size_quantile": ("n", "quantile of the sample size"),
    "total_dlts_quantile": ("y", "quantile of the number of patients with a DLT"),
}
"""What is counted at each dose, and what its sum's quantiles at `LEVELS` are."""


def quantiles(endings: Endings) -> dict[str, Measured]:
    """Return the smallest values with at least the stated probability at or below them, (scenario, quantile) each."""
    found: dict[str, Measured] = {}
    for name, (counted, long_name) in QUANTILES.items():
        counts = np.unique(getattr(endings, counted).sum(axis=-1))
        (share,) = endings.summed(partial(_shares, counted, counts))
        cumulative = np.cumsum(share, axis=1)
        position = (cumulative[:, None, :] >= np.array(LEVELS)[:, None] - 1e-12).argmax(axis=2)
        about = {"units": "patients", "long_name": long_name}
        found[name] = (("scenario", "quantile"), counts[position].astype(float), about)
    return found


def _shares(counted: str, counts: IntArray, some: Endings) -> list[FloatArray]:
    """Return the probability of each number in some endings, [R, X]."""
    return [some.mean(getattr(some, counted).sum(axis=-1)[..., None] == counts)]
