"""Figures drawn ahead: beside what is still computed."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable

from doseopt.core.beside import begun, processes
from doseopt.reports.render.document import Block, Figure

MOST = 4
"""Processes that draw: each lays out the same names anew."""

type Drawn = tuple[tuple[bytes, bytes], bytes]
"""PNG and SVG, and the narrow SVG, empty if it is not wanted."""


def ahead(blocks: Iterable[Block], *, narrow: bool = False) -> tuple[Block, ...]:
    """Return blocks whose figures other processes have begun to draw; who asks for one waits until it is there.

    Parameters
    ----------
    blocks : iterable of Block
    narrow : bool
        Whether they are wanted as drawn for a phone, too.
    """
    found = list(blocks)
    figures = [(k, block) for k, block in enumerate(found) if isinstance(block, Figure)]
    many = min(processes(), MOST, len(figures))
    if processes() == 1 or not figures:
        return tuple(found)
    import matplotlib.backends.backend_agg
    import matplotlib.backends.backend_svg
    import matplotlib.figure  # noqa: F401  # once, not in each process

    for share in (figures[first::many] for first in range(many)):
        wait = begun(functools.partial(_drawn, [figure for _, figure in share], narrow))
        for at, (k, figure) in enumerate(share):
            found[k] = _awaited(figure, wait, at, narrow)
    return tuple(found)


def _drawn(figures: list[Figure], narrow: bool) -> list[Drawn]:
    return [(figure.drawn(), figure.narrow() if narrow else b"") for figure in figures]


def _awaited(figure: Figure, wait: Callable[[], list[Drawn]], at: int, narrow: bool) -> Figure:
    """Return a figure that is fetched when it is asked for."""
    on_phone = (lambda: wait()[at][1]) if narrow else figure.narrow
    return dataclasses.replace(figure, drawn=lambda: wait()[at][0], narrow=on_phone)
