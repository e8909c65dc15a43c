"""Equal rows of integer arrays, found by folding each row into one integer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from doseopt.core.state import IntArray

LARGEST = 2**62
DENSE = 4
"""Keys that are possible, per row, up to which they are looked up instead of sorted."""


def fold(columns: Iterable[IntArray]) -> IntArray:
    """Return one integer a row, equal exactly where all columns are equal.

    Mixed-radix packing; when the next column would overflow 62 bits, the key so far is replaced by the rank of its
    value, so any number of columns works.
    """
    key: IntArray | None = None
    bound = 1
    for column in columns:
        if key is None:
            key = np.zeros(len(column), np.int64)
        if not len(column):
            continue
        low = int(column.min())
        span = int(column.max()) - low + 1
        if bound * span > LARGEST:
            key = np.unique(key, return_inverse=True)[1]
            bound = int(key.max()) + 1
        key *= span  # in place: there may be millions of rows
        key += column
        key -= low
        bound *= span
    if key is None:
        raise ValueError("fold needs at least one column")
    return key


def unique_rows(columns: Iterable[IntArray]) -> tuple[IntArray, IntArray]:
    """Find the distinct rows.

    Parameters
    ----------
    columns : iterable of int array [S]

    Returns
    -------
    first : int array [U]
        A row of each distinct kind.
    inverse : int array [S]
        Which of them each row equals.
    """
    key = fold(columns)
    span = int(key.max(initial=0)) + 1
    if span > DENSE * len(key):
        _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
        return first, inverse
    at = np.full(span, -1)  # where each key is first found: of entries set twice the last stays
    at[key[::-1]] = np.arange(len(key) - 1, -1, -1)
    found = np.flatnonzero(at >= 0)
    first = at[found]
    at[found] = np.arange(len(found))
    return first, at[key]


def row_keys(*columns: IntArray) -> Any:
    """Return one string of bytes for each row of arrays [S, ...]: sorted and compared faster than rows of numbers.

    Numbers are those of doses and patients: not negative, and below 2^31.
    """
    rows = np.concatenate(columns, axis=-1).astype(np.int32, order="C")
    return rows.view(f"S{rows.shape[1] * rows.itemsize}")[:, 0]
