"""Sums over nodes of the two-parameter logistic model, which stand in tiles (see ``two_parameter_nodes``).

For a tally only the tiles count in which its density can come near its peak: the sum of the largest values that the
terms of the log density have in a tile is an upper bound.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import expit, sici

from doseopt.core.state import BoolArray, FloatArray, IntArray
from doseopt.models.quadrature.two_parameter_lines import LogitLine, at_logits
from doseopt.models.quadrature.two_parameter_space import NEGLIGIBLE, Stretch

TILE = 12
"""Nodes along each side of a tile."""
WINDOW = 1 << 13
"""Nodes that count for a tally, about, at most."""
BLOCK, ROWS = 1 << 13, 1 << 9
"""Tallies at a time, and those of them at a tile: few enough for the processor's cache."""
LEAST = -80.0
"""Logarithms below it count as it: their exponentials are nothing beside 1, and small ones take five times as long."""
CUTS, KEPT = 8, 4
"""Rates whose weights at all nodes are kept, and how many functionals are."""
FAST, SLOW, SLOWS = 0.95, 0.125, 4
"""Frequencies at which characteristic functions are looked at, relative to the highest that the nodes tell apart: one
near it, and multiples of a low one."""
TURN = 2.4
"""Angle by which those at low ones are turned, so that they do not cancel where they are summed."""
ALIKE = 1 << 8
"""Tallies at a time at tiles that are summed together."""
EVEN = 2
"""So many tiles together are looked at from where on, and up to where, they count."""

type Functional = Callable[[int], FloatArray]
"""What is integrated: a tile -> columns at its nodes, [TILE^2, C]."""


class Fineness(NamedTuple):
    """How close nodes lie, and what is left out.

    Parameters
    ----------
    sigma : float
        Steps in z to the smallest posterior sd.
    r : float
        R of v, in which the step is 1.
    negligible : float
        Log density below the peak that is left out.
    number : type
        Of floating-point numbers.
    rounding : float
        What the latter two may add to an error.
    """

    sigma: float
    r: float
    negligible: float = NEGLIGIBLE
    number: type = np.float64
    rounding: float = 0.0


@dataclass(frozen=True, eq=False)
class Answers:
    """What is known of the posteriors after U tallies."""

    total: FloatArray  # [U], integral of the density, relative to its peak
    log_evidence: FloatArray  # [U]
    average: FloatArray  # [U, D], E p
    square: FloatArray  # [U, D], E p^2
    off: FloatArray  # [U], bound of the errors of these
    off_below: FloatArray  # [U], and of Pr(p <= rate)


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
    across : int
        Tiles beside each other in z, which follow each other.
    stretch : Stretch
    fineness : Fineness
    """

    columns: FloatArray
    logits: FloatArray
    step: float
    sign: FloatArray
    across: int
    stretch: Stretch
    fineness: Fineness

    @property
    def visited(self) -> int:
        """Nodes that count for a tally, about."""
        return min(self.sign.size, WINDOW)

    def moments(self, tile: int) -> FloatArray:
        """Return p and p^2, [TILE^2, 2 D]."""
        p = expit(self.logits[tile])
        return np.concatenate([p, p**2], axis=1)

    def checks(self, tile: int) -> FloatArray:
        """Return 1, and columns that show whether the nodes are close enough, [TILE^2, 2 + 4 D].

        These are the alternating signs along w, and for each dose cosine and sine of the characteristic function of its
        logit: at a high frequency, and with the signs at low ones, summed.
        """
        sign = self.sign[tile][:, None]
        angle = np.pi / self.step * self.logits[tile]
        fast, unit, slow = np.exp(1j * FAST * angle), np.exp(1j * SLOW * angle), np.zeros(angle.shape, complex)
        for turn in reversed(range(SLOWS)):
            slow = (slow + np.exp(1j * TURN * turn)) * unit
        slow *= sign
        return np.concatenate([np.ones((len(sign), 1)), sign, fast.real, fast.imag, slow.real, slow.imag], axis=1)

    @functools.cached_property
    def _highest(self) -> FloatArray:
        return np.asarray(self.columns.max(axis=2)[:, :-1].T)

    @functools.cached_property
    def _middle(self) -> FloatArray:
        return np.ascontiguousarray(self.columns[:, :-1, (TILE + 1) * TILE // 2].T)

    def near(self, tallies: FloatArray, negligible: float) -> tuple[FloatArray, BoolArray]:
        """Return the log density near the mode, [U], and which tiles count after each of the tallies, [U, T]."""
        peak = (tallies @ self._middle).max(axis=1)
        return peak, np.asarray(tallies @ self._highest > (peak - negligible)[:, None])

    def answers(self, tallies: FloatArray) -> Answers:
        """Return moments after tallies as ``integrals`` takes them."""
        doses = self.logits.shape[2]
        total, peak, off, off_below, found = self._checked("moments", np.empty(0), tallies, self.moments, 2 * doses)
        average, square = np.split(found, 2, axis=1)
        return Answers(total, peak + np.log(total), average, square, off, off_below)

    def roughly_below(self, tallies: FloatArray, rates: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return Pr(rate <= each of the rates) after tallies, [U, C, D], and bounds of the errors, [U]."""
        shape = len(tallies), len(rates), self.logits.shape[2]
        *_, off, found = self._checked("roughly below", rates, tallies, self.below(rates), shape[1] * shape[2])
        return np.clip(found, 0, 1).reshape(shape), off

    def _checked(
        self, kind: str, rates: FloatArray, tallies: FloatArray, functional: Functional, columns: int
    ) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
        """Return means of a functional, with bounds of errors.

        Returns
        -------
        total : float array [U]
            Integral of the density, relative to its peak.
        peak : float array [U]
            Log density near the mode.
        off, off_below : float arrays [U]
            Bounds of the errors of the means of rates, and of Pr(p <= rate).
        means : float array [U, C]
        """
        doses = self.logits.shape[2]

        def asked(tile: int) -> FloatArray:
            return np.concatenate([self.checks(tile), functional(tile)], axis=1, dtype=self.fineness.number)

        found, peak = self.integrals(
            tallies, self._kept(kind, rates, asked), 2 + 4 * doses + columns, self.fineness.negligible
        )
        total = found[:, 0].copy()
        found /= total[:, None]
        _, sign, *waves, means = np.split(found, np.cumsum([1, 1, *[doses] * 4]), axis=1)
        fast, slow = (np.hypot(*pair).max(axis=1) for pair in (waves[:2], waves[2:]))
        further = fast / 20 + 2 * slow**2  # rates are smooth: their means converge twice as fast
        off = sign[:, 0] ** 2 / 4 + further**2 / 10 + self.fineness.rounding
        return total, peak, off, off + further, means

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
        room: FloatArray = np.empty(ROWS * TILE**2, self.fineness.number)
        for start in range(0, len(tallies), BLOCK):
            own = slice(start, start + BLOCK)
            peak, near = self.near(tallies[own], negligible)
            peaks[own], counts = peak, near.T
            block: FloatArray = np.column_stack([tallies[own], -peak]).astype(self.fineness.number)
            totals = found[own]
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

        return at if len(rates) > CUTS else self._kept("below", rates, at)

    def _kept(self, kind: str, rates: FloatArray, functional: Functional) -> Functional:
        """Return a functional whose columns are kept, until several others have been asked for."""
        key = kind, rates.tobytes()
        if key not in self._columns and len(self._columns) == KEPT:
            self._columns.clear()
        kept = self._columns.setdefault(key, {})

        def known(tile: int) -> FloatArray:
            if tile not in kept:
                kept[tile] = functional(tile)
            return kept[tile]

        return known

    @functools.cached_property
    def _columns(self) -> dict[tuple[str, bytes], dict[int, FloatArray]]:
        return {}

    @functools.cached_property
    def lines(self) -> tuple[LogitLine, ...]:
        """For each reported dose nodes at which the density of its logit is known."""
        ends = ((float(eta.min()), float(eta.max())) for eta in np.moveaxis(self.logits, 2, 0))
        return tuple(LogitLine.over(*pair, self.stretch, self.step) for pair in ends)

    def on_lines(self, tallies: FloatArray, negligible: float) -> list[FloatArray]:
        """Return for each line the weights of its nodes after tallies, [U, M], relative to exp(peak).

        Tiles beside each other in z are summed together: their sum is nothing at logits that they do not reach.
        """
        found = [np.zeros((len(tallies), line.line.size)) for line in self.lines]
        peak, counts = self.near(tallies, negligible)
        block = np.column_stack([tallies, -peak])
        for rows, tiles in self.side_by_side(counts):
            nodes, values = at_logits(self.lines, self.logits[tiles], self.step)
            columns = self.columns[tiles].swapaxes(0, 1).reshape(block.shape[1], -1)
            ends = np.cumsum([some.stop - some.start for some in nodes])
            for few in np.array_split(rows, -(-len(rows) // ALIKE)):
                f = block[few] @ columns
                np.maximum(f, LEAST, out=f)
                parts = np.exp(f, out=f) @ values
                for own, some, part in zip(found, nodes, np.split(parts, ends[:-1], axis=1), strict=True):
                    own[few, some] += part
        return found

    def side_by_side(self, counts: BoolArray) -> Iterator[tuple[IntArray, slice]]:
        """Yield tallies for which about the same tiles beside each other in z count, and these, from [U, T].

        The tiles of a tally are the same whatever the others are.
        """
        for start in range(0, counts.shape[1], self.across):
            band = counts[:, start : start + self.across]
            some = np.flatnonzero(band.any(axis=1))
            first = band[some].argmax(axis=1) // EVEN * EVEN
            last = -(-(self.across - band[some, ::-1].argmax(axis=1)) // EVEN) * EVEN
            for low, high in sorted(set(zip(first.tolist(), last.tolist(), strict=True))):
                yield some[(first == low) & (last == high)], slice(start + low, start + min(high, self.across))
