"""Patients from the rows of a table: which columns there are, and what each row says."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from difflib import SequenceMatcher
from itertools import groupby

from doseopt.core.parameters import Fault, quoted
from doseopt.records.doses import actual_dose, planned_level
from doseopt.records.patient import Patient
from doseopt.scenarios.doses import Doses
from doseopt.tabular.cells import PENDING, Cells
from doseopt.tabular.text import Table

REQUIRED = ("patient", "dlt")
DOSE = ("dose_level", "dose")
"""One of these is required too."""
OPTIONAL = ("actual_dose", "group", "grade", "evaluable", "reason", "cohort", "closed")
COLUMNS = ("patient", *DOSE, "dlt", *OPTIONAL)
MOST_PATIENTS = 2000
MOST_NAMED = 20
"""Columns that a warning names."""


def header_faults(table: Table) -> list[Fault]:
    """Return what is wrong with the columns, and with the number of rows."""
    meant = [name for name in _extra(table) if _is_meant(name, table)]
    faults = table.header_faults(COLUMNS, REQUIRED, meant)
    if not set(DOSE) & set(table.names):
        faults.append(Fault(table.where, "wanted a column 'dose_level' or 'dose'"))
    if not faults and not 0 < len(table.rows) <= MOST_PATIENTS:
        many = len(table.rows) or "none"
        faults.append(Fault("", f"wanted one row a patient below the header, at most {MOST_PATIENTS}, got {many}"))
    return faults


def _extra(table: Table) -> list[str]:
    return [name for name in dict.fromkeys(table.names) if name not in COLUMNS]


def _is_meant(name: str, table: Table) -> bool:
    """Tell whether an unknown column is probably a known one: a slip of the pen, or like one that the table lacks."""
    has_dose = bool(set(DOSE) & set(table.names))
    for known in COLUMNS:
        lacks = known not in table.names and not (known in DOSE and has_dose)
        alike = 0.85 if not lacks else 0.75 if known in OPTIONAL else 0.6
        if SequenceMatcher(None, name[:100], known).ratio() >= alike:
            return True
    return False


def columns_not_read(table: Table) -> list[str]:
    """Say which columns are not read, in one text or none."""
    extra = _extra(table)
    names = ["one without a name"] * table.unnamed + [quoted(name) for name in extra[:MOST_NAMED]]
    more = f" and {len(extra) - MOST_NAMED} more" if len(extra) > MOST_NAMED else ""
    return [f"columns of the data that are not read: {', '.join(names)}{more}"] if names else []


def read_patients(table: Table, doses: Doses) -> tuple[list[Patient], list[Fault], list[str]]:
    """Return patients, faults, and what to warn of."""
    patients: list[Patient] = []
    faults: list[Fault] = []
    warnings: list[str] = []
    lines: dict[str, str] = {}
    for cells in _cells(table):
        patient = None if cells.faults else _patient(cells, doses, warnings)
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
    return _with_closed(patients), [*faults, *_cohort_faults(patients)], warnings


def _cells(table: Table) -> list[Cells]:
    """Return the cells of each row; names that pandas made floats, all of a column, are whole numbers again."""
    rows = [dict(row.cells) for row in table.rows]
    for column in ("patient", "cohort"):
        texts = [row[column] for row in rows if row.get(column)]
        if all(re.fullmatch(r"[0-9]+[.,]0", text) for text in texts):
            for row in rows:
                row[column] = row.get(column, "")[:-2]
    return [Cells(replace(row, cells=cells), table.decimal_comma) for row, cells in zip(table.rows, rows, strict=True)]


def _patient(cells: Cells, doses: Doses, warnings: list[str]) -> Patient | None:
    """Return the patient of a row, None if anything is wrong with it."""
    if not cells.raw("patient"):
        cells.faults.append(Fault(cells.where, "wanted a patient, got nothing"))
    evaluable = cells.yes("evaluable", default=True)
    pending = cells.raw("dlt").lower() in PENDING
    dlt = None if pending else cells.yes("dlt", default=False)
    level = planned_level(cells, doses)
    patient = Patient(
        name=cells.text("patient"),
        level=level or 0,
        dlt=dlt,
        actual_dose=actual_dose(cells, doses, level, warnings),
        group=cells.text("group"),
        grade=cells.grade("grade"),
        evaluable=evaluable,
        reason=cells.text("reason"),
        cohort=cells.text("cohort") if cells.has("cohort") else "",
        closed=cells.yes("closed", default=False),
        where=cells.where,
    )
    cells.faults += patient.contradictions()
    if cells.faults:
        return None
    return replace(patient, dlt=False) if pending and not evaluable else patient


def _cohort_faults(patients: Iterable[Patient]) -> list[Fault]:
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


def _with_closed(patients: list[Patient]) -> list[Patient]:
    """Return the patients of a cohort as closed where any of its rows says so."""
    closed = {patient.cohort for patient in patients if patient.closed}
    return [replace(patient, closed=patient.cohort in closed) for patient in patients]
