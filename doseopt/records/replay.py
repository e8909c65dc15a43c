"""A trial so far replayed by a design, under every outcome that pending patients can have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import NamedTuple

import numpy as np

from doseopt.core.cohort import Cohort, format_outcomes
from doseopt.core.design import Design
from doseopt.core.parameters import Fault, Faults
from doseopt.core.state import CONTINUE, IntArray, Pending, TrialState
from doseopt.core.trial import after
from doseopt.designs.layers import layers
from doseopt.designs.unfinished import PENDING, Unfinished, seen
from doseopt.records.answer import Answer, admissible, answers, answers_amid, asked, departure, treated, with_pending
from doseopt.records.course import Course

MOST_OUTCOMES = 1000
"""Outcomes of pending patients that are told apart; of more, none is."""


class Standing(NamedTuple):
    """A design as a trial goes on with it, and where it stands (a batch of one, in which what is known counts)."""

    design: Design
    state: TrialState


@dataclass(frozen=True)
class Branch:
    """The trial so far under one outcome of the pending patients.

    Attributes
    ----------
    outcome : tuple of str
        Letters of the pending patients of each cohort that has some, in no order within it.
    cohorts : tuple of Cohort
        As they were cut, pending patients filled in.
    departures : tuple of str
        Cohorts that the design would not have given.
    answer : Answer
    allowed : tuple of bool
        Admissible doses after the last patient; the last cohort counts as it stands.
    """

    outcome: tuple[str, ...]
    cohorts: tuple[Cohort, ...]
    departures: tuple[str, ...]
    answer: Answer
    allowed: tuple[bool, ...]


@dataclass(frozen=True, eq=False)
class Replay:
    """A trial so far as a design sees it.

    Attributes
    ----------
    design : Design
    course : Course
        Where it states no cohorts the design's own are cut: as many patients as it gives, or the whole run where it
        gives another dose.
    branches : tuple of Branch or None
        By the outcomes of the pending patients; those that differ by the order within a cohort are one. None if there
        are more than ``MOST_OUTCOMES``.
    shown : tuple of TrialState and Pending, optional
        What a design was shown that decides while patients are pending: there is one branch then.
    """

    design: Design
    course: Course
    branches: tuple[Branch, ...] | None
    shown: tuple[TrialState, Pending] | None = None

    @property
    def answer(self) -> Answer | None:
        """What the design does now whatever pending patients will have; None if that depends on them."""
        found = [branch.answer for branch in self.branches or ()]
        return found[0] if len(set(found)) == 1 else None

    @property
    def cohorts(self) -> tuple[Cohort, ...]:
        """The cohorts that the data state, or as the design would have cut them; ``PENDING`` for a patient who is."""
        if self.course.stated or self.branches is None:
            return self.course.blocks
        letters = iter("".join(block.letters for block in self.course.blocks))
        cut = self.branches[0].cohorts
        return tuple(replace(one, letters="".join(islice(letters, len(one.letters)))) for one in cut)

    @property
    def departures(self) -> list[str]:
        """The cohorts that the design would not have given, whatever pending patients will have.

        The last cohort may have patients still to come.
        """
        told = self.branches or ()
        return [text for text in told[0].departures if all(text in b.departures for b in told)] if told else []

    @cached_property
    def as_cut(self) -> Replay:
        """The same, with the cohorts as they were cut taken for stated."""
        return self if self.course.stated else replay(self.design, Course(self.cohorts, True))

    @cached_property
    def _rests(self) -> tuple[tuple[tuple[int, ...], int], ...]:
        """How many patients of the last cohort come before anything else, by what pending patients have.

        What they have: DLTs (and moderate toxicities) in each cohort that has some.
        """
        found = self.as_cut.branches
        if found is None:
            wanted = f"wanted pending patients with at most {MOST_OUTCOMES} outcomes, got more"
            raise Faults([Fault("data", f"{wanted}: wait for some of them")])
        kinds = self.design.facts.outcomes.letters[:-1]
        return tuple(
            (tuple(letters.count(kind) for letters in branch.outcome for kind in kinds), wanted - given)
            for branch in found
            for given, wanted in [branch.answer.unfinished or (0, 0)]
            if wanted
        )

    def standing(self, design: Design | None = None) -> Standing:
        """Return where the trial stands for this design, or for another that is amended.

        This one says whether the last cohort is whole, as its rest is treated whatever is amended.
        """
        design = design or self.design
        if not self._rests and not self.course.pending:
            return Standing(design, after(design, self.cohorts))
        begun = Unfinished(design, self.cohorts, self._rests)
        return Standing(begun, begun.start)


@dataclass(frozen=True, eq=False)
class _Open:
    """A branch that has not come to the last patient."""

    outcome: tuple[str, ...]
    cohorts: tuple[Cohort, ...]
    departures: tuple[str, ...]
    state: TrialState


def replay(design: Design, course: Course, shares: Callable[[], Pending] | None = None) -> Replay:
    """Return the course of a trial as a design sees it.

    Parameters
    ----------
    design : Design
    course : Course
    shares : callable, optional
        Returns the pending patients as a design sees them that decides while there are some.

    Raises
    ------
    Faults
        If patients are pending, and the design decides on how long they have been followed, which is not known.
    """
    if design.facts.pending and course.blocks:
        if course.pending and shares is None:
            wanted = "wanted how long each pending patient was followed, on which the design decides"
            raise Faults([Fault("data", f"{wanted}; got {course.pending} pending, and not how long")])
        nobody = Pending.nobody(1)
        return _with_pending(design, course, shares() if shares is not None and course.pending else nobody)
    branches = _branches(design, course)
    return Replay(design, course, None if branches is None else tuple(branches))


def _with_pending(design: Design, course: Course, pending: Pending) -> Replay:
    """Return what a design does that is shown the pending patients; the rest of an open cohort comes first.

    Departures are not told: the design gave each cohort by who was pending then.
    """
    state, outcomes = TrialState.empty(design.facts.doses, len(design.facts.memory)), design.facts.outcomes
    size = many = 0
    for block in course.blocks:
        left = block.letters
        while left:
            size = _size_of(design, state, block.level - 1)
            many = len(left) if course.stated else min(size, len(left))
            counts = seen(replace(block, letters=left[:many])).counts(outcomes)
            state, left = treated(design, state, block.level - 1, np.array([counts])), left[many:]
    last, allowed = course.blocks[-1], design.admissible(state.treated(pending))[0]
    answer = with_pending(design, state, pending)
    if 0 < many < size and not last.closed and answer.stop is None and allowed[last.level - 1]:
        answer = Answer(last.level, size - many, unfinished=(many, size))
    branch = Branch((), course.blocks, (), answer, tuple(allowed.tolist()))
    return Replay(design, course, (branch,), (state, pending))


def _size_of(design: Design, state: TrialState, level: int) -> int:
    """Return the patients of the next cohort: those the design gives, or its usual number where it gives another dose.

    Who was pending then, on whom it decided, is not known.
    """
    given = asked(design, state)
    follows = given.stop[0] == CONTINUE and given.dose[0] == level
    return int(given.size[0] if follows else getattr(layers(design).rule, "cohort", 1))


def _branches(design: Design, course: Course) -> list[Branch] | None:
    """Return what a design does under each outcome of the pending patients; None if there are too many."""
    empty = TrialState.empty(design.facts.doses, len(design.facts.memory))
    if not course.blocks:
        return [Branch((), (), (), answers(design, empty)[0], tuple(design.admissible(empty)[0].tolist()))]
    _ask_at_once(design, empty, course)
    waiting: dict[tuple[int, int], list[_Open]] = {(0, 0): [_Open((), (), (), empty)]}
    done: list[Branch] = []
    while waiting:
        place = min(waiting)
        batch = waiting.pop(place)
        for many, rows in _cuts(design, course, place, batch).items():
            block, begin = place
            whole = course.blocks[block]
            over = begin + many == len(whole.letters)
            cohort = Cohort(whole.level, whole.letters[begin : begin + many], whole.closed and over)
            outcomes = len(design.facts.outcomes.fillings(cohort.letters.count(PENDING)))
            if len(rows) * outcomes + len(done) > MOST_OUTCOMES:
                return None
            if over and block == len(course.blocks) - 1:
                done += _ended(design, rows, cohort)
                continue
            reached = waiting.setdefault((block + 1, 0) if over else (block, begin + many), [])
            reached += _further(design, rows, cohort, begun=False)[0]
            if len(reached) > MOST_OUTCOMES:
                return None
    return done


def _ask_at_once(design: Design, state: TrialState, course: Course) -> None:
    """Let a design that keeps its posteriors make those of the whole course together, which takes less time."""
    states = []
    for cohort in course.known if design.facts.nodes is not None else ():
        counts = np.array([cohort.counts(design.facts.outcomes)])
        state = treated(design, state, cohort.level - 1, counts)
        states.append(state)
    if states:
        design.admissible(TrialState.concatenate(states))


def _cuts(design: Design, course: Course, place: tuple[int, int], batch: list[_Open]) -> dict[int, list[_Open]]:
    """Return how many patients the next cohort has, and the branches in which it does."""
    block = course.blocks[place[0]]
    left = len(block.letters) - place[1]
    if course.stated or left == 1:
        return {left: batch}
    given = asked(design, TrialState.concatenate([row.state for row in batch]))
    follows = (given.stop == CONTINUE) & (given.dose == block.level - 1)
    found: dict[int, list[_Open]] = {}
    for many, row in zip(np.where(follows, np.minimum(given.size, left), left).tolist(), batch, strict=True):
        found.setdefault(many, []).append(row)
    return found


def _further(
    design: Design, rows: list[_Open], cohort: Cohort, begun: bool
) -> tuple[list[_Open], TrialState, IntArray]:
    """Return the branches after a cohort, for each outcome of its pending patients; the states before; its counts."""
    known = seen(cohort)
    ways = design.facts.outcomes.fillings(cohort.letters.count(PENDING))
    pairs = [(row, way) for row in rows for way in ways]
    whole = [replace(known, letters=known.letters + way) for _, way in pairs]
    before = TrialState.concatenate([row.state for row, _ in pairs])
    counts = np.array([one.counts(design.facts.outcomes) for one in whole])
    given, state = asked(design, before), treated(design, before, cohort.level - 1, counts)
    found = []
    for i, ((row, way), one) in enumerate(zip(pairs, whole, strict=True)):
        text = departure(design, one, int(given.dose[i]), int(given.size[i]), int(given.stop[i]), begun)
        more = (f"cohort {len(row.cohorts) + 1} ({format_outcomes((cohort,))}): {text}",) if text else ()
        outcome = (*row.outcome, way) if way else row.outcome
        found.append(_Open(outcome, (*row.cohorts, one), (*row.departures, *more), state[slice(i, i + 1)]))
    return found, before, counts


def _ended(design: Design, rows: list[_Open], cohort: Cohort) -> list[Branch]:
    """Return the branches after the last cohort, with what the design does."""
    ends, before, counts = _further(design, rows, cohort, begun=not cohort.closed)
    found = answers_amid(design, before, cohort.level - 1, counts, cohort.closed)
    state = TrialState.concatenate([end.state for end in ends])
    allowed = (tuple(admissible(design, state, before, i).tolist()) for i in range(len(ends)))
    return [
        Branch(end.outcome, end.cohorts, end.departures, answer, doses)
        for end, answer, doses in zip(ends, found, allowed, strict=True)
    ]
