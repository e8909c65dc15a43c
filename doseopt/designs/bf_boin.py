"""The Bayesian optimal interval design with backfilling."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from doseopt.core.design import Row
from doseopt.core.facts import Facts
from doseopt.core.parameters import Fault, param
from doseopt.core.state import CONTINUE, BoolArray, Decision, FloatArray, IntArray, TrialState
from doseopt.designs.boin import BOIN
from doseopt.designs.interval import DOWN, STAY, TOO_TOXIC, UP, tables
from doseopt.designs.selection import isotonic

OUT = -2
"""A decision beside UP, STAY and DOWN: the dose is eliminated."""
ENOUGH = 2


@dataclass(frozen=True)
class BFBOIN(BOIN):
    """BOIN with backfilling: patients at lower doses while a cohort is followed up.

    A patient who comes while no place of the cohort is free and the outcomes of its patients are not all known is
    treated at the highest open dose below the current one, else turned away. A dose is open from the first response
    seen there, until `n_cap` patients were treated there, while y/n < lambda_d at it, or at it and the next dose
    together; from the lowest dose on that fails this, none above is open.

    The next dose follows from all patients whose outcome is known, as BOIN's. Where a lower dose says that doses are
    too toxic which the current one says are not, the patients from the highest such dose b on are pooled: up if they
    say up; if they say down, to the highest dose k >= b with (y_b + ... + y_k)/(n_b + ... + n_k) < lambda_d, else to
    b - 1; else stay. MTD: as BOIN's, from all patients.

    Parameters
    ----------
    doses : int
    target : float
    cohorts : int
        Of the escalation, at the most.
    n_cap : int
        Patients at a dose from which on it is closed to backfilling.
    saf, tox, cutoff, eliminate_from, tie, bounded, cohort, start
        As of BOIN.
    extra_safe, titration : bool
        False: neither is published with backfilling.

    Notes
    -----
    Names: "BF-BOIN". Which doses are open depends on when patients come, and on who responds: trials are simulated in
    time. Without time, cohorts at a dose below the one that it gives next are of backfilling: such patients stand
    before the cohort beside which they came.

    References
    ----------
    Zhao, Yuan, Korn & Freidlin 2024, Clinical Cancer Research 30:673.

    Examples
    --------
    Three of six patients had a DLT at dose 1 and none of three at dose 2: pooled 3 of 9, too many at a target of 0.25.

    >>> from doseopt import BFBOIN, after
    >>> design = BFBOIN(doses=3, target=0.25)
    >>> design.next_dose([6, 3, 0], [3, 0, 0], 1) + 1
    1

    The same where the trial is written down, the second three of dose 1 backfilled beside the cohort at dose 2:

    >>> design.decide(after(design, "1NNN 1TTT 2NNN")).dose.item() + 1
    1
    """

    cohorts: int = param(10, low=1, high=100, doc="cohorts of the escalation at the most")
    n_cap: int = param(12, low=1, high=100, doc="patients at a dose from which on it is closed to backfilling")

    @classmethod
    def example(cls) -> Self:  # type: ignore[override]  # no modifier is laid over it
        """Return the design as the conformance checks try it."""
        return cls(doses=3, target=0.25, cohorts=5)

    def _faults(self) -> list[Fault]:
        found = super()._faults()
        unknown = [name for name in ("extra_safe", "titration") if getattr(self, name) is True]
        return found + [Fault(name, "wanted false: it is not published with backfilling, got true") for name in unknown]

    @property
    def facts(self) -> Facts:
        """What is fixed before the trial begins.

        Memory: the dose of the escalation's last cohort, an index, and its cohorts so far.
        """
        beside = (self.doses - 1) * max(self.n_cap - self.cohort, 0)  # a response is seen in a cohort there first
        return dataclasses.replace(
            super().facts,
            memory=("escalated_to", "escalation_cohorts"),
            stops=("too_toxic", "all_cohorts"),
            ends=True,
            cap=self.cohorts * self.cohort + beside,
            below=None,
            backfill=self,
        )

    @cached_property
    def _tables(self) -> list[list[int]]:
        most = 1 + self.cohorts * self.cohort + self.doses * self.n_cap
        moves, out, _ = tables(self, most)
        found: list[list[int]] = np.where(out, OUT, moves).tolist()
        return found

    def says(self, n: int, y: int) -> int:
        """Return UP, STAY, DOWN or OUT for y DLTs in n patients; UP for none."""
        if n < len(self._tables):
            return self._tables[n][y] if n else UP
        many = np.array(n), np.array(y)  # more than the design gives
        return OUT if self.eliminates(*many) else int(self.moves(*many))

    def opens(self, n: Sequence[int], y: Sequence[int], assigned: Sequence[int], seen: Sequence[bool]) -> list[int]:
        """Return the doses open to backfilling, of those below the current one; see `Backfilling`."""
        found = []
        for j in range(len(n) - 1):
            alone, both = self.says(n[j], y[j]), self.says(n[j] + n[j + 1], y[j] + y[j + 1])
            if max(alone, both) in (DOWN, OUT):  # the milder of the two
                break
            if seen[j] and assigned[j] < self.n_cap:
                found.append(j)
        return found

    def next_dose(self, n: Sequence[int], y: Sequence[int], dose: int) -> int | None:
        """Return the dose of the next cohort, None where the trial stops as too toxic; see `Backfilling`."""
        said = [self.says(a, b) for a, b in zip(n, y, strict=True)]
        own, below = said[dose], said[:dose]
        top = next((k for k in range(dose, self.doses) if said[k] == OUT), self.doses) - 1
        bad = [j for j in range(dose) if below[j] != UP and (own == UP or below[j] in (DOWN, OUT))]
        if bad:
            return self._pooled(n, y, dose, bad[-1], top)
        if own == UP:
            return min(dose + 1, top)
        if own == STAY or (dose == 0 and own == DOWN):
            return dose
        return dose - 1 if dose else None

    def _pooled(self, n: Sequence[int], y: Sequence[int], dose: int, low: int, top: int) -> int | None:
        """Return the same where lower doses speak against the current one, from the highest that does on."""
        sums = [(sum(n[low : k + 1]), sum(y[low : k + 1])) for k in range(low, dose + 1)]
        said = self.says(*sums[-1])
        if said == UP:
            return min(dose + 1, top)
        if said == STAY:
            return dose
        safe = [low + k for k, each in enumerate(sums) if self.says(*each) in (UP, STAY)]
        if safe:
            return safe[-1]
        if low:
            return low - 1
        return None if self.says(n[0], y[0]) == OUT else 0

    def _next(self, state: TrialState) -> IntArray:
        """Return the dose of the next cohort of each trial that has begun, -1 where it stops as too toxic, [S]."""
        rows = zip(state.n.tolist(), state.y.tolist(), state.memory[:, 0].tolist(), strict=True)
        found = [self.next_dose(*row) for row in rows]
        return np.array([-1 if dose is None else dose for dose in found], np.int64)

    def remember(self, before: TrialState, given: Decision, outcome: IntArray) -> IntArray:
        """Keep where the escalation is, and count its cohorts; those at a dose below the next are of backfilling."""
        at, count = before.memory.T
        beside = (count > 0) & (given.dose < self._next(before))
        return np.stack([np.where(beside, at, given.dose), count + ~beside], axis=1)

    def decide(self, state: TrialState) -> Decision:
        """Return the next cohort of the escalation."""
        dose = self._next(state)
        stop = np.where(state.memory[:, 1] >= self.cohorts, ENOUGH, CONTINUE)
        stop = np.where(dose < 0, TOO_TOXIC, stop)
        return Decision(np.maximum(dose, 0), np.full(len(state), self.cohort), stop)

    def admissible(self, state: TrialState) -> BoolArray:
        """Exclude the doses from the first one on, not below the current one, that is eliminated.

        Of a lower one that is, the patients of the doses above it are asked as well.
        """
        _, out, _ = tables(self, 1 << int(state.n.max(initial=1)).bit_length())
        above = np.arange(self.doses) >= state.memory[:, :1]
        return ~np.logical_or.accumulate(out[state.n, state.y] & above, axis=1)

    def estimated(self, state: TrialState) -> FloatArray:
        """Return BOIN's isotonic estimate of the DLT rates, from all patients, [S, D]."""
        return isotonic(state.n, state.y, state.tried & super().admissible(state), self.isotonic_prior)

    def describe(self) -> list[Row]:
        """Return BOIN's rules, and those of backfilling."""
        source = "Zhao et al. 2024"
        opened = (
            f"below the current dose from a response on, until {self.n_cap} patients were treated there, while "
            f"y/n < {self.lambda_d:.4f} at it or at it and the next together; the highest such dose while a cohort is "
            "followed up"
        )
        pooled = "where a lower dose looks more toxic than the current one, they count together, with those between"
        end = f"after {self.cohorts} cohorts, patients of backfilling not counted"
        rows = [Row("backfilling", opened, source), Row("doses that contradict", pooled, source), Row("end", end)]
        return [*super().describe(), *rows]
