"""Swimmer plot: a bar a subject, from treatment to the end of follow-up, with what befell the subject on the way."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from doseopt.core.state import BoolArray, FloatArray, IntArray
from doseopt.core.text import counted
from doseopt.display.panels import doses
from doseopt.plots.scaffold import Axes, Figure, bare, draw_key, entry, faint_grid, name_rows, new_figure
from doseopt.plots.style import BLUE, FAINT, GREEN, GREY, INK, NORMAL, SKY, VERMILLION, fitted, full_width, styled

BAR, GAP, KEY, FOOT = 0.14, 0.3, 0.36, 0.36
"""Inches: a subject, what is above a dose, the key, what is below all."""
HALF = 0.275
"""Half the height of a bar, of rows that are 1 apart."""
MANY, TALL, TALLEST = 140, 2.0, 16.0
"""Subjects from which on those of a dose are bundled, sorted by how their follow-up ended and how long it was; inches
of a bundle, and of all, at the most."""
BUNDLED = ("dlt", "death", "transplantation", "left")
"""Marks in a bundle."""
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
    bundled = sum(rows) > MANY
    numbered = "" if bundled else "; subjects numbered in the order of treatment"
    subtitle = (
        f"Days from treatment, known on {ds.attrs['last']}{numbered}. Hatched: pending in the DLT window of "
        f"{ds.attrs['window']:g} days (dashed)."
    )
    if ds.attrs["remark"]:
        subtitle = f"{ds.attrs['remark'].capitalize()}. {subtitle}"
    if bundled:
        subtitle += (
            f" More than {MANY} subjects: those of a dose are one area, sorted by how their follow-up ended, then by "
            "how long it was; serious events other than DLTs are left to the tables."
        )
    most = min(TALL, TALLEST / len(rows)) if bundled else np.inf
    tall = [min(BAR * n, most) for n in rows]
    figure = new_figure(KEY + sum(tall) + len(rows) * GAP + FOOT, "Course of each subject", subtitle)
    grid = figure.add_gridspec(1 + len(rows), 1, height_ratios=[KEY, *(inches + 0.05 for inches in tall)])
    looks = [entry(n, linestyle="", **look) for k, (n, look) in MARKS.items() if k in BUNDLED or not bundled]
    draw_key(figure.add_subplot(grid[0]), looks, 3)
    labels, unit = doses(ds)
    named = [f"dose {label}" if unit == "dose level" else f"{label} {unit}" for label in labels]
    titles = [f"{named[dose]} ({counted(n, 'subject')})" for dose, n in zip(given, rows, strict=True)]
    fitting = fitted(titles, 0.9 * full_width() * 72, NORMAL, bold=True)
    for k, (dose, title) in enumerate(zip(given, fitting, strict=True)):
        ax = figure.add_subplot(grid[1 + k])
        ax.set_title(title, weight="bold")
        chosen = np.flatnonzero(level == dose)
        _panel(ax, ds, _sorted(ds, chosen) if bundled else chosen, bundled)
        ax.tick_params(labelbottom=k == len(given) - 1)
    figure.supxlabel("days from treatment", size=NORMAL)
    return figure


def _sorted(ds: xr.Dataset, chosen: IntArray) -> IntArray:
    """Return subjects by how their follow-up ended, those pending and those who died last, then by its length."""
    ends, days, pending = (ds[name].to_numpy()[chosen] for name in ("end", "days", "pending"))
    kinds = np.array([("over", "open", "left", "transplantation", "death").index(end) for end in ends], np.int64)
    return np.asarray(chosen[np.lexsort([-days, kinds, pending])])


def _panel(ax: Axes, ds: xr.Dataset, chosen: IntArray, bundled: bool) -> None:
    """Draw the subjects at one dose, the first at the top, numbered where they are not bundled."""
    until = float(ds.attrs["until"])
    bare(ax)
    faint_grid(ax, "x")
    ax.set_xlim(-0.02 * until, 1.03 * until)
    ax.axvline(min(float(ds.attrs["window"]), until), color=GREY, linewidth=0.8, linestyle=(0, (4, 2)), zorder=1)
    numbers = ds["subject"].to_numpy()[chosen]
    days, pending = ds["days"].to_numpy()[chosen], ds["pending"].to_numpy()[chosen]
    (_bundle if bundled else _bars)(ax, days, pending)
    row = {int(number): k for k, number in enumerate(numbers)}
    marked, at, kind = (ds[name].to_numpy() for name in ("marked", "day", "kind"))
    ends = ds["end"].to_numpy()[chosen]
    for name, (_, look) in MARKS.items():
        if bundled:
            if name not in BUNDLED:
                continue
            look = look | {"markersize": 0.6 * look["markersize"]}
        on_way = zip(marked[kind == name].tolist(), at[kind == name].tolist(), strict=True)
        points = [(day, row[number]) for number, day in on_way if number in row]
        points += [(days[k], k) for k in np.flatnonzero(ends == name).tolist()]
        if points:
            ax.plot(*zip(*points, strict=True), linestyle="", zorder=4, clip_on=False, **look)
    names = [f"{n}, pending" if is_open else str(n) for n, is_open in zip(numbers, pending, strict=True)]
    if bundled:
        ax.yaxis.set_visible(False)
    else:
        name_rows(ax, names)
    ax.set_ylim(len(names) - 0.4, -0.6)


def _bundle(ax: Axes, days: FloatArray, pending: BoolArray) -> None:
    """Draw bars without gaps as one area, and those pending, who come last, as another."""
    first = int((~pending).sum())
    for begin, end, hatch in ((0, first, ""), (first, len(days), "////")):
        if end > begin:
            edges = np.arange(begin, end + 1) - 0.5
            lengths = np.append(days[begin:end], days[end - 1])
            look: dict[str, Any] = {"facecolor": SKY, "edgecolor": GREY, "linewidth": 0.0, "alpha": 0.6, "zorder": 2}
            ax.fill_betweenx(edges, 0, lengths, step="post", hatch=hatch, **look)


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
