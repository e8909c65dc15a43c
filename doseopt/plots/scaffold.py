"""Scaffolds of figures: small multiples, rows with their names at the left, notes beside marks, and a key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import xarray as xr

from doseopt.display.panels import Panel
from doseopt.plots.style import NORMAL, SMALL, WIDTH, fitted, new_figure, percent_axis, text_width

if TYPE_CHECKING:
    import matplotlib.axes
    import matplotlib.figure

type Axes = matplotlib.axes.Axes
type Figure = matplotlib.figure.Figure
type Heading = tuple[str, str]
"""Title and subtitle of a figure."""


def names_of(ds: xr.Dataset, dim: str = "design") -> list[str]:
    """Return the names along a dimension."""
    return [str(name) for name in ds[dim].to_numpy()]


def dose_label(unit: str, more: str = "") -> str:
    """Return what an axis of doses is called."""
    return unit if "dose" in unit else f"dose ({unit}{more})"


def small_multiples(
    heading: Heading,
    titles: Sequence[str],
    columns: int,
    width: float,
    *,
    row: float,
    gap: float = 0.0,
    rest: float,
    key: float = 0.0,
    shared: Literal["all", "rows", "none"] = "all",
    ragged: bool = False,
) -> tuple[Figure, list[Axes]]:
    """Return a figure of panels, row by row, with their titles.

    Parameters
    ----------
    heading : (str, str)
    titles : sequence of str
        Of the panels.
    columns : int
    width : float
        Points of a panel, to which its title is cut.
    row, gap, rest, key : float
        Inches: a panel, what is between panels, everything else; a key above them, whose axes are then the first.
    shared : {"all", "rows", "none"}
        The scales that all panels have of the first, numbered at the left and at the foot only.
    ragged : bool
        Whether a column that ends earlier has numbers at its own foot, not only the last row.
    """
    rows, above = -(-len(titles) // columns), int(key > 0)
    figure = new_figure(rows * (row + gap) + rest, *heading)
    grid = figure.add_gridspec(rows + above, columns, height_ratios=[key] * above + [row] * rows)
    head = [figure.add_subplot(grid[0, :])] if key else []
    axes: list[Axes] = []
    for k, title in enumerate(fitted(titles, width, NORMAL, bold=True)):
        like = axes[0] if axes and shared != "none" else None
        across = like if shared == "all" else None
        ax = figure.add_subplot(grid[above + k // columns, k % columns], sharex=across, sharey=like)
        ax.set_title(title, weight="bold")
        if shared != "none":
            ax.tick_params(labelleft=k % columns == 0)
        if shared == "all":
            ax.tick_params(labelbottom=k >= (len(titles) if ragged else rows * columns) - columns)
        axes.append(ax)
    return figure, head + axes


def design_multiples(
    heading: Heading,
    ds: xr.Dataset,
    shown: Sequence[Panel],
    *,
    bar: float,
    rest: float,
    key: float = 0.0,
    ragged: bool = False,
) -> tuple[Figure, list[Axes], float]:
    """Return a figure of panels with a row for each design, percentages across, and the width of a panel in points."""
    names = fitted(names_of(ds), 0.21 * WIDTH * 72, SMALL)
    columns, row = min(4, len(shown)), max(len(names) * bar, 0.4)
    width = (0.97 * WIDTH * 72 - max(text_width(name, SMALL) for name in names)) / columns - 8
    titles = [panel.title for panel in shown]
    size = {"row": row, "gap": 0.34, "rest": rest, "key": key}
    figure, axes = small_multiples(heading, titles, columns, width, **size, ragged=ragged)
    panels = axes[int(key > 0) :]
    for ax in panels:
        bare(ax)
        percent_axis(ax, "x", 100, 50)
        ax.set_xticks([0, 50, 100])
        for label, side in zip(ax.get_xticklabels(), ("left", "center", "right"), strict=False):  # none but at the foot
            label.set_horizontalalignment(side)
    name_rows(panels[0], names)
    return figure, axes, width


def bare(ax: Axes) -> None:
    """Leave out the line and the ticks at the left of rows."""
    ax.tick_params(left=False)
    ax.spines["left"].set_visible(False)


def name_rows(
    ax: Axes,
    names: Sequence[str],
    share: float = 1.0,
    at: Sequence[float] | None = None,
    *,
    size: float = SMALL,
    bold: bool = False,
    above: float = 0.6,
    below: float = 0.6,
) -> None:
    """Name rows at the left, the first at the top, the names cut to a share of the figure's width; `bold` if some are.

    `at` is where the rows are, 0, 1, ... if left out; `above` and `below` the room beyond the first and the last.
    """
    at = range(len(names)) if at is None else at
    ax.set_yticks(at, fitted(names, share * WIDTH * 72, size, bold))
    ax.tick_params(axis="y", labelsize=size)
    ax.set_ylim(at[-1] + below, at[0] - above)
    bare(ax)


def note(ax: Axes, text: str, at: tuple[float, float], away: tuple[float, float], **look: Any) -> Any:
    """Write beside a mark, so many points away: on the side to which it is away, unless `look` says otherwise."""
    side = {"ha": ("center", "left", "right")[int(np.sign(away[0]))]}
    side["va"] = ("center_baseline", "bottom", "top")[int(np.sign(away[1]))]
    return ax.annotate(text, at, away, textcoords="offset points", **({"size": SMALL} | side | look))


def inside(ax: Axes, x: float, y: float, text: str, **look: Any) -> None:
    """Write in the middle of a bar, a box or a cell."""
    ax.text(x, y, text, **({"size": SMALL, "ha": "center", "va": "center_baseline"} | look))


def entry(label: str, **look: Any) -> Any:
    """Return an entry of a key: a line with a marker."""
    from matplotlib.lines import Line2D

    return Line2D([], [], label=label, **({"markersize": 4} | look))


def draw_key(ax: Axes, handles: Sequence[Any], columns: int, size: float = SMALL) -> Any:
    """Draw one key in the place of the axes, from the left edge of the figure; read across, then down; return it."""
    from matplotlib.transforms import blended_transform_factory

    ax.set_axis_off()
    figure = ax.get_figure(root=True)
    assert figure is not None
    place = blended_transform_factory(figure.transFigure, ax.transAxes)
    look: dict[str, Any] = {"frameon": False, "fontsize": size, "handlelength": 2.2, "columnspacing": 1.5}
    look |= {"borderaxespad": 0, "borderpad": 0, "labelspacing": 0.3, "bbox_to_anchor": (0.012, 0.5)}
    across = [handle for c in range(columns) for handle in handles[c::columns]]
    legend = ax.legend(handles=across, loc="center left", ncols=columns, bbox_transform=place, **look)
    legend.set_in_layout(False)
    return legend
