"""Layers of a graph: trials that wait at each number of patients, and cohorts that send them on."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from doseopt.core.compiled import compiled
from doseopt.core.design import Design
from doseopt.core.distinct import unique_rows
from doseopt.core.state import CONTINUE, NONE, BoolArray, FloatArray, IntArray, TrialState
from doseopt.core.trial import advance, decide_and_select, step
from doseopt.engines.answers import Answers
from doseopt.engines.arrivals import PIECE, Arrivals, Hashed, Sent, weighed
from doseopt.engines.cohort_outcomes import cohort_outcomes, enrolled_outcomes
from doseopt.engines.packing import Packing


@dataclass(frozen=True, eq=False)
class Layer:
    """The trials at one number of patients, without equal ones.

    Attributes
    ----------
    patients : int
        Enrolled, as far as states tell them: those treated, and those lost if they are capped.
    words : int array [S, W]
        Packed states.
    sums : float array [S, 2]
        Orders of patients, and sequences of cohort outcomes, that lead to each.
    source, place, counts : int array [A], [A], [A, K]
        Edges that lead here: from state, to row, patients by category; none unless they are kept.
    """

    patients: int
    words: IntArray
    sums: FloatArray
    source: IntArray
    place: IntArray
    counts: IntArray

    def __len__(self) -> int:
        return len(self.words)


@dataclass(frozen=True, eq=False)
class Ways:
    """Ways in which a cohort can turn out that lead to one layer.

    Attributes
    ----------
    more : int
        Patients between the layers.
    counts : int array [K, categories]
    orders : float array [K]
        Orders of patients.
    stay, add : int array [W], [D, K, W]
        Of `Packing.added`.
    """

    more: int
    counts: IntArray
    orders: FloatArray
    stay: IntArray
    add: IntArray


@dataclass(frozen=True, eq=False)
class Cohorts:
    """The next cohorts of one size.

    Attributes
    ----------
    given : int array [Q]
        The dose of each kind of states that has one, else -1.
    many : int
        States that have one.
    ways : list of Ways
    """

    given: IntArray
    many: int
    ways: list[Ways]

    @property
    def arrivals(self) -> int:
        """Trials that come of them."""
        return self.many * sum(len(each.orders) for each in self.ways)


class Growing:
    """Layers that wait, and how the next are made from one.

    Parameters
    ----------
    design : Design
    start : TrialState
        As of `Reach`.
    told : bool
        Whether edges are kept.

    Attributes
    ----------
    expected : float
        States of the whole graph, as far as is known.
    """

    def __init__(self, design: Design, start: TrialState, told: bool) -> None:
        self.design, self.told, self.expected = design, told, 1.0
        self._compiled: Any = None
        begun = int(start.total[0])
        self.packing = Packing(design.facts, begun)
        self._places = [self.packing.places(part) for part in ([self.packing.dose], self.packing.n, self.packing.y)]
        self._waiting: dict[int, Arrivals] = {}
        self._edges: dict[int, list[tuple[IntArray, IntArray]]] = {}
        self._planned: dict[tuple[int, int | None], list[Ways]] = {}
        self._layer(begun).take_in(self.packing.pack(start), np.ones((len(start), 2)))

    def __bool__(self) -> bool:
        return bool(self._waiting)

    @property
    def waiting(self) -> int:
        """Trials that there is room for in the layers that wait."""
        return sum(layer.room for layer in self._waiting.values())

    @property
    def streams(self) -> bool:
        """Whether trials are merged as they come, and only kinds of their states are asked about."""
        return self._excluding is not None and self._loops is not None

    def layer(self) -> Layer:
        """Return the next layer, which waits no longer."""
        patients = min(self._waiting)
        words, sums, place = self._waiting.pop(patients).merged()
        edges = self._edges.pop(patients, [])
        if not (self.told and edges):
            edges = [(np.zeros(0, np.int64), np.zeros((0, len(self.design.facts.outcomes)), np.int64))]
        source, counts = (np.concatenate(part) for part in zip(*edges, strict=True))
        return Layer(patients, words, sums, source, place[-len(source) or len(place) :], counts)

    def ask(self, words: IntArray) -> Answers:
        """Ask the design about states: about one of each kind, where it tells no more apart, or about all."""
        if self.streams:
            loops = self._loops
            first, many, kind = loops.kinds(words, *self._places, self._excluding)
            dose, n, y = (loops.unpack(words, first, places) for places in self._places)
            some = TrialState(n.T, y.T, dose[0] - 1, np.zeros((len(first), 0), np.int64))
            return Answers(step(self.design, some), None, kind, many)
        return Answers.concatenate([self._asked(words[at : at + PIECE]) for at in range(0, len(words), PIECE)])

    def _asked(self, words: IntArray) -> Answers:
        """Ask about as many states as may be unpacked at a time."""
        state = self.packing.unpack(words)
        if self._excluding is None:
            decision, ended = decide_and_select(self.design, state, later=True)
            selected = np.full(len(words), NONE)
            selected[decision.stop != CONTINUE] = ended
            return Answers(decision, selected, np.arange(len(words), dtype=np.int32), np.ones(len(words), np.int64))
        out, last = self._excluding[np.arange(self.packing.doses), state.n, state.y], np.maximum(state.dose, 0)
        lowest = np.where(out.any(axis=1), out.argmax(axis=1), self.packing.doses)
        first, kind = unique_rows([state.dose, lowest, state.n[state.at, last], state.y[state.at, last]])
        return Answers(step(self.design, state[first]), None, kind.astype(np.int32), np.bincount(kind))

    def marked(self, words: IntArray, answers: Answers) -> IntArray:
        """Return the states where the design stops, or gives a dose for the first time, [M]."""
        if loops := self._loops:
            found: IntArray = loops.mark(words, answers.kind, answers.given, self._places[1])
            return found
        given = answers.given[answers.kind]
        return np.flatnonzero((given < 0) | (self.packing.patients_at(words, np.maximum(given, 0)) == 0))

    @property
    def _loops(self) -> Any:
        """The compiled loops; None where NumPy is as fast."""
        if self._compiled is None and compiled(int(self.expected)) is not None:
            from doseopt.engines import loops

            self._compiled = loops
        return self._compiled

    @functools.cached_property
    def _excluding(self) -> BoolArray | None:
        """What a decision needs of a tally beside that of the dose last given, [D, n, y]; None if it may need more."""
        facts = self.design.facts
        return None if facts.memory or facts.excluding is None else facts.excluding(self.packing.most + 1)

    def cohorts(self, layer: Layer, answers: Answers) -> list[Cohorts]:
        """Return the next cohorts, by their size."""
        facts, given = self.design.facts, answers.given
        size = np.where(given < 0, 0, answers.decision.size)
        left = None if facts.max_enrolled is None else facts.max_enrolled - layer.patients
        found = list[Cohorts]()
        for each in (np.flatnonzero(np.bincount(size)[1:]) + 1).tolist():
            here = size == each
            found.append(Cohorts(np.where(here, given, NONE), int(answers.many[here].sum()), self._ways(each, left)))
        return found

    def _ways(self, size: int, left: int | None) -> list[Ways]:
        """Return how a cohort of this size can turn out, if so many may still be enrolled."""
        facts, space = self.design.facts, self.design.facts.outcomes
        key = size, left if space.lost else None
        if key not in self._planned:
            counts, orders = (
                enrolled_outcomes(space, size, left, facts.comers)
                if space.lost
                else cohort_outcomes(size, len(space), facts.comers)
            )
            all_count = not space.lost or facts.max_enrolled is not None
            more, found = counts.sum(axis=1) if all_count else space.evaluated(counts), list[Ways]()
            for number in np.unique(more).tolist():
                some = counts[more == number]
                changed = self.packing.added(space.evaluated(some), space.dlts(some))
                found.append(Ways(number, some, orders[more == number], *changed))
            self._planned[key] = found
        return self._planned[key]

    def treat(self, layer: Layer, answers: Answers, cohorts: list[Cohorts], base: int) -> None:
        """Treat the next cohort of every trial that goes on, each way it can turn out; `base` states come before."""
        for cohort in cohorts:
            for ways in cohort.ways:
                to = layer.patients + ways.more
                if self.design.facts.memory:
                    self._treat(layer, answers, cohort, ways)
                else:
                    some, changed = Sent(layer.words, layer.sums, answers.kind), (ways.stay, ways.add, ways.orders)
                    self._layer(to).send(some, cohort.given, *changed, cohort.many)
                if self.told:
                    rows = np.flatnonzero(cohort.given[answers.kind] >= 0) + base
                    edges = np.repeat(rows, len(ways.counts)), _each(ways.counts, len(rows))
                    self._edges.setdefault(to, []).append(edges)

    def _treat(self, layer: Layer, answers: Answers, cohort: Cohorts, ways: Ways) -> None:
        """Send on trials of whom something is remembered, who was lost if those enrolled are capped."""
        design, lost = self.design, self.design.facts.outcomes.lost
        rows, step = np.flatnonzero(cohort.given[answers.kind] >= 0), max(PIECE // len(ways.counts), 1)
        for some in (rows[first : first + step] for first in range(0, len(rows), step)):
            before, given = self.packing.unpack(layer.words[some]), answers.decision[answers.kind[some]]
            words = (layer.words[some] & ways.stay)[:, None] + ways.add[given.dose]
            for k, counts in enumerate(ways.counts):
                outcome = np.broadcast_to(counts, (len(some), len(counts)))
                if lost:
                    words[:, k] = self.packing.pack(advance(design, before, given, outcome))
                else:
                    words[:, k] += self.packing.remembered(design.remember(before, given, outcome))
            arrived = words.reshape(-1, self.packing.words), weighed(layer.sums[some], ways.orders)
            self._layer(layer.patients + ways.more).take_in(*arrived)

    def _layer(self, patients: int) -> Arrivals:
        """Return who waits at a number of patients."""
        if patients not in self._waiting:
            loops, width = self._loops, self.packing.words
            self._waiting[patients] = Arrivals(width) if loops is None else Hashed(width, loops, self.told)
        return self._waiting[patients]


def _each(counts: IntArray, trials: int) -> IntArray:
    """Return how some trials can turn out, [K, categories] for each of them."""
    return np.broadcast_to(counts, (trials, *counts.shape)).reshape(-1, counts.shape[1])
