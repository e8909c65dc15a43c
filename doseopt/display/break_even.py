"""Break-even points in words."""

from __future__ import annotations

import numpy as np
import xarray as xr

WORDS = {
    "false_dlts": ("false DLTs", "% of patients"),
    "late_dlts": ("late DLTs", "% of DLTs"),
    "dose_error": ("dose error", "% of the dose"),
    "death": ("deaths", "% of patients"),
    "dropout": ("drop-out", "% of patients"),
}
"""Short name of a perturbation, and its axis."""


def crossings(at: xr.Dataset) -> list[float]:
    """Return the amounts at which the order turns, of one perturbation, criterion and design."""
    each = at["break_even"].to_numpy()
    return [float(x) for x in each[~np.isnan(each)]]


def where_ahead(at: xr.Dataset) -> str:
    """Say in which part of the range a design is ahead of the registered one.

    Parameters
    ----------
    at : Dataset
        Of `doseopt.comparison.break_even`, one perturbation, criterion and design.

    Examples
    --------
    >>> each = {"break_even": ("crossing", [0.15, 0.4]), "amount": ("point", [0.0, 1.0]), "ahead_at_first": ((), 1.0)}
    >>> where_ahead(xr.Dataset(each))
    'below 15.0%, above 40.0%'
    """
    first, turns = float(at["ahead_at_first"]), crossings(at)
    if not turns:
        return {1.0: "everywhere", -1.0: "nowhere", 0.0: "alike"}[first]
    sign = "+" if float(at["amount"].min()) < 0 else ""
    texts = [f"{100 * x + 0.0:{sign}.1f}%" for x in turns]
    found = [f"below {texts[0]}"] if first > 0 else []
    rest = texts[1:] if first > 0 else texts
    for k in range(0, len(rest), 2):
        found.append(f"{rest[k]} to {rest[k + 1]}" if k + 1 < len(rest) else f"above {rest[k]}")
    return ", ".join(found)
