"""Clinical improvement by dose: what was observed at each, and what it says averaged over rising and flat rates."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from doseopt.display.panels import doses
from doseopt.plots.scaffold import Axes, Figure, dose_label, draw_key, entry, name_rows, new_figure, note, percent_axis
from doseopt.plots.style import BLUE, INK, SMALL, styled

ROW = 0.36
"""Inches of a dose."""
APART = 0.2
"""Of a row, between its line and either interval."""
OBSERVED: dict[str, Any] = {"color": INK, "marker": "o", "markerfacecolor": "white", "linewidth": 0.9}
AVERAGED: dict[str, Any] = {"color": BLUE, "marker": "s", "linewidth": 1.6}
TEXT_AT = 103
"""Percent: where the numbers of a row begin."""


@styled
def improvement_figure(ds: xr.Dataset) -> Figure:
    """Draw the rate of improvement at each dose, a row each, with both intervals and their numbers.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.conduct.improvement.improvement_by_dose`.
    """
    labels, unit = doses(ds)
    n, y = ds["assessed"].to_numpy(), ds["improved"].to_numpy()
    level = f"{100 * ds.attrs['level']:.0f}%"
    before, after = (f"{100 * share:.0f}%" for share in (1 - ds.attrs["flat"], ds.attrs["rising"]))
    rise = f" Probability that it rises with the dose: {before} before the data, {after} after them."
    unseen = " Open squares: the model alone, as nobody was assessed at the dose." if (n == 0).any() else ""
    subtitle = f"Visit {ds.attrs['visit']}.{rise if len(n) > 1 else ''}{unseen}"
    figure = new_figure(0.3 + len(n) * ROW + 0.5, "Clinical improvement", subtitle)
    head, ax = figure.subplots(2, 1, height_ratios=[0.3, len(n) * ROW])
    draw_key(
        head,
        [
            entry(f"observed, exact {level} interval", **OBSERVED),
            entry(f"averaged over rising and flat rates, {level} interval", **AVERAGED),
        ],
        2,
    )
    percent_axis(ax, "x")
    row = np.arange(len(n))
    share = np.divide(y, n, out=np.full(len(n), np.nan), where=n > 0)
    seen = n > 0
    ends = 100 * ds["exact_lower"].to_numpy(), 100 * ds["exact_upper"].to_numpy()
    _intervals(ax, row[seen] - APART, 100 * share[seen], (ends[0][seen], ends[1][seen]), OBSERVED)
    middle, low, high = (100 * ds[name].to_numpy() for name in ("mean", "lower", "upper"))
    for here, fill in ((seen, BLUE), (~seen, "white")):
        look = AVERAGED | {"markerfacecolor": fill}
        _intervals(ax, row[here] + APART, middle[here], (low[here], high[here]), look)
    for j in range(len(n)):
        said = f"{y[j]} of {n[j]} ({ends[0][j]:.0f} to {ends[1][j]:.0f}%)" if seen[j] else "nobody assessed"
        _text(ax, said, j - APART, INK)
        _text(ax, f"{middle[j]:.0f}% ({low[j]:.0f} to {high[j]:.0f}%)", j + APART, BLUE)
    name_rows(ax, labels, 0.2)
    ax.set_xlim(-2, 102)
    ax.set_xlabel("subjects improved (% of those assessed)")
    ax.set_ylabel(dose_label(unit))
    return figure


def _intervals(ax: Axes, row: Any, middle: Any, ends: tuple[Any, Any], look: dict[str, Any]) -> None:
    """Draw an interval in each row, with its middle."""
    ax.hlines(row, *ends, colors=look["color"], linewidth=look["linewidth"], zorder=2)
    ax.plot(middle, row, markersize=4, zorder=3, **look | {"linewidth": 0})


def _text(ax: Axes, text: str, row: float, colour: str) -> None:
    """Write at the right of a row."""
    note(ax, text, (TEXT_AT, row), (0, 0), ha="left", color=colour, size=SMALL, annotation_clip=False)
