"""Trials with pending patients by plain enumeration: every history to its end, in Python numbers, nothing merged."""

import itertools
import math
from dataclasses import dataclass, field


@dataclass
class Seen:
    """One history so far."""

    chance: float = 1.0
    slots: int = 0  # that have passed
    gaps: int = 0  # times that the trial waited for somebody with nobody pending
    patients: tuple = ()  # (dose, slots since arrival, DLT known) of all; None instead of slots when resolved
    dose: int = -1
    left: int = 0
    turned: int = 0
    decisions: int = 0
    pending: int = 0
    last: bool = False
    while_pending: int = 0
    watched: tuple = ()  # patients pending at a dose when it was escalated from
    firsts: tuple = ()  # (dose, patients before) at each first patient of a dose
    memory: tuple = ()


@dataclass
class Found:
    """Expectations over the ends."""

    mass: float = 0.0
    ends: dict = field(default_factory=dict)  # (n, y, selected, stop) -> probability
    time: float = 0.0
    square: float = 0.0
    turned: float = 0.0
    decisions: float = 0.0
    pending: float = 0.0
    while_pending: float = 0.0
    escalated: float = 0.0
    firsts: dict = field(default_factory=dict)


def enumerate_trials(
    rule,
    select,
    doses,
    cap,
    slots,
    arrival,
    reached,
    p,
    length=None,
    credited=None,
    memory=(),
    remember=None,
    moderate=lambda memory, dose: ((1.0, memory),),
):
    """Follow every history.

    rule(resolved, dlts, pending, dose) -> (dose, size, stop), pending [(dose, share)]; reached(share, p) is the law of
    the onset; credited(share) the share that is known by then. With remember(memory, resolved, dlts, dose, given), as
    a cohort is opened, rule and select are shown the memory last, select then the last dose. moderate(memory, dose)
    says with which chances it becomes what when a patient has been followed up without a DLT.
    """
    length = slots if length is None else length  # of the window, in slots
    credited = (lambda share: share) if credited is None else credited

    def known(age):
        return 1.0 if age >= slots else credited(age / length)

    found = Found()
    shown = (lambda seen: ()) if remember is None else (lambda seen: (seen.memory,))

    def tally(seen):
        resolved, dlts = [0] * doses, [0] * doses
        for dose, age, dlt in seen.patients:
            resolved[dose] += age is None
            dlts[dose] += dlt
        return tuple(resolved), tuple(dlts)

    def end(seen, stop, late=0.0):
        n, y = tally(seen)
        if stop == 0:
            _, _, stop = rule(n, y, [], seen.dose, *shown(seen))
        last = () if remember is None else (seen.dose,)
        key = (n, y, select(n, y, stop, *shown(seen), *last), stop)
        found.ends[key] = found.ends.get(key, 0.0) + seen.chance
        found.mass += seen.chance
        q, s = arrival, seen.slots + late
        mean = s + seen.gaps * (1 - q) / q
        variance = seen.gaps * (1 - q) / q**2
        found.time += seen.chance * mean / length
        found.square += seen.chance * (mean**2 + variance) / length**2
        found.turned += seen.chance * seen.turned
        found.decisions += seen.chance * seen.decisions
        found.pending += seen.chance * seen.pending
        found.while_pending += seen.chance * seen.while_pending
        found.escalated += seen.chance * any(seen.patients[k][2] for k in seen.watched)
        for first in seen.firsts:
            found.firsts[first] = found.firsts.get(first, 0.0) + seen.chance

    def age(seen, then, patients=None):
        """One slot for everybody; `then` is called with what comes of it, and the last time something was known."""
        done, rest = ([], list(seen.patients)) if patients is None else patients
        if not rest:
            then(Seen(**{**vars(seen), "patients": tuple(done), "slots": seen.slots + 1}))
            return
        if patients is None:  # whether the slot is the last one of the only patients who are pending
            seen = Seen(**{**vars(seen), "last": {s for _, s, _ in rest if s is not None} == {slots - 1}})
        dose, slot, _ = rest[0]
        if slot is None:
            age(seen, then, ([*done, rest[0]], rest[1:]))
            return
        before, after = reached(known(slot), p[dose]), reached(known(slot + 1), p[dose])
        hazard = (after - before) / (1 - before) if before < 1 else 0.0
        over = slot + 1 >= slots
        free = (dose, None if over else slot + 1, False)
        ways = [(hazard, (dose, None, True), seen.memory)]
        for share, kept in moderate(seen.memory, dose) if over else ((1.0, seen.memory),):
            ways.append(((1 - hazard) * share, free, kept))
        for chance, patient, kept in ways:
            if chance > 0:
                after = {**vars(seen), "chance": seen.chance * chance, "memory": kept}
                age(Seen(**after), then, ([*done, patient], rest[1:]))

    def graded(kept, clean):
        """What the memory becomes when patients at these doses have been followed up without a DLT."""
        ways = [(1.0, kept)]
        for dose in clean:
            ways = [(a * b, after) for a, before in ways for b, after in moderate(before, dose)]
        return ways

    def follow(seen, stop):
        """Nobody comes any more: every patient's outcome, and the last time that one becomes known."""
        ways = []
        for dose, slot, dlt in seen.patients:
            if slot is None:
                ways.append([(1.0, 0.0, dlt)])
                continue
            here, alive = [], 1 - reached(known(slot), p[dose])
            for i in range(slot, slots):
                chance = reached(known(i + 1), p[dose]) - reached(known(i), p[dose])
                here.append((chance / alive, min(i + 1, length) - slot, True))
            ways.append([*here, ((1 - p[dose]) / alive, length - slot, False)])
        for way in itertools.product(*ways):
            chance = math.prod(c for c, _, _ in way)
            if chance > 0:
                each = [(d, slot, x) for (d, slot, _), (_, _, x) in zip(seen.patients, way, strict=True)]
                patients = tuple((d, None, x) for d, _, x in each)
                clean = [d for d, slot, x in each if slot is not None and not x]
                for share, kept in graded(seen.memory, clean):
                    after = {**vars(seen), "chance": seen.chance * chance * share, "patients": patients, "memory": kept}
                    end(Seen(**after), stop, late=max(t for _, t, _ in way))

    def start(seen):
        resolved, dlts = tally(seen)
        pending = [(dose, known(slot)) for dose, slot, _ in seen.patients if slot is not None]
        treated = len(seen.patients)
        asked = seen.left == 0
        given = rule(resolved, dlts, pending, seen.dose, *shown(seen)) if asked else (seen.dose, seen.left, 0)
        dose, size, stop = given
        if stop and not pending:
            end(seen, stop, late=length - slots if seen.last else 0.0)
            return
        comes = arrival if pending else 1.0
        gaps = seen.gaps + (not pending)
        count = {
            "decisions": seen.decisions + asked,
            "pending": seen.pending + asked * len(pending),
            "while_pending": seen.while_pending + (asked and len(pending) > 0),
        }
        opens = remember is not None and asked and not stop and size > 0
        kept = remember(seen.memory, resolved, dlts, seen.dose, (dose, size)) if opens else seen.memory
        left = [k for k, (at, slot, _) in enumerate(seen.patients) if slot is not None and at == seen.dose]
        watched = (*seen.watched, *(left if asked and 0 <= seen.dose < dose else ()))
        met = {**vars(seen), "chance": seen.chance * comes, "gaps": gaps, **count}
        if stop:
            follow(Seen(**met), stop)
        elif size == 0:
            age(Seen(**{**met, "turned": seen.turned + 1}), start)
        else:
            new = all(d != dose for d, _, _ in seen.patients)
            enrolled = Seen(
                **{
                    **met,
                    "patients": (*seen.patients, (dose, 0, False)),
                    "dose": dose,
                    "left": size - 1,
                    "memory": kept,
                    "watched": watched,
                    "firsts": (*seen.firsts, (dose, treated)) if new else seen.firsts,
                }
            )
            if treated + 1 == cap:
                follow(enrolled, 0)
            else:
                age(enrolled, start)
        if comes < 1:
            missed = {**vars(seen), "chance": seen.chance * (1 - comes)}
            if asked and not stop and size > 1:
                missed |= {"dose": dose, "left": size, "memory": kept, "watched": watched, **count}
            age(Seen(**missed), start)

    start(Seen(memory=memory))
    return found
