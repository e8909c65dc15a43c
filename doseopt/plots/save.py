"""Figures to files: the same figure gives the same bytes, and no file is ever half written."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from doseopt.core.files import write_whole
from doseopt.core.text import neutral
from doseopt.plots.bands import bands
from doseopt.plots.style import narrow, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 200
PAGE = '#set page(width: auto, height: auto, margin: 0pt)\n#image("figure.svg")'
"""A drawing that is a page of its own, as typst reads it."""


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
    svg = drawn(figure)
    return save_drawn(svg, in_pixels(svg), folder, name)


def save_drawn(svg: bytes, png: bytes, folder: str | Path, name: str) -> list[Path]:
    """Write a figure that is drawn, each file whole or not at all."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    each = {"svg": svg, "png": png}
    return [write_whole(folder / f"{name}.{kind}", partial(_put, content)) for kind, content in each.items()]


@styled
def drawn(figure: Figure) -> bytes:
    """Return a figure as SVG, laid out and drawn once."""
    from doseopt.plots.pen import Sheet

    _place_no_label(figure)
    screen, figure.dpi = figure.dpi, 72
    pen = Sheet(figure).get_renderer()
    figure.draw(pen)
    title, said = ([" ".join(text.get_text().split()) for text in figure.texts[:2]] + ["", ""])[:2]
    views = "".join(band.views(k) for k, band in enumerate(bands(figure)))
    figure.dpi = screen
    return neutral(pen.sheet(title, said, views), "svg").encode("utf-8")


def drawn_narrow(draw: Callable[[], Figure]) -> bytes:
    """Return a figure as an SVG that a phone shows without scrolling."""
    with narrow():
        return drawn(draw())


def in_pixels(svg: bytes) -> bytes:
    """Return a drawing as PNG."""
    import typst

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "figure.svg").write_bytes(svg)
        (folder / "page.typ").write_text(PAGE)
        _copy_fonts(folder)
        fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[folder])
        png = typst.compile(folder / "page.typ", root=folder, format="png", ppi=DPI, font_paths=fonts)
    assert isinstance(png, bytes), "a drawing is one page"
    return png


def _copy_fonts(folder: Path) -> None:
    """Copy the fonts that figures are laid out with, alone: a letter of a last resort has all its text set in it."""
    from matplotlib import get_data_path

    for file in Path(get_data_path(), "fonts", "ttf").glob("DejaVuSans*.ttf"):
        shutil.copyfile(file, folder / file.name)


def _place_no_label(figure: Figure) -> None:
    """Tell axes without a label that its place is settled, which they would measure all their ticks for."""
    for ax in figure.axes:
        for axis in (ax.xaxis, ax.yaxis):
            if not axis.get_label_text():
                axis.set_label_coords(0, 0)


def _put(content: bytes, path: Path) -> None:
    path.write_bytes(content)
