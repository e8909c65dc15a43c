"""Adverse events by CTCAE, from the rows of ADAE."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass

from doseopt.core.parameters import Fault
from doseopt.records.patient import DEATH
from doseopt.records.subjects import Roster, Subject
from doseopt.tabular.cells import Cells, yes_or_no

RELATED = frozenset(
    {"related", "possible", "possibly", "possibly related", "probable", "probably", "probably related"}
    | {"definite", "definitely", "definitely related", "certain", "very likely", "likely"}
)
UNRELATED = frozenset({"not related", "unrelated", "unlikely", "unlikely related", "none", "remote"})
"""Words of causality: at least possible counts as related."""
LAST_EMERGENT = 60
"""Last day on which an onset is treatment-emergent: the end of follow-up in the registry."""


@dataclass(frozen=True)
class AdverseEvent:
    """One adverse event of a treated subject.

    Parameters
    ----------
    subject : str
    term : str
        CTCAE term, or preferred term of a dictionary.
    system : str
        System organ class; empty if not recorded.
    day : int
        Of onset; before treatment if negative.
    end : int, optional
        Day on which it was over.
    grade : int
        1 to 5.
    serious, related, fatal, emergent : bool, optional
        As recorded; None if not.
    dlt : bool
    outcome : str
    where : str
        File and line.
    """

    subject: str
    term: str
    system: str
    day: int
    end: int | None
    grade: int
    serious: bool | None
    related: bool | None
    fatal: bool | None
    emergent: bool | None
    dlt: bool
    outcome: str = ""
    where: str = ""

    def is_emergent(self, last: int = LAST_EMERGENT) -> bool:
        """Tell whether it is treatment-emergent: as recorded, else by its onset from treatment to a last day."""
        return 0 <= self.day <= last if self.emergent is None else self.emergent and self.day <= last


def read_events(
    rows: Iterable[Cells], roster: Roster, window: float
) -> tuple[list[AdverseEvent], list[datetime.date], list[Fault]]:
    """Return the events of treated subjects, all dates in them, and faults."""
    events: list[AdverseEvent] = []
    dates: list[datetime.date] = []
    faults: list[Fault] = []
    for cells in rows:
        event = None if cells.faults else _event(cells, roster, window, dates)
        faults += cells.faults
        if event is not None and not cells.faults:
            events.append(event)
    return events, dates, faults


def _event(cells: Cells, roster: Roster, window: float, dates: list[datetime.date]) -> AdverseEvent | None:
    """Return the event of a row, None if the subject was not treated, or with faults."""
    subject = roster.of(cells)
    start, end = cells.date("ASTDT"), cells.date("AENDT")
    grade_column = cells.filled("ATOXGR", "AETOXGR")
    grade = cells.grade(grade_column)
    if not cells.has(grade_column) or grade == 0:
        cells.fault(grade_column, "a CTCAE grade, 1 to 5")
    if grade == DEATH and subject is not None and subject.death is None:
        cells.fault(grade_column, "a date of death (DTHDT) in adsl.csv beside it")
    for column, what in (("AEDECOD", "a term"), ("ASTDT", "the date of onset")):
        if not cells.has(column):
            cells.fault(column, what)
    if start is not None and end is not None and end < start:
        cells.fault("AENDT", f"a date from the onset on ({start})")
    flags = {column: _flag(cells, column) for column in ("AESER", "AESDTH", "TRTEMFL", "DLTFL")}
    related, term = _related(cells), cells.text("AEDECOD")
    dlt = bool(flags["DLTFL"])
    if subject is None:
        if dlt and cells.raw("USUBJID") in roster.untreated:
            cells.fault("DLTFL", "N: the subject was not treated (SAFFL = N)")
        return None
    if start is None or grade is None:
        return None
    day = subject.day(start)
    if day < 0 and flags["TRTEMFL"]:
        cells.fault("TRTEMFL", f"N: the onset is {-day} days before treatment ({subject.treated})")
    if dlt:
        _check_dlt(cells, subject, start, window)
    dates += [date for date in (start, end) if date is not None]
    return AdverseEvent(
        subject.name,
        term,
        cells.text(cells.filled("AEBODSYS", "AESOC")),
        day,
        None if end is None else subject.day(end),
        grade,
        flags["AESER"],
        related,
        flags["AESDTH"],
        flags["TRTEMFL"],
        dlt,
        cells.text("AEOUT"),
        cells.where,
    )


def _check_dlt(cells: Cells, subject: Subject, start: datetime.date, window: float) -> None:
    """Note why a subject cannot have had a DLT that began on a day."""
    day = subject.day(start)
    if not 0 <= day <= window:
        cells.fault("DLTFL", f"N: day {day} is outside the DLT window of {window:g} days")
    if gone := [date for date in (subject.death, subject.transplantation, subject.end) if date and date < start]:
        cells.fault("DLTFL", f"N: the subject had left on day {subject.day(min(gone))} ({subject.where})")
    if subject.evaluable is False:
        cells.fault("DLTFL", f"N: the subject is not evaluable (EVALFL = N in {subject.where})")


def _flag(cells: Cells, column: str) -> bool | None:
    """Return what a flag says, None if nothing."""
    return cells.yes(column, default=False) if cells.has(column) else None


def _related(cells: Cells) -> bool | None:
    """Return whether an event is related to treatment, None if not recorded."""
    column = cells.filled("AREL", "AEREL")
    word = " ".join(cells.raw(column).lower().split())
    answer = True if word in RELATED else False if word in UNRELATED else yes_or_no(word)
    if answer is None and cells.has(column):
        cells.fault(column, "Y or N, or a word such as 'possible', 'not related'")
    return answer
