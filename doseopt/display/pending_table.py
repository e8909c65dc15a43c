"""Captions of a decision table with pending patients, in print as on the screen."""

from __future__ import annotations

import math
from itertools import groupby

import xarray as xr

from doseopt.display import decision_table

DU, D, S, E, H = -2, -1, 0, 1, 9
"""Decisions, from the lowest to the highest; H waits."""
LETTERS = {DU: "DU", D: "D", S: "S", E: "E", H: "H"}
LEGEND = decision_table.LEGEND | {"H": "wait: nobody is enrolled; decide again when the next patient comes"}
DIGITS = 3
"""Of follow-up in windows, rounded up."""


def text_of(least: int, stay: float, escalate: float, window: float | None) -> str:
    """Return a decision, with the follow-up of the pending patients on which it depends.

    Parameters
    ----------
    least : int
        Decision without any of it.
    stay, escalate : float
        Follow-up in windows from which on the dose stays, and goes up; nan where that does not change it.
    window : float, optional
        Days.

    Examples
    --------
    >>> text_of(S, float("nan"), 0.7731, 28)
    'E from 22 days on, else S'
    >>> text_of(D, 0.5198, float("nan"), None)
    'S from 0.52 windows on, else D'
    """
    steps = [(LETTERS[k], x) for k, x in ((E, escalate), (S, stay)) if not math.isnan(x)]
    texts = [f"{letter} from {amount(x, window)} on" for letter, x in steps if letter != "S" or x != escalate]
    return ", else ".join([*texts, LETTERS[least]])


def amount(follow_up: float, window: float | None) -> str:
    """Return follow-up in whole days, rounded up; in windows where their length is not known."""
    if window is not None:
        days = math.ceil(follow_up * window - 1e-6)
        return f"{days} day" + ("" if days == 1 else "s")
    return f"{math.ceil(follow_up * 10**DIGITS - 1e-6) / 10**DIGITS:g} windows"


def lines(ds: xr.Dataset) -> list[tuple[str, str, str, str]]:
    """Return n, DLTs, pending and the decision, cells that decide alike in one line."""
    found = []
    for n in dict.fromkeys(ds["n"].to_numpy()[ds["whole_cohorts"].to_numpy()].tolist()):
        part = ds.isel(cell=ds["n"].to_numpy() == n)
        cells = zip(*(part[name].to_numpy().tolist() for name in ("y", "pending", "text")), strict=True)
        by_dlts = {y: [(c, text) for _, c, text in some] for y, some in groupby(cells, key=lambda cell: cell[0])}
        last = _alike_from(by_dlts, n)
        for y in range(last + 1):
            for text, some in groupby(by_dlts[y], key=lambda cell: cell[1]):
                counts = [c for c, _ in some]
                dlts = "any" if last == 0 else f"{y} or more" if y == last < n else str(y)
                pending = "any" if len(counts) == len(by_dlts[y]) else _range(counts, len(by_dlts[y]) - 1)
                found.append((str(n), dlts, pending, text))
    return found


def _alike_from(by_dlts: dict[int, list[tuple[int, str]]], n: int) -> int:
    """Return the DLTs from which on the decision is one and the same, however many are pending."""
    texts = [{text for _, text in by_dlts[y]} for y in range(n + 1)]
    last = n
    while last > 0 and len(texts[last - 1]) == 1 and texts[last - 1] == texts[n]:
        last -= 1
    return last


def _range(counts: list[int], most: int) -> str:
    low, high = counts[0], counts[-1]
    if low == high:
        return str(low)
    return f"{high} or fewer" if low == 0 else f"{low} or more" if high == most else f"{low} to {high}"
