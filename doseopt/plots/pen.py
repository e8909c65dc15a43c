"""A pen that draws figures as SVG: text stays text, and nothing is said twice that figures have in common."""

from __future__ import annotations

from collections import Counter
from html import escape
from typing import Any

import numpy as np
from matplotlib.backend_bases import FigureCanvasBase, RendererBase
from matplotlib.colors import to_hex
from matplotlib.font_manager import FontProperties, weight_dict
from matplotlib.path import Path
from matplotlib.text import Text
from matplotlib.transforms import Affine2D, Transform

from doseopt.plots.style import FAMILIES, line_heights, measured

GROUPS = {"figure", "axes", "patch"}
"""What is drawn as a group with a name: what a page shows again, and where panels are."""
ANCHORS = {"left": "start", "right": "end", "center": "middle"}
DIGITS = 3
"""Of a point, behind the decimal point."""
HATCH = 72
"""Points of a side of a hatched tile."""
CODES: dict[Any, tuple[str, int]] = {
    Path.MOVETO: ("M", 1),
    Path.LINETO: ("L", 1),
    Path.CURVE3: ("Q", 2),
    Path.CURVE4: ("C", 3),
    Path.CLOSEPOLY: ("z", 1),
}
"""What SVG calls a part of a path, and how many points it takes."""


class Pen(RendererBase):
    """Draws a figure at 72 dots per inch.

    Parameters
    ----------
    width, height : float
        Points.
    """

    def __init__(self, width: float, height: float) -> None:
        """Begin an empty sheet."""
        super().__init__()
        self.width, self.height = width, height
        self.flip = Affine2D().scale(1, -1).translate(0, height)
        self.drawn: list[str] = []
        self.defined: dict[Any, str] = {}
        self.styles: dict[Any, str] = {}
        self.groups: Counter[str] = Counter()

    def sheet(self, title: str, description: str, views: str) -> str:
        """Return what is drawn, as a file."""
        width, height = _short(self.width), _short(self.height)
        heading, said = escape(title, quote=False), escape(description, quote=False)
        return (
            '<?xml version="1.0" encoding="utf-8"?>\n<svg xmlns="http://www.w3.org/2000/svg" '
            f'xmlns:xlink="http://www.w3.org/1999/xlink" width="{width}pt" height="{height}pt" '
            f'viewBox="0 0 {width} {height}" version="1.1">\n'
            f"<title>{heading}</title>\n<desc>{said}</desc>\n{''.join(self.drawn)}{views}</svg>\n"
        )

    def flipy(self) -> bool:
        """Tell that y grows to the foot."""
        return True

    def get_canvas_width_height(self) -> tuple[float, float]:
        """Return the size of the sheet."""
        return self.width, self.height

    def get_text_width_height_descent(self, s: str, prop: FontProperties, ismath: Any) -> tuple[float, float, float]:
        """Return the size of one line of text."""
        return measured(s, prop.get_size_in_points(), _weight(prop) > 400)

    def _get_font_height_metrics(self, prop: FontProperties) -> tuple[float, float, float]:
        """Return ascent, descent and gap of lines: matplotlib 3.11 would read them from the font for each text."""
        return line_heights(prop.get_size_in_points(), _weight(prop) > 400)

    def open_group(self, s: str, gid: str | None = None) -> None:
        """Begin a group, if it is one that someone asks for."""
        if s in GROUPS:
            self.groups[s] += 1
            common = f' font-family="{FAMILIES}" stroke-linejoin="round"' if s == "figure" else ""
            self.drawn.append(f'<g id="{s}_{self.groups[s]}"{common}>\n')

    def close_group(self, s: str) -> None:
        """End it."""
        if s in GROUPS:
            self.drawn.append("</g>\n")

    def draw_path(self, gc: Any, path: Path, transform: Transform, rgbFace: Any = None) -> None:
        """Draw lines or an area."""
        line = rgbFace is None and gc.get_hatch() is None
        d = self._line(path, transform + self.flip, line)
        self.drawn.append(f'<path d="{d}"{self._clip(gc)} style="{self._style(gc, rgbFace)}"/>\n')

    def draw_markers(
        self,
        gc: Any,
        marker_path: Path,
        marker_trans: Transform,
        path: Path,
        trans: Transform,
        rgbFace: Any = None,
    ) -> None:
        """Draw the same mark at each point of a path."""
        points = (trans + self.flip).transform(path.vertices)
        points = points[np.isfinite(points).all(axis=1)]
        if not len(points):
            return
        d = self._line(marker_path, marker_trans + Affine2D().scale(1, -1), False)
        name = self._named("m", d, f'<path id="{{}}" d="{d}"/>')
        uses = "".join(f'<use xlink:href="#{name}" x="{x:.{DIGITS}f}" y="{y:.{DIGITS}f}"/>' for x, y in points.tolist())
        self.drawn.append(f'<g{self._clip(gc)} style="{self._style(gc, rgbFace)}">{uses}</g>\n')

    def draw_text(
        self,
        gc: Any,
        x: float,
        y: float,
        s: str,
        prop: FontProperties,
        angle: float,
        ismath: Any = False,
        mtext: Text | None = None,
    ) -> None:
        """Write one line, from its own anchor if it is level."""
        style = f"font-size: {prop.get_size_in_points():g}px"
        weight = _weight(prop)
        style += f"; font-weight: {weight}" if weight != 400 else ""
        colour = to_hex(gc.get_rgb())
        style += f"; fill: {colour}" if colour != "#000000" else ""
        if angle:
            place = f'transform="translate({x:.{DIGITS}f} {y:.{DIGITS}f}) rotate({-angle:g})"'
        else:
            side = "left"
            if mtext is not None:
                side = str(mtext.get_horizontalalignment())
                x = float(mtext.get_transform().transform(mtext.get_unitless_position())[0])
            style += f"; text-anchor: {ANCHORS[side]}" if side != "left" else ""
            place = f'x="{x:.{DIGITS}f}" y="{y:.{DIGITS}f}"'
        text = f'<text {place} style="{style}">{escape(s, quote=False)}</text>'
        clip = self._clip(gc)
        self.drawn.append(f"<g{clip}>{text}</g>\n" if clip else f"{text}\n")

    def _line(self, path: Path, transform: Transform, line: bool) -> str:
        """Return a path as SVG has it; of a line only what is on the sheet, without points that change nothing."""
        clip = (0.0, 0.0, self.width, self.height) if line else None
        clean = path.cleaned(
            transform, remove_nans=True, clip=clip, simplify=path.should_simplify and line, curves=True
        )
        numbers = [_short(number) for number in np.asarray(clean.vertices).ravel().tolist()]
        codes = np.asarray(clean.codes).tolist()
        found, at = list[str](), 0
        while codes[at] != Path.STOP:
            letter, points = CODES[codes[at]]
            found.append(letter if letter == "z" else letter + " ".join(numbers[2 * at : 2 * (at + points)]))
            at += points
        return "".join(found)

    def _style(self, gc: Any, face: Any) -> str:
        colour, forced, hatch = gc.get_rgb(), gc.get_forced_alpha(), gc.get_hatch()
        face = None if face is None else tuple(face)
        offset, dashes = gc.get_dashes()
        key = (
            colour,
            forced and gc.get_alpha(),
            hatch and (hatch, gc.get_hatch_color()),
            face,
            offset,
            None if dashes is None else tuple(dashes),
            gc.get_linewidth(),
            gc.get_joinstyle(),
            gc.get_capstyle(),
        )
        if key not in self.styles:
            self.styles[key] = "; ".join(self._styled(gc, face))
        return self.styles[key]

    def _styled(self, gc: Any, face: Any) -> list[str]:
        """Return how a path is drawn."""
        forced, found = gc.get_forced_alpha(), []
        if gc.get_hatch() is not None:
            found.append(f"fill: url(#{self._hatch(gc, face)})")
        else:
            found.append(f"fill: {'none' if face is None else to_hex(face)}")
        if face is not None and len(face) == 4 and face[3] != 1 and not forced:
            found.append(f"fill-opacity: {face[3]:g}")
        if forced and gc.get_alpha() != 1:
            found.append(f"opacity: {gc.get_alpha():g}")
        width = gc.get_linewidth()
        if width:
            rgb = gc.get_rgb()
            offset, dashes = gc.get_dashes()
            found.append(f"stroke: {to_hex(rgb)}")
            if not forced and rgb[3] != 1:
                found.append(f"stroke-opacity: {rgb[3]:g}")
            if width != 1:
                found.append(f"stroke-width: {_short(width)}")
            if dashes is not None:
                found.append(f"stroke-dasharray: {','.join(map(_short, dashes))}")
                found.append(f"stroke-dashoffset: {_short(offset)}")
            if gc.get_joinstyle() != "round":
                found.append(f"stroke-linejoin: {gc.get_joinstyle()}")
            if gc.get_capstyle() != "butt":
                found.append(f"stroke-linecap: {gc.get_capstyle().replace('projecting', 'square')}")
        return found

    def _clip(self, gc: Any) -> str:
        """Return the attribute of what is cut at the edge of its axes."""
        (path, transform), box = gc.get_clip_path(), gc.get_clip_rectangle()
        if path is not None:
            shape = f'<path d="{self._line(path, transform + self.flip, False)}"/>'
        elif box is not None:
            x, y, width, height = box.bounds
            y = self.height - y - height
            shape = f'<rect x="{_short(x)}" y="{_short(y)}" width="{_short(width)}" height="{_short(height)}"/>'
        else:
            return ""
        return f' clip-path="url(#{self._named("p", shape, f'<clipPath id="{{}}">{shape}</clipPath>')})"'

    def _hatch(self, gc: Any, face: Any) -> str:
        path = gc.get_hatch_path()
        assert path is not None, "asked of a hatched area only"
        d = self._line(path, Affine2D().scale(HATCH, -HATCH).translate(0, HATCH), False)
        colour, ground = to_hex(gc.get_hatch_color()), "none" if face is None else to_hex(face)
        look = f'style="fill: {colour}; stroke: {colour}; stroke-width: {_short(gc.get_hatch_linewidth())}"'
        tile = f'<rect width="{HATCH + 1}" height="{HATCH + 1}" fill="{ground}"/><path d="{d}" {look}/>'
        size = f'patternUnits="userSpaceOnUse" width="{HATCH}" height="{HATCH}"'
        return self._named("h", tile, f'<pattern id="{{}}" {size}>{tile}</pattern>')

    def _named(self, letter: str, key: str, definition: str) -> str:
        """Return the name of something that is defined where it is first used."""
        if key not in self.defined:
            self.defined[key] = f"{letter}{len(self.defined)}"
            self.drawn.append(f"<defs>{definition.format(self.defined[key])}</defs>\n")
        return self.defined[key]


class Sheet(FigureCanvasBase):
    """What a figure is laid out and drawn on."""

    def get_renderer(self) -> Pen:
        """Return a pen for the whole figure."""
        width, height = self.figure.get_size_inches()
        return Pen(72 * width, 72 * height)


def _weight(prop: FontProperties) -> int:
    weight: Any = prop.get_weight()
    return int(weight_dict.get(weight, weight))


def _short(number: float) -> str:
    return f"{number:.{DIGITS}f}".rstrip("0").rstrip(".")
