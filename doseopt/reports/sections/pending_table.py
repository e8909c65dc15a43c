"""The decision table of a design with pending patients as a document; takes the Dataset of `conduct.pending_table`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from doseopt.display.decision_table import ENDS
from doseopt.display.pending_table import LEGEND, lines
from doseopt.reports.render.document import Document, Table
from doseopt.reports.sections.decision_table import table_document


def pending_table_document(ds: xr.Dataset, others: Sequence[str] = ()) -> Document:
    """Return the decision table of a design that decides while patients are pending.

    Parameters
    ----------
    ds : Dataset
        Of `conduct.pending_table`.
    others : sequence of str
        Designs of the study that have a table too, where none was named.
    """
    cohort = ds.attrs["cohort"]
    asked = "each patient" if cohort == 1 else f"the first patient of each cohort of {cohort}"
    caption = f"The next step when {asked} comes, by what is known of those treated at the current dose"
    rows = lines(ds)
    shown = [(n if i == 0 or rows[i - 1][0] != n else "", *rest) for i, (n, *rest) in enumerate(rows)]
    head = ("treated", "with a DLT", "pending", "next")
    table = Table(caption, head, tuple(shown), words=True, notes=tuple(_notes(ds)))
    return table_document(ds, others, table, LEGEND)


def _notes(ds: xr.Dataset) -> list[str]:
    """Return what a reader of the table must know beside the letters."""
    found = [ENDS]
    if not np.isnan(ds["stay_from"]).all() or not np.isnan(ds["escalate_from"]).all():
        window = ds.attrs["window"]
        of = "DLT windows" if np.isnan(window) else f"days of the DLT window of {window:g}"
        found.append(f"Follow-up is that of all pending patients together, in {of}, rounded up.")
    return found
