"""The modified toxicity probability interval design."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from doseopt.core.design import Row
from doseopt.core.state import IntArray
from doseopt.designs.interval import beta_prior, in_words, move_to_densest
from doseopt.designs.margin import MarginDesign


@dataclass(frozen=True)
class MTPI(MarginDesign):
    """Modified toxicity probability interval design.

    The unit probability mass of an interval is its mass under Beta(a+y, b+n-y), divided by its length. Of
    (0, phi - margin_left), [phi - margin_left, phi + margin_right] and (phi + margin_right, 1) the one with the
    largest says: up, stay, down. A dose with Pr(p > phi) > cutoff is eliminated with all above it; if the lowest is,
    the trial stops and no dose is selected. MTD: the tried, not eliminated dose whose isotonic estimate is closest to
    phi.

    Parameters
    ----------
    doses : int
    target : float
        phi.
    margin_left, margin_right : float
        epsilon_1 and epsilon_2 of the equivalence interval [phi - epsilon_1, phi + epsilon_2].
    prior : tuple of float
        a and b of the Beta prior of the DLT rate at a dose. The isotonic estimate has its own, Beta(.005, .005).
    cutoff : float
        Posterior probability that eliminates (xi).
    eliminate_from : int
        Fewest patients at a dose before it can be eliminated.
    cohort, start : int
        Cohort size; first dose level, counted from 1.

    Notes
    -----
    Names: "mTPI", "modified TPI".

    References
    ----------
    Ji, Liu, Li & Bekele 2010, Clinical Trials 7:653.

    Examples
    --------
    Moves after 0, 1, 2 and 3 DLTs in three patients: up, stay, down, down.

    >>> import numpy as np
    >>> from doseopt import MTPI
    >>> MTPI(doses=4, target=0.3).moves(np.full(4, 3), np.arange(4)).tolist()
    [1, 0, -1, -1]
    """

    prior: tuple[float, float] = beta_prior(1.0, 1.0)

    isotonic_prior: ClassVar[float] = 0.005
    safety_source: ClassVar[str] = "Ji et al. 2010"

    @property
    def beta(self) -> tuple[float, float]:
        """The prior Beta(a, b) of the DLT rate at a dose."""
        return self.prior

    def moves(self, n: IntArray, y: IntArray) -> IntArray:
        """Compare the unit probability masses."""
        return move_to_densest(n, y, np.array([0, self.low, self.high, 1]), self.low, self.prior)

    def describe(self) -> list[Row]:
        """Return the rule, and the choices made where sources differ."""
        rule = (
            f"largest posterior mass per length: up below {self.low:g}, stay to {self.high:g}, down above, "
            f"under {in_words(self.prior)}; a tie goes to the higher interval"
        )
        return [Row("decision", rule, "Ji et al. 2010"), *super().describe()]
