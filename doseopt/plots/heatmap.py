"""Correct and overdose selection, and patients below the MTD, at a glance: heat maps with their numbers."""

from __future__ import annotations

import numpy as np
import xarray as xr

from doseopt.core.state import FloatArray
from doseopt.core.text import counted
from doseopt.display.panels import grouped, panels
from doseopt.measures.expected import mean_of_known
from doseopt.plots.scaffold import Axes, Figure, boxes, inside, name_rows, names_of, new_figure
from doseopt.plots.style import NORMAL, SMALL, by_page, fitted, full_width, ink_on, styled, text_width

ROW = 0.175
"""Inches a design takes."""


@styled
def heatmap_figure(ds: xr.Dataset) -> Figure:
    """Draw correct and overdose selection and patients below the MTD, a row a design, a column a scenario; and means.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.compare`. More than 12 scenarios are averaged by their true MTD.
    """
    shown = panels(ds)
    designs, several = ds.sizes["design"], ds.sizes["scenario"] > 1
    titles = fitted([panel.title for panel in shown], 90, SMALL)
    below = ds["patients_below_mtd"].to_numpy()
    known = ~np.isnan(below).all(axis=0)
    means = f"mean over the {counted(ds.sizes['scenario'], 'scenario')}"
    if not known.all():
        means += f", of patients below the MTD over the {known.sum()} in which a dose is right"
    subtitle = f"Last column: {means}."
    if grouped(ds):
        titles = [title.replace(" (", "\n(") for title in titles]
        subtitle += " Other columns: mean over the n scenarios with that true MTD."
    widest = max(text_width(line, SMALL) for title in titles for line in title.split("\n"))
    upright = widest > 0.7 * full_width() * 72 / (len(shown) + 1.25) - 6
    room = (widest if upright else 2 * SMALL) / 72
    heading = "Correct and overdose selection, and patients below the MTD", subtitle if several else "In one scenario."
    above, end = by_page((0.32, " "), (0.46, "\n"))
    figure = new_figure(3 * (designs * ROW + above) + room + 0.3, *heading)
    axes = figure.subplots(3, 1, sharex=True)
    correct, overdose = (100 * ds[name].to_numpy() for name in ("correct_selection", "overdose_selection"))
    maps = (
        (correct, "Correct selection (% of trials): darker is better", "Blues", 100.0, 0),
        (overdose, "Overdose selection (% of trials): darker is worse", "Oranges", 100.0, 0),
        (
            below,
            "Patients below the MTD (expected): darker is worse",
            "Purples",
            max(1.0, np.nan_to_num(below).max()),
            1,
        ),
    )
    for ax, (values, title, *look) in zip(axes, maps, strict=True):
        each = np.column_stack([mean_of_known(values[:, panel.rows], 1) for panel in shown])
        _map(ax, each, mean_of_known(values, 1) if several else None, *look)
        ax.set_title(title.replace(": ", f":{end}"), weight="bold", size=NORMAL)
        name_rows(ax, names_of(ds), 0.24, above=0.5, below=0.5)
        ax.tick_params(labelbottom=False)
    ticks = [*enumerate(titles), *([(len(shown) + 0.25, "mean")] if several else [])]
    axes[-1].set_xticks([x for x, _ in ticks], [text for _, text in ticks], rotation=90 if upright else 0)
    axes[-1].set_xlabel("true MTD of the scenarios" if grouped(ds) else "scenario")
    axes[-1].tick_params(labelbottom=True)
    return figure


def _map(ax: Axes, values: FloatArray, mean: FloatArray | None, name: str, top: float, digits: int) -> None:
    """Draw the cells, of values up to `top`, and apart from them the mean."""
    from matplotlib import colormaps

    colours = colormaps[name]
    count = values.shape[1]
    columns: list[tuple[float, FloatArray]] = [(c, values[:, c]) for c in range(count)]
    columns += [] if mean is None else [(count + 0.25, mean)]
    for c, column in columns:
        shades = colours(0.03 + 0.92 * np.nan_to_num(column) / top)
        boxes(ax, c - 0.5, np.arange(len(column)) - 0.5, 1, 1, facecolors=shades, edgecolor="white", linewidth=0.8)
        for d, (value, shade) in enumerate(zip(column, shades, strict=True)):
            inside(ax, c, d, "–" if np.isnan(value) else f"{value:.{digits}f}", color=ink_on(shade))
    ax.set_xlim(-0.5, columns[-1][0] + 0.5)
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)
