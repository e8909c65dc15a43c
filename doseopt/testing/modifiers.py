"""Promises that every modifier must keep."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from doseopt.core.design import Design, Modifier, Phase
from doseopt.core.state import CONTINUE, Decision, IntArray, TrialState
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import Coherent, EnoughAtDose, MaxPatients, NoSkipping, TooToxic
from doseopt.engines.graph import Graph, build_graph
from doseopt.testing.common import check_pure, check_value, demand
from doseopt.testing.designs import check_design, tally

CAP = 10
COMPANY: tuple[Modifier, ...] = (NoSkipping(), Coherent(), TooToxic(confidence=0.9), EnoughAtDose(n=6))
"""Modifiers that any other must commute with."""


def check_modifier(modifier: Modifier, base: Design) -> Graph:
    """Check that a modifier keeps its promises over a design.

    It hashes, compares, pickles and describes itself; laid over the base it makes a design that passes `check_design`;
    it changes what its phase may change and nothing else, a restriction being a ceiling that does not depend on the
    dose proposed; its answer depends on the trial alone; and the order in which it stands among others does not matter.

    Parameters
    ----------
    modifier : Modifier
    base : Design
        Without modifiers. A cap of 10 patients is laid over it.

    Returns
    -------
    Graph
        Of the base with the modifier and the cap.

    Raises
    ------
    AssertionError, Faults, ValueError, TooManyStates
    """
    check_value(modifier)
    bound = modifier.bind(base)
    empty = TrialState.empty(base.facts.doses, len(bound.memory))
    for dose in range(base.facts.doses):
        _check_phase(bound, empty, dose)
    cap = () if modifier.phase == Phase.CAP else (MaxPatients(n=CAP),)
    design = Modified(base, (modifier, *cap))
    graph = check_design(design)
    start = len(base.facts.memory)
    own = graph.state.with_memory(graph.state.memory[:, start : start + len(bound.memory)])
    begun = own[own.started]
    for dose in range(base.facts.doses):
        _check_phase(bound, begun, dose)
        _check_purity(bound, check_value(bound), begun, dose)
    _check_order(base, (modifier, *(m for m in COMPANY if type(m) is not type(modifier)), *cap))
    return graph


def _offer(state: TrialState, dose: int, stop: int = CONTINUE) -> Decision:
    return Decision(*(np.full(len(state), part) for part in (dose, 3, stop)))


def _check_phase(modifier: Modifier, state: TrialState, dose: int) -> None:
    """Propose a dose to every trial, and look at what has become of it."""
    stop = 1 if modifier.phase == Phase.DEMAND else CONTINUE
    offer = _offer(state, dose, stop)
    answer = modifier(state, offer)
    same = {name: getattr(answer, name) == getattr(offer, name) for name in Decision.__slots__}
    stops = (answer.stop >= 0) & (answer.stop <= len(modifier.reasons))
    if modifier.phase == Phase.CLOSE:
        kept = {"only a lower dose, or a reason to stop": same["size"] & stops & (answer.dose <= dose)}
    elif modifier.phase == Phase.FLOOR:
        floor = modifier(state, _offer(state, 0)).dose
        kept = {"only a higher dose": same["size"] & same["stop"] & (answer.dose >= dose)}
        kept["a floor that does not depend on the dose proposed"] = answer.dose == np.maximum(floor, dose)
    elif modifier.phase == Phase.RESTRICT:
        ceiling = modifier(state, _offer(state, state.n.shape[1] - 1)).dose
        kept = {"only a lower dose": same["size"] & same["stop"] & (answer.dose <= dose)}
        kept["a ceiling that does not depend on the dose proposed"] = answer.dose == np.minimum(ceiling, dose)
    elif modifier.phase in (Phase.COME, Phase.SIZE):
        kept = {"only another size, of a patient at least": same["dose"] & same["stop"] & (answer.size >= 1)}
    elif modifier.phase == Phase.RUN_IN:
        inside = (answer.dose >= 0) & (answer.dose < state.n.shape[1]) & (answer.size >= 1)
        kept = {"only a dose that exists and a size": same["stop"] & inside}
    elif modifier.phase == Phase.STOP:
        kept = {"only a reason to stop that it declares": same["dose"] & same["size"] & stops}
    elif modifier.phase == Phase.DEMAND:
        undone = (answer.stop == CONTINUE) & (answer.size >= 1)
        kept = {"only an ending undone": same["dose"] & (undone | (same["stop"] & same["size"]))}
    else:
        smaller = (answer.size <= offer.size) & (answer.size >= 1)
        kept = {"only a smaller cohort, or a reason to stop that it declares": same["dose"] & smaller & stops}
    for wanted, holds in kept.items():
        if not holds.all():
            i = int((~holds).argmax())
            came = f"dose level {answer.dose[i] + 1}, size {answer.size[i]}, stop {answer.stop[i]}"
            text = f"{wanted} from a modifier of phase {modifier.phase.name} offered level {dose + 1}, size 3"
            demand(False, text, f"{came} after {tally(state, i)}")


def _check_purity(modifier: Modifier, fresh: Modifier, state: TrialState, dose: int) -> None:
    offer = _offer(state, dose)

    def ask(who: Modifier, rows: IntArray) -> IntArray:
        answer = who(state[rows], offer[rows])
        return np.stack([answer.dose, answer.size, answer.stop], axis=1)

    apart = np.zeros((len(state), 3), np.int64)
    for rows in (np.arange(0, len(state), 2), np.arange(1, len(state), 2)):
        apart[rows] = ask(modifier, rows)
    check_pure(
        "the modifier",
        len(state),
        lambda rows: ask(modifier, rows),
        lambda rows: ask(fresh, rows),
        apart,
        lambda i: tally(state, i),
    )


def _check_order(base: Design, modifiers: tuple[Modifier, ...]) -> None:
    """Ask the design with its modifiers in the other order about the same trials, memory turned round accordingly."""
    one, other = Modified(base, modifiers), Modified(base, modifiers[::-1])
    graph = build_graph(one, edges=True)
    ends = np.cumsum([len(base.facts.memory), *(len(m.memory) for m in one.modifiers)])
    slices = [slice(a, b) for a, b in pairwise(ends)]
    memory = graph.state.memory
    turned = np.concatenate([memory[:, : ends[0]], *(memory[:, s] for s in slices[::-1])], axis=1)
    begun = np.flatnonzero(graph.state.started)
    state = graph.state.with_memory(turned)[begun]
    first, second = graph.decision[begun], other.decide(state)
    reasons = [np.array(["", *design.facts.stops])[d.stop] for design, d in ((one, first), (other, second))]
    on = first.stop == CONTINUE
    same = (reasons[0] == reasons[1]) & (~on | ((first.dose == second.dose) & (first.size == second.size)))
    if not same.all():
        names = ", ".join(type(m).__name__ for m in modifiers)
        wanted = f"the same decision whatever the order of {names}"
        demand(False, wanted, f"another after {tally(state, int((~same).argmax()))}")
