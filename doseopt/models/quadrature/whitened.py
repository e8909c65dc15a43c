"""Prior times likelihood of the two-parameter logistic model in whitened coordinates, resolved along one of them.

log b = m_b + s_b w and log a = m_a + r s_a w + s z, r the prior correlation and s the sd of log a given log b: w and z
are independent and standard normal under the prior. Given w the log density is concave in z: its mode and the place
where it has fallen far enough are found without fail, however narrow, wide or far from the prior it is.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.polynomial.legendre import legvander
from scipy.special import expit, xlogy

from doseopt.core.state import FloatArray, IntArray
from doseopt.models.curves import TwoParameterLogistic
from doseopt.models.quadrature.panels import (
    NODES,
    ORDER,
    TO_COEFFICIENTS,
    TO_INTEGRAL,
    WEIGHTS,
    integral_of,
    unresolved,
)

DROP = 36.0
"""Fall of the log density in z from its mode to the ends of the box."""
FEWEST, MOST = 4, 128
"""Panels on either side of the mode: a normal density takes the fewest."""
HEAVY = 1 / 3
"""Share of DROP fallen halfway to an end, 1/4 for a normal density, from which on panels are halved at once."""
WIDEST = 5.0
"""Width of such a panel in the logit of a rate: the poles of the rate are pi away."""
TOLERANCE = 1e-9
"""Last Legendre coefficients along z that are left out."""
LEAST = 1e-22
"""Integral along z, relative to the largest, that needs no digits."""
LARGEST_LOG = 250.0
STEPS = 100
"""Of Newton's method."""
ROOM, POINTS = 1 << 15, 1 << 13
"""Nodes, and points of a distribution function, at a time: few enough for the processor's cache."""


@dataclass(frozen=True, eq=False)
class Lines:
    """The density along z at L values of w."""

    mode: FloatArray  # [L]
    low: FloatArray  # [L]
    high: FloatArray  # [L]
    below: int  # panels below the mode; the others are above
    coefficients: FloatArray  # [L, panel, coefficient], times half the width of the panel
    before: FloatArray  # [L, panel], integral up to the panel

    @functools.cached_property
    def _integrals(self) -> FloatArray:
        return np.asarray(TO_INTEGRAL @ self.coefficients.reshape(-1, ORDER).T)

    def up_to(self, z: FloatArray) -> FloatArray:
        """Return the integral up to z, [L, D] -> [L, D]."""
        found, several = np.empty(z.shape), max(POINTS // z.shape[1], 1)
        for start in range(0, len(z), several):
            rows = np.arange(start, min(start + several, len(z)))
            panel, s, _ = self._located(z[rows], rows)
            found[rows] = self.before.ravel()[panel] + integral_of(self._integrals, panel, s)
        return found

    def density(self, z: FloatArray) -> FloatArray:
        """Return the density at z, [L, D] -> [L, D]."""
        panel, s, half = self._located(z, np.arange(len(z)))
        value = np.einsum("ldk,ldk->ld", self.coefficients.reshape(-1, ORDER)[panel], legvander(s, ORDER - 1)) / half
        return np.where((z > self.low[:, None]) & (z < self.high[:, None]), np.maximum(value, 0), 0)

    def _located(self, z: FloatArray, rows: IntArray) -> tuple[IntArray, FloatArray, FloatArray]:
        """Return for points of some rows the panel, of all, where in it on [-1, 1], and half its width."""
        low, mode, high = (end[rows][:, None] for end in (self.low, self.mode, self.high))
        panels, z = self.before.shape[1], np.clip(z, low, high)
        above = z > mode
        side = np.where(above, panels - self.below, self.below)
        width = np.where(above, high - mode, mode - low) / side
        steps = (z - np.where(above, mode, low)) / width
        panel = np.minimum(steps.astype(int), side - 1)
        return panel + self.below * above + panels * rows[:, None], 2 * (steps - panel) - 1, width / 2


class Whitened:
    """Prior and likelihood of tallies [U, K] in the coordinates (w, z).

    Parameters
    ----------
    model : TwoParameterLogistic
    at : tuple of float [K]
        Doses of the data.
    n, y : int array [U, K]
    """

    def __init__(self, model: TwoParameterLogistic, at: tuple[float, ...], n: IntArray, y: IntArray) -> None:
        (va, c), (_, vb) = model.cov
        (self.m_a, self.m_b), self.s_b = model.mean, float(np.sqrt(vb))
        self.slope, self.s = c / self.s_b, float(np.sqrt((va * vb - c**2) / vb))
        self.reported = model.x
        self.x, column = np.unique(model.at(at).x, return_inverse=True)
        merge = np.eye(len(self.x))[column]
        self.with_dlt, self.without = y @ merge, (n - y) @ merge
        self.used = np.flatnonzero((self.with_dlt + self.without).any(axis=0)).tolist()
        total = self.with_dlt + self.without
        shares = (part / np.maximum(total, 1) for part in (self.with_dlt, self.without))
        attainable = sum(xlogy(part, share) for part, share in zip((self.with_dlt, self.without), shares, strict=True))
        self.ceiling = np.asarray(attainable).sum(axis=1) - np.log(2 * np.pi) / 2
        """Above log f + w^2/2."""
        steepest = max(self.s_b, abs(self.slope))
        self.scale = float(min(1.0, 0.25 / steepest))

    def centre(self, w: FloatArray, x: FloatArray) -> FloatArray:
        """Return the logit of the rate at doses where z = 0, [L] -> [L, K]."""
        w = w[:, None]
        b = np.exp(np.minimum(self.m_b + self.s_b * w, LARGEST_LOG))
        return self.m_a + self.slope * w + b * x

    def along(self, w: FloatArray, z: FloatArray, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the logits of the rates at doses x in the middle of each line, [L, K], and the odds relative to there.

        With these, one exponential a node serves all doses: `weights` has the rest.
        """
        middle = z[:, z.shape[1] // 2, None]
        return self.centre(w, x) + self.s * middle, np.exp(self.s * (z - middle))

    def log_f(self, owner: IntArray, w: FloatArray, z: FloatArray) -> FloatArray:
        """Return the log density over (w, z); owner and w [L], z [L, ...]."""
        on_line = z.reshape(len(z), -1)
        middle = on_line[:, on_line.shape[1] // 2]
        logits, odds = self.along(w, on_line, self.x[self.used])
        dlt, none = self.with_dlt[owner][:, self.used], self.without[owner][:, self.used]
        there = (np.minimum(logits, 0) * dlt - np.maximum(logits, 0) * none).sum(axis=1) - w**2 / 2 - np.log(2 * np.pi)
        result = on_line * (-on_line / 2)
        result += (self.s * dlt.sum(axis=1))[:, None] * (on_line - middle[:, None])
        result += there[:, None]
        for (up, down), patients in zip(weights(logits), (dlt + none).T, strict=True):
            room = odds * up
            room += down
            np.log(room, out=room)
            room *= patients[:, None]
            result -= room
        return result.reshape(z.shape)

    def score(self, owner: IntArray, w: FloatArray) -> Callable[[FloatArray], tuple[FloatArray, FloatArray]]:
        """Return the function of z [L] that gives the slope of log f along z, and minus its curvature."""
        centre, dlt = self.centre(w, self.x[self.used]), self.with_dlt[owner][:, self.used]
        patients, dlts = dlt + self.without[owner][:, self.used], dlt.sum(axis=1)

        def at(z: FloatArray) -> tuple[FloatArray, FloatArray]:
            p = expit(centre + self.s * z[:, None])
            expected = patients * p
            slope = self.s * (dlts - expected.sum(axis=1)) - z
            return slope, 1 + self.s**2 * np.einsum("lk,lk->l", expected, 1 - p)

        return at

    def mode(self, owner: IntArray, w: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the mode along z and minus the curvature there, by Newton's method within a bracket."""
        low = -self.s * self.without[owner].sum(axis=1)
        high = self.s * self.with_dlt[owner].sum(axis=1)
        z, before, score = np.zeros(len(w)), np.full(len(w), np.inf), self.score(owner, w)
        for _ in range(STEPS):
            slope, bend = score(z)
            there = slope**2 <= 1e-6 * bend
            if there.all():
                return z, bend
            low, high = np.where(slope > 0, z, low), np.where(slope > 0, high, z)
            tried = z + slope / bend
            # a step that did not halve the slope may be one of a cycle
            newton = (tried > low) & (tried < high) & (np.abs(slope) < before / 2)
            z, before = np.where(there, z, np.where(newton, tried, (low + high) / 2)), np.abs(slope)
        raise unresolved()

    def profile(self, owner: IntArray, w: FloatArray) -> FloatArray:
        """Return the log of the integral over z as it would be if the density were normal along z, [L]."""
        z, bend = self.mode(owner, w)
        return np.asarray(self.log_f(owner, w, z) - np.log(bend) / 2 + np.log(2 * np.pi) / 2)

    def box(self, owner: IntArray, w: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return the mode along z, and where the log density has fallen by DROP below and above it.

        Along z the fall is convex and at least t^2/2, so that Newton's method from outside comes closer without ever
        passing the place.
        """
        z, _ = self.mode(owner, w)
        top, score, ends = self.log_f(owner, w, z), self.score(owner, w), []
        for sign in (-1.0, 1.0):
            t = np.full(len(z), np.sqrt(2 * DROP) + 0.1)
            for _ in range(STEPS):
                fall = top - self.log_f(owner, w, z + sign * t)
                near = fall < 1.5 * DROP
                if near.all():
                    break
                rate = -sign * score(z + sign * t)[0]
                t = np.where(near, t, t - (fall - DROP) / rate)
            else:
                raise unresolved()
            ends.append(z + sign * t)
        return z, ends[0], ends[1]

    def sides(self, owner: IntArray, w: FloatArray, box: FloatArray) -> IntArray:
        """Return how many panels a box is likely to need below and above the mode, [2, L]."""
        mode, ends = box[0], box[1:]
        halfway = [self.log_f(owner, w, (mode + end) / 2) for end in ends]
        heavy = self.log_f(owner, w, mode) - np.stack(halfway) > HEAVY * DROP
        wide = self.s * np.abs(ends - mode) / WIDEST
        return np.asarray(
            np.maximum(FEWEST << heavy.astype(int), 1 << np.ceil(np.log2(np.maximum(wide, 1))).astype(int))
        )


def weights(logits: FloatArray) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Give for each dose u and v [L, 1], at most 1: the rate is u o / (u o + v) where the odds are o times as large.

    Parameters
    ----------
    logits : float array [L, K]
    """
    for logit in logits.T[..., None]:
        yield np.exp(np.minimum(logit, 0)), np.exp(-np.maximum(logit, 0))


def lines(
    tallies: Whitened, owner: IntArray, w: FloatArray, top: FloatArray
) -> Iterator[tuple[IntArray, Lines, FloatArray, FloatArray]]:
    """Resolve the density along z, relative to exp(top[owner]).

    Yields
    ------
    rows : int array [L]
    lines : Lines
    z, mass : float array [L, node]
        Nodes, and the density times their weights.
    """
    box = np.stack(tallies.box(owner, w))
    sides, left = tallies.sides(owner, w, box), np.arange(len(w))
    while len(left):
        if (sides[:, left] > MOST).any():
            raise unresolved()
        again = []
        kind = sides[0] * 2 * MOST + sides[1]
        for below, above in (divmod(one, 2 * MOST) for one in np.unique(kind[left]).tolist()):
            rows = left[kind[left] == below * 2 * MOST + above]
            for part in np.array_split(rows, -(-len(rows) * (below + above) * ORDER // ROOM)):
                z, half = _nodes(box[:, part], below, above)
                f = np.exp(tallies.log_f(owner[part], w[part], z) - top[owner[part]][:, None, None]) * half
                coefficients = f @ TO_COEFFICIENTS
                each = f @ WEIGHTS
                allowed = TOLERANCE * np.maximum(each.sum(axis=1), LEAST)
                rough = np.abs(coefficients[..., -2:]).max(axis=2) > allowed[:, None]
                rough = np.stack([rough[:, :below].any(axis=1), rough[:, below:].any(axis=1)])
                sides[:, part] <<= rough
                good = ~rough.any(axis=0)
                again.append(part[~good])
                if not good.any():
                    continue
                before = np.cumsum(each, axis=1) - each
                mode, low, high = box[:, part[good]]
                line = Lines(mode, low, high, below, coefficients[good], before[good])
                size = (int(good.sum()), -1)
                yield part[good], line, z[good].reshape(size), (f[good] * WEIGHTS).reshape(size)
        left = np.concatenate(again)


def _nodes(box: FloatArray, below: int, above: int) -> tuple[FloatArray, FloatArray]:
    """Return the nodes on so many panels below and above the mode, [L, panel, node], and half the panels' widths."""
    mode, low, high = box[..., None]
    edges = [low + (mode - low) * np.arange(below) / below, mode + (high - mode) * np.arange(above) / above, high]
    ends = np.concatenate(edges, axis=1)
    half = np.diff(ends, axis=1)[..., None] / 2
    return ends[:, :-1, None] + half * (1 + NODES), half
