"""Room of a walk through trials with pending patients: states, bytes and work that it may take."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NoReturn

from doseopt.core.design import Design
from doseopt.core.state import FloatArray, TrialState
from doseopt.engines.budget import MAX_WORK, TooManyStates, allowed, work_of

COPIES = 4
"""Of what waits, while states are merged."""


@dataclass
class Room:
    """What a walk has used so far of what it may.

    Parameters
    ----------
    design : Design
    slots : int
        In a window.
    max_states : int
    """

    design: Design
    slots: int
    max_states: int
    states: int = 0
    work: int = 0

    def ask(self, states: int, waiting: Iterable[FloatArray]) -> None:
        """Refuse to go on with more states than allowed, or with more waiting than there is room for."""
        self.states += states
        if self.states > self.max_states:
            self.refuse(f"{self.states:,} states, more than max_states = {self.max_states:,}")
        if COPIES * sum(sums.nbytes for sums in waiting) > allowed():
            self.refuse(f"{self.states:,} states, which need more than {allowed() / 1e9:.1f} GB")

    def ask_work(self, state: TrialState) -> None:
        """Refuse to go on with more work to decide than allowed."""
        self.work += work_of(self.design, len(state), int(state.total.max()))
        if self.work > MAX_WORK:
            nodes = f"{self.work:.2g} nodes, more than {MAX_WORK:.2g}"
            self.refuse(f"{self.states:,} states whose posteriors take {nodes}")

    def refuse(self, what: str) -> NoReturn:
        """Say what happened and what to do."""
        facts = self.design.facts
        advice = (
            "take fewer slots in a window, lower its max_patients, use larger cohorts, or simulate it"
            if facts.ends
            else "it has no rule that ends every trial: add a max_patients modifier"
        )
        size = f"{facts.doses} doses" + ("" if facts.cap is None else f", at most {facts.cap} patients")
        message = f"the trials of this design ({size}), {self.slots} slots in a window, have {what}; {advice}"
        raise TooManyStates(message)
