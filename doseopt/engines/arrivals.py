"""Trials that arrive at one number of patients, merged where they are in the same state.

`Arrivals` keeps them until all have come, and NumPy sorts them then. `Hashed` merges them as they come, in compiled
code. States stand in the order in which they were first reached, and sums are taken in the order of arrival, so that
both give the same to the last bit.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from doseopt.core.distinct import unique_rows
from doseopt.core.state import FloatArray, IntArray

PIECE = 1 << 16
"""Trials that are sent on at a time."""


class Sent(NamedTuple):
    """Trials of whom some are sent on.

    Attributes
    ----------
    words : int array [A, W]
    sums : float array [A, 2]
    kind : int32 array [A]
    """

    words: IntArray
    sums: FloatArray
    kind: IntArray


class Arrivals:
    """Arrivals at one layer of a graph.

    Parameters
    ----------
    width : int
        Words of a state.

    Attributes
    ----------
    room : int
        Arrivals that there is room for.
    """

    def __init__(self, width: int) -> None:
        self._parts: list[tuple[IntArray, FloatArray]] = [(np.zeros((0, width), np.int64), np.zeros((0, 2)))]
        self.room = 0

    def send(self, some: Sent, given: IntArray, stay: IntArray, add: IntArray, weigh: FloatArray, many: int) -> None:
        """Send trials here, in each of some ways.

        Parameters
        ----------
        some : Sent
            Trials of whom some are sent.
        given : int array [Q]
            The dose that each kind of them is given, -1 for those who are not sent.
        stay : int array [W]
            Bits of their words that stay.
        add : int array [D, K, W]
            What each of K ways adds to them, by dose.
        weigh : float array [K]
            What the first of their sums is multiplied with.
        many : int
            How many are sent.
        """
        rows = np.flatnonzero(given[some.kind] >= 0)
        dose = given[some.kind[rows]]
        words = ((some.words[rows] & stay)[:, None] + add[dose]).reshape(-1, some.words.shape[1])
        self.take_in(words, weighed(some.sums[rows], weigh))

    def take_in(self, words: IntArray, sums: FloatArray) -> None:
        """Take in trials that arrive as they are."""
        self._parts.append((words, sums))
        self.room += len(words)

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


def weighed(sums: FloatArray, weigh: FloatArray) -> FloatArray:
    """Return the sums of trials [A, 2] that are sent on in each of K ways, the first multiplied with its weight."""
    found = np.repeat(sums[:, None], len(weigh), axis=1)
    found[..., 0] *= weigh
    return found.reshape(-1, 2)


class Hashed(Arrivals):
    """The same, merged as they come.

    Parameters
    ----------
    width : int
    loops : module
        `doseopt.engines.loops`.
    told : bool
        Whether it is kept which state each arrival is.
    """

    def __init__(self, width: int, loops: Any, told: bool) -> None:
        self._loops = loops
        self._count = self.room = 0
        self._words, self._sums = np.empty((0, width), np.int64), np.empty((0, 2))
        self._slots = np.empty(0, np.int32)
        self._places: list[IntArray] | None = [] if told else None

    def send(self, some: Sent, given: IntArray, stay: IntArray, add: IntArray, weigh: FloatArray, many: int) -> None:
        """Send trials here, in each of some ways."""
        ways = add.shape[1]
        self._make_room(many * ways + 1)
        step = max(PIECE // ways, 1)
        for first in range(0, len(some.kind), step):
            words, sums, kind = (each[first : first + step] for each in some)
            self._make_slots(min(len(kind), many) * ways + 1)
            sent = 0 if self._places is None else np.count_nonzero(given[kind] >= 0)
            place = np.empty((sent, ways), np.int64)
            known = self._slots, self._words, self._sums, self._count
            self._count = self._loops.arrive(*known, words, sums, kind, given, stay, add, weigh, place)
            if self._places is not None:
                self._places.append(place.ravel())

    def take_in(self, words: IntArray, sums: FloatArray) -> None:
        """Take in trials that arrive as they are."""
        width = words.shape[1]
        nothing, nowhere = np.zeros((1, 1, width), np.int64), np.zeros(1, np.int64)
        some = Sent(words, sums, np.zeros(len(words), np.int32))
        self.send(some, nowhere, np.full(width, -1), nothing, np.ones(1), len(words))

    def _make_room(self, more: int) -> None:
        """Make room for more states; what is not used of it is never touched."""
        count, self.room = self._count, max(self.room, self._count + more)
        if self.room > len(self._words):
            words, sums = np.empty((self.room, self._words.shape[1]), np.int64), np.empty((self.room, 2))
            words[:count], sums[:count] = self._words[:count], self._sums[:count]
            self._words, self._sums = words, sums

    def _make_slots(self, more: int) -> None:
        """Make room for more states in the hash table."""
        if 2 * (self._count + more) > len(self._slots):
            self._slots = np.full(1 << (2 * (self._count + more)).bit_length(), -1, np.int32)
            self._loops.seat(self._slots, self._words, 0, self._count)

    def merged(self) -> tuple[IntArray, FloatArray, IntArray]:
        """Return the same as `Arrivals.merged`; no places unless they are told."""
        place = np.concatenate(self._places) if self._places else np.zeros(0, np.int64)
        for found in (self._words, self._sums):  # give back what was not used
            found.resize((self._count, found.shape[1]), refcheck=False)
        return self._words, self._sums, place
