"""Trials of designs that decide while patients are pending, as they go on in continuous time."""

from __future__ import annotations

import numpy as np

from doseopt.clock.fates import CLEAN, DLT, GONE, OUT, Fates
from doseopt.clock.fates import NONE as NO_EVENT
from doseopt.clock.lattice import EPS, Calendar, Gaps
from doseopt.clock.onset import Onset
from doseopt.core.design import Design
from doseopt.core.distinct import unique_rows
from doseopt.core.parameters import Fault, Faults
from doseopt.core.state import CONTINUE, NONE, BoolArray, Decision, FloatArray, IntArray, Pending, TrialState
from doseopt.core.trial import PIECE, after_follow_up
from doseopt.engines.others import Others
from doseopt.engines.patients import Patients
from doseopt.engines.ways import ask

MOST_ARRIVALS = 5_000
GRADES = 5
"""Stream of the seed that says how toxic a patient is without a DLT, where other events happen."""
MORE = 8
"""Patients for whom room is made at a time."""


class PendingTrials:
    """T trials in each of R scenarios, as they go on.

    Parameters
    ----------
    design : Design
    arrivals : Gaps or Calendar
    onset : Onset
    p : float array [R, D]
    fates : Fates or None
        What becomes of patients where other events than DLTs happen; in place of `p`.
    seed : int
    trials, first : int
        How many, and the number of the first.
    moderate : float array [R, D], optional
        P(moderate toxicity | no DLT), for a design that looks at it.

    Attributes
    ----------
    came, known : float array [R T, P]
        When each patient came, and when the outcome is known, in windows.
    at, fate, cohort : int array [R T, P]
        The dose of each, -1 for nobody, what becomes of the patient, and the number of the cohort.
    mild : bool array [R T, P]
        Whose toxicity is not even moderate.
    open : int array [R T, K]
        Which of them are pending, in the order in which they came, -1 for nobody.
    n, y : int array [R T, D]
        Patients whose outcome is known, and DLTs.
    """

    def __init__(
        self,
        design: Design,
        arrivals: Gaps | Calendar,
        onset: Onset,
        p: FloatArray,
        fates: Fates | None,
        seed: int,
        trials: int,
        first: int = 0,
        moderate: FloatArray | None = None,
    ) -> None:
        self.design, self.gaps, self.onset, self.p, self.shape = design, arrivals, onset, p, (len(p), trials)
        self.loses = fates is not None and fates.loses
        self.others = None if fates is None else Others(fates, trials, seed, first)
        self.moderate, self.grades = moderate, Patients(trials, np.random.SeedSequence((seed, GRADES)), first)
        rows, facts = len(p) * trials, design.facts
        self.scenario, self.trial = np.divmod(np.arange(rows), trials)
        self.patients = Patients(trials, np.random.SeedSequence(seed), first)
        self.arrivals = Patients(trials, np.random.SeedSequence((seed, 1)), first)
        self.came, self.known = np.zeros((2, rows, 0))
        self.at, self.open = np.full((rows, 0), NONE), np.full((rows, 0), NONE)
        self.fate, self.cohort = np.zeros((2, rows, 0), np.int64)
        self.mild = np.ones((rows, 0), bool)
        self.n, self.y = np.zeros((2, rows, facts.doses), np.int64)
        self.treated, self.left, self.dose, self.stop, self.cohorts, self.size = np.zeros((6, rows), np.int64)
        self.lost, self.out = np.zeros((2, rows), np.int64)
        self.dose -= 1
        self.memory = np.zeros((rows, len(facts.memory)), np.int64)
        self.turned, self.decisions, self.waited, self.waiting, self.closed = np.zeros((5, rows))
        self.shut, self.early = np.zeros((2, rows), bool)
        self.before = np.full((rows, facts.doses), -1)

    def run(self) -> list[IntArray | FloatArray]:
        """Let patients arrive until all trials are over."""
        day, running = np.zeros(self.shape[1]), np.arange(len(self.trial))
        for arrival in range(MOST_ARRIVALS):
            u = self.arrivals.tolerance(np.arange(self.shape[1]), np.full(self.shape[1], arrival))
            gap = np.full(len(u), self.gaps.gap(arrival)) if isinstance(self.gaps, Calendar) else self.gaps.draw(u)
            day = day + gap
            self.closed[running] += self.shut[running] * gap[self.trial[running]]
            running = running[self.meet(running, day[self.trial[running]])]
            if not len(running):
                return self._ended()
        raise Faults([Fault("", f"a trial did not end within {MOST_ARRIVALS:,} arrivals: add a max_patients modifier")])

    def seen(self, rows: IntArray, day: FloatArray) -> tuple[TrialState, Pending]:
        """Return what is known of some trials, by what has been learnt."""
        state = TrialState(self.n[rows], self.y[rows], self.dose[rows], self.memory[rows])
        open_ = self.open[rows]
        open_ = open_[:, : int(_many(open_).max(initial=0))]
        dose, came = (self._of(rows, open_, part) for part in (self.at, self.came))
        times = None
        if self.design.facts.times:
            seen = (self.fate[rows] == DLT) & (self.known[rows] <= day[:, None] + EPS)
            times = np.where(seen, self.known[rows] - self.came[rows], np.nan)
        share = np.where(open_ >= 0, day[:, None] - came, 0.0)
        return state, Pending(np.where(open_ >= 0, dose, NONE), share, times)

    @staticmethod
    def _of[A: (IntArray, FloatArray)](rows: IntArray, open_: IntArray, part: A) -> A:
        """Return what is known of pending patients; without meaning for nobody."""
        return np.asarray(part.take(rows[:, None] * part.shape[1] + open_))  # -1 is a place, too

    def _learn(self, rows: IntArray, day: FloatArray) -> None:
        """Count the patients of some trials whose outcome has become known, and give places again."""
        open_ = self.open[rows]
        known = self._of(rows, open_, self.known)
        done = (open_ >= 0) & (known <= day[:, None] + EPS)  # a window may end as the next patient comes
        if not done.any():
            return
        at, patient, facts = rows[np.nonzero(done)[0]], open_[done], self.design.facts
        dose, fate, own = self.at[at, patient], self.fate[at, patient], self.cohort[at, patient] == self.cohorts[at]
        for tally, counts in ((self.n, fate <= CLEAN), (self.y, fate == DLT)):
            np.add.at(tally, (at[counts], dose[counts]), 1)
        if facts.moderate is not None:
            seen = (fate != DLT) & (fate <= CLEAN) & ~self.mild[at, patient] & (self.memory[at, facts.titrating] > 0)
            np.add.at(self.memory, (at[seen], facts.moderate), 1)
        open_[done] = NONE
        self.open[rows] = np.sort(open_.view(np.uint64), axis=1).view(np.int64)  # in order, -1 being the largest
        if not self.loses:
            return
        for count, which in (
            (self.lost, fate >= GONE),
            (self.left, own & (fate == GONE)),
            (self.out, own & (fate == OUT)),
        ):
            np.add.at(count, at[which], 1)
        again = rows[(self.left[rows] == 0) & (self.out[rows] == self.size[rows]) & (self.size[rows] > 0)]
        self.cohorts[again] += 1
        self.left[again], self.out[again] = self.size[again], 0

    def meet(self, rows: IntArray, day: FloatArray) -> BoolArray:
        """Let a patient come in some trials; return which go on."""
        self._learn(rows, day)
        goes_on, piece = np.ones(len(rows), bool), np.flatnonzero(self.left[rows] == 0)
        if len(piece):
            goes_on[piece] = self._ask(rows[piece], day[piece])
        enrolled = goes_on & (self.left[rows] > 0)
        self._treat(rows[enrolled], day[enrolled])
        facts = self.design.facts
        full = self.treated[rows] == ((facts.max_enrolled if self.loses else facts.cap) or -1)
        return np.asarray(goes_on & ~full)

    def _ask(self, who: IntArray, day: FloatArray) -> BoolArray:
        """Ask the design in some trials, and open the cohorts that it gives; return which trials go on."""
        state, pending = self.seen(who, day)
        given, count = self._decided(state, pending), _many(pending.dose)
        on, waits = given.stop == CONTINUE, given.size == 0
        self.decisions[who] += on | (count > 0)  # a trial that is over with nobody pending was so before
        self.waited[who] += count
        self.waiting[who] += count > 0
        self.shut[who] = on & waits
        self.turned[who] += self.shut[who]
        self.stop[who] = given.stop
        opens = on & ~waits
        up = opens & (self.dose[who] >= 0) & (given.dose > self.dose[who])
        self.early[who[up]] |= self._early(who[up])
        unknown = np.zeros((len(who), len(self.design.facts.outcomes)), np.int64)
        if self.memory.shape[1]:
            self.memory[who[opens]] = self.design.remember(state, given, unknown)[opens]
        opened = who[opens]
        self.dose[opened], self.left[opened], self.size[opened] = (
            given.dose[opens],
            given.size[opens],
            given.size[opens],
        )
        self.cohorts[opened] += 1
        self.out[opened] = 0
        return np.asarray(on)

    def _decided(self, state: TrialState, pending: Pending) -> Decision:
        """Return what the design decides, asked once about trials in the same state with nobody pending."""
        parts = np.zeros((3, len(state)), np.int64)
        some = (pending.dose >= 0).any(axis=1)
        alone, rows = np.flatnonzero(~some), np.flatnonzero(some)
        first, kind = unique_rows([*state.n[alone].T, *state.y[alone].T, state.dose[alone], *state.memory[alone].T])
        for at, of in ((alone[first], alone), (rows, None)):
            found = np.zeros((3, len(at)), np.int64)
            for start in range(0, len(at), PIECE):
                piece = at[start : start + PIECE]
                given = ask(self.design, state[piece], pending[piece], self.loses)
                found[:, start : start + PIECE] = given.dose, given.size, given.stop
            if of is None:
                parts[:, at] = found
            else:
                parts[:, of] = found[:, kind]
        return Decision(*parts)

    def _early(self, rows: IntArray) -> BoolArray:
        """Tell where a patient is pending at the dose last given who will have a DLT."""
        open_ = self.open[rows]
        fate, at = (self._of(rows, open_, part) for part in (self.fate, self.at))
        return np.asarray(((open_ >= 0) & (fate == DLT) & (at == self.dose[rows, None])).any(axis=1))

    def _treat(self, rows: IntArray, day: FloatArray) -> None:
        """Treat a patient in some trials."""
        number, dose = self.treated[rows], self.dose[rows]
        self._make_room(rows, number)
        trial, scenario = self.trial[rows], self.scenario[rows]
        u = self.patients.tolerance(trial, number)
        new = self.before[rows, dose] < 0
        self.before[rows[new], dose[new]] = (number - self.lost[rows])[new]
        if self.others is None:
            p = self.p[scenario, dose]
            fate, share = np.where(u < p, DLT, NO_EVENT), self.onset.when(u, p)
        else:
            fate, share = self.others.meet(u, trial, number, scenario, dose)
        if self.moderate is not None:
            chance = self.moderate[scenario, dose]
            if self.others is None:  # the tolerance says it, as where everybody is followed up
                self.mild[rows, number] = (u < p) | (u >= p + (1 - p) * chance)
            else:
                self.mild[rows, number] = self.grades.tolerance(trial, number) >= chance
        self.came[rows, number], self.at[rows, number], self.fate[rows, number] = day, dose, fate
        self.known[rows, number], self.cohort[rows, number] = day + share, self.cohorts[rows]
        self.open[rows, _many(self.open[rows])] = number
        self.treated[rows] += 1
        self.left[rows] -= 1

    def _make_room(self, rows: IntArray, number: IntArray) -> None:
        """Make room for one more patient in some trials."""
        missing = int(number.max(initial=-1)) + 1 - self.at.shape[1]
        if missing > 0:
            room = ((0, 0), (0, max(missing, MORE)))
            self.came, self.known = np.pad(self.came, room), np.pad(self.known, room)
            self.at = np.pad(self.at, room, constant_values=NONE)
            self.fate, self.cohort = np.pad(self.fate, room), np.pad(self.cohort, room)
            self.mild = np.pad(self.mild, room, constant_values=True)
        most = int(_many(self.open[rows]).max(initial=0))
        if most == self.open.shape[1]:
            self.open = np.pad(self.open, ((0, 0), (0, 1)), constant_values=NONE)

    def _ended(self) -> list[IntArray | FloatArray]:
        """Return how all trials end, everybody followed up."""
        last, facts = self.known.max(axis=1, initial=0), self.design.facts
        rows, day = np.arange(len(last)), np.full(len(last), np.inf)
        self._learn(rows, day)
        state, _ = self.seen(rows, day)
        keys = [*state.n.T, *state.y.T, state.dose, *state.memory.T, self.stop]
        first, kind = unique_rows(keys)
        stop, chosen = self.stop[first], np.full(len(first), NONE)
        for start in range(0, len(first), PIECE):
            piece = slice(start, start + PIECE)
            ends = state[first[piece]]
            stop[piece], chosen[piece] = after_follow_up(self.design, ends, stop[piece], Pending.nobody(len(ends)))
        if self.loses and facts.max_enrolled is not None:
            stop[stop == CONTINUE] = 1 + facts.stops.index("max_enrolled")
        mtd, self.stop = chosen[kind], stop[kind]
        counts = [self.turned, self.decisions, self.waited, self.waiting, self.closed]
        ends_ = [self.n, self.y, self.before, mtd, self.stop, self.treated, self.early, last, *counts]
        return [value.reshape(*self.shape, *value.shape[1:]) for value in ends_]


def _many(patients: IntArray) -> IntArray:
    """Return how many patients there are in each row, -1 standing for nobody."""
    return np.asarray(np.einsum("sp->s", (patients >= 0).astype(np.int64)))
