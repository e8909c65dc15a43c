"""The patients of a trial so far, cut into cohorts, seen by a design: every outcome that pending patients can have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, islice

import numpy as np

from doseopt.conduct.answer import Answer, admissible, answers, answers_amid, asked, treated
from doseopt.core.cohort import Cohort, format_outcomes
from doseopt.core.design import Design
from doseopt.core.parameters import Fault, Faults
from doseopt.core.state import CONTINUE, IntArray, TrialState
from doseopt.designs.unfinished import PENDING, seen
from doseopt.records.data import Patient, TrialData, letter

MOST_OUTCOMES = 1000
"""Outcomes of pending patients that are told apart; of more, none is."""


@dataclass(frozen=True)
class Course:
    """Patients in the order of the data, in blocks that no cohort reaches over.

    Attributes
    ----------
    blocks : tuple of Cohort
        Cohorts; or, where the data state none, patients in a row at one dose. ``PENDING`` for a pending patient.
    stated : bool
        Whether they are the cohorts that the data state.
    """

    blocks: tuple[Cohort, ...]
    stated: bool

    @property
    def ambiguous(self) -> bool:
        """Whether the patients could be grouped into cohorts in more ways than one."""
        return not self.stated and any(len(block.letters) > 1 for block in self.blocks)

    @property
    def pending(self) -> int:
        """How many patients are pending."""
        return sum(block.letters.count(PENDING) for block in self.blocks)


def course_of(data: TrialData, graded: bool, cohorts: Sequence[Cohort] | None = None) -> Course:
    """Return the patients of a trial as a design that looks at grades, or at DLTs only, sees them.

    Parameters
    ----------
    data : TrialData
    graded : bool
    cohorts : sequence of Cohort, optional
        The same patients; as the data state them when left out.

    Raises
    ------
    Faults
        With every patient whose grade is looked at and not recorded.
    """
    if cohorts is not None:
        return Course(tuple(cohorts), True)
    stated = data.cohorts
    if stated is not None:
        groups = [tuple(group) for group in stated]
    else:
        counted = (p for p in data.patients if p.evaluable)
        runs = (list(run) for _, run in groupby(counted, lambda p: p.level))
        groups = [part for run in runs for part in _closed_parts(run)]
    letters = _letters([p for group in groups for p in group], graded)
    blocks = tuple(
        Cohort(group[0].level + 1, "".join(letters[p.name] for p in group), group[-1].closed) for group in groups
    )
    return Course(blocks, stated is not None)


def _closed_parts(run: Sequence[Patient]) -> list[tuple[Patient, ...]]:
    """Cut patients in a row at one dose after those whose cohort was closed early."""
    ends = [i + 1 for i, p in enumerate(run[:-1]) if p.closed and not run[i + 1].closed]
    return [tuple(run[a:b]) for a, b in zip([0, *ends], [*ends, len(run)], strict=True)]


def _letters(patients: Sequence[Patient], graded: bool) -> dict[str, str]:
    found: dict[str, str] = {}
    faults: list[Fault] = []
    for patient in patients:
        try:
            found[patient.name] = PENDING if patient.dlt is None else letter(patient, graded)
        except Faults as missing:
            faults += missing.faults
    if faults:
        raise Faults(faults)
    return found


@dataclass(frozen=True)
class Branch:
    """The trial so far under one outcome of the pending patients.

    Attributes
    ----------
    outcome : str
        Letters of the pending patients, a group for each cohort that has some: those of a cohort in no order.
    answer : Answer
    cohorts : tuple of Cohort
        As they were cut, pending patients filled in.
    departures : tuple of str
        Cohorts that the design would not have given.
    allowed : tuple of bool
        Admissible doses after the last patient; the last cohort counts as it stands.
    """

    outcome: str
    answer: Answer
    cohorts: tuple[Cohort, ...]
    departures: tuple[str, ...]
    allowed: tuple[bool, ...]


@dataclass(frozen=True, eq=False)
class _Open:
    """A branch that has not come to the last patient."""

    outcome: tuple[str, ...]
    cohorts: tuple[Cohort, ...]
    departures: tuple[str, ...]
    state: TrialState


def branches(design: Design, course: Course) -> list[Branch] | None:
    """Return what a design does under each outcome of the pending patients; None if there are too many.

    Where the data state no cohorts the design's own are cut: as many patients as it gives, or the whole run where it
    gives another dose. Outcomes that differ by the order of patients within a cohort are one.
    """
    empty = TrialState.empty(design.facts.doses, len(design.facts.memory))
    if not course.blocks:
        return [Branch("", answers(design, empty)[0], (), (), tuple(design.admissible(empty)[0].tolist()))]
    _ask_at_once(design, empty, course)
    waiting: dict[tuple[int, int], list[_Open]] = {(0, 0): [_Open((), (), (), empty)]}
    done: list[Branch] = []
    while waiting:
        place = min(waiting)
        batch = waiting.pop(place)
        for many, rows in _cuts(design, course, place, batch).items():
            block, begin = place
            whole = course.blocks[block]
            end = begin + many
            over = end == len(whole.letters)
            cohort = Cohort(whole.level, whole.letters[begin:end], whole.closed and over)
            if len(rows) * len(_fillings(design, cohort)) + len(done) > MOST_OUTCOMES:
                return None
            if over and block == len(course.blocks) - 1:
                done += _ended(design, rows, cohort)
                continue
            after = waiting.setdefault((block + 1, 0) if over else (block, end), [])
            after += _further(design, rows, cohort)
            if len(after) > MOST_OUTCOMES:
                return None
    return done


def _ask_at_once(design: Design, state: TrialState, course: Course) -> None:
    """Let a design that keeps its posteriors make those of the whole course together, which takes less time."""
    states = []
    for cohort in known(course) if design.facts.nodes is not None else ():
        state = treated(design, state, cohort.level - 1, _counts(design, [cohort]))
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


def _fillings(design: Design, cohort: Cohort) -> list[str]:
    """Return what the pending patients of a cohort can turn out to have, the best first."""
    return design.facts.outcomes.fillings(cohort.letters.count(PENDING))


def _spread(design: Design, rows: list[_Open], cohort: Cohort) -> tuple[list[_Open], list[Cohort], TrialState]:
    """Return each branch with each outcome of a cohort's pending patients, and the states before the cohort."""
    known = seen(cohort)
    filled = [Cohort(known.level, known.letters + way, known.closed) for way in _fillings(design, cohort)]
    pairs = [(row, one) for row in rows for one in filled]
    return [p[0] for p in pairs], [p[1] for p in pairs], TrialState.concatenate([p[0].state for p in pairs])


def _counts(design: Design, cohorts: list[Cohort]) -> IntArray:
    return np.array([cohort.counts(design.facts.outcomes) for cohort in cohorts])


def _further(design: Design, rows: list[_Open], cohort: Cohort) -> list[_Open]:
    """Return the branches after a cohort."""
    each, cohorts, before = _spread(design, rows, cohort)
    departures = _departures(design, before, cohorts, each, last=False)
    state = treated(design, before, cohort.level - 1, _counts(design, cohorts))
    return [
        _Open(_noted(row, cohort, one), (*row.cohorts, one), gone, state[slice(i, i + 1)])
        for i, (row, one, gone) in enumerate(zip(each, cohorts, departures, strict=True))
    ]


def _noted(row: _Open, cohort: Cohort, one: Cohort) -> tuple[str, ...]:
    """Return the outcomes of pending patients with those of a cohort."""
    missing = cohort.letters.count(PENDING)
    return (*row.outcome, one.letters[-missing:]) if missing else row.outcome


def _ended(design: Design, rows: list[_Open], cohort: Cohort) -> list[Branch]:
    """Return the branches after the last cohort, with what the design does."""
    each, cohorts, before = _spread(design, rows, cohort)
    counts, level = _counts(design, cohorts), cohort.level - 1
    departures = _departures(design, before, cohorts, each, last=not cohort.closed)
    found = answers_amid(design, before, level, counts, cohort.closed)
    after = treated(design, before, level, counts)
    allowed = [tuple(admissible(design, after, before, i).tolist()) for i in range(len(each))]
    return [
        Branch(" ".join(_noted(row, cohort, one)), answer, (*row.cohorts, one), gone, doses)
        for row, one, gone, answer, doses in zip(each, cohorts, departures, found, allowed, strict=True)
    ]


def _departures(
    design: Design, before: TrialState, cohorts: list[Cohort], rows: list[_Open], last: bool
) -> list[tuple[str, ...]]:
    """Return the departures of each branch with that of a cohort; the last one may have patients still to come."""
    given = asked(design, before)
    found = []
    for i, (cohort, row) in enumerate(zip(cohorts, rows, strict=True)):
        text = departure(design, cohort, int(given.dose[i]), int(given.size[i]), int(given.stop[i]), last)
        number = len(row.cohorts) + 1
        more = (f"cohort {number} ({format_outcomes((cohort,))}): {text}",) if text else ()
        found.append((*row.departures, *more))
    return found


def departure(design: Design, cohort: Cohort, dose: int, size: int, stop: int, last: bool) -> str:
    """Say how a cohort is not the one that the design gave; empty if it is, or is the begun last one."""
    if stop != CONTINUE:
        return f"the design had stopped ({design.facts.stops[stop - 1]})"
    many = len(cohort.letters)
    if dose + 1 == cohort.level and (many == size or (last and many < size)):
        return ""
    patients = "1 patient" if size == 1 else f"{size} patients"
    return f"the design gives {patients} at level {dose + 1}"


def cohorts_of(design: Design, course: Course) -> tuple[Cohort, ...]:
    """Return the patients of a trial as cohorts: those that the data state, or as the design would have cut them."""
    found = None if course.stated else branches(design, course)
    if not found:
        return course.blocks
    letters = iter("".join(block.letters for block in course.blocks))
    return tuple(
        Cohort(cohort.level, "".join(islice(letters, len(cohort.letters))), cohort.closed)
        for cohort in found[0].cohorts
    )


def certain_departures(found: Sequence[Branch]) -> list[str]:
    """Return the departures that all branches have."""
    return [text for text in found[0].departures if all(text in b.departures for b in found)] if found else []


def known(course: Course) -> tuple[Cohort, ...]:
    """Return the blocks of a course without pending patients."""
    return tuple(cohort for cohort in map(seen, course.blocks) if cohort.letters)
