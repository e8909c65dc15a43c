"""Figures drawn ahead: beside what is still computed."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable

from doseopt.core.beside import Beside, in_turn
from doseopt.reports.render.document import Document, Figure
from doseopt.reports.render.html import too_wide

MOST = 4
"""Shares of the figures, and so processes that draw: each lays out the same names anew."""

type Drawn = tuple[bytes, bytes]
"""SVG, and the narrow one, empty if no page wants it; what makes pixels of it is no work for a copied process."""


def ahead(document: Document, *, page: bool = False) -> Document:
    """Return a document whose figures other processes have begun to draw; who asks for one waits until it is there.

    Parameters
    ----------
    document : Document
    page : bool
        Whether it becomes a page, which draws some figures for a phone, too.
    """
    found = list(document.blocks)
    figures = [(k, block) for k, block in enumerate(found) if isinstance(block, Figure)]
    many = min(MOST, len(figures))
    if Beside.processes == 1 or not figures:
        return document
    import matplotlib.figure  # noqa: F401

    import doseopt.plots.pen  # noqa: F401  # once, not in each process

    shares = [figures[first::many] for first in range(many)]
    waits = in_turn([functools.partial(_drawn, [figure for _, figure in share], page) for share in shares])
    for share, wait in zip(shares, waits, strict=True):
        for at, (k, figure) in enumerate(share):
            found[k] = _awaited(figure, wait, at)
    return dataclasses.replace(document, blocks=tuple(found))


def _drawn(figures: list[Figure], page: bool) -> list[Drawn]:
    return [(figure.drawn(), figure.narrow() if page and too_wide(figure) else b"") for figure in figures]


def _awaited(figure: Figure, wait: Callable[[], list[Drawn]], at: int) -> Figure:
    """Return a figure that is fetched when it is asked for."""
    return dataclasses.replace(figure, drawn=lambda: wait()[at][0], narrow=lambda: wait()[at][1] or figure.narrow())
