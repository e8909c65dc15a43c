"""Compiled loops, and when a problem is large enough to pay for loading them."""

from __future__ import annotations

import sys
from types import ModuleType

LOOPS = "doseopt.core.loops"
ENOUGH = 1_000_000
"""States, or steps of a rule, that NumPy takes about as long for as it takes to load the compiler."""


def compiled(steps: int) -> ModuleType | None:
    """Return the compiled loops if they are at hand, or if there are enough steps to pay for loading them; else None.

    NumPy does the same in their place, to the last bit, or to rounding where nodes are summed, which is less than what
    counts as a tie: it does not matter which were used.
    """
    if LOOPS not in sys.modules and steps < ENOUGH:
        return None
    return loops()


def loops() -> ModuleType:
    """Return the compiled loops, loaded; compiled too where the user's cache does not hold them."""
    from doseopt.core import loops as found

    return found
