"""One trial in continuous time, patient by patient: who came when, who was turned away, and when enrolment was closed.

The patients are those of `Simulate` and `SimulatePending`: with one seed every design meets the same latent tolerances,
in the order of treatment, and the same arrivals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from doseopt.clock.lattice import EPS, Gaps
from doseopt.clock.onset import Onset
from doseopt.core.design import Design
from doseopt.core.parameters import Fault, Faults
from doseopt.core.state import CONTINUE, NONE, Decision, FloatArray, Pending, TrialState
from doseopt.core.trial import advance, after_follow_up, selected, step
from doseopt.engines.patients import Patients
from doseopt.engines.ways import ask

MOST_ARRIVALS = 5_000
type Span = tuple[float, float]


@dataclass
class Course:
    """How one trial went, times in windows from its start.

    Attributes
    ----------
    came, known : list of float
        When each patient was enrolled, and when the outcome was known.
    dose : list of int
    dlt : list of bool
    moderate : list of bool
        Who has a moderate toxicity and no DLT, where a design looks at it.
    turned_away : list of float
        When others came who were not enrolled.
    closed : list of (float, float)
        When enrolment was closed.
    selected : int
        The MTD, -1 for none.
    stop : str
        The reason to stop.
    end : float
        When the last cohort was decided on, or all outcomes were known.
    """

    came: list[float] = field(default_factory=list)
    known: list[float] = field(default_factory=list)
    dose: list[int] = field(default_factory=list)
    dlt: list[bool] = field(default_factory=list)
    moderate: list[bool] = field(default_factory=list)
    turned_away: list[float] = field(default_factory=list)
    closed: list[Span] = field(default_factory=list)
    selected: int = NONE
    stop: str = ""
    end: float = 0.0


@dataclass(frozen=True)
class OneTrial:
    """The patients of one trial, who come to any design.

    Parameters
    ----------
    gaps : Gaps
        Law of the time between arrivals.
    onset : Onset
    p : float array [D]
        True DLT rates.
    seed, number : int
        Which trial of a simulation with this seed, from 0.
    resolved : bool
        Whether a design that waits decides once all of a cohort are resolved, not only when their windows have ended.
    moderate : float array [D], optional
        P(moderate toxicity | no DLT), for a design that looks at it.

    Examples
    --------
    At equal gaps of half a window BOIN treats three, and is closed until the last of them has been followed up:

    >>> from doseopt import BOIN, MaxPatients, Modified
    >>> boin = Modified(BOIN(doses=2, target=0.25), (MaxPatients(n=6),))
    >>> course = OneTrial(Gaps(2.0, "fixed"), Onset("uniform"), np.zeros(2)).under(boin)
    >>> course.came, course.closed, course.turned_away
    ([0.5, 1.0, 1.5, 2.5, 3.0, 3.5], [(1.5, 2.5), (3.5, 4.5)], [2.0])
    """

    gaps: Gaps
    onset: Onset
    p: FloatArray
    seed: int = 1
    number: int = 0
    resolved: bool = False
    moderate: FloatArray | None = None

    def under(self, design: Design) -> Course:
        """Return how the trial goes under a design."""
        return (_PendingTrial if design.facts.pending else _WaitingTrial)(self, design).run()


class _Trial:
    """A trial as it goes on: whom it meets."""

    def __init__(self, given: OneTrial, design: Design) -> None:
        self.given, self.design, self.course, self.opened = given, design, Course(), 0.0
        graded, beside = design.facts.outcomes.graded, given.moderate
        self.moderate = beside if graded and beside is not None else np.zeros(design.facts.doses)
        self._tolerance = _one(given, np.random.SeedSequence(given.seed))
        self._arrival = _one(given, np.random.SeedSequence((given.seed, 1)))

    def arrivals(self) -> Iterator[float]:
        """Yield when patients come."""
        day = 0.0
        for number in range(MOST_ARRIVALS):
            day += float(self.given.gaps.draw(np.array([self._arrival(number)]))[0])
            yield day
        wanted = f"a trial did not end within {MOST_ARRIVALS:,} arrivals: add a max_patients modifier"
        raise Faults([Fault("", wanted)])

    def treat(self, day: float, dose: int) -> None:
        """Enrol a patient."""
        course, p = self.course, np.array([self.given.p[dose]])
        u = np.array([self._tolerance(len(course.came))])
        course.came.append(day)
        course.dose.append(dose)
        course.dlt.append(bool((u < p)[0]))
        course.moderate.append(bool(((u >= p) & (u < p + (1 - p) * self.moderate[dose]))[0]))
        course.known.append(day + float(self.given.onset.when(u, p)[0]))

    def over(self, stop: int, mtd: int, end: float) -> Course:
        """Return the course of a trial that ends."""
        self.course.selected, self.course.stop = mtd, self.design.facts.stops[stop - 1]
        self.course.end = end
        return self.course


def _one(given: OneTrial, seed: np.random.SeedSequence) -> Callable[[int], float]:
    """Return what draws the i-th number of a trial."""
    patients = Patients(1, seed, given.number)
    return lambda i: float(patients.tolerance(np.zeros(1, np.int64), np.array([i]))[0])


class _WaitingTrial(_Trial):
    """Of a design that follows a cohort up before it decides on the next."""

    def run(self) -> Course:
        """Let patients come until the trial is over."""
        design, course = self.design, self.course
        state = TrialState.empty(design.facts.doses, len(design.facts.memory))
        decision, opens = step(design, state), 0.0
        for day in self.arrivals():
            if day < opens:
                course.turned_away.append(day)
                continue
            self.treat(day, int(decision.dose[0]))
            cohort = slice(-int(decision.size[0]), None)
            if len(course.came) - int(state.total[0]) < int(decision.size[0]):
                continue
            opens = max(course.known[cohort]) if self.given.resolved else day + 1.0
            course.closed.append((day, opens))
            counts = [
                sum(course.dlt[cohort]),
                *([sum(course.moderate[cohort])] if design.facts.outcomes.graded else []),
            ]
            state = advance(design, state, decision, np.array([[*counts, int(decision.size[0]) - sum(counts)]]))
            decision = step(design, state)
            if decision.stop[0] != CONTINUE:
                mtd = selected(design, state, decision.stop)
                return self.over(int(decision.stop[0]), int(mtd[0]), opens)
        raise AssertionError


class _PendingTrial(_Trial):
    """Of a design that decides while patients are pending."""

    def run(self) -> Course:
        """Let patients come until the trial is over."""
        design, course = self.design, self.course
        memory, dose, left = np.zeros((1, len(design.facts.memory)), np.int64), NONE, 0
        before = 0.0
        for day in self.arrivals():
            if left == 0:
                self._close(before, day, dose, memory)
                state, pending = self._seen(day, dose, memory)
                given = ask(design, state, pending)
                if given.stop[0] != CONTINUE:
                    return self._followed(int(given.stop[0]), dose, memory)
                if given.size[0] == 0:
                    course.turned_away.append(day)
                    before = day
                    continue
                unknown = np.zeros((1, len(design.facts.outcomes)), np.int64)
                memory = design.remember(state, given, unknown) if memory.size else memory
                self.opened = day
                dose, left = int(given.dose[0]), int(given.size[0])
            self.treat(day, dose)
            before, left = day, left - 1
            if len(course.came) == (design.facts.cap or -1):
                return self._followed(CONTINUE, dose, memory)
        raise AssertionError

    def _seen(self, day: float, dose: int, memory: np.ndarray) -> tuple[TrialState, Pending]:
        """Return what is known at a time."""
        course = self.course
        came, known, at = np.array(course.came), np.array(course.known), np.array(course.dose, np.int64)
        dlt, over = np.array(course.dlt, bool), known <= day + EPS
        doses = np.arange(self.design.facts.doses)
        n, y = (((at[mask, None] == doses).sum(axis=0))[None] for mask in (over, over & dlt))
        facts = self.design.facts
        if facts.moderate is not None and memory[0, facts.titrating]:
            memory = memory.copy()
            memory[0, facts.moderate] += (np.array(course.moderate, bool) & over & (known > self.opened + EPS)).sum()
        times = (known - came)[over & dlt][None] if self.design.facts.times else None
        pending = Pending(at[~over][None], (day - came[~over])[None], times)
        return TrialState(n, y, np.array([dose]), memory), pending

    def _close(self, since: float, until: float, dose: int, memory: np.ndarray) -> None:
        """Note when, between two arrivals, a patient who came would be turned away."""
        closed = self.course.closed
        moments = [since, *sorted({known for known in self.course.known if since < known < until}), until]
        for start, end in pairwise(moments):
            given: Decision = ask(self.design, *self._seen(start, dose, memory))
            if given.stop[0] == CONTINUE and given.size[0] == 0:
                if closed and closed[-1][1] == start:
                    closed[-1] = (closed[-1][0], end)
                else:
                    closed.append((start, end))

    def _followed(self, stop: int, dose: int, memory: np.ndarray) -> Course:
        """Return the course of a trial that enrols nobody any more, everybody followed up."""
        state, nobody = self._seen(np.inf, dose, memory)
        why, mtd = after_follow_up(self.design, state, np.array([stop]), nobody)
        return self.over(int(why[0]), int(mtd[0]), max(self.course.known, default=0.0))
