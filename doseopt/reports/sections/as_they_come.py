"""Cohorts that are treated as patients come: what designs attain at both ends of their range."""

from __future__ import annotations

import numpy as np
import xarray as xr

from doseopt.display.labels import names
from doseopt.reports.render.document import Block, Table
from doseopt.reports.sections.measures import number, scaled

SHOWN = (
    ("correct", "correct_selection"),
    ("overdose", "overdose_selection"),
    ("patients", "sample_size"),
    ("DLTs", "total_dlts"),
)
"""Heading, measure."""
TITLE = (
    "Cohorts as patients come: every cohort of the fewest, of as many as come by the weights stated, and of the most; "
    "mean of the scenarios, correct and overdose selection in % of trials"
)


def as_they_come(ds: xr.Dataset) -> list[Block]:
    """Show the designs whose cohorts have a range of sizes; nothing if there is none."""
    if f"{SHOWN[0][1]}_if_fewest_come" not in ds:
        return []
    columns = [
        scaled(ds[f"{name}{at}"].mean("scenario").to_numpy(), ds[name].attrs["units"])
        for _, name in SHOWN
        for at in ("_if_fewest_come", "", "_if_most_come")
    ]
    rows = [
        (design, *(number(column[d]) for column in columns))
        for d, design in enumerate(names(ds, "design"))
        if not np.isnan(columns[0][d])
    ]
    head = ("", *(word for _ in SHOWN for word in ("fewest", "drawn", "most")))
    return [Table(TITLE, head, tuple(rows), labels=True, groups=tuple((title, 3) for title, _ in SHOWN))]
