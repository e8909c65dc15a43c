"""A table of another package in the format of the public standard, as a check."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from doseopt.core.parameters import Fault, Faults, close, nearest, quoted
from doseopt.tabular.cells import number
from doseopt.verify import standard
from doseopt.verify.cases import Case, Source
from doseopt.verify.check import SLACK, Answers, Check
from doseopt.verify.trials import ROUNDING

NAMES = ("package", "version")
"""Further columns: who says so."""

type Row = Mapping[str, str]


def check_of(path: Path, within: float | None = None) -> Check:
    """Return the check of a table.

    Parameters
    ----------
    path : Path
        A CSV file with the columns `format`, `design` and `scenario`, and any of `standard.ANSWERS`; an empty cell is
        not compared. `package` and `version` say whose it is.
    within : float, optional
        The largest difference granted; half a unit of the last decimal of each column if left out.

    Raises
    ------
    Faults
        All that is wrong with the file, each with its line.
    """
    columns, rows = _read(path)
    faults = _of_columns(columns)
    if faults:
        raise Faults(faults, str(path))
    shown = [column for column in standard.ANSWERS if column in columns]
    faults = [fault for line, row in rows for fault in _of_row(line, row, shown)] + _twice(rows)
    cases = [_case(row, shown, path.name) for _, row in rows]
    if not faults and not any(case.printed for case in cases):
        faults = [Fault("", "wanted at least one number, got none")]
    if faults:
        raise Faults(faults, str(path))
    granted = {c: _granted([row[c] for _, row in rows]) if within is None else within for c in shown}
    note = "the last digit is that of a whole column" if within is None else f"a difference of {within:g} is granted"
    what = f"operating characteristics of {standard.FORMAT}"
    return Check(what, lambda: cases, _ours, lambda given, ours: granted, note)


def _read(path: Path) -> tuple[Sequence[str], list[tuple[str, Row]]]:
    """Return columns and rows, each with its line."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restkey="", restval="", strict=True)
            columns = reader.fieldnames or ()
            rows = [(f"line {reader.line_num}", row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise Faults([Fault(str(path), f"wanted a CSV file, got one that cannot be read: {error}")]) from None
    return columns, [(line, {name: _text(cell) for name, cell in row.items()}) for line, row in rows]


def _text(cell: Any) -> str:
    """Return the text of a cell; of the cells beyond the columns how many they are."""
    return cell.strip() if isinstance(cell, str) else str(len(cell))


def _of_columns(columns: Sequence[str]) -> list[Fault]:
    """Return what is wrong with the head."""
    known = (*standard.COLUMNS, *NAMES)
    unknown = [name for name in columns if name not in known]
    there = {*columns, *(meant for name in unknown for meant in close(name, known))}
    lacking = [name for name in ("format", *standard.KEY) if name not in there]
    faults = [Fault("line 1", f"wanted a column {name!r}, got none") for name in lacking]
    faults += [Fault("line 1", f"no column is called {quoted(name)}{nearest(name, known)}") for name in unknown]
    faults += [Fault("line 1", f"two columns are called {name!r}") for name in known if columns.count(name) > 1]
    return faults


def _of_row(line: str, row: Row, shown: Sequence[str]) -> list[Fault]:
    """Return what is wrong with a row."""
    faults = []
    if row.get("", ""):
        columns = len(row) - 1
        faults.append(Fault(line, f"wanted as many cells as columns, {columns}, got {columns + int(row[''])}"))
    if row["format"] != standard.FORMAT:
        faults.append(Fault(line, f"format: wanted {standard.FORMAT}, got {quoted(row['format'])}"))
    for column, names in (("design", standard.designs()), ("scenario", standard.scenarios())):
        if row[column] not in names:
            faults.append(Fault(line, f"{column}: none is called {quoted(row[column])}{nearest(row[column], names)}"))
    rates = standard.scenarios().get(row["scenario"], ())
    for column, wanted in zip(standard.RATES, rates, strict=False):
        if row.get(column) and number(row[column]) != wanted:
            faults.append(Fault(line, f"{column}: wanted {wanted:g}, got {quoted(row[column])}"))
    for column in shown:
        value = number(row[column])
        most = 1.0 if column.startswith(("select", "correct", "overdose")) else math.inf
        if row[column] and (value is None or not -ROUNDING <= value <= most + ROUNDING):
            what = "a probability" if most == 1 else "a number, not negative"
            faults.append(Fault(line, f"{column}: wanted {what}, got {quoted(row[column])}"))
    return faults


def _twice(rows: Sequence[tuple[str, Row]]) -> list[Fault]:
    """Return which rows say something of a design and a scenario that others said before."""
    first: dict[tuple[str, ...], str] = {}
    faults = []
    for line, row in rows:
        key = tuple(row[name] for name in (*standard.KEY, *(name for name in NAMES if name in row)))
        if key in first:
            faults.append(Fault(line, f"the same design and scenario as in {first[key]}"))
        first.setdefault(key, line)
    return faults


def _case(row: Row, shown: Sequence[str], file: str) -> Case:
    given = {name: row[name] for name in standard.KEY}
    printed = {column: (row[column],) for column in shown if row[column]}
    return Case(Source(row.get("package") or file, row.get("version", "")), ", ".join(given.values()), given, printed)


def _granted(texts: Sequence[str]) -> float:
    """Return half a unit of the last decimal of a column, but no less than a rounding error."""
    exponents = [Decimal(text).as_tuple().exponent for text in texts if text]
    last = min((e for e in exponents if isinstance(e, int)), default=0)
    return max(0.5 * SLACK * 10.0 ** min(last, 0), ROUNDING)


def _ours(given: Mapping[str, Any]) -> Answers:
    return _of_design(given["design"])[given["scenario"]]


@cache
def _of_design(name: str) -> dict[str, Answers]:
    """Return the answers of a design in every scenario."""
    names = list(standard.scenarios())
    return dict(zip(names, standard.answers(name, names), strict=True))
