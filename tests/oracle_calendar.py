"""The calendar of a trial, event by event: a second statement of arrivals, staggering, queues and decisions in time.

Written in plain Python from the definitions, not from `doseopt`, of which it imports nothing; the rules are those of
`oracle`. A queue of events is all there is: a patient arrives, enrolment opens, it is known how a patient counts.
"""

import heapq
import itertools
import math
from dataclasses import dataclass
from typing import Any

from oracle import Stop, Trial

KNOWN, OPENS, ARRIVES = range(3)
"""Events, and their order on one day."""


@dataclass
class Setting:
    arrivals: Any  # rng -> iterator of days
    window: float = 28.0
    sentinel: float = 0.0
    between_patients: float = 0.0
    between_cohorts: float = 0.0
    queue: int = 0
    resolved: bool = False
    onset: Any = None  # rng, p -> share of the window, of a DLT
    visits: tuple[float, ...] = ()


def poisson(rate):
    return lambda rng: itertools.accumulate(iter(lambda: rng.expovariate(rate), None))


def uniform(rate):
    return lambda rng: itertools.accumulate(iter(lambda: rng.uniform(0, 2 / rate), None))


def fixed(gap):
    return lambda _: (gap * k for k in itertools.count(1))


def slots(length, chance):
    return lambda rng: (length * k for k in itertools.count(1) if rng.random() < chance)


def listed(days):
    return lambda _: iter(days)


def constant_hazard(rng, p):
    """Share of the window, of an exponential time that is in it."""
    return math.log(1 - rng.random() * p) / math.log(1 - p)


class Calendar:
    """One trial of `trials` (an `oracle.Trials`) at the rates p."""

    def __init__(self, trials, p, setting, rng):
        self.trials, self.p, self.at, self.rng = trials, p, setting, rng
        self.days = setting.arrivals(rng)
        self.events = []
        self.came = self.enrolled = self.waiting = 0
        self.closed_days = self.last = 0.0
        self.turned_away = 0
        self.open = True
        nothing = (0,) * trials.doses
        self.trial = Trial(nothing, nothing)
        self.given = trials.decide(self.trial)
        self.inside, self.pending, self.dlts = 0, 0, 0

    def push(self, day, what):
        heapq.heappush(self.events, (day, what))

    def run(self):
        self.push(next(self.days), ARRIVES)
        while True:
            day, what = heapq.heappop(self.events)
            if what == ARRIVES:
                self.push(next(self.days, math.inf), ARRIVES)
                self.came += 1
                if self.open:
                    self.enrol(day)
                elif self.waiting < self.at.queue:
                    self.waiting += 1
            elif what == OPENS:
                self.open = True
                self.closed_days += day - self.last
                if self.waiting:
                    self.waiting -= 1
                    self.enrol(day)
            elif self.known(day):
                self.end = day
                return self

    def enrol(self, day):
        assert day < math.inf, "the list has come to its end"
        self.open, self.last = False, day
        self.enrolled += 1
        self.turned_away = self.came - self.enrolled
        self.inside += 1
        self.pending += 1
        dlt = self.rng.random() < self.p[self.given.dose]
        self.dlts += dlt
        stay = 1.0
        if dlt and self.at.resolved:
            stay = self.at.onset(self.rng, self.p[self.given.dose])
            if self.at.visits:
                stay = min(v for v in self.at.visits if v >= stay)
        self.push(day + stay * self.at.window, KNOWN)
        if self.inside < self.given.size:
            gap = self.at.between_patients
            if self.inside == 1 and self.trial.n[self.given.dose] == 0:
                gap = max(gap, self.at.sentinel)
            self.push(day + gap, OPENS)

    def known(self, day):
        """Count a patient; whether the trial is over."""
        self.pending -= 1
        if self.pending or self.inside < self.given.size:
            return False
        self.trial = self.trials.treated(self.trial, self.given, self.dlts)
        self.given = self.trials.decide(self.trial)
        self.inside = self.dlts = 0
        if isinstance(self.given, Stop):
            return True
        self.push(day + self.at.between_cohorts, OPENS)
        return False
