"""Answers of posteriors that a rule has asked for: the same ones come back under every cap and from every start."""

from __future__ import annotations

import numpy as np

from doseopt.core.distinct import row_keys
from doseopt.core.remembered import remembered
from doseopt.core.state import FloatArray, IntArray
from doseopt.models.curves import TwoParameterLogistic
from doseopt.models.quadrature import quadrature

MOST_BYTES = 1 << 28
"""Of the answers that are kept, by all rules together and by each."""

type Intervals = tuple[tuple[float, float], ...]


class Asked:
    """Posterior means and probabilities of intervals after tallies, each tally computed once while it is kept.

    Parameters
    ----------
    model : TwoParameterLogistic
    intervals : tuple of (float, float)
    """

    def __init__(self, model: TwoParameterLogistic, intervals: Intervals) -> None:
        self._engine, self._intervals = quadrature(model), intervals
        self._known = np.zeros(0, "S1"), np.zeros((0, model.doses, 1 + len(intervals)))

    def __call__(self, n: IntArray, y: IntArray) -> FloatArray:
        """Return the mean DLT rate and Pr(low < rate <= high) of each interval, [S, D] -> [S, D, 1 + intervals]."""
        keys, first, inverse = np.unique(row_keys(n, y), return_index=True, return_inverse=True)
        known, values = self._known
        place = np.searchsorted(known, keys)
        there = np.zeros(len(keys), bool)
        there[place < len(known)] = known[place[place < len(known)]] == keys[place < len(known)]
        found = np.empty((len(keys), *values.shape[1:]))
        found[there] = values[place[there]]
        if not there.all():
            new = first[~there]
            found[~there] = self._computed(n[new], y[new])
            if known.nbytes + values.nbytes + keys.nbytes + found.nbytes > MOST_BYTES:
                self._known = keys, found
            else:
                at = place[~there]
                longer = known.astype(np.promote_types(known.dtype, keys.dtype))  # the first key is shorter
                self._known = np.insert(longer, at, keys[~there]), np.insert(values, at, found[~there], axis=0)
        return np.asarray(found[inverse])

    def _computed(self, n: IntArray, y: IntArray) -> FloatArray:
        posterior = self._engine.posterior(n, y)
        ends = sorted({end for interval in self._intervals for end in interval if 0 < end < 1})
        below = posterior.below(np.array(ends))  # of all ends at once: what they have in common is made once
        at_most = dict(zip(ends, np.moveaxis(below, 1, 0), strict=True)) | {
            0.0: np.zeros(n.shape),
            1.0: np.ones(n.shape),
        }
        inside = [np.maximum(at_most[high] - at_most[low], 0) for low, high in self._intervals]
        return np.stack([posterior.mean(), *inside], axis=2)


@remembered(MOST_BYTES)
def asked(model: TwoParameterLogistic, intervals: Intervals) -> Asked:
    """Return what answers a rule of one model that asks for these intervals."""
    return Asked(model, intervals)
