"""Budget of a graph: states, bytes and work, asked before a layer is made."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple, NoReturn

import numpy as np

from doseopt.core import trial
from doseopt.core.design import Design
from doseopt.engines.arrivals import PIECE

MAX_STATES = 20_000_000
MAX_PENDING = 5_000_000
"""States of trials with pending patients, which are many words each."""
MAX_BYTES = 2_000_000_000
"""Memory that a graph may take while it is made."""
MAX_WORK = 6 * 10**10
"""Nodes of quadratures that are visited for one graph or simulation: minutes."""
STEADY = {"too_toxic", "max_patients", "max_enrolled"}
"""Reasons to stop of designs that grow until their cap; a rule that ends most trials before it may halt the growth."""
SURELY = 4.0
"""A graph that grows as it does so far to so many times more than is allowed is refused at once."""
ENDINGS = 0.4
"""Share of the states that are kept in the end, at least: those of the last layer are almost half."""
WINDOW = 0.75
"""Share of the patients so far from which on it is seen how a graph grows."""


class TooManyStates(RuntimeError):
    """The graph of a design is larger than allowed."""


def work_of(design: Design, states: int, patients: int) -> int:
    """Return how many nodes are visited for the posteriors of some states, of at most so many patients, about."""
    return 0 if design.facts.nodes is None else states * design.facts.nodes(patients)


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


class Needed(NamedTuple):
    """What a graph holds while it is made.

    Attributes
    ----------
    words : int
        Integers of a packed state.
    kept : int
        States that are kept.
    edges : int
        Edges that are kept.
    layer : int
        States of the last layer.
    arrivals : int
        Trials that come next, none of them in the same state at the most.
    """

    words: int
    kept: int
    edges: int
    layer: int
    arrivals: int


def bytes_needed(design: Design, needed: Needed) -> int:
    """Return the most memory that a graph takes, now or when it is joined.

    Numbers have 8 bytes. A state is kept packed, with a decision, two sums and a selection, and unpacked in the end. An
    edge joins two states by counts. States of a layer are packed, with a decision and two sums; of those that arrive
    this is held twice while the room for them grows, or while they are sorted, with six numbers each for that. Some
    of a layer at a time are unpacked, and fewer asked about at a time, which takes a rule six tables of their doses.
    """
    facts, words = design.facts, needed.words
    row = 2 * facts.doses + len(facts.memory) + 1
    asked = min(needed.layer, PIECE) * row + min(needed.layer, trial.PIECE) * 6 * facts.doses
    kept, edge = words + 6 + row + 8, 2 + len(facts.outcomes)
    return 8 * (
        needed.kept * kept
        + needed.edges * 2 * edge
        + needed.layer * (words + 9)
        + asked
        + needed.arrivals * (2 * (words + 2) + 6 + edge * (needed.edges > 0))
    )


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

    def ask(self, patients: int, states: int, layer: int) -> None:
        """Refuse a layer of so many, `states` being all up to it, too many or too much work to decide about."""
        if states > self.max_states:
            self._refuse(patients, f"{states:,} states, more than max_states = {self.max_states:,}")
        self.work += work_of(self.design, layer, patients)
        if self.work > MAX_WORK:
            nodes = f"{self.work:.2g} nodes, more than {MAX_WORK:.2g}"
            self._refuse(patients, f"{states:,} states whose posteriors take {nodes}")

    def ask_ahead(self, patients: int, states: int, needed: Needed) -> float:
        """Refuse what comes next if it could need too much memory, or if the graph grows so that it surely will.

        Return how many states there will be, about.
        """
        room = bytes_needed(self.design, needed)
        if room > self.max_bytes:
            could = f"could then need {room / 1e9:.1f} GB, more than the {self.max_bytes / 1e9:.1f} GB of max_bytes"
            self._refuse(patients, f"{states:,} states and {could}")
        self.sizes.append((patients - self.begun, states))
        facts = self.design.facts
        steady = facts.cap is not None and set(facts.stops) <= STEADY
        growth = growth_ahead(self.sizes, (facts.cap or 0) - self.begun) if steady else 1.0
        expected = growth * states
        ahead = needed._replace(kept=max(needed.kept, int(ENDINGS * expected)), layer=0, arrivals=0)
        times = max(bytes_needed(self.design, ahead) / self.max_bytes, expected / self.max_states)
        if max(times, growth * self.work / MAX_WORK) > SURELY:
            allowed = (
                f"{self.max_states:,} states, {self.max_bytes / 1e9:.1f} GB and {MAX_WORK:.2g} nodes of posteriors"
            )
            would = f"would have about {expected:.2g} at the end if it goes on growing as it does"
            self._refuse(patients, f"{states:,} states, and {would}, more than {allowed} allow")
        return expected

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
