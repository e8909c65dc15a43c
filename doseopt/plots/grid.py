"""Where the panels of a figure stand: in a grid, as large as the labels around them allow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.layout_engine import LayoutEngine
from numpy.typing import ArrayLike

from doseopt.core.state import FloatArray
from doseopt.plots.style import PAD

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Grid(LayoutEngine):
    """Lays panels out in their grid, with one look at each.

    As matplotlib's constrained layout, which looks twice and asks a solver: each side of a column (of a row) is as wide
    as the widest labels there, and what is left is shared out by the ratios of the grid; where a panel spans columns
    the sides between them are alike. Texts of the figure after title and subtitle name its axes: a level one at the
    foot, an upright one at the left.

    Parameters
    ----------
    height : float
        Share of the figure that is the grid's, from the foot.
    """

    _adjust_compatible = False  # both as matplotlib asks of its subclasses
    _colorbar_gridspec = False

    def __init__(self, height: float) -> None:
        super().__init__()
        self.height = height

    def execute(self, fig: Figure) -> None:
        """Place the panels."""
        renderer: Any = getattr(fig.canvas, "get_renderer", lambda: None)()
        to_shares, (beside, above) = fig.transFigure.inverted(), np.divide(PAD, fig.get_size_inches())
        panels = [(ax, spec) for ax in fig.axes if (spec := ax.get_subplotspec()) is not None]
        if not panels:
            return
        grid = panels[0][1].get_gridspec()
        columns, rows = _Sides(grid.get_width_ratios(), beside), _Sides(grid.get_height_ratios(), above)
        for ax, spec in panels:
            place, box = ax.get_position(original=True), ax.get_tightbbox(renderer, for_layout_only=True)
            (left, foot), (right, top) = place.get_points() if box is None else to_shares.transform(box.get_points())
            columns.widen(spec.colspan, place.x0 - left, right - place.x1)
            rows.widen(spec.rowspan, top - place.y1, place.y0 - foot)
        left = foot = 0.0
        for text in fig.texts[2:]:
            wide, tall = np.divide(text.get_window_extent(renderer).size, fig.bbox.size)
            x, y = text.get_position()
            if text.get_rotation() == 0:
                text.set_position((x, above))
                foot = tall + 2 * above
            else:
                text.set_position((beside, y))
                left = wide + 2 * beside
        across = left + columns.edges(1 - left)
        down = self.height - rows.edges(self.height - foot)
        if (np.diff(across, axis=0) <= 0).any() or (np.diff(down, axis=0) >= 0).any():
            return  # labels leave nothing to a panel
        for ax, spec in panels:
            left, right = across[0, spec.colspan.start], across[1, spec.colspan.stop - 1]
            top, foot = down[0, spec.rowspan.start], down[1, spec.rowspan.stop - 1]
            ax.set_position((left, foot, right - left, top - foot))
            ax.set_in_layout(True)  # else its new place would count as one that someone wants


class _Sides:
    """Room before and after the panels of each column, from the left, or of each row, from the top."""

    def __init__(self, ratios: ArrayLike, pad: float) -> None:
        self.ratios, self.pad = np.asarray(ratios, float), pad
        self.before, self.after = np.full((2, self.ratios.size), pad)
        self.spanned = False

    def widen(self, span: range, before: float, after: float) -> None:
        """Make room for what stands beside a panel."""
        first, last = span.start, span.stop - 1
        self.before[first] = max(self.before[first], self.pad + before)
        self.after[last] = max(self.after[last], self.pad + after)
        self.spanned |= last > first

    def edges(self, room: float) -> FloatArray:
        """Return where the panels of each begin and end."""
        if self.spanned:
            self.before[1:], self.after[:-1] = self.before[1:].max(), self.after[:-1].max()
        inner = self.ratios / self.ratios.sum() * (room - self.before.sum() - self.after.sum())
        ends = (self.before + inner + self.after).cumsum() - self.after
        return np.stack([ends - inner, ends])
