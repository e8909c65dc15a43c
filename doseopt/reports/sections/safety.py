"""Adverse events of a record as tables: overview by dose with intervals, classes and terms, worst grades, listings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import xarray as xr

from doseopt.core.text import counted
from doseopt.records.record import Record
from doseopt.records.safety import ALL, GRADES, by_term, listing, overview
from doseopt.reports.render.document import Block, Paragraph, Table

MOST_ROWS = 200
"""Of a listing: who has more reads them as data."""
EMERGENT = "Subjects (%) with treatment-emergent adverse events [events]"


def safety_overview(record: Record) -> list[Block]:
    """Show how many subjects had adverse events of each kind, with intervals."""
    whole = overview(record)
    columns = columns_of(whole)
    rows = [(str(row), *_cells(whole.sel(row=row))) for row in whole["row"].to_numpy()]
    unknown = zip(whole["row"].values.tolist(), whole["unrecorded"].values.tolist(), strict=True)
    notes = [f"Not recorded, and not counted: of {counted(n, 'event')}, whether {row}." for row, n in unknown if n]
    return [
        Table(EMERGENT, ("", *columns), tuple(rows), notes=("A subject counts once in a row.", *notes)),
        _limits(whole, "Exact 95% intervals (Clopper-Pearson) of these percentages", ""),
        _limits(whole, "Posterior 95% intervals of the rates, each uniform before the data", "credible_"),
    ]


def _limits(whole: xr.Dataset, caption: str, kind: str) -> Table:
    """Show the intervals of one kind."""
    lower, upper, treated = (whole[name].to_numpy() for name in (f"{kind}lower", f"{kind}upper", "treated"))
    rows = tuple(
        (str(row), *(interval_words(*pair) if n else "-" for *pair, n in zip(lower[r], upper[r], treated, strict=True)))
        for r, row in enumerate(whole["row"].to_numpy())
    )
    return Table(caption, ("", *columns_of(whole)), rows)


def safety_tables(record: Record, identifiers: bool = False) -> list[Block]:
    """Show classes and terms, worst grades, and listings, with identifiers and dates where they are asked for."""
    terms, blocks = by_term(record), list[Block]()
    if terms.sizes["row"]:
        names = zip(terms["system"].values.tolist(), terms["term"].values.tolist(), strict=True)
        shown = [f"- {term}" if system and term else term or system for system, term in names]
        by_dose = tuple((name, *_cells(terms.isel(row=r))) for r, name in enumerate(shown))
        worst = terms["worst"].sel(dose=ALL).to_numpy()
        grades = tuple((name, *map(str, worst[r].tolist())) for r, name in enumerate(shown))
        head = ("class, term", *columns_of(terms))
        blocks += [
            Table(f"{EMERGENT}, by class and term", head, by_dose),
            Table("Subjects by worst grade, all doses", ("class, term", *(f"grade {g}" for g in GRADES)), grades),
        ]
    for kind, title in (("dose-limiting", "Dose-limiting toxicities"), ("serious", "Serious adverse events")):
        blocks.append(_listed(title, listing(record, kind), record if identifiers else None))
    return blocks


def columns_of(ds: xr.Dataset) -> list[str]:
    """Return heads of columns by dose, with the subjects treated."""
    return [f"{dose} (n = {n})" for dose, n in zip(ds["dose"].to_numpy(), ds["treated"].to_numpy(), strict=True)]


def _cells(row: xr.Dataset) -> list[str]:
    """Return "2 (12.5%) [3]" for each dose; "0" where there is none, as the field's tables have it."""
    each = zip(*(row[name].values.tolist() for name in ("subjects", "events", "treated")), strict=True)
    return [f"{y} ({round(100 * y / n, 1):g}%) [{events}]" if y else "0" if n else "-" for y, events, n in each]


def interval_words(lower: float, upper: float) -> str:
    """Return an interval of a share in percent."""
    return f"{100 * lower:.0f} to {100 * upper:.0f}%"


def _listed(title: str, rows: Sequence[Mapping[str, Any]], named: Record | None) -> Block:
    """Return a listing of events, of a record with identifiers and dates, or say that there are none."""
    if not rows:
        return Paragraph(f"{title}: none.")
    head = ("subject", "dose", "day", "until", "term", "grade", "related", "outcome")
    rows, notes = rows[:MOST_ROWS], left_off(len(rows))
    cells = [tuple(_word(row[name]) for name in head) for row in rows]
    if named is None:
        return Table(title, head, tuple(cells), texts=(0, 1, 4, 6, 7), notes=notes)
    who = [named.subjects[row["subject"] - 1] for row in rows]
    begun = [(s.name, (s.treated + timedelta(row["day"])).isoformat()) for s, row in zip(who, rows, strict=True)]
    wider = tuple((number, *pair, *rest) for (number, *rest), pair in zip(cells, begun, strict=True))
    return Table(title, (head[0], "identifier", "onset", *head[1:]), wider, texts=(0, 1, 2, 3, 6, 8, 9), notes=notes)


def left_off(rows: int) -> tuple[str, ...]:
    """Say that a listing has more rows than are shown, if it has."""
    return (f"The first {MOST_ROWS} of {rows:,} rows; --json has all.",) if rows > MOST_ROWS else ()


def _word(value: object) -> str:
    """Return what stands in a cell of a listing."""
    if value is None or value == "":
        return "-"
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
