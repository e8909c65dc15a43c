"""Other events than DLTs of simulated patients, who are the same whichever design treats them."""

from __future__ import annotations

import numpy as np

from doseopt.clock.fates import CLEAN, DLT, GONE, NONE, OUT, Fates, shares_of
from doseopt.core.state import FloatArray, IntArray
from doseopt.engines.patients import Patients

STREAMS = (2, 3, 4)
"""Of the seed: of which population a patient is, when another event comes, and how it counts."""


class Others:
    """What becomes of the patients of T trials.

    Parameters
    ----------
    fates : Fates
    trials, seed, first : int
        As of `PendingTrials`.
    """

    def __init__(self, fates: Fates, trials: int, seed: int, first: int) -> None:
        self.onset, self.alone = fates.onset, np.array(fates.alone)
        self.hazard, self.share = np.array(fates.hazard), np.cumsum(np.array(fates.share), axis=1)
        self.streams = [Patients(trials, np.random.SeedSequence((seed, stream)), first) for stream in STREAMS]
        shares = np.stack([shares_of(p, leave, fates.onset) for p, leave in fates.each()], axis=1)
        self.counts = np.cumsum(shares, axis=0)

    def meet(
        self, u: FloatArray, trial: IntArray, number: IntArray, scenario: IntArray, dose: IntArray
    ) -> tuple[IntArray, FloatArray]:
        """Return what becomes of patients, and after which share of the window it is known.

        Parameters
        ----------
        u : float array [Q]
            Their tolerances.
        trial, number, scenario, dose : int array [Q]
        """
        population, when, how = (stream.tolerance(trial, number) for stream in self.streams)
        k = (population[:, None] >= self.share[scenario, :-1]).sum(axis=1)
        hazard, p = self.hazard[scenario, k, dose], self.alone[scenario, dose]
        with np.errstate(divide="ignore"):
            other = np.where(hazard > 0, -np.log1p(-when) / hazard, np.inf)
        dlt = self.onset.when(u, p)
        first = (other < 1) & (other < np.where(u < p, dlt, 1.0))
        kind = (how >= self.counts[:, scenario, k, dose][:-1]).sum(axis=0)
        counted = np.array([DLT, CLEAN, GONE, OUT])[kind]
        return np.where(first, counted, np.where(u < p, DLT, NONE)), np.where(first, other, dlt)
