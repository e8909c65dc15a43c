"""Answers of a design about many states, some of which it does not tell apart."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from doseopt.core.state import CONTINUE, NONE, Decision, IntArray


@dataclass(frozen=True, eq=False)
class Answers:
    """What a design does in some states, Q kinds of them that it does not tell apart.

    Attributes
    ----------
    decision : Decision
        In each kind.
    selected : int array [Q] or None
        The MTD where they stop, or `LATER`, else -1; None where that is not the same for all of a kind.
    kind : int32 array [S]
    many : int array [Q]
        States of each kind.
    """

    decision: Decision
    selected: IntArray | None
    kind: IntArray
    many: IntArray

    @functools.cached_property
    def given(self) -> IntArray:
        """The dose that each kind is given, -1 where it stops, [Q]."""
        return np.where(self.decision.stop == CONTINUE, self.decision.dose, NONE)

    @classmethod
    def concatenate(cls, parts: list[Answers]) -> Answers:
        """Join the answers about batches."""
        if len(parts) == 1:
            return parts[0]
        before = np.cumsum([0, *(len(part.many) for part in parts)], dtype=np.int32)
        chosen = [part.selected for part in parts if part.selected is not None]
        return cls(
            Decision.concatenate([part.decision for part in parts]),
            np.concatenate(chosen) if chosen else None,
            np.concatenate([part.kind + first for part, first in zip(parts, before[:-1], strict=True)]),
            np.concatenate([part.many for part in parts]),
        )
