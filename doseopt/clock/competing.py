"""Competing events in the DLT window: death, transplantation and withdrawal, and the DLT rate that a rule meets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from doseopt.clock.onset import Onset
from doseopt.core.state import FloatArray

CONSTANT = Onset("constant")
READINGS = {
    "dlt": "counted as a DLT",
    "replace": "replaced",
    "complete": "counted as completed without DLT",
    "exclude": "left out and not replaced",
}
"""How a patient with another event counts, where the event is not attributed to treatment."""


def competing(
    p: npt.ArrayLike, others: Sequence[npt.ArrayLike], onset: Onset = CONSTANT
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the probabilities of what is seen first in the window.

    Parameters
    ----------
    p : float array [..., D]
        Probability of a DLT in the window, if nothing else happened.
    others : sequence of float array, broadcast with p
        Probability m_b of each other event in the window without treatment effect, below 1; its hazard is constant.
    onset : Onset
        The law of the time of a DLT.

    Returns
    -------
    dlt, others, neither : float arrays [..., D], [B, ..., D], [..., D]
        P_D = int S_B dF, P_b in proportion to the hazards of the others, P_0 = (1 - p) prod (1 - m_b).

    Examples
    --------
    >>> dlt, (death,), neither = competing(0.25, [0.25])
    >>> float(dlt), float(death), float(neither)
    (0.21875, 0.21875, 0.5625)
    """
    p = np.asarray(p, float)
    hazards = [
        np.broadcast_to(-np.log1p(-np.asarray(m, float)), np.broadcast_shapes(p.shape, np.shape(m))) for m in others
    ]
    total = np.asarray(sum(hazards, np.zeros_like(p)))
    dlt, neither = onset.first(p, total), (1 - p) * np.exp(-total)
    rest = np.maximum(1 - dlt - neither, 0)
    shares = [np.divide(h, total, out=np.zeros(total.shape), where=total > 0) for h in hazards]
    return dlt, np.array([share * rest for share in shares]).reshape(len(shares), *total.shape), neither


@dataclass(frozen=True, eq=False)
class Met:
    """What a rule meets where other events compete with the DLT.

    Attributes
    ----------
    rate : float array [..., D]
        DLT rate among evaluable patients, as they are counted.
    removed : float array [..., D]
        Probability that a patient enrolled is replaced.
    left_out : float array [..., D]
        Probability that a patient enrolled is left out and not replaced.
    """

    rate: FloatArray
    removed: FloatArray
    left_out: FloatArray

    @property
    def per_evaluable(self) -> FloatArray:
        """Patients enrolled for one that is evaluable, 1 / (1 - removed - left out), by Wald's identity."""
        return np.asarray(1 / (1 - self.removed - self.left_out))

    @property
    def excluded(self) -> FloatArray:
        """Probability that a patient who is not replaced is left out."""
        return np.asarray(self.left_out / (1 - self.removed))


def meet(
    p: npt.ArrayLike,
    others: Sequence[npt.ArrayLike],
    readings: Sequence[str],
    attributed: Sequence[float],
    onset: Onset = CONSTANT,
) -> Met:
    """Return the DLT rate that a rule meets, and how many patients are replaced.

    Parameters
    ----------
    p, others, onset
        As for `competing`.
    readings : sequence of str
        Of each other event: `dlt`, every one is called a DLT; `replace` or `complete`, a share is attributed to
        treatment and called a DLT, the rest is replaced or counts as completed without DLT; `exclude`, the rest is
        left out, and keeps its place in the cohort.
    attributed : sequence of float
        These shares; without meaning under `dlt`.

    Examples
    --------
    Nothing attributed, the rest replaced: more DLTs a patient that counts than patients have.

    >>> met = meet(0.25, [0.25], ["replace"], [0.0])
    >>> round(float(met.rate), 4), float(met.per_evaluable)
    (0.28, 1.28)
    """
    dlt, events, _ = competing(p, others, onset)
    seen, removed, left_out = dlt.copy(), np.zeros_like(dlt), np.zeros_like(dlt)
    for event, reading, share in zip(events, readings, attributed, strict=True):
        seen = seen + (event if reading == "dlt" else share * event)
        removed = removed + ((1 - share) * event if reading == "replace" else 0)
        left_out = left_out + ((1 - share) * event if reading == "exclude" else 0)
    return Met(seen / (1 - removed - left_out), removed, left_out)


def mixed(each: Sequence[Met], shares: Sequence[float]) -> Met:
    """Return what a rule meets where patients are of several populations, whoever came before.

    Parameters
    ----------
    each : sequence of Met
        In each population.
    shares : sequence of float
        Of the patients enrolled; 1 in all.

    Examples
    --------
    Half die for sure before any DLT, and are replaced: two are enrolled for one of the others.

    >>> others, dying = meet(0.25, [0.0], ["replace"], [0.0]), Met(np.array(0.0), np.array(1.0), np.array(0.0))
    >>> found = mixed([others, dying], [0.5, 0.5])
    >>> float(found.rate), float(found.per_evaluable)
    (0.25, 2.0)
    """
    if len(each) == 1:
        return each[0]
    pairs = list(zip(shares, each, strict=True))
    stays = sum(share * (1 - met.removed - met.left_out) for share, met in pairs)
    seen = sum(share * (1 - met.removed - met.left_out) * met.rate for share, met in pairs)
    removed, left_out = (sum(share * getattr(met, name) for share, met in pairs) for name in ("removed", "left_out"))
    return Met(np.asarray(seen / stays), np.asarray(removed), np.asarray(left_out))
