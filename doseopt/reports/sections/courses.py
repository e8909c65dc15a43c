"""Subjects of a record: who counts at each dose, who does not and why, and the courses as a figure."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Sequence
from functools import partial

from doseopt.core.text import counted
from doseopt.display.panels import doses
from doseopt.plots.scaffold import dose_label
from doseopt.plots.swimmer import swimmer_figure
from doseopt.records.outcomes import courses
from doseopt.records.patient import Patient
from doseopt.records.record import Record
from doseopt.records.status import ALONE, SILENT, statuses, unread
from doseopt.records.window import how_to_state
from doseopt.reports.render.document import Block, Bullets, Caution, Figure, Table
from doseopt.reports.sections.safety import MOST_ROWS


def subjects_by_dose(record: Record) -> list[Block]:
    """Show who counts at each dose, and the courses."""
    states, numbers, asked = statuses(record), record.numbers, unread(record)
    rows = []
    for level, label in enumerate(record.doses.labels):
        here = [state for state in states if state.level == level]
        columns = [
            len(here),
            sum(state.evaluable and state.dlt is not None for state in here),
            sum(state.dlt is True for state in here),
            sum(state.evaluable and state.dlt is None for state in here),
            sum(not state.evaluable for state in here),
        ]
        rows.append((label, *map(str, columns)))
    head = (dose_label(doses(courses(record))[1]), "treated", "resolved", "DLT", "pending", "not evaluable")
    said = []
    for state in states:
        who = f"Subject {numbers[state.name]}"
        if state.evaluable and state.dlt is None:
            said.append(f"{who} is pending, on day {state.followed:g} of {record.window.days:g}.")
        elif state.name in asked:
            said.append(f"{who}: {state.departure}; not evaluable: {SILENT}.")
        elif not state.evaluable:
            said.append(f"{who}: {state.reason}; not evaluable.")
        elif state.left:
            said.append(f"{who}: {state.departure}; counted as {'a DLT' if state.dlt else 'none'}.")
    caption = f"Subjects at each dose; DLTs within {record.window.days:g} days"
    if len(said) > MOST_ROWS:
        said[MOST_ROWS:] = [f"{counted(len(said) - MOST_ROWS, 'further subject')}: the table counts them."]
    table, listed = Table(caption, head, tuple(rows)), [Bullets(tuple(said))] if said else []
    return [*([Caution(_silence(states, asked))] if asked else []), table, *listed, swimmer(record)]


def swimmer(record: Record) -> Figure:
    """Return the courses of the subjects as a figure."""
    alt = "A bar for each subject from treatment to the end of follow-up, with marks for what the listings name."
    return Figure.of(partial(swimmer_figure, courses(record)), "Course of each subject.", alt, "swimmer")


def _silence(states: Sequence[Patient], asked: Collection[str]) -> str:
    """Say that a tally waits for readings of the study, and how it states them."""
    kinds = dict.fromkeys(state.left for state in states if state.name in asked)
    return (
        f"How {counted(len(asked), 'subject')} who left the DLT window without a DLT may count is not stated: not "
        f"evaluable on this page, and no tally for a decision before it is; {'; '.join(map(how_to_state, kinds))}, "
        f"{ALONE}."
    )


def identified(record: Record) -> Table:
    """Return the identifiers of the subjects and their dates, which no page shows unless it is asked to."""
    head = ("subject", "identifier", "dose", "treated", "died", "transplanted", "left")
    rows = (
        (str(number), s.name, record.doses.labels[s.level], *map(_date, (s.treated, s.death, s.transplantation, s.end)))
        for number, s in enumerate(record.subjects, 1)
    )
    return Table("Identifiers of the subjects", head, tuple(rows), words=True)


def _date(date: datetime.date | None) -> str:
    return "-" if date is None else date.isoformat()
