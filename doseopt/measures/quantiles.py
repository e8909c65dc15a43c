"""Quantiles of what is counted in a trial: the few operating characteristics that are no means over endings."""

from __future__ import annotations

import numpy as np

from doseopt.measures.endings import Endings
from doseopt.measures.metric import Measured

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
QUANTILES = {
    "sample_size_quantile": ("patients", "quantile of the sample size"),
    "total_dlts_quantile": ("dlts", "quantile of the number of patients with a DLT"),
}
"""What is counted at each dose, and what its sum's quantiles at `LEVELS` are."""


def quantiles(endings: Endings) -> dict[str, Measured]:
    """Return the smallest values with at least the stated probability at or below them, (scenario, quantile) each."""
    found: dict[str, Measured] = {}
    for name, (counted, long_name) in QUANTILES.items():
        counts, which = np.unique(endings.counts[counted].sum(axis=-1), return_inverse=True)
        is_count = which.reshape(*endings.total.shape, 1) == np.arange(len(counts))
        cumulative = np.cumsum(endings.mean(is_count), axis=1)
        position = (cumulative[:, None, :] >= np.array(LEVELS)[:, None] - 1e-12).argmax(axis=2)
        about = {"units": "patients", "long_name": long_name}
        found[name] = (("scenario", "quantile"), counts[position].astype(float), about)
    return found
