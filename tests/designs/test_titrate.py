"""Titration over any design: its written forms agree to the last digit, and the ways in which protocols differ."""

import numpy as np
import pytest

from doseopt import (
    BOIN,
    BOIN12,
    CRM,
    AcceleratedTitration,
    Faults,
    MaxPatients,
    Modified,
    RunIn,
    ThreePlusThree,
    Titrate,
    TooToxic,
    after,
    make_scenarios,
)
from doseopt.engines.exact import Exact
from doseopt.study.file import parse_study

RATES = [(0.05, 0.10, 0.20, 0.35), (0.2, 0.3, 0.5, 0.6), (0.02, 0.04, 0.06, 0.30)]
MODERATE = np.tile((0.1, 0.2, 0.3, 0.4), (3, 1))
CRM4 = CRM(doses=4, target=0.25, skeleton=(0.06, 0.14, 0.25, 0.38))
BOIN4 = BOIN(doses=4, target=0.25)
THREE = ThreePlusThree(doses=4, target=0.25)
CAP = MaxPatients(n=12)


def characteristics(design):
    found = Exact()(design, make_scenarios(RATES, p_moderate=MODERATE))
    weight = found["weight"].to_numpy()
    chosen = weight @ (found["selected"].to_numpy()[:, None] == np.arange(-1, 4))
    return np.hstack([chosen, weight @ found["n"].to_numpy(), weight @ found["y"].to_numpy()])


def same(one, other):
    np.testing.assert_allclose(characteristics(one), characteristics(other), rtol=0, atol=1e-12)


@pytest.mark.parametrize("base", [BOIN4, CRM4, BOIN(doses=4, target=0.25, start=2)], ids=["BOIN", "CRM", "from 2"])
@pytest.mark.parametrize("top_up", [False, True])
def test_a_run_in_is_a_titration(base, top_up):
    levels = 2 + (base.start - 1)
    titrate = Titrate(levels=levels, after="fill" if top_up else "next")
    same(Modified(base, (RunIn(2, top_up), CAP)), Modified(base, (titrate, CAP)))


@pytest.mark.parametrize("cohort", [2, 3])
def test_the_titration_of_boin_is_one(cohort):
    titrate = Titrate(after="fill", at_last="fill")
    plain, own = (BOIN(doses=4, target=0.25, cohort=cohort, titration=own) for own in (False, True))
    same(Modified(own, (CAP,)), Modified(plain, (titrate, CAP)))


WAYS = [
    {"titrate": 1},
    {"titrate": 4},
    {"titrate": 2, "titration_cohort": 2},
    {"titrate": 3, "trigger": "first_moderate"},
    {"titrate": 4, "trigger": "second_moderate"},
    {"titrate": 4, "after_dlt": "three_new"},
    {"titrate": 3, "after_dlt": "three_new", "trigger": "second_moderate"},
]
NAMES = {"first_dlt": "dlt", "first_moderate": "grade2", "second_moderate": "second_grade2"}


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("more", [(), (MaxPatients(n=10),), (TooToxic(0.8),)], ids=["alone", "capped", "safe"])
def test_accelerated_titration_is_a_titration_before_3_plus_3(way, more):
    titrate = Titrate(
        until=NAMES[way.get("trigger", "first_dlt")],
        levels=way["titrate"],
        cohort=way.get("titration_cohort", 1),
        after=way.get("after_dlt", "fill"),
        at_last="next",
    )
    own = AcceleratedTitration(doses=4, target=0.25, **way)
    same(Modified(own, more) if more else own, Modified(THREE, (titrate, *more)))


def test_the_outcomes_on_which_the_ways_differ():
    """1N 2N 3N 4T: filled; decided on at once, BOIN going down as 1/1 is above lambda_d; or three new patients."""
    found = {}
    for way in ("fill", "next", "three_new"):
        design = Modified(BOIN(doses=5, target=0.25), (Titrate(after=way), MaxPatients(n=30)))
        given = design.decide(after(design, "1N 2N 3N 4T"))
        found[way] = int(given.dose[0]) + 1, int(given.size[0])
    assert found == {"fill": (4, 2), "next": (3, 3), "three_new": (4, 3)}


def test_patients_who_are_left_out_count_for_the_cap_and_not_for_the_design():
    """Three new at level 2 with none of them a DLT: the rule sees 0/3 there and goes up, where 1/4 would stay."""
    for way, level in (("three_new", 3), ("fill", 2)):
        design = Modified(BOIN4, (Titrate(after=way), MaxPatients(n=30)))
        assert int(design.decide(after(design, "1N 2T 2NNN")).dose[0]) + 1 == level


def test_the_last_level():
    for way, wanted in (("rule", (3, 3)), ("next", (3, 3)), ("fill", (2, 2))):
        design = Modified(BOIN4, (Titrate(until=2, at_last=way), MaxPatients(n=30)))
        given = design.decide(after(design, "1N 2N"))
        assert (int(given.dose[0]) + 1, int(given.size[0])) == wanted


def test_grade_2_ends_it_where_it_was_seen():
    """The second moderate toxicity, at level 3, is what fills that level; the CRM is not told of it."""
    design = Modified(CRM4, (Titrate(until="second_grade2"), MaxPatients(n=30)))
    for seen, wanted in (("1M 2N", (3, 1)), ("1M 2N 3M", (3, 2))):
        given = design.decide(after(design, seen))
        assert (int(given.dose[0]) + 1, int(given.size[0])) == wanted
    assert design.facts.outcomes.graded


def test_what_is_refused():
    with pytest.raises(Faults, match="levels: wanted a level of 1 to 4, got 5"):
        Modified(BOIN4, (Titrate(levels=5),))
    with pytest.raises(Faults, match="wanted it or a level as until, got both"):
        Titrate(until=2, levels=3)
    with pytest.raises(Faults, match="wanted one titration"):
        Modified(AcceleratedTitration(doses=4, target=0.25), (Titrate(),))
    with pytest.raises(Faults, match="wanted at most one run_in rule"):
        Modified(BOIN4, (Titrate(), RunIn(2)))
    boin12 = BOIN12(doses=4, target=0.25)
    with pytest.raises(Faults, match="looks at efficacy"):
        Modified(boin12, (Titrate(until="grade2"),))


def test_one_moderate_rate_for_all_doses():
    study = parse_study("""
title = "t"
target = 0.25
[doses]
labels = ["1", "2"]
[scenarios]
a = { p_dlt = [0.1, 0.2], p_moderate = 0.3 }
[designs.d]
kind = "boin"
modifiers = [{ kind = "titrate", until = "second_grade2" }, { kind = "max_patients", n = 9 }]
""")
    assert study.scenarios["p_moderate"].values.tolist() == [[0.3, 0.3]]
