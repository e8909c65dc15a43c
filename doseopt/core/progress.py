"""How far some work is, as whoever waits for it is told."""

from __future__ import annotations

from collections.abc import Callable

type Progress = Callable[[str], object]
"""Told each step when its turn comes."""


def in_percent(progress: Progress, step: str) -> Callable[[float], None]:
    """Return what is told the share of a step that is done, and tells each percent once.

    Examples
    --------
    >>> tell = in_percent(print, "rules")
    >>> for share in (0.101, 0.104, 1):
    ...     tell(share)
    rules, 10%
    rules, 100%
    """
    last = ""

    def tell(share: float) -> None:
        nonlocal last
        if last != (last := f"{step}, {share:.0%}"):
            progress(last)

    return tell
