"""Backfilling: what the engine asks of a design that treats patients at lower doses while a cohort is followed up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Backfilling(Protocol):
    """Rules of backfilling beside an escalation in cohorts."""

    @property
    def cohort(self) -> int:
        """Patients of a cohort of the escalation."""
        ...

    @property
    def cohorts(self) -> int:
        """Cohorts of the escalation at the most."""
        ...

    @property
    def start(self) -> int:
        """First dose level, counted from 1."""
        ...

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
        ...

    def next_dose(self, n: Sequence[int], y: Sequence[int], dose: int) -> int | None:
        """Return the dose of the next cohort, None where the trial stops as too toxic.

        Parameters
        ----------
        n, y : sequence of int
            Patients whose outcome is known, and DLTs, at each dose.
        dose : int
            The current one.
        """
        ...
