"""How long trials take: quantiles of the days until the last follow-up ends, beside the registered completion."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from doseopt.core.state import FloatArray
from doseopt.display.panels import grouped, over, panels
from doseopt.plots.scaffold import Axes, Figure, faint_grid, names_of, rows_of, small_multiples
from doseopt.plots.style import BLUE, GREY, NORMAL, SMALL, VERMILLION, by_page, fitted, full_width, styled, text_width

SPANS = ((0.05, 0.95, 0.8), (0.25, 0.75, 3.2))
"""Quantiles between which a line is drawn, and its width in points."""


@styled
def duration_figure(ds: xr.Dataset) -> Figure:
    """Draw the distribution of the completion of each design, a panel for each scenario.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.compare`, of a study with a clock. More than 12 scenarios are averaged by their true MTD.
    """
    shown, day = panels(ds), int(ds.attrs.get("registered_day", -1))
    whose = "; quantiles averaged over the n scenarios with that true MTD" if grouped(ds) else ""
    marked = f" Dashed: the registered completion, day {day}." if day > 0 else ""
    drawn = " Simulated." if "times_simulated" in ds.attrs else ""
    subtitle = (
        "Days from the start until the last follow-up ends: dot the median, thick line half of the trials, thin line "
        f"90%{whose}.{marked}{drawn}"
    )
    names = fitted(names_of(ds), by_page(0.21, 0.3) * full_width() * 72, SMALL)
    columns = min(by_page(4, 2), len(shown))
    width = (0.97 * full_width() * 72 - max(text_width(name, SMALL) for name in names)) / columns - 8
    size: dict[str, Any] = {"row": max(len(names) * 0.135, 0.4), "gap": 0.34, "rest": 0.4}
    heading = ("How long trials take", subtitle)
    figure, axes = small_multiples(heading, [panel.title for panel in shown], columns, width, **size)
    quantiles = {
        float(level): ds["completion_quantile"].sel(time_quantile=level) for level in (0.05, 0.25, 0.5, 0.75, 0.95)
    }
    values = {level: each.transpose("design", "scenario").to_numpy() for level, each in quantiles.items()}
    top = float(np.nanmax([*values[0.95].ravel(), day]))
    for k, (ax, panel) in enumerate(zip(axes, shown, strict=True)):
        rows_of(ax, names, named=k % columns == 0)
        _panel(ax, {level: over(each, panel) for level, each in values.items()}, day)
        ax.set_xlim(0, 1.04 * top)
    figure.supxlabel("days from the start", size=NORMAL)
    return figure


def _panel(ax: Axes, at: dict[float, FloatArray], day: int) -> None:
    """Draw one row a design."""
    row = np.arange(len(at[0.5]))
    faint_grid(ax, "x")
    if day > 0:
        ax.axvline(day, color=VERMILLION, linewidth=0.9, linestyle=(0, (4, 2)), zorder=1)
    for low, high, width in SPANS:
        ax.hlines(row, at[low], at[high], color=GREY if width < 1 else BLUE, linewidth=width, zorder=2)
    ax.plot(at[0.5], row, "o", color="white", markeredgecolor=BLUE, markersize=3.6, zorder=3)
