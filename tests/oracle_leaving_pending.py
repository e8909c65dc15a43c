"""Trials with pending patients who may leave, slot by slot in plain dictionaries: nothing of `doseopt` is imported.

Patients are told one by one; histories with the same patients, in any order, are one. Replaced patients may be followed
by others without end: trials are left once less than 1e-14 of them go on.
"""

import math
from collections import defaultdict
from dataclasses import dataclass, field

FULL = 2
"""The code of the cap, which is the only reason to stop that waits for who may be lost."""


@dataclass
class Setting:
    """Constant hazards, a window of `slots`; an event counts as `dlt`, `complete`, `replace` or `exclude`."""

    p: tuple
    events: tuple  # (probability, reading, attributed) of each
    slots: int
    arrival: float = 1.0
    max_enrolled: int | None = None

    def chances(self, dose):
        """Probability in a slot of each of dlt, clean, gone, out, and of none, of a patient without an event so far."""
        own = -math.log(1 - self.p[dose])
        hazards = [-math.log(1 - chance) for chance, _, _ in self.events]
        total = own + sum(hazards)
        some = 1 - math.exp(-total / self.slots)
        found = {"dlt": some * own / total, "clean": 0.0, "gone": 0.0, "out": 0.0, "none": 1 - some}
        for hazard, (_, reading, share) in zip(hazards, self.events, strict=True):
            here = some * hazard / total
            share = 1.0 if reading == "dlt" else share
            found["dlt"] += share * here
            found[{"complete": "clean", "replace": "gone", "exclude": "out", "dlt": "dlt"}[reading]] += (
                1 - share
            ) * here
        return found


@dataclass
class Found:
    ends: dict = field(default_factory=lambda: defaultdict(float))
    time: float = 0.0
    turned: float = 0.0
    enrolled: float = 0.0
    decisions: float = 0.0
    pending: float = 0.0
    escalated: float = 0.0
    firsts: dict = field(default_factory=lambda: defaultdict(float))
    durations: dict = field(default_factory=lambda: defaultdict(float))


def follow(rule, select, doses, cap, at):
    """Expectations over all trials; a patient is (dose, age or fate, whether of the last cohort, whether watched)."""
    found = Found()
    loses = any(reading in ("replace", "exclude") and share < 1 for _, reading, share in at.events)
    # patients, dose, lost, size, closed (0 or the code to stop with, None while open), hasty, given
    here = {((), -1, 0, 0, None, False, ()): 1.0}
    slot = 0
    while sum(here.values()) > 1e-14:
        then = defaultdict(float)
        for state, chance in here.items():
            for after, part in _starts(found, rule, select, doses, cap, at, loses, slot, state, chance):
                for aged, share in _ages(at, after):
                    then[_plain(at, aged)] += part * share
        here = then
        slot += 1
    return found


def _plain(at, state):
    """The state without what no longer matters: the order of patients, and who was replaced, but for their number."""
    patients, dose, lost, *rest = state
    left = [p for p in patients if p[1] != "gone" and (p[1] != "out" or p[2])]
    lost = lost + len(patients) - len(left) if at.max_enrolled else 0
    each = sorted(((d, f, c, w and not isinstance(f, str)) for d, f, c, w in left), key=repr)
    return (tuple(each), dose, lost, *rest)


def _tally(doses, patients):
    n, y = [0] * doses, [0] * doses
    for dose, fate, _, _ in patients:
        if fate in ("dlt", "clean"):
            n[dose] += 1
            y[dose] += fate == "dlt"
    return tuple(n), tuple(y)


def _over(found, rule, select, doses, at, slot, state, chance, stop):
    patients, dose, _, _, _, hasty, _ = state
    n, y = _tally(doses, patients)
    if not stop:
        stop = rule(list(n), list(y), [], dose)[2]
    found.ends[n, y, select(n, y, stop), stop] += chance
    found.time += chance * slot / at.slots
    found.escalated += chance * hasty
    found.durations[slot] += chance


def _starts(found, rule, select, doses, cap, at, loses, slot, state, chance):
    """What happens as a slot begins: with whom the trial goes on into it."""
    patients, dose, lost, size, closed, hasty, given = state
    waiting = [(d, f / at.slots) for d, f, _, _ in patients if not isinstance(f, str)]
    if closed is not None:
        if not waiting:
            _over(found, rule, select, doses, at, slot, state, chance, closed)
            return []
        return [(state, chance)]
    own = [f for _, f, of_last, _ in patients if of_last]
    room = size - len(own)
    if own and room == 0 and all(f == "out" for f in own):
        patients, room = tuple((d, f, False, w) for d, f, _, w in patients), size
    asked = room == 0
    n, y = _tally(doses, patients)
    to, many, stop = rule(list(n), list(y), waiting, dose) if asked else (dose, room, 0)
    if asked and stop == FULL and waiting and loses and sum(n) + len(waiting) >= cap:
        stop, many = 0, 0
    if stop and not waiting:
        _over(found, rule, select, doses, at, slot, state, chance, stop)
        return []
    comes = chance * at.arrival
    found.decisions += comes * asked
    found.pending += comes * asked * len(waiting)
    stays = (patients, dose, lost, size, None, hasty, given)
    after = []
    if stop:
        after.append(((*stays[:4], stop, hasty, given), comes))
    elif many == 0:
        found.turned += comes
        after.append((stays, comes))
    else:
        watched = patients
        if asked:
            size, up = many, 0 <= dose < to
            watched = tuple(
                (d, f, False, w or (up and d == dose and not isinstance(f, str))) for d, f, _, w in patients
            )
        if to not in given:
            found.firsts[to, sum(n) + len(waiting)] += comes
        found.enrolled += comes
        now = (*watched, (to, 0, True, False))
        last = len(now) + lost == at.max_enrolled if loses else sum(n) + len(waiting) + 1 == cap
        after.append(((now, to, lost, size, 0 if last else None, hasty, tuple(sorted({*given, to}))), comes))
    missed = chance * (1 - at.arrival)
    if missed and asked and not stop and many > 1:  # a cohort of several is open from then on, whoever comes when
        stays = (watched, to, lost, size, None, hasty, given)
        found.decisions += missed
        found.pending += missed * len(waiting)
    if missed:
        after.append((stays, missed))
    return after


def _ages(at, state):
    """What a slot may do to the patients who are pending."""
    ways = [((), 1.0, state[5])]
    for dose, fate, cohort, watched in state[0]:
        if isinstance(fate, str):
            ways = [((*p, (dose, fate, cohort, watched)), c, h) for p, c, h in ways]
            continue
        more = []
        for kind, chance in at.chances(dose).items():
            then = ("clean" if fate + 1 == at.slots else fate + 1) if kind == "none" else kind
            if chance > 0:
                more += [
                    ((*p, (dose, then, cohort, watched)), c * chance, h or (watched and kind == "dlt"))
                    for p, c, h in ways
                ]
        ways = more
    return [((patients, *state[1:5], hasty, state[6]), chance) for patients, chance, hasty in ways]
