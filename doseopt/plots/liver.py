"""Liver function by visit: a line for each subject, a row for each score, a column for each dose."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from doseopt.core.text import counted
from doseopt.display.panels import doses
from doseopt.plots.placement import spread
from doseopt.plots.scaffold import Axes, Figure, draw_key, entry, faint_grid, new_figure, note
from doseopt.plots.style import BLUE, GREY, INK, NORMAL, SMALL, fitted, full_width, styled

ROW, KEY, FOOT, HEAD = 1.05, 0.24, 0.42, 0.22
"""Inches: a panel, the key, what is below and above the panels."""
FEW = 6
"""Subjects of a panel that are numbered at the end of their lines."""
MANY = 40
"""Subjects of a panel from which on it shows quantiles by visit for lines that none could be told from."""
BANDS = ((0.1, 0.9), (0.25, 0.75))
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
    bundled = bool(_counts(ds, level).max() > MANY)
    subtitle = (
        "Points, from 6 to 40; a line a subject, numbered in the order of treatment where there is room"
        f"{f'; of more than {MANY} the median and bands of the middle 50% and 80% by visit' * bundled}. Who has died "
        "or was transplanted has no later visit: lines that go on are those of the better patients."
    )
    figure = new_figure(KEY + len(scores) * ROW + HEAD + FOOT, "Liver function by visit", subtitle)
    grid = figure.add_gridspec(1 + len(scores), len(given), height_ratios=[KEY] + [ROW] * len(scores))
    looks = [entry("a subject", color=BLUE, marker="o", markersize=2.5, linewidth=0.8)]
    looks += [entry("last before death or transplantation", linestyle="", marker="X", color=INK, markersize=5)]
    looks = looks if _counts(ds, level).min() <= MANY else []
    draw_key(figure.add_subplot(grid[0, :]), [*looks, entry("median", color=INK, linewidth=1.6)], 3)
    names = [f"dose {labels[j]}" if unit == "dose level" else f"{labels[j]} {unit}" for j in given]
    titles = fitted(names, 0.86 * full_width() * 72 / len(given) - 8, NORMAL, bold=True)
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
    least = (last - first) * 16 * columns / (0.8 * full_width() * 72)
    kept = [last]
    for visit in visits[:0:-1].tolist():
        if kept[-1] - visit >= least and visit - first >= least:
            kept.append(visit)
    return sorted({first, *kept})


def _lines(ax: Axes, ds: xr.Dataset, score: str, chosen: np.ndarray) -> None:
    """Draw the subjects at one dose, all lines as one artist."""
    from matplotlib.collections import LineCollection

    value = ds["value"].sel(score=score).to_numpy()
    known = chosen & ~np.isnan(value)
    x, y, number = ds["day"].to_numpy()[known], value[known], ds["number"].to_numpy()[known]
    last = np.flatnonzero(np.diff(number, append=-1))
    if len(last) > MANY:
        return _bundle(ax, x, y)
    few = len(last) <= FEW
    courses = np.split(np.column_stack([x, y]), last[:-1] + 1)
    width: dict[str, Any] = {"linewidths": 0.8, "alpha": 0.8} if few else {"linewidths": 0.5, "alpha": 0.4}
    ax.add_collection(LineCollection(courses, colors=BLUE, zorder=2, **width), autolim=False)
    ax.plot(x, y, "o", markersize=2 if few else 1.2, color=BLUE, zorder=2, alpha=width["alpha"])
    ended = ds["ended"].sel(subject=number[last]).to_numpy()
    gone = last[~np.isnan(ended)]
    edge: dict[str, Any] = {"markersize": 4.2 if few else 3.6, "markeredgewidth": 0.4, "markeredgecolor": "white"}
    ax.plot(x[gone], y[gone], "X", color=INK, zorder=4, **edge)
    if few:
        _number(ax, x[last], y[last], number[last])
        return
    visits = np.unique(x)
    ax.plot(visits, [np.median(y[x == visit]) for visit in visits], color=INK, linewidth=1.4, zorder=3)


def _counts(ds: xr.Dataset, level: np.ndarray) -> np.ndarray:
    """Return the subjects of each panel with a value, none left out."""
    value, number = ds["value"].to_numpy(), ds["number"].to_numpy()
    places = ((known, level == dose) for known in ~np.isnan(value) for dose in set(level.tolist()))
    found = [len(np.unique(number[known & here])) for known, here in places]
    return np.array([each for each in found if each])


def _bundle(ax: Axes, x: np.ndarray, y: np.ndarray) -> None:
    """Draw the median by visit and what the middle parts of the subjects have."""
    visits = np.unique(x)
    for k, limits in enumerate(BANDS):
        low, high = np.array([np.quantile(y[x == visit], limits) for visit in visits]).T
        ax.fill_between(visits, low, high, facecolor=BLUE, alpha=0.2 + 0.15 * k, edgecolor="none", zorder=2)
    ax.plot(visits, [np.median(y[x == visit]) for visit in visits], color=INK, linewidth=1.4, zorder=3)


def _number(ax: Axes, x: np.ndarray, y: np.ndarray, number: np.ndarray) -> None:
    """Write the numbers of the subjects at the ends of their lines, none over another."""
    points = 72 * ROW * 0.8 / (HIGH - LOW)  # of a point of a score, about
    at = spread((y * points).tolist(), [SMALL + 0.5] * len(y), LOW * points, HIGH * points)
    for left, end, subject, centre in zip(x, y, number, at, strict=True):
        note(ax, str(subject), (left, end), (4, centre - end * points), ha="left", va="center", color=GREY)
