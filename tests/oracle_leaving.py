"""Trials in time whose patients die or drop out, one patient after the other: nothing of `doseopt` is imported.

A patient of some population has exponential times of DLT and of other events; what comes first in the window decides
how the patient counts: `dlt`, `clean`, `out` (left out, and keeps the place) or `gone` (gives it to the next).
"""

import bisect
import math
from dataclasses import dataclass

from oracle_rules import Give, Stop, Trial


@dataclass
class Event:
    """Probability in the window by population, how it counts, and the share that is called a DLT."""

    chance: tuple
    reading: str
    attributed: float = 0.0


HOW = {"dlt": "dlt", "complete": "clean", "exclude": "out", "replace": "gone"}


@dataclass
class Setting:
    p: tuple
    events: tuple
    shares: tuple = (1.0,)
    rate: float = 1.5 / 28
    gap: float = 0.0  # of equal gaps, else Poisson
    most: int | None = None
    sentinel: float = 0.0
    between_patients: float = 0.0
    between_cohorts: float = 0.0
    resolved: bool = False

    def patient(self, rng, dose):
        """How a patient counts, and after which share of the window that is known."""
        (of,) = rng.choices(range(len(self.shares)), self.shares)
        times = [rng.expovariate(-math.log(1 - self.p[dose]))]
        times += [rng.expovariate(-math.log(1 - event.chance[of])) for event in self.events]
        first = min(times)
        if first >= 1:
            return "clean", 1.0
        which = times.index(first)
        if which == 0:
            return "dlt", first
        event = self.events[which - 1]
        return ("dlt" if rng.random() < event.attributed else HOW[event.reading]), first

    def arrival(self, rng, day, last):
        """The first patient who comes from a day on and after the last one: of equal gaps, on the day if there is."""
        if self.gap:
            return self.gap * max(math.ceil(day / self.gap - 1e-9), round(last / self.gap) + 1)
        return day + rng.expovariate(self.rate)


def follow(trials, at, rng):
    """Day on which a trial is decided, day of the last enrolment, patients enrolled, and cohorts."""
    nothing = (0,) * trials.doses
    state, opens, last, enrolled, cohorts, treated = Trial(nothing, nothing), 0.0, 0.0, 0, 0, set()
    end = 0.0
    while not isinstance(given := trials.decide(state), Stop) and (at.most is None or enrolled < at.most):
        size = given.size if at.most is None else min(given.size, at.most - enrolled)
        places, known, seen, dlts, first = [(opens, -math.inf)] * size, [], 0, 0, True
        while places and (at.most is None or enrolled < at.most):
            free, _ = places.pop(0)
            last = at.arrival(rng, max(free, opens), last)
            enrolled += 1
            how, share = at.patient(rng, given.dose)
            decided = last + 28 * (share if at.resolved else 1)
            if how == "gone":
                bisect.insort(places, (last + 28 * share, decided))
            else:
                known.append(decided)
                seen, dlts = seen + (how != "out"), dlts + (how == "dlt")
            sentinel = at.sentinel if first and given.dose not in treated else 0
            opens, first = last + max(at.between_patients, sentinel), False
        end = max([*known, *(decided for _, decided in places)])
        treated.add(given.dose)
        cohorts += 1
        opens = end + at.between_cohorts
        state = trials.treated(state, Give(given.dose, seen), dlts) if seen else state
    return end, last, enrolled, cohorts
