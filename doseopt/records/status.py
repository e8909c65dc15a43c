"""Status of the subjects of a record on its last day: DLT, none, pending in the DLT window, or not evaluable.

Days count from the treatment, which is on day 0. Who dies, is transplanted or leaves the study in the window without a
DLT counts as the study reads such an event; where it says nothing the subject is not evaluable, and named.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from doseopt.core.parameters import Fault, Faults
from doseopt.records.patient import Patient
from doseopt.records.record import Record
from doseopt.records.subjects import Subject
from doseopt.records.trial import Trial

NOT_EVALUABLE = ("replace", "exclude")
"""Readings of an event by which the subject is not evaluable; `dlt` and `complete` are the others."""


@dataclass(frozen=True)
class Status:
    """What is known of a subject in the DLT window.

    Parameters
    ----------
    subject : Subject
    dlt : bool or None
        None: pending.
    evaluable : bool
    followed : int
        Days of the window that are known.
    reason : str
        Why not evaluable, or how an event that is no DLT was read.
    """

    subject: Subject
    dlt: bool | None
    evaluable: bool
    followed: int
    reason: str = ""


def statuses(record: Record, readings: Mapping[str, str] | None = None) -> tuple[Status, ...]:
    """Return the status of each subject on the last day of a record: `Record.until` gives it at a cut-off.

    Parameters
    ----------
    record : Record
    readings : mapping of str to str, optional
        By `death`, `transplantation` and `dropout`: `dlt`, `complete`, `replace` or `exclude`, the default.
    """
    dlts: dict[str, int] = {}
    for event in record.events:
        if event.dlt:
            dlts[event.subject] = min(event.day, dlts.get(event.subject, event.day))
    each = record.subjects
    return tuple(_status(s, dlts.get(s.name), s.day(record.last), record.window, readings or {}) for s in each)


def _status(subject: Subject, dlt: int | None, now: int, window: float, readings: Mapping[str, str]) -> Status:
    """Return the status of a subject; `dlt` is the day of the first DLT."""
    if dlt is not None:
        return Status(subject, True, True, dlt)
    day, kind = _departure(subject, window)
    followed = min(now, int(window), day if kind else now)
    if subject.evaluable is False:
        return Status(subject, False, False, followed, subject.reason or "not evaluable (EVALFL = N)")
    if kind:
        reading = "complete" if subject.evaluable and kind not in readings else readings.get(kind, "replace")
        event = f"{kind} on day {day}"
        return Status(subject, reading == "dlt", reading not in NOT_EVALUABLE, followed, event)
    return Status(subject, False if now >= window else None, True, followed)


def _departure(subject: Subject, window: float) -> tuple[int, str]:
    """Return the day on which a subject left the DLT window, and by what; nothing if by no event.

    Of events on one day death comes first, then transplantation. Who leaves the study on the last day completed it.
    """
    dates = {"death": subject.death, "transplantation": subject.transplantation, "dropout": subject.end}
    days = {kind: subject.day(date) for kind, date in dates.items() if date is not None}
    inside = {kind: day for kind, day in days.items() if day < window or (day <= window and kind != "dropout")}
    if not inside:
        return 0, ""
    kind = min(inside, key=lambda name: inside[name])
    return inside[kind], kind


def trial_of(record: Record, readings: Mapping[str, str] | None = None) -> Trial:
    """Return the trial so far that a record holds; see `statuses`."""
    worst = _worst_grades(record)
    patients = []
    read = []
    for status in statuses(record, readings):
        subject = status.subject
        grade = worst.get(subject.name, 0)
        patients.append(
            Patient(
                name=subject.name,
                level=subject.level,
                dlt=status.dlt,
                actual_dose=subject.actual_dose,
                group=subject.population,
                grade=grade if status.dlt else min(grade, 4),  # a death that is no DLT has its reading
                evaluable=status.evaluable,
                reason=status.reason,
                cohort=subject.cohort,
                where=subject.where,
            )
        )
        if status.reason and status.evaluable:
            read.append(f"{subject.name} ({status.reason})")
    note = [f"left the DLT window without a DLT, and counted all the same: {', '.join(read)}"] if read else []
    return Trial(record.doses, tuple(patients), (*record.warnings, *note))


def _worst_grades(record: Record) -> dict[str, int]:
    """Return the worst grade of each subject in the DLT window."""
    worst: dict[str, int] = {}
    for event in record.events:
        if 0 <= event.day <= record.window:
            worst[event.subject] = max(event.grade, worst.get(event.subject, 0))
    return worst


def hold_to(trial: Trial, stated: Trial) -> None:
    """Refuse a trial as stated, by an outcome string or cohorts, that a record contradicts.

    Patients who count are compared in the order of treatment: the dose, and whether they had a DLT.

    Raises
    ------
    Faults
        With every patient who differs.
    """
    faults = []
    names = {True: "a DLT", False: "no DLT", None: "pending"}
    seen, said = (tuple(p for p in each.patients if p.evaluable) for each in (trial, stated))
    if len(seen) != len(said):
        faults.append(Fault("", f"wanted the {len(seen)} evaluable patients of the record, got {len(said)}"))
    for number, (mine, other) in enumerate(zip(seen, said, strict=False), 1):
        if (mine.level, mine.dlt) != (other.level, other.dlt):
            wanted = f"level {mine.level + 1}, {names[mine.dlt]} ({mine.where})"
            got = f"level {other.level + 1}, {names[other.dlt]}"
            faults.append(Fault(f"patient {number}", f"wanted what the record says, {wanted}, got {got}"))
    if faults:
        raise Faults(faults, "the tally and the record")
