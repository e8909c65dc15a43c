"""Follow-up of patients in the DLT window at a cut-off: who has had a DLT, completed the window, left it, is pending.

Days count from the treatment, which is on day 0; what happens on a day up to W is in a window of W days, but who drops
out on day W has completed it. Who leaves the window by an event that is no DLT counts as the study reads it; where it
says nothing, the data must.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from doseopt.core.parameters import Fault
from doseopt.records.patient import Patient
from doseopt.records.window import KINDS, Window, how_to_state, kind_of
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


@dataclass(frozen=True)
class _Days:
    """Days from the treatment of a patient; None for what did not happen, or is not known."""

    now: float | None
    dlt: float | None = None
    left: float | None = None
    treated: datetime.date | None = None


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
        return self._status(cells, replace(patient, treated=days.treated), days)

    def _note(self, text: str, name: str) -> None:
        self.notes.setdefault(text, []).append(name)

    def _counted(self, cells: Cells, patient: Patient) -> _Days | None:
        """Return the days of a patient whose follow-up is given in days."""
        given, left = cells.has("followup"), cells.has("left_reason")
        followed = cells.number("followup")
        if given and (followed is None or followed < 0):
            cells.fault("followup", "days of follow-up, 0 or more")
        elif left and not given:
            cells.fault("followup", "the day on which the patient left")
        elif patient.dlt is False and patient.evaluable and not left and (followed or 0) < self.window.days and given:
            self._premature(cells, f"the patient has been followed for {cells.raw('followup')}")
        return _Days(followed if given else None, None, followed if left else None)

    def _dated(self, cells: Cells, patient: Patient) -> _Days | None:
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
        days = _Days(now, dlt_day, left_day, treated)
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

    def _dlt_faults(self, cells: Cells, patient: Patient, days: _Days) -> None:
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

    def _status(self, cells: Cells, patient: Patient, days: _Days) -> Patient:
        """Return a patient as resolved, not evaluable or pending."""
        now, whole = days.now, self.window.days
        if patient.dlt and days.dlt is None:
            return patient
        if days.dlt is not None and now is not None and days.dlt <= now:
            return replace(patient, dlt=True, followed=days.dlt)
        if days.left is not None and now is not None and days.left <= now and self._is_inside(cells, days.left):
            return self._departed(cells, patient, days.left)
        if days.dlt is not None:
            self._note(UNKNOWN, patient.name)
        if not patient.evaluable or now is None:
            return patient
        return replace(patient, dlt=False if now >= whole else None, followed=min(now, whole))

    def _is_inside(self, cells: Cells, day: float) -> bool:
        """Tell whether a patient left the window before its end; a death on its last day is in it."""
        return day < self.window.days or (day == self.window.days and kind_of(cells.raw("left_reason")) != "dropout")

    def _departed(self, cells: Cells, patient: Patient, day: float) -> Patient:
        """Return a patient who left the window without a DLT, as the study reads it."""
        kind = kind_of(cells.raw("left_reason"))
        patient = replace(patient, followed=day, left=kind or "")
        if not patient.evaluable:
            return patient
        if kind is None:
            cells.fault("left_reason", f"why the patient left the DLT window on day {day:g}: {_either(list(KINDS))}")
            return patient
        reading, event = self.window.readings.get(kind), f"{kind} on day {day:g}"
        who = f"patient {patient.name} left the DLT window without a DLT ({event})"
        alone = "or, for this patient alone, dlt = 1 or evaluable = no"
        if reading is None:
            silent = f"{who}, and how that counts is not stated; {how_to_state(kind)}, {alone}"
            cells.faults.append(Fault(cells.where, f"left_reason: {silent}"))
        elif kind in self.window.shared and patient.dlt is None:
            cells.fault("dlt", f"1 or 0: {who}, and the study calls a share of such events DLTs: was this one?")
        elif reading == "dlt" and patient.dlt is False:
            cells.fault("dlt", f"nothing: {who}, and the study reads every such event as a DLT")
        elif reading in AS_READ:
            self._note(AS_READ[reading], f"{patient.name} ({event})")
            return replace(patient, dlt=reading == "dlt")
        else:
            if reading == "exclude":
                self._note(NOT_REPLACED, patient.name)
            return replace(patient, dlt=False, evaluable=False, reason=patient.reason or event)
        return patient


def _either(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"
