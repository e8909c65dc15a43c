"""One step of a trial, the only way that engines and replays move: ask, check, treat, remember."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import numpy as np

from doseopt.core.cohort import Cohort, parse_outcomes
from doseopt.core.design import Design, decision_of
from doseopt.core.parameters import Fault, Faults
from doseopt.core.state import CONTINUE, NONE, Decision, IntArray, Pending, TrialState

PIECE = 10_000
"""Trials that a rule is asked about at a time."""
LATER = -2
"""Stands for the MTD of a trial that stops and has not been asked for it."""


class States(Protocol):
    """A batch of trials of which some can be asked for."""

    def __getitem__(self, index: IntArray, /) -> TrialState: ...


def step(design: Design, state: TrialState, pending: Pending | None = None) -> Decision:
    """Ask a design what to do next, and hold it to its own word.

    The first decision in empty trials, ``decide`` in all others. A design that decides while patients are pending may
    answer that the trial waits, by an empty cohort.

    Raises
    ------
    Faults
        If a trial that goes on is given an inadmissible dose, a dose that does not exist or an empty cohort.
    """
    if not (state.started.any() or state.memory.any()):
        first = design.first()
        decision = Decision(*(np.repeat(part, len(state)) for part in (first.dose, first.size, first.stop)))
    else:
        decision = decision_of(design, state, pending)
    on = decision.stop == CONTINUE
    facts = design.facts
    least = 0 if facts.pending and pending is not None else 1
    outside = on & ((decision.dose < 0) | (decision.dose >= facts.doses) | (decision.size < least))
    allowed = design.admissible(state.treated(pending))
    inside = np.flatnonzero(on & ~outside & (decision.size > 0))
    outside[inside] = ~allowed[inside, decision.dose[inside]]
    if outside.any():
        i = int(np.flatnonzero(outside)[0])
        message = (
            f"{type(design).__name__} broke its own rule: after n={state.n[i].tolist()}, y={state.y[i].tolist()} it "
            f"gives dose level {decision.dose[i] + 1} to {decision.size[i]}; wanted an admissible level "
            f"{(np.flatnonzero(allowed[i]) + 1).tolist()} and at least one patient"
        )
        raise Faults([Fault("", message)])
    return decision


def selected(design: Design, state: TrialState, stop: IntArray) -> IntArray:
    """Return the MTD that a design declares, held to the doses it calls admissible."""
    mtd = design.select(state, stop)
    allowed = design.admissible(state)
    bad = (mtd != NONE) & ~allowed[np.arange(len(mtd)), mtd]
    if bad.any():
        i = int(np.flatnonzero(bad)[0])
        message = (
            f"{type(design).__name__} selects dose level {mtd[i] + 1}, which it calls inadmissible, after "
            f"n={state.n[i].tolist()}, y={state.y[i].tolist()}"
        )
        raise Faults([Fault("", message)])
    return mtd


def after_follow_up(design: Design, state: TrialState, stop: IntArray, nobody: Pending) -> tuple[IntArray, IntArray]:
    """Return why trials end and the MTD that each declares, once all their patients have been followed up, [S] each.

    When enrolment ended patients may have been pending, of whom the rules have not heard. A trial that its cap closed
    is asked about now; one that a rule stopped (enough patients, say) is asked again, and ends by another rule where
    that selects no dose: too toxic by the outcomes of all.

    Parameters
    ----------
    design : Design
    state : TrialState
    stop : int array [S]
        Why they enrol nobody any more, 0 for the cap.
    nobody : Pending
    """
    now = step(design, state, nobody).stop
    stop = np.where(stop == CONTINUE, now, stop)
    mtd, mtd_now = selected(design, state, stop), selected(design, state, now)
    none = (now != CONTINUE) & (mtd_now == NONE) & (mtd != NONE)
    return np.where(none, now, stop), np.where(none, NONE, mtd)


def demand_waiting(design: Design) -> None:
    """Refuse a design whose trials depend on when patients come, where time does not pass."""
    if design.facts.in_time:
        how = "decides while patients are pending" if design.facts.pending else "backfills lower doses"
        came = f"got one that {how}, whose trials depend on when they come"
        raise Faults([Fault("design", f"wanted a design that waits until every outcome is known, {came}")])


def decide_and_select(design: Design, state: TrialState, later: bool = False) -> tuple[Decision, IntArray]:
    """Return what happens next in each trial, and the MTD of each that stops.

    A large batch is asked about in pieces, so that the posteriors that a rule needs for its answer stay small. Where
    all trials of a piece stop, its state stays the same object and keeps its posterior. If the MTDs of others will be
    asked for `later`, many batches at once, they are `LATER`.

    Raises
    ------
    Faults
        If the design decides while patients are pending: the answers would be those of another that waits for them.
    """
    demand_waiting(design)
    decisions, chosen = [], []
    for first in range(0, max(len(state), 1), PIECE):
        piece = state if len(state) <= PIECE else state[first : first + PIECE]
        decision = step(design, piece)
        stopped = decision.stop != CONTINUE
        decisions.append(decision)
        if stopped.all() and len(piece):
            chosen.append(selected(design, piece, decision.stop))
        elif later or not stopped.any():
            chosen.append(np.full(stopped.sum(), LATER))
        else:
            chosen.append(selected(design, piece[stopped], decision.stop[stopped]))
    return Decision.concatenate(decisions), np.concatenate(chosen)


def select_in_pieces(design: Design, state: States, stop: IntArray, ended: IntArray) -> IntArray:
    """Return the MTD that a design declares in those of many trials that have ended, some at a time, [E]."""
    pieces = (ended[first : first + PIECE] for first in range(0, len(ended), PIECE))
    return np.concatenate([np.zeros(0, np.int64), *(selected(design, state[rows], stop[rows]) for rows in pieces)])


def advance(design: Design, before: TrialState, given: Decision, outcome: IntArray) -> TrialState:
    """Return the trials after one more cohort each.

    Parameters
    ----------
    design : Design
    before : TrialState
    given : Decision
        The cohort that was treated.
    outcome : int array [S, K]
        Its patients by outcome category, DLT first.
    """
    n, y, space = before.n.copy(), before.y.copy(), design.facts.outcomes
    evaluated = space.evaluated(outcome)
    n[before.at, given.dose] += evaluated
    y[before.at, given.dose] += space.dlts(outcome)
    dose = np.where(evaluated > 0, given.dose, before.dose) if space.lost else given.dose
    return TrialState(n, y, dose, design.remember(before, given, outcome))


def after(design: Design, outcomes: str | Iterable[Cohort]) -> TrialState:
    """Return the trial state, memory included, that outcomes seen so far lead to.

    Each group of the string is one complete cohort, whichever design gave it; the design need not have recommended it.

    Parameters
    ----------
    design : Design
    outcomes : str or iterable of Cohort
        E.g. ``"1N 2NNT"``.

    Returns
    -------
    TrialState
        A batch of one.

    Examples
    --------
    >>> from doseopt import ThreePlusThree, after
    >>> state = after(ThreePlusThree(doses=3, target=0.25), "1NNN 2NNT")
    >>> state.n.tolist(), state.y.tolist()
    ([[3, 3, 0]], [[0, 1, 0]])
    """
    cohorts = parse_outcomes(outcomes, design.facts.doses) if isinstance(outcomes, str) else outcomes
    state = TrialState.empty(design.facts.doses, len(design.facts.memory))
    for cohort in cohorts:
        counts = np.array([cohort.counts(design.facts.outcomes)])
        given = Decision(np.array([cohort.level - 1]), counts.sum(axis=1), np.zeros(1, np.int64))
        state = advance(design, state, given, counts)
    return state
