"""States with pending patients, packed into few integers each, and what is summed over the ways that lead to them.

Patients arrive in slots, at most one in each, so that those who are pending are told apart by the number of slots since
then: one digit each, 0 for nobody and 1 + dose for a patient, with doses counted once more for each mark. A digit moves
on as its patient ages; what happens to a patient adds the same number to every state in which it happens at one dose.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from doseopt.clock.fates import CLEAN, DLT, GONE, NONE, OUT
from doseopt.core.facts import Facts
from doseopt.core.parameters import Fault, Faults
from doseopt.core.state import BoolArray, FloatArray, IntArray, Pending, TrialState

BITS = 63
"""Of a word that are used."""
UNKNOWN = 63
"""Most patients of a trial that states no cap, at a dose."""
LARGEST_MEMORY = 255
NOBODY = -1
MIX = 0x1F7D_5A2B_9C3E_6D85
"""An odd number that spreads bits."""


@dataclass(frozen=True)
class Field:
    """A number in a packed state: so many bits of a word, from one on."""

    word: int
    shift: int
    bits: int

    def of(self, words: IntArray) -> IntArray:
        """Return the number in each state, [W, S] -> [S]."""
        return np.asarray((words[self.word] >> self.shift) & ((1 << self.bits) - 1))

    def add(self, words: IntArray, value: IntArray | int) -> None:
        """Add to the number in each state."""
        words[self.word] += np.left_shift(value, self.shift)


class Layout:
    """Where the parts of a state lie in its words.

    Parameters
    ----------
    facts : Facts
        Of the design.
    slots : int
        Slots of a patient.
    most : int
        Patients at a dose at the most.
    spares : bool
        Whether pending patients may be marked who will have no DLT.
    loses : bool
        Whether patients may be lost: those of the last cohort are then marked, whose places may be given again.
    leaves_out : bool
        Whether some of these keep their places; a cohort of which nobody is left is treated again.
    """

    def __init__(
        self, facts: Facts, slots: int, most: int, spares: bool = False, loses: bool = False, leaves_out: bool = False
    ) -> None:
        self.doses, self.slots, self.most, self.spares = facts.doses, slots, most, spares
        self.kinds = facts.doses * (1 + spares) * (1 + loses)
        self.own = facts.doses * (1 + spares) if loses else 0
        self.digit = self.kinds.bit_length()
        self.words = 0
        self._room = 0
        count = most.bit_length()
        self.pending = self._place(slots * self.digit, "slots of the window")
        self.dose = self._place(self.digit)
        self.left = self._place(count)
        self.stop = self._place((len(facts.stops) + 1).bit_length())
        self.memory = [self._place(LARGEST_MEMORY.bit_length()) for _ in facts.memory]
        self.titrating = None if facts.titrating is None else self.memory[facts.titrating]
        self.moderate = None if facts.moderate is None else self.memory[facts.moderate]
        self.n = [self._place(count) for _ in range(facts.doses)]
        self.y = [self._place(count) for _ in range(facts.doses)]
        self.given = self._place(facts.doses) if loses else None
        self.kept, self.out = (self._place(count) if leaves_out else None for _ in range(2))
        counts = loses and facts.max_enrolled is not None
        self.lost = self._place((facts.max_enrolled or 0).bit_length()) if counts else None

    def _place(self, bits: int, what: str = "") -> Field:
        if bits > BITS:
            raise Faults([Fault(what, f"wanted at most {BITS // self.digit} for {self.doses} doses, got {self.slots}")])
        if bits > self._room:
            self.words, self._room = self.words + 1, BITS
        self._room -= bits
        return Field(self.words - 1, BITS - self._room - bits, bits)

    def pack(self, state: TrialState) -> IntArray:
        """Return trials without pending patients, [W, S]."""
        words = np.zeros((self.words, len(state)), np.int64)
        for fields, values in ((self.n, state.n), (self.y, state.y), (self.memory, state.memory)):
            for field, value in zip(fields, values.T, strict=True):
                field.add(words, value)
        self.dose.add(words, state.dose + 1)
        if self.given is not None:
            self.given.add(words, (state.n > 0) @ (1 << np.arange(self.doses)))
        return words

    def unpack(self, words: IntArray) -> TrialState:
        """Return the trials as a design sees them: the patients whose outcome is known."""
        n, y, memory = (
            np.stack([field.of(words) for field in fields], axis=1)
            if fields
            else np.zeros((words.shape[1], 0), np.int64)
            for fields in (self.n, self.y, self.memory)
        )
        return TrialState(n, y, self.dose.of(words) - 1, memory)

    def digits(self, words: IntArray) -> IntArray:
        """Return the pending patients by the slots since their arrival, 0 or 1 + dose, [S, k]."""
        shifts = np.arange(self.slots) * self.digit
        return np.asarray((self.pending.of(words)[:, None] >> shifts) & ((1 << self.digit) - 1))

    def pending_of(self, words: IntArray, share: FloatArray) -> Pending:
        """Return the pending patients as a design sees them; `share` [k] of the window is known by age."""
        digits = self.digits(words)
        some = np.flatnonzero(digits.any(axis=0))
        dose = self.doses_of(digits[:, some])
        return Pending(dose, np.where(dose >= 0, share[some], 0.0))

    def doses_of(self, digits: IntArray) -> IntArray:
        """Return the doses of pending patients, -1 for nobody."""
        return np.where(digits > 0, (digits - 1) % self.doses, NOBODY) if self.kinds > self.doses else digits - 1

    def given_of(self, words: IntArray, n: IntArray, digits: IntArray) -> BoolArray:
        """Return which doses have been given, [S, D]; n and digits of the patients not lost."""
        doses = np.arange(self.doses)
        if self.given is not None:
            return np.asarray((self.given.of(words)[:, None] >> doses) & 1 > 0)
        return np.asarray((n > 0) | (self.doses_of(digits)[:, :, None] == doses).any(axis=1))

    def may_be_struck(self, digit: IntArray) -> BoolArray | slice:
        """Return which of some pending patients may have a DLT."""
        return (digit - 1) // self.doses % 2 == 0 if self.spares else slice(None)

    def closed(self, words: IntArray) -> IntArray:
        """Return trials in which no place of the last cohort is given again, as another is opened."""
        if not self.own:
            return words
        words = words.copy()
        digits, shifts = self.digits(words), np.arange(self.slots) * self.digit
        self.pending.add(words, -(((digits > self.own) * self.own) << shifts).sum(axis=1))
        for field in (self.kept, self.out):
            if field is not None:
                field.add(words, -field.of(words))
        return words

    def reopen(self, words: IntArray) -> IntArray:
        """Return trials in which a cohort that has nobody left is treated again; one kept is as good as more."""
        if self.kept is None or self.out is None:
            return words
        kept, out, left = (field.of(words) for field in (self.kept, self.out, self.left))
        gone = (kept == 0) & (left == 0) & (out > 0)
        gone[gone] = (self.digits(words[:, gone]) <= self.own).all(axis=1)
        words = words.copy()
        self.left.add(words, gone * out)
        self.out.add(words, -((gone | (kept > 0)) * out))
        self.kept.add(words, -np.maximum(kept - 1, 0))
        return words

    def oldest(self, pending: IntArray) -> IntArray:
        """Return the age of the oldest of some pending patients, -1 for none."""
        at = (np.frexp(pending.astype(float))[1] - 1) // self.digit
        return np.where(pending > 0, at - (pending >> (np.maximum(at, 0) * self.digit) == 0), -1)

    def moves(self, age: int, over: bool) -> IntArray:
        """Return what is added to states by what a slot shows of a patient of an age, [fate, W, 1 + kinds].

        `over` says whether the patient's window is over then; without an event the patient else is one slot older.
        """
        moved = np.zeros((5, self.words, 1 + self.kinds), np.int64)
        digits = np.arange(1 + self.kinds)
        for each in moved:
            self.pending.add(each, -(digits << age * self.digit))
        if not over:
            self.pending.add(moved[NONE], digits << (age + 1) * self.digit)
        for kind in range(self.kinds):
            n, y, own = self.n[kind % self.doses], self.y[kind % self.doses], bool(self.own) and kind >= self.own
            stays = [DLT, CLEAN, *([NONE] if over else [])]
            fields: list[tuple[int, Field | None]] = [
                *((fate, n) for fate in stays),
                (DLT, y),
                *((fate, self.lost) for fate in (GONE, OUT)),
            ]
            if own:
                fields += [*((fate, self.kept) for fate in stays), (GONE, self.left), (OUT, self.out)]
            for fate, field in fields:
                if field is not None:
                    moved[fate, field.word, 1 + kind] += 1 << field.shift
        return moved


def merge(words: IntArray, sums: FloatArray) -> tuple[IntArray, FloatArray]:
    """Return the distinct states, [W, U], and the sums over equal ones, [.., S] -> [.., U]."""
    if words.shape[1] < 2:
        return words, sums
    key = words[0]
    for word in words[1:]:
        key = (key ^ (key >> 29)) * MIX + word  # a hash: equal rows have equal keys
    order = np.argsort(key)
    first = _starts(words[:, order], key[order])
    if first is None:
        order = np.lexsort(words)
        first = _starts(words[:, order], None)
        assert first is not None
    starts = np.flatnonzero(first)
    return words[:, order[starts]], np.add.reduceat(sums[..., order], starts, axis=-1)


def _starts(words: IntArray, key: IntArray | None) -> BoolArray | None:
    """Return where a new state begins in sorted ones; None if different states have one key."""
    first = np.ones(words.shape[1], bool)
    first[1:] = (words[:, 1:] != words[:, :-1]).any(axis=0)
    mixed = key is not None and len(words) > 1 and bool((first[1:] & (key[1:] == key[:-1])).any())
    return None if mixed else first


def join(parts: Sequence[tuple[IntArray, FloatArray]]) -> tuple[IntArray, FloatArray]:
    """Return batches of states with their sums as one, without equal states."""
    if len(parts) == 1:
        return merge(*parts[0])
    return merge(*(np.concatenate(part, axis=-1) for part in zip(*parts, strict=True)))
