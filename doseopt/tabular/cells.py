"""Cells of a table, in the spellings that people and programs give them."""

from __future__ import annotations

import datetime
import math
import re
import unicodedata

from doseopt.core.parameters import Fault, quoted
from doseopt.tabular.dates import EXAMPLE, read_date
from doseopt.tabular.text import Row

MISSING = frozenset({"", "na", "n/a", "#n/a", "<na>", "nan", "null", "."})
"""What R, Excel, pandas and SAS write where there is nothing, in small letters."""
PENDING = MISSING | {"pending", "ongoing"}
YES = frozenset({"1", "yes", "y", "true", "t", "ja", "oui", "wahr", "vrai"})
NO = frozenset({"0", "no", "n", "false", "f", "nein", "non", "falsch", "faux"})
MOST_LETTERS = {"patient": 60, "cohort": 60, "group": 60, "reason": 200, "left_reason": 200}

_NUMBER = re.compile(r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}", re.ASCII)
_ROMAN = ("I", "II", "III", "IV", "V")
_GRADE = re.compile(
    # "CTCAE 5.0" alone is its version
    r"(?!(?:NCI[ -]?)?CTC(?:AE)? ?\d\.\d+$)"
    r"(?:(?:NCI[ -]?)?CTC(?:AE)?(?: ?V(?:ERSION)?\.? ?\d(?:\.\d+)?[ ,:]| \d\.\d+[ ,:])?[ ,:]*)?"
    r"(?:(?:GR(?:AD[EO]?)?|G)[.:]?[ -]?)?"
    r"(?:0?(?P<digit>[0-5])(?:[.,]0+)?|(?P<roman>III|II|IV|I|V))[级級度°]?"
)
_BLANKS = re.compile("[\xa0\u2000-\u200a\u202f\u3000]")


def yes_or_no(text: str) -> bool | None:
    """Return what a cell answers, or None if it is neither yes nor no; 1.0 is 1, as pandas writes it."""
    word = re.sub(r"(?<=^[01])[.,]0+$", "", text.lower())
    return True if word in YES else False if word in NO else None


def number(text: str, decimal_comma: bool = False) -> float | None:
    """Return a finite number, or None if it is none.

    Parameters
    ----------
    text : str
    decimal_comma : bool
        Whether ``1,500`` is one and a half; else it is none, as it may be one thousand and a half. ``0,15`` is plain.
    """
    if len(text) > 60 or not _NUMBER.fullmatch(text) or (_THOUSANDS.fullmatch(text) and not decimal_comma):
        return None
    value = float(text.replace(",", "."))
    return value if math.isfinite(value) else None


def ctcae_grade(text: str) -> int | None:
    """Return a CTCAE grade, 0 to 5, in any usual spelling, or None if it is none.

    Examples
    --------
    >>> [ctcae_grade(text) for text in ("3", "3.0", "G3", "Grade 3", "gr. 3", "CTCAE 3", "III", "6", "moderate")]
    [3, 3, 3, 3, 3, 3, 3, None, None]
    """
    match = _GRADE.fullmatch(unicodedata.normalize("NFKC", text).upper()) if len(text) <= 60 else None
    if match is None:
        return None
    return int(match["digit"]) if match["digit"] else _ROMAN.index(match["roman"]) + 1


class Cells:
    """The cells of one row, read one by one; what is wrong with them is kept.

    Attributes
    ----------
    where : str
        Line of the file.
    faults : list of Fault
    """

    def __init__(self, row: Row, decimal_comma: bool) -> None:
        self.where, self.faults = row.where, list(row.faults)
        self._cells, self.decimal_comma = row.cells, decimal_comma

    def raw(self, column: str) -> str:
        """Return what stands in a cell, nothing where the table has no such column."""
        return self._cells.get(column, "")

    def has(self, column: str) -> bool:
        """Tell whether anything stands in a cell."""
        text = self._cells.get(column, "")
        return text != "" and text.lower() not in MISSING

    def filled(self, *columns: str) -> str:
        """Return the first of some columns in which anything stands; of empty ones the first that the table has."""
        for column in columns:
            if self.has(column):
                return column
        return next((column for column in columns if column in self._cells), columns[0])

    def fault(self, column: str, wanted: str, hint: str = "") -> None:
        """Keep that a cell holds something else than wanted."""
        self.faults.append(Fault(self.where, f"{column}: wanted {wanted}, got {quoted(self.raw(column))}{hint}"))

    def text(self, column: str) -> str:
        """Return a short text that can be printed."""
        text, most = _BLANKS.sub(" ", self.raw(column)), MOST_LETTERS.get(column, 200)
        if len(text) > most or not text.isprintable():
            self.fault(column, f"at most {most} letters, none of them a control character")
            return quoted(text, most=20)
        return text

    def yes(self, column: str, default: bool) -> bool:
        """Return what a cell answers, `default` if it is empty."""
        if not self.has(column):
            return default
        answer = yes_or_no(self.raw(column))
        if answer is None:
            self.fault(column, "1 or 0 (yes or no)")
        return bool(answer)

    def number(self, column: str) -> float | None:
        """Return a finite number, None if it is none."""
        return number(self.raw(column), self.decimal_comma)

    def whole(self, column: str, low: int, high: int) -> int | None:
        """Return a whole number within bounds, None with a fault; 2.0 is 2, as pandas writes it."""
        value = self.number(column)
        if value is not None and value.is_integer() and low <= value <= high:
            return int(value)
        self.fault(column, f"a whole number in [{low}, {high}]")
        return None

    def date(self, column: str) -> datetime.date | None:
        """Return a date, None if the cell is empty, or with a fault."""
        found = read_date(self.raw(column)) if self.has(column) else None
        if found is None and self.has(column):
            self.fault(column, f"a date such as {EXAMPLE}, the year first")
        return found

    def grade(self, column: str) -> int | None:
        """Return a CTCAE grade, None if it is not recorded."""
        grade = ctcae_grade(self.raw(column))
        if grade is None and self.has(column):
            self.fault(column, "a CTCAE grade, 0 to 5")
        return grade
