"""Selection probabilities of each dose, scenario by scenario: stacked bars."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from doseopt.core.state import FloatArray
from doseopt.display.panels import Panel, doses, grouped, over, panels
from doseopt.plots.scaffold import BESIDE, Axes, Figure, below_beside, boxes, design_multiples, inside
from doseopt.plots.style import GREY, INK, NORMAL, SMALL, Colour, fitted, full_width, ink_on, ramp, styled, text_width

HATCH = "/////"
EDGE: dict[str, Any] = {"edgecolor": "#9a9a9a", "linewidth": 0.3}


@styled
def selection_figure(ds: xr.Dataset) -> Figure:
    """Draw how often each design selects none and each dose, a panel for each scenario.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.compare`. More than 12 scenarios are averaged by their true MTD.
    """
    shown = panels(ds)
    what = "the true MTD; mean over its n scenarios" if grouped(ds) else "the correct selection"
    subtitle = (
        f"Percent of trials. Framed, with the percentage where there is room: {what}; right of the frame: an overdose. "
        "Beside the bars: expected patients below the MTD."
    )
    heading = ("What each design selects as the MTD", subtitle)
    figure, (head, *axes), width = design_multiples(heading, ds, shown, bar=0.135, rest=0.75, key=0.2)
    _key(head, ds)
    values = np.concatenate([ds["no_selection"].to_numpy()[..., None], ds["selection"].to_numpy()], axis=-1) * 100
    below = ds["patients_below_mtd"].to_numpy()
    for ax, panel in zip(axes, shown, strict=True):
        _panel(ax, over(values, panel), panel, width / (1 + BESIDE / 100))
        below_beside(ax, over(below, panel))
    figure.supxlabel("selected in % of trials", size=NORMAL)
    return figure


def colours(count: int) -> list[Colour]:
    """Return a colour each for none (white) and the doses, darker and darker."""
    return [(1.0, 1.0, 1.0, 1.0), *ramp("YlGnBu", np.linspace(0.1, 0.82, count) if count > 1 else np.array([0.6]))]


def _panel(ax: Axes, values: FloatArray, panel: Panel, width: float) -> None:
    """Stack the bars of one panel; [design, none and doses] in percent."""
    low = np.arange(len(values)) - 0.4
    left = np.concatenate([np.zeros((len(values), 1)), values.cumsum(axis=1)], axis=1)
    for c, colour in enumerate(colours(values.shape[1] - 1)):
        hatch = HATCH if c == 0 else ""
        boxes(ax, left[:, c], low, values[:, c], 0.8, facecolors=colour, hatch=hatch, **EDGE)
        if panel.right[c]:
            frame: dict[str, Any] = {"facecolors": "none", "edgecolor": INK, "linewidth": 1.1, "zorder": 5}
            boxes(ax, left[:, c], low, values[:, c], 0.8, **frame)
            for d, value in enumerate(values[:, c]):
                if value / 100 * width > text_width(f"{value:.0f}", SMALL) + 4:
                    _part(ax, left[d, c] + value / 2, d, f"{value:.0f}", colour, hatch)


def _part(ax: Axes, x: float, y: float, text: str, colour: Colour, hatch: str) -> None:
    """Write on a part of a bar."""
    box = {"facecolor": "white", "edgecolor": "none", "pad": 0.3} if hatch else None
    inside(ax, x, y, text, color=ink_on(colour), bbox=box, zorder=4)


def _key(ax: Axes, ds: xr.Dataset) -> None:
    """Draw the key: one bar, each part named inside."""
    labels, unit = doses(ds)
    names = ["none", *labels]
    room = 0.7 * full_width() * 72 - text_width(unit, SMALL)
    widths = [max(text_width(name, SMALL) + 12, 30) for name in names]
    if sum(widths) > room:
        widths, least = [room / len(names)] * len(names), [text_width(name, SMALL) + 4 for name in names]
        if widths[0] < max(least) and sum(least) < room:
            widths = [width + (room - sum(least)) / len(names) for width in least]
        else:
            names = fitted(names, widths[0] - 4, SMALL)
    start = 0.0
    for k, (name, width, colour) in enumerate(zip(names, widths, colours(len(labels)), strict=True)):
        hatch = HATCH if k == 0 else ""
        ax.barh(0, width, 1, start, color=colour, hatch=hatch, **EDGE)
        _part(ax, start + width / 2, 0, name, colour, hatch)
        start += width
    ax.text(start + 5, 0, unit, size=SMALL, color=GREY, va="center_baseline")
    ax.set_xlim(0, 0.74 * full_width() * 72)  # what the longest names of designs leave
    ax.set_ylim(-0.5, 0.5)
    ax.set_axis_off()
