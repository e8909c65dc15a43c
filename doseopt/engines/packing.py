"""States packed into few integers each: merged and kept so, unpacked where a rule is asked."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from doseopt.core.facts import Facts
from doseopt.core.parameters import Fault, Faults
from doseopt.core.state import IntArray, TrialState

BITS = 62
"""Of a word that are used."""
MEMORY_BITS = 16
ZERO = 1 << MEMORY_BITS - 1
"""Stands for 0 in what a design remembers, which may be negative."""
WITHOUT_CAP = 1023
"""Most patients at a dose of a design that states no cap."""


@dataclass(frozen=True)
class Place:
    """Where a number lies: a word, the first of its bits, how many."""

    word: int
    shift: int
    bits: int

    @property
    def mask(self) -> int:
        """The bits of the number."""
        return (1 << self.bits) - 1


class Packing:
    """Where the numbers of a state lie in its words.

    Parameters
    ----------
    facts : Facts
        Of the design.
    begun : int
        Patients treated before the start.

    Attributes
    ----------
    words : int
        Words of a state.
    most : int
        Patients at a dose that there is room for.

    Examples
    --------
    >>> import numpy as np
    >>> from doseopt import BOIN, after
    >>> packing = Packing(BOIN(doses=3, target=0.25).facts, 0)
    >>> state = after(BOIN(doses=3, target=0.25), "1NNN 2NNT")
    >>> packing.words, packing.unpack(packing.pack(state)).n.tolist()
    (2, [[3, 3, 0]])
    """

    def __init__(self, facts: Facts, begun: int) -> None:
        self.doses = facts.doses
        most = WITHOUT_CAP if facts.cap is None else max(facts.cap, begun)
        self.most = (1 << most.bit_length()) - 1
        self._used = [0]
        self.dose = self._place((facts.doses + 1).bit_length())
        self.memory = [self._place(MEMORY_BITS) for _ in facts.memory]
        pairs = [[self._place(most.bit_length()) for _ in range(2)] for _ in range(facts.doses)]
        self.n, self.y = ([pair[k] for pair in pairs] for k in range(2))

    @property
    def words(self) -> int:
        """Words of a state."""
        return len(self._used)

    def _place(self, bits: int) -> Place:
        if self._used[-1] + bits > BITS:
            self._used.append(0)
        self._used[-1] += bits
        return Place(len(self._used) - 1, self._used[-1] - bits, bits)

    def pack(self, state: TrialState) -> IntArray:
        """Return the words of states, [S, W].

        Raises
        ------
        Faults
            If a number has no room.
        """
        words = np.zeros((len(state), self.words), np.int64)
        columns = [(self.dose, state.dose + 1)]
        columns += zip(self.memory, (state.memory + ZERO).T, strict=True)
        columns += [*zip(self.n, state.n.T, strict=True), *zip(self.y, state.y.T, strict=True)]
        for place, column in columns:
            if len(column) and (column.min() < 0 or column.max() > place.mask):
                wanted = f"wanted tallies of at most {self.most} patients at a dose, and what a design remembers in "
                raise Faults([Fault("", f"{wanted}[-{ZERO}, {ZERO - 1}]")])
            words[:, place.word] += column << place.shift
        return words

    def remembered(self, memory: IntArray) -> IntArray:
        """Return the words of what is remembered alone, [S, M] -> [S, W]."""
        if memory.size and not -ZERO <= memory.min() <= memory.max() < ZERO:
            raise Faults([Fault("", f"wanted what a design remembers in [-{ZERO}, {ZERO - 1}], got {memory.max()}")])
        words = np.zeros((len(memory), self.words), np.int64)
        for place, column in zip(self.memory, memory.T, strict=True):
            words[:, place.word] += column + ZERO << place.shift
        return words

    def unpack(self, words: IntArray) -> TrialState:
        """Return states, a dose after the other in memory, in which order rules look at them."""
        word, shift, mask = self._all
        numbers = words.T[word]
        numbers >>= shift
        numbers &= mask
        first, second = 1 + self.doses, 1 + 2 * self.doses
        n, y, memory = numbers[1:first], numbers[first:second], numbers[second:]
        return TrialState(n.T, y.T, numbers[0] - 1, memory.T - ZERO)

    @functools.cached_property
    def _all(self) -> tuple[IntArray, IntArray, IntArray]:
        """Word, shift and mask of each number of a state, [Q], [Q, 1] and [Q, 1]: the dose, n, y and memory."""
        word, shift, mask = self.places([self.dose, *self.n, *self.y, *self.memory]).T
        return word, shift[:, None], mask[:, None]

    def places(self, numbers: Sequence[Place]) -> IntArray:
        """Return where numbers lie, as the compiled loops read it: word, shift and mask of each, [Q, 3]."""
        return np.array([(place.word, place.shift, place.mask) for place in numbers])

    def patients_at(self, words: IntArray, dose: IntArray) -> IntArray:
        """Return the patients at one dose of each state, [S]."""
        word, shift, mask = self.places(self.n).T
        return np.asarray(words[np.arange(len(words)), word[dose]] >> shift[dose] & mask[dose])

    def added(self, n: IntArray, y: IntArray) -> tuple[IntArray, IntArray]:
        """Return what cohorts change in states but for their memory: bits that stay, [W]; what is added, [D, K, W].

        Parameters
        ----------
        n, y : int array [K]
            Patients and DLTs of a cohort in each way that it can turn out.
        """
        shape = self.doses, len(n), self.words
        dose, nobody = np.repeat(np.arange(self.doses), len(n)), np.zeros((self.doses * len(n), self.words), np.int64)
        return self._stay, self.treated(nobody, dose, *(np.tile(each, self.doses) for each in (n, y))).reshape(shape)

    @functools.cached_property
    def _stay(self) -> IntArray:
        """The bits of a state that a cohort leaves as they are, [W]."""
        stay = np.full(self.words, -1)
        for place in (self.dose, *self.memory):
            stay[place.word] ^= place.mask << place.shift
        return stay

    def treated(self, words: IntArray, dose: IntArray, n: IntArray, y: IntArray) -> IntArray:
        """Return states after a cohort each, but for their memory, [S, W]; its dose, patients and DLTs are [S] each."""
        found, at = words & self._stay, np.arange(len(words))
        found[:, self.dose.word] += dose + 1 << self.dose.shift
        for places, number in ((self.n, n), (self.y, y)):
            word, shift, _ = self.places(places).T
            found[at, word[dose]] += number << shift[dose]
        return found


@dataclass(frozen=True, eq=False)
class Packed:
    """States that are kept packed, and unpacked as they are asked for.

    Parameters
    ----------
    packing : Packing
    words : int array [S, W]
    """

    packing: Packing
    words: IntArray

    def __len__(self) -> int:
        return len(self.words)

    def __getitem__(self, index: IntArray | slice) -> TrialState:
        return self.packing.unpack(self.words[index])

    def numbers(self, place: Place, rows: IntArray | slice = slice(None)) -> IntArray:
        """Return one number of some states, [Q]."""
        found = self.words[rows, place.word] >> place.shift
        found &= place.mask
        return np.asarray(found)

    @property
    def total(self) -> IntArray:
        """Patients treated so far, [S]."""
        found = np.zeros(len(self), np.int64)
        for place in self.packing.n:
            found += self.numbers(place)
        return found
