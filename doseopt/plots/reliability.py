"""What the posterior says of the declared dose against what is true, a panel a design."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from doseopt.core.state import FloatArray
from doseopt.measures.reliability import EVENTS, pooled
from doseopt.plots.scaffold import Axes, Figure, draw_key, entry, faint_grid, names_of, percent_axis, small_multiples
from doseopt.plots.style import BLUE, FAINT, VERMILLION, by_page, full_width, styled

ACROSS, ROW = (4, 3), 1.0
"""Panels beside each other in print (of these what leaves the fewest places empty); inches of one."""
LOOKS = {"right": (BLUE, "o"), "over": (VERMILLION, "s")}
LARGEST = 70.0
"""Square points of a mark that stands for all declarations."""
LEAST = 0.002
"""Share of the declarations below which there is no mark."""


@styled
def reliability_figure(ds: xr.Dataset) -> Figure:
    """Draw in bins of ten percent how often what the posterior says of the declared dose is true.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.compare` with posteriors; its scenarios count the same.
    """
    names, values = names_of(ds), pooled(ds)
    subtitle = (
        "Of the declarations in which the posterior gives a probability in a bin of ten percent: mean of what it says "
        "(across), and in how many of them it is true (up), all scenarios together; area: how many. On the line what "
        "is said is true."
    )
    fullest = min(ACROSS, key=lambda columns: -len(names) % columns)
    across = min(by_page(fullest, 2), len(names))
    width = (full_width() * 72 - 30) / across - 20
    heading = ("Said of the dose declared, and true", subtitle)
    size: dict[str, Any] = {"row": ROW, "gap": 0.34, "rest": 0.42, "key": 0.2}
    figure, (head, *axes) = small_multiples(heading, names, across, width, ragged=True, **size)
    key = [entry(text, color=LOOKS[event][0], marker=LOOKS[event][1], linestyle="") for event, text in EVENTS.items()]
    draw_key(head, key, len(key))
    for d, ax in enumerate(axes):
        _panel(ax, *(value[d] for value in values))
        if d % across == 0:
            ax.set_ylabel("true (%)")
        if d >= len(axes) - across:
            ax.set_xlabel("said (%)")
    return figure


def _panel(ax: Axes, share: FloatArray, said: FloatArray, true: FloatArray) -> None:
    """Draw one design's bins, [event, bin]."""
    percent_axis(ax, "x", 100, 50)
    percent_axis(ax, "y", 100, 50)
    faint_grid(ax)
    ax.plot([0, 100], [0, 100], color=FAINT, linewidth=0.8, zorder=1)
    for k, (colour, marker) in enumerate(LOOKS.values()):
        kept = np.nan_to_num(share[k]) > LEAST
        size = LARGEST * share[k][kept]
        x, y = 100 * said[k][kept], 100 * true[k][kept]
        ax.plot(x, y, color=colour, linewidth=0.6, alpha=0.6, zorder=2)
        ax.scatter(x, y, s=np.maximum(size, 3), c=colour, marker=marker, linewidths=0, zorder=3, clip_on=False)
