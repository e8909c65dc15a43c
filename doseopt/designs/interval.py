"""The shared base of designs that read their decision from a table of (patients, DLTs) at the current dose."""

from __future__ import annotations

import functools
from typing import ClassVar

import numpy as np
from scipy.special import betainc

from doseopt.design import Defaults, highest_admissible
from doseopt.selection import closest, isotonic
from doseopt.state import CONTINUE, NONE, BoolArray, Decision, FloatArray, IntArray, TrialState

TOO_TOXIC = 1
UP, STAY, DOWN = 1, 0, -1


class IntervalDesign(Defaults):
    """A decision table (n, y) -> up, stay, down or eliminate, with isotonic selection of the MTD.

    A design of the family inherits this and supplies `moves` and `eliminates`.
    """

    target: float
    cohort: int
    start: int

    stops: ClassVar[tuple[str, ...]] = ("too_toxic",)

    def moves(self, n: IntArray, y: IntArray) -> IntArray:
        """Return UP, STAY or DOWN for y DLTs in n patients at the current dose, elementwise."""
        raise NotImplementedError

    def eliminates(self, n: IntArray, y: IntArray) -> BoolArray:
        """Return whether y DLTs in n patients eliminate a dose and all above, elementwise."""
        raise NotImplementedError

    def stops_at_lowest(self, n: IntArray, y: IntArray) -> BoolArray:
        """Return whether y DLTs in n patients at the lowest dose end the trial, elementwise."""
        return self.eliminates(n, y)

    def first(self) -> Decision:
        """Return the first cohort."""
        return Decision(np.array([self.start - 1]), np.array([self.cohort]), np.array([0]))

    def admissible(self, state: TrialState) -> BoolArray:
        """Exclude eliminated doses; all of them where the lowest dose ends the trial."""
        _, out, lowest = tables(self, _room(state.n))
        gone = np.logical_or.accumulate(out[state.n, state.y], axis=1)
        return ~(gone | lowest[state.n[:, :1], state.y[:, :1]])

    def decide(self, state: TrialState) -> Decision:
        """Move by the table, never above the highest admissible dose."""
        move, _, _ = tables(self, _room(state.n))
        step = move[state.n[state.at, state.dose], state.y[state.at, state.dose]]
        wanted = np.clip(state.dose + step, 0, self.doses - 1)
        dose = highest_admissible(wanted, self.admissible(state))
        stop = np.where(dose < 0, TOO_TOXIC, CONTINUE)
        return Decision(np.maximum(dose, 0), np.full(len(state), self.cohort), stop)

    def estimated(self, state: TrialState) -> FloatArray:
        """Return the isotonic estimate of the DLT rates at tried, admissible doses; nan elsewhere, [S, D]."""
        return isotonic(state.n, state.y, state.tried & self.admissible(state))

    def select(self, state: TrialState, stop: IntArray) -> IntArray:
        """Return the tried, admissible dose whose isotonic estimate is closest to the target."""
        estimate = self.estimated(state)
        mtd = closest(estimate, self.target, self.selectable(estimate))
        return np.where(stop == TOO_TOXIC, NONE, mtd)

    def selectable(self, estimate: FloatArray) -> BoolArray:
        """Return which doses may be selected, given the isotonic estimates, [S, D]."""
        return ~np.isnan(estimate)


def _room(n: IntArray) -> int:
    """Return a table size that holds these tallies; powers of two, so that few tables are made."""
    return 1 << int(n.max(initial=1)).bit_length()


@functools.lru_cache(maxsize=256)
def tables(design: IntervalDesign, size: int) -> tuple[IntArray, BoolArray, BoolArray]:
    """Return moves, eliminations and stops at the lowest dose for all y <= n < size, [n, y] each."""
    n, y = np.meshgrid(np.arange(size), np.arange(size), indexing="ij")
    y = np.minimum(n, y)
    return design.moves(n, y), design.eliminates(n, y), design.stops_at_lowest(n, y)


def beta_tail(n: IntArray, y: IntArray, rate: float, a: float = 1.0, b: float = 1.0) -> FloatArray:
    """Return Pr(p > rate) for p ~ Beta(a + y, b + n - y), elementwise."""
    return np.asarray(betainc(b + n - y, a + y, 1 - rate))
