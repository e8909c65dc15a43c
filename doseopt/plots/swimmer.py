"""Swimmer plot: a bar a subject, from treatment to the end of follow-up, with what befell the subject on the way."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from doseopt.core.text import counted
from doseopt.display.panels import doses
from doseopt.plots.scaffold import Axes, Figure, bare, draw_key, entry, faint_grid, name_rows, new_figure
from doseopt.plots.style import BLUE, FAINT, GREEN, GREY, INK, NORMAL, SKY, VERMILLION, WIDTH, fitted, styled

BAR, GAP, KEY, FOOT = 0.14, 0.3, 0.36, 0.36
"""Inches: a subject, what is above a dose, the key, what is below all."""
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
    figure = new_figure(KEY + sum(rows) * BAR + len(rows) * GAP + FOOT, "Course of each subject", subtitle)
    grid = figure.add_gridspec(1 + len(rows), 1, height_ratios=[KEY, *(BAR * n + 0.05 for n in rows)])
    looks = [entry(name, linestyle="", **look) for name, look in MARKS.values()]
    draw_key(figure.add_subplot(grid[0]), looks, 3)
    labels, unit = doses(ds)
    named = [f"dose {label}" if unit == "dose level" else f"{label} {unit}" for label in labels]
    titles = [f"{named[dose]} ({counted(n, 'subject')})" for dose, n in zip(given, rows, strict=True)]
    fitting = fitted(titles, 0.9 * WIDTH * 72, NORMAL, bold=True)
    for k, (dose, title) in enumerate(zip(given, fitting, strict=True)):
        ax = figure.add_subplot(grid[1 + k])
        ax.set_title(title, weight="bold")
        _panel(ax, ds, np.flatnonzero(level == dose))
        ax.tick_params(labelbottom=k == len(given) - 1)
    figure.supxlabel("days from treatment", size=NORMAL)
    return figure


def _panel(ax: Axes, ds: xr.Dataset, chosen: Any) -> None:
    """Draw the subjects at one dose, the first at the top."""
    until = float(ds.attrs["until"])
    bare(ax)
    faint_grid(ax, "x")
    ax.set_xlim(-0.02 * until, 1.03 * until)
    ax.axvline(min(float(ds.attrs["window"]), until), color=GREY, linewidth=0.8, linestyle=(0, (4, 2)), zorder=1)
    numbers = ds["subject"].to_numpy()[chosen].tolist()
    days, pending = ds["days"].to_numpy()[chosen], ds["pending"].to_numpy()[chosen]
    row = np.arange(len(chosen))
    bars = ax.barh(row, days, height=0.55, color=SKY, edgecolor=FAINT, linewidth=0.4, alpha=0.6, zorder=2)
    for bar, open_window in zip(bars, pending, strict=True):
        bar.set_hatch("////" if open_window else "")
        bar.set_edgecolor(GREY if open_window else FAINT)
    marked = zip(*(ds[name].to_numpy().tolist() for name in ("marked", "day", "kind")), strict=True)
    on_way = [(numbers.index(number), day, kind) for number, day, kind in marked if number in numbers]
    at_end = zip(row, days, ds["end"].to_numpy()[chosen].tolist(), strict=True)
    for y, day, kind in [*on_way, *(one for one in at_end if one[2] in MARKS)]:
        ax.plot([day], [y], linestyle="", zorder=4, clip_on=False, **MARKS[kind][1])
    name_rows(ax, [f"{n}, pending" if is_open else str(n) for n, is_open in zip(numbers, pending, strict=True)])
