"""Loops in compiled code; import this through `doseopt.core.compiled`, as it loads the compiler.

What is compiled is kept in a folder of the user's caches (`NUMBA_CACHE_DIR`, if it is set), or compiled in memory where
there is none that can be written to.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np

CONFIG: Any = numba.config


def cache_folder() -> Path:
    """Return where this system keeps a user's caches, with the name of the package."""
    if sys.platform == "win32":
        known = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        known = Path.home() / "Library" / "Caches"
    else:
        known = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(known) / "doseopt"


def compiling[**P, R](function: Callable[P, R], free: frozenset[str] = frozenset()) -> Callable[P, R]:
    """Decorate a loop: compiled when it is first called, and kept; `free` are liberties with floating point."""
    before = CONFIG.CACHE_DIR
    CONFIG.CACHE_DIR = before or str(cache_folder())
    try:
        made: Any = numba.njit(cache=True, nogil=True, fastmath=set(free))(function)
    except RuntimeError:  # no folder can be written to
        warnings.warn(
            "no cache folder can be written to: loops are compiled anew in each run, which takes seconds; set "
            "NUMBA_CACHE_DIR to a folder that can",
            RuntimeWarning,
            stacklevel=3,
        )
        made = numba.njit(nogil=True, fastmath=set(free))(function)
    finally:
        CONFIG.CACHE_DIR = before
    return made  # type: ignore[no-any-return]


def summing[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """Decorate a loop whose sums may be taken in any order."""
    return compiling(function, frozenset({"reassoc", "contract"}))


@compiling
def block_means(n: Any, y: Any, allowed: Any, weight: Any, part: Any) -> Any:
    """Return the max-min of block means [D, S] of tallies [D, S], see `designs.selection.isotonic`.

    Parameters
    ----------
    n, y : int array [D, S]
    allowed : bool array [D, S]
    weight, part : float array [N, N]
        Weights, and weighted rates, by n and y.
    """
    doses = len(n)
    result = np.full(n.shape, np.nan)
    mass, total = np.zeros(doses + 1), np.zeros(doses + 1)
    for s in range(n.shape[1]):
        for j in range(doses):
            mass[j + 1], total[j + 1] = mass[j], total[j]
            if allowed[j, s]:
                mass[j + 1] += weight[n[j, s], y[j, s]]
                total[j + 1] += part[n[j, s], y[j, s]]
        place = 0
        for j in range(doses):
            if not allowed[j, s]:
                continue
            place += 1
            best = -np.inf
            for low in range(j + 1):
                if allowed[low, s]:
                    least = np.inf
                    for high in range(j, doses):
                        if allowed[high, s]:
                            least = min(least, (total[high + 1] - total[low]) / (mass[high + 1] - mass[low]))
                            if least <= best:
                                break
                    best = max(best, least)
            result[j, s] = best + 1e-10 * place
    return result
