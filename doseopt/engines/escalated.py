"""Escalations on pending patients that a DLT proves hasty: how probable a trial with one is, without replicates."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from doseopt.clock.fates import Fates
from doseopt.clock.lattice import Calendar, Lattice
from doseopt.clock.onset import Onset
from doseopt.core.design import Design
from doseopt.core.state import BoolArray, Decision, FloatArray, IntArray, TrialState
from doseopt.engines.budget import MAX_PENDING
from doseopt.engines.duration_pending import chance_of
from doseopt.engines.packed import join
from doseopt.engines.pending import Walk
from doseopt.engines.ways import WEIGHT, law_of


def escalated_before_dlt(
    design: Design,
    clock: Lattice | Calendar,
    onset: Onset,
    p: FloatArray,
    max_states: int = MAX_PENDING,
    fates: Fates | None = None,
    moderate: FloatArray | None = None,
) -> FloatArray:
    """Return the probability that a dose is escalated from while a patient is pending there who is to have a DLT, [R].

    Trials without such an escalation are followed: whoever is pending at the dose that one leaves is marked, and has
    no DLT. Their probabilities, summed over the endings, are what is missing to 1.

    Parameters
    ----------
    design : Design
    clock : Lattice or Calendar
    onset : Onset
    p : float array [R, D]
        DLT rates.
    max_states : int
    fates : Fates, optional
        What becomes of patients where other events than DLTs happen.
    moderate : float array [R, D], optional
        P(moderate toxicity | no DLT), for a design that looks at it.

    Examples
    --------
    At two patients a window rolling six leaves the lower of two doses at the seventh patient, if none of six has had a
    DLT; the sixth still has one in the second half of the window with probability 0.8^5 0.1:

    >>> from doseopt import Lattice, RollingSix
    >>> escalated_before_dlt(
    ...     RollingSix(doses=2, target=0.25), Lattice(2.0), Onset("uniform"), np.array([[0.2, 0.3]])
    ... ).round(6).tolist()
    [0.032768]
    """
    walk = _Spared(design, clock, law_of(onset, p, fates, moderate=moderate), max_states=max_states)
    walk.run()
    words, sums = join(walk.ended)
    return np.asarray(1 - chance_of(walk, p, words, sums[WEIGHT]))


class _Spared(Walk):
    """The trials in which no dose is escalated from before a DLT there."""

    spares: ClassVar[bool] = True

    def _opened(self, words: IntArray, state: TrialState, given: Decision, asked: BoolArray) -> IntArray:
        """Mark who is pending at the dose that is escalated from."""
        words = super()._opened(words, state, given, asked)
        up = asked & (state.dose >= 0) & (given.dose > state.dose)
        left = up[:, None] & (self.layout.digits(words) == 1 + state.dose[:, None])
        shifts = np.arange(self.layout.slots) * self.layout.digit
        self.layout.pending.add(words, ((left * self.layout.doses) << shifts).sum(axis=1))
        return words
