"""Data of a running trial: outcome strings and CSV files -> tallies, and the actual doses of patients."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import numpy as np

from doseopt.cells import MISSING, ctcae_grade, is_missing, yes_or_no
from doseopt.doses import Doses
from doseopt.outcome_string import parse_outcomes
from doseopt.parameters import Fault, Faults, nearest
from doseopt.state import FloatArray, IntArray

EXAMPLE = "1N 2NNT 2NNN 3NNN"
"""A worked example of the registered protocol: a DLT at the second dose, which six patients then clear."""
REQUIRED = ("patient", "dlt")
COLUMNS = ("patient", "dose_level", "dose", "dlt", "actual_dose", "group", "grade", "evaluable", "reason", "cohort")
MODERATE, DEATH = 2, 5
"""CTCAE grades: the lowest that is a moderate toxicity, and death."""


@dataclass(frozen=True)
class Patient:
    """One patient: the planned dose level, the outcome, and what else is known.

    Parameters
    ----------
    name : str
    level : int
        Index of the planned dose, from 0.
    dlt : bool or None
        None: pending, the patient is still in the DLT window.
    actual_dose : float, optional
        In the study's unit.
    group : str
    grade : int, optional
        Worst CTCAE grade, 0 to 5; None if not recorded.
    evaluable : bool
        False: left out and replaced, which only a patient without DLT can be.
    reason : str
        Why not evaluable, if the data say.
    cohort : str
        As the data name it; empty if they name none.
    closed : bool
        The cohort was closed early.
    where : str
        Place in the data, for faults that are found later.
    """

    name: str
    level: int
    dlt: bool | None
    actual_dose: float | None = None
    group: str = ""
    grade: int | None = None
    evaluable: bool = True
    reason: str = ""
    cohort: str = ""
    closed: bool = False
    where: str = ""


def letter(patient: Patient, graded: bool) -> str:
    """Return the outcome of a patient who is not pending: T for a DLT, M for grade 2 or worse without, else N.

    Parameters
    ----------
    patient : Patient
    graded : bool
        Whether the grade is looked at; without, a patient without DLT is N.

    Raises
    ------
    Faults
        If the patient is pending; or if the grade is looked at and not recorded, as that is not mild.
    """
    if patient.dlt is None:
        raise Faults([Fault(patient.where, f"patient {patient.name}: the outcome is pending; wanted a DLT or none")])
    if patient.dlt:
        return "T"
    if graded and patient.grade is None:
        message = f"grade: wanted the worst grade of patient {patient.name}, 0 to 5, got nothing"
        raise Faults([Fault(patient.where, f"{message}; the design looks at moderate toxicity")])
    return "M" if graded and (patient.grade or 0) >= MODERATE else "N"


@dataclass(frozen=True)
class TrialData:
    """The patients of a trial so far.

    Parameters
    ----------
    doses : Doses
    patients : tuple of Patient
        In the order of the data, those who are pending or cannot be evaluated included.
    warnings : tuple of str
        What a reader of the analysis must know, in plain words.
    """

    doses: Doses
    patients: tuple[Patient, ...]
    warnings: tuple[str, ...] = ()

    @property
    def evaluable(self) -> tuple[Patient, ...]:
        """The patients that count: evaluable, and not pending."""
        return tuple(p for p in self.patients if p.evaluable and p.dlt is not None)

    @property
    def pending(self) -> tuple[Patient, ...]:
        """The patients who are still in the DLT window."""
        return tuple(p for p in self.patients if p.evaluable and p.dlt is None)

    @property
    def left_out(self) -> tuple[str, ...]:
        """The patients that cannot be evaluated, by name, each with the reason if the data say one."""
        why = "cannot be evaluated"
        return tuple(f"{p.name} ({why}{f': {p.reason}' * bool(p.reason)})" for p in self.patients if not p.evaluable)

    @property
    def cohorts(self) -> tuple[tuple[Patient, ...], ...] | None:
        """The cohorts that the data state, pending patients included, those left out not; None if they state none."""
        if not all(p.cohort for p in self.patients):
            return None
        counted = (p for p in self.patients if p.evaluable)
        return tuple(tuple(group) for _, group in groupby(counted, key=lambda p: p.cohort))

    def tally(self) -> tuple[IntArray, IntArray]:
        """Return patients and DLTs at each planned dose, [D] each."""
        count = len(self.doses.labels)
        levels = [p.level for p in self.evaluable]
        dlts = [p.level for p in self.evaluable if p.dlt]
        return np.bincount(np.array(levels, int), minlength=count), np.bincount(np.array(dlts, int), minlength=count)

    @property
    def has_actual_doses(self) -> bool:
        """Whether any patient's actual dose is known."""
        return any(p.actual_dose is not None for p in self.evaluable)

    def by_actual_dose(self) -> tuple[FloatArray, IntArray, IntArray]:
        """Return the distinct doses given, in the study's unit, and patients and DLTs at each; planned if unknown."""
        if self.doses.values is None:
            raise Faults([Fault("doses.values", "missing; wanted the doses as numbers, to use actual doses")])
        planned = self.doses.values
        given = [planned[p.level] if p.actual_dose is None else p.actual_dose for p in self.evaluable]
        distinct, which = np.unique(np.array(given, float), return_inverse=True)
        dlt = np.array([p.dlt for p in self.evaluable], float)
        n = np.bincount(which, minlength=len(distinct))
        return distinct, n, np.bincount(which, dlt, len(distinct)).astype(np.int64)


def data_from_outcomes(outcomes: str, doses: Doses) -> TrialData:
    """Read an outcome string such as ``"1N 2NNT"``.

    Raises
    ------
    Faults
        With every cohort that cannot be read.
    """
    grades = {"N": MODERATE - 1, "M": MODERATE, "T": None}
    patients: list[Patient] = []
    for number, cohort in enumerate(parse_outcomes(outcomes, len(doses.labels)), 1):
        for outcome in cohort.letters:
            name, where = str(len(patients) + 1), f"cohort {number}"
            patient = Patient(name, cohort.level - 1, outcome == "T", grade=grades[outcome], where=where)
            patients.append(replace(patient, cohort=str(number), closed=cohort.closed))
    return TrialData(doses, tuple(patients))


def data_from_csv(path: str | Path, doses: Doses) -> TrialData:
    """Read one patient a row: `patient`, `dose_level` or `dose`, `dlt`; optional the rest of ``COLUMNS``.

    `dose_level` counts from 1; `dose` is a label of the study or a planned dose in its unit. Patients with `evaluable`
    = no are listed and left out. An actual dose further from the planned one than the study's tolerance is used as
    given, and warned of by the patient's name.

    Raises
    ------
    Faults
        With every bad row, each with its line.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise Faults([Fault("", f"cannot be read: {reason}")], str(path)) from error
    reader = csv.DictReader(text.splitlines(), skipinitialspace=True)
    faults = _header_faults([name.strip() for name in reader.fieldnames or []])
    if faults:
        raise Faults(faults, str(path))
    reader.fieldnames = [name.strip() for name in reader.fieldnames or []]
    rows = _Rows(doses)
    for row in reader:
        rows.read(row, f"line {reader.line_num}")
    if not rows.patients and not rows.faults:
        rows.faults.append(Fault("", "wanted one row a patient below the header, got none"))
    if rows.faults:
        raise Faults(rows.faults, str(path))
    return TrialData(doses, tuple(rows.patients), tuple(rows.warnings))


def _header_faults(names: Sequence[str]) -> list[Fault]:
    faults = [Fault("line 1", f"wanted a column {name!r}") for name in REQUIRED if name not in names]
    if not {"dose_level", "dose"} & set(names):
        faults.append(Fault("line 1", "wanted a column 'dose_level' or 'dose'"))
    faults += [Fault("line 1", f"unknown column {n!r}{nearest(n, COLUMNS)}") for n in names if n not in COLUMNS]
    faults += [Fault("line 1", f"column {n!r} stands twice") for n in dict.fromkeys(names) if names.count(n) > 1]
    return faults


def _contradictions(patient: Patient) -> list[Fault]:
    """Return what cannot all be true of one patient."""
    who, faults = f"patient {patient.name}", []
    if patient.dlt and not patient.evaluable:
        message = f"dlt = 1, evaluable = no: {who} had a DLT, and a patient with a DLT counts in every protocol"
        faults.append(Fault(patient.where, f"{message}; only one without is left out and replaced"))
    without = patient.dlt is False or not patient.evaluable
    if patient.grade == DEATH and without and (patient.evaluable or not patient.reason):
        message = f"grade: {who} has grade {DEATH} and no DLT; wanted dlt = 1 if it is dose-limiting, else"
        faults.append(Fault(patient.where, f"{message} evaluable = no with a reason in a column 'reason'"))
    return faults


class _Rows:
    """Reads the rows of a file, keeping patients, faults and warnings."""

    def __init__(self, doses: Doses) -> None:
        self.doses = doses
        self.patients: list[Patient] = []
        self.faults: list[Fault] = []
        self.warnings: list[str] = []
        self._line: dict[str, str] = {}

    def read(self, row: Mapping[str | None, object], where: str) -> None:
        """Read one row."""
        if None in row or None in row.values():
            self.faults.append(Fault(where, "wanted as many fields as the header has"))
            return
        cell = {str(name): str(value).strip() for name, value in row.items()}
        before = len(self.faults)
        name = cell["patient"]
        if not name or name in self._line:
            wanted = (
                f"patient {name!r} stands already in {self._line[name]}" if name else "wanted a patient, got nothing"
            )
            self.faults.append(Fault(where, wanted))
        self._line.setdefault(name, where)
        evaluable = is_missing(cell.get("evaluable", "")) or self._yes_no(cell["evaluable"], "evaluable", where)
        pending = cell["dlt"].lower() in MISSING | {"pending", "ongoing"}
        dlt = None if pending else self._yes_no(cell["dlt"], "dlt", where)
        level = self._level(cell, where)
        actual = self._actual(cell.get("actual_dose", ""), where)
        grade = self._grade(cell.get("grade", ""), where)
        if len(self.faults) > before or level is None:
            return
        group, reason, cohort = (cell.get(column, "") for column in ("group", "reason", "cohort"))
        patient = Patient(name, level, dlt, actual, group, grade, evaluable, reason, cohort, where=where)
        self.faults += _contradictions(patient)
        if not evaluable and pending:
            patient = replace(patient, dlt=False)
        self.patients.append(patient)
        self._check_tolerance(patient)

    def _yes_no(self, text: str, column: str, where: str) -> bool:
        answer = yes_or_no(text)
        if answer is None:
            self.faults.append(Fault(where, f"{column}: wanted 1 or 0 (yes or no), got {text!r}"))
        return bool(answer)

    def _grade(self, text: str, where: str) -> int | None:
        if is_missing(text):
            return None
        grade = ctcae_grade(text)
        if grade is None:
            self.faults.append(Fault(where, f"grade: wanted a CTCAE grade, 0 to 5, got {text!r}"))
        return grade

    def _level(self, cell: Mapping[str, str], where: str) -> int | None:
        """Return the planned dose level as an index; the two columns must agree where both are given."""
        count, found = len(self.doses.labels), []
        before = len(self.faults)
        if text := cell.get("dose_level", ""):
            if text.isdecimal() and 1 <= int(text) <= count:
                found.append(int(text) - 1)
            else:
                self.faults.append(Fault(where, f"dose_level: wanted 1 to {count}, got {text!r}"))
        if text := cell.get("dose", ""):
            level = self._named(text)
            if level is None:
                known = nearest(text, self.doses.labels)
                self.faults.append(Fault(where, f"dose: wanted a planned dose of the study, got {text!r}{known}"))
            else:
                found.append(level)
        if len(self.faults) == before and len(set(found)) != 1:
            wanted = (
                "dose_level and dose name different doses" if found else "wanted a dose_level or a dose, got neither"
            )
            self.faults.append(Fault(where, wanted))
        return found[0] if found else None

    def _named(self, text: str) -> int | None:
        """Return the level that a label or a planned dose in the study's unit means."""
        if text in self.doses.labels:
            return self.doses.labels.index(text)
        try:
            value = float(text)
        except ValueError:
            return None
        matches = [j for j, v in enumerate(self.doses.values or ()) if math.isclose(v, value, rel_tol=1e-9)]
        return matches[0] if matches else None

    def _actual(self, text: str, where: str) -> float | None:
        if is_missing(text):
            return None
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and value > 0):
            unit = self.doses.unit or "the study's unit"
            self.faults.append(Fault(where, f"actual_dose: wanted a number above 0 in {unit}, got {text!r}"))
            return None
        return value

    def _check_tolerance(self, patient: Patient) -> None:
        if patient.actual_dose is None or self.doses.values is None or self.doses.tolerance is None:
            return
        planned = self.doses.values[patient.level]
        apart = patient.actual_dose / planned - 1
        if abs(apart) > self.doses.tolerance + 1e-9:
            self.warnings.append(
                f"patient {patient.name}: the actual dose {patient.actual_dose:g} {self.doses.unit} is {apart:+.0%} "
                f"from the planned {planned:g}, outside the study's tolerance of {self.doses.tolerance:.0%}; "
                "used as given"
            )
