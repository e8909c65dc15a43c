"""The toxicity probability interval design."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from doseopt.core.design import Row
from doseopt.core.parameters import param
from doseopt.core.state import IntArray
from doseopt.designs.interval import DOWN, STAY, UP, SafeIntervalDesign, beta_prior, beta_tail, in_words, last_largest


@dataclass(frozen=True)
class TPI(SafeIntervalDesign):
    """Toxicity probability interval design.

    With sigma the standard deviation of Beta(a+y, b+n-y), the most probable of p < phi - K2 sigma, the interval
    between, and p > phi + K1 sigma says: up, stay, down. A dose with Pr(p > phi) > cutoff under the same posterior is
    eliminated with all above it; if the lowest is, the trial stops and no dose is selected. MTD: the tried, not
    eliminated dose whose isotonic estimate is closest to phi.

    Parameters
    ----------
    doses : int
    target : float
        phi.
    k1, k2 : float
        K1 (above phi) and K2 (below).
    prior : tuple of float
        a and b of the Beta prior of the DLT rate at a dose. The isotonic estimate has its own, Beta(.005, .005).
    cutoff : float
        Posterior probability that eliminates (xi).
    eliminate_from : int
        Fewest patients at a dose before it can be eliminated: 2, because under this prior one DLT in one patient would
        do.
    cohort, start : int
        Cohort size; first dose level, counted from 1.

    Notes
    -----
    Names: "TPI", "toxicity posterior interval".

    References
    ----------
    Ji, Li & Bekele 2007, Clinical Trials 4:235.

    Examples
    --------
    Moves after 0, 1, 2 and 3 DLTs in three patients: up, stay, down, down.

    >>> import numpy as np
    >>> from doseopt import TPI
    >>> TPI(doses=4, target=0.3).moves(np.full(4, 3), np.arange(4)).tolist()
    [1, 0, -1, -1]
    """

    k1: float = param(1.0, low=0, high=10, open_low=True, doc="K1: posterior sds above the target that are stayed in")
    k2: float = param(1.5, low=0, high=10, open_low=True, doc="K2: posterior sds below the target that are stayed in")
    prior: tuple[float, float] = beta_prior(0.005, 0.005)
    eliminate_from: int = param(2, low=1, doc="fewest patients before a dose can be eliminated")

    isotonic_prior: ClassVar[float] = 0.005
    safety_source: ClassVar[str] = "Ji et al. 2007"

    @property
    def beta(self) -> tuple[float, float]:
        """The prior Beta(a, b) of the DLT rate at a dose."""
        return self.prior

    def moves(self, n: IntArray, y: IntArray) -> IntArray:
        """Return what the most probable interval says."""
        a, b = self.prior[0] + y, self.prior[1] + n - y
        sd = np.sqrt(a * b / (a + b + 1)) / (a + b)
        low, high = np.maximum(self.target - self.k2 * sd, 0), np.minimum(self.target + self.k1 * sd, 1)
        above_low, above_high = (beta_tail(n, y, x, *self.prior) for x in (low, high))
        chance = np.stack([1 - above_low, above_low - above_high, above_high], axis=-1)
        return np.array([UP, STAY, DOWN])[last_largest(chance)]

    def describe(self) -> list[Row]:
        """Return the rule, and the choices made where sources differ."""
        rule = (
            f"most probable under {in_words(self.prior)}: up below {self.target:g} - {self.k2:g} sd, stay "
            f"to {self.target:g} + {self.k1:g} sd, down above; a tie goes to the higher interval"
        )
        return [
            Row("decision", rule, "Ji et al. 2007"),
            Row("K1 and K2", "K1 above the target, K2 below, as the paper's Table 1 has them", "Ji et al. 2007"),
            Row("patients before elimination", f"{self.eliminate_from}; R's escalation has 2", "reading"),
            *super().describe(),
        ]
