"""Each design beside the complete-information benchmark: how far correct selection is from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from doseopt.core.state import FloatArray
from doseopt.display.panels import grouped, over, panels
from doseopt.plots.style import (
    BLUE,
    GREY,
    NORMAL,
    SMALL,
    VERMILLION,
    WIDTH,
    fitted,
    new_figure,
    percent_axis,
    styled,
    text_width,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW = 0.135
"""Inches a design takes."""


@styled
def benchmark_figure(ds: xr.Dataset) -> Figure:
    """Draw correct selection of each design and of the benchmark with as many patients, a panel for each scenario.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.compare`, with a scenario where the benchmark is known. More than 12 are averaged by their true MTD.

    Returns
    -------
    Figure
    """
    known = ds["benchmark_correct_selection"].notnull().all("design").to_numpy()
    shown = [panel for panel in panels(ds) if known[panel.rows].all()]
    columns = min(4, len(shown))
    rows = -(-len(shown) // columns)
    designs = ds.sizes["design"]
    height = max(designs * ROW, 0.4)
    whose = "; mean over the n scenarios with that true MTD" if grouped(ds) else ""
    subtitle = (
        f"Correct selection, % of trials{whose}. Dot: the design. Bar: the benchmark with the design's expected number "
        "of patients. Not shown where no dose is correct; no bound for designs that use prior information."
    )
    figure = new_figure(rows * (height + 0.34) + 0.35, "Designs beside the complete-information benchmark", subtitle)
    names = fitted([str(name) for name in ds["design"].to_numpy()], 0.21 * WIDTH * 72, SMALL)
    width = (0.97 * WIDTH * 72 - max(text_width(name, SMALL) for name in names)) / columns - 8
    titles = fitted([panel.title for panel in shown], width, NORMAL, bold=True)
    first = figure.add_subplot(rows, columns, 1)
    for k, panel in enumerate(shown):
        ax = first if k == 0 else figure.add_subplot(rows, columns, k + 1, sharex=first, sharey=first)
        values = [100 * ds[name].to_numpy() for name in ("correct_selection", "benchmark_correct_selection")]
        _panel(ax, *(over(value, panel) for value in values))
        ax.set_title(titles[k], weight="bold")
        ax.tick_params(labelleft=k % columns == 0, labelbottom=k + columns >= len(shown), left=False)
    first.set_yticks(range(designs), names)
    first.set_ylim(designs - 0.4, -0.6)
    figure.supxlabel("correct selection in % of trials", size=NORMAL)
    return figure


def _panel(ax: Axes, design: FloatArray, benchmark: FloatArray) -> None:
    """Draw dots and bars, [design] in percent; the line between says which way the distance goes."""
    row = np.arange(len(design))
    for d, (value, best) in enumerate(zip(design, benchmark, strict=True)):
        behind = value < best
        ax.plot([value, best], [d, d], color=VERMILLION if behind else GREY, linewidth=1.2, linestyle="-", zorder=2)
    ax.plot(benchmark, row, "|", color=GREY, markersize=6, markeredgewidth=1.6, zorder=3, clip_on=False)
    ax.plot(design, row, "o", color=BLUE, markersize=3.2, zorder=4, clip_on=False)
    percent_axis(ax, "x", 100, 50)
    ax.set_xticks([0, 50, 100])
    first, _, last = ax.get_xticklabels()
    first.set_horizontalalignment("left")
    last.set_horizontalalignment("right")
    ax.spines["left"].set_visible(False)
