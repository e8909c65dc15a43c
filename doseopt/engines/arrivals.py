"""Trials that arrive at one number of patients, merged where they are in the same state.

`Arrivals` keeps them until all have come, and NumPy sorts them then. `Hashed` merges them as they come, in compiled
code. States stand in the order in which they were first reached, and sums are taken in the order of arrival, so that
both give the same to the last bit.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from doseopt.core.distinct import unique_rows
from doseopt.core.state import FloatArray, IntArray

PIECE = 1 << 16
"""Trials that are sent on at a time."""


class Arrivals:
    """Arrivals at one layer of a graph.

    Parameters
    ----------
    width : int
        Words of a state.

    Attributes
    ----------
    count : int
        Arrivals that are kept.
    """

    def __init__(self, width: int) -> None:
        self._parts: list[tuple[IntArray, FloatArray]] = [(np.zeros((0, width), np.int64), np.zeros((0, 2)))]
        self.count = 0

    def send(
        self, rows: IntArray, stay: IntArray, add: IntArray, dose: IntArray, weigh: FloatArray, sent: FloatArray
    ) -> None:
        """Send trials here, in each of some ways; see `doseopt.core.loops.arrive`."""
        ways = add.shape[1]
        words = ((rows & stay)[:, None] + add[dose]).reshape(-1, rows.shape[1])
        sums = np.repeat(sent, ways, axis=0)
        sums[:, 0] *= np.tile(weigh, len(rows))
        self._parts.append((words, sums))
        self.count += len(words)

    def merged(self) -> tuple[IntArray, FloatArray, IntArray]:
        """Return the distinct states [S, W], sums over the arrivals at each [S, 2], and which each arrival is, [A]."""
        words, sums = (np.concatenate(part) for part in zip(*self._parts, strict=True))
        self._parts.clear()
        first, inverse = unique_rows(words.T)
        order = np.argsort(first)
        rank = np.empty_like(order)
        rank[order] = np.arange(len(order))
        place = rank[inverse]
        found = np.stack([np.bincount(place, part, len(first)) for part in sums.T], axis=1)
        return words[first[order]], found, place


class Hashed(Arrivals):
    """The same, merged as they come.

    Parameters
    ----------
    width : int
    loops : module
        The compiled loops.
    told : bool
        Whether it is kept which state each arrival is.
    """

    def __init__(self, width: int, loops: ModuleType, told: bool) -> None:
        self._loops: Any = loops
        self.count = 0
        self._words, self._sums = np.empty((0, width), np.int64), np.empty((0, 2))
        self._slots = np.empty(0, np.int32)
        self._places: list[IntArray] | None = [] if told else None

    def send(
        self, rows: IntArray, stay: IntArray, add: IntArray, dose: IntArray, weigh: FloatArray, sent: FloatArray
    ) -> None:
        """Send trials here, in each of some ways."""
        step = max(PIECE // add.shape[1], 1)
        for some in (slice(first, first + step) for first in range(0, len(rows), step)):
            self._make_room(len(rows[some]) * add.shape[1] + 1)
            self.count, place = self._loops.arrive(
                self._slots, self._words, self._sums, self.count, rows[some], stay, add, dose[some], weigh, sent[some]
            )
            if self._places is not None:
                self._places.append(place.ravel())

    def _make_room(self, more: int) -> None:
        """Make room for more states."""
        if self.count + more > len(self._words):
            size = max(2 * len(self._words), self.count + more)
            words, sums = np.empty((size, self._words.shape[1]), np.int64), np.empty((size, 2))
            words[: self.count], sums[: self.count] = self._words[: self.count], self._sums[: self.count]
            self._words, self._sums = words, sums
        if 2 * (self.count + more) > len(self._slots):
            self._slots = np.full(1 << (4 * (self.count + more)).bit_length(), -1, np.int32)
            self._loops.seat(self._slots, self._words, 0, self.count)

    def merged(self) -> tuple[IntArray, FloatArray, IntArray]:
        """Return the same as `Arrivals.merged`; no places unless they are told."""
        place = np.concatenate(self._places) if self._places else np.zeros(0, np.int64)
        return self._words[: self.count], self._sums[: self.count], place
