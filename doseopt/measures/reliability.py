"""Reliability of the posterior where it decides: of what it calls so probable, how much is true."""

from __future__ import annotations

import numpy as np
import xarray as xr

from doseopt.core.state import FloatArray
from doseopt.measures.decisive import declared_of
from doseopt.measures.endings import Endings
from doseopt.measures.estimates import Estimates

BINS = 10
"""Of probabilities, equally wide."""
EVENTS = {"right": "the declared dose is right", "over": "its rate is above 1/3"}
"""What is foretold of the declared dose."""
TEXTS = {
    "reliability_share": "probability that the posterior probability is in the bin, given that a dose is declared",
    "reliability_said": "expected posterior probability of the event, given that it is in the bin",
    "reliability_true": "probability of the event, given that its posterior probability is in the bin",
}
COORDS = {"event": list(EVENTS), "bin": (np.arange(BINS) + 0.5) / BINS}


def reliability(outcomes: xr.Dataset, estimates: Estimates) -> xr.Dataset:
    """Return `TEXTS`, (scenario, event, bin): what is said and what is true, by bins of what is said.

    Arguments as of `decisive_accuracy`. Endings whose posterior was not computed are left out.

    References
    ----------
    Murphy & Winkler 1977, Journal of the Royal Statistical Society C 26:41 (reliability diagrams).
    """

    def binned(some: Endings) -> list[FloatArray]:
        declared = declared_of(some, outcomes, estimates)
        weight = some.weight * declared.made
        every = (np.ones((1, 1)),) * 2
        sums = (
            np.stack([_binned(q, weight * part) for q, part in zip(declared.said, parts, strict=True)], axis=1)
            for parts in (every, declared.said, declared.true)
        )
        return [weight.sum(axis=1)[:, None, None], *sums]

    whole, share, said, true = Endings.of(outcomes).summed(binned)
    with np.errstate(divide="ignore", invalid="ignore"):
        values = share / whole, said / share, true / share
    dims = ("scenario", "event", "bin")
    named = zip(TEXTS.items(), values, strict=True)
    return xr.Dataset({name: (dims, value, {"units": "1", "long_name": text}) for (name, text), value in named})


def _binned(q: FloatArray, weight: FloatArray) -> FloatArray:
    """Return the sums of weights [R, E] by bins of probabilities [L, E], [R, BINS]."""
    place = np.minimum((q * BINS).astype(np.int64), BINS - 1) + BINS * np.arange(len(weight))[:, None]
    return np.bincount(place.ravel(), weight.ravel(), BINS * len(weight)).reshape(-1, BINS)


def pooled(ds: xr.Dataset) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return share, what is said and what is true, [design, event, bin], all scenarios together."""
    share, said, true = (ds[name].transpose("design", "event", "bin", "scenario").to_numpy() for name in TEXTS)
    mass = np.nan_to_num(share)
    whole = mass.sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        means = [np.nansum(mass * value, axis=-1) / whole for value in (said, true)]
    return whole / len(ds["scenario"]), means[0], means[1]
