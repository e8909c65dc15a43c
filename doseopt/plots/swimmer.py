"""Swimmer plot: a bar a subject, from treatment to the end of follow-up, with what befell the subject on the way."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from doseopt.core.state import BoolArray, FloatArray, IntArray
from doseopt.core.text import counted
from doseopt.display.panels import doses
from doseopt.plots.scaffold import Axes, Figure, bare, draw_key, entry, faint_grid, name_rows, new_figure
from doseopt.plots.style import BLUE, FAINT, GREEN, GREY, INK, NORMAL, SKY, VERMILLION, WIDTH, fitted, styled

BAR, GAP, KEY, FOOT = 0.14, 0.3, 0.36, 0.36
"""Inches: a subject, what is above a dose, the key, what is below all."""
HALF = 0.275
"""Half the height of a bar, of rows that are 1 apart."""
TALLEST, EACH = 20.0, 10
"""Inches of all subjects at the most: from there on bars are thinner, and one in so many is numbered."""
MARKS: dict[str, tuple[str, dict[str, Any]]] = {
    "dlt": ("DLT", {"marker": "v", "color": VERMILLION, "markersize": 5}),
    "serious": ("other serious event", {"marker": "o", "color": BLUE, "markerfacecolor": "white", "markersize": 4}),
    "death": ("death", {"marker": "X", "color": INK, "markersize": 5.5}),
    "transplantation": ("transplantation", {"marker": "D", "color": GREEN, "markersize": 4}),
    "left": ("left the study", {"marker": "|", "color": INK, "markersize": 7, "markeredgewidth": 1.4}),
    "open": ("follow-up goes on", {"marker": ">", "color": GREY, "markersize": 4}),
}
"""Name and look of each mark; shapes tell them apart without colour."""


@styled
def swimmer_figure(ds: xr.Dataset) -> Figure:
    """Draw the courses of the subjects, a panel for each dose that was given.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.records.outcomes.courses`, of one subject at least.
    """
    level = ds["level"].to_numpy()
    given = sorted(set(level.tolist()))
    rows = [int((level == dose).sum()) for dose in given]
    subtitle = (
        f"Days from treatment, known on {ds.attrs['last']}; subjects numbered in the order of treatment. Hatched: "
        f"pending in the DLT window of {ds.attrs['window']:g} days (dashed)."
    )
    if ds.attrs["remark"]:
        subtitle = f"{ds.attrs['remark'].capitalize()}. {subtitle}"
    bar = min(BAR, TALLEST / sum(rows))
    figure = new_figure(KEY + sum(rows) * bar + len(rows) * GAP + FOOT, "Course of each subject", subtitle)
    grid = figure.add_gridspec(1 + len(rows), 1, height_ratios=[KEY, *(bar * n + 0.05 for n in rows)])
    looks = [entry(name, linestyle="", **look) for name, look in MARKS.values()]
    draw_key(figure.add_subplot(grid[0]), looks, 3)
    labels, unit = doses(ds)
    named = [f"dose {label}" if unit == "dose level" else f"{label} {unit}" for label in labels]
    titles = [f"{named[dose]} ({counted(n, 'subject')})" for dose, n in zip(given, rows, strict=True)]
    fitting = fitted(titles, 0.9 * WIDTH * 72, NORMAL, bold=True)
    for k, (dose, title) in enumerate(zip(given, fitting, strict=True)):
        ax = figure.add_subplot(grid[1 + k])
        ax.set_title(title, weight="bold")
        _panel(ax, ds, np.flatnonzero(level == dose), 1 if bar == BAR else EACH)
        ax.tick_params(labelbottom=k == len(given) - 1)
    figure.supxlabel("days from treatment", size=NORMAL)
    return figure


def _panel(ax: Axes, ds: xr.Dataset, chosen: IntArray, each: int) -> None:
    """Draw the subjects at one dose, the first at the top, and number one in `each`."""
    until = float(ds.attrs["until"])
    bare(ax)
    faint_grid(ax, "x")
    ax.set_xlim(-0.02 * until, 1.03 * until)
    ax.axvline(min(float(ds.attrs["window"]), until), color=GREY, linewidth=0.8, linestyle=(0, (4, 2)), zorder=1)
    numbers = ds["subject"].to_numpy()[chosen]
    days, pending = ds["days"].to_numpy()[chosen], ds["pending"].to_numpy()[chosen]
    _bars(ax, days, pending)
    row = {int(number): k for k, number in enumerate(numbers)}
    marked, at, kind = (ds[name].to_numpy() for name in ("marked", "day", "kind"))
    ends = ds["end"].to_numpy()[chosen]
    for name, (_, look) in MARKS.items():
        on_way = zip(marked[kind == name].tolist(), at[kind == name].tolist(), strict=True)
        points = [(day, row[number]) for number, day in on_way if number in row]
        points += [(days[k], k) for k in np.flatnonzero(ends == name).tolist()]
        if points:
            ax.plot(*zip(*points, strict=True), linestyle="", zorder=4, clip_on=False, **look)
    names = [f"{n}, pending" if is_open else str(n) for n, is_open in zip(numbers, pending, strict=True)]
    name_rows(ax, names[::each], at=range(0, len(names), each))
    ax.set_ylim(len(names) - 0.4, -0.6)


def _bars(ax: Axes, days: FloatArray, pending: BoolArray) -> None:
    """Draw a bar a subject, as long as the follow-up, hatched where it is pending."""
    from matplotlib.collections import PolyCollection

    left, top = np.zeros(len(days)), np.arange(len(days)) - HALF
    bottom = top + 2 * HALF
    corners = np.stack([left, top, days, top, days, bottom, left, bottom], axis=1).reshape(-1, 4, 2)
    for bars, hatch, edge in ((corners[~pending], "", FAINT), (corners[pending], "////", GREY)):
        look: dict[str, Any] = {"edgecolors": edge, "linewidths": 0.4, "alpha": 0.6, "zorder": 2}
        if len(bars):
            drawn = PolyCollection(list(bars), hatch=hatch, facecolors=SKY, **look)
            ax.add_collection(drawn, autolim=False)
