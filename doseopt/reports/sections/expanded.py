"""Expansion cohorts: patients in them, how often they lower the dose selected, and the selection before and after."""

from __future__ import annotations

import numpy as np
import xarray as xr

from doseopt.display.labels import names
from doseopt.reports.render.document import Block, Table
from doseopt.reports.sections.measures import number, scaled

SHOWN = (
    ("expansion", "patients", "expansion_patients"),
    ("expansion", "DLT", "expansion_dlts"),
    ("expansion", "lowers", "mtd_lowered"),
    ("correct", "before", "correct_selection_before_expansion"),
    ("correct", "after", "correct_selection"),
    ("overdose", "before", "overdose_selection_before_expansion"),
    ("overdose", "after", "overdose_selection"),
    ("none", "before", "no_selection_before_expansion"),
    ("none", "after", "no_selection"),
)
"""Group, heading, measure."""
TITLE = (
    "Expansion cohorts: expected patients in them and with a DLT there, % of trials in which they lower the dose "
    "selected or leave none, and selection before and after in % of trials; mean of the scenarios"
)


def expanded(ds: xr.Dataset) -> list[Block]:
    """Show the designs that have an expansion cohort; nothing if there is none."""
    if "mtd_lowered" not in ds:
        return []
    columns = [scaled(ds[name].mean("scenario").to_numpy(), ds[name].attrs["units"]) for *_, name in SHOWN]
    rows = [
        (design, *(number(column[d]) for column in columns))
        for d, design in enumerate(names(ds, "design"))
        if not np.isnan(columns[0][d])
    ]
    spans: dict[str, int] = {}
    for group, *_ in SHOWN:
        spans[group] = spans.get(group, 0) + 1
    head = ("", *(word for _, word, _ in SHOWN))
    return [Table(TITLE, head, tuple(rows), labels=True, groups=tuple(spans.items()))]
