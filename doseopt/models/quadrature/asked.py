"""Answers of posteriors that a rule has asked for: the same ones come back under every cap and from every start."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from doseopt.core.distinct import row_keys
from doseopt.core.remembered import remembered
from doseopt.core.state import BoolArray, FloatArray, IntArray
from doseopt.models.curves import TwoParameterLogistic
from doseopt.models.quadrature import nested, quadrature
from doseopt.models.quadrature.batch import Kept
from doseopt.models.quadrature.two_parameter_nodes import FINE, ROUGH

MOST_BYTES = 1 << 28
"""Of the answers that are kept, by all rules together and by each."""
FEW = 4
"""Tallies that get panels of their own: nodes would take longer to make."""

type Intervals = tuple[tuple[float, float], ...]
type Limits = tuple[float | None, ...]


@dataclass(frozen=True)
class Inside:
    """Posterior probabilities of intervals after distinct tallies.

    Parameters
    ----------
    model : TwoParameterLogistic
    intervals : tuple of (float, float)
    limits : tuple of float or None, optional
        What the probability of each interval is compared with: a number that it must be below, or, None, the
        probabilities at other doses, of those doses at which it is. Probabilities are then only as accurate as
        comparing them needs.
    """

    model: TwoParameterLogistic
    intervals: Intervals
    limits: Limits | None = None

    def __call__(self, n: IntArray, y: IntArray) -> FloatArray:
        """Return Pr(low < rate <= high) of each interval, [U, D] -> [U, D, intervals]."""
        ends = np.array(sorted({end for interval in self.intervals for end in interval if 0 < end < 1}))
        engine, found, rest = quadrature(self.model), np.empty((*n.shape, len(self.intervals))), np.arange(len(n))
        for fineness in () if self.limits is None else (ROUGH, FINE):
            if fineness is FINE and len(rest) <= FEW:
                break
            close = np.ones(len(rest), bool)
            for rows, below, off in engine.roughly(n[rest], y[rest], ends, fineness):
                found[rest[rows]] = shares = self._put_together(ends, below)
                close[rows] = self._close(shares, off[:, None], n[rest[rows]].any(axis=1))
            rest = rest[close]
        if len(rest):
            solve = (
                functools.partial(nested.solve, self.model, self.model.values) if len(rest) <= FEW else engine.posterior
            )
            found[rest] = self._put_together(ends, solve(n[rest], y[rest]).below(ends))
        return found

    def _put_together(self, ends: FloatArray, below: FloatArray) -> FloatArray:
        at_most = dict(zip(ends.tolist(), np.moveaxis(below, 1, 0), strict=True))
        at_most |= {0.0: np.zeros_like(below[:, 0]), 1.0: np.ones_like(below[:, 0])}
        return np.stack([np.maximum(at_most[high] - at_most[low], 0) for low, high in self.intervals], axis=2)

    def _close(self, shares: FloatArray, off: FloatArray, begun: BoolArray) -> BoolArray:
        """Return whether a probability may be on the wrong side of what it is compared with, [U].

        Parameters
        ----------
        shares : float array [U, D, intervals]
        off : float array [U, 1]
            Bound of the error at one end of an interval.
        begun : bool array [U]
            Whether there are patients; before, all doses are compared.
        """
        ends = [sum(0 < end < 1 for end in interval) for interval in self.intervals]
        by_limit = list(zip(self.limits or (), np.moveaxis(shares, 2, 0), ends, strict=True))
        close, met = np.zeros(len(shares), bool), np.ones(shares.shape[:2], bool)
        for limit, share, count in by_limit:
            if limit is not None:
                close |= (np.abs(share - limit) <= count * off).any(axis=1)
                met &= (share < limit) | ~begun[:, None]
        for limit, share, count in by_limit:
            if limit is None:
                apart = np.diff(np.sort(np.where(met, share, np.nan), axis=1), axis=1)
                close |= (apart <= 2 * count * off).any(axis=1)
        return close


class Asked:
    """Answers about tallies, each tally's computed once while it is kept.

    Parameters
    ----------
    compute : callable
        Distinct tallies n and y, [U, D], -> answers [U, D, ...].
    several : int, optional
        Answers about each dose, unless it is one.
    """

    def __init__(self, compute: Callable[[IntArray, IntArray], FloatArray], doses: int, *several: int) -> None:
        self._compute, self._last = compute, Kept[FloatArray]()
        self._known = np.zeros(0, "S1"), np.zeros((0, doses, *several))

    def __call__(self, n: IntArray, y: IntArray) -> FloatArray:
        """Return the answers about tallies [S, D], [S, D, ...]."""
        return self._last(n, y, lambda: self._looked_up(n, y))

    def _looked_up(self, n: IntArray, y: IntArray) -> FloatArray:
        keys, first, inverse = np.unique(row_keys(n, y), return_index=True, return_inverse=True)
        known, values = self._known
        place = np.searchsorted(known, keys)
        there = np.zeros(len(keys), bool)
        there[place < len(known)] = known[place[place < len(known)]] == keys[place < len(known)]
        found = np.empty((len(keys), *values.shape[1:]))
        found[there] = values[place[there]]
        if not there.all():
            new = first[~there]
            found[~there] = self._compute(n[new], y[new])
            if known.nbytes + values.nbytes + keys.nbytes + found.nbytes > MOST_BYTES:
                self._known = keys, found
            else:
                at = place[~there]
                longer = known.astype(np.promote_types(known.dtype, keys.dtype))  # the first key is shorter
                self._known = np.insert(longer, at, keys[~there]), np.insert(values, at, found[~there], axis=0)
        return np.asarray(found[inverse])


@remembered(MOST_BYTES)
def inside(model: TwoParameterLogistic, intervals: Intervals, limits: Limits | None) -> Asked:
    """Return what answers a rule of one model that asks for these intervals and compares them with these limits."""
    return Asked(Inside(model, intervals, limits), model.doses, len(intervals))


@remembered(MOST_BYTES)
def means(model: TwoParameterLogistic) -> Asked:
    """Return what answers with posterior mean DLT rates."""
    return Asked(quadrature(model).mean, model.doses)
