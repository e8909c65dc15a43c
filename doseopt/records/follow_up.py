"""Follow-up of patients in the DLT window at a cut-off: who has had a DLT, completed the window, left it, is pending.

Days count from the treatment, which is on day 0; what happens on a day up to W is in a window of W days, but who drops
out on day W has completed it. Who leaves the window by an event that is no DLT counts as the study reads it; where it
says nothing, the data must.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from doseopt.core.parameters import Fault, quoted
from doseopt.records.patient import Patient
from doseopt.records.window import COUNTED, KINDS, Days, Window, kind_of
from doseopt.tabular.cells import Cells
from doseopt.tabular.dates import read_date
from doseopt.tabular.text import Table

DATES = ("treated", "dlt_date", "left")
TIMES = (*DATES, "left_reason", "followup")
LATER = "treated after the cut-off, and left out"
UNKNOWN = "pending at the cut-off, since a DLT came later"
NOT_REPLACED = "left out and not replaced: a cohort that is whole with such a patient wants closed = yes"
AS_READ = {
    "dlt": "left the DLT window, and counted as a DLT as the study reads it",
    "complete": "left the DLT window, and counted as completed without DLT as the study reads it",
}
"""What a reader must know of patients, whose names follow."""
_KINDS = f"{', '.join([*KINDS][:-1])} or {[*KINDS][-1]}"


def is_timed(table: Table) -> bool:
    """Tell whether a table says how long patients were followed."""
    return bool({"treated", "followup"} & set(table.names))


def time_faults(table: Table, window: Window | None, cutoff: datetime.date | None) -> list[Fault]:
    """Return what is wrong with the columns on time."""
    names, where = set(table.names), table.where
    found: list[Fault] = []
    if cutoff is not None and "treated" not in names:
        found.append(Fault(where, "wanted a column 'treated' (date of treatment), which a cut-off counts from"))
    if not is_timed(table):
        return found
    if {"treated", "followup"} <= names:
        found.append(Fault(where, "wanted one of the columns 'treated' and 'followup', got both"))
    for name in ("dlt_date", "left"):
        if name in names and "treated" not in names:
            found.append(Fault(where, f"wanted a column 'treated' (date of treatment) beside {name!r}"))
    if "left_reason" in names and not names & {"left", "followup"}:
        found.append(Fault(where, "wanted a column 'left' (a date) or 'followup' (days) beside 'left_reason'"))
    if window is None:
        column = "treated" if "treated" in names else "followup"
        wanted = f"wanted the days of the DLT window, which column {column!r} is read by"
        found.append(Fault(where, f"{wanted}: a [clock] with a window in the study, or --window DAYS"))
    return found


@dataclass(frozen=True, eq=False)
class FollowUp:
    """How a table of patients is read at a cut-off.

    Parameters
    ----------
    window : Window
    columns : tuple of str
    cutoff, last : date or None
        `last` is the last day on which the data know anything; both None where the days of follow-up are given.
    notes : dict of str to list of str
        What is said of patients, with their names.
    """

    window: Window
    columns: tuple[str, ...]
    cutoff: datetime.date | None = None
    last: datetime.date | None = None
    notes: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, table: Table, rows: Iterable[Cells], window: Window, cutoff: datetime.date | None) -> FollowUp:
        """Return how the rows of a table are read; without a cut-off the last date in them is it."""
        if "treated" not in table.names:
            return cls(window, table.names)
        dates = [date for row in rows for column in DATES if (date := read_date(row.raw(column)))]
        last = max([*dates, *([] if cutoff is None else [cutoff])], default=None)
        return cls(window, table.names, cutoff or last, last)

    @property
    def warnings(self) -> list[str]:
        """What a reader must know, each with the patients."""
        return [f"{text}: {', '.join(names)}" for text, names in self.notes.items()]

    def at_cutoff(self, cells: Cells, patient: Patient) -> Patient | None:
        """Return a patient as known at the cut-off, None if not treated by then; faults go to the cells."""
        before = len(cells.faults)
        days = self._counted(cells, patient) if self.last is None else self._dated(cells, patient)
        if days is None or len(cells.faults) > before:
            return patient
        if days.now is not None and days.now < 0:
            self._note(LATER, patient.name)
            return None
        return self._status(cells, replace(patient, treated=read_date(cells.raw("treated"))), days)

    def _note(self, text: str, name: str) -> None:
        self.notes.setdefault(text, []).append(name)

    def _counted(self, cells: Cells, patient: Patient) -> Days | None:
        """Return the days of a patient whose follow-up is given in days."""
        given, left = cells.has("followup"), cells.has("left_reason")
        followed = cells.number("followup")
        if given and (followed is None or followed < 0):
            cells.fault("followup", "days of follow-up, 0 or more")
        elif left and not given:
            cells.fault("followup", "the day on which the patient left")
        elif patient.dlt is False and patient.evaluable and not left and (followed or 0) < self.window.days and given:
            self._premature(cells, f"the patient has been followed for {cells.raw('followup')}")
        return Days(followed if given else None, None, followed if left else None, kind_of(cells.raw("left_reason")))

    def _dated(self, cells: Cells, patient: Patient) -> Days | None:
        """Return the days of a patient whose dates are given, if none contradicts another."""
        treated, dlt, left = (cells.date(column) for column in DATES)
        if treated is None:
            if not cells.has("treated"):
                cells.fault("treated", "the date of treatment")
            return None
        assert self.cutoff is not None
        assert self.last is not None
        now, dlt_day, left_day = (
            None if date is None else float((date - treated).days) for date in (self.cutoff, dlt, left)
        )
        days = Days(now, dlt_day, left_day, kind_of(cells.raw("left_reason")))
        for column, day in (("dlt_date", days.dlt), ("left", days.left)):
            if day is not None and day < 0:
                cells.fault(column, f"a date from the treatment on ({treated})")
        if days.dlt is not None:
            self._dlt_faults(cells, patient, days)
        elif patient.dlt and "dlt_date" in self.columns:
            cells.fault("dlt_date", "the date of the DLT")
        elif patient.dlt and self.cutoff < self.last and (days.now or 0) < self.window.days:
            cells.fault("dlt", "a column 'dlt_date' beside it: whether the DLT was known at the cut-off")
        if patient.dlt is False and days.dlt is None and days.left is None and patient.evaluable:
            over = treated.toordinal() + self.window.days
            if over > self.last.toordinal():
                self._premature(cells, f"the last date known is {self.last}; if the data are later, state a cut-off")
        return days

    def _dlt_faults(self, cells: Cells, patient: Patient, days: Days) -> None:
        """Note what contradicts the date of a DLT."""
        assert days.dlt is not None
        if days.dlt > self.window.days:
            wanted = f"a day up to {self.window.days:g} after treatment"
            cells.fault("dlt_date", wanted, f" (day {days.dlt:g}): a DLT outside the window is none, leave it out")
        if days.left is not None and days.dlt > days.left:
            cells.fault("dlt_date", "a date up to the day on which the patient left")
        if patient.dlt is False:
            cells.fault("dlt", "1 or nothing beside a dlt_date")

    def _premature(self, cells: Cells, why: str) -> None:
        """Note that there was no DLT before the window is over."""
        cells.fault("dlt", f"nothing, or 'pending', as the DLT window of {self.window.days:g} days is open", f": {why}")

    def _status(self, cells: Cells, patient: Patient, days: Days) -> Patient:
        """Return a patient as resolved, not evaluable or pending."""
        now, seen = days.now, self.window.status(days)
        if patient.dlt and days.dlt is None:
            return patient
        if seen == "dlt":
            return replace(patient, dlt=True, followed=days.dlt)
        if seen == "left":
            return self._departed(cells, replace(patient, followed=days.left, left=days.kind or ""))
        if days.dlt is not None:
            self._note(UNKNOWN, patient.name)
        if not patient.evaluable or now is None:
            return patient
        return replace(patient, dlt=False if seen == "over" else None, followed=min(now, self.window.days))

    def _departed(self, cells: Cells, patient: Patient) -> Patient:
        """Return a patient who left the window without a DLT, as the study reads it."""
        if not patient.evaluable:
            return patient
        if not patient.left:
            cells.fault("left_reason", f"why the patient left the DLT window on day {patient.followed:g}: {_KINDS}")
            return patient
        named, reading = f"{patient.name} ({patient.departure})", self.window.readings.get(patient.left)
        if question := self.window.open_question(patient, "or, for this patient alone, dlt = 1 or evaluable = no"):
            column = "left_reason: " if reading is None else f"dlt: wanted 1 or 0, got {quoted(cells.raw('dlt'))}: "
            cells.faults.append(Fault(cells.where, f"{column}{question}"))
            return patient
        if reading == "dlt" and patient.dlt is False:
            who = f"patient {patient.name} left the DLT window without a DLT ({patient.departure})"
            cells.fault("dlt", f"nothing: {who}, and the study reads every such event as a DLT")
            return patient
        if reading in COUNTED:
            self._note(AS_READ[reading], named)
        elif reading == "exclude":
            self._note(NOT_REPLACED, patient.name)
        return self.window.as_read(patient)
