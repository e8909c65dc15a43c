"""Selection, and patients below the MTD, against the patients a design may enrol."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from doseopt.core.state import FloatArray
from doseopt.core.text import counted
from doseopt.display.panels import Panel, grouped, panels
from doseopt.plots.placement import Box, Canvas, End
from doseopt.plots.scaffold import Axes, Figure, axes_at, faint_grid, new_figure, percent_axis
from doseopt.plots.style import (
    GREY,
    INK,
    LINES,
    NORMAL,
    SMALL,
    WIDTH,
    by_page,
    fitted,
    full_width,
    styled,
    text_width,
    wrapped,
)

LEFT = 0.5
MARGINS = (0.9, 1.5)
"""Inches beside the large panel: its axis, and the labels at its right, few or many."""
MARKERS = "X*DPph8<>d^v"
COSTS = (
    ("overdose_selection", "Overdose (% of trials)", 100),
    ("patients_below_mtd", "Patients below the MTD", 1),
)
"""What stands below correct selection: variable, title, factor."""
SPARE = 4.0
"""Percent of an axis beyond what it shows, so that no mark at its end is cut."""


@dataclass(frozen=True, eq=False)
class Series:
    """A line (a family by enrolment cap) or a point (a design at its expected sample size), [point, scenario]."""

    name: str
    x: FloatArray
    y: FloatArray
    own: FloatArray
    look: dict[str, Any]


@styled
def enrolment_figure(ds: xr.Dataset) -> Figure:
    """Draw selection by enrolment cap for each family, other designs as points at their expected size.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.compare`; without enrolment curves every design is a point.

    Returns
    -------
    Figure
        A large panel with the mean correct selection over scenarios, below it overdose selection and patients below the
        MTD, and a small panel for each scenario (or true MTD, if more than 12).
    """
    lines, shown = _families(ds), panels(ds)
    points = _points(ds)
    columns, costs = by_page(4, 2), [each for each in COSTS if ds[each[0]].notnull().any()]
    rows = -(-len(shown) // columns) if len(shown) > 1 else 0
    large = max(2.5, 0.6 + 0.14 * len(points))
    small, gap = 0.82, 0.27
    below = rows * (small + gap) + (0.4 if rows else 0)
    full, cost = full_width(), 0.95
    half = (full - LEFT - 0.12 - 0.42) / 2
    across = wrapped(_x_label(lines), 72 * half, NORMAL)
    scale = 0.29 + 0.13 * len(across)
    body = large + 0.5 + cost + 0.25 + scale + below + 0.05
    figure = new_figure(body, "Selection and the number of patients", _subtitle(ds, lines, points))
    figure.set_layout_engine("none")
    bottom = below + scale + cost + 0.25 + 0.5
    long = any(text_width(s.name, NORMAL, True) > 72 * MARGINS[0] - 22 for s in lines)
    margin = MARGINS[full < WIDTH or len(points) > 3 or long]
    ax = axes_at(figure, LEFT, bottom, full - LEFT - margin, large)
    _large(ax, ds, lines, points, (full - LEFT - margin, large))
    for k, (name, title, factor) in enumerate(costs):
        part = axes_at(figure, LEFT + k * (half + 0.42), below + scale, half, cost)
        _cost(part, [_valued(ds, each, name, factor) for each in (*lines, *points)], len(lines))
        part.set_title(title, weight="bold")
        part.set_xlim(ax.get_xlim())
        part.set_xlabel("\n".join(across))
    wide = (full - LEFT - columns * 0.12) / columns
    titles = fitted([panel.title for panel in shown], wide * 72, NORMAL, bold=True)
    first = None
    for k, panel in enumerate(shown if rows else []):
        at = (LEFT + k % columns * (wide + 0.12), below - gap - small - k // columns * (small + gap) + 0.02)
        part = axes_at(figure, *at, wide, small, sharex=first, sharey=ax)
        first = first or part
        _small(part, panel, lines, points)
        part.tick_params(labelleft=k % columns == 0, labelbottom=k // columns == rows - 1)
        part.set_title(titles[k], weight="bold")
    if first is not None:
        in_panels = [s.x[:, panel.rows].mean(axis=1) for s in points for panel in shown]
        first.set_xlim(*_ends([*(s.x for s in lines), *in_panels]))
        at = (LEFT + full) / 2 / full, 0.05 / figure.get_figheight()
        figure.text(*at, _x_label(lines), ha="center", va="bottom")
    return figure


def _x_label(lines: list[Series]) -> str:
    return "enrolment cap (patients)" if lines else "expected sample size (patients)"


def _subtitle(ds: xr.Dataset, lines: list[Series], points: list[Series]) -> str:
    several = ds.sizes["scenario"] > 1
    over = f"Large panel and the two below it: mean over {counted(ds.sizes['scenario'], 'scenario')}."
    mean = over if several else "In the one scenario."
    each = (
        "Small panels: mean over the n scenarios with that true MTD." if grouped(ds) else "Small panels: each scenario."
    )
    texts = [mean, *([each] if several else [])]
    if lines:
        texts.append("Lines: correct selection against the enrolment cap; large markers: the designs compared.")
    if points:
        texts.append("Single markers: at the expected sample size.")
    return " ".join(texts)


def _families(ds: xr.Dataset) -> list[Series]:
    """Return the enrolment curves; `own` is 1 at the caps of designs compared."""
    if "correct_selection_by_enrolment" not in ds:
        return []
    caps, members = ds["enrolment"].to_numpy().astype(float), _members(ds)
    found = []
    for f, name in enumerate(ds["family"].to_numpy()):
        y = 100 * _curves(ds, "correct_selection")[f]
        known = ~np.isnan(y).any(axis=1)
        own = np.array([(f, int(k)) in members.values() for k in np.flatnonzero(known)], np.float64)
        colour, dashes, marker = LINES[f % len(LINES)]
        look = {"color": colour, "linestyle": dashes, "marker": marker}
        found.append(Series(str(name), caps[known], y[known], own, look))
    return found


def _curves(ds: xr.Dataset, name: str) -> FloatArray:
    return ds[f"{name}_by_enrolment"].transpose("family", "enrolment", "scenario").to_numpy()


def _members(ds: xr.Dataset) -> dict[int, tuple[int, int]]:
    """Return the designs that are on a curve, with its family and cap: the same cap, and the same numbers."""
    measures = [str(name).removesuffix("_by_enrolment") for name in ds.data_vars if str(name).endswith("_by_enrolment")]
    curves = {name: _curves(ds, name) for name in measures}
    values = {name: ds[name].to_numpy() for name in measures}
    cap, found = ds["planned_maximum"].to_numpy(), {}
    for k, n in enumerate(ds["enrolment"].to_numpy() if measures else []):
        for d in np.flatnonzero(cap == n):
            for f in range(ds.sizes["family"]):
                if all(np.allclose(values[m][d], curves[m][f, k], rtol=0, atol=1e-9, equal_nan=True) for m in measures):
                    found[int(d)] = (f, k)
    return found


def _points(ds: xr.Dataset) -> list[Series]:
    """Return the designs outside the families."""
    size, right = ds["sample_size"].to_numpy(), 100 * ds["correct_selection"].to_numpy()
    members = _members(ds)
    found: list[Series] = []
    for d, name in enumerate(ds["design"].to_numpy()):
        if d not in members:
            look = {"color": INK, "linestyle": "none", "marker": MARKERS[len(found) % len(MARKERS)]}
            found.append(Series(str(name), size[d][None], right[d][None], np.ones(1), look))
    return found


def _large(ax: Axes, ds: xr.Dataset, lines: list[Series], points: list[Series], size: tuple[float, float]) -> None:
    """Draw the means over all scenarios, with their labels, on axes of a size in inches."""
    everything = np.arange(ds.sizes["scenario"])
    _draw(ax, lines, points, everything, 1.5)
    planned = int(ds.attrs.get("planned_enrolment", -1))
    marked = [np.array([float(planned)])] if planned > 0 else []
    ax.set_xlim(*_ends([*marked, *(s.x for s in lines), *(s.x.mean(axis=1) for s in points)]))
    percent_axis(ax, "y")
    ax.set_ylim(-SPARE, 100 + SPARE)
    ax.set_ylabel("correct selection (% of trials)")
    ax.set_xlabel(_x_label(lines))
    canvas = Canvas(ax, 72 * size[0], 72 * size[1])
    if planned > 0:
        canvas.taken.extend(_planned(ax, planned, canvas.width, canvas.height))
    _name(canvas, lines, points)


def _ends(sizes: list[FloatArray]) -> tuple[float, float]:
    """Return the ends of an axis that holds numbers of patients, with room for half a mark."""
    every = np.concatenate(sizes)
    spare = max(SPARE / 100 * np.ptp(every), 1 - np.ptp(every) / 2)
    return float(every.min() - spare), float(every.max() + spare)


def _draw(ax: Axes, lines: list[Series], points: list[Series], rows: np.ndarray, weight: float) -> None:
    """Draw lines and points, averaged over some scenarios."""
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True, min_n_ticks=1))
    for series in lines:
        y = series.y[:, rows].mean(axis=1)
        ax.plot(series.x, y, linewidth=weight, markersize=1.6 * weight, zorder=3, **series.look)
        own = series.own > 0
        ax.plot(series.x[own], y[own], linewidth=0, markersize=4.2 * weight**0.5, zorder=4, **series.look)
    for series in points:
        x, y = series.x[:, rows].mean(axis=1), series.y[:, rows].mean(axis=1)
        size = (7.5 if series.look["marker"] == "*" else 5.5) * weight**0.4
        ax.plot(x, y, markersize=size, markeredgecolor="white", markeredgewidth=0.4, zorder=5, **series.look)


def _valued(ds: xr.Dataset, series: Series, name: str, factor: int) -> Series:
    """Return a line or a point with another measure."""
    if series.look["linestyle"] == "none":  # a design
        y = ds[name].sel(design=series.name).to_numpy()[None]
        series = replace(series, x=np.full_like(series.x, series.x.mean()))  # where it is in the large panel
    else:
        curve = ds[f"{name}_by_enrolment"].sel(family=series.name, enrolment=series.x)
        y = curve.transpose("enrolment", "scenario").to_numpy()
    return replace(series, y=factor * y)


def _cost(ax: Axes, every: list[Series], lines: int) -> None:
    """Draw means over the scenarios where a measure is known: lines, then points."""
    known = ~np.isnan(every[0].y).all(axis=0)
    _draw(ax, every[:lines], every[lines:], np.flatnonzero(known), 1.0)
    top = max(1.1 * max(float(series.y[:, known].mean(axis=1).max()) for series in every), 1.0)
    ax.set_ylim(-SPARE / 100 * top, top)
    faint_grid(ax)


def _planned(ax: Axes, planned: int, wide: float, tall: float) -> list[Box]:
    """Mark the planned enrolment; return the boxes of the line and its label."""
    ax.axvline(planned, color=GREY, linewidth=0.8, linestyle=":", zorder=1)
    text = f"{planned} patients planned"
    width = text_width(text, SMALL)
    low, high = ax.get_xlim()
    at = (planned - low) / (high - low) * wide
    left = at + 3 if at + 3 + width < wide else at - 3 - width
    ax.annotate(text, (left, tall - 2), xycoords="axes points", size=SMALL, color=GREY, va="top")
    return [(left - 2, tall - 14, left + width + 2, tall), (at - 1.5, 0, at + 1.5, tall)]


def _name(canvas: Canvas, lines: list[Series], points: list[Series]) -> None:
    """Name the lines at their ends, and the points beside them; where there is no room, number the points."""
    room = 72 * (full_width() - LEFT) - canvas.width - 22
    column: list[End] = []
    for series, name in zip(lines, fitted([s.name for s in lines], room, bold=True), strict=True):
        y, look = series.y.mean(axis=1), {"size": NORMAL, "weight": "bold"}
        canvas.keep_off_line(series.x, y)
        column.append(End(name, series.x[-1], y[-1], NORMAL + 3, str(series.look["color"]), look))
    spots = [(float(series.x.mean()), float(series.y.mean())) for series in points]
    given = [series.name for series in points]
    names = fitted(given, 72 * 1.6, SMALL)
    texts = [f"{name}\nexpected {x:.1f} patients" for name, (x, _) in zip(names, spots, strict=True)]
    canvas.name_ends([*column, *canvas.name_marks(given, texts, spots, room)], 14, 6, 6)


def _small(ax: Axes, panel: Panel, lines: list[Series], points: list[Series]) -> None:
    """Draw one scenario, or the mean over those of a true MTD."""
    _draw(ax, lines, points, panel.rows, 0.9)
    faint_grid(ax, "y")
