"""Fates of patients in the DLT window: a DLT, another event and how it counts, or neither, and when it is known."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from doseopt.clock.onset import NODES, POWER, Onset
from doseopt.core.state import FloatArray

NONE, DLT, CLEAN, GONE, OUT = range(5)
"""No event so far; counts as a DLT; as completed without one; is replaced; is left out and keeps the place."""
SOME = 1e-14
"""Probability above which a fate is told from rounding."""


@dataclass(frozen=True, eq=False)
class Leaving:
    """What becomes of patients of K populations, as rules meet it.

    Parameters
    ----------
    hazard : float array [K, D]
        A window, of all other events together.
    rate : float array [K, D]
        DLT rate that is met.
    removed, left_out : float array [K, D]
        Probabilities that a patient enrolled is replaced, and left out.
    share : float array [K]
        Of the patients enrolled.
    """

    hazard: FloatArray
    rate: FloatArray
    removed: FloatArray
    left_out: FloatArray
    share: FloatArray


def known_by(
    u: FloatArray, p: FloatArray, leave: Leaving, onset: Onset, at_risk: FloatArray | None = None
) -> FloatArray:
    """Return the probability that a fate is known by the share u of the window, by fate, [5, ..., D]; see `NONE`.

    Parameters
    ----------
    u : float array [...]
    p : float array [D]
        DLT rates if nothing else happened.
    leave : Leaving
    onset : Onset
    at_risk : float array [..., K, D], optional
        int_0^u exp(-h s) (1 - F(s)) ds, where it is known.

    Notes
    -----
    With F the law of the onset and h the hazard of the other events together, one comes first by u with
    probability h int_0^u exp(-h s) (1 - F(s)) ds, a DLT with 1 - exp(-h u) (1 - F(u)) less that. Of the other events a
    share counts as a DLT, so that those met do in all; a share is replaced or left out, and the rest counts as
    completed. Populations differ in these shares, and in when events come.

    Examples
    --------
    Of two constant hazards that are alike each comes first in half of the patients with an event:

    >>> one = np.ones((1, 1))
    >>> leave = Leaving(-np.log(0.75) * one, 0.21875 * one / 0.78125, 0.21875 * one, 0 * one, one[0])
    >>> known_by(np.array(1.0), np.array([0.25]), leave, Onset("constant"))[:, 0].round(5).tolist()
    [0.5625, 0.21875, 0.0, 0.21875, 0.0]
    """
    u, share = np.asarray(u, float), leave.share[:, None]
    stays = np.exp(-leave.hazard * u[..., None, None]) * (1 - onset.reached(u[..., None, None], p))
    other = leave.hazard * (_time_at_risk(u, p, leave.hazard, onset) if at_risk is None else at_risk)
    found = [stays, *(part * other for part in shares_of(p, leave, onset))]
    found[DLT] += 1 - stays - other
    return np.stack([(share * fate).sum(axis=-2) for fate in found])


def shares_of(p: FloatArray, leave: Leaving, onset: Onset) -> FloatArray:
    """Return the shares of the fates from `DLT` on of patients with another event first, [4, K, D]."""
    others = leave.hazard * _time_at_risk(np.ones(()), p, leave.hazard, onset)
    dlts, gone = 1 - np.exp(-leave.hazard) * (1 - p) - others, leave.removed + leave.left_out
    counted = over(leave.rate * (1 - gone) - dlts, others).clip(0, 1)
    lost = [over(each, others) for each in (leave.removed, leave.left_out)]
    return np.stack([counted, (1 - counted - lost[0] - lost[1]).clip(0, 1), *lost])


def _time_at_risk(u: FloatArray, p: FloatArray, hazard: FloatArray, onset: Onset) -> FloatArray:
    """Return int_0^u exp(-h s) (1 - F(s)) ds, [..., K, D]."""
    node, weight = np.polynomial.legendre.leggauss(NODES)
    x, weight = (node + 1) / 2, weight / 2
    ends = onset.ends if onset.kind == "visits" else (1.0,)
    total = np.zeros((*u.shape, *hazard.shape))
    for low, high in zip((0.0, *ends), ends, strict=False):
        start, width = np.minimum(u, low), np.minimum(u, high) - np.minimum(u, low)
        s = (start[..., None] + width[..., None] * x**POWER)[..., None, None]  # s^k is smooth at 0 in x
        at_risk = np.exp(-hazard * s) * (1 - onset.reached(s, p))
        parts = np.einsum("q,...qkd->...kd", POWER * x ** (POWER - 1) * weight, at_risk)
        total += width[..., None, None] * parts
    return total


def over(part: FloatArray, whole: FloatArray) -> FloatArray:
    """Return part / whole, 0 of nothing."""
    return np.divide(part, whole, out=np.zeros(np.broadcast_shapes(part.shape, whole.shape)), where=whole > 1e-15)


@dataclass(frozen=True)
class Fates:
    """What becomes of patients in R scenarios, at D doses, in K populations; its parts are nested tuples.

    Parameters
    ----------
    onset : Onset
    alone : tuple [R][D]
        DLT rates if nothing else happened.
    hazard, rate, removed, left_out : tuple [R][K][D]
        As of `Leaving`.
    share : tuple [R][K]
    """

    onset: Onset
    alone: Any
    hazard: Any
    rate: Any
    removed: Any
    left_out: Any
    share: Any

    @classmethod
    def of(cls, onset: Onset, alone: FloatArray, *parts: FloatArray) -> Fates:
        """Return the fates of arrays: `hazard`, `rate`, `removed`, `left_out` and `share`."""
        return cls(onset, *(_tuples(part.tolist()) for part in (alone, *parts)))

    @property
    def loses(self) -> bool:
        """Whether some are replaced or left out."""
        return self.replaces or self.leaves_out

    @cached_property
    def kinds(self) -> tuple[int, ...]:
        """Fates that patients may have, `NONE` and `DLT` first."""
        some = self.known_by(np.ones(())).reshape(5, -1).max(axis=1) > SOME
        return (NONE, DLT, *(kind for kind in (CLEAN, GONE, OUT) if some[kind]))

    @property
    def replaces(self) -> bool:
        """Whether some are replaced."""
        return GONE in self.kinds

    @property
    def leaves_out(self) -> bool:
        """Whether some are left out and not replaced."""
        return OUT in self.kinds

    def each(self) -> list[tuple[FloatArray, Leaving]]:
        """Return the DLT rates alone, and what becomes of patients, of each scenario."""
        names = "hazard", "rate", "removed", "left_out", "share"
        parts = [np.array(getattr(self, name)) for name in names]
        return [(p, Leaving(*of)) for p, *of in zip(np.array(self.alone), *parts, strict=True)]

    def known_by(self, u: FloatArray) -> FloatArray:
        """Return the probability that a fate is known by the share u of the window, by fate, [5, ..., R, D]."""
        return np.stack([known_by(u, p, leave, self.onset) for p, leave in self.each()], axis=-2)

    def rows(self, rows: slice) -> Fates:
        """Return those of some scenarios, of the same kinds."""
        names = "alone", "hazard", "rate", "removed", "left_out", "share"
        found = Fates(self.onset, *(getattr(self, name)[rows] for name in names))
        found.__dict__["kinds"] = self.kinds
        return found


def _tuples(value: Any) -> Any:
    """Return nested lists as tuples."""
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
