"""Patients from the rows of a table: which columns there are, and what each row says."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable
from dataclasses import replace
from difflib import SequenceMatcher
from itertools import groupby, pairwise

from doseopt.core.parameters import Fault, close, quoted
from doseopt.records.doses import actual_dose, planned_level
from doseopt.records.follow_up import TIMES, FollowUp, is_timed, time_faults
from doseopt.records.patient import Patient
from doseopt.records.window import Window
from doseopt.scenarios.doses import Doses
from doseopt.tabular.cells import PENDING, Cells
from doseopt.tabular.text import Table

DOSE = ("dose_level", "dose")
"""One of these is required too."""
OPTIONAL = ("actual_dose", "group", "grade", "efficacy", "evaluable", "reason", "cohort", "closed")
COLUMNS = ("patient", *DOSE, "dlt", *OPTIONAL, *TIMES)
MOST_PATIENTS = 2000
MOST_NAMED = 20
"""Columns that a warning names."""


def header_faults(table: Table, window: Window | None = None, cutoff: datetime.date | None = None) -> list[Fault]:
    """Return what is wrong with the columns, and with the number of rows."""
    meant = [name for name in _extra(table) if _is_meant(name, table)]
    required = ["patient", *(["dlt"] if not {"treated", "dlt_date"} <= set(table.names) else [])]
    faults = table.header_faults(COLUMNS, required, meant) + time_faults(table, window, cutoff)
    if not set(DOSE) & {*table.names, *(known for name in meant for known in close(name, COLUMNS))}:
        faults.append(Fault(table.where, "wanted a column 'dose_level' or 'dose'"))
    if not faults and not 0 < len(table.rows) <= MOST_PATIENTS:
        many = len(table.rows) or "none"
        faults.append(Fault("", f"wanted one row a patient below the header, at most {MOST_PATIENTS}, got {many}"))
    return faults


def _extra(table: Table) -> list[str]:
    """Return the columns that are not read; those on time are where it is known from when days count."""
    return [
        name for name in dict.fromkeys(table.names) if name not in COLUMNS or (name in TIMES and not is_timed(table))
    ]


def _is_meant(name: str, table: Table) -> bool:
    """Tell whether an unknown column is probably a known one: a slip of the pen, or like one that the table lacks."""
    has_dose = bool(set(DOSE) & set(table.names))
    if name in TIMES:
        return False
    for known in COLUMNS:
        lacks = known not in table.names and not (known in DOSE and has_dose)
        alike = 0.9 if known in TIMES else 0.85 if not lacks else 0.75 if known in OPTIONAL else 0.6
        if SequenceMatcher(None, name[:100], known).ratio() >= alike:
            return True
    return False


def columns_not_read(table: Table) -> list[str]:
    """Say which columns are not read, in one text or none."""
    extra = _extra(table)
    names = ["one without a name"] * table.unnamed + [quoted(name) for name in extra[:MOST_NAMED]]
    more = f" and {len(extra) - MOST_NAMED} more" if len(extra) > MOST_NAMED else ""
    return [f"columns of the data that are not read: {', '.join(names)}{more}"] if names else []


def read_patients(
    table: Table, doses: Doses, window: Window | None = None, cutoff: datetime.date | None = None
) -> tuple[list[Patient], list[Fault], list[str], datetime.date | None]:
    """Return patients, faults, what to warn of, and the cut-off: the last date where none is given and there are."""
    patients: list[Patient] = []
    faults: list[Fault] = []
    warnings: list[str] = []
    lines: dict[str, str] = {}
    rows = _cells(table)
    followed = FollowUp.of(table, rows, window, cutoff) if window is not None and is_timed(table) else None
    for cells in rows:
        patient = None if cells.faults else _patient(cells, doses, warnings, followed)
        name = cells.raw("patient")
        if name in lines:
            message = f"patient {quoted(name)} stands already in {lines[name]}, wanted one row a patient"
            cells.faults.insert(0, Fault(cells.where, message))
        elif name:
            lines[name] = cells.where
        faults += cells.faults
        if patient is not None:
            patients.append(patient)
    if doses.values is None and any(patient.actual_dose is not None for patient in patients):
        warnings.append("actual doses are not used: the study states no doses as numbers (doses.values)")
    if followed is not None:
        warnings += followed.warnings
    faults += cohort_faults(patients) + _order_faults(patients)
    return _with_closed(patients), faults, warnings, None if followed is None else followed.cutoff


def numbered(table: Table, patients: Iterable[Patient]) -> Table:
    """Return a table with numbers for the names: those of some patients in their order, then of all other rows."""
    places = {patient.where: None for patient in patients} | {row.where: None for row in table.rows}
    number = {where: str(k) for k, where in enumerate(places, 1)}
    return replace(
        table, rows=tuple(replace(row, cells={**row.cells, "patient": number[row.where]}) for row in table.rows)
    )


def _cells(table: Table) -> list[Cells]:
    """Return the cells of each row; names that pandas made floats, all of a column, are whole numbers again."""
    rows = [dict(row.cells) for row in table.rows]
    for column in ("patient", "cohort"):
        texts = [row[column] for row in rows if row.get(column)]
        if all(re.fullmatch(r"[0-9]+[.,]0", text) for text in texts):
            for row in rows:
                row[column] = row.get(column, "")[:-2]
    return [Cells(replace(row, cells=cells), table.decimal_comma) for row, cells in zip(table.rows, rows, strict=True)]


def _patient(cells: Cells, doses: Doses, warnings: list[str], followed: FollowUp | None) -> Patient | None:
    """Return the patient of a row, None if anything is wrong with it, or if it is of later than the cut-off."""
    if not cells.raw("patient"):
        cells.faults.append(Fault(cells.where, "wanted a patient, got nothing"))
    evaluable = cells.yes("evaluable", default=True)
    pending = cells.raw("dlt").lower() in PENDING
    dlt = None if pending else cells.yes("dlt", default=False)
    level, odd = planned_level(cells, doses), list[str]()
    said = Patient(
        name=cells.text("patient"),
        level=level or 0,
        dlt=dlt,
        actual_dose=actual_dose(cells, doses, level, odd),
        group=cells.text("group"),
        grade=cells.grade("grade"),
        evaluable=evaluable,
        reason=cells.text("reason"),
        cohort=cells.text("cohort") if cells.has("cohort") else "",
        closed=cells.yes("closed", default=False),
        efficacy=cells.yes("efficacy", default=False) if cells.has("efficacy") else None,
        where=cells.where,
    )
    patient = said if followed is None else followed.at_cutoff(cells, said)
    cells.faults += [] if patient is None else patient.contradictions()
    if cells.faults or patient is None:
        return None
    warnings += odd
    return replace(patient, dlt=False) if patient.dlt is None and not evaluable else patient


def cohort_faults(patients: Iterable[Patient]) -> list[Fault]:
    """Return what is wrong with the cohorts: rows that do not stand together, or not at one dose; some without one."""
    faults: list[Fault] = []
    first: dict[str, str] = {}
    some = any(patient.cohort for patient in patients)
    for name, group in groupby(patients, key=lambda patient: patient.cohort):
        members = list(group)
        begin = members[0]
        if not name:
            wanted = "the cohort of every patient" if some else "a column 'cohort' beside closed = yes"
            faults += [Fault(p.where, f"cohort: wanted {wanted}, got nothing") for p in members if some or p.closed]
            continue
        if name in first:
            message = f"cohort {name!r} began in {first[name]}, and another came between; wanted its rows together"
            faults.append(Fault(begin.where, message))
        first.setdefault(name, begin.where)
        faults += [
            Fault(
                p.where,
                f"cohort {name!r}: wanted one dose, level {begin.level + 1} as in {begin.where}, "
                f"got level {p.level + 1}",
            )
            for p in members
            if p.level != begin.level
        ]
    return faults


def _order_faults(patients: Iterable[Patient]) -> list[Fault]:
    """Return where rows, or cohorts by their first patients, are not in the order of the treatment."""
    dated = [p for p in patients if p.treated is not None]
    groups = (tuple(group) for _, group in groupby(dated, key=lambda p: (p.cohort, p.cohort or p.name)))
    first = [min(group, key=lambda p: str(p.treated)) for group in groups]
    return [
        Fault(p.where, f"treated: wanted rows in the order of treatment, got {p.treated} after {before.treated}")
        for before, p in pairwise(first)
        if str(p.treated) < str(before.treated)
    ]


def _with_closed(patients: list[Patient]) -> list[Patient]:
    """Return the patients of a cohort as closed where any of its rows says so."""
    closed = {patient.cohort for patient in patients if patient.closed}
    return [replace(patient, closed=patient.cohort in closed) for patient in patients]
