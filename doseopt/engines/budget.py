"""Budget of a graph: states, bytes and work, asked before a layer is made."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import NamedTuple, NoReturn

import numpy as np

from doseopt.core import trial
from doseopt.core.design import Design
from doseopt.core.facts import FULL
from doseopt.core.state import FloatArray
from doseopt.engines.arrivals import PIECE

MAX_STATES = 20_000_000
MAX_PENDING = 5_000_000
"""States of trials with pending patients, which are many words each."""
MAX_BYTES = 2_000_000_000
"""Memory that a graph may take while it is made, where nothing else is allowed."""
MAX_WORK = 6 * 10**10
"""Nodes of quadratures that are visited for one graph or simulation: minutes."""
STEADY = {"too_toxic", FULL, "max_enrolled"}
"""Reasons to stop of designs that grow until their cap; a rule that ends most trials before it may halt the growth."""
SURELY, UNEVEN = 1.25, 4.0
"""A graph whose power says so many times more than is allowed is refused at once: if cohorts may change, the second."""
FAR = 1e-3
"""Share of what is allowed below which nobody asks how a graph grows: it takes as long as a small layer does."""
WINDOW, NEARER = 0.75, 0.85
"""Shares of the patients so far from which on it is seen how a graph grows."""


type Sizes = list[tuple[int, int]]
"""Patients, and states up to these, layer by layer."""
type Growth = Callable[[Sizes, float], float]


class TooManyStates(RuntimeError):
    """The graph of a design is larger than allowed."""


_allowed = ContextVar("doseopt_bytes", default=MAX_BYTES)


def allowed() -> int:
    """Return the bytes that the exact calculation of one design may take here."""
    return _allowed.get()


@contextmanager
def within(max_bytes: int) -> Iterator[None]:
    """Allow so many bytes, whoever asks for a graph inside; processes that are started there are told.

    Examples
    --------
    >>> with within(1_000_000):
    ...     allowed()
    1000000
    """
    token = _allowed.set(max_bytes)
    try:
        yield
    finally:
        _allowed.reset(token)


def work_of(design: Design, states: int, patients: int) -> int:
    """Return how many nodes are visited for the posteriors of some states, of at most so many patients, about."""
    return 0 if design.facts.nodes is None else states * design.facts.nodes(patients)


def growth_by_power(sizes: Sizes, cap: float) -> float:
    """Return about how many times as many states there will be at the cap, rather too few than too many; 1 if unknown.

    States grow as a power of the patients, which is that of the last quarter of the patients so far; where it has
    fallen since the quarter before, it is taken to go on falling.

    Parameters
    ----------
    sizes : list of (int, int)
        Patients, and states up to these, layer by layer.
    cap : float
        Patients at the end.
    """
    points = _shares(sizes, WINDOW)
    if points is None:
        return 1.0
    logs = np.log(points)
    power, earlier = (logs[:-1, 1] - logs[1:, 1]) / (logs[:-1, 0] - logs[1:, 0])
    ahead = max(math.log(cap) - float(logs[0, 0]), 0.0)
    windows = ahead / -math.log(WINDOW)
    falling = max(earlier - power, 0.0) * (windows + 1) / 2
    return math.exp(ahead * max(power - falling, 0.0))


def growth_by_bend(sizes: Sizes, cap: float) -> float:
    """Return the same where stopping bends the growth: the log of the states is continued as a parabola, to its top.

    Of two parabolas, through states further apart and less far, the lower one counts. Once all doses are in reach, and
    from half of the cap on, it is off by less than (cap / patients)^2, as seen in designs of every kind.
    """
    return min(_parabola(sizes, cap, window) for window in (WINDOW, NEARER))


def _parabola(sizes: Sizes, cap: float, window: float) -> float:
    points = _shares(sizes, window)
    if points is None:
        return 1.0
    m, logs = points[:, 0], np.log(points[:, 1])
    slope, earlier = (logs[:-1] - logs[1:]) / (m[:-1] - m[1:])
    bend = min(2 * (slope - earlier) / (m[0] - m[2]), 0.0)
    slope += bend * (m[0] - m[1]) / 2
    ahead = max(cap - m[0], 0.0) if bend == 0 else min(max(cap - m[0], 0.0), max(slope, 0.0) / -bend)
    return math.exp(max(ahead * (slope + bend * ahead / 2), 0.0))


def _shares(sizes: Sizes, window: float) -> FloatArray | None:
    """Return the last size, the last by this share of its patients, and once more, [3, 2]; None if unknown."""
    points = [sizes[-1]]
    for _ in range(2):
        before = [size for size in sizes if 0 < size[0] <= window * points[-1][0]]
        if not before:
            return None
        points.append(before[-1])
    return np.array(points, float)


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
    streamed : int
        Those of them that are merged as they come, to states of which only kinds are told apart.
    alike : int
        Whether only kinds of the last layer's states are told apart.
    """

    words: int
    kept: int
    edges: int
    layer: int
    arrivals: int
    streamed: int = 0
    alike: int = 0


def bytes_needed(design: Design, needed: Needed) -> int:
    """Return the most memory that a graph takes, now or when it is joined.

    Numbers have 8 bytes. A state is kept packed, with a decision, two sums and a selection, and unpacked in the end
    where edges are kept, which join two states by counts. States of a layer are packed, with a decision and two
    sums; of those that arrive this is held twice while the room for them grows, or while they are sorted, with six
    numbers each for that; half of it where they are merged as they come, and three numbers are a place in a table.
    Some of a layer at a time are unpacked, and fewer asked about at a time, which takes a rule six tables of their
    doses, and nine to select; not where only kinds of them are told apart, which stand for a decision. So are some
    of those that arrive, where more than the tally is remembered.
    """
    facts, words = design.facts, needed.words
    row = 2 * facts.doses + len(facts.memory) + 1
    kept, edge, asked = words + 6, 2 + len(facts.outcomes), 0 if needed.alike else needed.layer
    arrives = 2 * (words + 2) + 6
    now = (
        needed.kept * kept
        + needed.layer * (words + (3 if needed.alike else 9))
        + min(asked, PIECE) * row
        + min(asked, trial.PIECE) * 6 * facts.doses
        + needed.arrivals * (arrives + edge * (needed.edges > 0))
        - needed.streamed * (arrives // 2)
        + min(needed.arrivals, PIECE) * row * bool(facts.memory or facts.outcomes.lost)
    )
    joined = needed.kept * (kept + row * (needed.edges > 0) + 3) + min(needed.kept, trial.PIECE) * 9 * facts.doses
    return 8 * (needed.edges * 2 * edge + max(now, joined))


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
    sizes: Sizes = field(default_factory=list)

    def ask(self, patients: int, states: int, layer: int) -> None:
        """Refuse a layer of so many, `states` being all up to it, too many or too much work to decide about."""
        if states > self.max_states:
            self._refuse(patients, f"{states:,} states, more than max_states = {self.max_states:,}")
        self.work += work_of(self.design, layer, patients)
        if self.work > MAX_WORK:
            nodes = f"{self.work:.2g} nodes, more than {MAX_WORK:.2g}"
            self._refuse(patients, f"{states:,} states whose posteriors take {nodes}")

    def ask_ahead(self, patients: int, states: int, needed: Needed, lasting: Needed) -> float:
        """Refuse what comes next if it could need too much memory, or if the graph grows so that it surely will.

        `lasting` is what is held of it if it grows large. Return how many states there will be, about.
        """
        room = bytes_needed(self.design, needed)
        if room > self.max_bytes:
            could = f"could then need {room / 1e9:.2g} GB, more than the {self.max_bytes / 1e9:.2g} GB of max_bytes"
            self._refuse(patients, f"{states:,} states and {could}")
        self.sizes.append((patients - self.begun, states))
        facts = self.design.facts
        share = max(states / self.max_states, self.work / MAX_WORK, room / self.max_bytes)
        if facts.cap is None or patients >= facts.cap or share < FAR:
            return float(states)
        if any(times > off for times, off in self._times(facts.cap, lasting)):
            caps = range(facts.cap - 1, patients, -1)
            fits = next((cap for cap in caps if self._fits(cap, lasting)), patients)
            allowed = (
                f"{self.max_states:,} states, {self.max_bytes / 1e9:.2g} GB and {MAX_WORK:.2g} nodes of posteriors"
            )
            would = f"would have about {self._expected(facts.cap):.2g} at the end if it goes on growing as it does"
            self._refuse(patients, f"{states:,} states, and {would}, more than {allowed} allow", fits)
        return self._expected(facts.cap)

    def _laws(self, cap: int) -> list[tuple[Growth, float]]:
        """Return how the graph may grow up to a cap, as far as is seen, and how many times too much each may say."""
        facts, ends, so_far = self.design.facts, cap - self.begun, self.sizes[-1][0]
        found: list[tuple[Growth, float]] = []
        uneven = bool(facts.memory) or facts.sizes_own_cohorts
        if set(facts.stops) <= STEADY:
            found.append((growth_by_power, UNEVEN if uneven else SURELY))
        if not uneven and 2 * so_far >= ends > 0 and NEARER**2 * so_far >= self._all_tried:
            found.append((growth_by_bend, (ends / so_far) ** 2))
        return found

    @property
    def _all_tried(self) -> int:
        """Patients by whom all doses may have been tried, about."""
        patients = [so_far for so_far, _ in self.sizes]
        return self.design.facts.doses * int(np.diff(patients).max(initial=0))

    def _expected(self, cap: int) -> float:
        """Return how many states there will be at a cap, about."""
        states = self.sizes[-1][1]
        return states * max((by(self.sizes, cap - self.begun) for by, _ in self._laws(cap)), default=1.0)

    def _times(self, cap: int, lasting: Needed) -> Iterator[tuple[float, float]]:
        """Yield how many times what is allowed a graph with a cap needs by each law, of states, work or bytes.

        And how many times too much the law may say.
        """
        ends = cap - self.begun
        (before, _), (so_far, states) = self.sizes[-2:] if len(self.sizes) > 1 else [(0, 0), *self.sizes]
        for by, off in self._laws(cap):
            growth, last = by(self.sizes, ends), by(self.sizes, max(ends - (so_far - before), so_far))
            held = Needed(lasting.words, *(int(last * each) for each in lasting[1:]))
            end = held._replace(kept=int(lasting.kept + (growth - last) * states), layer=0, arrivals=0, streamed=0)
            room = max(bytes_needed(self.design, held), bytes_needed(self.design, end))
            yield max(growth * states / self.max_states, growth * self.work / MAX_WORK, room / self.max_bytes), off

    def _fits(self, cap: int, lasting: Needed) -> bool:
        """Return whether a graph with this cap is as good as certain not to be refused."""
        bends = any(by is growth_by_bend for by, _ in self._laws(cap))
        return bends and all(times * off <= 1 for times, off in self._times(cap, lasting))

    def _refuse(self, patients: int, what: str, fits: int = 0) -> NoReturn:
        """Say what happened and what to do."""
        facts = self.design.facts
        advice = (
            "lower its max_patients, use larger cohorts, or simulate it (doseopt compare --simulate; in Python "
            "doseopt.Simulate)"
            if facts.ends
            else "it has no rule that ends every trial: add a max_patients modifier"
        )
        fits = fits or max((before + self.begun for before, _ in self.sizes), default=0)
        if facts.cap is not None and 0 < fits < facts.cap:
            advice += f"; with max_patients = {fits} it would fit"
        size = f"{facts.doses} doses" + ("" if facts.cap is None else f", at most {facts.cap} patients")
        raise TooManyStates(f"the graph of this design ({size}) has, by {patients} patients, {what}; {advice}")
