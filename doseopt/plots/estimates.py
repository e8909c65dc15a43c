"""Expected posterior mean and interval of the DLT rates after each design, beside the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from doseopt.core.state import FloatArray
from doseopt.display.panels import Panel, doses, grouped, over, panels
from doseopt.plots.posterior import entry, key
from doseopt.plots.scenarios import ticks
from doseopt.plots.style import (
    FAINT,
    GREY,
    INK,
    LINES,
    NORMAL,
    SMALL,
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

COLOURS = (*(colour for colour, _, _ in LINES), "#4b2e83", GREY)
MARKERS = "os^DvPX*<>ph"


@styled
def estimates_figure(ds: xr.Dataset) -> Figure:
    """Draw the posterior mean and interval expected after each design, beside the true DLT rates.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.compare`. More than 12 scenarios are averaged by their true MTD.

    Returns
    -------
    Figure
    """
    shown, (labels, unit) = panels(ds), doses(ds)
    designs, count = ds.sizes["design"], ds.sizes["dose"]
    columns = min(len(shown), 3, max(1, int(400 / (2.9 * (designs + 2) * count))))
    rows = -(-len(shown) // columns)
    per_row = 4 if max(text_width(str(name), SMALL) for name in ds["design"].to_numpy()) < 80 else 2
    lines = -(-designs // per_row)
    truth = (
        "the true DLT rate"
        if not grouped(ds)
        else "the true DLT rate; all are means over the n scenarios with that true MTD"
    )
    subtitle = (
        f"Marker: expected posterior mean; line: expected 90% interval; at each dose in the order of the key. "
        f"Black bar: {truth}."
    )
    tall = 1.0 if columns == 1 else 1.3
    figure = new_figure(rows * tall + 0.16 * lines + 0.5, "What is known of the DLT rates after the trial", subtitle)
    grid = figure.add_gridspec(rows + 1, columns, height_ratios=[0.15 * lines, *[tall] * rows])
    first = figure.add_subplot(grid[1, 0])
    axes = [first] + [
        figure.add_subplot(grid[1 + k // columns, k % columns], sharex=first, sharey=first)
        for k in range(1, len(shown))
    ]
    mean, low, high = (
        100 * ds[f"posterior_{name}"].transpose("design", "scenario", "dose").to_numpy()
        for name in ("mean", "lower", "upper")
    )
    p = 100 * ds["p_dlt"].transpose("scenario", "dose").to_numpy()
    width = 0.92 * WIDTH * 72 / columns - 14
    titles = fitted([panel.title for panel in shown], width, NORMAL, bold=True)
    for k, (ax, panel) in enumerate(zip(axes, shown, strict=True)):
        _estimates(ax, panel, (over(mean, panel), over(low, panel), over(high, panel)), p[panel.rows].mean(axis=0))
        ax.set_title(titles[k], weight="bold")
        ax.tick_params(labelleft=k % columns == 0, labelbottom=k + columns >= len(shown))
        percent_axis(ax, "y", min(100.0, 25 * np.ceil(max(high.max(), p.max()) / 25 + 0.01)))
    first.set_xlim(-0.5, count - 0.5)
    first.set_xticks(range(count), ticks(labels, np.arange(count, dtype=float), width))
    first.tick_params(axis="x", length=0)
    names = fitted([str(name) for name in ds["design"].to_numpy()], 0.97 * WIDTH * 72 / per_row - 32, SMALL)
    handles = [entry(name, linewidth=0.9, **_look(d)) for d, name in enumerate(names)]
    key(figure.add_subplot(grid[0, :]), handles, -(-designs // lines))
    figure.supxlabel(unit if "dose" in unit else f"dose ({unit})", size=NORMAL)
    figure.supylabel("DLT rate (%)", size=NORMAL)
    return figure


def _look(d: int) -> dict[str, Any]:
    """Return colour and marker of a design; every other marker is hollow."""
    colour = COLOURS[d % len(COLOURS)]
    look = {"color": colour, "marker": MARKERS[(d + d // len(COLOURS)) % len(MARKERS)], "markersize": 3}
    return look | {"markerfacecolor": "white" if d % 2 else colour, "markeredgewidth": 0.7}


def _estimates(ax: Axes, panel: Panel, values: tuple[FloatArray, FloatArray, FloatArray], p: FloatArray) -> None:
    """Draw the designs side by side at each dose."""
    mean, low, high = values
    rows = np.arange(len(p))
    step = 1 / (len(mean) + 2)
    ax.vlines(rows[1:] - 0.5, 0, 100, colors=FAINT, linewidth=0.4, zorder=0)
    ax.hlines(p, rows - 0.5 + step / 2, rows + 0.5 - step / 2, colors=INK, linewidth=1.3, zorder=2)
    for d in range(len(mean)):
        x = rows + (d - (len(mean) - 1) / 2) * step
        look = _look(d)
        ax.vlines(x, low[d], high[d], colors=look["color"], linewidth=0.9, zorder=3)
        ax.plot(x, mean[d], linestyle="none", zorder=4, **look)
