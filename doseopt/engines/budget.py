"""Budget of a graph: states, bytes and work, asked before a layer is made."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NoReturn

import numpy as np

from doseopt.core.design import Design
from doseopt.core.state import TrialState

MAX_STATES = 5_000_000
MAX_BYTES = 2_000_000_000
"""Memory that a graph may take while it is made."""
MAX_WORK = 6 * 10**10
"""Nodes of quadratures that are visited for one graph or simulation: minutes."""
SURELY = 4.0
"""A graph that grows as it does so far to so many times more than is allowed is refused at once."""
STEADY = {"too_toxic", "max_patients", "max_enrolled"}
"""Reasons to stop of designs that grow until their cap; a rule that ends most trials before it may halt the growth."""
WINDOW = 0.75
"""Share of the patients so far from which on it is seen how a graph grows."""


class TooManyStates(RuntimeError):
    """The graph of a design is larger than allowed."""


def work_of(design: Design, state: TrialState) -> int:
    """Return how many nodes are visited for the posteriors of a batch of states, about."""
    return 0 if design.facts.nodes is None else len(state) * design.facts.nodes(int(state.total.max()))


def growth_ahead(sizes: list[tuple[int, int]], cap: int) -> float:
    """Return about how many times as many states there will be at the cap, rather too few than too many; 1 if unknown.

    States grow as a power of the patients, which is that of the last quarter of the patients so far; where it has
    fallen since the quarter before, it is taken to go on falling.

    Parameters
    ----------
    sizes : list of (int, int)
        Patients, and states up to these, layer by layer.
    cap : int
        Patients at the end.
    """
    points = [sizes[-1]]
    for _ in range(2):
        before = [size for size in sizes if 0 < size[0] <= WINDOW * points[-1][0]]
        if not before:
            return 1.0
        points.append(before[-1])
    logs = np.log(np.array(points, float))
    power, earlier = (logs[:-1, 1] - logs[1:, 1]) / (logs[:-1, 0] - logs[1:, 0])
    ahead = max(math.log(cap) - float(logs[0, 0]), 0.0)
    windows = ahead / -math.log(WINDOW)
    falling = max(earlier - power, 0.0) * (windows + 1) / 2
    return math.exp(ahead * max(power - falling, 0.0))


def bytes_needed(design: Design, states: int, edges: int, arrivals: int) -> int:
    """Return the most memory that a graph takes, of so many states and edges, and trials that arrive in new states.

    Numbers have 8 bytes. A state is n, y, dose and memory, with a decision, two counts of paths and a selection;
    joining the layers holds n twice. An edge joins two states by counts. Trials that arrive are held with their edges,
    joined, and then sorted, which takes five numbers each.
    """
    row = 2 * design.facts.doses + len(design.facts.memory) + 1
    state = row + 6 + design.facts.doses
    edge = 2 + len(design.facts.outcomes)
    arrival = 2 * (row + edge + 2) + 5
    return 8 * (states * state + edges * edge + arrivals * arrival)


@dataclass
class Budget:
    """What a graph has used so far of what it may; it is refused before a layer is made that would exceed it.

    Parameters
    ----------
    design : Design
    begun : int
        Patients treated before its start.
    max_states, max_bytes : int
    """

    design: Design
    begun: int
    max_states: int
    max_bytes: int
    work: int = 0
    sizes: list[tuple[int, int]] = field(default_factory=list)

    def ask(self, patients: int, states: int, layer: TrialState) -> None:
        """Refuse a layer, `states` being all up to it, that are too many or take too much work to decide about."""
        if states > self.max_states:
            self._refuse(patients, f"{states:,} states, more than max_states = {self.max_states:,}")
        self.work += work_of(self.design, layer)
        if self.work > MAX_WORK:
            nodes = f"{self.work:.2g} nodes, more than {MAX_WORK:.2g}"
            self._refuse(patients, f"{states:,} states whose posteriors take {nodes}")

    def ask_ahead(self, patients: int, states: int, edges: int, arrivals: int) -> None:
        """Refuse what comes next if it could need too much memory, or if the graph grows so that it surely will."""
        needed = bytes_needed(self.design, states, edges, arrivals)
        if needed > self.max_bytes:
            could = f"could then need {needed / 1e9:.1f} GB, more than the {self.max_bytes / 1e9:.1f} GB of max_bytes"
            self._refuse(patients, f"{states:,} states and {could}")
        self.sizes.append((patients - self.begun, states))
        facts = self.design.facts
        steady = facts.cap is not None and set(facts.stops) <= STEADY
        growth = growth_ahead(self.sizes, (facts.cap or 0) - self.begun) if steady else 1.0
        if growth * max(needed / self.max_bytes, states / self.max_states, self.work / MAX_WORK) > SURELY:
            allowed = (
                f"{self.max_states:,} states, {self.max_bytes / 1e9:.1f} GB and {MAX_WORK:.2g} nodes of posteriors"
            )
            expected = f"would have about {growth * states:.2g} at the end if it goes on growing as it does"
            self._refuse(patients, f"{states:,} states, and {expected}, more than {allowed} allow")

    def _refuse(self, patients: int, what: str) -> NoReturn:
        """Say what happened and what to do."""
        facts = self.design.facts
        advice = (
            "lower its max_patients, use larger cohorts, or simulate it (doseopt compare --simulate; in Python "
            "doseopt.Simulate)"
            if facts.ends
            else "it has no rule that ends every trial: add a max_patients modifier"
        )
        size = f"{facts.doses} doses" + ("" if facts.cap is None else f", at most {facts.cap} patients")
        raise TooManyStates(f"the graph of this design ({size}) has, by {patients} patients, {what}; {advice}")
