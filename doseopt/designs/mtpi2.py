"""The second modification of the toxicity probability interval design."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from doseopt.core.design import Row
from doseopt.core.state import IntArray
from doseopt.designs.interval import beta_prior, equal_pieces, in_words, move_to_densest
from doseopt.designs.margin import MarginDesign


@dataclass(frozen=True)
class MTPI2(MarginDesign):
    """Toxicity probability interval design with Ockham's razor: mTPI-2.

    As mTPI, with the intervals below and above [phi - margin_left, phi + margin_right] cut, outwards from it, into
    pieces of its length, the last at 0 and at 1 being shorter. The piece with the largest unit probability mass (mass
    under Beta(a+y, b+n-y), divided by its length) says: up if it lies below the equivalence interval, stay if it is
    that interval, down if it lies above. A dose with Pr(p > phi) > cutoff is eliminated with all above it; if the
    lowest is, the trial stops and no dose is selected. MTD: the tried, not eliminated dose whose isotonic estimate is
    closest to phi.

    Parameters
    ----------
    doses : int
    target : float
        phi.
    margin_left, margin_right : float
        epsilon_1 and epsilon_2 of the equivalence interval [phi - epsilon_1, phi + epsilon_2].
    prior : tuple of float
        a and b of the Beta prior of the DLT rate at a dose. The isotonic estimate has its own, Beta(.05, .05).
    cutoff : float
        Posterior probability that eliminates (xi).
    eliminate_from : int
        Fewest patients at a dose before it can be eliminated.
    cohort, start : int
        Cohort size; first dose level, counted from 1.

    Notes
    -----
    Names: "mTPI-2", "mTPI2". The rule is Keyboard's.

    References
    ----------
    Guo, Wang, Yang, Lynn & Ji 2017, Contemporary Clinical Trials 58:23.

    Examples
    --------
    Moves after 0, 1, 2 and 3 DLTs in three patients: up, stay, down, down.

    >>> import numpy as np
    >>> from doseopt import MTPI2
    >>> MTPI2(doses=4, target=0.3).moves(np.full(4, 3), np.arange(4)).tolist()
    [1, 0, -1, -1]
    """

    prior: tuple[float, float] = beta_prior(1.0, 1.0)

    safety_source: ClassVar[str] = "Guo et al. 2017"

    @property
    def beta(self) -> tuple[float, float]:
        """The prior Beta(a, b) of the DLT rate at a dose."""
        return self.prior

    def moves(self, n: IntArray, y: IntArray) -> IntArray:
        """Compare the unit probability masses of the pieces."""
        return move_to_densest(n, y, equal_pieces(self.low, self.high), self.low, self.prior)

    def describe(self) -> list[Row]:
        """Return the rule, and the choices made where sources differ."""
        rule = (
            f"largest posterior mass per length of pieces as long as [{self.low:g}, {self.high:g}], under "
            f"{in_words(self.prior)}: up below it, stay in it, down above; a tie goes to the higher piece"
        )
        return [
            Row("decision", rule, "Guo et al. 2017"),
            Row("the shorter pieces at 0 and 1", "mass divided by their own length", "reading"),
            *super().describe(),
        ]
