"""The answer of a design after a cohort, which may be a part of the one that it gave, or another."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from doseopt.core.cohort import Cohort
from doseopt.core.design import Design
from doseopt.core.parameters import Faults
from doseopt.core.state import CONTINUE, BoolArray, Decision, IntArray, Pending, TrialState
from doseopt.core.trial import advance, after_follow_up, selected, step
from doseopt.engines.cohort_outcomes import cohort_outcomes


@dataclass(frozen=True)
class Answer:
    """What a design does next; answers are equal if the same patients get the same dose.

    Attributes
    ----------
    level, size : int or None
        Of the next patients, the level counted from 1; None if the trial stops. A size of 0 waits for pending ones.
    stop : str or None
        Why it stops.
    mtd : int or None
        Level declared then.
    awaits : int
        Pending patients on whom the MTD depends of a trial that stops: it is not declared before they are followed up.
    fewest : int, optional
        The fewest patients of the next cohort where it is treated as patients come; None where it has `size`.
    unfinished : tuple of int, optional
        Patients treated and wanted of the last cohort, if the next patients are its rest.
    """

    level: int | None
    size: int | None
    stop: str | None = None
    mtd: int | None = None
    awaits: int = 0
    fewest: int | None = None
    unfinished: tuple[int, int] | None = field(default=None, compare=False)

    def as_object(self, labels: list[str]) -> dict[str, Any]:
        """Return the answer as JSON holds it."""
        treated, wanted = self.unfinished or (0, 0)
        return {
            "action": "stop" if self.stop is not None else "treat" if self.size else "wait",
            "dose": None if self.level is None else labels[self.level - 1],
            "level": self.level,
            "size": self.size,
            "stop": self.stop,
            "mtd": self.mtd,
            "unfinished": {"treated": treated, "of": wanted} if wanted else None,
            **({} if self.fewest is None else {"fewest": self.fewest}),
            **({"awaits": self.awaits} if self.awaits else {}),
        }


def asked(design: Design, state: TrialState) -> Decision:
    """Return what a design gives next in trials of which some may not have begun."""
    begun = state.started
    if begun.all() or not begun.any():
        return step(design, state)
    parts = np.zeros((3, len(state)), np.int64)
    for rows in (np.flatnonzero(begun), np.flatnonzero(~begun)):
        given = step(design, state[rows])
        parts[:, rows] = given.dose, given.size, given.stop
    return Decision(*parts)


def answers(design: Design, state: TrialState, pending: Pending | None = None) -> list[Answer]:
    """Return what a design does in each of several trials whose cohorts are complete.

    With pending patients, of trials that have begun, and a design that decides on them.
    """
    given = asked(design, state) if pending is None else step(design, state, pending)
    mtd = np.full(len(state), -1)
    ended = np.flatnonzero(given.stop != CONTINUE)
    if len(ended):
        mtd[ended] = selected(design, state[ended], given.stop[ended])
    fewest = design.facts.fewest(given.size).tolist()
    rows = zip(given.dose.tolist(), given.size.tolist(), fewest, given.stop.tolist(), mtd.tolist(), strict=True)
    return [
        Answer(dose + 1, size, fewest=few if few < size else None)
        if not stop
        else Answer(None, None, design.facts.stops[stop - 1], mtd + 1 if mtd >= 0 else None)
        for dose, size, few, stop, mtd in rows
    ]


def with_pending(design: Design, state: TrialState, pending: Pending) -> Answer:
    """Return what a design does that decides on pending patients, in a trial that has begun.

    A trial that stops declares the MTD by the outcomes of all: now, if they cannot change it, else when they are known.
    """
    answer = answers(design, state, pending)[0]
    left = pending.at(design.facts.doses)[0]
    if answer.stop is None or not left.any():
        return answer
    dlts = np.array(list(itertools.product(*(range(many + 1) for many in left.tolist()))))
    rows = np.zeros(len(dlts), np.int64)
    known = TrialState(state.n[rows] + left, state.y[rows] + dlts, state.dose[rows], state.memory[rows])
    stop = rows + 1 + design.facts.stops.index(answer.stop)
    ends = set(after_follow_up(design, known, stop, Pending.nobody(len(rows)))[1].tolist())
    if len(ends) > 1:
        return replace(answer, mtd=None, awaits=int(left.sum()))
    (one,) = ends
    return replace(answer, mtd=one + 1 if one >= 0 else None)


def treated(design: Design, before: TrialState, level: int, counts: IntArray) -> TrialState:
    """Return trials after a cohort each at one dose (index), whose outcomes by category are given, [S, K]."""
    rows = np.zeros(len(before), np.int64)
    return advance(design, before, Decision(rows + level, counts.sum(axis=1), rows), counts)


def answers_amid(design: Design, before: TrialState, level: int, counts: IntArray, closed: bool) -> list[Answer]:
    """Return what a design does after a cohort that may be unfinished.

    A cohort is unfinished if the design gives more patients at this dose than were treated and it was not closed; one
    that is treated as patients come, if they are fewer than the fewest who come: else the cohort seen is whole. Its
    rest is treated first, unless the dose is excluded already, or the decision is the same for every outcome of the
    rest; a stop, or more patients at this dose, only if the design says the same without the rest.

    Parameters
    ----------
    design : Design
    before : TrialState
        Before the cohort, S trials.
    level : int
        Its dose (index).
    counts : int array [S, K]
        Its outcomes by category.
    closed : bool
        Whether it was closed early.
    """
    after = treated(design, before, level, counts)
    given, many = asked(design, before), counts.sum(axis=1)
    wanted = design.facts.fewest(given.size)
    open_ = (given.stop == CONTINUE) & (given.dose == level) & (wanted > many) & (not closed)
    found = _as_they_stand(design, after, open_)
    rows = [
        i for i in np.flatnonzero(open_).tolist() if found[i] is None or admissible(design, after, before, i)[level]
    ]
    ways = [cohort_outcomes(int(wanted[i] - many[i]), len(design.facts.outcomes))[0] for i in rows]
    if ways:
        each = np.repeat(rows, [len(way) for way in ways])
        whole = treated(design, before[each], level, counts[each] + np.concatenate(ways))
        later = iter(answers(design, whole))
        for i, way in zip(rows, ways, strict=True):
            first = Answer(level + 1, int(wanted[i] - many[i]), unfinished=(int(many[i]), int(wanted[i])))
            found[i] = _amid(found[i], {next(later) for _ in way}, first)
    return [answer for answer in found if answer is not None]


def _amid(now: Answer | None, later: set[Answer], rest: Answer) -> Answer:
    """Return what is done amid a cohort, from what the design does as it stands and for each outcome of the rest."""
    one = later.pop() if len(later) == 1 else None
    if one is None or (one.level in (None, rest.level) and one != now):
        return rest
    return now if now is not None and now.level == one.level else one


def _as_they_stand(design: Design, after: TrialState, open_: BoolArray) -> list[Answer | None]:
    """Return what a design does if each last cohort is whole; None amid a cohort, for a table that has no such row."""
    try:
        return list(answers(design, after))
    except Faults:
        found: list[Answer | None] = [None] * len(after)
        for i in range(len(after)):
            try:
                found[i] = answers(design, after[slice(i, i + 1)])[0]
            except Faults:
                if not open_[i]:
                    raise
        return found


def admissible(design: Design, after: TrialState, before: TrialState, i: int) -> BoolArray:
    """Return the admissible doses of one of several trials, [D]; before its last cohort where a table has no row."""
    try:
        return np.asarray(design.admissible(after[slice(i, i + 1)])[0])
    except Faults:
        return np.asarray(design.admissible(before[slice(i, i + 1)])[0])


def departure(design: Design, cohort: Cohort, dose: int, size: int, stop: int, begun: bool) -> str:
    """Say how a cohort is not the one that the design gave; empty if it is, or is one that was begun."""
    if stop != CONTINUE:
        return f"the design had stopped ({design.facts.stops[stop - 1]})"
    many = len(cohort.letters)
    if design.facts.backfill is not None and cohort.level <= dose:
        return ""  # patients of backfilling
    fewest = int(design.facts.fewest(size))
    if dose + 1 == cohort.level and many <= size and (begun or many >= fewest):
        return ""
    patients = "1 patient" if size == 1 else f"{size} patients" if fewest == size else f"{fewest} to {size} patients"
    return f"the design gives {patients} at level {dose + 1}"
