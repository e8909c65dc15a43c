"""Promises that every design must keep."""

from __future__ import annotations

import numpy as np

from doseopt.core.design import Design
from doseopt.core.state import CONTINUE, Decision, IntArray, Pending, TrialState
from doseopt.core.trial import advance, step
from doseopt.designs.waiting import Waiting
from doseopt.engines.cohort_outcomes import cohort_outcomes
from doseopt.engines.exact import edge_weights
from doseopt.engines.graph import Graph, build_graph
from doseopt.testing.common import check_pure, check_value, demand

WALKED_COHORTS, WALKED_TRIALS = 8, 100
MOST_PENDING = 4


def check_design(design: Design, max_states: int = 200_000) -> Graph:
    """Check that a design keeps its promises on every trial that it can produce.

    The design hashes, compares and pickles by its parameters; every trial ends; every cohort has patients and is at an
    admissible dose (``trial.step``), and so is every MTD (``trial.selected``); no untried dose is skipped unless the
    design says that it `skips`; decision, admissible doses, selection and memory depend on the state alone, not on
    which trials are asked about together, how often, or what was asked before; a dose is named only where it
    meets `facts.names`; memory has the declared shape and
    holds something; the endings' probabilities sum to 1; and the design describes itself. Of a design that decides
    while patients are pending this is asked when it waits for them, and further what `check_pending` does; of one that
    backfills, when nobody is backfilled.

    Parameters
    ----------
    design : Design
        In a setting that needs all the memory that it declares.
    max_states : int
        A design whose graph is larger is taken never to end.

    Returns
    -------
    Graph
        The design's graph.

    Raises
    ------
    AssertionError, ValueError, TooManyStates
    """
    if design.facts.pending:
        check_value(design)
        check_pending(design)
        return check_design(Waiting(design), max_states)
    if design.facts.backfill is not None:
        check_value(design)
        return check_design(Waiting(design), max_states)
    fresh = check_value(design)
    _check_memory_shape(design)
    with np.errstate(over="ignore"):  # a design that never stops has very many paths before it has too many states
        graph = build_graph(design, max_states=max_states, edges=True)
    _check_codes(design, graph)
    _check_skipping(design, graph)
    _check_purity(design, fresh, graph)
    _check_memory_used(design, graph)
    _check_names(design, graph)
    _check_mass(design, graph)
    return graph


def check_pending(design: Design) -> None:
    """Check what a design does while patients are pending, on random ones of the trials that it reaches if it waits.

    It gives admissible doses, pending patients being treated ones; it waits only while somebody is pending; the order
    of pending patients does not matter, nor which trials are asked about together; with nobody pending it decides as if
    nothing had been said of them.
    """
    rng = np.random.default_rng(3)
    states = build_graph(Waiting(design), edges=True).state
    state = states[rng.choice(np.flatnonzero(states.started), WALKED_TRIALS)]
    free = state.n - state.y
    dose = np.full((len(state), MOST_PENDING), -1)
    for row, spare in enumerate(free):
        patients = np.repeat(np.arange(len(spare)), spare)
        chosen = rng.permutation(patients)[: rng.integers(0, MOST_PENDING + 1)]
        dose[row, : len(chosen)] = chosen
    dlts = state.y.sum(axis=1)
    times = np.where(
        np.arange(dlts.max(initial=1)) < dlts[:, None], rng.random((len(dlts), dlts.max(initial=1))), np.nan
    )
    pending = Pending(dose, np.where(dose >= 0, rng.integers(0, 4, dose.shape) / 4, 0.0), times)
    resolved = TrialState(state.n - pending.at(design.facts.doses), state.y, state.dose, state.memory)
    given = step(design, resolved, pending)
    waits = (given.size == 0) & (given.stop == CONTINUE)
    demand(not (waits & (dose < 0).all(axis=1)).any(), "no waiting when nobody is pending", "a cohort of 0")
    order = rng.permutation(MOST_PENDING)
    turned = step(design, resolved, Pending(dose[:, order], pending.share[:, order], times[:, ::-1]))
    demand(
        (_as_array(turned) == _as_array(given)).all(), "the order of pending patients not to matter", "two decisions"
    )
    half = slice(0, WALKED_TRIALS // 2)
    alone = step(design, resolved[half], pending[half])
    demand((_as_array(alone) == _as_array(given[half])).all(), "each trial decided by itself", "two decisions")
    nobody = Pending(np.full_like(dose, -1), np.zeros(dose.shape), times)
    whole = (_as_array(step(design, state, nobody)), _as_array(step(design, state)))
    demand((whole[0] == whole[1]).all(), "decisions with nobody pending as without saying so", "two decisions")


def tally(state: TrialState, i: int) -> str:
    """Describe one trial of a batch."""
    memory = f", memory={state.memory[i].tolist()}" if state.memory.shape[1] else ""
    return f"n={state.n[i].tolist()}, y={state.y[i].tolist()}{memory}"


def _check_memory_shape(design: Design) -> None:
    """Look at what is remembered along the first cohorts of some trials."""
    state = TrialState.empty(design.facts.doses, len(design.facts.memory))
    for _ in range(WALKED_COHORTS):
        given = step(design, state)
        going = np.flatnonzero(given.stop == CONTINUE)[:WALKED_TRIALS]
        parts = []
        for size in np.unique(given.size[going]).tolist():
            rows = going[given.size[going] == size]
            ways, _ = cohort_outcomes(size, len(design.facts.outcomes), design.facts.comers)
            repeated, outcome = np.repeat(rows, len(ways)), np.tile(ways, (len(rows), 1))
            memory = np.asarray(design.remember(state[repeated], given[repeated], outcome))
            wanted = (len(repeated), len(design.facts.memory))
            text = f"remember() to give whole numbers of shape {wanted} for memory {design.facts.memory}"
            came = f"{memory.dtype} of shape {memory.shape} after {tally(state, int(rows[0]))}: memory is lost"
            demand(memory.shape == wanted and np.issubdtype(memory.dtype, np.integer), text, came)
            parts.append(advance(design, state[repeated], given[repeated], outcome))
        if not parts:
            return
        state = TrialState.concatenate(parts)


def _check_codes(design: Design, graph: Graph) -> None:
    """Check that every stop has a declared reason."""
    stop = graph.decision.stop
    bad = (stop < 0) | (stop > len(design.facts.stops))
    if bad.any():
        i = int(bad.argmax())
        demand(
            False,
            f"a stop code of 0 to {len(design.facts.stops)}, for {design.facts.stops}",
            f"{stop[i]} after {_at(graph, i)}",
        )


def _at(graph: Graph, i: int) -> str:
    return tally(graph.state, i)


def _check_skipping(design: Design, graph: Graph) -> None:
    """Hold a design that does not skip to it; the first dose is the design's own."""
    beyond = graph.decision.dose > graph.state.highest_tried + 1
    skipped = beyond & graph.state.started & (graph.decision.stop == CONTINUE)
    if skipped.any() and not design.facts.skips:
        i = int(skipped.argmax())
        levels = f"level {graph.decision.dose[i] + 1}, the highest tried being {graph.state.highest_tried[i] + 1},"
        demand(False, "no untried dose skipped, as the design declares (skips)", f"{levels} after {_at(graph, i)}")


def _check_purity(design: Design, fresh: Design, graph: Graph) -> None:
    """Ask about all trials: decisions, admissible doses, selections, memory."""
    state, begun, ending = graph.state, np.flatnonzero(graph.state.started), graph.ending
    allowed = design.admissible(state).astype(np.int64)
    stop = graph.decision.stop[ending]

    def decide(who: Design, rows: IntArray) -> IntArray:
        return _as_array(who.decide(state[begun[rows]]))

    def admissible(who: Design, rows: IntArray) -> IntArray:
        return who.admissible(state[rows]).astype(np.int64)

    def select(who: Design, rows: IntArray) -> IntArray:
        return who.select(state[ending[rows]], stop[rows])

    def remember(who: Design, rows: IntArray) -> IntArray:
        source = graph.source[rows]
        return who.remember(state[source], graph.decision[source], graph.category_counts[rows])

    questions = [
        ("decide()", decide, begun, _as_array(graph.decision[begun])),
        ("admissible()", admissible, np.arange(len(state)), allowed),
        ("select()", select, ending, graph.selected),
        ("remember()", remember, graph.source, state.memory[graph.target]),
    ]
    for name, ask, place, wanted in questions:
        check_pure(
            name,
            len(place),
            lambda rows, ask=ask: ask(design, rows),  # type: ignore[misc]
            lambda rows, ask=ask: ask(fresh, rows),  # type: ignore[misc]
            wanted,
            lambda i, place=place: _at(graph, int(place[i])),  # type: ignore[misc]
        )


def _as_array(decision: Decision) -> IntArray:
    """Return stop, dose and size, [S, 3]; of a trial that stops the last two are without meaning."""
    on = decision.stop == CONTINUE
    return np.stack([decision.stop, on * decision.dose, on * decision.size], axis=1)


def _check_memory_used(design: Design, graph: Graph) -> None:
    """Check that what is declared is kept: memory that is the same in all trials holds nothing."""
    for k, name in enumerate(design.facts.memory):
        values = np.unique(graph.state.memory[:, k])
        demand(
            len(values) > 1,
            f"memory {name!r} to differ between trials",
            f"{values[0]} in all: it is lost, or this setting of the design has no use for it",
        )


def _check_names(design: Design, graph: Graph) -> None:
    """Hold a design with a naming rule to it."""
    if design.facts.names is None or getattr(design.facts.names, "unless_complete", False):
        return
    ended = graph.state[graph.ending]
    wrong = design.facts.names.named(graph.selected, ended.n, ended.y) != graph.selected
    if wrong.any():
        i = int(graph.ending[wrong.argmax()])
        demand(False, f"a dose named only on {design.facts.names.describe()}", f"one with fewer after {_at(graph, i)}")


def _check_mass(design: Design, graph: Graph) -> None:
    p, beside = np.sort(np.random.default_rng(2).random((2, 20, design.facts.doses)), axis=2)
    weight = edge_weights(graph, p, beside if design.facts.outcomes.beside else None)[:, graph.ending]
    astray = float(np.abs(weight.sum(axis=1) - 1).max())
    demand(astray <= 1e-12, "the endings' probabilities to sum to 1 within 1e-12", f"a difference of {astray:.2g}")
