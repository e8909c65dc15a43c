"""Expected posterior mean and interval of the DLT rates after each design, beside the truth."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from doseopt.core.state import FloatArray
from doseopt.display.panels import doses, grouped, over, panels
from doseopt.plots.scaffold import Axes, Figure, dose_label, draw_key, entry, names_of, percent_axis, small_multiples
from doseopt.plots.scenarios import ticks
from doseopt.plots.style import FAINT, GREY, INK, LINES, NORMAL, SMALL, WIDTH, fitted, styled, text_width

COLOURS = (*(colour for colour, _, _ in LINES), "#4b2e83", GREY)
MARKERS = "os^DvPX*<>ph"


@styled
def estimates_figure(ds: xr.Dataset) -> Figure:
    """Draw the posterior mean and interval expected after each design, beside the true DLT rates.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.compare`. More than 12 scenarios are averaged by their true MTD.
    """
    shown, (labels, unit) = panels(ds), doses(ds)
    designs, count = ds.sizes["design"], ds.sizes["dose"]
    columns = min(len(shown), 3, max(1, int(400 / (2.9 * (designs + 2) * count))))
    per_row = 4 if max(text_width(name, SMALL) for name in names_of(ds)) < 80 else 2
    lines, tall = -(-designs // per_row), 1.0 if columns == 1 else 1.3
    means = "; all are means over the n scenarios with that true MTD" if grouped(ds) else ""
    subtitle = (
        "Marker: expected posterior mean; line: expected 90% interval; at each dose in the order of the key. "
        f"Black bar: the true DLT rate{means}."
    )
    heading, titles = ("What is known of the DLT rates after the trial", subtitle), [panel.title for panel in shown]
    width = 0.92 * WIDTH * 72 / columns - 14
    size: dict[str, Any] = {"row": tall, "rest": 0.16 * lines + 0.5, "key": 0.15 * lines}
    figure, (head, *axes) = small_multiples(heading, titles, columns, width, **size, ragged=True)
    mean, low, high = (
        100 * ds[f"posterior_{name}"].transpose("design", "scenario", "dose").to_numpy()
        for name in ("mean", "lower", "upper")
    )
    p = 100 * ds["p_dlt"].transpose("scenario", "dose").to_numpy()
    for ax, panel in zip(axes, shown, strict=True):
        _panel(ax, (over(mean, panel), over(low, panel), over(high, panel)), p[panel.rows].mean(axis=0))
        percent_axis(ax, "y", min(100.0, 25 * np.ceil(max(high.max(), p.max()) / 25 + 0.01)))
    axes[0].set_xlim(-0.5, count - 0.5)
    axes[0].set_xticks(range(count), ticks(labels, np.arange(count, dtype=float), width))
    axes[0].tick_params(axis="x", length=0)
    names = fitted(names_of(ds), 0.97 * WIDTH * 72 / per_row - 32, SMALL)
    handles = [entry(name, linewidth=0.9, **_look(d)) for d, name in enumerate(names)]
    draw_key(head, handles, -(-designs // lines))
    figure.supxlabel(dose_label(unit), size=NORMAL)
    figure.supylabel("DLT rate (%)", size=NORMAL)
    return figure


def _look(d: int) -> dict[str, Any]:
    """Return colour and marker of a design; every other marker is hollow."""
    colour = COLOURS[d % len(COLOURS)]
    look = {"color": colour, "marker": MARKERS[(d + d // len(COLOURS)) % len(MARKERS)], "markersize": 3}
    return look | {"markerfacecolor": "white" if d % 2 else colour, "markeredgewidth": 0.7}


def _panel(ax: Axes, values: tuple[FloatArray, FloatArray, FloatArray], p: FloatArray) -> None:
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
