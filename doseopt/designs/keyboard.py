"""The keyboard design."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from doseopt.core.design import Row
from doseopt.core.state import IntArray
from doseopt.designs.interval import equal_pieces, move_to_densest
from doseopt.designs.margin import MarginDesign


@dataclass(frozen=True)
class Keyboard(MarginDesign):
    """Keyboard design.

    The target key is [phi - margin_left, phi + margin_right]; keys of its width follow on both sides, as far as 0 and
    1. The strongest key is the one with the largest mass under Beta(1+y, 1+n-y): up if it lies left of the target
    key, stay if it is the target key, down if it lies right of it. A dose with Pr(p > phi) > cutoff is eliminated with
    all above it; if the lowest is, the trial stops and no dose is selected. MTD: the tried, not eliminated dose whose
    isotonic estimate is closest to phi.

    Parameters
    ----------
    doses : int
    target : float
        phi.
    margin_left, margin_right : float
        How far the target key reaches below and above phi.
    cutoff : float
        Posterior probability that eliminates.
    eliminate_from : int
        Fewest patients at a dose before it can be eliminated.
    cohort, start : int
        Cohort size; first dose level, counted from 1.

    Notes
    -----
    Names: "Keyboard", "KEYBOARD". The rule is mTPI-2's.

    References
    ----------
    Yan, Mandrekar & Yuan 2017, Clinical Cancer Research 23:3994.

    Examples
    --------
    Moves after 0, 1, 2 and 3 DLTs in three patients: up, stay, down, down.

    >>> import numpy as np
    >>> from doseopt import Keyboard
    >>> Keyboard(doses=4, target=0.3).moves(np.full(4, 3), np.arange(4)).tolist()
    [1, 0, -1, -1]
    """

    safety_source: ClassVar[str] = "Yan et al. 2017"

    def moves(self, n: IntArray, y: IntArray) -> IntArray:
        """Compare the strongest key with the target key."""
        return move_to_densest(n, y, equal_pieces(self.low, self.high), self.low)

    def describe(self) -> list[Row]:
        """Return the rule, and the choices made where sources differ."""
        rule = (
            f"strongest key under Beta(1,1), beside the target key [{self.low:g}, {self.high:g}]: up if left of it, "
            "stay if it is that key, down if right of it; a tie goes to the higher key"
        )
        return [
            Row("decision", rule, "Yan et al. 2017"),
            Row("the incomplete keys at 0 and 1", "mass scaled by their width", "reading"),
            *super().describe(),
        ]
