"""Scaffolds of figures: small multiples, rows with their names at the left, notes beside marks, and a key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from doseopt.display.panels import Panel
from doseopt.plots.style import (
    FAINT,
    GREY,
    LARGE,
    NORMAL,
    PURPLE,
    SMALL,
    by_page,
    fitted,
    full_width,
    text_width,
    wrapped,
)

if TYPE_CHECKING:
    import matplotlib.axes
    import matplotlib.figure

type Axes = matplotlib.axes.Axes
type Figure = matplotlib.figure.Figure
SIDES: tuple[Literal["left", "center", "right"], ...] = ("left", "center", "right")
type Heading = tuple[str, str]
"""Title and subtitle of a figure."""


def new_figure(body: float, title: str, subtitle: str) -> Figure:
    """Return an empty figure with title and subtitle at the upper left, and `body` inches below them."""
    from matplotlib.figure import Figure

    lines = wrapped(subtitle, (full_width() - 0.2) * 72, NORMAL)
    top = (LARGE + 4 + len(lines) * (NORMAL + 2.5) + 10) / 72
    height = body + top
    figure = Figure(figsize=(full_width(), height))
    layout = figure.get_layout_engine()
    assert layout is not None
    layout.set(rect=(0.0, 0.0, 1.0, body / height))  # type: ignore[call-arg]
    (name,) = fitted([title], (full_width() - 0.2) * 72, LARGE, bold=True)
    from_top = 1 - 4 / (72 * height)
    figure.text(0.012, from_top, name, size=LARGE, weight="bold", va="top")
    figure.text(0.012, from_top - (LARGE + 5) / (72 * height), "\n".join(lines), color=GREY, va="top", linespacing=1.25)
    return figure


def axes_at(figure: Figure, left: float, bottom: float, wide: float, tall: float, **like: Any) -> Axes:
    """Add axes at a place in inches from the lower left corner."""
    width, height = figure.get_size_inches()
    return figure.add_axes((left / width, bottom / height, wide / width, tall / height), **like)


def percent_axis(ax: Axes, which: str, top: float = 100, step: float = 25) -> None:
    """Scale an axis of percentages from 0, a faint grid behind."""
    from matplotlib.ticker import MultipleLocator

    axis = ax.xaxis if which == "x" else ax.yaxis
    (ax.set_xlim if which == "x" else ax.set_ylim)(0, top)
    axis.set_major_locator(MultipleLocator(step))
    faint_grid(ax, which)


def faint_grid(ax: Axes, which: str = "both") -> None:
    """Draw a faint grid behind everything."""
    ax.grid(axis=which, color=FAINT, linewidth=0.4)  # type: ignore[arg-type]
    ax.set_axisbelow(True)


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
        The scales that panels have in common, numbered at the left and at the foot only. Rows are those of the first
        panel; all scales are set panel by panel, since the time that linked axes take grows with their number squared.
    ragged : bool
        Whether a column that ends earlier has numbers at its own foot, not only the last row.
    """
    rows, above = -(-len(titles) // columns), int(key > 0)
    figure = new_figure(rows * (row + gap) + rest, *heading)
    grid = figure.add_gridspec(rows + above, columns, height_ratios=[key] * above + [row] * rows)
    head = [figure.add_subplot(grid[0, :])] if key else []
    axes: list[Axes] = []
    for k, title in enumerate(fitted(titles, width, NORMAL, bold=True)):
        like = axes[0] if axes and shared == "rows" else None
        ax = figure.add_subplot(grid[above + k // columns, k % columns], sharey=like)
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
    names = fitted(names_of(ds), by_page(0.21, 0.3) * full_width() * 72, SMALL)
    columns, row = min(by_page(4, 2), len(shown)), max(len(names) * bar, 0.4)
    width = (0.97 * full_width() * 72 - max(text_width(name, SMALL) for name in names)) / columns - 8
    titles = [panel.title for panel in shown]
    size: dict[str, Any] = {"row": row, "gap": 0.34, "rest": rest, "key": key}
    figure, axes = small_multiples(heading, titles, columns, width, **size, ragged=ragged)
    panels = axes[int(key > 0) :]
    for k, ax in enumerate(panels):
        rows_of(ax, names, named=k % columns == 0)
        percent_axis(ax, "x", 100, 50)
        ax.set_xticks([0, 50, 100])
        for label, side in zip(ax.get_xticklabels(), SIDES, strict=False):  # none but at the foot
            label.set_horizontalalignment(side)
    return figure, axes, width


BESIDE = 30.0
"""Percent of an axis beyond 100 that a number at the right of each row takes."""


def below_beside(ax: Axes, patients: ArrayLike) -> None:
    """Write expected patients below the MTD at the right of the rows of a panel of percentages; none where unknown."""
    ax.set_xlim(0, 100 + BESIDE)
    for row, value in enumerate(np.asarray(patients, float).tolist()):
        if not np.isnan(value):
            inside(ax, 100 + BESIDE, row, f"{value:.1f}", color=PURPLE, ha="right")


def bare(ax: Axes, named: bool = True) -> None:
    """Leave out the line and the ticks at the left of rows; if they are not named, all of the axis."""
    ax.tick_params(left=False)
    ax.spines["left"].set_visible(False)
    ax.yaxis.set_visible(named)  # else a tick is made and placed for each row, to be drawn nowhere


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
    ax.set_yticks(at, fitted(names, share * full_width() * 72, size, bold))
    ax.tick_params(axis="y", labelsize=size)
    ax.set_ylim(at[-1] + below, at[0] - above)
    bare(ax)


def rows_of(ax: Axes, names: Sequence[str], named: bool) -> None:
    """Make room for a row for each name, and name them if this panel does."""
    if named:
        name_rows(ax, names)
    else:
        ax.set_ylim(len(names) - 0.4, -0.6)
        bare(ax, named=False)


def note(ax: Axes, text: str, at: tuple[float, float], away: tuple[float, float], **look: Any) -> Any:
    """Write beside a mark, so many points away: on the side to which it is away, unless `look` says otherwise."""
    side = {"ha": ("center", "left", "right")[int(np.sign(away[0]))]}
    side["va"] = ("center_baseline", "bottom", "top")[int(np.sign(away[1]))]
    return ax.annotate(text, at, away, textcoords="offset points", **({"size": SMALL} | side | look))


def segments(ax: Axes, x: Sequence[ArrayLike], y: Sequence[ArrayLike], **look: Any) -> None:
    """Draw separate lines from (x[0], y[0]) to (x[1], y[1]), arrays of what each begins and ends at, as one artist."""
    ends = np.broadcast_arrays(*(np.asarray(each, float) for each in (*x, *y)))
    gap = np.full(ends[0].shape, np.nan)
    ax.plot(*(np.stack([*pair, gap], axis=-1).ravel() for pair in (ends[:2], ends[2:])), **look)


def lines_across(ax: Axes, y: ArrayLike, **look: Any) -> None:
    """Draw a line at each height from the left edge of the axes to the right, as one artist."""
    segments(ax, (0, 1), (y, y), transform=ax.get_yaxis_transform(), **look)


def boxes(ax: Axes, left: ArrayLike, low: ArrayLike, wide: ArrayLike, tall: ArrayLike, **look: Any) -> None:
    """Draw filled boxes as one artist, which takes a fraction of the time of a bar for each; the axes have limits."""
    from matplotlib.collections import PolyCollection

    x, y, wide, tall = np.broadcast_arrays(*(np.asarray(each, float) for each in (left, low, wide, tall)))
    corners = [(x, y), (x + wide, y), (x + wide, y + tall), (x, y + tall)]
    each = np.stack([np.stack(corner, axis=-1) for corner in corners], axis=-2)
    ax.add_collection(PolyCollection(list(each), joinstyle="miter", **look), autolim=False)


def inside(ax: Axes, x: float, y: float, text: str, **look: Any) -> None:
    """Write in the middle of a bar, a box or a cell: nothing that room is made for beside the axes."""
    usual: dict[str, Any] = {"size": SMALL, "ha": "center", "va": "center_baseline", "in_layout": False}
    ax.text(x, y, text, **usual | look)


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
