"""Groupings of patients into cohorts where the data do not say them, and whether a design's answer depends on them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from doseopt.core.cohort import Cohort, format_outcomes
from doseopt.core.design import Design
from doseopt.core.distinct import unique_rows
from doseopt.core.parameters import Faults
from doseopt.core.state import IntArray, TrialState
from doseopt.designs.unfinished import PENDING
from doseopt.records.answer import Answer, answers_amid, treated
from doseopt.records.course import Course
from doseopt.records.trial import Trial

MOST_MEMORIES, MOST_FILLINGS, LONGEST = 300, 16, 60
"""What is looked through: memories of a design after one patient, outcomes of pending patients, patients in a row."""

NO_COHORTS = (
    "The data state no cohorts (a column `cohort` would): patients in a row at one dose are grouped as a design would "
    "have treated them"
)


@dataclass(frozen=True, eq=False)
class _Place:
    """The trial after some patients: the tally is one, the design's memory and the cohorts behind it may be many."""

    state: TrialState
    cohorts: tuple[tuple[Cohort, ...], ...]


@dataclass(frozen=True)
class Groupings:
    """What a design does under all ways to cut a course into cohorts.

    Attributes
    ----------
    ways : tuple of (str, Answer)
        Each answer, with one way that leads to it; no more than one if the answer does not depend on the grouping.
    pending : str
        Outcomes of the pending patients under which they differ.
    """

    ways: tuple[tuple[str, Answer], ...]
    pending: str = ""


def groupings(design: Design, course: Course) -> Groupings | None:
    """Return what a design does under all ways to cut a course's blocks into cohorts; None if there are too many.

    The tally is the same in all of them; they differ by what the design remembers and by what belongs to the last
    cohort. So the distinct states are followed from patient to patient, and not the ways, which are 2^patients.
    """
    if not course.ambiguous:
        return Groupings(())
    kinds = design.facts.outcomes.letters[::-1]
    if len(kinds) ** course.pending > MOST_FILLINGS:
        return None
    for letters in product(kinds, repeat=course.pending):
        ways = _answers(design, _with(course.blocks, "".join(letters)))
        if ways is None:
            return None
        if len(ways) > 1:
            return Groupings(tuple(ways), "".join(letters))
    return Groupings(())


def with_warning(trial: Trial, design: Design) -> Trial:
    """Return a trial, with a warning if its data leave open into which cohorts patients fell, and so what is done."""
    seen = trial.after(design)
    found = groupings(design, seen.course)
    if found is not None and not found.ways:
        return trial
    depends = "may depend on that: the ways are too many to check"
    if found is not None:
        depends = f"depends on that: {' or '.join(text for text, _ in found.ways)}"
    warning = f"{NO_COHORTS}, here {format_outcomes(seen.cohorts)}; what it does now {depends}"
    return trial if warning in trial.warnings else replace(trial, warnings=(*trial.warnings, warning))


def _with(blocks: tuple[Cohort, ...], letters: str) -> list[Cohort]:
    """Return the blocks with the outcomes of the pending patients, in order."""
    rest = iter(letters)
    return [Cohort(b.level, "".join(next(rest) if x == PENDING else x for x in b.letters), b.closed) for b in blocks]


def _answers(design: Design, blocks: list[Cohort]) -> list[tuple[str, Answer]] | None:
    place: _Place | None = _Place(TrialState.empty(design.facts.doses, len(design.facts.memory)), ((),))
    for block in blocks[:-1]:
        assert place is not None
        places = _places(design, place, block)
        if places is None:
            return None
        place = places[-1]
    assert place is not None
    last, places = blocks[-1], _places(design, place, blocks[-1])
    if places is None:
        return None
    each = [
        (before.state, Cohort(last.level, last.letters[begin:], last.closed), before.cohorts)
        for begin, before in enumerate(places[:-1])
    ]
    counts = np.concatenate([np.tile(cohort.counts(design.facts.outcomes), (len(at), 1)) for at, cohort, _ in each])
    before = TrialState.concatenate([at for at, _, _ in each])
    ways = [(*cohorts, cohort) for _, cohort, behind in each for cohorts in behind]
    found: dict[Answer, str] = {}
    for i, answer in _answered(design, before, last.level - 1, counts, last.closed):
        found.setdefault(answer, format_outcomes(ways[i]))
    return [(text, answer) for answer, text in found.items()]


def _answered(
    design: Design, before: TrialState, level: int, counts: IntArray, closed: bool
) -> list[tuple[int, Answer]]:
    """Return what a design does under each way, and which; ways for which it has no rule are left out."""
    try:
        return list(enumerate(answers_amid(design, before, level, counts, closed)))
    except Faults:
        found = []
        for i in range(len(before)):
            with suppress(Faults):
                one = slice(i, i + 1)
                found.append((i, answers_amid(design, before[one], level, counts[one], closed)[0]))
        return found


def _places(design: Design, start: _Place, block: Cohort) -> list[_Place] | None:
    """Return the trial before a block and after each of its patients; None if the design has too many memories."""
    many = len(block.letters)
    if design.facts.memory and many > LONGEST:
        return None
    arrived: list[list[_Place]] = [[] for _ in range(many)]
    each = np.array([Cohort(block.level, letter).counts(design.facts.outcomes) for letter in block.letters])
    places = [start]
    for begin in range(many):
        if begin and not design.facts.memory:
            places.append(arrived[begin][0])
            continue
        here = places[begin]
        ends = np.arange(begin + 1, many + 1)
        parts = [Cohort(block.level, block.letters[begin:end]) for end in ends]
        counts = each[begin:].cumsum(axis=0)
        rows = np.repeat(np.arange(len(here.state)), len(ends))
        state = treated(design, here.state[rows], block.level - 1, np.tile(counts, (len(here.state), 1)))
        for k, part in enumerate(parts):
            at = np.arange(k, len(rows), len(ends))
            arrived[begin + k].append(_Place(state[at], tuple((*here.cohorts[i], part) for i in rows[at])))
        place = _merged(arrived[begin])
        if len(place.state) > MOST_MEMORIES:
            return None
        places.append(place)
    return places


def _merged(parts: list[_Place]) -> _Place:
    """Return the distinct states, each with the fewest cohorts behind it."""
    state = TrialState.concatenate([part.state for part in parts])
    cohorts = [one for part in parts for one in part.cohorts]
    order = np.argsort([len(one) for one in cohorts], kind="stable")
    state = state[order]
    columns: list[IntArray] = [state.dose, *state.memory.T]
    first, _ = unique_rows(columns)
    return _Place(state[first], tuple(cohorts[order[i]] for i in first))
