"""Answers of posteriors that a rule has asked for: the same ones come back under every cap and from every start."""

from __future__ import annotations

import numpy as np

from doseopt.core.distinct import row_keys
from doseopt.core.remembered import remembered
from doseopt.core.state import BoolArray, FloatArray, IntArray
from doseopt.models.curves import TwoParameterLogistic
from doseopt.models.quadrature import quadrature
from doseopt.models.quadrature.two_parameter import ROUGH

MOST_BYTES = 1 << 28
"""Of the answers that are kept, by all rules together and by each."""
CLOSE = 5 * ROUGH
"""Two probabilities of intervals, each off by up to 2 ROUGH, that may be as large or the other way round."""

type Intervals = tuple[tuple[float, float], ...]
type Limits = tuple[float | None, ...]


class Asked:
    """Posterior means and probabilities of intervals after tallies, each tally computed once while it is kept.

    Parameters
    ----------
    model : TwoParameterLogistic
    intervals : tuple of (float, float)
    limits : tuple of float or None, optional
        What the probability of each interval is compared with: a number, or, None, the probabilities at other doses.
        Probabilities are then only as accurate as comparing them needs.
    """

    def __init__(self, model: TwoParameterLogistic, intervals: Intervals, limits: Limits | None = None) -> None:
        self._engine, self._intervals, self._limits = quadrature(model), intervals, limits
        self._ends = np.array(sorted({end for interval in intervals for end in interval if 0 < end < 1}))
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
        if self._limits is None:
            return self._exact(n, y)
        mean, below, sure = self._engine.roughly(n, y, self._ends)
        found = self._put_together(mean, below)
        rest = ~sure | self._close(found[..., 1:])
        if rest.any():
            found[rest] = self._exact(n[rest], y[rest])
        return found

    def _exact(self, n: IntArray, y: IntArray) -> FloatArray:
        posterior = self._engine.posterior(n, y)
        return self._put_together(posterior.mean(), posterior.below(self._ends))

    def _put_together(self, mean: FloatArray, below: FloatArray) -> FloatArray:
        known = dict(zip(self._ends.tolist(), np.moveaxis(below, 1, 0), strict=True))
        at_most = known | {0.0: np.zeros(mean.shape), 1.0: np.ones(mean.shape)}
        inside = [np.maximum(at_most[high] - at_most[low], 0) for low, high in self._intervals]
        return np.stack([mean, *inside], axis=2)

    def _close(self, inside: FloatArray) -> BoolArray:
        """Return whether a probability may be on the wrong side of what it is compared with, [S, D, :] -> [S]."""
        close = np.zeros(len(inside), bool)
        for limit, share in zip(self._limits or (), np.moveaxis(inside, 2, 0), strict=True):
            apart = np.diff(np.sort(share, axis=1), axis=1) if limit is None else np.abs(share - limit)
            close |= (apart < CLOSE).any(axis=1)
        return close


@remembered(MOST_BYTES)
def asked(model: TwoParameterLogistic, intervals: Intervals, limits: Limits | None) -> Asked:
    """Return what answers a rule of one model that asks for these intervals and compares them with these limits."""
    return Asked(model, intervals, limits)
