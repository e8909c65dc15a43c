"""Quantiles of what is counted in a trial: the few operating characteristics that are no means over endings."""

from __future__ import annotations

from collections.abc import Sequence
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
    counts = [np.unique(getattr(endings, counted).sum(axis=-1)) for counted, _ in QUANTILES.values()]
    (shares,) = endings.summed(partial(_shares, counts))
    found: dict[str, Measured] = {}
    each = np.split(shares, np.cumsum([len(numbers) for numbers in counts[:-1]]), axis=1)
    for (name, (_, long_name)), numbers, share in zip(QUANTILES.items(), counts, each, strict=True):
        cumulative = np.cumsum(share, axis=1)
        position = (cumulative[:, None, :] >= np.array(LEVELS)[:, None] - 1e-12).argmax(axis=2)
        about = {"units": "patients", "long_name": long_name}
        found[name] = (("scenario", "quantile"), numbers[position].astype(float), about)
    return found


def _shares(counts: Sequence[IntArray], some: Endings) -> list[FloatArray]:
    """Return the probability of each number in some endings, [R, X], those of one count after those of the other."""
    totals = (getattr(some, counted).sum(axis=-1) for counted, _ in QUANTILES.values())
    return [some.mean(np.concatenate([t[..., None] == c for t, c in zip(totals, counts, strict=True)], axis=-1))]
