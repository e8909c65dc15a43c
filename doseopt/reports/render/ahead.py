"""Figures drawn ahead: beside what is still computed."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable

from doseopt.core.beside import Beside, in_turn
from doseopt.reports.render.document import Document, Figure
from doseopt.reports.render.html import too_wide

MOST = 4
"""Copies that draw: each lays out the same names anew."""

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
    figures = {k: block for k, block in enumerate(document.blocks) if isinstance(block, Figure)}
    if Beside.processes == 1 or not figures:
        return document
    load()
    waits = in_turn([functools.partial(_drawn, figure, page) for figure in figures.values()], MOST)
    found = list(document.blocks)
    for (k, figure), wait in zip(figures.items(), waits, strict=True):
        found[k] = _awaited(figure, wait)
    return dataclasses.replace(document, blocks=tuple(found))


def load() -> None:
    """Load what draws: once, not in each process."""
    import matplotlib.figure  # noqa: F401

    import doseopt.plots.pen  # noqa: F401


def _drawn(figure: Figure, page: bool) -> Drawn:
    return figure.drawn(), figure.narrow() if page and too_wide(figure) else b""


def _awaited(figure: Figure, wait: Callable[[], Drawn]) -> Figure:
    """Return a figure that is fetched when it is asked for."""
    return dataclasses.replace(figure, drawn=lambda: wait()[0], narrow=lambda: wait()[1] or figure.narrow())
