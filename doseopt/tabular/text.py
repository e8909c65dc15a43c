"""Tables as text: the encodings, separators and shapes that Excel, R and people give a CSV file."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from doseopt.core.parameters import Fault, Faults, close, nearest, quoted

if TYPE_CHECKING:
    from _csv import Reader

MOST = 2_000_000
"""Bytes of a file at the most; a thousand patients with every column take a tenth."""
MOST_ROWS, MOST_COLUMNS = 20_000, 1000
SEPARATORS = ",;\t| "
"""A blank is R's `write.table`."""
FIELDS = "wanted as many fields as the header has"

_NO_TEXT = {
    b"PK\x03\x04": 'an Excel workbook (or another zip file): save the sheet as "CSV UTF-8"',
    b"\xd0\xcf\x11\xe0": 'an old Excel workbook: save the sheet as "CSV"',
    b"\x1f\x8b": "a compressed file (R's .rds is one): write the table as text, in R with write.csv",
    b"%PDF": "a PDF: export the table as CSV",
    b"PAR1": "a Parquet file: write the table as CSV",
}
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark it begins with
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_GUESSED = "is not UTF-8 and was read as Windows-1252; letters of other alphabets may have come out wrong"
_NOT_CLOSED = "a quotation mark opens here that is not closed, or stands inside a field and is not doubled"


type _Line = tuple[int, list[str]]
"""Where a row begins, and its fields."""


@dataclass(frozen=True)
class Row:
    """One row below the header.

    Parameters
    ----------
    where : str
        Line of the file where it begins.
    cells : mapping of str to str
        By the name of the column, stripped; empty where the fields do not fit the header.
    faults : tuple of Fault
    """

    where: str
    cells: Mapping[str, str]
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True)
class Table:
    """A table of cells that are not interpreted yet.

    Parameters
    ----------
    names : tuple of str
        Of the columns in small letters, with ``_`` for blanks and points; those without a name are left out.
    rows : tuple of Row
        Without empty ones.
    where : str
        Line of the header.
    decimal_comma : bool
        Whether a comma cannot be a separator.
    unnamed : bool
        Whether a column without a name had something in it, as R's row names.
    warnings : tuple of str
    """

    names: tuple[str, ...]
    rows: tuple[Row, ...]
    where: str
    decimal_comma: bool
    unnamed: bool
    warnings: tuple[str, ...]

    def header_faults(self, known: Sequence[str], required: Iterable[str], extra: Iterable[str]) -> list[Fault]:
        """Return what is wrong with the names: required ones that lack, known ones that stand twice, and `extra`."""
        there = {*self.names, *(meant for name in extra for meant in close(name, known))}
        faults = [Fault(self.where, f"wanted a column {name!r}") for name in required if name not in there]
        faults += [Fault(self.where, f"unknown column {quoted(name)}{nearest(name, known)}") for name in extra]
        twice = [name for name in dict.fromkeys(self.names) if name in known and self.names.count(name) > 1]
        return faults + [Fault(self.where, f"column {name!r} stands twice") for name in twice]


def read_table(path: str | Path, known: Sequence[str], times: int = 1) -> Table:
    """Read a file of rows below a header.

    Parameters
    ----------
    path : str or Path
    known : sequence of str
        Names of columns to look for: the fields are separated by what shows most of them in the header, unless a first
        line ``sep=;`` says by what.
    times : int
        The usual limits of size that the file may have.

    Raises
    ------
    Faults
        If the file is no text, or cannot be split into rows. Rows that do not fit carry their faults.
    """
    try:
        text, warnings = _decoded(_bytes(path, MOST * times))
        return _table(text.replace("\r\n", "\n").replace("\r", "\n"), known, warnings, MOST_ROWS * times)
    except Faults as faults:
        raise Faults(faults.faults, str(path)) from faults


def _bytes(path: str | Path, most: int) -> bytes:
    try:
        with Path(path).open("rb") as file:
            data = file.read(most + 1)
    except (OSError, ValueError) as error:
        raise Faults([Fault("", f"cannot be read: {getattr(error, 'strerror', None) or error}")]) from error
    if len(data) > most:
        raise Faults([Fault("", f"cannot be read: wanted at most {most:,} bytes; is it the right file?")])
    return data


def _decoded(data: bytes) -> tuple[str, tuple[str, ...]]:
    """Return the text, and what to warn of."""
    for magic, what in _NO_TEXT.items():
        if data.startswith(magic):
            raise Faults([Fault("", f"cannot be read: this is {what}")])
    encoding = next((name for mark, name in _MARKS.items() if data.startswith(mark)), "utf-8")
    if encoding == "utf-8" and b"\0" in data[:2]:
        encoding = "utf-16-be" if data[:1] == b"\0" else "utf-16-le"
    text: str | None = None
    warnings: tuple[str, ...] = ()
    for attempt in (encoding, "cp1252") if encoding == "utf-8" else (encoding,):
        try:
            text = data.decode(attempt)
            break
        except UnicodeDecodeError:
            warnings = (f"the file {_GUESSED}: better save it as UTF-8",)
    if text is None or "\0" in text:
        raise Faults([Fault("", 'cannot be read: this is no text; wanted CSV, in Excel "CSV UTF-8"')])
    return text.removeprefix("\ufeff"), warnings


def _name(text: str) -> str:
    """Return the name of a column as it is compared: "Dose.Level " is dose_level."""
    return re.sub(r"[\s.-]+", "_", text.strip().lower())


def _reader(lines: Sequence[str], separator: str) -> Reader:
    # Strict: a quotation mark that is never closed would swallow the rest of the patients.
    return csv.reader(lines, delimiter=separator, skipinitialspace=separator != " ", strict=True)


def _separator(lines: Sequence[str], known: Sequence[str]) -> str:
    """Return the separator that shows most of the known names in the first line; a comma among equals."""
    found = dict.fromkeys(SEPARATORS, -1)
    for separator in SEPARATORS:
        try:
            found[separator] = len(
                {_name(field) for field in next(_reader(lines, separator), [])[:MOST_COLUMNS]} & set(known)
            )
        except csv.Error:
            continue
    return max(found, key=lambda separator: found[separator])


def _table(text: str, known: Sequence[str], warnings: tuple[str, ...], most_rows: int) -> Table:
    lines = io.StringIO(text, newline="\n").readlines()
    skipped = next((i for i, line in enumerate(lines) if line.strip()), len(lines))
    separator = ""
    if skipped < len(lines) and (said := re.fullmatch(r'"?sep=(.)"?[;,]*\s*', lines[skipped], re.IGNORECASE)):
        separator, skipped = said[1], skipped + 1
    if separator not in tuple(SEPARATORS):
        separator = _separator(lines[skipped:], known)
    (line, header), *body = _split(lines, skipped, separator, most_rows) or [(1, [])]
    if len(header) > MOST_COLUMNS:
        raise Faults([Fault(f"line {line}", f"wanted at most {MOST_COLUMNS} columns, got {len(header)}")])
    names = [_name(field) for field in header]
    if _has_row_names(lines, line, len(names), body, separator):
        names.insert(0, "")
    needed = max((i for i, name in enumerate(names, 1) if name), default=0)
    rows = tuple(_row(names, needed, f"line {start}", fields, separator) for start, fields in body)
    unnamed = any(field and not name for _, fields in body for name, field in zip(names, fields, strict=False))
    return Table(tuple(filter(None, names)), rows, f"line {line}", separator != ",", unnamed, warnings)


def _split(lines: Sequence[str], skipped: int, separator: str, most_rows: int) -> list[_Line]:
    """Return the fields of each row that is not empty, with the line where it begins."""
    reader = _reader(lines[skipped:], separator)
    rows: list[_Line] = []
    line = skipped + 1
    try:
        for fields in reader:
            if any(map(str.strip, fields)):
                rows.append((line, [field.strip() for field in fields]))
            if len(rows) > most_rows + 1:
                raise Faults([Fault(f"line {line}", f"wanted at most {most_rows} rows; is it the right file?")])
            line = skipped + reader.line_num + 1
    except csv.Error as error:
        long = f"wanted fields of at most {csv.field_size_limit()} letters; is it the right file?"
        raise Faults([Fault(f"line {line}", long if "limit" in str(error) else _NOT_CLOSED)]) from error
    return rows


def _has_row_names(lines: Sequence[str], header: int, width: int, rows: Sequence[_Line], separator: str) -> bool:
    """Tell whether each row begins with a name and the header has none for it, as R's `write.table` does it.

    R sets names in quotation marks. Without these a last column without a name looks the same, unless the names are
    1, 2, 3, ... and other names follow them; between commas, decimal commas look the same in any case.
    """
    if any(len(fields) != width + 1 for _, fields in rows) or not any(fields[-1] for _, fields in rows):
        return False
    if all(lines[line - 1].lstrip().startswith('"') for line in (header, *(line for line, _ in rows))):
        return True
    count = [str(i) for i in range(1, len(rows) + 1)]
    first, second = ([fields[i] for _, fields in rows] for i in (0, 1))
    return separator != "," and len(rows) > 2 and first == count != second and len(set(second)) == len(rows)


def _row(names: Sequence[str], needed: int, where: str, fields: Sequence[str], separator: str) -> Row:
    fault = ""
    beyond = len(fields) if len(fields) > len(names) and any(fields[len(names) :]) else 0
    broken = [rest for field in fields if "\n" in field for rest in field.split("\n")[1:]]
    if beyond:
        hint = "decimal commas want fields separated by ;, " if separator == "," else ""
        fault = f"{FIELDS}, {len(names)}, got {beyond}; {hint}row names want a column or none"
    elif len(fields) < needed:
        fault = f"{FIELDS}, {needed}, got {len(fields)}"
    elif any(rest.count(separator) >= max(needed - 1, 1) for rest in broken):
        fault = f"a field holds what looks like rows: {_NOT_CLOSED}"
    if fault:
        return Row(where, {}, (Fault(where, fault),))
    return Row(where, {name: field for name, field in zip(names, fields, strict=False) if name})
