"""Graphs by compiled loops and by NumPy alone: the same to the last bit; edges kept or not."""

import dataclasses

import numpy as np
import pytest

import doseopt
from doseopt.core import compiled
from doseopt.core.loops import compiling
from doseopt.core.state import TrialState
from doseopt.designs import selection
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import (
    Coherent,
    EnoughAtDose,
    MaxPatients,
    NoSkipping,
    RunIn,
    TooToxic,
)
from doseopt.engines import growing
from doseopt.engines.enrolling import Enrolling
from doseopt.engines.exact import edge_weights, ending_weights
from doseopt.engines.graph import Graph, Reach, build_graph, graph_of, most_patients, reach_of
from doseopt.engines.means import means_of

KINDS = (doseopt.BOIN, doseopt.Keyboard, doseopt.MTPI, doseopt.MTPI2, doseopt.I3Plus3, doseopt.TPI)
COLUMNS = ("paths", "cohort_paths", "ending", "selected")


def random_table(rng, doses, cohort, patients):
    """A user's table that escalates after few DLTs, and may not be monotone."""
    sizes = sorted({min(k * cohort, patients) for k in range(1, patients // cohort + 2)} | {*range(1, patients + 1)})
    lines = tuple(f"{n}: {' '.join(rng.choice(['E', 'S', 'D', 'DU'], n + 1))}" for n in sizes)
    return doseopt.DecisionTable(doses=doses, target=0.3, decisions=lines, cohort=cohort)


def random_design(seed):
    """An interval design, a table, 3+3 or a CRM, with modifiers."""
    rng = np.random.default_rng(seed)
    doses, cohort, patients = (int(rng.integers(low, high)) for low, high in ((1, 6), (1, 5), (5, 16)))
    target, start = float(rng.uniform(0.15, 0.4)), int(rng.integers(1, doses + 1))
    kind = int(rng.integers(len(KINDS) + 3))
    if kind < len(KINDS):
        base = KINDS[kind](doses=doses, target=target, cohort=cohort, start=start)
    elif kind == len(KINDS):
        base = random_table(rng, doses, cohort, patients)
    elif kind == len(KINDS) + 1:
        base = doseopt.ThreePlusThree(doses=doses, target=target, start=start)
    else:
        skeleton = tuple(np.sort(rng.uniform(0.05, 0.6, doses)).tolist())
        base = doseopt.CRM(doses=doses, target=target, skeleton=skeleton, cohort=cohort)
        patients = min(patients, 9)
    laid = (NoSkipping(), Coherent(), TooToxic(), EnoughAtDose(n=6))
    drawn = [rule for rule in laid if rng.random() < 0.2]
    if cohort > 1 and doses > 1 and kind < len(KINDS) and rng.random() < 0.15:
        drawn.append(RunIn(levels=2))
    return Modified(base, (*drawn, MaxPatients(n=max(patients, 3, cohort))))


@pytest.fixture
def by_numpy(monkeypatch):
    """A call with NumPy alone; of every state, or of one of each kind where a decision needs no more."""

    def call(function, of_all=False):
        with monkeypatch.context() as patch:
            for user in (growing, selection):
                patch.setattr(user, "compiled", lambda steps: None)
            if of_all:
                patch.setattr(growing.Growing, "_excluding", None)
            return function()

    return call


@pytest.fixture
def by_loops(monkeypatch):
    """A call with the compiled loops."""

    def call(function):
        with monkeypatch.context() as patch:
            for user in (growing, selection):
                patch.setattr(user, "compiled", lambda steps: compiled.loops())
            return function()

    return call


def same(one, other, columns):
    for name in columns:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), name)
    for part in ("state", "decision"):
        first, second = getattr(one, part), getattr(other, part)
        for name in first.__slots__:
            np.testing.assert_array_equal(getattr(first, name), getattr(second, name), name)
    assert one.counts() == other.counts()


@pytest.mark.parametrize("first", range(0, 200, 20))
def test_both_routes_agree_on_random_designs(first, by_numpy, by_loops):
    told = 0
    for seed in range(first, first + 20):
        design = random_design(seed)
        slow = by_numpy(lambda design=design: build_graph(design, edges=True), of_all=True)
        fast = by_loops(lambda design=design: build_graph(design, edges=True))
        same(fast, slow, (*COLUMNS, "source", "target", "category_counts"))
        ends = by_loops(lambda design=design: build_graph(design))
        same(ends, by_numpy(lambda design=design: build_graph(design)), COLUMNS)
        assert isinstance(slow, Graph)
        assert not isinstance(ends, Graph)
        assert ends.counts() == slow.counts()
        np.testing.assert_array_equal(ends.paths[ends.ending], slow.paths[slow.ending])
        np.testing.assert_array_equal(ends.selected, slow.selected)
        np.testing.assert_array_equal(ends.state.y[ends.ending], slow.state.y[slow.ending])
        p = np.sort(np.random.default_rng(seed).random((3, design.facts.doses)), axis=1)
        np.testing.assert_allclose(ending_weights(ends, p).sum(axis=1), 1, rtol=0, atol=1e-12)
        told += design.facts.excluding is not None
    assert told >= 3  # designs of whose states one of each kind is asked about


def test_both_routes_agree_where_patients_are_left_out(by_numpy, by_loops):
    designs = [Enrolling(random_design(seed), "X") for seed in range(24)]
    for design in designs:
        slow = by_numpy(lambda design=design: build_graph(design, edges=True), of_all=True)
        for route in (by_numpy, by_loops):
            whole = route(lambda design=design: build_graph(design, edges=True))
            same(whole, slow, (*COLUMNS, "source", "target", "category_counts"))
    assert sum(design.facts.excluding is not None for design in designs) >= 3


@dataclasses.dataclass(frozen=True)
class LastGiven(doseopt.BOIN):
    """Declares the last dose given, so that one tally can stop for one reason and select either of two doses."""

    def select(self, state, stop):
        return np.where(self.admissible(state)[state.at, state.dose], state.dose, -1)


def rows_of(graph):
    """Patients and DLTs, patients with efficacy, why the trial stops and what is selected, an ending a row."""
    state, stop = graph.state[graph.ending], graph.decision.stop[graph.ending]
    responses = state.memory[:, : graph.design.facts.doses if graph.design.facts.responses else 0]
    return np.column_stack([state.n, state.y, responses, stop, graph.selected])


@pytest.mark.parametrize("first", range(0, 60, 20))
def test_endings_that_are_alike_weigh_together_what_they_weigh_apart(first):
    efficacy = Modified(doseopt.BOIN12(doses=2, target=0.3), (MaxPatients(n=12),))
    last = Modified(LastGiven(doses=3, target=0.3), (MaxPatients(n=12),))
    designs, fewer = [efficacy, last, *map(random_design, range(first, first + 20))], 0
    for seed, design in enumerate(designs):
        whole = build_graph(design, edges=True)
        p, q = np.sort(np.random.default_rng(seed).random((2, 3, design.facts.doses)), axis=2)
        beside = q if design is efficacy else None
        apart = edge_weights(whole, p, beside)[:, whole.ending]
        wanted, which = np.unique(rows_of(whole), axis=0, return_inverse=True)
        merged = build_graph(design).merged
        found, at = np.unique(rows_of(merged), axis=0, return_index=True)
        np.testing.assert_array_equal(found, wanted)
        assert len(merged.ending) == len(found)
        together = np.stack([np.bincount(which.ravel(), each) for each in apart])
        np.testing.assert_allclose(ending_weights(merged, p, beside)[:, at], together, rtol=0, atol=1e-14)
        fewer += len(found) < len(whole.ending)
    assert fewer >= 3


def test_a_midway_start_takes_both_routes(by_numpy, by_loops):
    design = Modified(doseopt.BOIN(doses=4, target=0.25), (MaxPatients(n=18),))
    start = doseopt.after(design, "1NNN 2NNT 2NNN")
    slow, fast = (route(lambda: build_graph(design, start)) for route in (by_numpy, by_loops))
    same(fast, slow, COLUMNS)
    whole = build_graph(design, start, edges=True)
    np.testing.assert_array_equal(whole.paths[whole.ending], slow.paths[slow.ending])


def test_one_of_each_of_many_kinds_answers_for_all_of_it(by_numpy, by_loops):
    """More kinds than the compiled loop first has room for; a design decides as if asked about every state."""
    design = Modified(doseopt.BOIN(doses=6, target=0.25, cohort=1), (MaxPatients(n=60),))
    rng = np.random.default_rng(4)
    n = rng.integers(0, 10, (20_000, 6))
    state = TrialState(n, rng.binomial(n, 0.3), rng.integers(0, 6, len(n)), np.zeros((len(n), 0), np.int64))
    asked = design.decide(state)
    for route in (by_numpy, by_loops):
        ways = growing.Growing(design, TrialState.empty(6), False)
        words = ways.packing.pack(state)
        answers = route(lambda ways=ways, words=words: ways.ask(words))
        assert 1024 < len(answers.many) < len(n)
        np.testing.assert_array_equal(answers.many, np.bincount(answers.kind))
        for name in asked.__slots__:
            np.testing.assert_array_equal(getattr(answers.decision, name)[answers.kind], getattr(asked, name), name)
        first = np.flatnonzero((asked.stop != 0) | (n[np.arange(len(n)), asked.dose] == 0))
        np.testing.assert_array_equal(
            route(lambda ways=ways, words=words, told=answers: ways.marked(words, told)), first
        )


def test_paths_are_whole_numbers_and_all_of_them():
    """Without stopping early every sequence of outcomes ends somewhere: 2^n orders of n patients."""
    base = doseopt.CRM(doses=3, target=0.25, skeleton=(0.1, 0.25, 0.4), cohort=2)
    graph = build_graph(Modified(base, (MaxPatients(n=14),)))
    assert graph.paths[graph.ending].sum() == 2**14
    assert graph.cohort_paths[graph.ending].sum() == 3**7


def test_a_graph_that_grows_too_large_for_its_edges_keeps_its_endings(monkeypatch):
    from doseopt.engines import graph as module

    design = Modified(doseopt.BOIN(doses=4, target=0.25), (MaxPatients(n=15),))
    module._remembered.cache_clear()
    whole = graph_of(design)
    module._remembered.cache_clear()
    monkeypatch.setattr(module, "SMALL", 100)
    ends = reach_of(design)
    assert type(ends) is Reach
    assert len(ends.packed) < ends.states == len(whole.packed)
    assert ends.edges == len(whole.source)
    np.testing.assert_array_equal(ends.paths[ends.ending], whole.paths[whole.ending])
    p = np.array([[0.1, 0.2, 0.3, 0.5]])
    monkeypatch.setattr("doseopt.engines.means.MANY", 0)
    assert means_of(design, p).selection.sum() == pytest.approx(1, abs=1e-12)
    assert most_patients(design) == 15
    assert "state" not in vars(ends)  # it has no room for all of them unpacked
    assert type(graph_of(design)) is Graph
    module._remembered.cache_clear()


def test_a_folder_that_cannot_be_written_to_is_said(monkeypatch):
    import numba

    def njit(cache=False, nogil=False, fastmath=()):
        if cache:
            raise RuntimeError("cannot cache function")
        return lambda function: function

    monkeypatch.setattr(numba, "njit", njit)
    with pytest.warns(RuntimeWarning, match="set NUMBA_CACHE_DIR"):
        made = compiling(len)
    assert made([1, 2]) == 2
