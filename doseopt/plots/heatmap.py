"""Correct and overdose selection at a glance: two heat maps with their numbers."""

from __future__ import annotations

import numpy as np
import xarray as xr

from doseopt.core.state import FloatArray
from doseopt.core.text import counted
from doseopt.display.panels import grouped, over, panels
from doseopt.plots.scaffold import Axes, Figure, boxes, inside, name_rows, names_of, new_figure
from doseopt.plots.style import NORMAL, SMALL, WIDTH, fitted, ink_on, styled, text_width

ROW = 0.175
"""Inches a design takes."""


@styled
def heatmap_figure(ds: xr.Dataset) -> Figure:
    """Draw correct and overdose selection of each design (row) in each scenario (column), and the mean.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.compare`. More than 12 scenarios are averaged by their true MTD.
    """
    shown = panels(ds)
    designs, several = ds.sizes["design"], ds.sizes["scenario"] > 1
    titles = fitted([panel.title for panel in shown], 90, SMALL)
    subtitle = f"Percent of trials; last column: mean over the {counted(ds.sizes['scenario'], 'scenario')}."
    if grouped(ds):
        titles = [title.replace(" (", "\n(") for title in titles]
        subtitle += " Other columns: mean over the n scenarios with that true MTD."
    widest = max(text_width(line, SMALL) for title in titles for line in title.split("\n"))
    upright = widest > 0.7 * WIDTH * 72 / (len(shown) + 1.25) - 6
    room = (widest if upright else 2 * SMALL) / 72
    title = "Correct and overdose selection"
    figure = new_figure(2 * (designs * ROW + 0.32) + room + 0.3, title, subtitle if several else "Percent of trials.")
    axes = figure.subplots(2, 1, sharex=True)
    for ax, name, title, colours in (
        (axes[0], "correct_selection", "Correct selection (%): darker is better", "Blues"),
        (axes[1], "overdose_selection", "Overdose selection (%): darker is worse", "Oranges"),
    ):
        values = 100 * ds[name].to_numpy()
        each = np.column_stack([over(values, panel) for panel in shown])
        _map(ax, each, values.mean(axis=1) if several else None, colours)
        ax.set_title(title, weight="bold", size=NORMAL)
        name_rows(ax, names_of(ds), 0.24, above=0.5, below=0.5)
    ticks = [*enumerate(titles), *([(len(shown) + 0.25, "mean")] if several else [])]
    axes[1].set_xticks([x for x, _ in ticks], [text for _, text in ticks], rotation=90 if upright else 0)
    axes[1].set_xlabel("true MTD of the scenarios" if grouped(ds) else "scenario")
    axes[0].tick_params(labelbottom=False)
    return figure


def _map(ax: Axes, values: FloatArray, mean: FloatArray | None, name: str) -> None:
    """Draw the cells, and apart from them the mean."""
    from matplotlib import colormaps

    colours = colormaps[name]
    count = values.shape[1]
    columns: list[tuple[float, FloatArray]] = [(c, values[:, c]) for c in range(count)]
    columns += [] if mean is None else [(count + 0.25, mean)]
    for c, column in columns:
        shades = colours(0.03 + 0.92 * column / 100)
        boxes(ax, c - 0.5, np.arange(len(column)) - 0.5, 1, 1, facecolors=shades, edgecolor="white", linewidth=0.8)
        for d, (value, shade) in enumerate(zip(column, shades, strict=True)):
            inside(ax, c, d, f"{value:.0f}", color=ink_on(shade))
    ax.set_xlim(-0.5, columns[-1][0] + 0.5)
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)
