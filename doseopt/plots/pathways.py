"""Dose transition pathways as a tree, read from left to right."""

from __future__ import annotations

import numpy as np
import xarray as xr

from doseopt.core.state import FloatArray
from doseopt.display.panels import doses
from doseopt.plots.scaffold import Axes, Figure, inside, new_figure
from doseopt.plots.selection import colours
from doseopt.plots.style import GREY, SMALL, Colour, fitted, full_width, ink_on, styled, text_width

MOST, DEEPEST = 100, 6
"""Paths and cohorts that are drawn; of more, the first cohorts only."""
ROW, GAP = 0.125, 0.3
"""Inches: height of a path; between the boxes of two cohorts, as a share of a column."""
HEAD, NUMBER = 2.2, 24.0
"""Rows above the first path; points for a probability."""


@styled
def paths_figure(ds: xr.Dataset) -> Figure:
    """Draw the pathways: a box for each dose given, a line for each number of DLTs, the probabilities at the ends.

    Parameters
    ----------
    ds : Dataset
        Of `conduct.paths`. Of more than 100 paths or 6 cohorts the first cohorts are drawn only.
    """
    whole = int(ds["depth"].max())
    ds = _drawable(ds)
    depth = int(ds["depth"].max())
    place = _places(ds)
    rows = float(place.max()) + 1 + HEAD
    weights = f"scenario {ds.attrs['scenario']}" if ds.attrs["scenario"] else "the posterior predictive"
    right = "" if bool(ds["probability"].isnull().any()) else f" Right: probability (%) under {weights}."
    only = f" Drawn: the first {depth} of {whole} cohorts." if depth < whole else ""
    subtitle = (
        f"So far: {ds.attrs['outcomes'] or 'no patient'}. Boxes: dose of the next cohort ({doses(ds)[1]}), or stop "
        f"with the MTD. On the lines: patients with a DLT.{right}{only}"
    )
    figure = new_figure(rows * ROW + 0.1, f"Dose transition pathways of {ds.attrs['design']}", subtitle)
    ax = figure.add_subplot()
    ax.set_axis_off()
    column = ((full_width() - 0.2) * 72 - NUMBER) / (depth + 1 - GAP)
    ax.set_xlim(-0.01, depth + 1 - GAP + NUMBER / column)
    ax.set_ylim(rows - HEAD - 0.4, -HEAD)
    _draw(ax, ds, place, column)
    return figure


def _drawable(ds: xr.Dataset) -> xr.Dataset:
    """Return the tree cut to so many cohorts that it has at most so many paths; the next cohort is always in it."""
    depth, parent = ds["depth"].to_numpy(), ds["parent"].to_numpy()
    for most in range(min(int(depth.max()), DEEPEST), 0, -1):
        kept = depth <= most
        leaf = ~np.isin(np.arange(len(depth)), parent[kept])
        if (leaf & kept).sum() <= MOST or most == 1:
            return ds.assign(leaf=("node", leaf)).isel(node=kept)
    return ds


def _places(ds: xr.Dataset) -> FloatArray:
    """Return the height of each node: the leaves one below the other, any other node midway among its children."""
    parent, leaf = ds["parent"].to_numpy(), ds["leaf"].to_numpy()
    children: dict[int, list[int]] = {}
    for node, above in enumerate(parent.tolist()):
        children.setdefault(above, []).append(node)
    place, waiting, row = np.zeros(len(parent)), [0], 0
    while waiting:
        node = waiting.pop()
        if leaf[node]:
            place[node] = row
            row += 1
        waiting += reversed(children.get(node, []))
    for node in range(len(parent) - 1, -1, -1):
        if not leaf[node]:
            below = place[children[node]]
            place[node] = (below[0] + below[-1]) / 2
    return place


def _draw(ax: Axes, ds: xr.Dataset, place: FloatArray, column: float) -> None:
    """Draw boxes, lines and numbers; a column is so many points wide."""
    depth, parent, level, mtd, moderate = (
        ds[name].to_numpy().tolist() for name in ("depth", "parent", "level", "mtd", "moderate")
    )
    dlts, chance, leaf = (ds[name].to_numpy().tolist() for name in ("dlts", "probability", "leaf"))
    size, width = ds["size"].to_numpy().tolist(), 1 - GAP
    labels = fitted(doses(ds)[0], column * width - 4 - text_width("stop: ", SMALL), SMALL)
    ramp = colours(ds.sizes["dose"])
    words = [
        f"{size[i]} at {labels[level[i] - 1]}" if level[i] else f"stop: {labels[mtd[i] - 1] if mtd[i] else 'none'}"
        for i in range(len(level))
    ]
    for i, (x, y) in enumerate(zip(depth, place.tolist(), strict=True)):
        if parent[i] >= 0:
            start = place[parent[i]]
            ax.plot([x - GAP, x - 0.65 * GAP, x], [start, y, y], color=GREY, linewidth=0.5, zorder=1)
            count = f"{dlts[i]}+{moderate[i]}" if moderate[i] else f"{dlts[i]}"
            inside(ax, x - 0.3 * GAP, y, count, bbox=_PAPER, zorder=2)
        _box(ax, x, y, width, words[i], ramp[level[i]])
        if leaf[i] and parent[i] >= 0 and chance[i] == chance[i]:
            text = f"{100 * chance[i]:.1f}" if chance[i] >= 0.0005 else "<0.1"
            inside(ax, x + width + 21 / column, y, text, ha="right")
    for k in range(max(depth) + 1):
        text = f"cohort {k + 1}" if k < max(depth) else "then"
        inside(ax, k + width / 2, -1.3, text, color=GREY)


_PAPER = {"facecolor": "white", "edgecolor": "none", "pad": 0.4}


def _box(ax: Axes, x: float, y: float, width: float, text: str, colour: Colour) -> None:
    from matplotlib.patches import Rectangle

    ax.add_patch(Rectangle((x, y - 0.44), width, 0.88, facecolor=colour, edgecolor=GREY, linewidth=0.4, zorder=2))
    inside(ax, x + width / 2, y, text, color=ink_on(colour), zorder=3)
