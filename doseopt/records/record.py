"""The record of a trial: its subjects, adverse events and measurements, from the tables that a team keeps."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from doseopt.core.parameters import Fault, Faults
from doseopt.records.adam import read_sheets
from doseopt.records.adverse_events import AdverseEvent, read_events
from doseopt.records.measurements import Measurement, read_improvements, read_laboratory
from doseopt.records.subjects import Subject, read_subjects
from doseopt.records.window import Window
from doseopt.scenarios.doses import Doses

INVENTED = "INVENTED-"
"""In front of the names of subjects who are made up."""
MADE_UP = "the record is invented, and nobody in it was treated"


@dataclass(frozen=True, eq=False)
class Record:
    """What is known of the treated subjects of a trial.

    Parameters
    ----------
    doses : Doses
    window : Window
        The DLT window, and how who leaves it counts.
    subjects : tuple of Subject
        In the order of treatment; those of one day in the order of the file.
    events : tuple of AdverseEvent
    measurements, improvements : tuple of Measurement
    last : date
        The last date in the data.
    warnings : tuple of str
        What a reader must know, in plain words.
    """

    doses: Doses
    window: Window
    subjects: tuple[Subject, ...]
    events: tuple[AdverseEvent, ...]
    measurements: tuple[Measurement, ...]
    improvements: tuple[Measurement, ...]
    last: datetime.date
    warnings: tuple[str, ...] = ()

    @cached_property
    def numbers(self) -> dict[str, int]:
        """Numbers of the subjects by name, from 1 in the order of treatment: what outputs show for the names."""
        return {subject.name: number for number, subject in enumerate(self.subjects, 1)}

    def without_names(self, warning: str) -> str:
        """Return a warning with the number of a subject for the name."""
        if not warning.startswith("patient "):
            return warning
        for name, number in self.numbers.items():
            if warning.startswith(f"patient {name}: "):
                return f"subject {number}: {warning.removeprefix(f'patient {name}: ')}"
        return warning

    def until(self, cutoff: datetime.date) -> Record:
        """Return what was known at a cut-off, which becomes the last day; of a later one, nothing happened until it."""
        subjects = tuple(_known(subject, cutoff) for subject in self.subjects if subject.treated <= cutoff)
        now = {subject.name: subject.day(cutoff) for subject in subjects}
        events = (event for event in self.events if event.subject in now and event.day <= now[event.subject])
        return replace(
            self,
            subjects=subjects,
            events=tuple(e if e.end is None or e.end <= now[e.subject] else replace(e, end=None) for e in events),
            measurements=_measured(self.measurements, now),
            improvements=_measured(self.improvements, now),
            last=cutoff,
        )


def _known(subject: Subject, cutoff: datetime.date) -> Subject:
    """Return a subject without what came after a cut-off: a date, and that the subject is not evaluable for it."""
    death, transplantation, end = (
        None if date is None or date > cutoff else date
        for date in (subject.death, subject.transplantation, subject.end)
    )
    if (death, transplantation, end) == (subject.death, subject.transplantation, subject.end):
        return subject
    return replace(subject, death=death, transplantation=transplantation, end=end, evaluable=None, reason="")


def _measured(values: Iterable[Measurement], now: Mapping[str, int]) -> tuple[Measurement, ...]:
    """Return the values up to a day of each subject; of those without a date, by the day of the visit."""
    return tuple(v for v in values if v.subject in now and (v.on is None or v.on <= now[v.subject]))


def read_record(folder: str | Path, doses: Doses, window: Window) -> Record:
    """Read the tables of a folder: ``adsl.csv`` and ``adae.csv``; ``adlb.csv`` and ``adeff.csv`` where they are.

    Parameters
    ----------
    folder : str or Path
    doses : Doses
        Of the study.
    window : Window
        A DLT after it is refused.

    Raises
    ------
    Faults
        With everything that is wrong in all tables, each with its file, line and column.
    """
    sheets, warnings = read_sheets(folder)
    roster, subject_faults, dose_warnings = read_subjects(sheets["adsl"].rows, doses)
    known = bool(sheets["adsl"].rows)
    rows = {name: sheets[name].rows if known else () for name in ("adae", "adlb", "adeff")}
    events, event_dates, event_faults = read_events(rows["adae"], roster, window.days)
    laboratory, drawn, laboratory_faults, laboratory_warnings = read_laboratory(rows["adlb"], roster)
    improved, seen, improved_faults, improved_warnings = read_improvements(rows["adeff"], roster)
    faults = [fault for sheet in sheets.values() for fault in sheet.faults]
    faults += [*subject_faults, *event_faults, *laboratory_faults, *improved_faults]
    if not faults and not roster.treated:
        faults = [Fault("adsl.csv", "wanted a row a subject, one of them treated (SAFFL = Y) at least")]
    if faults:
        raise Faults(faults, str(folder))
    subjects = tuple(sorted(roster.treated.values(), key=lambda subject: subject.treated))
    dates = [date for s in subjects for date in (s.treated, s.death, s.transplantation, s.end) if date is not None]
    return Record(
        doses,
        window,
        subjects,
        tuple(events),
        tuple(laboratory),
        tuple(improved),
        max([*dates, *event_dates, *drawn, *seen]),
        (
            *([MADE_UP] if all(subject.name.startswith(INVENTED) for subject in subjects) else []),
            *warnings,
            *(text for sheet in sheets.values() for text in sheet.warnings),
            *dose_warnings,
            *(f"adlb.csv: {text}" for text in laboratory_warnings),
            *(f"adeff.csv: {text}" for text in improved_warnings),
        ),
    )
