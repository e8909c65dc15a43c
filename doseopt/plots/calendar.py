"""Calendar of one trial: a bar a patient over a common time axis, for a design that waits and one that does not."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from doseopt.core.text import counted
from doseopt.display.panels import doses
from doseopt.plots.scaffold import Axes, Figure, bare, boxes, draw_key, entry, faint_grid, name_rows, new_figure
from doseopt.plots.style import (
    BLUE,
    FAINT,
    GREY,
    INK,
    NORMAL,
    SKY,
    SMALL,
    VERMILLION,
    fitted,
    full_width,
    styled,
    text_width,
)

BAR, GAP, KEY, FOOT = 0.125, 0.3, 0.24, 0.4
"""Inches: a patient, what is above a design, the key, what is below all."""
INNER = 5.55 * 72
"""Points of the time axis, about."""
LOOKS: dict[str, tuple[str, dict[str, Any]]] = {
    "dlt": ("DLT", {"marker": "v", "color": VERMILLION, "markersize": 4.5}),
    "away": ("came while closed", {"marker": "x", "color": INK, "markersize": 3.5, "markeredgewidth": 0.9}),
    "window": ("DLT window", {"marker": "s", "color": SKY, "markeredgecolor": GREY, "markersize": 4.5}),
    "closed": ("enrolment closed", {"marker": "s", "color": FAINT, "markeredgecolor": FAINT, "markersize": 5.5}),
}
"""Name and look of each mark in the key."""


@styled
def calendar_figure(ds: xr.Dataset) -> Figure:
    """Draw when patients come and are followed up under each of two designs, the same patients and arrivals for both.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.comparison.calendar`, with the doses of the study; also of a comparison that has it.
    """
    labels, unit = doses(ds)
    attrs = ds.attrs
    of = "" if unit == "dose level" else f" ({unit})"
    subtitle = (
        f"One simulated trial, seed {attrs['calendar_seed']}, in the scenario {attrs['calendar_scenario']}: the same "
        "arrivals, and the same patients in the order of treatment. A bar is a patient, filled until the outcome is "
        f"known, with the dose{of} at its right; dashed: the trial is over."
    )
    rows = [int(np.isfinite(ds["calendar_came"].isel(course=k)).sum()) + 1 for k in range(ds.sizes["course"])]
    figure = new_figure(KEY + sum(rows) * BAR + len(rows) * GAP + FOOT, "Calendar of one trial", subtitle)
    grid = figure.add_gridspec(1 + len(rows), 1, height_ratios=[KEY, *(BAR * n + 0.05 for n in rows)])
    draw_key(figure.add_subplot(grid[0]), [entry(name, linestyle="", **look) for name, look in LOOKS.values()], 4)
    short = fitted(labels, 0.2 * INNER, SMALL)
    wide = max(text_width(label, SMALL) for label in short) + 8
    last = float(max(ds["calendar_end"].max(), (ds["calendar_came"] + attrs["window"]).max()))
    for k in range(len(rows)):
        ax = figure.add_subplot(grid[1 + k])
        ax.set_title(_title(ds.isel(course=k), short), weight="bold")
        ax.set_xlim(0, last / (1 - wide / INNER))
        _panel(ax, ds.isel(course=k), short)
        ax.tick_params(labelbottom=k == len(rows) - 1)
    figure.supxlabel("days from the start", size=NORMAL)
    return figure


def _title(ds: xr.Dataset, labels: list[str]) -> str:
    """Say whose panel it is, and how the trial ended."""
    enrolled, away = (int(np.isfinite(ds[f"calendar_{name}"]).sum()) for name in ("came", "turned_away"))
    level = int(ds["calendar_mtd"])
    found = f"declares {labels[level - 1]}" if level else "declares none"
    ended = f": {counted(enrolled, 'patient')}, {away} turned away, {found}, {float(ds['calendar_end']):.0f} days"
    (name,) = fitted(
        [ds["course"].item()], 0.93 * full_width() * 72 - text_width(ended, NORMAL, True), NORMAL, bold=True
    )
    return name + ended


def _panel(ax: Axes, ds: xr.Dataset, labels: list[str]) -> None:
    """Draw the patients of one design, the first at the top, below who came while enrolment was closed."""
    bare(ax)
    faint_grid(ax, "x")
    known = np.isfinite(ds["calendar_came"].to_numpy())
    came, until, level, dlt = (ds[f"calendar_{name}"].to_numpy()[known] for name in ("came", "known", "level", "dlt"))
    row, window = np.arange(1, len(came) + 1), float(ds.attrs["window"])
    closed, opened = (ds[f"calendar_{name}"].dropna("calendar_span").to_numpy() for name in ("closed", "opened"))
    name_rows(ax, ["away", *map(str, row)])
    low, high = ax.get_ylim()
    boxes(ax, closed, low, opened - closed, high - low, facecolor=FAINT, alpha=0.55, linewidth=0, zorder=1)
    boxes(
        ax, came, row - 0.34, np.full(len(row), window), 0.68, facecolor="none", edgecolor=GREY, linewidth=0.4, zorder=2
    )
    boxes(ax, came, row - 0.34, until - came, 0.68, facecolor=SKY, edgecolor=GREY, linewidth=0.4, zorder=3)
    struck = dlt > 0
    ax.plot(until[struck], row[struck], linestyle="", zorder=5, **LOOKS["dlt"][1])
    away = ds["calendar_turned_away"].dropna("calendar_arrival").to_numpy()
    ax.plot(away, np.zeros(len(away)), linestyle="", zorder=4, **LOOKS["away"][1])
    ax.axvline(float(ds["calendar_end"]), color=BLUE, linewidth=0.9, linestyle=(0, (4, 2)), zorder=1)
    for x, y, dose in zip(came + window, row, level.astype(int), strict=True):
        ax.annotate(
            labels[dose - 1], (x, y), (3, 0), textcoords="offset points", size=SMALL, va="center_baseline", zorder=6
        )
