"""One look for all figures: legible at 16 cm, without colour vision and in grey."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache, wraps
from typing import Any

import numpy as np

from doseopt.core.state import FloatArray

type Colour = tuple[float, float, float, float]
WIDTH, NARROW = 6.3, 3.75
"""Inches: 16 cm, so that a size in points is that size in print; and what a phone shows without scrolling."""
_WIDTH: ContextVar[float] = ContextVar("width", default=WIDTH)

SMALL, NORMAL, LARGE = 6.5, 7.5, 9.5
INK, GREY, FAINT = "#1a1a1a", "#6b6b6b", "#c9c9c9"
PURPLE = "#5e4fa2"
"""Patients below the MTD."""
BLUE, ORANGE, GREEN, PINK, SKY, VERMILLION = "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00"
LINES = (
    (BLUE, "-", "o"),
    (VERMILLION, "--", "s"),
    (GREEN, "-.", "^"),
    (PINK, ":", "D"),
    (ORANGE, (0, (6, 1.5)), "v"),
    (SKY, (0, (3, 1, 1, 1, 1, 1)), "P"),
)
"""Colour (Okabe and Ito), line style and marker: each of the three tells the lines apart."""
FAMILIES = "DejaVu Sans, Bitstream Vera Sans, Verdana, Geneva, Arial, Helvetica, sans-serif"
"""Of text in a drawing; the first is the one that it is laid out with, which matplotlib brings."""
RC: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": NORMAL,
    "axes.titlesize": NORMAL,
    "axes.labelsize": NORMAL,
    "axes.titlelocation": "left",
    "axes.titley": 1.0,  # no axis has ticks at the top that a title would have to clear: nothing to measure
    "axes.titlepad": 3.0,
    "axes.edgecolor": GREY,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": False,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.minor.size": 0,
    "text.color": INK,
    "text.parse_math": False,  # a "$" in a name is a "$"
    "hatch.linewidth": 0.5,
    "figure.dpi": 100,
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.h_pad": 0.04,
    "figure.constrained_layout.w_pad": 0.05,
}


def styled[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """Draw under the private style, whatever the user's own settings."""

    @wraps(function)
    def inside(*args: P.args, **kwargs: P.kwargs) -> R:
        import matplotlib
        from matplotlib import rc_context

        with rc_context(), warnings.catch_warnings():
            # a name in a script that the font lacks is drawn as boxes; the tables show it
            warnings.filterwarnings("ignore", message="Glyph .* missing from font")
            matplotlib.rcdefaults()
            matplotlib.rcParams.update(RC)  # type: ignore[arg-type]  # the keys are right
            return function(*args, **kwargs)

    return inside


def full_width() -> float:
    """Return the width of a figure that is drawn now, in inches."""
    return _WIDTH.get()


def by_page[T](in_print: T, on_phone: T) -> T:
    """Return what is for the page of a figure that is drawn now."""
    return in_print if full_width() == WIDTH else on_phone


@contextmanager
def narrow() -> Iterator[None]:
    """Draw figures inside as wide as a phone."""
    token = _WIDTH.set(NARROW)
    try:
        yield
    finally:
        _WIDTH.reset(token)


def text_width(text: str, size: float, bold: bool = False) -> float:
    """Return the width of one line of text, in points."""
    return measured(text, size, bold)[0]


@lru_cache(maxsize=8192)
def measured(text: str, size: float, bold: bool) -> tuple[float, float, float]:
    """Return width, height and descent of one line of text, in points."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font = FontProperties(size=size, weight="bold" if bold else "normal")
    width, height, descent = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    return float(width), float(height), float(descent)


@lru_cache
def line_heights(size: float, bold: bool) -> tuple[float, float, float]:
    """Return ascent, descent and gap of lines, in points, as the font states them."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    font = get_font(findfont(FontProperties(weight="bold" if bold else "normal")))
    stated, scale = font.get_sfnt_table("OS/2"), 1 / font.units_per_EM * size
    assert stated is not None, "of the font that matplotlib brings"
    return stated["sTypoAscender"] * scale, -stated["sTypoDescender"] * scale, stated["sTypoLineGap"] * scale


def fitted(labels: Sequence[str], width: float, size: float = NORMAL, bold: bool = False) -> list[str]:
    """Cut labels in their middle to a width in points, so that all that differ still do; one line each.

    An end that all long labels share goes first; labels that still come out alike are numbered.
    """
    given = [" ".join(str(label).split()) for label in labels]
    long = {label for label in given if text_width(label, size, bold) > width}
    shared = _shared_end(long)
    for tail in (0.4, 0.6, 0.8, 1.0):
        cut = [
            _cut(label.removesuffix(shared).rstrip(" ,;:-"), width, size, bold, tail) if label in long else label
            for label in given
        ]
        if len(set(cut)) == len(set(given)):
            return cut
    room = width - text_width(f" #{len(given)}", size, bold)
    return [
        f"{_cut(label, room, size, bold, 0.0)} #{k}" if label in long else label for k, label in enumerate(given, 1)
    ]


def _shared_end(labels: Collection[str]) -> str:
    """Return the words that end all of several labels."""
    ends = list(zip(*(label[::-1] for label in labels), strict=False)) if len(labels) > 1 else []
    same = next((k for k, letters in enumerate(ends) if len(set(letters)) > 1), len(ends))
    end = min(labels, default="")[::-1][:same][::-1]
    return end[end.index(" ") :] if " " in end else ""


def _cut(label: str, width: float, size: float, bold: bool, tail: float) -> str:
    """Leave out as little of the middle as it takes; `tail` is the share of what is left that the end gets."""
    short = label
    left = len(label)
    while left > 2 and text_width(short, size, bold) > width:
        left -= 1
        end = round(left * tail)
        short = label[: left - end].rstrip() + "…" + (label[-end:].lstrip() if end else "")
    return short


def wrapped(text: str, width: float, size: float) -> list[str]:
    """Break a text into lines of a width in points."""
    words, lines = text.split(), list[str]()
    letters = int(width / (0.5 * size))  # of a line, about: to begin there measures few lines, which takes long
    while words:
        count = max(len(" ".join(words)[:letters].split()) - 1, 1)
        while count < len(words) and text_width(" ".join(words[: count + 1]), size) <= width:
            count += 1
        while count > 1 and text_width(" ".join(words[:count]), size) > width:
            count -= 1
        lines.append(" ".join(words[:count]))
        del words[:count]
    return lines or [""]


def ramp(name: str, shares: FloatArray) -> list[Colour]:
    """Return the colours of a map at these shares of it."""
    from matplotlib import colormaps

    return [(float(r), float(g), float(b), 1.0) for r, g, b, _ in colormaps[name](shares)]


CONTRAST = 4.5
"""Of small text with what is behind it, at the least (WCAG 2)."""


def contrast_on_white(colour: str) -> float:
    """Return the contrast of a colour, "#rrggbb", with white, from 1 to 21."""
    share = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    light = np.where(share <= 0.03928, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return float(1.05 / (light @ (0.2126, 0.7152, 0.0722) + 0.05))


def text_shade(colour: str) -> str:
    """Return the shade in which small text of a colour is written on white: the colour, or as much darker as it takes.

    Examples
    --------
    >>> text_shade(BLUE) == BLUE, text_shade(VERMILLION)
    (True, '#c35600')
    """
    share = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)])
    while contrast_on_white(colour) < CONTRAST:
        share = share * 0.99
        colour = "#" + "".join(f"{round(value):02x}" for value in share)
    return colour


def ink_on(colour: Colour) -> str:
    """Return black or white, whichever reads better on a colour."""
    return INK if np.dot(colour[:3], (0.299, 0.587, 0.114)) > 0.5 else "white"
