"""Onset of a DLT in the window, given its probability: F(u) at the share u of the window, with F(1) = p."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from doseopt.core.parameters import Fault, are_numbers, check, param
from doseopt.core.state import FloatArray

NODES, POWER = 96, 8
"""Gauss-Legendre nodes, and the power u = x^8 that smooths F where its hazard is infinite at 0."""


def _not_shares(value: object) -> str | None:
    """Say what is wrong with the shares of the DLTs by interval."""
    if are_numbers(value) and all(v >= 0 for v in value) and (not value or abs(sum(value) - 1) < 1e-9):
        return None
    return f"wanted shares of the DLTs, one an interval between visits, that sum to 1, got {value!r}"


@dataclass(frozen=True)
class Onset:
    """When in the window DLTs occur.

    Parameters
    ----------
    kind : str
        `constant`: a constant hazard; `uniform`; `weibull` with a share `late` of the DLTs in the second half;
        `visits`: `shares` of the DLTs in the intervals that `ends` close, uniform within each.
    late : float
    shares : tuple of float
    ends : tuple of float
        Of the intervals, as shares of the window; the last is 1.

    Examples
    --------
    >>> from doseopt import Onset
    >>> float(Onset("uniform").reached(np.array(0.5), np.array(0.25)))
    0.125
    """

    kind: str = param("constant", choices=("constant", "uniform", "weibull", "visits"), doc="law of the onset")
    late: float = param(0.5, low=0, high=1, open_low=True, open_high=True, doc="share of the DLTs in the second half")
    shares: tuple[float, ...] = param((), kind=tuple, custom=_not_shares, doc="share of the DLTs in each interval")
    ends: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Check the declared parameters."""
        check(self, self._faults)

    def _faults(self) -> list[Fault]:
        if self.kind == "visits" and not self.shares:
            return [Fault("shares", "missing; wanted the share of the DLTs in each interval between visits")]
        if self.kind == "visits" and self.ends and len(self.ends) != len(self.shares):
            return [Fault("shares", f"wanted {len(self.ends)}, one a visit in the window, got {len(self.shares)}")]
        return []

    def reached(self, u: FloatArray, p: FloatArray) -> FloatArray:
        """Return F(u), the probability of a DLT by the share u of the window, elementwise."""
        u, p = np.broadcast_arrays(np.asarray(u, float), np.asarray(p, float))
        if self.kind == "uniform":
            return np.asarray(u * p)
        if self.kind == "visits":
            return np.asarray(p * np.interp(u, [0, *self.ends], np.cumsum([0, *self.shares])))
        shape = 1.0 if self.kind == "constant" else self._shape(p)
        with np.errstate(divide="ignore", invalid="ignore"):  # at p = 1 everything happens at once
            found = -np.expm1(u**shape * np.log1p(-p))
        return np.where(p >= 1, (u > 0).astype(float), found)

    def when(self, u: FloatArray, p: FloatArray) -> FloatArray:
        """Return the share of the window at which F reaches u, 1 where it does not (p <= u < 1), elementwise."""
        u, p = np.broadcast_arrays(np.asarray(u, float), np.asarray(p, float))
        part = np.divide(u, p, out=np.ones_like(u), where=u < p)
        if self.kind == "uniform":
            return part
        if self.kind == "visits":
            return np.where(u < p, np.interp(part, np.cumsum([0, *self.shares]), [0, *self.ends]), 1.0)
        shape = 1.0 if self.kind == "constant" else self._shape(p)
        with np.errstate(divide="ignore", invalid="ignore"):  # at p = 1 everything happens at once
            found = (np.log1p(-u) / np.log1p(-p)) ** (1 / shape)
        return np.where(u < p, np.where(p >= 1, 0.0, found), 1.0)

    def _shape(self, p: FloatArray) -> FloatArray:
        """Return the shape for which a share `late` of the DLTs occurs in the second half of the window."""
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.log1p(-p) / np.log1p(-(1 - self.late) * p)
        return np.log2(np.where((p > 0) & (p < 1), ratio, 1 / (1 - self.late)))

    def first(self, p: FloatArray, hazard: FloatArray) -> FloatArray:
        """Return the probability that a DLT comes before another event of constant hazard a window: int S dF."""
        p, hazard = np.broadcast_arrays(np.asarray(p, float), np.asarray(hazard, float))
        if self.kind == "constant":
            return _first_of_constant(p, hazard)
        if self.kind in ("uniform", "visits"):
            edges = np.array([0.0, 1.0] if self.kind == "uniform" else [0.0, *self.ends])
            shares = (1.0,) if self.kind == "uniform" else self.shares
            parts = zip(shares, edges[:-1], np.diff(edges), strict=True)
            return np.asarray(
                p * sum(share * np.exp(-hazard * low) * _average(hazard * width) for share, low, width in parts)
            )
        node, weight = np.polynomial.legendre.leggauss(NODES)
        x, weight = (node + 1) / 2, weight / 2
        u, density = x**POWER, POWER * x ** (POWER - 1) * weight
        survived = np.exp(-hazard[..., None] * u) * self.reached(u, p[..., None])  # by parts: no density of F
        return np.asarray(np.exp(-hazard) * p + hazard * (survived @ density))


def _average(x: FloatArray) -> FloatArray:
    """Return (1 - exp(-x)) / x, 1 at 0."""
    return np.divide(-np.expm1(-x), x, out=np.ones_like(x), where=x > 0)


def _first_of_constant(p: FloatArray, hazard: FloatArray) -> FloatArray:
    """Return the probability that the DLT comes first of two constant hazards."""
    with np.errstate(divide="ignore", invalid="ignore"):
        own = -np.log1p(-p)
        first = own / (own + hazard) * (1 - (1 - p) * np.exp(-hazard))
    return np.where((p > 0) & (p < 1) & (hazard > 0), first, p)
