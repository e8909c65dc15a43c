"""The i3+3 design."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from doseopt.core.design import Row
from doseopt.core.state import IntArray
from doseopt.designs.interval import DOWN, ROUNDING, STAY, UP
from doseopt.designs.margin import MarginDesign


@dataclass(frozen=True)
class I3Plus3(MarginDesign):
    """i3+3 design.

    With EI = [phi - margin_left, phi + margin_right]: up if y/n is below EI; stay if it is inside; if it is above, stay
    if (y-1)/n is below EI, else down. A dose with Pr(p > phi) > cutoff under Beta(1+y, 1+n-y) is eliminated with all
    above it; if the lowest is, the trial stops and no dose is selected. MTD: the tried, not eliminated dose whose
    isotonic estimate is closest to phi.

    Parameters
    ----------
    doses : int
    target : float
        phi.
    margin_left, margin_right : float
        epsilon_1 and epsilon_2 of the equivalence interval EI.
    cutoff : float
        Posterior probability that eliminates (xi).
    eliminate_from : int
        Fewest patients at a dose before it can be eliminated.
    cohort, start : int
        Cohort size; first dose level, counted from 1.

    Notes
    -----
    Names: "i3+3".

    References
    ----------
    Liu, Wang & Ji 2020, Statistical Methods in Medical Research 29:2867.

    Examples
    --------
    With 1 DLT in 3 patients y/n = 0.33 is inside [0.25, 0.35]; with 2 it is above, and 1/3 is not below it: down.

    >>> import numpy as np
    >>> from doseopt import I3Plus3
    >>> I3Plus3(doses=4, target=0.3).moves(np.full(4, 3), np.arange(4)).tolist()
    [1, 0, -1, -1]
    """

    safety_source: ClassVar[str] = "Liu, Wang & Ji 2020"

    def moves(self, n: IntArray, y: IntArray) -> IntArray:
        """Compare y/n and (y-1)/n with EI, whose ends belong to it."""
        patients = np.maximum(n, 1)
        fraction = y / patients
        one_less_is_below = (y - 1) / patients < self.low - ROUNDING
        above = np.where(one_less_is_below, STAY, DOWN)
        inside = np.where(fraction > self.high + ROUNDING, above, STAY)
        return np.where(fraction < self.low - ROUNDING, UP, inside)

    def describe(self) -> list[Row]:
        """Return the rule, and the choices made where sources differ."""
        rule = (
            f"up if y/n < {self.low:g}; stay up to {self.high:g}; above it stay if (y-1)/n < {self.low:g}, else down; "
            "an end of the interval belongs to it"
        )
        return [Row("decision", rule, "Liu, Wang & Ji 2020"), *super().describe()]
