"""Layers of a graph: trials that wait at each number of patients, and cohorts that send them on."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from doseopt.core.compiled import compiled
from doseopt.core.design import Design
from doseopt.core.distinct import unique_rows
from doseopt.core.state import CONTINUE, NONE, BoolArray, Decision, FloatArray, IntArray, TrialState
from doseopt.core.trial import advance, decide_and_select, select_in_pieces, step
from doseopt.engines.arrivals import PIECE, Arrivals, Hashed
from doseopt.engines.cohort_outcomes import cohort_outcomes, enrolled_outcomes
from doseopt.engines.packing import Packing

type Cohorts = tuple[IntArray, IntArray, FloatArray]
"""Trials [Q] whose next cohort can turn out in the same ways, the ways [K, categories], the orders of patients [K]."""


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
class Answers:
    """What a design does in the states of a layer.

    Attributes
    ----------
    decision : Decision
    selected : int array [S]
        The MTD where it stops, else -1.
    marked : int array [Q]
        States where it stops, or gives a dose for the first time.
    """

    decision: Decision
    selected: IntArray
    marked: IntArray


class Growing:
    """Layers that wait, and how the next are made from one.

    Parameters
    ----------
    design : Design
    start : TrialState
        A batch of one.
    told : bool
        Whether edges are kept.

    Attributes
    ----------
    expected : float
        States of the whole graph, as far as is known.
    """

    def __init__(self, design: Design, start: TrialState, told: bool) -> None:
        self.design, self.told, self.expected = design, told, 1.0
        begun = int(start.total[0])
        self.packing = Packing(design.facts, begun)
        self._waiting: dict[int, Arrivals] = {}
        self._edges: dict[int, list[tuple[IntArray, IntArray]]] = {}
        self._send(begun, self.packing.pack(start), np.ones((1, 2)))

    def __bool__(self) -> bool:
        return bool(self._waiting)

    @property
    def arrivals(self) -> int:
        """Trials that wait."""
        return sum(layer.count for layer in self._waiting.values())

    def layer(self) -> Layer:
        """Return the next layer, which waits no longer."""
        patients = min(self._waiting)
        words, sums, place = self._waiting.pop(patients).merged()
        edges = self._edges.pop(patients, [])
        if not (self.told and edges):
            edges = [(np.zeros(0, np.int64), np.zeros((0, len(self.design.facts.outcomes)), np.int64))]
        source, counts = (np.concatenate(part) for part in zip(*edges, strict=True))
        return Layer(patients, words, sums, source, place[-len(source) or len(place) :], counts)

    def ask(self, layer: Layer) -> Answers:
        """Ask the design about a layer: about one state of each kind, where it tells no more apart, or about all."""
        parts = []
        for first in range(0, len(layer), PIECE):
            words = layer.words[first : first + PIECE]
            decision, selected = self.asked(words)
            marked = decision.stop != CONTINUE
            marked |= self.packing.patients_at(words, np.where(marked, 0, decision.dose)) == 0
            parts.append((decision, selected, first + np.flatnonzero(marked)))
        decisions, *rest = zip(*parts, strict=True)
        return Answers(Decision.concatenate(decisions), *(np.concatenate(each) for each in rest))

    def asked(self, words: IntArray) -> tuple[Decision, IntArray]:
        """Return decisions, and the MTD where they are to stop, else -1."""
        packing = self.packing
        if self._excluding is None:
            decision, ended = decide_and_select(self.design, packing.unpack(words))
            stopped = decision.stop != CONTINUE
        else:
            first, kind = self._kinds(words, self._excluding)
            decision = step(self.design, packing.unpack(words[first]))[kind]
            stopped = decision.stop != CONTINUE
            ended = select_in_pieces(self.design, packing.unpack(words[stopped]), decision.stop[stopped])
        selected = np.full(len(words), NONE)
        selected[stopped] = ended
        return decision, selected

    @functools.cached_property
    def _excluding(self) -> BoolArray | None:
        """What a decision needs of a tally beside that of the dose last given, [D, n, y]; None if it may need more."""
        facts = self.design.facts
        more = facts.memory or facts.outcomes.lost
        return None if more or facts.excluding is None else facts.excluding(self.packing.most + 1)

    def _kinds(self, words: IntArray, excluding: BoolArray) -> tuple[IntArray, IntArray]:
        """Tell states apart by the dose last given, its tally, and the lowest dose that is excluded.

        Returns
        -------
        first : int array [Q]
            A state of each kind.
        kind : int array [S]
        """
        packing = self.packing
        if loops := compiled(int(self.expected)):
            places = (packing.places(part) for part in ([packing.dose], packing.n, packing.y))
            return loops.kinds(words, *places, excluding)  # type: ignore[no-any-return]
        state = packing.unpack(words)
        out, last = excluding[np.arange(packing.doses), state.n, state.y], np.maximum(state.dose, 0)
        lowest = np.where(out.any(axis=1), out.argmax(axis=1), packing.doses)
        return unique_rows([state.dose, lowest, state.n[state.at, last], state.y[state.at, last]])

    def cohorts(self, layer: Layer, decision: Decision) -> list[Cohorts]:
        """Return the trials that go on by the size of the next cohort, with the ways it can turn out."""
        facts, space, found = self.design.facts, self.design.facts.outcomes, list[Cohorts]()
        size = np.where(decision.stop == CONTINUE, decision.size, 0)
        left = None if facts.max_enrolled is None else facts.max_enrolled - layer.patients
        for each in (np.flatnonzero(np.bincount(size)[1:]) + 1).tolist():
            ways = (
                enrolled_outcomes(space, each, left, facts.comers)
                if space.lost
                else cohort_outcomes(each, len(space), facts.comers)
            )
            found.append((np.flatnonzero(size == each), *ways))
        return found

    def treat(self, layer: Layer, decision: Decision, cohorts: list[Cohorts], base: int) -> None:
        """Treat the next cohort of every trial that goes on, each way it can turn out; `base` states come before."""
        facts, space = self.design.facts, self.design.facts.outcomes
        all_count = not space.lost or facts.max_enrolled is not None
        for rows, ways, orders in cohorts:
            more = ways.sum(axis=1) if all_count else space.evaluated(ways)
            for number in np.unique(more).tolist():
                some = more == number
                self._treat(layer, decision, rows, ways[some], orders[some], layer.patients + number)
                if self.told:
                    edges = np.repeat(rows + base, some.sum()), np.tile(ways[some], (len(rows), 1))
                    self._edges.setdefault(layer.patients + number, []).append(edges)

    def _treat(
        self, layer: Layer, given: Decision, rows: IntArray, ways: IntArray, orders: FloatArray, to: int
    ) -> None:
        """Send trials on in some ways, all of which lead to one layer."""
        design, space = self.design, self.design.facts.outcomes
        stay, add = self.packing.added(space.evaluated(ways), space.dlts(ways))
        if not space.lost and not design.facts.memory:
            self._layer(to).send(layer.words[rows], stay, add, given.dose[rows], orders, layer.sums[rows])
            return
        step = max(PIECE // len(ways), 1)
        for some in (rows[first : first + step] for first in range(0, len(rows), step)):
            repeated = np.repeat(some, len(ways))
            outcome, before = np.tile(ways, (len(some), 1)), self.packing.unpack(layer.words[some])
            at = np.repeat(np.arange(len(some)), len(ways))
            if space.lost:
                words = self.packing.pack(advance(design, before[at], given[repeated], outcome))
            else:
                words = ((layer.words[some] & stay)[:, None] + add[given.dose[some]]).reshape(len(at), -1)
                words += self.packing.remembered(design.remember(before[at], given[repeated], outcome))
            sums = layer.sums[repeated]
            sums[:, 0] *= np.tile(orders, len(some))
            self._send(to, words, sums)

    def _send(self, to: int, words: IntArray, sums: FloatArray) -> None:
        """Send trials to a layer as they are."""
        nothing = np.zeros((1, 1, self.packing.words), np.int64)
        stay, nowhere = np.full(self.packing.words, -1), np.zeros(len(words), np.int64)
        self._layer(to).send(words, stay, nothing, nowhere, np.ones(1), sums)

    def _layer(self, patients: int) -> Arrivals:
        """Return who waits at a number of patients."""
        if patients not in self._waiting:
            loops, width = compiled(int(self.expected)), self.packing.words
            self._waiting[patients] = Arrivals(width) if loops is None else Hashed(width, loops, self.told)
        return self._waiting[patients]
