"""Posteriors as points of Sobol's sequence: of independent doses, and of rates in order without a curve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv

from doseopt.core.state import FloatArray, IntArray
from doseopt.models.beta import BetaBinomial
from doseopt.models.monotone import Monotone
from doseopt.models.quadrature.ordered import OrderedQuadrature

DRAWS = 4096
"""Points: a power of 2, as Sobol's sequence wants it."""


@dataclass(frozen=True)
class Independent:
    """A posterior of independent doses."""

    model: BetaBinomial
    n: IntArray
    y: IntArray

    def nodes(self, k: int) -> tuple[FloatArray, FloatArray]:
        """Return DLT rates [G, D] and log weights [G]."""
        points = _points(self.model.doses, k)
        rates = betaincinv(self.model.a + self.y, self.model.b + self.n - self.y, points)
        return np.asarray(rates, np.float64), np.zeros(len(points))


@dataclass(frozen=True)
class InOrder:
    """A posterior of rates in order."""

    model: Monotone
    n: IntArray
    y: IntArray

    def nodes(self, k: int) -> tuple[FloatArray, FloatArray]:
        """Return DLT rates [G, D] and log weights [G]."""
        uniform = _points(2 * self.model.doses, k)
        return OrderedQuadrature(self.model).points(self.n, self.y, uniform), np.zeros(len(uniform))


def _points(dimensions: int, k: int) -> FloatArray:
    """Return points of the unit cube, for one of the rules."""
    from scipy.stats import qmc  # half a second, which no command pays that draws no points

    draws = DRAWS * 4**k // 16
    return np.asarray(qmc.Sobol(dimensions, scramble=False).random(draws) + 0.5 / draws)


type Points = Independent | InOrder
"""What draws points."""
