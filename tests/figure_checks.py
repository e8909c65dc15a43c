"""What must hold of every figure: marks inside their axes, tick labels apart, text whole and not written over."""

from itertools import combinations, pairwise

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection
from matplotlib.text import Text

from doseopt.plots.bands import bands
from doseopt.plots.pen import Sheet


def written(figure, pen=None):
    """Return (text, bounding box in pixels) of everything that is written, as it is drawn, but for the pixels."""
    found = {}
    draw = Text.draw

    def note(text, renderer):
        if text.get_visible() and text.get_text().strip():
            box = Text.get_window_extent(text, renderer)
            found[text] = (text.get_text(), (box.x0, box.y0, box.x1, box.y1))
        draw(text, renderer)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Text, "draw", note)
        if pen is None:
            FigureCanvasAgg(figure)
            figure.draw_without_rendering()
        else:
            figure.draw(pen)
    return list(found.values())


def marks_outside(figure, zoomed=False):
    """Return the marks and ends of lines that lie outside of their axes, by more than a pixel.

    Of a figure that says that it shows a part only, those that are drawn there.
    """
    found = []
    for ax in figure.axes:
        box = ax.get_window_extent()
        for artist in [*ax.lines, *ax.collections]:
            if zoomed and artist.get_clip_on():
                continue
            if isinstance(artist, PathCollection):
                points = artist.get_offset_transform().transform(np.ma.filled(artist.get_offsets(), np.nan))
            elif artist in ax.lines:
                points = artist.get_transform().transform(np.column_stack(artist.get_data(orig=False)).astype(float))
            else:
                continue
            points = points[np.isfinite(points).all(axis=1)]
            low, high = np.array([box.x0, box.y0]) - 1, np.array([box.x1, box.y1]) + 1
            out = points[((points < low) | (points > high)).any(axis=1)]
            found += [(ax.get_title(loc="left"), type(artist).__name__, tuple(point.round(1))) for point in out]
    return found


def ticks_overlapping(figure):
    """Return pairs of neighbouring tick labels that touch; call after `written`, which draws."""
    found = []
    for ax in figure.axes:
        for axis, side in ((ax.xaxis, 0), (ax.yaxis, 1)):
            labels = [t for t in axis.get_ticklabels() if t.get_visible() and t.get_text().strip()]
            boxes = [(*t.get_window_extent().extents[side::2], t.get_text()) for t in labels] if ax.axison else []
            found += [(a[2], b[2]) for a, b in pairwise(sorted(boxes)) if a[1] > b[0] + 0.5]
    return found


def assert_legible(figure, zoomed=False):
    """Hold a figure to all of it."""
    texts = written(figure)
    width, height = figure.get_size_inches() * figure.dpi
    outside = [t for t, b in texts if b[0] < -0.5 or b[1] < -0.5 or b[2] > width + 0.5 or b[3] > height + 0.5]
    assert outside == [], "written beyond the edge"
    smaller = [(t, (x0 + 0.5, y0 + 0.5, x1 - 0.5, y1 - 0.5)) for t, (x0, y0, x1, y1) in texts]
    over = [(a[0], b[0]) for a, b in combinations(smaller, 2) if _overlap(a[1], b[1])]
    assert over == [], "written over each other"
    assert ticks_overlapping(figure) == []
    assert marks_outside(figure, zoomed) == []
    assert min(t.get_fontsize() for t in figure.findobj(Text)) >= 6.5
    assert len(figure.axes) == 1 or cut_through(figure) == [], "cut through where the page is narrow"


def cut_through(figure):
    """Return what is written across the edge of a band that has room for it, or of a panel, by more than a point.

    Where not every panel has a title, one is that of its row, and may be wider than its panel.
    """
    titles = {ax.get_title(loc="left") for ax in figure.axes if ax.axison}
    figure.dpi = 72
    texts = written(figure, Sheet(figure).get_renderer())
    found, height = [], figure.bbox.height
    for band in bands(figure):
        inner = [edge for edge in band.edges if band.edges[0] < edge < band.edges[-1]]
        for text, (x0, y0, x1, y1) in texts:
            if not band.top < height - (y0 + y1) / 2 < band.bottom:
                continue
            beyond = y1 > height - band.top + 1 or y0 < height - band.bottom - 1
            if beyond and y1 - y0 < band.bottom - band.top:
                found.append((text, "band"))
            if "" not in titles or text not in titles:
                found += [(text, edge) for edge in inner if x0 + 1 < edge < x1 - 1]
    return found


def _overlap(a, b):
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
