"""ADaM tables in a folder: which columns each has, under which names, and its rows.

Names may be in small letters, columns in any order, separators and decimal commas as they come (`doseopt.tabular`).
Columns that are not listed are not read, and named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from doseopt.core.parameters import Fault, Faults, quoted
from doseopt.tabular.cells import Cells
from doseopt.tabular.text import Row, Table, read_table

TIMES = 50
"""How many times the usual size of a file of patients: a visit has many laboratory values."""
ENDINGS = (".csv", ".tsv", ".txt")
MOST_NAMED = 20
"""Columns that a warning names."""


@dataclass(frozen=True)
class Layout:
    """The columns of a table.

    Parameters
    ----------
    name : str
        Of the file, without its ending.
    required : tuple of tuple of str
        Columns that must be there, each under one of some names.
    optional : tuple of str
    needed : bool
        Whether the table must be there.
    """

    name: str
    required: tuple[tuple[str, ...], ...]
    optional: tuple[str, ...] = ()
    needed: bool = False

    @property
    def known(self) -> tuple[str, ...]:
        """All names of columns."""
        return (*(name for names in self.required for name in names), *self.optional)


ADSL = Layout(
    "adsl",
    (("USUBJID",), ("TRT01A", "DOSELEV"), ("TRTSDT",), ("SAFFL",)),
    (*("ACTDOSE", "AGE", "SEX", "WEIGHTBL", "POPULATION", "EVALFL", "DTHDT", "TRANSDT", "EOSDT", "DCSREAS", "COHORT"),),
    needed=True,
)
ADAE = Layout(
    "adae",
    (("USUBJID",), ("AEDECOD",), ("ASTDT",), ("ATOXGR", "AETOXGR"), ("DLTFL",)),
    (*("AEBODSYS", "AESOC", "AENDT", "AESER", "AREL", "AEREL", "TRTEMFL", "AEOUT", "AESDTH"),),
    needed=True,
)
ADLB = Layout(
    "adlb", (("USUBJID",), ("ADT",), ("AVISITN", "AVISIT"), ("PARAMCD",), ("AVAL", "AVALC")), ("AVALU", "ANRHI")
)
ADEFF = Layout("adeff", (("USUBJID",), ("AVISITN", "AVISIT"), ("PARAMCD",), ("AVAL", "AVALC")), ("ADT",))
LAYOUTS = (ADSL, ADAE, ADLB, ADEFF)


@dataclass(frozen=True, eq=False)
class Sheet:
    """The rows of a table; none where it has faults.

    Parameters
    ----------
    rows : tuple of Cells
        Named as the table is laid out; each says its file and line.
    faults : tuple of Fault
    warnings : tuple of str
    """

    rows: tuple[Cells, ...] = ()
    faults: tuple[Fault, ...] = ()
    warnings: tuple[str, ...] = ()


def table_files(folder: str | Path) -> list[Path]:
    """Return the files of a folder that are tables of a record, by name."""
    names = {layout.name for layout in LAYOUTS}
    return sorted(p for p in Path(folder).glob("*") if p.suffix.lower() in ENDINGS and p.stem.lower() in names)


def read_sheets(folder: str | Path) -> tuple[dict[str, Sheet], list[str]]:
    """Return the tables of a folder by name, and which other tables are not read.

    Raises
    ------
    Faults
        If it is no folder.
    """
    try:
        files = sorted(path for path in Path(folder).iterdir() if path.suffix.lower() in ENDINGS)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise Faults([Fault("", f"wanted a folder with adsl.csv and adae.csv in it: {reason}")], str(folder)) from error
    names = {layout.name for layout in LAYOUTS}
    sheets = {layout.name: _sheet([p for p in files if p.stem.lower() == layout.name], layout) for layout in LAYOUTS}
    other = [quoted(path.name) for path in files if path.stem.lower() not in names]
    return sheets, [f"files that are not read: {', '.join(other[:MOST_NAMED])}"] if other else []


def _sheet(files: Sequence[Path], layout: Layout) -> Sheet:
    """Return a table from the files of its name, of which there should be one."""
    if len(files) > 1:
        found = " and ".join(repr(path.name) for path in files)
        return Sheet(faults=(Fault(f"{layout.name}.csv", f"wanted one file, got {found}"),))
    if not files:
        return Sheet(faults=(Fault(f"{layout.name}.csv", "missing"),) if layout.needed else ())
    file = files[0].name
    if files[0].exists() and not files[0].is_file() and not files[0].is_dir():  # of a pipe reading never begins
        return Sheet(faults=(Fault(file, "cannot be read: this is a device or a pipe"),))
    try:
        table = read_table(files[0], [name.lower() for name in layout.known], TIMES)
    except Faults as faults:
        return Sheet(faults=tuple(Fault(_place(file, fault.where), fault.message) for fault in faults.faults))
    if wrong := _header_faults(table, layout, file):
        return Sheet(faults=tuple(wrong))
    known = {name.lower(): name for name in layout.known}
    rows = tuple(
        Cells(
            Row(
                _place(file, row.where),
                {known[name]: cell for name, cell in row.cells.items() if name in known},
                tuple(Fault(_place(file, fault.where), fault.message) for fault in row.faults),
            ),
            table.decimal_comma,
        )
        for row in table.rows
    )
    return Sheet(rows, warnings=tuple(f"{file}: {text}" for text in (*table.warnings, *_not_read(table, layout))))


def _place(file: str, line: str) -> str:
    return f"{file}, {line}" if line else file


def _header_faults(table: Table, layout: Layout, file: str) -> list[Fault]:
    """Return which columns lack, and which stand twice."""
    where, names = _place(file, table.where), [name.upper() for name in table.names]
    faults = []
    for group in layout.required:
        if not set(group) & set(names):
            close = get_close_matches(group[0], [name for name in names if name not in layout.known], n=1, cutoff=0.7)
            hint = f"; is it {close[0]!r}?" if close else ""
            faults.append(Fault(where, f"wanted a column {' or '.join(group)}{hint}"))
    twice = [name for name in dict.fromkeys(names) if name in layout.known and names.count(name) > 1]
    return faults + [Fault(where, f"column {name} stands twice") for name in twice]


def _not_read(table: Table, layout: Layout) -> list[str]:
    """Say which columns are not read, in one text or none; one that may be meant for another with that other."""
    names = [name.upper() for name in table.names]
    lacking = [name for name in layout.optional if name not in names]
    shown = ["one without a name"] * table.unnamed
    extra = [name for name in dict.fromkeys(names) if name not in layout.known]
    for name in extra[:MOST_NAMED]:
        close = get_close_matches(name[:60], lacking, n=1, cutoff=0.8)
        shown.append(f"{quoted(name)} (is it {close[0]}?)" if close else quoted(name))
    more = f" and {len(extra) - MOST_NAMED} more" if len(extra) > MOST_NAMED else ""
    return [f"columns that are not read: {', '.join(shown)}{more}"] if shown else []
