"""Reasons for which rules laid over a design stop a trial."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Reason:
    """Why a modifier stops a trial.

    Of several the foremost is kept: those after which no dose is selected go before others, then those of lower rank,
    then by name.

    Parameters
    ----------
    of : tuple of str
        The conditions that hold; more than one where rules are joined by `all`.
    rank : int
    selects_none : bool
        Whether no dose is selected.
    undoable : bool
        Whether a demand may undo it.
    """

    of: tuple[str, ...]
    rank: int = 0
    selects_none: bool = False
    undoable: bool = False

    @property
    def name(self) -> str:
        """How results name it."""
        return " and ".join(self.of)

    @property
    def place(self) -> tuple[bool, int, str]:
        """What it is ordered by."""
        return not self.selects_none, self.rank, self.name
