"""Backfilling beside an interval design: patients at doses below the current one while its cohort is followed up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from doseopt.core.parameters import Fault, check, param
from doseopt.designs.interval import DOWN, STAY, UP, SafeIntervalDesign, tables

OUT = -2
"""A decision beside UP, STAY and DOWN: the dose is eliminated."""


@dataclass(frozen=True)
class Backfill:
    """The rules of BF-BOIN: which doses are open to backfilling, and how its patients count in the next decision.

    A patient who comes while no place of the cohort is free and the outcomes of its patients are not all known is
    treated at the highest open dose below the current one, else turned away. A dose is open from the first response
    seen there, until `n_cap` patients were treated there, while y/n < lambda_d at it, or at it and the next dose
    together; from the lowest dose on that fails this, none above is open.

    The next dose follows from all patients whose outcome is known. Where a lower dose says that doses are too toxic
    which the current one says are not, the patients from the highest such dose b on are pooled: up if they say up; if
    they say down, to the highest dose k >= b with (y_b + ... + y_k)/(n_b + ... + n_k) < lambda_d, else to b - 1; else
    stay.

    Parameters
    ----------
    base : SafeIntervalDesign
        BOIN, whose cohorts are those of the escalation.
    n_cap : int
        Patients at a dose from which on it is closed.

    References
    ----------
    Zhao, Yuan, Korn & Freidlin 2024, Clinical Cancer Research 30:673.

    Examples
    --------
    Three of six patients had a DLT at dose 1 and none of three at dose 2: pooled 3 of 9, too many at a target of 0.25.

    >>> from doseopt import BOIN
    >>> rule = Backfill(BOIN(doses=3, target=0.25))
    >>> rule.next_dose([6, 3, 0], [3, 0, 0], 1, 3)
    (0, 3)
    """

    base: SafeIntervalDesign
    n_cap: int = param(12, kind=int, low=1, doc="patients at a dose from which on it is closed to backfilling")

    def __post_init__(self) -> None:
        """Check the parameters."""
        check(self, self._faults)

    def _faults(self) -> list[Fault]:
        if not isinstance(self.base, SafeIntervalDesign) or self.base.facts.pending or self.base.facts.memory:
            return [Fault("base", "wanted an interval design that waits until every outcome is known, as BOIN")]
        return []

    @cached_property
    def _tables(self) -> tuple[list[list[int]], int]:
        size = 256
        moves, out, _ = tables(self.base, size)
        return np.where(out, OUT, moves).tolist(), size

    def says(self, n: int, y: int) -> int:
        """Return UP, STAY, DOWN or OUT for y DLTs in n patients; UP for none."""
        return self._tables[0][n][y] if n else UP

    def opens(self, n: Sequence[int], y: Sequence[int], assigned: Sequence[int], seen: Sequence[bool]) -> list[int]:
        """Return the doses open to backfilling, of those below the current one.

        Parameters
        ----------
        n, y : sequence of int
            Patients whose outcome is known, and DLTs, up to the current dose.
        assigned : sequence of int
            Patients treated at each.
        seen : sequence of bool
            Whether a response was seen there.
        """
        found = []
        for j in range(len(n) - 1):
            alone, both = self.says(n[j], y[j]), self.says(n[j] + n[j + 1], y[j] + y[j + 1])
            if max(alone, both) in (DOWN, OUT):  # the milder of the two
                break
            if seen[j] and assigned[j] < self.n_cap:
                found.append(j)
        return found

    def next_dose(self, n: Sequence[int], y: Sequence[int], dose: int, room: int) -> tuple[int | None, int]:
        """Return the next dose of the escalation, None where the trial stops, and the lowest eliminated dose.

        Parameters
        ----------
        n, y : sequence of int
            Patients whose outcome is known, and DLTs.
        dose : int
            The current one.
        room : int
            The lowest dose eliminated so far; the number of doses if none is.
        """
        said = [self.says(a, b) for a, b in zip(n[: dose + 1], y[: dose + 1], strict=True)]
        own, below = said[dose], said[:dose]
        room = min(room, dose) if own == OUT else room
        bad = [j for j in range(dose) if below[j] != UP and (own == UP or below[j] in (DOWN, OUT))]
        if bad:
            return self._pooled(n, y, dose, bad[-1], room)
        if own == UP:
            return (dose + 1 if dose + 1 < room else dose), room
        if own == STAY or (dose == 0 and own == DOWN):
            return dose, room
        return (dose - 1 if dose else None), room

    def _pooled(self, n: Sequence[int], y: Sequence[int], dose: int, low: int, room: int) -> tuple[int | None, int]:
        """Return the same where lower doses speak against the current one, from the highest that does on."""
        sums = [(sum(n[low : k + 1]), sum(y[low : k + 1])) for k in range(low, dose + 1)]
        said = self.says(*sums[-1])
        if said == UP:
            return (dose + 1 if dose + 1 < room else dose), room
        if said == STAY:
            return dose, room
        safe = [low + k for k, each in enumerate(sums) if self.says(*each) in (UP, STAY)]
        if safe:
            return safe[-1], room
        if low:
            return low - 1, room
        return (None if self.says(n[0], y[0]) == OUT else 0), room
