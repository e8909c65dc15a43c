"""The table of a design that weighs efficacy as a document; takes the Dataset of `conduct.scores_table`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from doseopt.reports.render.document import Document, Table
from doseopt.reports.sections.decision_table import table_document

LEGEND = {
    "number": "the score: of doses that may be chosen, the one with the highest is given",
    "E": "not admissible: the dose is too toxic, or has too little efficacy",
}


def scores_table_document(ds: xr.Dataset, others: Sequence[str] = ()) -> Document:
    """Return the desirability scores of a design.

    Parameters
    ----------
    ds : Dataset
        Of `conduct.scores_table`.
    others : sequence of str
        Designs of the study that have a table too, where none was named.
    """
    parts = (ds[name].to_numpy().tolist() for name in ("n", "y", "both", "e", "score"))
    both = int(ds["both"].max()) >= 0
    rows: dict[tuple[int, int, int], dict[int, str]] = {}
    for n, y, b, e, score in zip(*parts, strict=True):
        rows.setdefault((n, y, b), {})[e] = "E" if np.isnan(score) else f"{score:g}"
    most = int(ds["e"].max())
    head = ("n", "DLT", *(["both"] if both else []), *map(str, range(most + 1)))
    lines, before = [], -1
    for (n, y, b), each in sorted(rows.items()):
        first = str(n) if n != before else ""
        lines.append((first, str(y), *([str(b)] if both else []), *(each.get(e, "") for e in range(most + 1))))
        before = n
    who = "with a DLT, of whom some had both, " if both else "with a DLT "
    caption = f"Desirability scores of a dose with n patients, y {who}(rows), by patients with efficacy (columns)"
    return table_document(ds, others, Table(caption, head, tuple(lines), notes=tuple(_notes(ds))), LEGEND)


def _notes(ds: xr.Dataset) -> list[str]:
    """Return what the DLTs at the current dose say, whatever the scores."""
    sizes, down, up = (ds[name].to_numpy().tolist() for name in ("size", "down", "up"))
    first = ", ".join(f"{y} of {n}" for n, y in zip(sizes, down, strict=True) if y >= 0)
    low = ", ".join(f"{y} of {n}" for n, y in zip(sizes, up, strict=True) if y >= 0)
    return [
        f"Down whatever the scores from so many DLTs on: {first}. At or below the lower boundary up to: {low}.",
        "The score is a rank among the cells of this table that are admissible: tables of other sizes have others.",
    ]
