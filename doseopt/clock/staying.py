"""Stay of patients in the window: when those leave who are lost, and when it is known how the others count."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from doseopt.clock.fates import Leaving, known_by, over
from doseopt.clock.onset import Onset
from doseopt.core.state import BoolArray, FloatArray, IntArray

GRID = 1025
"""Points of the law of a time in the window."""


@dataclass(frozen=True, eq=False)
class Stays:
    """Laws of the times in the window, by dose.

    Parameters
    ----------
    removed : float array [D]
        Probability that a patient enrolled is replaced.
    leaves : float array [D, GRID]
        When they leave: the probability by each of GRID equal steps.
    excluded : float array [D, GRID], optional
        The same of those who are left out and not replaced; nobody is when left out.
    toxic, clean : float array [D, GRID], optional
        When it is known of the others, those who count as a DLT and those who do not; of all others, those left out
        too, at the end of the window when left out.
    visits : tuple of float
        Ends of the intervals, as shares of the window, at which a DLT is known; at once when empty.
    """

    removed: FloatArray
    leaves: FloatArray
    excluded: FloatArray | None = None
    toxic: FloatArray | None = None
    clean: FloatArray | None = None
    visits: tuple[float, ...] = ()

    def left(self, dose: IntArray, rng: np.random.Generator) -> FloatArray:
        """Draw when patients leave who may be replaced, as a share of the window."""
        return _drawn(self.leaves, dose, rng)

    def known(self, dose: IntArray, dlt: BoolArray, rng: np.random.Generator) -> FloatArray:
        """Draw when it is known how patients count, as a share of the window."""
        found = np.ones(len(dose))
        if self.toxic is None or self.clean is None:
            return found
        found[dlt] = _drawn(self.toxic, dose[dlt], rng)
        if self.clean.any():
            found[~dlt] = _drawn(self.clean, dose[~dlt], rng)
        if not self.visits:
            return found
        ends = np.array(self.visits)
        return np.where(dlt, ends[np.minimum(np.searchsorted(ends, found), len(ends) - 1)], found)

    def left_out(self, dose: IntArray, rng: np.random.Generator) -> FloatArray:
        """Draw for how long a cohort waits for patients who are left out, as a share of the window."""
        return np.ones(len(dose)) if self.excluded is None else _drawn(self.excluded, dose, rng)

    @property
    def early(self) -> bool:
        """Whether it is known before the end of the window how a patient counts."""
        return self.toxic is not None


def _drawn(law: FloatArray, dose: IntArray, rng: np.random.Generator) -> FloatArray:
    """Draw shares of the window; what the law leaves out by its last point happens there."""
    found, u, grid = np.empty(len(dose)), rng.random(len(dose)), np.linspace(0, 1, GRID)
    for j in np.unique(dose).tolist():
        found[dose == j] = np.interp(u[dose == j], law[j], grid)
    return found


def leaving(p: FloatArray, hazard: FloatArray, onset: Onset) -> FloatArray:
    """Return the probability that another event has come first by each of GRID steps, over its hazard, [..., GRID].

    Parameters
    ----------
    p, hazard : float array [...]
        DLT rates, and the hazard a window of all other events together; their share of it does not change.
    onset : Onset
    """
    u = np.linspace(0, 1, GRID)
    density = np.exp(-hazard[..., None] * u) * (1 - onset.reached(u, p[..., None]))
    sums = np.cumsum(density[..., 1:] + density[..., :-1], axis=-1) / (2 * (GRID - 1))
    return np.concatenate([np.zeros((*density.shape[:-1], 1)), sums], axis=-1)


def stays(p: FloatArray, leave: Leaving, onset: Onset, early: bool = False, visits: tuple[float, ...] = ()) -> Stays:
    """Return the laws of a scenario.

    Parameters
    ----------
    p : float array [D]
        DLT rates if nothing else happened.
    leave : Leaving
    onset : Onset
    early : bool
        Whether it is known before the end of the window how a patient counts who has a DLT or another event.
    visits : tuple of float
        As of `Stays`.

    Notes
    -----
    The laws of the fates of `doseopt.clock.fates.known_by`, each given its fate; populations come mixed.
    """
    at_risk = np.moveaxis(leaving(np.broadcast_to(p, leave.hazard.shape), leave.hazard, onset), -1, 0)
    none, dlt, clean, gone, out = known_by(np.linspace(0, 1, GRID), p, leave, onset, at_risk).transpose(0, 2, 1)
    removed, leaves = np.asarray((leave.share[:, None] * leave.removed).sum(axis=0)), over(gone, gone[:, -1:])
    if not early:
        return Stays(removed, leaves)
    stayed = (none + clean)[:, -1:]
    return Stays(removed, leaves, over(out, out[:, -1:]), over(dlt, dlt[:, -1:]), over(clean, stayed), visits)
