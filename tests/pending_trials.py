"""A small design that decides on pending patients, and the reference numbers of trials with them."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from doseopt import TITECRM, MaxPatients, Modified, NoSkipping, make_scenarios
from doseopt.clock.competing import meet, mixed
from doseopt.clock.onset import Onset
from doseopt.core.facts import FULL, Facts
from doseopt.core.state import Decision

REFERENCE = Path(__file__).parent / "engines" / "reference"
"""Calculated apart from the package, by recursions of their own, and checked against simulated trials of peers."""

CONSTANT = Onset("constant")
CAP = 5


def rule(resolved, dlts, pending, dose, upper=1):
    """Two doses: pairs at the lower, `upper` at the other; some waiting, and a reason to stop while some wait.

    Two DLTs at the lower stop for safety, until four patients are known there: a stop that waiting may undo.
    """
    if dose < 0:
        return 0, 2, 0
    waiting = [share for at, share in pending if at == dose]
    if dlts[0] >= 2 and resolved[0] < 4:
        return 0, 0, 1
    if sum(resolved) + len(pending) >= CAP:
        return 0, 0, 2
    if len(waiting) > 1 and sum(waiting) < 0.9:
        return 0, 0, 0
    up = dlts[dose] == 0 and resolved[dose] + sum(waiting) > 1
    to = max(dose - 1, 0) if dlts[dose] else min(dose + up, 1)
    return to, min((2, upper)[to], CAP - sum(resolved) - len(pending)), 0


def select(n, y, stop):
    return -1 if stop == 1 else int(n[1] > 0 and 3 * y[1] <= n[1])


@dataclass(frozen=True)
class Mini:
    """The rule above, as a design; it remembers how many cohorts it has opened."""

    upper: int = 1
    facts = Facts(doses=2, target=0.25, pending=True, cap=CAP, ends=True, stops=("toxic", FULL), memory=("cohorts",))

    def first(self):
        return Decision(np.array([0]), np.array([2]), np.array([0]))

    def remember(self, before, given, outcome):
        assert not outcome.any()
        return before.memory + 1

    def admissible(self, state):
        return np.ones(state.n.shape, bool)

    def decide(self, state, pending=None):
        assert (state.memory[:, 0] > 0).all()
        rows = []
        for i in range(len(state)):
            shares = zip(pending.dose[i].tolist(), pending.share[i].tolist(), strict=True)
            waiting = [(d, s) for d, s in shares if d >= 0]
            rows.append(rule(state.n[i].tolist(), state.y[i].tolist(), waiting, int(state.dose[i]), self.upper))
        return Decision(*np.array(rows).T)

    def select(self, state, stop):
        each = zip(state.n.tolist(), state.y.tolist(), stop.tolist(), strict=True)
        return np.array([select(*one) for one in each])

    def describe(self):
        return []


def rows(name, **wanted):
    """Rows of a reference file."""
    found = csv.DictReader((REFERENCE / f"{name}.csv").read_text().splitlines())
    return [row for row in found if all(row[key] in values for key, values in wanted.items())]


def vector(text):
    return np.array([float(v) for v in text.split("|")])


def tite_crm(row):
    base = TITECRM(doses=4, target=float(row["target"]), skeleton=tuple(vector(row["prior"])), cohort=1)
    return Modified(base, (NoSkipping(), MaxPatients(n=int(row["n"]))))


def scenarios_of(events, truths, onset=CONSTANT):
    """Scenarios of one population in which these events happen."""
    made = make_scenarios(truths, [f"truth {k}" for k in range(len(truths))])
    p = np.array(truths)
    chances, readings, attributed = zip(*events, strict=True)
    met = mixed([meet(p, chances, readings, attributed, onset)], [1.0])
    hazard = np.full(p.shape, sum(-np.log(1 - chance) for chance in chances))
    dims = ("scenario", "dose")
    found = {
        "p_observed": met.rate,
        "p_alone": p,
        "per_evaluable": met.per_evaluable,
        "p_excluded": met.excluded,
    }
    by = {"hazard": hazard, "rate_met": met.rate, "p_removed": met.removed, "p_left_out": met.left_out}
    return made.assign(
        {name: (dims, value) for name, value in found.items()}
        | {name: (("scenario", "population", "dose"), value[:, None]) for name, value in by.items()}
        | {"share": (("scenario", "population"), np.ones((len(p), 1)))}
    )
