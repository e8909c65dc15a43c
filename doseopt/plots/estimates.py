"""Expected posterior mean of the DLT rates after each design, with the means of its quantiles, beside the truth."""

from __future__ import annotations

import numpy as np
import xarray as xr

from doseopt.core.state import FloatArray
from doseopt.display.panels import doses, in_print
from doseopt.plots.scaffold import SIDES, Axes, Figure, names_of, new_figure, percent_axis, rows_of
from doseopt.plots.style import BLUE, FAINT, INK, NORMAL, SMALL, by_page, fitted, full_width, styled, text_width

MOST_COLUMNS = 7, 4
"""Doses beside each other, in print and on a phone."""
BAR, TITLE, HEAD = 0.12, 0.44, 0.15
"""Inches: a design, what stands above and below a panel, the name of a scenario."""


@styled
def estimates_figure(ds: xr.Dataset) -> Figure:
    """Draw what is expected of the posterior of each dose, a panel, after each design, a row, beside the true rate.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.compare`. Of more than three scenarios those of `in_print` are shown.
    """
    shown, (labels, unit) = in_print(ds), doses(ds)
    count = len(labels)
    rows = -(-count // by_page(*MOST_COLUMNS))
    across = -(-count // rows)
    names = fitted(names_of(ds), 0.21 * full_width() * 72, SMALL)
    tall = max(len(names) * BAR, 0.3) + TITLE
    few = "" if len(shown) == ds.sizes["scenario"] else f" {len(shown)} of {ds.sizes['scenario']} scenarios."
    subtitle = (
        "Point: expected posterior mean; line: from the mean of its 5% to the mean of its 95% quantiles; upright: the "
        f"true DLT rate. At each dose{f' ({unit})' if 'dose' not in unit else ''}.{few}"
    )
    figure = new_figure(len(shown) * (rows * tall + HEAD) + 0.25, "Posterior DLT rates at each dose", subtitle)
    grid = figure.add_gridspec(len(shown) * (1 + rows), across, height_ratios=[HEAD, *[tall] * rows] * len(shown))
    width = (0.97 * full_width() * 72 - max(text_width(name, SMALL) for name in names)) / across - 8
    titles = fitted(labels, width, NORMAL, bold=True)
    truth = 100 * ds["p_dlt"].transpose("scenario", "dose").to_numpy()
    values = [
        100 * ds[f"posterior_{name}"].transpose("scenario", "dose", "design").to_numpy()
        for name in ("mean", "lower", "upper")
    ]
    scenarios = fitted(names_of(ds, "scenario"), 0.95 * full_width() * 72, NORMAL, bold=True)
    for k, s in enumerate(shown):
        top = k * (1 + rows)
        head = figure.add_subplot(grid[top, :])
        head.set_axis_off()
        head.text(0, 0.2, scenarios[s], weight="bold", va="bottom", transform=head.transAxes)
        for j, title in enumerate(titles):
            named = j % across == 0
            ax = figure.add_subplot(grid[top + 1 + j // across, j % across])
            ax.set_title(f"{title}\ntrue {truth[s, j]:.0f}%", linespacing=1.1)
            _panel(ax, truth[s, j], *(value[s, j] for value in values))
            rows_of(ax, names, named)
            ax.tick_params(labelbottom=j + across >= count)
    figure.supxlabel("DLT rate (%)", size=NORMAL)
    return figure


def _panel(ax: Axes, truth: float, mean: FloatArray, low: FloatArray, high: FloatArray) -> None:
    """Draw the designs at one dose, the first at the top."""
    rows = np.arange(len(mean))
    percent_axis(ax, "x")
    ax.set_xticks([0, 50, 100])
    for label, side in zip(ax.get_xticklabels(), SIDES, strict=True):
        label.set_horizontalalignment(side)
    ax.hlines(rows, 0, 100, colors=FAINT, linewidth=0.3, zorder=0)
    ax.axvline(truth, color=INK, linewidth=1.1, zorder=2)
    ax.hlines(rows, low, high, colors=BLUE, linewidth=1.1, zorder=3)
    ax.plot(mean, rows, "o", color=BLUE, markersize=3, markeredgecolor="white", markeredgewidth=0.4, zorder=4)
