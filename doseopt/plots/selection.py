"""Selection probabilities of each dose, scenario by scenario: stacked bars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from doseopt.core.state import FloatArray
from doseopt.display.panels import Panel, doses, grouped, over, panels
from doseopt.plots.style import GREY, INK, NORMAL, SMALL, WIDTH, fitted, new_figure, percent_axis, styled, text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

type Colour = tuple[float, float, float, float]
HATCH = "/////"
EDGE: dict[str, Any] = {"edgecolor": "#9a9a9a", "linewidth": 0.3}
BAR = 0.135
"""Inches a design takes."""


@styled
def selection_figure(ds: xr.Dataset) -> Figure:
    """Draw how often each design selects none and each dose, a panel for each scenario.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.compare`. More than 12 scenarios are averaged by their true MTD.

    Returns
    -------
    Figure
    """
    shown = panels(ds)
    columns = min(4, len(shown))
    rows = -(-len(shown) // columns)
    designs = ds.sizes["design"]
    bars = max(designs * BAR, 0.4)
    what = "the true MTD; mean over its n scenarios" if grouped(ds) else "the correct selection"
    subtitle = f"Percent of trials. Framed, with the percentage where there is room: {what}."
    figure = new_figure(rows * (bars + 0.34) + 0.75, "What each design selects as the MTD", subtitle)
    grid = figure.add_gridspec(rows + 1, columns, height_ratios=[0.2, *[bars] * rows])
    first = figure.add_subplot(grid[1, 0])
    axes = [first] + [
        figure.add_subplot(grid[1 + k // columns, k % columns], sharex=first, sharey=first)
        for k in range(1, len(shown))
    ]
    _key(figure.add_subplot(grid[0, :]), ds)
    values = np.concatenate([ds["no_selection"].to_numpy()[..., None], ds["selection"].to_numpy()], axis=-1) * 100
    names = fitted([str(name) for name in ds["design"].to_numpy()], 0.21 * WIDTH * 72, SMALL)
    width = (0.97 * WIDTH * 72 - max(text_width(name, SMALL) for name in names)) / columns - 8
    titles = fitted([panel.title for panel in shown], width, NORMAL, bold=True)
    for k, (ax, panel) in enumerate(zip(axes, shown, strict=True)):
        _panel(ax, over(values, panel), panel, width)
        ax.set_title(titles[k], weight="bold")
        ax.tick_params(labelleft=k % columns == 0, labelbottom=k // columns == rows - 1, left=False)
    first.set_yticks(range(designs), names)
    first.set_ylim(designs - 0.4, -0.6)
    figure.supxlabel("selected in % of trials", size=NORMAL)
    return figure


def colours(count: int) -> list[Colour]:
    """Return a colour each for none (white) and the doses, darker and darker."""
    from matplotlib import colormaps

    ramp = colormaps["YlGnBu"](np.linspace(0.1, 0.82, count)) if count > 1 else colormaps["YlGnBu"]([0.6])
    return [(1.0, 1.0, 1.0, 1.0), *((float(r), float(g), float(b), 1.0) for r, g, b, _ in ramp)]


def ink_on(colour: Colour) -> str:
    """Return black or white, whichever reads better on a colour."""
    return INK if np.dot(colour[:3], (0.299, 0.587, 0.114)) > 0.5 else "white"


def _panel(ax: Axes, values: FloatArray, panel: Panel, width: float) -> None:
    """Stack the bars of one panel; [design, none and doses] in percent."""
    position = np.arange(len(values))
    left = np.concatenate([np.zeros((len(values), 1)), values.cumsum(axis=1)], axis=1)
    for c, colour in enumerate(colours(values.shape[1] - 1)):
        hatch = HATCH if c == 0 else ""
        ax.barh(position, values[:, c], 0.8, left[:, c], color=colour, hatch=hatch, **EDGE)
        if panel.right[c]:
            ax.barh(position, values[:, c], 0.8, left[:, c], color="none", edgecolor=INK, linewidth=1.1, zorder=5)
            for d, value in enumerate(values[:, c]):
                if value / 100 * width > text_width(f"{value:.0f}", SMALL) + 4:
                    _inside(ax, left[d, c] + value / 2, d, f"{value:.0f}", colour, hatch)
    percent_axis(ax, "x", 100, 50)
    ax.set_xticks([0, 50, 100])
    first, _, last = ax.get_xticklabels()
    first.set_horizontalalignment("left")
    last.set_horizontalalignment("right")
    ax.spines["left"].set_visible(False)


def _inside(ax: Axes, x: float, y: float, text: str, colour: Colour, hatch: str) -> None:
    """Write on a part of a bar."""
    box = {"facecolor": "white", "edgecolor": "none", "pad": 0.3} if hatch else None
    ax.text(x, y, text, size=SMALL, color=ink_on(colour), ha="center", va="center_baseline", bbox=box, zorder=4)


def _key(ax: Axes, ds: xr.Dataset) -> None:
    """Draw the key: one bar, each part named inside."""
    labels, unit = doses(ds)
    names = ["none", *labels]
    room = 0.7 * WIDTH * 72 - text_width(unit, SMALL)
    widths = [max(text_width(name, SMALL) + 12, 30) for name in names]
    if sum(widths) > room:
        widths = [room / len(names)] * len(names)
        names = fitted(names, widths[0] - 4, SMALL)
    start = 0.0
    for k, (name, width, colour) in enumerate(zip(names, widths, colours(len(labels)), strict=True)):
        hatch = HATCH if k == 0 else ""
        ax.barh(0, width, 1, start, color=colour, hatch=hatch, **EDGE)
        _inside(ax, start + width / 2, 0, name, colour, hatch)
        start += width
    ax.text(start + 5, 0, unit, size=SMALL, color=GREY, va="center_baseline")
    ax.set_xlim(0, 0.74 * WIDTH * 72)  # what the longest names of designs leave
    ax.set_ylim(-0.5, 0.5)
    ax.set_axis_off()
