"""The user's own decision table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from doseopt.core.design import Row
from doseopt.core.parameters import MOST_DOSES, Fault, Faults, nearest, param, quoted
from doseopt.core.state import BoolArray, IntArray, TrialState
from doseopt.designs.interval import DOWN, STAY, UP, IntervalDesign
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import MaxPatients

if TYPE_CHECKING:
    from doseopt.tabular.cells import Cells

MOVES = {"E": UP, "S": STAY, "D": DOWN, "DU": DOWN}
"""Escalate, stay, de-escalate, de-escalate and never come back (dose unacceptable)."""
MOST = 1000
"""Patients at one dose at the most."""
LINE = "'n: decisions for y = 0 to n', e.g. '3: E S D DU'"
COLUMNS = ("n", "y", "decision")


def _lines_fault(value: object) -> str | None:
    if isinstance(value, tuple) and value and all(isinstance(line, str) for line in value):
        return None
    return f"wanted a list of lines {LINE}, or the name of a CSV file with columns n, y, decision, got {value!r}"


def _letter_fault(letter: str) -> str | None:
    return None if letter in MOVES else f"unknown decision {quoted(letter)}{nearest(letter[:60].upper(), MOVES)}"


def _number(text: str, low: int, high: int) -> int | None:
    """Return a whole number within bounds, or None."""
    number = int(text) if text.isascii() and text.isdecimal() and len(text) <= len(str(MOST)) else -1
    return number if low <= number <= high else None


def _split(line: str) -> tuple[int, list[str]]:
    n, _, letters = line.partition(":")
    return int(n), letters.split()


def _line_faults(lines: Sequence[str]) -> list[Fault]:
    """Return everything wrong with the lines of a table."""
    found, seen = [], dict[int, str]()
    for i, line in enumerate(lines):
        where = f"decisions[{i}]"
        text, colon, letters = line.partition(":")
        n = _number(text.strip(), 1, MOST)
        if not colon:
            found.append(Fault(where, f"wanted {LINE}, got {quoted(line)}"))
        elif n is None:
            found.append(Fault(where, f"n: wanted a whole number in [1, {MOST}], got {quoted(text.strip())}"))
        elif n in seen:
            found.append(Fault(where, f"n = {n} stands already in {seen[n]}"))
        else:
            seen[n] = where
            given = letters.split()
            if len(given) != n + 1:
                found.append(Fault(where, f"wanted {n + 1} decisions, for y = 0 to {n}, got {len(given)}"))
            faults = {y: _letter_fault(letter) for y, letter in enumerate(given)}
            found += [Fault(where, f"y = {y}: {message}") for y, message in faults.items() if message]
    return found


def decisions_from_csv(path: str | Path) -> tuple[str, ...]:
    """Read a decision table from CSV: one row for each n and y, with columns `n`, `y` and `decision`, in any order.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    tuple of str
        One line for each n, as `DecisionTable` takes them: ``"3: E S D DU"``.

    Raises
    ------
    Faults
        With everything wrong with the file, each with its line.
    """
    from doseopt.tabular.cells import Cells
    from doseopt.tabular.text import read_table

    table = read_table(path, COLUMNS)
    extra = [name for name in dict.fromkeys(table.names) if name not in COLUMNS]
    faults = table.header_faults(COLUMNS, COLUMNS, extra)
    if faults:
        raise Faults(faults, str(path))
    cells: dict[tuple[int, int], tuple[str, str]] = {}
    for row in table.rows:
        faults += _read_row(Cells(row, table.decimal_comma), cells)
    sizes = sorted({n for n, _ in cells})
    if not sizes and not faults:
        faults.append(Fault("", "wanted one row for each n and y below the header, got none"))
    for n in sizes:
        if missing := [str(y) for y in range(n + 1) if (n, y) not in cells]:
            faults.append(Fault(f"n = {n}", f"missing y = {', '.join(missing)}"))
    if faults:
        raise Faults(faults, str(path))
    return tuple(f"{n}: {' '.join(cells[n, y][0] for y in range(n + 1))}" for n in sizes)


def _read_row(row: Cells, cells: dict[tuple[int, int], tuple[str, str]]) -> list[Fault]:
    """Put a row's decision, and where it stands, into the cell of its n and y; return what is wrong with the row."""
    if row.faults:
        return row.faults
    n = row.whole("n", 1, MOST)
    y = None if n is None else row.whole("y", 0, n)
    if n is None or y is None:
        return row.faults
    if (n, y) in cells:
        return [Fault(row.where, f"n = {n}, y = {y} stands already in {cells[n, y][1]}")]
    cells[n, y] = row.raw("decision"), row.where
    message = _letter_fault(row.raw("decision"))
    return [Fault(row.where, f"decision: {message}")] if message else []


@dataclass(frozen=True)
class DecisionTable(IntervalDesign):
    """The user's own table of decisions.

    The decision after y DLTs in n patients at the current dose is the table's: E up, S stay, D down, DU down and never
    again to this dose or above; DU at the lowest dose stops the trial, and no dose is selected. MTD: the tried, not
    eliminated dose whose isotonic estimate is closest to the target.

    Parameters
    ----------
    doses : int
    target : float
        phi, used for the MTD.
    decisions : tuple of str
        One line for each n that a trial may reach at a dose, in any order: ``"3: E S D DU"`` are the decisions for
        n = 3 and y = 0, 1, 2, 3. In a study file also the name of a CSV file (see `decisions_from_csv`), sought beside
        the study file.
    cohort, start : int
        Cohort size; first dose level, counted from 1.

    Raises
    ------
    Faults
        With everything wrong with the table; later, when a trial reaches an n that the table does not have (the cohort
        that an enrolment cap truncates, say).

    Notes
    -----
    Names: "decision table", "dosing decision table", "spreadsheet design". E, S, D and DU are the letters of mTPI's
    tables.

    References
    ----------
    Ji, Liu, Li & Bekele 2010, Clinical Trials 7:653.

    Examples
    --------
    >>> from doseopt import DecisionTable, after
    >>> design = DecisionTable(doses=3, target=0.25, decisions=("3: E S D DU", "6: E E S D D DU DU"))
    >>> [design.decide(after(design, seen)).dose.item() + 1 for seen in ("2NNN", "2NNT", "2NTT")]
    [3, 2, 1]
    """

    doses: int = param(kind=int, low=1, high=MOST_DOSES)
    target: float = param(kind=float, low=0, high=1, open_low=True, open_high=True, doc="target DLT rate")
    decisions: tuple[str, ...] = param(
        kind=tuple,
        custom=_lines_fault,
        file=decisions_from_csv,
        doc="a list of lines such as '3: E S D DU', or a CSV file",
    )
    cohort: int = param(3, low=1, high=100, doc="cohort size")
    start: int = param(1, low=1, doc="first dose level")

    def _faults(self) -> list[Fault]:
        return super()._faults() + ([] if _lines_fault(self.decisions) else _line_faults(self.decisions))

    @classmethod
    def example(cls) -> Modified:
        """Return the design as the conformance checks try it: mTPI at 0.30, Ji et al. 2010, Fig. 2."""
        mtpi = ("3: E S D DU", "6: E E S S DU DU DU", "9: E E S S S DU DU DU DU DU")
        return Modified(cls(doses=4, target=0.30, decisions=mtpi), (MaxPatients(n=9),))

    @property
    def sizes(self) -> tuple[int, ...]:
        """The n that the table has, in order."""
        return tuple(sorted(_split(line)[0] for line in self.decisions))

    @property
    def _by_table(self) -> bool:
        """Whether nothing but the table decides."""
        return True

    def moves(self, n: IntArray, y: IntArray) -> IntArray:
        """Look the move up; STAY where the table has no such n, which `admissible` refuses in a trial."""
        return _grids(self.decisions, int(n.max(initial=0)) + 1)[0][n, y]

    def eliminates(self, n: IntArray, y: IntArray) -> BoolArray:
        """Look up whether the table says DU."""
        return _grids(self.decisions, int(n.max(initial=0)) + 1)[1][n, y]

    def admissible(self, state: TrialState) -> BoolArray:
        """Exclude eliminated doses; refuse tallies that the table does not have."""
        outside = ~np.isin(state.n, [0, *self.sizes])
        if outside.any():
            i, j = np.argwhere(outside)[0].tolist()
            message = (
                f"wanted a row for n = {state.n[i, j]} at dose level {j + 1}, after n={state.n[i].tolist()}, "
                f"y={state.y[i].tolist()}; the table has n = {', '.join(map(str, self.sizes))}"
            )
            raise Faults([Fault("decisions", message)], type(self).__name__)
        return super().admissible(state)

    def describe(self) -> list[Row]:
        """Return the table and the rules around it."""
        return [
            Row("decision", "looked up: E up, S stay, D down, DU down and eliminated with all above", "the study"),
            Row(
                "table, n: for y = 0 to n",
                "; ".join(sorted(self.decisions, key=lambda line: _split(line)[0])),
                "the study",
            ),
            *super().describe(),
        ]


def _grids(decisions: tuple[str, ...], size: int) -> tuple[IntArray, BoolArray]:
    """Return moves and eliminations for all y <= n < size, [n, y] each; stay where the table has no such n."""
    moves, out = np.full((size, size), STAY), np.zeros((size, size), bool)
    for n, letters in map(_split, decisions):
        if n < size:
            moves[n, : n + 1] = [MOVES[letter] for letter in letters]
            out[n, : n + 1] = [letter == "DU" for letter in letters]
    return moves, out
