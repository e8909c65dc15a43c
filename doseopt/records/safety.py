"""Safety of a record by dose: treatment-emergent adverse events as subjects and events, with intervals of their rates.

The denominator is the treated subjects of a dose. A subject counts once in a row, a term at its worst grade; the last
dose, "all", is all doses together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import xarray as xr

from doseopt.core.state import IntArray
from doseopt.endpoints.proportions import Proportion
from doseopt.records.adverse_events import LAST_EMERGENT, AdverseEvent
from doseopt.records.record import Record

ALL = "all"
GRADES = (1, 2, 3, 4, 5)
ROWS: dict[str, Callable[[AdverseEvent], bool | None]] = {
    "any": lambda event: True,
    "grade 3 or worse": lambda event: event.grade >= 3,
    "related": lambda event: event.related,
    "serious": lambda event: event.serious,
    "leading to death": lambda event: True if event.grade == 5 else event.fatal,
    "dose-limiting": lambda event: event.dlt,
}
"""Rows of the overview; an event of which it is not recorded does not count."""


def emergent(record: Record, last: int = LAST_EMERGENT) -> list[AdverseEvent]:
    """Return the treatment-emergent events: with onset from treatment to a last day, unless recorded as none."""
    return [event for event in record.events if event.is_emergent(last)]


def overview(record: Record, level: float = 0.95, last: int = LAST_EMERGENT) -> xr.Dataset:
    """Return how many subjects had treatment-emergent events, by kind of event and dose.

    Parameters
    ----------
    record : Record
    level : float
        Of the intervals.
    last : int
        Last day of onset.

    Returns
    -------
    Dataset
        Over `row` and `dose`: `subjects`, `events`, the exact limits `lower` and `upper` of Clopper and Pearson, and
        `mean`, `credible_lower`, `credible_upper` of the rate under a uniform prior; over `dose`: `treated`; over
        `row`: `unrecorded`, the events of which it is not recorded.
    """
    events = emergent(record, last)
    rows = [[event for event in events if is_one(event)] for is_one in ROWS.values()]
    unrecorded = [sum(is_one(event) is None for event in events) for is_one in ROWS.values()]
    found = _counted(record, rows, {"row": list(ROWS)})
    rate = Proportion(found["subjects"].to_numpy(), found["treated"].to_numpy())
    (lower, upper), (low, high) = rate.clopper_pearson(level), rate.credible(level)
    limits = {"lower": lower, "upper": upper, "mean": rate.mean(), "credible_lower": low, "credible_upper": high}
    found = found.assign({name: (("row", "dose"), values) for name, values in limits.items()})
    return found.assign(unrecorded=("row", unrecorded)).assign_attrs(level=level)


def by_term(record: Record, last: int = LAST_EMERGENT) -> xr.Dataset:
    """Return treatment-emergent events by system organ class and term, the most frequent first.

    Returns
    -------
    Dataset
        Over `row` and `dose`: `subjects`, `events`; over `row`, `dose` and `grade`: `worst`, the subjects whose worst
        grade it is; coordinates `system` and `term` of a row, a class of events before its terms and with an empty one.
        Terms that differ in capitals only are one. Events without a class stand without a row for it.
    """
    spelt: dict[str, str] = {}
    groups: dict[str, dict[str, list[AdverseEvent]]] = {}
    for event in emergent(record, last):
        system, term = (spelt.setdefault(text.casefold(), text) for text in (event.system, event.term))
        groups.setdefault(system, {}).setdefault(term, []).append(event)
    rows: list[tuple[str, str, list[AdverseEvent]]] = []
    for system, whole in _by_frequency({s: [e for t in terms.values() for e in t] for s, terms in groups.items()}):
        rows += [(system, "", whole)] if system else []
        rows += [(system, term, events) for term, events in _by_frequency(groups[system])]
    names = {"system": ("row", [system for system, *_ in rows]), "term": ("row", [term for _, term, _ in rows])}
    return _counted(record, [events for *_, events in rows], names)


def _by_frequency(groups: dict[str, list[AdverseEvent]]) -> list[tuple[str, list[AdverseEvent]]]:
    """Return groups of events, those of most subjects first, then of most events, then by name; one without last."""

    def place(item: tuple[str, list[AdverseEvent]]) -> tuple[bool, int, int, str]:
        name, events = item
        return not name, -len({event.subject for event in events}), -len(events), name.casefold()

    return sorted(groups.items(), key=place)


def _counted(record: Record, rows: Sequence[Sequence[AdverseEvent]], coords: Mapping[str, object]) -> xr.Dataset:
    """Return subjects and events of each row, and subjects by worst grade, at each dose and at all."""
    level = {subject.name: subject.level for subject in record.subjects}
    doses = len(record.doses.labels)
    subjects, events = np.zeros((2, len(rows), doses), np.int64)
    worst = np.zeros((len(rows), doses, len(GRADES)), np.int64)
    for r, row in enumerate(rows):
        grades: dict[str, int] = {}
        for event in row:
            events[r, level[event.subject]] += 1
            grades[event.subject] = max(event.grade, grades.get(event.subject, 0))
        for name, grade in grades.items():
            subjects[r, level[name]] += 1
            worst[r, level[name], grade - 1] += 1
    return xr.Dataset(
        {
            "subjects": (("row", "dose"), _with_all(subjects)),
            "events": (("row", "dose"), _with_all(events)),
            "worst": (("row", "dose", "grade"), _with_all(worst)),
            "treated": ("dose", _with_all(_treated(level.values(), doses)[None])[0]),
        },
        {"dose": [*record.doses.labels, ALL], "grade": list(GRADES), **coords},
        {"unit": record.doses.unit},
    )


def _treated(levels: Iterable[int], doses: int) -> IntArray:
    return np.bincount(np.array(list(levels), np.int64), minlength=doses)


def _with_all(counts: IntArray) -> IntArray:
    """Return counts over [row, dose, ...] with all doses together as a last one."""
    return np.concatenate([counts, counts.sum(axis=1, keepdims=True)], axis=1)


def listing(record: Record, kind: str, last: int = LAST_EMERGENT) -> list[dict[str, object]]:
    """Return the treatment-emergent events of a kind of ``ROWS`` one by one, by number of the subject and day.

    Names and dates are left out: subjects have numbers in the order of treatment.
    """
    numbers = record.numbers
    levels = {subject.name: subject.level for subject in record.subjects}
    chosen = [event for event in emergent(record, last) if ROWS[kind](event)]
    return [
        {
            "subject": numbers[event.subject],
            "dose": record.doses.labels[levels[event.subject]],
            "day": event.day,
            "until": event.end,
            "term": event.term,
            "system": event.system,
            "grade": event.grade,
            "serious": event.serious,
            "related": event.related,
            "dlt": event.dlt,
            "outcome": event.outcome,
        }
        for event in sorted(chosen, key=lambda event: (numbers[event.subject], event.day))
    ]
