"""Trials of designs that decide while patients are pending, followed slot by slot: exact, without replicates.

A step is one slot: a patient may arrive, whom the design may enrol; then every pending patient has a DLT in it or not.
What is known is updated at the end of a slot. With nobody pending the next step is the slot of the next arrival. So
each step adds to  k * treated - sum of what the pending have still before them, k slots at their arrival: states are
visited in this order, and equal ones are merged.

Where the law of the onset does not depend on the DLT rate, a patient at dose j has a DLT in slot i with probability
p_j f_i, and none with 1 - p_j. Ways are weighed by f_i and by 1 instead: the truth enters at the endings only, where
everybody's outcome is known, as prod_j p_j^y_j (1 - p_j)^(n_j - y_j). One walk then serves all scenarios. Else the ways
are weighed by the probabilities themselves, scenario by scenario.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from doseopt.clock.lattice import Calendar, Lattice
from doseopt.clock.onset import Onset
from doseopt.core.design import Design
from doseopt.core.distinct import unique_rows
from doseopt.core.parameters import Fault, Faults
from doseopt.core.state import CONTINUE, NONE, BoolArray, Decision, FloatArray, IntArray, TrialState
from doseopt.core.trial import PIECE, selected, step
from doseopt.engines.budget import MAX_STATES, TooManyStates
from doseopt.engines.packed import UNKNOWN, Layout, join

FREE = ("uniform", "visits")
"""Onset laws under which the time of a DLT, given that there is one, does not depend on its probability."""
SUMS = ("weight", "time", "square", "turned_away", "decisions", "pending")
"""What is summed over the ways to a state: 1, time so far and its square, patients turned away, decisions, and patients
pending at decisions; each times the weight of the way."""
WEIGHT, TIME, SQUARE, TURNED, DECIDED, WAITED = range(len(SUMS))

type Batch = tuple[IntArray, FloatArray]
"""Packed states [W, S], and their sums [M, R, S]."""


@dataclass(frozen=True, eq=False)
class Ends:
    """How the trials of a design end, E ways, and what is summed over the ways to each.

    Attributes
    ----------
    n, y : int array [E, D]
        Patients and DLTs, all of them followed up.
    selected, stop : int array [E]
        MTD, or -1; code of the reason to stop.
    sums : float array [M, R, E]
        `SUMS`, times in windows. With R = 1 and ways without the truth, else of R scenarios.
    states : int
        Distinct states at the start of a slot.
    """

    n: IntArray
    y: IntArray
    selected: IntArray
    stop: IntArray
    sums: FloatArray
    states: int


@dataclass(frozen=True)
class Law:
    """How ways are weighed: by the truth, or without it.

    Parameters
    ----------
    onset : Onset
    p : float array [R, D], optional
        DLT rates; None to weigh ways without them.
    """

    onset: Onset
    p: FloatArray | None = None

    def between(self, now: FloatArray, later: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the weights of a DLT, and of none, from a share of the window to another, by 1 + dose.

        [..] -> [.., R, 1 + D], of a patient without a DLT so far; [.., 1, 1] without the truth.
        """
        now, later = np.broadcast_arrays(now[..., None, None], later[..., None, None])
        if self.p is None:
            dlt = self.onset.reached(later, np.ones(())) - self.onset.reached(now, np.ones(()))
            return dlt, np.ones_like(dlt)
        p = np.concatenate([np.zeros((len(self.p), 1)), self.p], axis=1)
        before, by = (self.onset.reached(share, p) for share in (now, later))
        alive = np.where(before < 1, 1 - before, 1.0)
        return (by - before) / alive, (1 - by) / alive


def _times(sums: FloatArray, table: FloatArray, digit: IntArray) -> FloatArray:
    """Return sums [M, R, S] times a table of [.., R, 1 + D], or of [.., 1, 1], by the digit of each state."""
    return sums * (table[..., digit] if table.shape[-1] > 1 else table)


def _pass(sums: FloatArray, mean: float, square: float) -> FloatArray:
    """Return the sums after a time that has this mean and this mean square."""
    passed = sums.copy()
    passed[SQUARE] += 2 * mean * sums[TIME] + square * sums[WEIGHT]
    passed[TIME] += mean * sums[WEIGHT]
    return passed


def _count(sums: FloatArray, asked: BoolArray, digits: IntArray) -> FloatArray:
    """Return the sums after decisions where the design was asked, while these patients were pending."""
    counted = sums.copy()
    counted[DECIDED] += asked * sums[WEIGHT]
    counted[WAITED] += asked * sums[WEIGHT] * (digits > 0).sum(axis=1)
    return counted


class Walk:
    """The trials of a design, followed slot by slot to their ends.

    Parameters
    ----------
    design : Design
        One that decides while patients are pending.
    clock : Lattice or Calendar
    law : Law
    start : TrialState, optional
        Where trials begin, with nobody pending.
    max_states : int
        Refuse to go on with more.
    """

    def __init__(
        self,
        design: Design,
        clock: Lattice | Calendar,
        law: Law,
        start: TrialState | None = None,
        max_states: int = MAX_STATES,
    ) -> None:
        facts = design.facts
        self.design, self.clock, self.law, self.max_states = design, clock, law, max_states
        self.start = TrialState.empty(facts.doses, len(facts.memory)) if start is None else start
        self.layout = Layout(facts, clock.slots, UNKNOWN if facts.cap is None else facts.cap)
        self.by_slot = isinstance(clock, Calendar)
        self.starting: defaultdict[int, list[Batch]] = defaultdict(list)
        self.ageing: defaultdict[int, defaultdict[int, list[Batch]]] = defaultdict(lambda: defaultdict(list))
        self.closed: list[Batch] = []
        self.ended: list[Batch] = []
        self.states = 0

    def ends(self) -> Ends:
        """Follow all trials and return how they end."""
        scenarios = 1 if self.law.p is None else len(self.law.p)
        sums = np.zeros((len(SUMS), scenarios, 1))
        sums[WEIGHT] = 1
        opened = self.clock.starts(0)
        self.starting[0].append((self.layout.pack(self.start), _pass(sums, opened, opened**2)))
        self._at(0)
        while self.starting or self.ageing:
            layer = min((*self.starting, *self.ageing))
            if self.by_slot:
                self._at(layer)
            if layer in self.starting:
                self._open(layer, *join(self.starting.pop(layer)))
            ages = self.ageing[layer]
            while ages:
                age = max(ages)
                self._age(layer, age, *join(ages.pop(age)))
            del self.ageing[layer]
            if self.by_slot:
                self._follow_up()
        self._follow_up()
        return self._named(*join(self.ended))

    def _at(self, number: int) -> None:
        """Take up a slot."""
        self.slot = slot = self.clock.slot(number)
        self.dlt, self.none = self.law.between(slot.now, slot.next)
        self.moves = [self.layout.moves(age, over) for age, over in enumerate(slot.next >= 1)]

    def _open(self, layer: int, words: IntArray, sums: FloatArray) -> None:
        """Let the slot begin: a patient may come, who is enrolled, turned away, or shows that enrolment is over."""
        self._ask(words.shape[1])
        state, digits = self.layout.unpack(words), self.layout.digits(words)
        given, asked = self._decide(words, state)
        waits, stops = digits.any(axis=1), given.stop != CONTINUE
        suspended = ~stops & (given.size == 0)
        if (suspended & ~waits).any():
            raise Faults([Fault("", f"{type(self.design).__name__} waits although nobody is pending")])
        over = stops & ~waits
        self.ended.append((self._stopped(words[:, over], given.stop[over]), sums[..., over]))
        if not self.by_slot:
            sums = np.where(waits, sums, _pass(sums, *self._gap()))
        comes = np.where(waits, self.slot.arrival, 1.0)
        met, missed = _count(sums * comes, asked, digits), sums * (1 - comes)
        shown = stops & waits
        self.closed.append((self._stopped(words[:, shown], given.stop[shown]), met[..., shown]))
        met[TURNED] += suspended * met[WEIGHT]
        self._wait(layer, words[:, suspended], met[..., suspended])
        enrolled = ~stops & ~suspended
        opened = words.copy()
        opened[:, enrolled] = self._opened(words[:, enrolled], state[enrolled], given[enrolled], asked[enrolled])
        self._enrol(layer, opened[:, enrolled], met[..., enrolled], given.dose[enrolled])
        if self.slot.arrival < 1:
            early = enrolled & asked & (given.size > 1)
            missed = np.where(early, _count(missed, asked, digits), missed)
            self._wait(layer, np.where(early, opened, words)[:, waits], missed[..., waits])

    def _gap(self) -> tuple[float, float]:
        """Return mean and mean square of the time without arrivals before the slot of one."""
        q, length = self.slot.arrival, self.slot.length
        mean = (1 - q) / q
        return mean * length, (mean / q + mean**2) * length**2

    def _decide(self, words: IntArray, state: TrialState) -> tuple[Decision, BoolArray]:
        """Return who comes next in each trial, and in which ones the design was asked: those without an open cohort."""
        left = self.layout.left.of(words)
        dose, size, stop = state.dose.copy(), left.copy(), np.zeros_like(left)
        asked = left == 0
        rows = np.flatnonzero(asked)
        for piece in (rows[first : first + PIECE] for first in range(0, len(rows), PIECE)):
            pending = self.layout.pending_of(words[:, piece], self.slot.now)
            given = step(self.design, state[piece], pending)
            dose[piece], size[piece], stop[piece] = given.dose, given.size, given.stop
        return Decision(dose, size, stop), asked

    def _stopped(self, words: IntArray, stop: IntArray) -> IntArray:
        """Return trials with the reason why they stop."""
        words = words.copy()
        self.layout.stop.add(words, stop)
        return words

    def _opened(self, words: IntArray, state: TrialState, given: Decision, asked: BoolArray) -> IntArray:
        """Return trials with the cohort that is enrolled from now on."""
        layout, words = self.layout, words.copy()
        layout.dose.add(words, given.dose - state.dose)
        layout.left.add(words, given.size - layout.left.of(words))
        if layout.memory:
            unknown = np.zeros((len(state), len(self.design.facts.outcomes)), np.int64)
            memory = np.where(asked[:, None], self.design.remember(state, given, unknown), state.memory)
            for field, change in zip(layout.memory, (memory - state.memory).T, strict=True):
                field.add(words, change)
        return words

    def _enrol(self, layer: int, words: IntArray, sums: FloatArray, dose: IntArray) -> None:
        """Treat a patient in each trial; where it is the last one, nobody comes any more."""
        layout, cap = self.layout, self.design.facts.cap
        layout.pending.add(words, dose + 1)
        layout.left.add(words, np.full(len(dose), -1))
        if cap is not None:
            treated = sum(field.of(words) for field in layout.n) + (layout.digits(words) > 0).sum(axis=1)
            last = treated == cap
            self.closed.append((words[:, last], sums[..., last]))
            words, sums = words[:, ~last], sums[..., ~last]
        self._wait(layer, words, sums)

    def _wait(self, layer: int, words: IntArray, sums: FloatArray) -> None:
        """Let the slot pass, for the oldest of the pending patients first."""
        length = self.slot.length
        self._go(layer, 0, words, self.layout.pending.of(words), _pass(sums, length, length**2))

    def _go(self, layer: int, ahead: int, words: IntArray, young: IntArray, sums: FloatArray) -> None:
        """Send trials on: to the oldest of the patients whose slot has not passed, or to the start of the next slot."""
        oldest = self.layout.oldest(young)
        for age in np.flatnonzero(np.bincount(oldest + 1)).tolist():
            rows = oldest == age - 1
            batch = (words, sums) if rows.all() else (words[:, rows], sums[..., rows])
            if age:
                self.ageing[layer + (0 if self.by_slot else ahead)][age - 1].append(batch)
            else:
                self.starting[layer + (1 if self.by_slot else ahead)].append(batch)

    def _age(self, layer: int, age: int, words: IntArray, sums: FloatArray) -> None:
        """Let the slot pass for the patients of an age: each has a DLT in it, or not."""
        pending, low = self.layout.pending.of(words), age * self.layout.digit
        digit, young = (pending >> low) & ((1 << self.layout.digit) - 1), pending & ((1 << low) - 1)
        none, dlt = self.moves[age]
        self._go(layer, 1, words + none[:, digit], young, _times(sums, self.none[age], digit))
        if self.dlt[age].any():
            ahead = self.layout.slots - age
            self._go(layer, ahead, words + dlt[:, digit], young, _times(sums, self.dlt[age], digit))

    def _follow_up(self) -> None:
        """Follow the patients of trials that enrol nobody any more until all outcomes are known."""
        parts, self.closed = [batch for batch in self.closed if batch[0].shape[1]], []
        if not parts:
            return
        words, sums = join(parts)
        self._ask(words.shape[1])
        slot, layout, times = self.slot, self.layout, len(self.slot.ends)
        early = [np.repeat(sums[[k]], times, axis=0) for k in (WEIGHT, TIME)]  # of trials that are over by each time
        sums = np.concatenate([*early, sums])
        for age in range(layout.slots - 1, -1, -1):
            pending = layout.digits(words)[:, age]
            has = pending > 0
            if not has.any():
                continue
            share = np.concatenate([slot.later[age], slot.later[age], np.ones(len(SUMS))])
            dlt, none = self.law.between(slot.now[age], share)
            none = none * (share >= 1)[:, None, None]
            digit, old, then = pending[has], words[:, has], sums[..., has]
            free, struck = (old + move[:, digit] for move in layout.moves(age, True))
            found = [(words[:, ~has], sums[..., ~has]), (free, _times(then, none, digit)), (struck, _times(then, dlt, digit))]
            words, sums = join(found)
        by, at, sums = sums[:times], sums[times : 2 * times], sums[2 * times :]
        mean, square = (np.tensordot(weights, by, 1) for weights in slot.moments)
        product = slot.last * sums[TIME] - np.tensordot(slot.moments[0], at, 1)
        sums[SQUARE] += 2 * product + slot.last**2 * sums[WEIGHT] - square
        sums[TIME] += slot.last * sums[WEIGHT] - mean
        self.ended.append((words, sums))

    def _ask(self, states: int) -> None:
        """Refuse to go on with more states than allowed."""
        self.states += states
        if self.states > self.max_states:
            raise TooManyStates(f"too many states {self.states}")

    def _named(self, words: IntArray, sums: FloatArray) -> Ends:
        """Return how trials end that have no pending patients, with the MTD that each declares."""
        state, stop = self.layout.unpack(words), self.layout.stop.of(words)
        mtd = np.full(len(state), NONE)
        for first in range(0, len(state), PIECE):
            piece = np.arange(first, min(first + PIECE, len(state)))
            asked = piece[stop[piece] == CONTINUE]
            if len(asked):
                stop[asked] = step(self.design, state[asked], self.layout.pending_of(words[:, asked], self.slot.now)).stop
            mtd[piece] = selected(self.design, state[piece], stop[piece])
        if (stop == CONTINUE).any():
            raise Faults([Fault("", f"{type(self.design).__name__} goes on after its cap")])
        first, kind = unique_rows([*state.n.T, *state.y.T, mtd, stop])
        order = np.argsort(kind, kind="stable")
        starts = np.searchsorted(kind[order], np.arange(len(first)))
        sums = np.add.reduceat(sums[..., order], starts, axis=-1)
        return Ends(state.n[first], state.y[first], mtd[first], stop[first], sums, self.states)
