"""Figures to files: the same figure gives the same bytes, and no file is ever half written."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from doseopt.core.files import write_whole
from doseopt.core.text import neutral
from doseopt.plots.bands import bands
from doseopt.plots.style import narrow, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 200
NAMES = re.compile(rb"\b[mp][0-9a-f]{10}\b")


def save_figure(figure: Figure, folder: str | Path, name: str) -> list[Path]:
    """Write a figure as `name`.svg and `name`.png.

    Parameters
    ----------
    figure : Figure
    folder : path
        Made if it is not there.
    name : str

    Returns
    -------
    list of Path
    """
    return save_rendered(rendered(figure), folder, name)


def save_rendered(drawn: tuple[bytes, bytes], folder: str | Path, name: str) -> list[Path]:
    """Write a figure that is drawn as PNG and as SVG, each whole or not at all."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    png, svg = drawn
    each = {"svg": svg, "png": png}
    return [write_whole(folder / f"{name}.{kind}", partial(_put, content)) for kind, content in each.items()]


def rendered(figure: Figure) -> tuple[bytes, bytes]:
    """Return a figure as PNG and as SVG."""
    _place_no_label(figure)
    png = _png(figure)
    return png, _svg(figure)


def drawn_narrow(draw: Callable[[], Figure]) -> bytes:
    """Return a figure as an SVG that a phone shows without scrolling."""
    with narrow():
        figure = draw()
    _place_no_label(figure)
    _lay_out(figure)
    return _svg(figure)


def _place_no_label(figure: Figure) -> None:
    """Tell axes without a label that its place is settled, which they would measure all their ticks for."""
    for ax in figure.axes:
        for axis in (ax.xaxis, ax.yaxis):
            if not axis.get_label_text():
                axis.set_label_coords(0, 0)


@styled
def _lay_out(figure: Figure) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg(figure)
    figure.draw_without_rendering()


def _put(content: bytes, path: Path) -> None:
    path.write_bytes(content)


@styled
def _png(figure: Figure) -> bytes:
    """Draw once, which finds the layout too; `savefig` would draw everything twice for it."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    buffer = BytesIO()
    screen = figure.dpi
    figure.dpi = DPI
    # writing takes longer than drawing, and closer compression longest
    FigureCanvasAgg(figure).print_png(buffer, pil_kwargs={"compress_level": 3})  # type: ignore[no-untyped-call]
    figure.dpi = screen
    return buffer.getvalue()


@styled
def _svg(figure: Figure) -> bytes:
    """Draw as it is laid out already: the SVG writer measures text much more slowly."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    figure.set_layout_engine("none")
    said = dict(
        zip(("Title", "Description"), (" ".join(text.get_text().split()) for text in figure.texts), strict=False)
    )
    buffer = BytesIO()
    FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None, **said})  # type: ignore[no-untyped-call]
    screen, figure.dpi = figure.dpi, 72  # as it was drawn
    views = "".join(band.views(k) for k, band in enumerate(bands(figure)))
    figure.dpi = screen
    svg = buffer.getvalue().decode("utf-8").replace("</svg>", f"{views}</svg>")
    return _numbered(neutral(svg, "svg").encode("utf-8"))


def _numbered(svg: bytes) -> bytes:
    """Return a drawing with marks and clips numbered: the writer names them by digests that no other process gives."""
    names: dict[bytes, bytes] = {}
    return NAMES.sub(lambda found: names.setdefault(found[0], found[0][:1] + b"%d" % len(names)), svg)
