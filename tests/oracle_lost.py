"""Trials whose patients may be lost, patient by patient: an enumeration that imports nothing of `doseopt`.

A patient is replaced, left out, or seen with a DLT, a moderate toxicity or neither. Who is replaced gives the place to
the next; the cohort ends when its places are taken or no patient may be enrolled any more.
"""

from functools import cache
from typing import NamedTuple

from oracle_rules import Give, Stop, Trial


class Chances(NamedTuple):
    """Of one patient at each dose: replaced; left out, if not; a DLT, if neither; moderate, if none of these."""

    replaced: tuple
    left_out: tuple
    dlt: tuple
    moderate: tuple


def cohorts(chances, dose, size, room):
    """[(evaluable, DLTs, moderates, enrolled), probability], one patient after the other."""
    r, x, p, m = (each[dose] for each in chances)
    kinds = [
        ((0, 0, 0, 0), r),
        ((1, 0, 0, 0), (1 - r) * x),
        ((1, 1, 1, 0), (1 - r) * (1 - x) * p),
        ((1, 1, 0, 1), (1 - r) * (1 - x) * (1 - p) * m),
        ((1, 1, 0, 0), (1 - r) * (1 - x) * (1 - p) * (1 - m)),
    ]
    open_, closed = {(0, 0, 0, 0, 0): 1.0}, {}
    while open_:
        after = {}
        for (places, *seen, enrolled), chance in open_.items():
            if places == size or enrolled == room:
                closed[*seen, enrolled] = closed.get((*seen, enrolled), 0) + chance
                continue
            for (place, *kind), probability in kinds:
                if probability:
                    key = (places + place, *(a + b for a, b in zip(seen, kind, strict=True)), enrolled + 1)
                    after[key] = after.get(key, 0) + chance * probability
        open_ = after
    return list(closed.items())


def lost(trials, chances, most=None):
    """[P(none), P(1), ..], [E n_1, ..] and, if `most` caps it, the law of the number enrolled, {number: probability}.

    Without `most` nobody may be replaced here, and a cohort without an evaluable patient is treated again.
    """
    doses = trials.doses

    @cache
    def ahead(trial, enrolled):
        answer = trials.decide(trial)
        if isinstance(answer, Give) and most is not None and enrolled >= most:
            answer = Stop("max_enrolled", trials.rule.mtd(trial) if sum(trial.n) else None)
        if isinstance(answer, Stop):
            chosen = [0.0] * (doses + 1)
            chosen[0 if answer.mtd is None else answer.mtd + 1] = 1.0
            return [*chosen, *trial.n], {enrolled: 1.0}
        room = None if most is None else most - enrolled
        ways = cohorts(chances, answer.dose, answer.size if room is None else min(answer.size, room), room)
        ways = [way for way in ways if way[0][0] or most is not None]
        whole = sum(chance for _, chance in ways)
        values, law = [0.0] * (2 * doses + 1), {}
        for (evaluable, dlts, moderates, more), chance in ways:
            given = Give(answer.dose, evaluable)
            after = trials.treated(trial, given, dlts, moderates) if evaluable else trial
            found, number = ahead(after, 0 if most is None else enrolled + more)
            values = [v + chance / whole * f for v, f in zip(values, found, strict=True)]
            for k, f in number.items():
                law[k] = law.get(k, 0) + chance / whole * f
        return values, law

    nothing = (0,) * doses
    values, law = ahead(Trial(nothing, nothing), 0)
    return values[: doses + 1], values[doses + 1 :], law
