"""Design -> the states its trials can reach, and the edges between them; knows no scenario.

States are visited in order of the patients treated, and trials that reach the same state are merged. The probability of
reaching a state whose tally is (n, y) is

    paths * prod_j p_j^y_j (1 - p_j)^(n_j - y_j),

where `paths` counts the orders of patients that lead there and does not depend on the truth. So it is counted once,
and a scenario costs one product an ending. A cohort that is treated as patients come is a mixture over its size,
which does not depend on the truth either: the orders of its patients count times the probability of so many. Designs
that also look at moderate toxicity (three outcome categories) have no such factor, because their tally does not hold
the moderate counts; the exact engine weighs their edges.
"""

from __future__ import annotations

import functools
import itertools
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, overload

import numpy as np

from doseopt.core.design import Design, is_design
from doseopt.core.distinct import unique_rows
from doseopt.core.parameters import demand, is_number
from doseopt.core.progress import tell
from doseopt.core.remembered import remembered
from doseopt.core.state import CONTINUE, Decision, FloatArray, IntArray, TrialState
from doseopt.core.trial import LATER, demand_waiting, select_in_pieces
from doseopt.engines.budget import MAX_STATES, Budget, Needed, allowed
from doseopt.engines.cohort_outcomes import orders_of
from doseopt.engines.columns import Columns
from doseopt.engines.enrolling import enrolled_of
from doseopt.engines.growing import Growing
from doseopt.engines.packing import Packed, Packing

MOST_BYTES = 1 << 26
"""Of the graphs that are remembered, besides the last one that is larger."""
SMALL = 1_000_000
"""Edges up to which a graph is kept whole, as who weighs its endings may ask for them next."""


@dataclass(frozen=True, eq=False)
class Reach:
    """How far the trials of a design reach: the states where they end, and where a dose is given for the first time.

    Attributes
    ----------
    design : Design
    start : TrialState
        Where the trials begin, a batch of one; of `Several` designs one each, of the same tally.
    packed : Packed
        These states in order of patients treated, S of them; of a `Graph` all that can be reached.
    decision : Decision
        What the design does in each.
    paths : float array [S]
        Orders of single patients that lead to each state (two outcome categories; else cohort outcomes only).
    cohort_paths : float array [S]
        Sequences of cohort outcomes that lead to each state.
    ending : int array [E]
        The states where the trial stops.
    selected : int array [E]
        The MTD declared there, or -1.
    states, edges : int
        How many can be reached in all.
    """

    design: Design
    start: TrialState
    packed: Packed
    decision: Decision
    paths: FloatArray
    cohort_paths: FloatArray
    ending: IntArray
    selected: IntArray
    states: int
    edges: int

    @functools.cached_property
    def state(self) -> TrialState:
        """All these states, unpacked: several times as large."""
        return self.packed[:]

    def counts(self) -> dict[str, int]:
        """Count states, edges, endings and outcome paths."""
        return {
            "states": self.states,
            "edges": self.edges,
            "endings": len(self.ending),
            "paths": int(self.cohort_paths[self.ending].sum()),
        }

    @functools.cached_property
    def merged(self) -> Reach:
        """The same, but endings that count, stop and select alike are one, with the `paths` of all.

        For weighing endings by their tallies; a design may reach one tally by several last doses, say.
        """
        facts, packed, packing = self.design.facts, self.packed, self.packed.packing
        places = [*packing.n, *packing.y, *packing.memory[: facts.doses if facts.responses else 0]]
        tallies = (packed.numbers(place, self.ending) for place in places)
        first, kind = unique_rows(itertools.chain(tallies, (self.decision.stop[self.ending], self.selected)))
        paths, kept = self.paths.copy(), np.sort(first)
        paths[self.ending[first]] = np.bincount(kind, self.paths[self.ending])
        ends = self.cohort_paths, self.ending[kept], self.selected[kept]
        return Reach(self.design, self.start, self.packed, self.decision, paths, *ends, self.states, self.edges)


@dataclass(frozen=True, eq=False)
class Graph(Reach):
    """All reachable states of a design, and the edges between them.

    Attributes
    ----------
    source, target, category_counts : int arrays [L], [L], [L, K]
        Edges: from state, to state, patients of the cohort by outcome category.
    """

    source: IntArray
    target: IntArray
    category_counts: IntArray

    @property
    def layer(self) -> IntArray:
        """The layer of each state: patients enrolled, as far as states tell them; every edge leads to a later one."""
        return enrolled_of(self.design.facts, self.state)

    @functools.cached_property
    def kinds(self) -> tuple[IntArray, IntArray]:
        """An edge of each kind, [Q], and the kind of each edge, [L]: doses, sizes and ways to turn out are few."""
        given = self.decision[self.source]
        return unique_rows([*self.category_counts.T, given.dose, given.size])

    @functools.cached_property
    def orders(self) -> FloatArray:
        """The orders of patients that make each edge, times the probability that so many come, [L]."""
        return orders_of(self.category_counts, self.decision.size[self.source], self.design.facts.comers)

    @functools.cached_property
    def deepest(self) -> int:
        """The most cohorts of a trial."""
        depth = np.zeros(len(self.state), np.int64)
        for _, into in self.layers():
            np.maximum.at(depth, self.target[into], depth[self.source[into]] + 1)
        return int(depth.max())

    @functools.cached_property
    def outgoing(self) -> tuple[IntArray, IntArray]:
        """The edges in the order of the states they come from, [L], and where those of each state begin, [S + 1]."""
        order = np.argsort(self.source, kind="stable")
        return order, np.searchsorted(self.source[order], np.arange(len(self.state) + 1))

    def layers(self) -> Iterator[tuple[slice, slice]]:
        """Yield the states of each layer, and the edges that lead to them; both stand in its order."""
        _, firsts = np.unique(self.layer, return_index=True)
        for first, end in itertools.pairwise([*firsts.tolist(), len(self.state)]):
            yield slice(first, end), slice(*np.searchsorted(self.target, [first, end]).tolist())


@overload
def build_graph(
    design: Design,
    start: TrialState | None = ...,
    max_states: int = ...,
    max_bytes: int | None = ...,
    *,
    edges: Literal[True],
) -> Graph: ...
@overload
def build_graph(
    design: Design,
    start: TrialState | None = ...,
    max_states: int = ...,
    max_bytes: int | None = ...,
    *,
    edges: Literal[False] = ...,
) -> Reach: ...
def build_graph(
    design: Design,
    start: TrialState | None = None,
    max_states: int = MAX_STATES,
    max_bytes: int | None = None,
    *,
    edges: bool = False,
) -> Reach:
    """Enumerate the states that a design's trials can reach, layer by layer.

    Parameters
    ----------
    design : Design
    start : TrialState, optional
        Of `Reach` (see `doseopt.after`); left out: the empty trial.
    max_states : int
        Refuse larger graphs.
    max_bytes : int, optional
        Refuse graphs that could need more memory while they are made; asked before a layer is made, of the most states
        that it can have. What is allowed here (`doseopt.engines.budget.within`) when left out.
    edges : bool
        Whether all states are kept, and the edges between them; otherwise only those where trials end, or give a dose
        for the first time.

    Raises
    ------
    TooManyStates
        With what to do about it.

    Examples
    --------
    With one dose 3+3 ends after 2 or 3 DLTs in 3 patients, or with 0 to 6 in 6 of which 0 or 1 in the first three:

    >>> from doseopt import ThreePlusThree, build_graph
    >>> build_graph(ThreePlusThree(doses=1, target=0.25)).counts()["endings"]
    7
    """
    demand(is_design(design), "design", "a design", design)
    demand(is_number(max_states), "max_states", "a number of states", max_states)
    return _build(design, start, max_states, max_bytes or allowed(), sys.maxsize if edges else 0)


def _build(design: Design, start: TrialState | None, max_states: int, max_bytes: int, most_edges: int) -> Reach:
    """Build a `Graph` of no more edges than this, or else a `Reach`."""
    demand_waiting(design)
    start = TrialState.empty(design.facts.doses, len(design.facts.memory)) if start is None else start
    found, growing = Columns(), Growing(design, start, most_edges > 0)
    budget = Budget(design, int(start.total[0]), max_states, max_bytes)
    states = edges = marked = 0
    while growing:
        layer = growing.layer()
        tell(f"trials of {layer.patients} patients")
        budget.ask(layer.patients, states + len(layer), len(layer))
        answers = growing.ask(layer.words)
        cohorts, some = growing.cohorts(layer, answers), growing.marked(layer.words, answers)
        ahead = sum(each.arrivals for each in cohorts)
        edges += ahead
        if growing.told and edges > most_edges:
            growing.told = False
            found.mark()
        marked += len(some)
        found.add(layer, answers, some, states, growing.told)
        streamed = ahead * growing.streams
        least = Needed(growing.packing.words, marked, 0, len(layer), growing.waiting + ahead, streamed, growing.streams)
        whole = least._replace(kept=states + len(layer), edges=edges)
        asked = whole if growing.told else least, whole if most_edges == sys.maxsize else least
        growing.expected = budget.ask_ahead(layer.patients, states + len(layer), *asked)
        growing.treat(layer, answers, cohorts, states)
        states += len(layer)
        del layer, answers, some  # the last ones would be held while all are joined
    return _assemble(design, start, growing, found, states, edges)


def _assemble(design: Design, start: TrialState, growing: Growing, found: Columns, states: int, edges: int) -> Reach:
    """Join the layers."""
    sums = found.joined("sums")
    decision = Decision(*(found.joined(name) for name in Decision.__slots__))
    ending = np.flatnonzero(decision.stop != CONTINUE)
    selected = found.joined("selected")[ending] if "selected" in found else np.full(len(ending), LATER)
    packed = Packed(growing.packing, found.joined("words"))
    left = np.flatnonzero(selected == LATER)
    selected[left] = select_in_pieces(design, packed, decision.stop, ending[left])
    common = (design, start, packed, decision, sums[:, 0], sums[:, 1], ending, selected, states, edges)
    if not growing.told:
        return Reach(*common)
    return Graph(*common, *(found.joined(name) for name in ("source", "target", "category_counts")))


def reach_of(
    design: Design, start: TrialState | None = None, max_states: int = MAX_STATES, max_bytes: int | None = None
) -> Reach:
    """Return how far the trials of a design reach, as `graph_of`; small graphs are kept whole."""
    return _remembered(design, max_states, max_bytes or allowed(), False, *_rows(design, start))


def graph_of(
    design: Design, start: TrialState | None = None, max_states: int = MAX_STATES, max_bytes: int | None = None
) -> Graph:
    """Return the graph of a design, from the empty trial unless a start is given, built once while it is remembered."""
    asked = design, max_states, max_bytes or allowed()
    found = _remembered(*asked, False, *_rows(design, start))
    if not isinstance(found, Graph):
        begun, patients = int(found.start.total[0]), int(found.packed.total.max())
        whole = Needed(Packing(design.facts, begun).words, found.states, found.edges, 0, 0)
        Budget(design, begun, *asked[1:]).ask_ahead(patients, found.states, whole, whole)
        found = _remembered(*asked, True, *_rows(design, start))
    assert isinstance(found, Graph)
    return found


def _rows(design: Design, start: TrialState | None) -> Iterator[tuple[int, ...]]:
    """Yield the numbers of a state."""
    begin = TrialState.empty(design.facts.doses, len(design.facts.memory)) if start is None else start
    return (tuple(getattr(begin, name)[0].ravel().tolist()) for name in begin.__slots__)


@remembered(MOST_BYTES, one_larger=True)
def _remembered(design: Design, max_states: int, max_bytes: int, edges: bool, *start: tuple[int, ...]) -> Reach:
    """Build the graph of a design from the state that has these rows."""
    n, y, dose, memory = (np.array(row, np.int64) for row in start)
    begin = TrialState(n[None], y[None], dose, memory[None])
    return _build(design, begin, max_states, max_bytes, sys.maxsize if edges else SMALL)


def forget_larger() -> None:
    """Forget the graph that is larger than all that are remembered: the next one may need its room."""
    _remembered.forget_larger()


def most_patients(design: Design, start: TrialState | None = None) -> int:
    """Return the most patients that a trial can have, from where it begins."""
    reach = reach_of(design, start)
    return int(reach.packed.total[reach.ending].max())
