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
from typing import ClassVar

import numpy as np

from doseopt.clock.fates import DLT, NONE
from doseopt.clock.lattice import Calendar, Lattice
from doseopt.core.design import Design
from doseopt.core.parameters import Fault, Faults
from doseopt.core.state import CONTINUE, BoolArray, Decision, FloatArray, IntArray, TrialState
from doseopt.core.trial import PIECE
from doseopt.engines.budget import MAX_PENDING
from doseopt.engines.follow_up import NO_DLT, follow_up, graded, named
from doseopt.engines.packed import LARGEST_MEMORY, UNKNOWN, Layout, join
from doseopt.engines.room import Room
from doseopt.engines.ways import (
    CLOSED,
    SUMS,
    TURNED,
    WEIGHT,
    Batch,
    Ends,
    Entries,
    Law,
    ask,
    count_decisions,
    let_pass,
    times,
)

LEFT = 1e-13
"""Probability of trials that still go on, below which they are left."""


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

    spares: ClassVar[bool] = False

    def __init__(
        self,
        design: Design,
        clock: Lattice | Calendar,
        law: Law,
        start: TrialState | None = None,
        max_states: int = MAX_PENDING,
    ) -> None:
        facts = design.facts
        self.design, self.clock, self.law = design, clock, law
        self.room = Room(design, clock.slots, max_states)
        self.start = TrialState.empty(facts.doses, len(facts.memory)) if start is None else start
        self.loses, leaves_out = (
            law.fates is not None and law.fates.loses,
            law.fates is not None and law.fates.leaves_out,
        )
        most = min((most for most in (facts.cap, facts.max_enrolled) if most is not None), default=UNKNOWN)
        self.layout = Layout(facts, clock.slots, most, self.spares, self.loses, leaves_out)
        self.by_slot = self.by_calendar = isinstance(clock, Calendar)
        self.spare = 0.0 if isinstance(clock, Calendar) else clock.spare
        self.early = len(facts.stops) + 1
        self.starting: defaultdict[int, list[Batch]] = defaultdict(list)
        self.ageing: defaultdict[int, defaultdict[int, list[Batch]]] = defaultdict(lambda: defaultdict(list))
        self.closed: list[Batch] = []
        self.ended: list[Batch] = []
        self.entries: list[Entries] = []

    def ends(self) -> Ends:
        """Follow all trials and return how they end."""
        self.run()
        words, sums = join(self.ended)
        if not self.by_calendar:
            sums = np.concatenate([sums, sums[[TURNED]] * self.slot.length / self.slot.arrival])
        return named(self.design, self.layout, words, sums, self.slot, Entries.joined(self.entries), self.room.states)

    def run(self) -> None:
        """Follow all trials to their ends."""
        sums = np.zeros((len(SUMS) if self.by_calendar else CLOSED, self.law.scenarios, 1))
        sums[WEIGHT] = 1
        opened = self.clock.starts(0)
        self.starting[0].append((self.layout.pack(self.start), let_pass(sums, opened, opened**2)))
        self._at(0)
        while self.starting or self.ageing:
            self.layer = layer = min((*self.starting, *self.ageing))
            if isinstance(self.clock, Calendar):
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
            elif self.loses and self._left() < LEFT:  # who is lost may be followed by others without end
                break
        self._follow_up()

    def _at(self, number: int) -> None:
        """Take up a slot."""
        self.slot = slot = self.clock.slot(number)
        self.chances = self.law.between(slot.now, slot.next)
        self.occurs = self.law.occurs(slot.now, slot.next)
        self.come = self.law.onset.reached(slot.now, np.ones(()))
        self.moves = [self.layout.moves(age, over) for age, over in enumerate(slot.next >= 1)]

    def _open(self, layer: int, words: IntArray, sums: FloatArray) -> None:
        """Let the slot begin: a patient may come, who is enrolled, turned away, or shows that enrolment is over."""
        early = self.layout.stop.of(words) == self.early
        words = words.copy()
        self.layout.stop.add(words, -self.early * early)
        state, digits = self.layout.unpack(words), self.layout.digits(words)
        self._count(words.shape[1])
        given, asked = self._decide(words, state)
        waits, stops = digits.any(axis=1), given.stop != CONTINUE
        suspended = ~stops & (given.size == 0)
        if (suspended & ~waits).any():
            raise Faults([Fault(type(self.design).__name__, "waits although nobody is pending")])
        over = stops & ~waits
        self._end(self._stopped(words[:, over], given.stop[over]), sums[..., over], early[over])
        if not self.by_slot:
            sums = np.where(waits, sums, let_pass(sums, *self.slot.gap))
        comes = np.where(waits | self.by_slot, self.slot.arrival, 1.0)
        met, missed = count_decisions(sums * comes, asked, digits), sums * (1 - comes)
        shown = stops & waits
        self.closed.append((self._stopped(words[:, shown], given.stop[shown]), met[..., shown]))
        met[TURNED] += suspended * met[WEIGHT]
        if self.by_calendar:
            met[CLOSED] += suspended * met[WEIGHT] * self.slot.length
        self._wait(layer, words[:, suspended], met[..., suspended])
        enrolled = np.flatnonzero(~stops & ~suspended)
        opened = words.copy()
        opened[:, enrolled] = self._opened(words[:, enrolled], state[enrolled], given[enrolled], asked[enrolled])
        before = state[enrolled], digits[enrolled]
        self._enrol(layer, opened[:, enrolled], met[..., enrolled], *before, given.dose[enrolled])
        if self.slot.arrival < 1:
            early = asked & ~stops & (given.size > 1)
            missed = np.where(early, count_decisions(missed, asked, digits), missed)
            later = np.flatnonzero((waits | self.by_slot) & ~over)
            self._wait(layer, np.where(early, opened, words)[:, later], missed[..., later])

    def _end(self, words: IntArray, sums: FloatArray, early: BoolArray) -> None:
        """Note trials that end with nobody pending; `early` are those whose last window ended before the slot did."""
        sooner = let_pass(sums[..., early], -self.spare, self.spare**2)
        self.ended += [(words[:, ~early], sums[..., ~early]), (words[:, early], sooner)]

    def _decide(self, words: IntArray, state: TrialState) -> tuple[Decision, BoolArray]:
        """Return who comes next in each trial, and in which ones the design was asked: those without an open cohort."""
        left = self.layout.left.of(words)
        dose, size, stop = state.dose.copy(), left.copy(), np.zeros_like(left)
        asked = left == 0
        rows = np.flatnonzero(asked)
        for piece in (rows[first : first + PIECE] for first in range(0, len(rows), PIECE)):
            self.room.ask_work(state[piece])
            pending = self.layout.pending_of(words[:, piece], self.slot.now)
            given = ask(self.design, state[piece], pending, self.loses)
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
        words[:, asked] = layout.closed(words[:, asked])
        layout.dose.add(words, given.dose - state.dose)
        layout.left.add(words, np.minimum(given.size, layout.most) - layout.left.of(words))
        if layout.memory:
            unknown = np.zeros((len(state), len(self.design.facts.outcomes)), np.int64)
            memory = np.where(asked[:, None], self.design.remember(state, given, unknown), state.memory)
            if len(memory) and not 0 <= memory.min() <= memory.max() <= LARGEST_MEMORY:
                wanted = f"wanted memory of 0 to {LARGEST_MEMORY}, got {memory.min()} to {memory.max()}"
                raise Faults([Fault(type(self.design).__name__, wanted)])
            for field, change in zip(layout.memory, (memory - state.memory).T, strict=True):
                field.add(words, change)
        return words

    def _enrol(
        self,
        layer: int,
        words: IntArray,
        sums: FloatArray,
        state: TrialState,
        digits: IntArray,
        dose: IntArray,
    ) -> None:
        """Treat a patient in each trial; where it is the last one, nobody comes any more."""
        layout = self.layout
        layout.pending.add(words, 1 + dose + layout.own)
        layout.left.add(words, np.full(len(dose), -1))
        here = state.n[state.at, dose] + (layout.doses_of(digits) == dose[:, None]).sum(axis=1)
        if here.max(initial=0) >= layout.most:
            self.room.refuse(f"more than {layout.most} patients at a dose")
        new = here == 0 if layout.given is None else (layout.given.of(words) >> dose) & 1 == 0
        given = layout.given_of(words[:, new], state.n[new], digits[new])
        if layout.given is not None:
            layout.given.add(words, new.astype(np.int64) << dose)
        come = np.broadcast_to(self.come, (int(new.sum()), len(self.come)))
        before = state.n[new], state.y[new], digits[new], given
        self.entries.append(Entries(*before, come, dose[new], sums[WEIGHT][:, new]))
        last = self._last(words, state.total + (digits > 0).sum(axis=1))
        self.closed.append((words[:, last], sums[..., last]))
        self._wait(layer, words[:, ~last], sums[..., ~last])

    def _last(self, words: IntArray, before: IntArray) -> BoolArray:
        """Tell where the patient just enrolled is the last one, so many having been treated who are not lost."""
        facts, lost = self.design.facts, self.layout.lost
        capped = facts.max_enrolled if self.loses else facts.cap
        if capped is None:
            return np.zeros(len(before), bool)
        return np.asarray(before + (0 if lost is None else lost.of(words)) == capped - 1)

    def _wait(self, layer: int, words: IntArray, sums: FloatArray) -> None:
        """Let the slot pass, for the oldest of the pending patients first."""
        length = self.slot.length
        self._go(layer, 0, words, self.layout.pending.of(words), let_pass(sums, length, length**2))

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
        layout, moves = self.layout, self.moves[age]
        pending, low = layout.pending.of(words), age * layout.digit
        digit, young = (pending >> low) & ((1 << layout.digit) - 1), pending & ((1 << low) - 1)
        if self.spare and age == layout.slots - 1:  # the window of the last patient who was pending ends in it
            words = words.copy()
            layout.stop.add(words, self.early * (young == 0))
        for kind, chance in zip(self.law.kinds, self.chances, strict=True):
            if kind != NONE and not self.occurs[age]:
                continue
            rows = layout.may_be_struck(digit) if kind == DLT else slice(None)
            after = layout.reopen(words[:, rows] + moves[kind][:, digit[rows]])
            weighed, younger = times(sums[..., rows], chance[age], layout.doses_of(digit[rows])), young[rows]
            if kind in NO_DLT and (kind != NONE or self.slot.next[age] >= 1):
                after, weighed, which = graded(after, weighed, digit[rows], layout, self.law)
                younger = younger[which]
            self._go(layer, 1 if kind == NONE else layout.slots - age, after, younger, weighed)

    def _follow_up(self) -> None:
        """Follow up the trials that enrol nobody any more."""
        parts, self.closed = [batch for batch in self.closed if batch[0].shape[1]], []
        if parts:
            words, sums = join(parts)
            self._count(words.shape[1])
            self.ended.append(follow_up(words, sums, self.layout, self.slot, self.law))

    def _waiting(self) -> list[FloatArray]:
        """Return the sums of the trials that go on."""
        each = [*self.starting.values(), *(part for ages in self.ageing.values() for part in ages.values())]
        return [sums for parts in each for _, sums in parts]

    def _left(self) -> float:
        """Return the probability of the trials that go on, the largest of the scenarios."""
        return float(sum((sums[WEIGHT].sum(axis=1) for sums in self._waiting()), np.zeros(1)).max())

    def _count(self, states: int) -> None:
        """Refuse to go on with more states than allowed, or with more than there is room for."""
        self.room.ask(states, [*self._waiting(), *(sums for parts in (self.closed, self.ended) for _, sums in parts)])
