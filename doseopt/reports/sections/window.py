"""The DLT window: what each reading of what happens in it makes of the designs, as tables and as sentences."""

from __future__ import annotations

import numpy as np
import xarray as xr

from doseopt.core.state import FloatArray
from doseopt.display.labels import listed, names
from doseopt.display.readings import factor_words
from doseopt.measures.expected import mean_of_known
from doseopt.reports.render.document import Block, Paragraph, Table
from doseopt.reports.sections.measures import number

JUDGED = "Rules meet the DLT rate that follows; right and wrong are judged by the drug-caused rates."
TOO_LARGE = (
    "-: too large beside a comparison (exact or simulated if the study states the reading in [window_events]), or a "
    "design that decides while patients are pending"
)
NO_LAW = (
    "-: no law of the duration is known exactly, as where patients are replaced or left out (simulated if the study "
    "states the reading in [window_events]), or a design that decides while patients are pending"
)
LONGER = (
    "In another window the DLT rate is the one that the same hazard makes of it; right stays what it is by the rates "
    "as stated."
)
READ = {
    "Correct / overdose selection, % of trials / expected patients below the MTD": (
        "correct_selection",
        "overdose_selection",
        "patients_below_mtd",
    ),
    "No selection, % of trials / expected patients enrolled": ("no_selection", "enrolled"),
    "Expected days": ("duration",),
}
"""Of each table: what stands in a cell, and its measures."""
RANGES = {
    "correct_selection": "correct",
    "overdose_selection": "overdose",
    "no_selection": "no MTD",
    "patients_below_mtd": "below MTD",
}
"""Of the table of the second page: measure and heading."""


def window_blocks(ds: xr.Dataset) -> list[Block]:
    """Show what each reading of what happens in the window makes of the designs; empty if the study says nothing of it.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.compare`.
    """
    if "window_reading" not in ds.dims:
        return []
    said = [f"In the DLT window: {ds.attrs['window_events']}."] if "window_events" in ds.attrs else []
    if "silences" in ds.attrs:
        said.append(f"Elicited, as the protocol is silent, and not in the main analysis: {ds.attrs['silences']}.")
    if "populations" in ds.attrs:
        said.append(f"Patients are of several populations: {ds.attrs['populations']}, mixed where no order is said.")
    other = "dlt_window" in names(ds, "window_reading_factor")
    return [Paragraph(" ".join([*said, JUDGED, *[LONGER] * other])), *_tables(ds)]


def _tables(ds: xr.Dataset) -> list[Block]:
    """Return a table a measure, with a row a reading."""
    stated = [" (stated)" in label for label in names(ds, "window_reading")]
    heads = [f"{text}*" if mark else text for text, mark in zip(names(ds, "window_reading_words"), stated, strict=True)]
    tables: list[Block] = []
    for title, measures in READ.items():
        if f"{measures[0]}_by_reading" not in ds:
            continue
        values = np.stack([_means(ds, name) for name in measures], axis=-1)  # [reading, design, measure]
        rows = tuple((text, *map(_cell, row)) for text, row in zip(heads, values, strict=True))
        unknown = NO_LAW if "duration" in measures else TOO_LARGE
        notes = ("*: as stated",) * any(stated) + (unknown,) * bool(np.isnan(values[..., 0]).any())
        caption = f"{title}, by reading of the DLT window, mean over the scenarios"
        tables.append(Table(caption, ("", *names(ds, "design")), rows, notes=notes, short_heads=False))
    return tables


def _means(ds: xr.Dataset, name: str) -> FloatArray:
    """Return the means over the scenarios where a measure is defined, (reading, design), probabilities in percent."""
    each = ds[f"{name}_by_reading"].transpose("window_reading", "design", "scenario")
    return mean_of_known(each.to_numpy(), axis=2) * (100 if each.attrs["units"] == "1" else 1)


def _cell(values: FloatArray) -> str:
    """Return what stands in a cell; "-" of a design that is not evaluated."""
    return "-" if np.isnan(values).all() else "/".join(map(number, values))


def window_sentences(ds: xr.Dataset) -> list[str]:
    """Say what is elicited of the window, and who is right most often by its readings, for the second page.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.compare`.
    """
    if "window_reading" not in ds.dims:
        return []
    elicited = f" Elicited: {ds.attrs['silences']}." if "silences" in ds.attrs else ""
    return [f"What happens in the DLT window moves the answer as the table below says.{elicited} {_best(ds)}"]


def window_ranges(ds: xr.Dataset, registered: str, ahead: str) -> list[Block]:
    """Show how far the readings of what happens in the window move the answer, for the second page.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.compare`.
    registered, ahead : str
        The registered design, and the one proposed.
    """
    if "window_reading" not in ds.dims:
        return []
    right = ds["correct_selection_by_reading"].notnull().any(["window_reading", "scenario"])
    shown = [name for name in dict.fromkeys((registered, ahead)) if bool(right.sel(design=name))]
    factors = np.array(names(ds, "window_reading_factor"))
    each = {name: _means(ds.sel(design=shown), name) for name in RANGES}  # [reading, design]
    rows = []
    for factor in dict.fromkeys(factors):
        at = np.flatnonzero((factors == factor) | (factors == ""))
        cells = [_range(values[at, d]) for d in range(len(shown)) for values in each.values()]
        rows.append((factor_words(factor) if factor else "no such event", *cells))
    return [
        Table(
            "By how the DLT window is read: % of trials, and expected patients below the MTD, lowest to highest of the "
            "readings, means over the scenarios",
            ("", *[head for _ in shown for head in RANGES.values()]),
            tuple(rows),
            groups=tuple((name, len(RANGES)) for name in shown),
        )
    ]


def _range(values: FloatArray) -> str:
    """Return the range of some numbers, as they are printed."""
    low, high = number(np.nanmin(values)), number(np.nanmax(values))
    return low if low == high else f"{low} to {high}"


def _best(ds: xr.Dataset) -> str:
    """Say by how many of the readings each design is right most often."""
    right = ds["correct_selection_by_reading"].mean("scenario").transpose("window_reading", "design").to_numpy()
    read = ~np.isnan(right).all(axis=0)  # designs that are evaluated at all
    known = ~np.isnan(right[:, read]).any(axis=1)  # a best of all is not told where one is not known
    best = np.array(names(ds, "design"))[read][right[known][:, read].argmax(axis=1)]
    counts = {name: int((best == name).sum()) for name in dict.fromkeys(best)}
    each = [f"{name} by {count}" for name, count in counts.items()]
    told = f"{len(best)} readings" + " that all designs are evaluated under" * (not known.all())
    return f"Right most often, of the {told}: {listed(each)}; the appendix has each of them."
