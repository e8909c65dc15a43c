"""One table a measure: designs in rows, scenarios (or a summary of many) in columns, the best of each column marked."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_lowercase

import numpy as np
import xarray as xr

from doseopt.core.state import FloatArray
from doseopt.display.labels import names
from doseopt.display.panels import grouped
from doseopt.reports.render.document import MARK, Block, Table

LETTERS = ascii_lowercase

type Columns = list[tuple[str, FloatArray, int]]
"""Head, one value a design, and which is best: 1 the highest, -1 the lowest, 0 none."""


@dataclass(frozen=True)
class Measure:
    """A measure to print: its variable, title, whether high (1), low (-1) or neither (0) is best, and if means help.

    Without a title it is what the variable says of itself.
    """

    name: str
    title: str
    best: int
    averaged: bool = True


MEASURES = (
    Measure("correct_selection", "Correct selection (% of trials)", 1),
    Measure("overdose_selection", "Overdose selection: a dose above the MTD (% of trials)", -1),
    Measure("no_selection", "No selection (% of trials)", -1),
    Measure("sample_size", "Expected patients (nothing marked: fewer is not better by itself)", 0),
    Measure("total_dlts", "Expected patients with a DLT", -1),
    Measure("patients_above_mtd", "Expected patients above the MTD", -1),
    Measure("patients_below_mtd", "Expected patients below the MTD", -1),
    Measure(
        "patients_before_first_right",
        "Expected patients before the first one at a correct dose (all where none ever is)",
        -1,
    ),
    Measure("selection_score", "", 1),
)
BEST = (
    f"{MARK} best of its column: highest correct selection; lowest overdose selection, DLTs and patients above, below "
    "or before the MTD; no selection lowest where a dose is correct, highest where none is. What prints alike is "
    "marked alike; nothing is marked where all designs print alike. In a mean all scenarios count alike. Fewer "
    "patients make for fewer DLTs, and selecting none for fewer overdoses."
)


def scaled(values: FloatArray, units: str) -> FloatArray:
    """Return values as printed: probabilities in percent; one decimal."""
    return np.round(values * (100 if units == "1" else 1), 1) + 0.0


def number(value: float) -> str:
    """Print a scaled value; "-" where there is none."""
    return "-" if np.isnan(value) else f"{value:.1f}"


def best(values: FloatArray, direction: int) -> list[int]:
    """Return the designs to mark, of values as printed; none if all are equal or nothing is best."""
    known = values[~np.isnan(values)]
    if direction == 0 or known.size < 2 or np.ptp(known) == 0:
        return []
    return [int(d) for d in np.flatnonzero(values == (known.max() if direction > 0 else known.min()))]


def measure_tables(ds: xr.Dataset, measures: Sequence[Measure] = MEASURES) -> list[Block]:
    """Return the tables of some measures; a scenario where one is not defined shows "-"."""
    return [
        _table(ds, title, columns, monte_carlo(ds, measure.name))
        for measure in measures
        if measure.name in ds
        for title, columns in _columns(ds, measure)
    ]


def _columns(ds: xr.Dataset, measure: Measure) -> list[tuple[str, Columns]]:
    """Return title and columns of a measure: one table, or more where "best" means different things."""
    if not measure.title:
        text = str(ds[measure.name].attrs["long_name"])
        measure = dataclasses.replace(measure, title=text[0].upper() + text[1:])
    values = scaled(ds[measure.name].to_numpy(), ds[measure.name].attrs.get("units", "1"))
    exact = ds[measure.name].to_numpy() * (100 if ds[measure.name].attrs.get("units", "1") == "1" else 1)
    right = ds["acceptable"].to_numpy().any(axis=1)
    split = measure.name == "no_selection"
    if not grouped(ds):
        direction = np.where(right, -1, 1) if split else np.full(right.shape, measure.best)
        columns = [(LETTERS[s], values[:, s], int(direction[s])) for s in range(values.shape[1])]
        over = right if split else ~np.isnan(values).any(axis=0)
        part = measure.averaged and not over.all()
        title = measure.title + ("; mean over the scenarios where a dose is correct" if part else "")
        if measure.averaged and over.any() and len(right) > 1:
            columns.append(("mean", np.round(exact[:, over].mean(axis=1), 1) + 0.0, measure.best))
        return [(title, columns)]
    if not split:
        known = ~np.isnan(exact).any(axis=0)
        which = "" if known.all() else " where a dose is correct"
        what = f"{measure.title}; {int(known.sum())} scenarios{which}"
        return [(what, _summary(exact[:, known], measure.best))] if known.any() else []
    parts = ((right, -1, "where a dose is correct"), (~right, 1, "where only selecting none is correct"))
    return [
        (f"{measure.title}; {int(rows.sum())} scenarios {which}", _summary(exact[:, rows], direction))
        for rows, direction, which in parts
        if rows.any()
    ]


def _summary(values: FloatArray, direction: int) -> Columns:
    """Summarise many scenarios for each design."""
    quartiles = np.quantile(values, [0, 0.25, 0.5, 0.75, 1], axis=1)
    heads = ("mean", "min", "Q1", "median", "Q3", "max")
    rows = [values.mean(axis=1), *quartiles]
    return [(head, np.round(row, 1) + 0.0, direction) for head, row in zip(heads, rows, strict=True)]


def _table(ds: xr.Dataset, title: str, columns: Columns, notes: tuple[str, ...]) -> Table:
    """Return a table of a measure, the best of each column marked."""
    rows = [(name, *(number(values[d]) for _, values, _ in columns)) for d, name in enumerate(names(ds, "design"))]
    marked = {(d, c) for c, (_, values, which) in enumerate(columns, 1) for d in best(values, which)}
    head = ("", *(text for text, _, _ in columns))
    return Table(title, head, tuple(rows), labels=True, marked=frozenset(marked), notes=notes)


def monte_carlo(ds: xr.Dataset, name: str) -> tuple[str, ...]:
    """State the largest Monte Carlo standard error behind a table; nothing for exact results."""
    error = ds.get(f"{name}_mcse")
    largest = 0.0 if error is None else float(error.max())
    if not largest > 0:
        return ()
    percent = ds[name].attrs.get("units", "1") == "1"
    text = f"{100 * largest:.2f} percentage points" if percent else f"{largest:.3f} {ds[name].attrs['units']}"
    return (f"Largest Monte Carlo standard error: {text}",)
