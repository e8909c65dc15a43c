"""The DLT window: what each reading of what happens in it makes of the designs, as tables and as sentences."""

from __future__ import annotations

import numpy as np
import xarray as xr

from doseopt.display.labels import listed, names
from doseopt.display.numbers import percent
from doseopt.display.readings import factor_words
from doseopt.reports.render.document import Block, Paragraph, Table

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
    "correct_selection_by_reading": "Correct selection (%) by reading of the DLT window, mean over the scenarios",
    "no_selection_by_reading": "No selection (%) by reading of the DLT window, mean over the scenarios",
    "enrolled_by_reading": "Patients enrolled by reading of the DLT window, mean over the scenarios",
    "duration_by_reading": "Expected days by reading of the DLT window, mean over the scenarios",
}
"""Of each measure: title of its table."""


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
    for name, title in ((name, title) for name, title in READ.items() if name in ds):
        values = ds[name].mean("scenario").transpose("window_reading", "design").to_numpy()
        values = values * (100 if ds[name].attrs["units"] == "1" else 1)
        rows = tuple((text, *(_tenth(x) for x in row)) for text, row in zip(heads, values, strict=True))
        notes = ("*: as stated",) * any(stated) + (NO_LAW if name == "duration_by_reading" else TOO_LARGE,) * bool(
            np.isnan(values).any()
        )
        tables.append(Table(title, ("", *names(ds, "design")), rows, notes=notes))
    return tables


def _tenth(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.1f}"


def window_sentences(ds: xr.Dataset, registered: str, ahead: str) -> list[str]:
    """Say how the readings of what happens in the window move the answer, for the second page.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.compare`.
    registered, ahead : str
        The registered design, and the one proposed.
    """
    if "window_reading" not in ds.dims:
        return []
    factors = np.array(names(ds, "window_reading_factor"))
    parts = []
    for factor in dict.fromkeys(factor for factor in factors if factor):
        at = ds.isel(window_reading=np.flatnonzero((factors == factor) | (factors == "")))
        each = [
            f"{name} {_range(at, 'no_selection', name)} and {_range(at, 'correct_selection', name)}"
            for name in dict.fromkeys((registered, ahead))
            if bool(at["correct_selection_by_reading"].sel(design=name).notnull().any())
        ]
        parts += [f"{factor_words(factor)}: {', '.join(each)}"] if each else []
    elicited = f" Elicited: {ds.attrs['silences']}." if "silences" in ds.attrs else ""
    return [
        f"What happens in the DLT window.{elicited} By how the protocol is read, trials end without an MTD, and with a "
        f"correct selection, in these shares, averaged over the scenarios: {'; '.join(parts)}. {_best(ds)}"
    ]


def _range(ds: xr.Dataset, measure: str, design: str) -> str:
    """Return the range over the readings of a mean over the scenarios."""
    mean = ds[f"{measure}_by_reading"].sel(design=design).mean("scenario")
    low, high = percent(float(mean.min())), percent(float(mean.max()))
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
