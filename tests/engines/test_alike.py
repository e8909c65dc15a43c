"""Designs that decide alike, by their graphs; the published identities, and near misses."""

import itertools

import pytest

import doseopt
from doseopt import BOIN, CRM, MTPI2, CohortsByDose, Keyboard, MaxPatients, Modified, RunIn, ThreePlusThree
from doseopt.core.trial import after, decide_and_select
from doseopt.engines.alike import decide_alike
from doseopt.engines.graph import build_graph

LIBRARY = doseopt.load_study("library").designs


def capped(design, patients=12):
    return Modified(design, (MaxPatients(n=patients),))


def alike(one, other):
    return decide_alike(build_graph(one, edges=True), build_graph(other, edges=True))


def answers(design, most):
    """What the design does after every sequence of cohorts, one trial at a time: shares no line with the graph."""
    found, waiting = {}, [""]
    while waiting:
        seen = waiting.pop()
        state = after(design, seen)
        decision, mtd = decide_and_select(design, state)
        stop = bool(decision.stop.item())
        given = (decision.dose.item(), decision.size.item())
        found[seen] = ("stop", mtd.item()) if stop else given
        if not stop and state.total.item() < most:
            ways = {"".join(sorted(way)) for way in itertools.product("NT", repeat=given[1])}
            waiting += [f"{seen} {given[0] + 1}{way}".strip() for way in ways]
    return found


@pytest.mark.parametrize(
    ("one", "other", "wanted"),
    [
        ("BOIN", "Keyboard", True),
        ("Keyboard", "mTPI-2", True),
        ("CRM", "CRM two-stage", True),
        ("BLRM", "EWOC", True),
        ("BOIN", "CRM", False),
        ("mTPI", "mTPI-2", False),
    ],
)
def test_designs_of_the_library(one, other, wanted):
    assert alike(LIBRARY[one], LIBRARY[other]) is wanted


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Keyboard(doses=2, target=0.3), MTPI2(doses=2, target=0.3)),
        (BOIN(doses=2, target=0.3), Keyboard(doses=2, target=0.3)),
        (BOIN(doses=2, target=0.3), BOIN(doses=2, target=0.25)),
        (BOIN(doses=2, target=0.3), ThreePlusThree(doses=2, target=0.3)),
        (Modified(BOIN(doses=2, target=0.3), (RunIn(levels=1),)), BOIN(doses=2, target=0.3)),
        (BOIN(doses=2, target=0.3), Modified(BOIN(doses=2, target=0.3), (CohortsByDose(sizes=(3, 3)),))),
        (CRM(doses=2, target=0.3, skeleton=(0.2, 0.3)), CRM(doses=2, target=0.3, skeleton=(0.2, 0.301))),
    ],
)
def test_it_is_what_one_trial_at_a_time_tells(one, other):
    one, other = capped(one, 9), capped(other, 9)
    assert alike(one, other) == (answers(one, 9) == answers(other, 9))


def test_another_declaration_is_another_design():
    base = BOIN(doses=3, target=0.25)
    other = doseopt.Selecting(base, CRM(doses=3, target=0.25, skeleton=(0.05, 0.1, 0.25)))
    assert alike(capped(base), capped(base))
    assert not alike(capped(base), capped(other))
    assert not alike(capped(base, 12), capped(base, 15))
