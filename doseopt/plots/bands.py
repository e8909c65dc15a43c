"""Bands of a figure: where a narrower page may cut it, and which names belong to every piece.

A figure is a stack of bands, each of panels beside each other. Its SVG states them as SVG's own views, ``band-0-0``,
``band-0-1``, ...: of each band first the names at its left, then its panels from the left.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Any

from doseopt.plots.style import SMALL

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BESIDE = 5.0
"""Points between an axis and its names, at the least."""
HANDLE = 3.75 * SMALL
"""Points from the middle between two columns of a key to the text of the second, as `scaffold.draw_key` sets it."""
LINE = 10.0
"""Points of a line of the title of a panel."""
SAME = 4.0
"""Points within which two edges are one."""

type Box = tuple[float, float, float, float]
"""Left, top, right and bottom, in points from the upper left corner."""


@dataclass(frozen=True)
class Band:
    """Panels beside each other.

    Parameters
    ----------
    top, bottom : float
        Points from the top of the figure.
    edges : tuple of float
        Points from its left: of the names, of each panel, and the end of the last one.

    Examples
    --------
    Names 20 points wide, and one panel:

    >>> Band(10, 30, (0, 20, 60)).views(0)
    '<view id="band-0-0" viewBox="0.0 10.0 20.0 20.0"/><view id="band-0-1" viewBox="20.0 10.0 40.0 20.0"/>'
    """

    top: float
    bottom: float
    edges: tuple[float, ...]

    def with_below(self, band: Band) -> list[Band]:
        """Return this band and the next, as one if the same edges part the panels of both, whose scales stand below."""
        above, below = self.edges[1:-1], band.edges[1:-1]
        alike = all(abs(x - y) < SAME for x, y in zip(above, below, strict=False))
        if len(below) < 2 or len(above) < len(below) or not alike:
            return [self, band]
        return [Band(self.top, band.bottom, self.edges)]

    def views(self, k: int) -> str:
        """Return the views of the k-th band of a figure."""
        tall = self.bottom - self.top
        boxes = (f"{x:.1f} {self.top:.1f} {end - x:.1f} {tall:.1f}" for x, end in pairwise(self.edges))
        return "".join(f'<view id="band-{k}-{c}" viewBox="{box}"/>' for c, box in enumerate(boxes))


def bands(figure: Figure) -> list[Band]:
    """Return the bands below title and subtitle of a figure that was drawn at 72 dots per inch, and is so still."""
    from doseopt.plots.pen import Sheet

    renderer = Sheet(figure).get_renderer()
    box = partial(_box, height=figure.bbox.height, renderer=renderer)
    ordered = sorted((round(box(ax)[1]), box(ax)[0], k) for k, ax in enumerate(figure.axes))
    rows = [[figure.axes[k] for *_, k in row] for _, row in groupby(ordered, lambda place: place[0])]
    heading, foot = figure.texts[:2], [box(text) for text in figure.texts[2:] if text.get_rotation() == 0]
    start = max((box(text)[3] for text in heading), default=0.0)
    tops = [start, *(min(_top(ax, box) for ax in row) for row in rows[1:])]
    ends = [*tops[1:], min((top for _, top, *_ in foot), default=figure.bbox.height)]
    found: list[Band] = []
    for row, top, end in zip(rows, tops, ends, strict=False):  # no row: no panel
        band = Band(top, end, _edges(row, figure.bbox.width, box))
        found[-1:] = found[-1].with_below(band) if found else [band]
    return [*found, *(Band(top - 1, end + 1, (x - 1, x - 1, last + 1)) for x, top, last, end in foot)]


def _box(artist: Artist, height: float, renderer: Any) -> Box:
    """Return where an artist is."""
    (x, y), (last, top) = artist.get_window_extent(renderer).get_points()
    return float(x), height - float(top), float(last), height - float(y)


def _top(ax: Axes, box: Callable[[Artist], Box]) -> float:
    """Return where a panel begins, with its title and what its axis is called, or what is written in place of it."""
    title = ax.get_title(loc="left")
    above = (title.count("\n") + 1) * LINE + 3 if title else 0.0
    written = [ax.yaxis.label] if ax.get_ylabel() else []
    written += [] if ax.has_data() else list(ax.texts)
    return min([box(ax)[1] - above, *(box(text)[1] for text in written)])


def _edges(row: list[Axes], width: float, box: Callable[[Artist], Box]) -> tuple[float, ...]:
    """Return the edges of panels beside each other."""
    first = row[0]
    legend = first.get_legend()
    if legend is not None and not first.axison:
        starts = sorted({round(box(text)[0]) for text in legend.get_texts()})
        return (0.0, 0.0, *(x - HANDLE for x in starts[1:]), width)
    if not first.has_data() and first.texts:  # the title of what is below
        return (0.0, 0.0, min(max(box(text)[2] for text in first.texts) + 1, width))
    if len(row) == 1:
        return (0.0, 0.0, width)
    boxes = [box(ax) for ax in row]
    inner = ((a[2] + b[0] - _names(ax, box)) / 2 for a, b, ax in zip(boxes, boxes[1:], row[1:], strict=False))
    return (0.0, boxes[0][0] - BESIDE, *inner, width)


def _names(ax: Axes, box: Callable[[Artist], Box]) -> float:
    """Return how wide the names at the left of an axis are."""
    if not (ax.yaxis.get_visible() and ax.yaxis.get_tick_params()["labelleft"]):
        return 0.0
    return max((box(ax)[0] - box(label)[0] for label in ax.get_yticklabels() if label.get_text()), default=0.0)
