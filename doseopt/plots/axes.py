"""Axes that take a fraction of the time: an axis draws its grid and its marks as one line each.

matplotlib's own makes three lines and two texts for every tick, drawn or not, two ticks for an axis that has none yet,
and a spine for each side.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib import rcParams
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis, XAxis, YAxis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.markers import TICKDOWN, TICKLEFT
from matplotlib.spines import Spine
from matplotlib.text import Text

COLORBAR = "<colorbar>"
"""Label of axes that matplotlib makes by itself, with their ticks at the other side."""
OF_TICKS = {
    "size": "major.size",
    "pad": "major.pad",
    "width": "major.width",
    "color": "color",
    "labelsize": "labelsize",
    "labelcolor": "color",
}
"""Where the style has the looks of a tick."""


class Tick(Artist):
    """A place on an axis with its label, below it or at its left; the mark there is drawn by the axis.

    It has what `matplotlib.axis.Axis` and `matplotlib.spines.Spine` ask of a tick.

    Parameters
    ----------
    axis : LeanX or LeanY
    look : dict
        As `Axis.set_tick_params` keeps it.
    """

    _tickdir, _size, _pad = "out", 0.0, 0.0

    def __init__(self, axis: Any, look: dict[str, Any]) -> None:
        """Make the label."""
        super().__init__()
        self.axes, self._name, self._loc = axis.axes, axis.axis_name, 0.0
        self.label1, self.label2 = Text(), axis.nothing
        self.tick1line, self.tick2line = axis.marks, axis.nothing
        for artist in (self, self.label1):
            artist.set_figure(axis.axes.get_figure(root=False))
        self._apply_params(**look)

    def _apply_params(self, **look: Any) -> None:
        """Take over what is said of a look."""
        if "size" in look or "pad" in look:
            self._size, self._pad = look.get("size", self._size), look.get("pad", self._pad)
            place = getattr(self.axes, f"get_{self._name}axis_text1_transform")
            transform, up, across = place(self._size + self._pad)
            self.label1.set_transform(transform)
            self.label1.set_verticalalignment(up)
            self.label1.set_horizontalalignment(across)
        if "label1On" in look:
            self.label1.set_visible(look["label1On"])
        if "labelsize" in look:
            self.label1.set_fontsize(look["labelsize"])
        if "labelcolor" in look:
            self.label1.set_color(look["labelcolor"])

    def get_children(self) -> list[Artist]:
        """Return the label."""
        return [self.label1]

    def draw(self, renderer: Any) -> None:
        """Draw the label."""
        self.label1.draw(renderer)

    def get_loc(self) -> float:
        """Return its place."""
        return self._loc

    def get_tick_padding(self) -> float:
        """Return the length of the mark, in points."""
        return self._size

    def update_position(self, loc: float) -> None:
        """Move it."""
        self._loc = loc
        (self.label1.set_x if self._name == "x" else self.label1.set_y)(loc)


class _Lean(Axis):
    """An axis without minor ticks, whose ticks are made when they are placed."""

    mark: Any
    axis_name: str
    # what matplotlib's types leave out
    majorTicks: Any  # noqa: N815
    _major_tick_kw: dict[str, Any]
    _update_ticks: Any
    _update_label_position: Any
    _update_offset_text_position: Any
    _get_ticklabel_bboxes: Any

    def __init__(self, axes: Any, **options: Any) -> None:
        """Keep the looks of the style that holds now."""
        self.nothing = Text(visible=False)
        self.marks, self.lines = Line2D([], [], linestyle="none", marker=self.mark), Line2D([], [])
        super().__init__(axes, **options)
        style: Any = rcParams
        self.look = {name: style[f"{self.axis_name}tick.{of}"] for name, of in OF_TICKS.items()}
        for line, which in ((self.marks, "tick1"), (self.lines, "grid")):
            line.axes = axes
            line.set_figure(axes.get_figure(root=False))
            line.set_transform(getattr(axes, f"get_{self.axis_name}axis_transform")(which))

    def reset_ticks(self) -> None:
        """Forget all ticks."""
        self.majorTicks, self.minorTicks = [], []

    def set_clip_path(self, path: Any, transform: Any = None) -> None:
        """Cut the grid at the edge of the axes."""
        self.lines.set_clip_path(path, transform)

    def get_major_ticks(self, numticks: int | None = None) -> list[Any]:
        """Return so many ticks, or those of the locator."""
        count = len(self.get_majorticklocs()) if numticks is None else numticks
        look = self.look | self._major_tick_kw
        while len(self.majorTicks) < count:
            tick = Tick(self, look)  # the first may make a spine begin the list anew
            self.majorTicks.append(tick)
        return list(self.majorTicks[:count])

    def get_minor_ticks(self, numticks: int | None = None) -> list[Any]:
        """Return none."""
        return []

    def draw(self, renderer: Any) -> None:
        """Draw grid, marks, labels and name."""
        if not self.get_visible():
            return
        ticks = self._update_ticks()
        look = self.look | self._major_tick_kw
        if ticks:
            at = np.array([tick.get_loc() for tick in ticks])
            if look["gridOn"]:
                self._along(self.lines, np.repeat(at, 3), np.tile([0.0, 1.0, np.nan], len(at)))
                self.lines.set(**{name[5:]: value for name, value in look.items() if name.startswith("grid_")})
                self.lines.draw(renderer)
            if look["tick1On"] and look["size"]:
                self._along(self.marks, at, np.zeros(len(at)))
                self.marks.set_markersize(look["size"])
                self.marks.set_markeredgewidth(look["width"])
                self.marks.set_markeredgecolor(look["color"])
                self.marks.draw(renderer)
        for tick in ticks:
            tick.draw(renderer)
        if self.label.get_text():
            self._update_label_position(renderer)
            self.label.draw(renderer)
        self.offsetText.set_text(self.get_major_formatter().get_offset())
        if self.offsetText.get_text():
            self._update_offset_text_position(*self._get_ticklabel_bboxes(ticks, renderer))
            self.offsetText.draw(renderer)

    def _along(self, line: Line2D, at: Any, across: Any) -> None:
        line.set_data(*((at, across) if self.axis_name == "x" else (across, at)))


class LeanX(_Lean, XAxis):
    """An axis at the foot."""

    mark = TICKDOWN


class LeanY(_Lean, YAxis):
    """An axis at the left."""

    mark = TICKLEFT


class LeanAxes(Axes):
    """Axes with an axis at the left and at the foot, and a line along each."""

    def _gen_axes_spines(self, *_: Any, **__: Any) -> dict[str, Spine]:
        return {side: Spine.linear_spine(self, side) for side in ("left", "bottom")}

    def _init_axis(self) -> None:
        self.xaxis, self.yaxis = LeanX(self, clear=False), LeanY(self, clear=False)
        self.spines.bottom.register_axis(self.xaxis)
        self.spines.left.register_axis(self.yaxis)


class LeanFigure(Figure):
    """A figure of such axes."""

    def add_subplot(self, *args: Any, **options: Any) -> Any:
        """Add axes in a grid."""
        return super().add_subplot(*args, **_of_class(options))

    def add_axes(self, *args: Any, **options: Any) -> Any:
        """Add axes at a place."""
        return super().add_axes(*args, **_of_class(options))


def _of_class(options: dict[str, Any]) -> dict[str, Any]:
    return options if options.get("label") == COLORBAR else {"axes_class": LeanAxes, **options}
