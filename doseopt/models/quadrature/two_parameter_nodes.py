"""Nodes for the posteriors of the two-parameter logistic model: one grid for all tallies and doses.

In the whitened coordinates (w, z), log b = m_b + s_b w and log a = m_a + r s_a w + s z (see ``whitened``), the nodes
are uniform in z and in a stretched w, so that they lie close where N patients can make the posterior narrow:

    z = k h,      1/h = sigma sqrt(1 + N s^2/4),
    v(w) = l,     v(w) = rho w + (I b_0/R) log(1 + b/b_0),  b_0 = gamma exp(m_b + 2 s_b),  I^2 = X^2 (N/4 + 1/s^2),

k and l being whole numbers and X the largest |x| of a dose. The information about z in N patients is at most N s^2/4.
The slope of the second term of v is, at its largest, the root of what bounds the information about w: N x^2 b^2 s_b^2/4
from the patients, and (x b s_b/s)^2 for how fast a rate's distribution function given w can rise with w. It levels off
at slopes b so far out in the prior (b_0) that two doses hardly can both have rates away from 0 and 1.

The nodes stand in tiles. For a tally only the tiles count in which its density can come near its peak: the sum of the
largest values that the terms of the log density have in a tile is an upper bound.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, sici

from doseopt.core.remembered import remembered
from doseopt.core.state import FloatArray, IntArray
from doseopt.models.curves import TwoParameterLogistic
from doseopt.models.line import Line
from doseopt.models.quadrature.batch import Values
from doseopt.models.quadrature.two_parameter_space import NEGLIGIBLE, Space, Stretch, inverse, logits

SIGMA, R = 2.0, 0.95
"""Steps in z to the smallest posterior sd; of v, in which the step is 1."""
COARSE_SIGMA, COARSE_R = 1.3, 1.4
"""The same of nodes that bring probabilities within some 1e-5."""
RHO, GAMMA = 2.0, 4.5
"""Of v."""
STEP = 0.4
"""Step in the stretched logit."""
TILE = 12
"""Nodes along each side of a tile."""
LARGEST = 400_000
"""Nodes; where tallies need more, each gets panels of its own."""
WINDOW = 1 << 13
"""Nodes that count for a tally, about, at most."""
MOST_BYTES = 1 << 27
"""Of the nodes that are kept."""
BLOCK, ROWS = 1 << 13, 1 << 9
"""Tallies at a time, and those of them at a tile: few enough for the processor's cache."""
LEAST = -700.0
"""Logarithms below it count as it: their exponentials are nothing beside 1, and take five times as long."""
CUTS = 8
"""Rates whose weights at all nodes are kept, the last ones asked for together."""
FAST, SLOW, SLOWS = 0.95, 0.125, 4
"""Frequencies at which characteristic functions are looked at, relative to the highest that the nodes tell apart: one
near it, and multiples of a low one."""
TURN = 2.4
"""Angle by which those at low ones are turned, so that they do not cancel where they are summed."""
NEAR = 1e-5
"""Angle from which on a difference of sines has digits."""

type Functional = Callable[[int], FloatArray]
"""What is integrated: a tile -> columns at its nodes, [TILE^2, C]."""


@dataclass(frozen=True, eq=False)
class Answers:
    """What is known of the posteriors after U tallies."""

    total: FloatArray  # [U], integral of the density, relative to its peak
    log_evidence: FloatArray  # [U]
    average: FloatArray  # [U, D], E p
    square: FloatArray  # [U, D], E p^2
    below: FloatArray  # [U, C, D], Pr(p <= rate)
    off: FloatArray  # [U], bound of the errors of the former
    off_below: FloatArray  # [U], and of the latter


@dataclass(frozen=True, eq=False)
class Nodes:
    """Nodes of one model for tallies of up to N patients, in T tiles.

    Parameters
    ----------
    columns : float array [T, 2 K + 2, TILE^2]
        log p and log(1 - p) at the data doses, log prior and Jacobian, 1.
    logits : float array [T, TILE^2, D]
        Of the rates at the reported doses.
    step : float
        In the logits, from one node in z to the next.
    sign : float array [T, TILE^2]
        1 and -1 in turn along w.
    stretch : Stretch
    """

    columns: FloatArray
    logits: FloatArray
    step: float
    sign: FloatArray
    stretch: Stretch

    @property
    def visited(self) -> int:
        """Nodes that count for a tally, about."""
        return min(self.sign.size, WINDOW)

    def moments(self, tile: int) -> FloatArray:
        """Return 1, p and p^2, and columns that show whether the nodes are close enough, [TILE^2, 2 + 6 D].

        These are the alternating signs along w, and for each dose cosine and sine of the characteristic function of its
        logit: at a high frequency, and with the signs at low ones, summed.
        """
        if tile not in self._moments:
            p, sign = expit(self.logits[tile]), self.sign[tile][:, None]
            angle = np.pi / self.step * self.logits[tile]
            fast, unit, slow = np.exp(1j * FAST * angle), np.exp(1j * SLOW * angle), np.zeros(angle.shape, complex)
            for turn in reversed(range(SLOWS)):
                slow = (slow + np.exp(1j * TURN * turn)) * unit
            slow *= sign
            columns = [np.ones((len(p), 1)), p, p**2, sign, fast.real, fast.imag, slow.real, slow.imag]
            self._moments[tile] = np.concatenate(columns, axis=1)
        return self._moments[tile]

    @functools.cached_property
    def _moments(self) -> dict[int, FloatArray]:
        return {}

    @functools.cached_property
    def _highest(self) -> FloatArray:
        return np.asarray(self.columns.max(axis=2)[:, :-1].T)

    @functools.cached_property
    def _middle(self) -> FloatArray:
        return np.ascontiguousarray(self.columns[:, :-1, (TILE + 1) * TILE // 2].T)

    def answers(self, tallies: FloatArray, rates: FloatArray) -> Answers:
        """Return moments, and Pr(rate <= each of the rates), after tallies as ``integrals`` takes them."""
        below, doses = self.below(rates), self.logits.shape[2]

        def functional(tile: int) -> FloatArray:
            return np.concatenate([self.moments(tile), below(tile)], axis=1)

        found, peak = self.integrals(tallies, functional, 2 + (6 + len(rates)) * doses)
        total = found[:, 0].copy()
        found /= total[:, None]
        _, average, square, sign, *waves, share = np.split(found, np.cumsum([1, doses, doses, 1, *[doses] * 4]), axis=1)
        fast, slow = (np.hypot(*pair).max(axis=1) for pair in (waves[:2], waves[2:]))
        off_below = fast / 20 + 2 * slow**2
        off = sign[:, 0] ** 2 / 4 + off_below**2 / 10  # rates are smooth: their means converge twice as fast
        share = np.clip(share, 0, 1).reshape(len(tallies), len(rates), doses)
        return Answers(total, peak + np.log(total), average, square, share, off, off + off_below)

    def integrals(
        self, tallies: FloatArray, functional: Functional, columns: int, negligible: float = NEGLIGIBLE
    ) -> tuple[FloatArray, FloatArray]:
        """Integrate prior times likelihood, times the columns of a functional.

        Parameters
        ----------
        tallies : float array [U, 2 K + 1]
            DLTs and other patients at each dose with data, and 1.
        functional : callable
        columns : int
            C.
        negligible : float
            Log density below the peak that is left out.

        Returns
        -------
        integrals : float array [U, C]
            Relative to exp(peak).
        peak : float array [U]
            Log density near the mode.
        """
        found, peaks = np.zeros((len(tallies), columns)), np.empty(len(tallies))
        room = np.empty(ROWS * TILE**2)
        for start in range(0, len(tallies), BLOCK):
            own = slice(start, start + BLOCK)
            peaks[own] = peak = (tallies[own] @ self._middle).max(axis=1)
            counts = (tallies[own] @ self._highest > (peak - negligible)[:, None]).T
            block, totals = np.column_stack([tallies[own], -peak]), found[own]
            for tile in np.flatnonzero(counts.any(axis=1)).tolist():
                value, chosen = functional(tile), np.flatnonzero(counts[tile])
                for first in range(0, len(chosen), ROWS):
                    rows = chosen[first : first + ROWS]
                    f = room[: len(rows) * TILE**2].reshape(len(rows), -1)
                    np.matmul(block[rows], self.columns[tile], out=f)
                    np.maximum(f, LEAST, out=f)
                    np.exp(f, out=f)
                    totals[rows] += f @ value
        return found, peaks

    def below(self, rates: FloatArray) -> Functional:
        """Return Pr(rate <= each of the rates) as a functional with columns [C, D], by sinc indefinite integration."""
        cuts = np.log(rates) - np.log1p(-rates)

        def at(tile: int) -> FloatArray:
            steps = (cuts[:, None] - self.logits[tile][:, None]) / self.step
            return np.asarray(0.5 + sici(np.pi * steps)[0] / np.pi).reshape(len(steps), -1)

        if len(rates) > CUTS:
            return at
        if rates.tobytes() not in self._below:
            self._below.clear()
        kept = self._below.setdefault(rates.tobytes(), {})

        def known(tile: int) -> FloatArray:
            if tile not in kept:
                kept[tile] = at(tile)
            return kept[tile]

        return known

    @functools.cached_property
    def _below(self) -> dict[bytes, dict[int, FloatArray]]:
        return {}

    @functools.cached_property
    def lines(self) -> tuple[Line, ...]:
        """For each reported dose nodes in u at which the density of its logit is known."""
        found = []
        for eta in np.moveaxis(self.logits, 2, 0):
            first, last = np.round(self.stretch.u(np.array([eta.min(), eta.max()])) / STEP)
            found.append(Line(float(first) * STEP, STEP, int(last - first) + 1))
        return tuple(found)

    def on_lines(self) -> Functional:
        """Return the weights at the nodes of the lines as a functional, the lines one after the other."""
        ends = np.cumsum([line.size for line in self.lines]).tolist()
        room, rest, rows = np.empty((TILE**2, ends[-1])), np.empty((TILE**2, max(ends))), np.arange(TILE**2)

        def at(tile: int) -> FloatArray:
            angles = np.pi / self.step * self.logits[tile].T
            for points, angle, end in zip(self._points, angles, ends, strict=True):
                size = points.shape[1]
                own, apart = room[:, end - size : end], rest[:, :size]
                np.matmul(np.stack([np.cos(angle), -np.sin(angle)], axis=1), points[1:], out=own)
                np.subtract(points[0], angle[:, None], out=apart)
                nearest = np.searchsorted((points[0, 1:] + points[0, :-1]) / 2, angle)
                near = np.flatnonzero(np.abs(apart[rows, nearest]) < NEAR)
                if len(near):
                    at_both = near, nearest[near]
                    own[at_both], apart[at_both] = np.hypot(*points[1:, nearest[near]]), 1
                own /= apart
            return room

        return at

    @functools.cached_property
    def _points(self) -> list[FloatArray]:
        """Angles, and their sines and cosines times a node's share, for each line, [3, M]."""
        found = []
        for line in self.lines:
            eta = self.stretch.eta(line.nodes)
            share, angle = STEP / (self.stretch.du(eta) * self.step), np.pi / self.step * eta
            found.append(np.stack([angle, share * np.sin(angle), share * np.cos(angle)]))
        return found


def _whole_tiles(low: float, high: float) -> IntArray:
    """Return the whole numbers from low to high, and further ones up to a multiple of TILE."""
    first = int(np.floor(low))
    return first + np.arange(-(-(int(np.ceil(high)) - first + 1) // TILE) * TILE)


def _nodes_of_w(space: Space, x: float, r: float) -> tuple[IntArray, FloatArray, FloatArray] | None:
    """Return l, w and log dw/dv at the nodes, given the largest |x| and R; None if they are too many."""
    scale = x * float(np.sqrt(space.patients / 4 + 1 / space.s**2)) / r
    most = GAMMA * float(np.exp(space.m_b + 2 * space.s_b))

    def v(w: FloatArray) -> FloatArray:
        return np.asarray(RHO * w + scale * most * np.log1p(np.exp(space.m_b + space.s_b * w) / most))

    def dv(w: FloatArray) -> FloatArray:
        b = np.exp(space.m_b + space.s_b * w)
        return np.asarray(RHO + scale * space.s_b * b / (1 + b / most))

    table = np.linspace(space.w.min() - 1, space.w.max() + 1 + TILE / RHO, 4001)
    ends = v(np.array([space.w.min(), space.w.max()]))
    if not ends[1] - ends[0] < LARGEST:
        return None
    nodes = _whole_tiles(*ends.tolist())
    w = inverse(v, dv, table, nodes.astype(np.float64))
    return nodes, w, -np.log(dv(w))


@remembered(MOST_BYTES)
def nodes_for(model: TwoParameterLogistic, at: Values, patients: int, coarse: bool = False) -> Nodes | None:
    """Return the nodes for tallies of up to `patients` patients at doses `at`; None if they are too many."""
    sigma, r = (COARSE_SIGMA, COARSE_R) if coarse else (SIGMA, R)
    with np.errstate(over="ignore"):
        space = Space(model, at, patients)
        h = 1 / (sigma * float(np.sqrt(1 + patients * space.s**2 / 4)))
        of_w = _nodes_of_w(space, float(np.abs([*model.x, *space.data.x]).max()), r)
        k = _whole_tiles(float(space.z.min()) / h, float(space.z.max()) / h)
        if of_w is None or len(of_w[0]) * len(k) > LARGEST:
            return None
        tiles = [_tiled(part) for part in np.broadcast_arrays(*(part[:, None] for part in of_w), h * k)]
        number, w, log_dw, z = tiles
        theta = space.theta(w, z)
        log_p, log_q = space.likelihood(theta, space.data)
        log_share = log_dw + np.log(h * space.s_b * space.s) + space.prior.log_density(theta)
        columns = np.concatenate([log_p, log_q, log_share[..., None], np.ones((*log_share.shape, 1))], axis=2)
        sign = np.where(number % 2 == 0, 1.0, -1.0)
        return Nodes(
            np.ascontiguousarray(columns.swapaxes(1, 2)), logits(theta, model), h * space.s, sign, space.stretch
        )


def _tiled(part: FloatArray) -> FloatArray:
    """Return a table [TILE A, TILE B] by tiles, [A B, TILE^2]."""
    rows, columns = (length // TILE for length in part.shape)
    return part.reshape(rows, TILE, columns, TILE).swapaxes(1, 2).reshape(rows * columns, TILE**2)
