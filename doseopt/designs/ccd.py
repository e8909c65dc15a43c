"""The cumulative cohort design."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from doseopt.core.design import Row
from doseopt.core.parameters import Fault, param
from doseopt.core.state import IntArray
from doseopt.core.tunable import Tunable
from doseopt.designs.interval import DOWN, ROUNDING, STAY, UP, SafeIntervalDesign

DELTAS = ((0.3, 0.09), (0.4, 0.10), (0.45, 0.12), (1.0, 0.13))
"""Targets below the first number have the second as delta, which the paper recommends."""


@dataclass(frozen=True)
class CCD(SafeIntervalDesign):
    """Cumulative cohort design.

    Up if y/n <= phi - delta, down if y/n >= phi + delta, else stay. A dose with at least `eliminate_from` patients and
    Pr(p > phi) > cutoff under Beta(1+y, 1+n-y) is eliminated with all above it; if the lowest is, the trial stops and
    no dose is selected. MTD: the tried, not eliminated dose whose isotonic estimate is closest to phi.

    Parameters
    ----------
    doses : int
    target : float
        phi.
    delta : float, optional
        Half-width of the interval to stay in. Left out: 0.09 at targets below 0.30, 0.10 below 0.40, 0.12 below 0.45,
        else 0.13, which the paper recommends.
    cutoff : float
        Posterior probability that eliminates.
    eliminate_from : int
        Fewest patients at a dose before it can be eliminated. The paper has no such rule: more than the trial's
        patients, and there is none.
    cohort, start : int
        Cohort size; first dose level, counted from 1.

    Notes
    -----
    Names: "CCD", "cumulative cohort design".

    References
    ----------
    Ivanova, Flournoy & Chung 2007, Journal of Statistical Planning and Inference 137:2316.

    Examples
    --------
    At a target of 0.25, with 0/6 <= 0.16 up, with 3/6 >= 0.34 down:

    >>> import numpy as np
    >>> from doseopt import CCD
    >>> CCD(doses=4, target=0.25).moves(np.full(4, 6), np.arange(4)).tolist()
    [1, 0, 0, -1]
    """

    delta: float | None = param(
        None, kind=float, low=0, high=1, open_low=True, optional=True, doc="half-width of the interval to stay in"
    )
    eliminate_from: int = param(3, low=1, doc="fewest patients before a dose can be eliminated")

    safety_source: ClassVar[str] = "Lin & Yin 2018"

    def _faults(self) -> list[Fault]:
        found = super()._faults()
        if isinstance(self.target, int | float) and 0 < self.target < 1:
            width, most = self.width, min(self.target, 1 - self.target)
            if isinstance(width, int | float) and most < width <= 1:
                wanted = f"wanted at most the target and its distance to 1 ({most:g}), got {width:g}"
                found.append(Fault("delta", wanted + " by default" * (self.delta is None)))
        return found

    @property
    def width(self) -> float:
        """Half-width delta of the interval, the recommended one unless stated."""
        if self.delta is not None:
            return self.delta
        return next(delta for below, delta in DELTAS if self.target < below)

    def tunable(self) -> tuple[Tunable, ...]:
        """Return delta, with what all interval designs have."""
        return (Tunable("delta", 0.01, 0.6 * min(self.target, 1 - self.target)), *super().tunable())

    def moves(self, n: IntArray, y: IntArray) -> IntArray:
        """Compare y/n with the ends of the interval, which do not belong to it."""
        above = y / np.maximum(n, 1) - self.target
        down = above >= self.width - ROUNDING
        return np.where(above <= ROUNDING - self.width, UP, np.where(down, DOWN, STAY))

    def describe(self) -> list[Row]:
        """Return the rule, and the choices made where sources differ."""
        low, high = self.target - self.width, self.target + self.width
        return [
            Row("decision", f"up if y/n <= {low:g}, down if y/n >= {high:g}, else stay", "Ivanova et al. 2007"),
            *super().describe(),
        ]
