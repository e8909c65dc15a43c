"""Data of a running trial: outcome strings and CSV files -> tallies, and the actual doses of patients."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from doseopt.doses import Doses
from doseopt.outcome_string import parse_outcomes
from doseopt.parameters import Fault, Faults, nearest
from doseopt.state import FloatArray, IntArray

EXAMPLE = "1N 2NNT 2NNN 3NNN"
"""A worked example of the registered protocol: a DLT at the second dose, which six patients then clear."""
REQUIRED = ("patient", "dlt")
COLUMNS = ("patient", "dose_level", "dose", "dlt", "actual_dose", "group", "grade", "evaluable")
YES, NO = {"1", "yes", "y", "true", "t"}, {"0", "no", "n", "false", "f"}


@dataclass(frozen=True)
class Patient:
    """One patient: the planned dose level (index), the outcome, and what else is known."""

    name: str
    level: int
    dlt: bool
    actual_dose: float | None = None
    group: str = ""
    grade: str = ""
    evaluable: bool = True


@dataclass(frozen=True)
class TrialData:
    """The patients of a trial so far.

    Parameters
    ----------
    doses : Doses
    patients : tuple of Patient
        In the order of the data, those who cannot be evaluated included.
    warnings : tuple of str
        What a reader of the analysis must know, in plain words.
    """

    doses: Doses
    patients: tuple[Patient, ...]
    warnings: tuple[str, ...] = ()

    @property
    def evaluable(self) -> tuple[Patient, ...]:
        """The patients that count."""
        return tuple(p for p in self.patients if p.evaluable)

    @property
    def left_out(self) -> tuple[Patient, ...]:
        """The patients that cannot be evaluated."""
        return tuple(p for p in self.patients if not p.evaluable)

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
    cohorts = parse_outcomes(outcomes, len(doses.labels))
    letters = [(cohort.level - 1, letter) for cohort in cohorts for letter in cohort.letters]
    return TrialData(
        doses, tuple(Patient(str(i), level, letter == "T") for i, (level, letter) in enumerate(letters, 1))
    )


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
        evaluable = self._yes_no(cell.get("evaluable") or "yes", "evaluable", where)
        dlt = self._yes_no(cell["dlt"], "dlt", where) if evaluable or cell["dlt"] else False
        level = self._level(cell, where)
        actual = self._actual(cell.get("actual_dose", ""), where)
        if len(self.faults) > before or level is None:
            return
        patient = Patient(name, level, bool(dlt), actual, cell.get("group", ""), cell.get("grade", ""), bool(evaluable))
        self.patients.append(patient)
        self._check_tolerance(patient)

    def _yes_no(self, text: str, column: str, where: str) -> bool:
        if text.lower() not in YES | NO:
            self.faults.append(Fault(where, f"{column}: wanted 1 or 0 (yes or no), got {text!r}"))
        return text.lower() in YES

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
        if not text:
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
