"""Liver function by visit: a line for each subject, a row for each score, a column for each dose."""

from __future__ import annotations

import numpy as np
import xarray as xr

from doseopt.core.text import counted
from doseopt.display.panels import doses
from doseopt.plots.placement import spread
from doseopt.plots.scaffold import Axes, Figure, draw_key, entry, faint_grid, new_figure, note
from doseopt.plots.style import BLUE, GREY, INK, NORMAL, SMALL, WIDTH, fitted, styled

ROW, KEY, FOOT, HEAD = 1.05, 0.24, 0.42, 0.22
"""Inches: a panel, the key, what is below and above the panels."""
FEW = 6
"""Subjects of a panel that are numbered at the end of their lines."""
LOW, HIGH = 5.0, 41.0
"""Of the scores, which are 6 to 40."""


@styled
def liver_figure(ds: xr.Dataset) -> Figure:
    """Draw the scores of the subjects at the doses where any has one.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.records.liver.liver_courses`, with one score at least.
    """
    level = ds["level"].to_numpy()
    given = sorted(set(level.tolist()))
    scores = [str(name) for name in ds["score"].to_numpy()]
    labels, unit = doses(ds)
    subtitle = (
        "Points, from 6 to 40; a line a subject, numbered in the order of treatment where there is room. Who has died "
        "or was transplanted has no later visit: lines that go on are those of the better patients."
    )
    figure = new_figure(KEY + len(scores) * ROW + HEAD + FOOT, "Liver function by visit", subtitle)
    grid = figure.add_gridspec(1 + len(scores), len(given), height_ratios=[KEY] + [ROW] * len(scores))
    looks = [entry("a subject", color=BLUE, marker="o", markersize=2.5, linewidth=0.8)]
    looks += [entry("last before death or transplantation", linestyle="", marker="X", color=INK, markersize=5)]
    draw_key(figure.add_subplot(grid[0, :]), [*looks, entry("median", color=INK, linewidth=1.6)], 3)
    names = [f"dose {labels[j]}" if unit == "dose level" else f"{labels[j]} {unit}" for j in given]
    titles = fitted(names, 0.86 * WIDTH * 72 / len(given) - 8, NORMAL, bold=True)
    last = float(ds["day"].max())
    first = float(ds["day"].min())
    axes: list[Axes] = []
    for s, score in enumerate(scores):
        for k, dose in enumerate(given):
            share = axes[0] if axes else None
            ax = figure.add_subplot(grid[1 + s, k], sharex=share, sharey=share)
            axes.append(ax)
            if s == 0:
                ax.set_title(titles[k], weight="bold")
            room = 0.22 if len(given) > 4 else 0.12
            ax.set_xlim(first - 0.06 * (last - first or 1), last + room * (last - first or 1))
            ax.set_ylim(LOW, HIGH)
            ax.set_yticks([10, 20, 30, 40])
            ax.tick_params(labelleft=k == 0, labelbottom=s == len(scores) - 1)
            faint_grid(ax, "y")
            _lines(ax, ds, score, level == dose)
            if k == 0:
                ax.set_ylabel(score)
    axes[0].set_xticks(_ticks(ds["visit"].to_numpy(), len(given)))
    figure.supxlabel(f"day of the visit ({counted(ds.sizes['subject'], 'subject')} treated)", size=NORMAL)
    return figure


def _ticks(visits: np.ndarray, columns: int) -> list[float]:
    """Return the days that stand at an axis of which so many share a row: as many of the visits as it has room for."""
    if not len(visits):
        return []
    first, last = float(visits[0]), float(visits[-1])
    least = (last - first) * 16 * columns / (0.8 * WIDTH * 72)
    kept = [last]
    for visit in visits[:0:-1].tolist():
        if kept[-1] - visit >= least and visit - first >= least:
            kept.append(visit)
    return sorted({first, *kept})


def _lines(ax: Axes, ds: xr.Dataset, score: str, chosen: np.ndarray) -> None:
    """Draw the subjects at one dose."""
    value, day, number = ds["value"].sel(score=score).to_numpy(), ds["day"].to_numpy(), ds["number"].to_numpy()
    known = chosen & ~np.isnan(value)
    ended = dict(zip(ds["subject"].values.tolist(), ds["ended"].values.tolist(), strict=True))
    subjects = np.unique(number[known]).tolist()
    few = len(subjects) <= FEW
    ends = []
    for subject in subjects:
        here = np.flatnonzero(known & (number == subject))
        x, y = day[here], value[here]
        width = {"linewidth": 0.8, "alpha": 0.8} if few else {"linewidth": 0.5, "alpha": 0.4}
        ax.plot(x, y, marker="o", markersize=2 if few else 1.2, color=BLUE, zorder=2, **width)
        if not np.isnan(ended[subject]):
            edge = {"markersize": 4.2 if few else 3.6, "markeredgewidth": 0.4, "markeredgecolor": "white"}
            ax.plot(x[-1:], y[-1:], marker="X", color=INK, linestyle="", zorder=4, **edge)
        ends.append((float(x[-1]), float(y[-1]), subject))
    if not few:
        visits = np.unique(day[known])
        middle = [np.median(value[known & (day == visit)]) for visit in visits]
        ax.plot(visits, middle, color=INK, linewidth=1.4, zorder=3)
        return
    points = 72 * ROW * 0.8 / (HIGH - LOW)  # of a point of a score, about
    at = spread([y * points for _, y, _ in ends], [SMALL + 0.5] * len(ends), LOW * points, HIGH * points)
    for (x, y, subject), centre in zip(ends, at, strict=True):
        note(ax, str(subject), (x, y), (4, centre - y * points), ha="left", va="center", color=GREY)
