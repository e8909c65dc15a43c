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

SPREAD = np.uint64(0x9E3779B97F4A7C15)
HALF = np.uint64(32)
FREE = -1
STRIDE = 8
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
def hashed(words: Any, row: int) -> Any:
    """Return a number that spreads the words of one row over all bits."""
    key = np.uint64(0)
    for w in range(words.shape[1]):
        key = (key ^ np.uint64(words[row, w])) * SPREAD
        key ^= key >> HALF
    return key


@compiling
def seat(slots: Any, words: Any, first: int, end: int) -> None:
    """Enter rows of distinct words into slots, a power of two of them, FREE where there is none."""
    mask = np.uint64(len(slots) - 1)
    for row in range(first, end):
        at = hashed(words, row) & mask
        while slots[at] != FREE:
            at = (at + np.uint64(1)) & mask
        slots[at] = row


@compiling
def arrive(
    slots: Any, known: Any, sums: Any, count: int, rows: Any, clear: Any, add: Any, dose: Any, weigh: Any, sent: Any
) -> Any:
    """Send every row on in each way, and merge equal arrivals.

    Parameters
    ----------
    slots : int32 array
        Hash table of the rows known.
    known : int array [C, W]
        Words of the rows known, `count` of them so far.
    sums : float array [C, 2]
        What is summed over the arrivals at each.
    count : int
    rows : int array [A, W]
        Words of those who are sent.
    clear : int array [W]
        Bits of theirs that stay.
    add : int array [D, K, W]
        What each of K ways adds to a row, by `dose` [A].
    weigh : float array [K]
        What the first of the numbers sent, [A, 2], is multiplied with.

    Returns
    -------
    count : int
    place : int array [A, K]
        Which row each arrival is.
    """
    ways, width, mask = add.shape[1], rows.shape[1], np.uint64(len(slots) - 1)
    place = np.empty((len(rows), ways), np.int64)
    one = np.uint64(1)
    for i in range(len(rows)):
        for k in range(ways):
            for w in range(width):
                known[count, w] = (rows[i, w] & clear[w]) + add[dose[i], k, w]
            at = hashed(known, count) & mask
            while True:
                row = slots[at]
                if row == FREE:
                    row = slots[at] = count
                    sums[count, 0] = sums[count, 1] = 0.0
                    count += 1
                    break
                same = True
                for w in range(width):
                    same &= known[row, w] == known[count, w]
                if same:
                    break
                at = (at + one) & mask
            sums[row, 0] += sent[i, 0] * weigh[k]
            sums[row, 1] += sent[i, 1]
            place[i, k] = row
    return count, place


@compiling
def kinds(words: Any, dose: Any, n: Any, y: Any, excluding: Any) -> Any:
    """Tell states apart by the dose last given, its tally, and the lowest dose that is excluded.

    Parameters
    ----------
    words : int array [S, W]
    dose, n, y : int array [1, 3], [D, 3], [D, 3]
        Word, shift and mask of each number in them.
    excluding : bool array [D, N, N]
        Of `Facts.excluding`.

    Returns
    -------
    first : int array [Q]
        The first state of each kind.
    kind : int array [S]
    """
    doses, size = excluding.shape[:2]
    slots = 2
    while slots < 2 * len(words):
        slots *= 2
    mask, seen, codes = np.uint64(slots - 1), np.full(slots, FREE, np.int32), np.empty(slots, np.int64)
    first, kind = np.empty(len(words), np.int64), np.empty(len(words), np.int64)
    count = 0
    for s in range(len(words)):
        lowest = doses
        for j in range(doses):
            patients = words[s, n[j, 0]] >> n[j, 1] & n[j, 2]
            if excluding[j, patients, words[s, y[j, 0]] >> y[j, 1] & y[j, 2]]:
                lowest = j
                break
        code = words[s, dose[0, 0]] >> dose[0, 1] & dose[0, 2]
        j = max(code - 1, 0)
        code = code * (doses + 1) + lowest
        code = code * size + (words[s, n[j, 0]] >> n[j, 1] & n[j, 2])
        code = code * size + (words[s, y[j, 0]] >> y[j, 1] & y[j, 2])
        at = (np.uint64(code) * SPREAD) >> HALF & mask
        while seen[at] != FREE and codes[at] != code:
            at = (at + np.uint64(1)) & mask
        if seen[at] == FREE:
            seen[at], codes[at] = count, code
            first[count] = s
            count += 1
        kind[s] = seen[at]
    return first[:count], kind


@compiling
def block_means(weight: Any, part: Any, allowed: Any) -> Any:
    """Return the max-min of block means [D, S] from the weights and weighted rates: `designs.selection.isotonic`."""
    doses = len(weight)
    result = np.full(weight.shape, np.nan)
    mass, total = np.zeros(doses + 1), np.zeros(doses + 1)
    for s in range(weight.shape[1]):
        for j in range(doses):
            mass[j + 1] = mass[j] + weight[j, s]
            total[j + 1] = total[j] + part[j, s]
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
                    best = max(best, least)
            result[j, s] = best + 1e-10 * place
    return result


@compiling
def draw_cohorts(
    at: Any, seen: Any, rows: Any, first: int, u: Any, p: Any, dose: Any, size: Any, visits: Any, passed: Any
) -> Any:
    """Draw how many DLTs the next cohort of each trial has.

    Parameters
    ----------
    at : int array [A]
        The state of each trial that goes on.
    seen : int array [A]
        Patients who came in it so far.
    rows : int array [A]
        Its number, scenario by scenario, in order.
    first : int
    u : float array [P, T]
        Tolerances of the patients from `first` on, in each trial of a scenario.
    p : float array [R, D]
    dose, size : int array [Q]
        What each state is given.
    visits : bool array [Q, most + 1]
        Set where a state has a trial with so many DLTs.
    passed : int array [R, Q]
        Raised by the trials of a scenario in each state.

    Returns
    -------
    int array [A]
    """
    dlts, trials, scenario = np.empty(len(at), np.int64), u.shape[1], 0
    for a in range(len(at)):
        state = at[a]
        while rows[a] >= (scenario + 1) * trials:
            scenario += 1
        trial = rows[a] - scenario * trials
        rate, found = p[scenario, dose[state]], 0
        for i in range(seen[a] - first, seen[a] - first + size[state]):
            found += u[i, trial] < rate
        seen[a] += size[state]
        visits[state, found] = True
        passed[scenario, state] += 1
        dlts[a] = found
    return dlts


@summing
def sum_products(tables: Any, kinds: Any, columns: Any, near: float) -> Any:
    """Sum products of factors, times columns, over the nodes around the largest of each: [U, C].

    One node in STRIDE tells where products are large: they are smooth, and have no peak that is hidden from all these.

    Parameters
    ----------
    tables : float array [K, G]
        Values of the kinds of all factors at the nodes.
    kinds : int array [U, F]
    columns : float array [C, G]
    near : float
        Products that are smaller, relative to the largest, count for nothing.
    """
    (rows, factors), (number, nodes) = kinds.shape, columns.shape
    found, room, marks = np.empty((rows, number)), np.empty(nodes), np.empty((nodes - 1) // STRIDE + 1)
    for u in range(rows):
        marks[:] = 1.0
        for f in range(factors):
            table = tables[kinds[u, f]]
            for m in range(len(marks)):
                marks[m] *= table[m * STRIDE]
        least, low, high = near * marks.max(), 0, len(marks) - 1
        while low < high and marks[low] <= least:
            low += 1
        while low < high and marks[high] <= least:
            high -= 1
        first, end = max(low - 1, 0) * STRIDE, (high + 1) * STRIDE
        table = tables[kinds[u, 0], first:end]
        value = room[: len(table)]
        value[:] = table
        for f in range(1, factors):
            table = tables[kinds[u, f], first:end]
            for g in range(len(value)):
                value[g] *= table[g]
        for c in range(number):
            column, total = columns[c, first:end], 0.0
            for g in range(len(value)):
                total += value[g] * column[g]
            found[u, c] = total
    return found
