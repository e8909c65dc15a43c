"""Comers: how many patients come for a cohort that is treated as they come."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from doseopt.core.state import FloatArray, IntArray


@dataclass(frozen=True)
class Comers:
    """The law of how many patients come for a cohort, the same for each, whatever its outcome; who come are treated.

    A cohort has at most the places that a design gives it: of 4 to 6 who come, 2 are treated where 2 are given.

    Parameters
    ----------
    fewest : int
    chances : tuple of float
        Probability that so many come, one more, and so on; they sum to 1.

    Examples
    --------
    >>> from doseopt.core.comers import Comers
    >>> Comers(2, (0.5, 0.25, 0.25)).table(3).tolist()[1:]
    [[0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.5, 0.5]]
    """

    fewest: int
    chances: tuple[float, ...]

    @property
    def most(self) -> int:
        """The most who come."""
        return self.fewest + len(self.chances) - 1

    def table(self, most: int) -> FloatArray:
        """Return the probability that so many are treated in a cohort of so many places, [places, treated]."""
        come = np.zeros(max(most, self.most) + 1)
        come[self.fewest : self.most + 1] = self.chances
        places, treated = np.indices((most + 1, most + 1))
        at_least = np.cumsum(come[::-1])[::-1]
        return np.where(treated < places, come[treated], np.where(treated == places, at_least[treated], 0.0))

    def treated(self, u: FloatArray, places: IntArray) -> IntArray:
        """Return how many are treated where the share u of all cohorts has fewer who come, elementwise."""
        edges = np.cumsum(self.chances)[:-1]
        return np.minimum(self.fewest + np.searchsorted(edges, u, side="right"), places)
