"""The decision table of a design as a document. Takes the Dataset of `conduct.decision_table`, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import xarray as xr

from doseopt.display.decision_table import (
    DESIGN,
    LEGEND,
    LIMITS,
    last_row,
    limit_text,
    limits_shown,
    notes,
    row_name,
    rules,
    whole_cohorts,
)
from doseopt.display.labels import made_by
from doseopt.plots.decision_table import decision_table_figure
from doseopt.reports.render.document import MARK, Block, Bullets, Document, Figure, Heading, Paragraph, Table

TONES = {"E": "up", "D": "down", "DU": "out"}


def decision_table_document(ds: xr.Dataset, others: Sequence[str] = ()) -> Document:
    """Return a decision table as a document; colours only repeat what the letters say.

    Parameters
    ----------
    ds : Dataset
        Of `conduct.decision_table`.
    others : sequence of str
        Designs of the study that have a table too, where none was named.
    """
    figure = Figure.of(
        partial(decision_table_figure, ds),
        f"The decisions of {ds.attrs['design']}, by patients (columns) and patients with a DLT (rows)",
        "A grid of the letters of the table above, each with its colour; the boundaries stand below.",
        "table",
    )
    return table_document(ds, others, _table(ds), LEGEND, figure)


def table_document(
    ds: xr.Dataset, others: Sequence[str], table: Table, legend: Mapping[str, str], *figures: Figure
) -> Document:
    """Return any decision table as a document: the design, the table, what its letters mean, the design's rules."""
    attrs = ds.attrs
    facts = {
        "Design": f"{attrs['design']} ({attrs['kind']})",
        "Target": f"{100 * attrs['target']:g}%",
        "Made by": made_by(attrs),
    }
    unnamed = f"No design was named; this is the first that has a table. The others: {', '.join(others)}."
    blocks: list[Block] = [Paragraph(unnamed)] * bool(others)
    blocks += [
        table,
        Bullets(tuple(f"{letter}: {meaning}" for letter, meaning in legend.items())),
        Heading(DESIGN),
        Bullets(tuple(rules(ds))),
        *figures,
    ]
    return Document(str(attrs["title"]), facts, tuple(blocks))


def _table(ds: xr.Dataset) -> Table:
    """Return the decisions, whole cohorts marked above them, the boundaries below."""
    n, whole = ds["n"].to_numpy().tolist(), ds["whole_cohorts"].to_numpy().tolist()
    decision = ds["decision"].to_numpy()
    rows = [(whole_cohorts(ds), *(MARK if one else "" for one in whole))] * any(whole)
    first = len(rows)
    rows += [(row_name(ds, y), *decision[:, y].tolist()) for y in range(last_row(ds) + 1)]
    tones = {
        (r, c): TONES[letter]
        for r, row in enumerate(rows[first:], first)
        for c, letter in enumerate(row)
        if letter in TONES
    }
    rows += [(LIMITS[name], *(limit_text(ds, name, i) for i in range(len(n)))) for name in limits_shown(ds)]
    caption = "The next step after y patients with a DLT (rows) among n evaluable at the current dose (columns)"
    return Table(caption, ("n", *map(str, n)), tuple(rows), tones=tones, notes=tuple(notes(ds)))
