"""How registered and amended designs are told apart in a figure, and what data they start from."""

from __future__ import annotations

from typing import Any

import xarray as xr

from doseopt.plots.style import BLUE, GREEN, INK, ORANGE, PINK, VERMILLION

type Look = tuple[str, Any, str]
"""Colour, line style and marker."""

REGISTERED = (INK, "-", "s")
AMENDED = (
    (BLUE, "--", "o"),
    (VERMILLION, "-.", "^"),
    (GREEN, ":", "D"),
    (PINK, (0, (6, 1.5)), "v"),
    (ORANGE, (0, (3, 1, 1, 1, 1, 1)), "P"),
)


def looks_of(tree: xr.DataTree, names: list[str]) -> list[Look]:
    """Return the look of each design."""
    amended = [name for name in names if name != tree.attrs["registered"]]
    return [_amended(amended.index(name)) if name in amended else REGISTERED for name in names]


def _amended(k: int) -> Look:
    """Return the look of the k-th amended design: colours come again, but each with another line and marker."""
    again, place = divmod(k, len(AMENDED))
    _, line, marker = AMENDED[(place + again) % len(AMENDED)]
    return AMENDED[place][0], line, marker


def registered_first(tree: xr.DataTree, node: str) -> xr.Dataset:
    """Return a node with the registered design first."""
    ds = tree[node].to_dataset()
    names = ds["design"].to_numpy().tolist()
    return ds.isel(design=sorted(range(len(names)), key=lambda k: names[k] != tree.attrs["registered"]))


def so_far(tree: xr.DataTree) -> str:
    """Say which data the numbers are given."""
    return f"given the data so far, {tree.attrs['outcomes']}" if tree.attrs["outcomes"] else "before the first patient"
