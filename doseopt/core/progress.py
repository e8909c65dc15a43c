"""How far some work is, as whoever waits for it is told."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

type Progress = Callable[[str], object]
"""Told each step when its turn comes."""

PAUSE = 1.0
"""Seconds between two parts of a long step that are told."""
_listening: ContextVar[Progress | None] = ContextVar("doseopt_listening", default=None)


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


@contextmanager
def listening(progress: Progress) -> Iterator[None]:
    """Hear now and then from long work inside, as graphs are, how far it is; not from copies of this process."""
    process, last = os.getpid(), time.monotonic()

    def hear(part: str) -> None:
        nonlocal last
        if time.monotonic() - last > PAUSE and os.getpid() == process:
            progress(part)
            last = time.monotonic()

    token = _listening.set(hear)
    try:
        yield
    finally:
        _listening.reset(token)


def tell(part: str) -> None:
    """Tell whoever listens which part of a long step is done.

    Examples
    --------
    >>> tell("trials of 12 patients")  # where nobody listens
    """
    hear = _listening.get()
    if hear is not None:
        hear(part)
