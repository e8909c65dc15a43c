"""Labels of designs, doses and scenarios in a text: short, and no two alike."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from rich.cells import cell_len, set_cell_size

ASSUMED = "doses that no source of the study states, assumed"
ELLIPSIS = ".."
ROUNDED = 0.005
"""Relative rounding of the label of an insertable dose, three digits."""


def names(ds: xr.Dataset, dimension: str) -> list[str]:
    """Return the labels of a dimension, each on one line."""
    return [" ".join(str(name).split()) for name in ds[dimension].to_numpy()]


def shortened(labels: Sequence[str], width: int) -> list[str]:
    """Cut labels to a width in columns, in their middle, so that all that differ still do.

    An end that all long labels share is cut off first; labels that still come out alike are numbered.

    Examples
    --------
    >>> shortened(["CRM 10", "a long name 1 of many", "a long name 2 of many"], 8)
    ['CRM 10', 'a l..e 1', 'a l..e 2']
    """
    given = [" ".join(label.split()) for label in labels]
    long = [label for label in given if cell_len(label) > width]
    shared = _shared_end(long)
    for end in range((width - len(ELLIPSIS)) // 2, width - len(ELLIPSIS) + 1):
        cut = [
            label if label not in long else _cut(label.removesuffix(shared).rstrip(" ,;:-"), width, end)
            for label in given
        ]
        if len(set(cut)) == len(set(given)):
            return cut
    return [label if label not in long else _numbered(label, width, k) for k, label in enumerate(given, 1)]


def _shared_end(labels: Sequence[str]) -> str:
    """Return the words that end all of several labels."""
    ends = list(zip(*(label[::-1] for label in labels), strict=False)) if len(labels) > 1 else []
    same = next((k for k, letters in enumerate(ends) if len(set(letters)) > 1), len(ends))
    end = min(labels, default="")[::-1][:same][::-1]
    return end[end.index(" ") :] if " " in end else ""


def _cut(label: str, width: int, end: int) -> str:
    if cell_len(label) <= width:
        return label
    start = set_cell_size(label, width - len(ELLIPSIS) - end).rstrip()
    return start + ELLIPSIS + set_cell_size(label[::-1], end).rstrip()[::-1].lstrip()


def _numbered(label: str, width: int, number: int) -> str:
    mark = f"{ELLIPSIS}#{number}"
    return set_cell_size(label, max(width - len(mark), 0)).rstrip() + mark


def doses_in_words(ds: xr.Dataset) -> str:
    """List the doses with their unit, and which of them are assumed."""
    labels, unit = dose_labels(ds)
    return with_assumed(f"{', '.join(labels)} {unit}".strip(), ds.attrs)


def with_assumed(doses: str, attrs: Mapping[Any, Any]) -> str:
    """Return a list of doses with those of them that are assumed."""
    return f"{doses}; assumed: {attrs['assumed_doses']}" if "assumed_doses" in attrs else doses


def dose_labels(ds: xr.Dataset) -> tuple[list[str], str]:
    """Return what to call the doses, and the unit to put behind (empty if the labels say it all).

    A label that is its dose's value up to one power of ten for all doses takes the unit with that power; any other
    label stands with its value in brackets; without values it is a level.
    """
    labels = names(ds, "dose")
    if "dose_value" not in ds.coords:
        return [label if cell_len(label) > 2 else f"level {label}" for label in labels], ""
    values = ds["dose_value"].to_numpy().astype(float)
    unit = str(ds["dose_value"].attrs.get("units", ds.attrs.get("unit", "")))
    power = power_of_ten(ds)
    if power is None:
        return [f"{label} ({value:g} {unit})" for label, value in zip(labels, values, strict=True)], ""
    return labels, unit if power == 0 else f"x10^{power} {unit}"


def power_of_ten(ds: xr.Dataset) -> int | None:
    """Return k if every dose is its label times 10^k, an insertable one as its label is rounded; None without doses."""
    if "dose_value" not in ds.coords:
        return None
    values = ds["dose_value"].to_numpy().astype(float)
    try:
        numbers = np.array([float(label) for label in names(ds, "dose")])
    except ValueError:
        return None
    if not (np.isfinite(numbers).all() and (numbers > 0).all() and (values > 0).all()):
        return None
    planned = ds["planned"].to_numpy() if "planned" in ds.coords else np.ones(len(values), bool)
    power = round(float(np.log10(values[0] / numbers[0])))
    off = np.abs(numbers * 10.0**power - values)
    return power if (off <= np.where(planned, 1e-9, ROUNDED) * values).all() else None


def listed(parts: Sequence[str], word: str = "and") -> str:
    """Return "a", "a and b", "a, b and c"."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} {word} {parts[-1]}"


def by_mtd(ds: xr.Dataset) -> list[tuple[int, np.ndarray]]:
    """Return the true MTDs that occur, none (-1) last, each with the positions of its scenarios."""
    mtd = ds["mtd"].to_numpy()
    return [(j, np.flatnonzero(mtd == j)) for j in [*range(ds.sizes["dose"]), -1] if (mtd == j).any()]


def reason_words(stop: str) -> str:
    """Say why a trial stops, from the name of the reason."""
    return stop.replace("_", " ")


def accuracy_words(error: float) -> str:
    """Say how accurate averages over a belief are, from the largest error of a probability; nothing of sums."""
    if not error > 0:
        return ""
    shown = math.ceil(1e4 * error - 1e-9) / 100
    return f"integrals: a coarser rule gives the same within {shown:.2f} points"


def made_by(attrs: Mapping[Any, Any]) -> str:
    """Name what made a result, from its attributes: package, version, study and its hash."""
    made = f"doseopt {attrs['version']}, study {attrs['study']} (hash {attrs['study_hash']})"
    return f"{made}; {ASSUMED}: {attrs['assumed_doses']}" if "assumed_doses" in attrs else made
