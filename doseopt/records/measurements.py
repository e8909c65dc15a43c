"""Laboratory values and clinical improvement by visit, from the rows of ADLB and ADEFF."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable
from dataclasses import dataclass

from doseopt.core.parameters import Fault, quoted
from doseopt.endpoints.laboratory import LIMITS, UNITS, unit_of
from doseopt.records.adam import MOST_NAMED
from doseopt.records.subjects import Roster, Subject
from doseopt.tabular.cells import Cells, yes_or_no

ANSWERS = ("DSA1", "DSA2", "DIAL7")
"""Parameters that are yes or no: antibodies against HLA class I and II, dialysis twice in the last seven days."""
POSITIVE, NEGATIVE = ("positive", "pos", "+", "detected"), ("negative", "neg", "-", "not detected")
_TIME = re.compile(r"[T ](\d{1,2}):(\d{2})(?::(\d{2}))?", re.ASCII)
_DAY = re.compile(r"(?:day|d|tag|visit day)[ _-]*(\d+(?:\.\d+)?)", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True)
class Measurement:
    """One value of one parameter of a treated subject.

    Parameters
    ----------
    subject : str
    parameter : str
        PARAMCD.
    visit : str
        Its day, or its name where the name says no day.
    value : float
        In the first of the units of ``UNITS``; 1 or 0 for yes or no.
    day : int, optional
        Of the date, if there is one.
    draw : str
        Date and time of day, as far as they are known: values of one draw share it.
    upper : float, optional
        Upper limit of normal, in the same unit.
    where : str
        File and line.
    """

    subject: str
    parameter: str
    visit: str
    value: float
    day: int | None
    draw: str = ""
    upper: float | None = None
    where: str = ""

    @property
    def on(self) -> float | None:
        """The day of the date; without one that of the visit, None where its name says none."""
        return day_of(self.visit) if self.day is None else self.day


def day_of(visit: str) -> float | None:
    """Return the day of a visit, None where its name says none."""
    try:
        return float(visit)
    except ValueError:
        return None


type _Read = tuple[list[Measurement], list[datetime.date], list[Fault], list[str]]


def read_laboratory(rows: Iterable[Cells], roster: Roster) -> _Read:
    """Return the laboratory values of treated subjects, all dates in them, faults, and what to warn of."""
    return _read(rows, roster, laboratory=True)


def read_improvements(rows: Iterable[Cells], roster: Roster) -> _Read:
    """Return the answers on clinical improvement, whatever PARAMCD the team has; see `read_laboratory`."""
    return _read(rows, roster, laboratory=False)


def _read(rows: Iterable[Cells], roster: Roster, laboratory: bool) -> _Read:
    found: list[Measurement] = []
    dates: list[datetime.date] = []
    faults: list[Fault] = []
    other: set[str] = set()
    empty = 0
    for cells in rows:
        code = (cells.raw if laboratory else cells.text)("PARAMCD").upper()
        if laboratory and cells.has("PARAMCD") and code not in UNITS and code not in ANSWERS and not cells.faults:
            other.add(code)
            continue
        subject = None if cells.faults else roster.of(cells)
        one = None if subject is None else _measurement(cells, subject, code, laboratory, dates)
        faults += cells.faults
        empty += one is None and subject is not None and not cells.faults
        if one is not None and not cells.faults:
            found.append(one)
    names = ", ".join(map(quoted, sorted(other)[:MOST_NAMED])) + (", ..." if len(other) > MOST_NAMED else "")
    warnings = [f"parameters that are not read: {names}"] if other else []
    return found, dates, faults, [*warnings, *([f"rows without a value: {empty}"] if empty else [])]


def _measurement(
    cells: Cells, subject: Subject, code: str, laboratory: bool, dates: list[datetime.date]
) -> Measurement | None:
    """Return the value of a row, None if there is none, or with faults."""
    date = cells.date("ADT")
    if not cells.has("PARAMCD"):
        cells.fault("PARAMCD", "a parameter")
    if laboratory and not cells.has("ADT"):
        cells.fault("ADT", "the date of the draw")
    if date is not None:
        dates.append(date)
    day = None if date is None else subject.day(date)
    visit = _visit(cells, day)
    if not cells.has("AVAL") and not cells.has("AVALC"):
        return None
    value, upper = _quantity(cells, code) if code in UNITS and laboratory else (_answer(cells), None)
    if value is None or cells.faults:
        return None
    time = _TIME.search(cells.raw("ADT"))
    draw = f"{date or ''}{f' {int(time[1]):02d}:{time[2]}:{time[3] or "00"}' if time else ''}"
    return Measurement(subject.name, code, visit, value, day, draw, upper, cells.where)


def _visit(cells: Cells, day: int | None) -> str:
    """Return the day of a visit, or its name where it says none."""
    if cells.has("AVISITN"):
        number = cells.number("AVISITN")
        if number is None:
            cells.fault("AVISITN", "the day of the visit, a number")
        return "" if number is None else f"{number:g}"
    if not cells.has("AVISIT"):
        if day is None:
            cells.fault("AVISITN", "the day of the visit, a number")
        return str(day)
    name = cells.text("AVISIT")
    if name.lower() in ("baseline", "day of treatment"):
        return "0"
    said = _DAY.fullmatch(name)
    return f"{float(said[1]):g}" if said else name


def _quantity(cells: Cells, code: str) -> tuple[float | None, float | None]:
    """Return a value and the upper limit of normal, both in the first of its units."""
    column = cells.filled("AVAL", "AVALC")
    value, upper = cells.number(column), cells.number("ANRHI")
    unit = unit_of(code, cells.raw("AVALU") if cells.has("AVALU") else "")
    if unit is None:
        known = [name for name in UNITS[code] if name] or ["none"]
        cells.fault("AVALU", f"a unit of {code}: {' or '.join(known)}")
        return None, None
    if value is None:
        cells.fault(column, f"a number for {code}")
        return None, None
    factor = UNITS[code][unit]
    low, high = (limit * factor for limit in LIMITS[code])
    for name, number in ((column, value), ("ANRHI", upper)):
        if cells.has(name) and (number is None or not low <= number <= high):
            what = "a value" if name == column else "the upper limit of normal"
            cells.fault(name, f"{what} of {code} in [{low:g}, {high:g}] {cells.raw('AVALU')}".rstrip())
    return value / factor, None if upper is None else upper / factor


def _answer(cells: Cells) -> float | None:
    """Return 1 or 0 for yes or no, positive or negative."""
    column = cells.filled("AVALC", "AVAL")
    word = cells.raw(column).lower()
    answer = True if word in POSITIVE else False if word in NEGATIVE else yes_or_no(word)
    if answer is None:
        cells.fault(column, "Y or N, positive or negative")
        return None
    return float(answer)
