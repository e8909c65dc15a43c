"""An interrupt by the user, in words and with the exit status that shells know."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

INTERRUPTED = 130
"""Exit status."""


@contextmanager
def interruptible() -> Iterator[None]:
    """End the process where it is interrupted: one line on standard error, no traceback."""
    try:
        yield
    except KeyboardInterrupt:
        print("doseopt: interrupted", file=sys.stderr)
        raise SystemExit(INTERRUPTED) from None
