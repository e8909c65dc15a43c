"""Distribution of the duration of trials with pending patients: followed slot by slot, time being part of the state."""

from __future__ import annotations

import numpy as np

from doseopt.clock.fates import Fates
from doseopt.clock.lattice import Lattice
from doseopt.clock.onset import Onset
from doseopt.core.design import Design
from doseopt.core.state import BoolArray, FloatArray, IntArray
from doseopt.engines.budget import MAX_PENDING
from doseopt.engines.exact import log_of
from doseopt.engines.follow_up import resolve
from doseopt.engines.packed import join
from doseopt.engines.pending import Walk
from doseopt.engines.ways import WEIGHT, Law, law_of

LEFT = 1e-12
"""Probability of trials that still go on, below which they are left."""


def duration_law(
    design: Design,
    lattice: Lattice,
    onset: Onset,
    p: FloatArray,
    max_states: int = MAX_PENDING,
    fates: Fates | None = None,
    moderate: FloatArray | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Return the times at which the outcomes of all patients may be known, in windows, [T], and their probabilities.

    Parameters
    ----------
    design : Design
    lattice : Lattice
    onset : Onset
    p : float array [R, D]
        DLT rates.
    max_states : int
    fates : Fates, optional
        What becomes of patients where other events than DLTs happen.
    moderate : float array [R, D], optional
        P(moderate toxicity | no DLT), for a design that looks at it.

    Returns
    -------
    times : float array [T]
    probability : float array [R, T]
        It leaves out at most `LEFT`.

    Examples
    --------
    Two patients at equal gaps of half a window, the first after one: all is known after 2.0, or half a window earlier
    if the second patient has a DLT in the first half.

    >>> from doseopt import Lattice, MaxPatients, Modified, RollingSix
    >>> design = Modified(RollingSix(doses=1, target=0.25), (MaxPatients(n=2),))
    >>> times, chance = duration_law(design, Lattice(2.0, opened=1.0), Onset("uniform"), np.array([[0.2]]))
    >>> times.tolist(), chance.round(3).tolist()
    ([1.5, 2.0], [[0.1, 0.9]])
    """
    walk = _Timed(design, lattice, law_of(onset, p, fates, moderate=moderate), p, max_states)
    walk.run()
    times = np.array(sorted(walk.found))
    return times, np.stack([walk.found[time] for time in times.tolist()], axis=1)


def chance_of(walk: Walk, p: FloatArray, words: IntArray, weight: FloatArray) -> FloatArray:
    """Return the probability of all trials of a walk that have ended, packed [W, S], with weights [R, S], [R].

    Parameters
    ----------
    walk : Walk
    p : float array [R, D]
    words, weight : arrays
    """
    if not walk.law.free:
        return np.asarray(weight.sum(axis=1))
    state = walk.layout.unpack(words)
    y, others = state.y.astype(float), (state.n - state.y).astype(float)
    likelihood = np.exp(log_of(p) @ y.T + log_of(1 - p) @ others.T)
    return np.asarray(likelihood @ weight[0] if len(weight) == 1 else (likelihood * weight).sum(axis=1))


class _Timed(Walk):
    """The trials, slot by slot.

    Attributes
    ----------
    found : dict of float to float array [R]
        The probability of each duration.
    """

    def __init__(self, design: Design, lattice: Lattice, law: Law, p: FloatArray, max_states: int) -> None:
        super().__init__(design, lattice, law, max_states=max_states)
        self.by_slot, self.p = True, p
        self.found: dict[float, FloatArray] = {}
        self.left = np.ones(len(p))

    def _end(self, words: IntArray, sums: FloatArray, early: BoolArray) -> None:
        """Add the trials that end with nobody pending."""
        start = self.clock.starts(self.layer)
        for rows, time in ((~early, start), (early, start - self.spare)):
            self._add(time, chance_of(self, self.p, words[:, rows], sums[WEIGHT][..., rows]))

    def _follow_up(self) -> None:
        """Add the trials that enrol nobody from the slot on."""
        closed, self.closed = [b for b in self.closed if b[0].shape[1]], []
        start = self.clock.starts(self.layer)
        if closed:
            words, sums = join(closed)
            self._count(words.shape[1])
            words, by, _, sums = resolve(words, sums, self.layout, self.slot, self.law)
            before = np.zeros(len(self.p))
            for time, weight in zip([*self.slot.ends, self.slot.last], [*by, sums[WEIGHT]], strict=True):
                known = chance_of(self, self.p, words, weight)
                self._add(start + time, known - before)
                before = known
        if (self.left < LEFT).all():
            self.starting.clear()
            self.ageing.clear()

    def _add(self, time: float, chance: FloatArray) -> None:
        """Add the probability of a duration."""
        if chance.any():
            key = round(float(time), 9)
            self.found[key] = self.found.get(key, np.zeros(len(self.p))) + chance
            self.left -= chance
