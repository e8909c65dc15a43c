"""The base that most modifiers share."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np

from doseopt.core.comers import Comers
from doseopt.core.design import Design, Phase
from doseopt.core.parameters import Fault, check
from doseopt.core.reason import Reason
from doseopt.core.state import BoolArray, Decision, IntArray, TrialState


class Rule:
    """What most modifiers share: no memory, no reason to stop, nothing to fill in.

    Attributes
    ----------
    stops : tuple of str
        The reasons to stop that it may give.
    selects_none : bool
        Whether a trial that it stops selects no dose.
    undoable : bool
        Whether a demand may undo its reasons.
    """

    phase: ClassVar[Phase]
    rank: ClassVar[int] = 0
    stops: ClassVar[tuple[str, ...]] = ()
    ends: ClassVar[bool] = False
    by_table: ClassVar[bool] = False
    selects_none: ClassVar[bool] = False
    undoable: ClassVar[bool] = False
    sees_pending: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Check the declared parameters."""
        check(self)

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Why it may stop a trial."""
        return tuple(Reason((name,), self.rank, self.selects_none, self.undoable) for name in self.stops)

    @property
    def asks_next_dose(self) -> bool:
        """Whether it waits for the next dose, as all do after which a dose is selected."""
        return not self.selects_none

    @property
    def memory(self) -> tuple[str, ...]:
        """Names of what the rule keeps beside the tally."""
        return ()

    @property
    def cap(self) -> int | None:
        """Most patients that it lets a trial treat; it says nothing of them."""
        return None

    @property
    def comers(self) -> Comers | None:
        """How many patients come for a cohort; it says nothing of them."""
        return None

    @property
    def max_enrolled(self) -> int | None:
        """Most patients that it lets a trial enrol; it says nothing of them."""
        return None

    @property
    def graded(self) -> bool:
        """Whether it tells moderate toxicities from none: no."""
        return False

    def counted(self, state: TrialState) -> tuple[IntArray, IntArray]:
        """Return the patients and DLTs that the design under it counts, [S, D] each: all."""
        return state.n, state.y

    @property
    def forbids_skipping(self) -> bool:
        """Whether no dose more than one level above the highest tried is given: no."""
        return False

    @property
    def exclusion(self) -> str:
        """Why a dose is not admissible: none is."""
        return ""

    def closed(self, state: TrialState) -> BoolArray:
        """Return which doses are not admissible: none."""
        return np.zeros(state.n.shape, bool)

    def bind(self, base: Design) -> Self:
        """Fill in from the design what was left open."""
        return self

    def clash(self, base: Design) -> Fault | None:
        """Say why the rule cannot be laid over this design, or None."""
        return None

    def with_dose(self, position: int, value: float) -> Self:
        """Return the rule for one dose more, of that value, standing at that index."""
        return self

    def remember(self, before: TrialState, given: Decision, outcome: IntArray) -> IntArray:
        """Return the rule's memory after a cohort, [S, M]."""
        return np.zeros((len(before), 0), np.int64)
