"""Status of the subjects of a record on its last day: DLT, none, pending in the DLT window, or not evaluable.

What becomes of who leaves the window, and how it counts, is `doseopt.records.window`'s, as for a table of patients.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from doseopt.core.parameters import Fault, Faults
from doseopt.records.patient import DEATH, Patient
from doseopt.records.record import Record
from doseopt.records.rows import cohort_faults
from doseopt.records.trial import Trial
from doseopt.records.window import Days

SILENT = "the study states no reading"
ALONE = "or, for this patient alone, EVALFL = Y or N in adsl.csv, or DLTFL = Y in adae.csv"


def statuses(record: Record) -> tuple[Patient, ...]:
    """Return the subjects as patients, as known on the last day of a record: `Record.until` gives it at a cut-off.

    Who left the window by an event that the study does not read is not evaluable here: `unread` says who, and a tally
    is none.
    """
    asked, patients = unread(record), _patients(record)
    return tuple(replace(p, dlt=False, evaluable=False, reason=p.departure) if p.name in asked else p for p in patients)


def unread(record: Record) -> dict[str, Fault]:
    """Return what is asked of subjects, by name, who left the DLT window and of whom nothing says how that counts."""
    return {
        patient.name: Fault(patient.where, question)
        for patient in _patients(record)
        if patient.left and patient.evaluable and patient.dlt is None
        if (question := record.window.open_question(patient, ALONE))
    }


@lru_cache(maxsize=2)  # a page asks many times
def _patients(record: Record) -> tuple[Patient, ...]:
    """Return the subjects as patients, those of whom something is to be asked without an outcome."""
    dlts: dict[str, int] = {}
    worst: dict[str, int] = {}
    for event in record.events:
        if event.dlt:
            dlts[event.subject] = min(event.day, dlts.get(event.subject, event.day))
        if 0 <= event.day <= record.window.days:
            worst[event.subject] = max(event.grade, worst.get(event.subject, 0))
    found = []
    for subject in record.subjects:
        patient = Patient(
            name=subject.name,
            level=subject.level,
            dlt=None,
            actual_dose=subject.actual_dose,
            group=subject.population,
            grade=worst.get(subject.name, 0),
            cohort=subject.cohort,
            treated=subject.treated,
            where=subject.where,
        )
        kind, day = subject.departure(record.window)
        days = Days(subject.day(record.last), dlts.get(subject.name), day, kind)
        found.append(_at(record, patient, days, subject.evaluable, subject.reason))
    return tuple(found)


def _at(record: Record, patient: Patient, days: Days, evaluable: bool | None, reason: str) -> Patient:
    """Return a patient with the outcome; None of it where something is to be asked."""
    window, seen = record.window, record.window.status(days)
    if seen == "dlt":
        return replace(patient, dlt=True, followed=days.dlt)
    left = seen == "left"
    patient = replace(
        patient,
        grade=min(patient.grade or 0, DEATH - 1),  # a death that is no DLT has its reading
        followed=days.left if left else min(days.now or 0, window.days),
        left=days.kind or "" if left else "",
    )
    if evaluable is False:
        why = patient.departure if left else reason or "EVALFL = N"
        return replace(patient, dlt=False, evaluable=False, reason=why)
    if not left:
        return replace(patient, dlt=False if seen == "over" else None)
    if evaluable and window.open_question(patient, ALONE):
        return replace(patient, dlt=False)  # the data say that the patient counts, and no event was a DLT
    return patient if window.open_question(patient, ALONE) else window.as_read(patient)


def trial_of(record: Record) -> Trial:
    """Return the trial so far that a record holds, its patients by the numbers of the subjects.

    Raises
    ------
    Faults
        With everybody who left the DLT window by an event of which study and data do not say how it counts, and with
        cohorts that do not stand together.
    """
    patients = statuses(record)
    if faults := [*unread(record).values(), *cohort_faults(patients)]:
        raise Faults(faults, "the record")
    numbered = tuple(replace(p, name=str(record.numbers[p.name])) for p in patients)
    read = [f"{p.name} ({p.departure})" for p in numbered if p.left and p.evaluable]
    note = [f"left the DLT window without a DLT, and counted all the same: {', '.join(read)}"] if read else []
    warnings = (record.without_names(warning) for warning in record.warnings)
    return Trial(record.doses, numbered, (*warnings, *note), record.window, record.last)


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
