"""Trials of designs that decide while patients are pending, simulated in continuous time.

A patient is one uniform number u: a DLT by the share s of the window if u < F(s), F the law of the onset at the dose.
All designs treat the same patients in the same order, those of `Simulate`, and meet the same arrivals.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from doseopt.clock.lattice import Calendar, Gaps
from doseopt.clock.onset import Onset
from doseopt.core.design import Design
from doseopt.core.parameters import Fault, Faults, check, param
from doseopt.core.remembered import remembered
from doseopt.core.state import CONTINUE, NONE, BoolArray, FloatArray, IntArray, Pending, TrialState
from doseopt.core.trial import PIECE, selected, step
from doseopt.engines.entries import entries_of_trials
from doseopt.engines.exact import observed_rates
from doseopt.engines.outcomes import make_outcomes
from doseopt.engines.simulate import ROWS, Patients
from doseopt.engines.ways import ESCALATED, MEANS, ask

MOST_ARRIVALS = 5_000
MOST_BYTES = 1 << 28
"""Of the trials that are remembered, besides the last ones."""


def _no_arrivals(value: object) -> str | None:
    return None if isinstance(value, Gaps | Calendar) else f"wanted Gaps or a Calendar, got {value!r}"


@dataclass(frozen=True)
class SimulatePending:
    """Simulated operating characteristics of a design that decides while patients are pending.

    Parameters
    ----------
    gaps : Gaps or Calendar
        Law of the time between arrivals, or when they are.
    onset : Onset
        When in the window DLTs occur.
    trials : int
        Trials a scenario.
    seed : int

    Examples
    --------
    Without DLTs every trial selects the highest dose.

    >>> from doseopt import RollingSix, SimulatePending, make_scenarios
    >>> from doseopt.clock.lattice import Gaps
    >>> engine = SimulatePending(Gaps(per_window=2.0), trials=100)
    >>> outcomes = engine(RollingSix(doses=2, target=0.25), make_scenarios([[0, 0]], ["no"]))
    >>> set(outcomes["selected"].values.ravel().tolist())
    {1}
    """

    gaps: Gaps | Calendar = param(kind=object, custom=_no_arrivals, doc="time between arrivals, or arrivals")
    onset: Onset = param(Onset("uniform"), kind=Onset, doc="law of the onset")
    trials: int = param(10_000, low=1, doc="trials a scenario")
    seed: int = param(1, low=0, doc="seed of the run")

    def __post_init__(self) -> None:
        """Check the parameters."""
        check(self)

    def __call__(self, design: Design, scenarios: xr.Dataset) -> xr.Dataset:
        """Simulate the trials of a design in every scenario; outcomes also hold `MEANS` of each."""
        if not design.facts.pending:
            raise Faults([Fault("design", "wanted one that decides while patients are pending; see doseopt.Simulate")])
        p = observed_rates(design, scenarios)
        n, y, before, mtd, stop, early, *means = _run(design, self, tuple(map(tuple, p.tolist())))
        outcomes = make_outcomes(
            design,
            scenarios,
            n=n,
            y=y,
            selected=mtd,
            stop=stop,
            weight=np.full(mtd.shape, 1 / self.trials),
            entries=entries_of_trials(n, before, np.zeros(n.shape[2], np.int64)),
            reasons=design.facts.stops,
            attrs={"engine": "simulated", "trials": float(self.trials), "seed": self.seed},
        )
        named = zip(MEANS, means, strict=True)
        found = {k: (("scenario", "ending"), v, {"long_name": MEANS[k]}) for k, v in named}
        found["escalated_before_dlt"] = (("scenario", "ending"), early, {"long_name": ESCALATED})
        return outcomes.assign(found)


@remembered(MOST_BYTES)
def _run(design: Design, engine: SimulatePending, p: tuple[tuple[float, ...], ...]) -> tuple[Any, ...]:
    """Return what `PendingTrials` finds of all trials, in pieces that fit; a comparison asks for them again."""
    each, parts = max(1, ROWS // len(p)), []
    for first in range(0, engine.trials, each):
        parts.append(PendingTrials(design, engine, np.array(p), min(each, engine.trials - first), first).run())
    found = tuple(np.concatenate(part, axis=1) for part in zip(*parts, strict=True))
    for part in found:
        part.flags.writeable = False
    return found


class PendingTrials:
    """T trials in each of R scenarios, as they go on.

    Parameters
    ----------
    design : Design
    engine : SimulatePending
    p : float array [R, D]
    trials, first : int
        How many, and the number of the first.

    Attributes
    ----------
    came, known : float array [R T, P]
        When each patient came, and when the outcome is known, in windows.
    at : int array [R T, P]
        The dose of each, -1 for nobody.
    dlt : bool array [R T, P]
    """

    def __init__(self, design: Design, engine: SimulatePending, p: FloatArray, trials: int, first: int) -> None:
        self.design, self.engine, self.p, self.shape = design, engine, p, (len(p), trials)
        rows = len(p) * trials
        self.scenario, self.trial = np.divmod(np.arange(rows), trials)
        self.patients = Patients(trials, np.random.SeedSequence(engine.seed), first)
        self.arrivals = Patients(trials, np.random.SeedSequence((engine.seed, 1)), first)
        self.came, self.known = np.zeros((2, rows, 0))
        self.at, self.dlt = np.full((rows, 0), NONE), np.zeros((rows, 0), bool)
        self.treated, self.left, self.dose, self.stop = np.zeros((4, rows), np.int64)
        self.dose -= 1
        self.memory = np.zeros((rows, len(design.facts.memory)), np.int64)
        self.turned, self.decisions, self.waited, self.waiting, self.closed = np.zeros((5, rows))
        self.shut, self.early = np.zeros((2, rows), bool)
        self.before = np.full((rows, design.facts.doses), -1)

    def run(self) -> list[IntArray | FloatArray]:
        """Let patients arrive until all trials are over."""
        day, running = np.zeros(self.shape[1]), np.arange(len(self.trial))
        for arrival in range(MOST_ARRIVALS):
            u = self.arrivals.tolerance(np.arange(self.shape[1]), np.full(self.shape[1], arrival))
            gaps = self.engine.gaps
            gap = np.full(len(u), gaps.gap(arrival)) if isinstance(gaps, Calendar) else gaps.draw(u)
            day = day + gap
            self.closed[running] += self.shut[running] * gap[self.trial[running]]
            running = running[self.meet(running, day[self.trial[running]])]
            if not len(running):
                return self._ended()
        raise Faults([Fault("", f"a trial did not end within {MOST_ARRIVALS:,} arrivals: add a max_patients modifier")])

    def seen(self, rows: IntArray, day: FloatArray) -> tuple[TrialState, Pending]:
        """Return what is known of some trials."""
        doses = np.arange(self.design.facts.doses)
        here, over = self.at[rows], self.known[rows] <= day[:, None]
        of = (here[..., None] == doses) & over[..., None]
        state = TrialState(
            of.sum(axis=1), (of & self.dlt[rows][..., None]).sum(axis=1), self.dose[rows], self.memory[rows]
        )
        open_ = (here >= 0) & ~over
        order = np.argsort(~open_, axis=1, kind="stable")[:, : int(open_.sum(axis=1).max(initial=0))]
        pick = np.take_along_axis(open_, order, axis=1)
        share = np.where(pick, day[:, None] - np.take_along_axis(self.came[rows], order, axis=1), 0.0)
        times = None
        if self.design.facts.times:
            times = np.where(over & self.dlt[rows], self.known[rows] - self.came[rows], np.nan)
        return state, Pending(np.where(pick, np.take_along_axis(here, order, axis=1), NONE), share, times)

    def meet(self, rows: IntArray, day: FloatArray) -> BoolArray:
        """Let a patient come in some trials; return which go on."""
        asked, goes_on = self.left[rows] == 0, np.ones(len(rows), bool)
        for first in range(0, len(rows), PIECE):
            piece = np.flatnonzero(asked[first : first + PIECE]) + first
            if not len(piece):
                continue
            who = rows[piece]
            state, pending = self.seen(who, day[piece])
            given = ask(self.design, state, pending)
            on, waits = given.stop == CONTINUE, given.size == 0
            count = (pending.dose >= 0).sum(axis=1)
            due = on | (count > 0)  # a trial that is over with nobody pending was so before this patient came
            self.decisions[who] += due
            self.waited[who] += count
            self.waiting[who] += count > 0
            self.shut[who] = on & waits
            self.turned[who] += self.shut[who]
            self.stop[who] = given.stop
            opens = on & ~waits
            self.early[who] |= opens & self._early(who, given.dose, day[piece])
            unknown = np.zeros((len(who), len(self.design.facts.outcomes)), np.int64)
            if self.memory.shape[1]:
                self.memory[who[opens]] = self.design.remember(state, given, unknown)[opens]
            self.dose[who[opens]], self.left[who[opens]] = given.dose[opens], given.size[opens]
            goes_on[piece] = on
        enrolled = goes_on & (self.left[rows] > 0)
        self._treat(rows[enrolled], day[enrolled])
        full = self.treated[rows] == (self.design.facts.cap or -1)
        return np.asarray(goes_on & ~full)

    def _early(self, rows: IntArray, dose: IntArray, day: FloatArray) -> BoolArray:
        """Tell where a dose is above the last one, at which a patient is pending who will have a DLT."""
        last = self.dose[rows]
        to_come = self.dlt[rows] & (self.known[rows] > day[:, None]) & (self.at[rows] == last[:, None])
        return np.asarray((last >= 0) & (dose > last) & to_come.any(axis=1))

    def _treat(self, rows: IntArray, day: FloatArray) -> None:
        """Treat a patient in some trials."""
        number, dose = self.treated[rows], self.dose[rows]
        missing = int(number.max(initial=-1)) + 1 - self.at.shape[1]
        if missing > 0:
            room = ((0, 0), (0, missing))
            self.came, self.known = np.pad(self.came, room), np.pad(self.known, room)
            self.at, self.dlt = np.pad(self.at, room, constant_values=NONE), np.pad(self.dlt, room)
        p = self.p[self.scenario[rows], dose]
        u = self.patients.tolerance(self.trial[rows], number)
        new = self.before[rows, dose] < 0
        self.before[rows[new], dose[new]] = number[new]
        self.came[rows, number], self.at[rows, number], self.dlt[rows, number] = day, dose, u < p
        self.known[rows, number] = day + self.engine.onset.when(u, p)
        self.treated[rows] += 1
        self.left[rows] -= 1

    def _ended(self) -> list[IntArray | FloatArray]:
        """Return how all trials end, everybody followed up."""
        last = self.known.max(axis=1, initial=0)
        mtd = np.full(len(last), NONE)
        for first in range(0, len(last), PIECE):
            rows = np.arange(first, min(first + PIECE, len(last)))
            state, nobody = self.seen(rows, np.full(len(rows), np.inf))
            ask = rows[self.stop[rows] == CONTINUE]
            if len(ask):
                self.stop[ask] = step(self.design, state[ask - first], nobody[ask - first]).stop
            mtd[rows] = selected(self.design, state, self.stop[rows])
        of = self.at[..., None] == np.arange(self.design.facts.doses)
        n, y = of.sum(axis=1), (of & self.dlt[..., None]).sum(axis=1)
        counts = [self.turned, self.decisions, self.waited, self.waiting, self.closed]
        ends = [n, y, self.before, mtd, self.stop, self.early, last, last**2, *counts]
        return [value.reshape(*self.shape, *value.shape[1:]) for value in ends]
