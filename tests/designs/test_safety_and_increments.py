"""Safety apart from the design, and how far the next dose may be from the last."""

import numpy as np
import pytest

from doseopt import (
    BLRM,
    BOIN,
    CRM,
    BetaSafety,
    Faults,
    MaxPatients,
    MaxRatio,
    Modified,
    NoSkipping,
    NoSkippingDown,
    after,
)
from doseopt.engines.graph import graph_of
from doseopt.study.file import parse_study
from doseopt.study.written import written

STUDY = """
title = "t"
target = 0.25
[doses]
labels = ["1", "2", "3", "4"]
values = [10.0, 20.0, 50.0, 60.0]
unit = "mg"
[scenarios]
a = [0.1, 0.2, 0.3, 0.4]
[designs.d]
kind = "crm"
skeleton = [0.05, 0.1, 0.15, 0.25]
modifiers = [RULE, { kind = "max_patients", n = 12 }]
"""
FREE = CRM(doses=4, target=0.25, skeleton=(0.01, 0.02, 0.03, 0.25))


def level(rule, outcomes, base=FREE):
    design = Modified(base, (rule, MaxPatients(n=30)))
    return int(design.decide(after(design, outcomes)).dose[0]) + 1


def faults(rule, text=STUDY):
    with pytest.raises(Faults) as found:
        parse_study(text.replace("RULE", rule))
    return [str(fault) for fault in found.value.faults]


def test_laid_over_boin_it_changes_nothing_of_boin():
    """BOIN eliminates by this very rule: Pr(p > phi) > 0.95 under Beta(1, 1), from 3 patients on."""
    boin = BOIN(doses=3, target=0.25)
    graphs = [graph_of(Modified(boin, (*rules, MaxPatients(n=15)))) for rules in ((), (BetaSafety(),))]
    assert graphs[0].counts() == graphs[1].counts()
    assert (graphs[0].selected == graphs[1].selected).all()


def test_it_closes_doses_of_a_blrm_that_its_own_prior_would_give():
    """Pr(p > .25) after 3 of 3 is 1 - .25^4 = .9961 under Beta(1, 1): dose 3 closes, and with it dose 4."""
    blrm = BLRM(doses=4, target=0.25, dose_values=(10, 20, 50, 60), reference_dose=50, unit="mg", feasibility=1)
    design = Modified(blrm, (BetaSafety(confidence=0.996), MaxPatients(n=30)))
    assert design.admissible(after(design, "1NNN 2NNN 3TTT"))[0].tolist() == [True, True, False, False]
    strict = Modified(blrm, (BetaSafety(confidence=0.997), MaxPatients(n=30)))
    assert strict.admissible(after(strict, "1NNN 2NNN 3TTT")).all()


def test_a_closed_dose_is_not_selected_and_the_lowest_ends_the_trial():
    design = Modified(FREE, (BetaSafety(), MaxPatients(n=6)))
    state = after(design, "1NNN 4TTT")
    assert design.facts.stops[int(design.decide(state).stop[0]) - 1] == "max_patients"
    assert design.select(state, design.decide(state).stop).tolist() == [2]
    state = after(design, "1TTT")
    given = design.decide(state)
    assert design.facts.stops[int(given.stop[0]) - 1] == "too_toxic"
    assert design.select(state, given.stop).tolist() == [-1]


def test_a_key_that_python_reserves_is_written_as_a_protocol_says_it():
    study = parse_study(STUDY.replace("RULE", '{ kind = "beta_safety", confidence = 0.9, from = 6 }'))
    assert study.designs["d"].modifiers[0].from_ == 6
    assert written(study)["designs"]["d"]["modifiers"][0] == {"kind": "beta_safety", "confidence": 0.9, "from": 6}
    assert faults('{ kind = "beta_safety", from = 0, to = 3 }') == [
        "designs.d.modifiers[0].to: unknown key; known: kind, a, b, above, confidence, from",
        "designs.d.modifiers[0].from: wanted a whole number of at least 1, got 0",
    ]


def test_a_ratio_of_2_is_twice_and_the_increment_of_a_blrm_is_100_percent():
    """From 10 twice is 20; from 20 it is 40, and 50 is more. BLRM's max_increment = 1 is the ratio 2."""
    values = (10.0, 20.0, 50.0, 60.0)
    assert [level(MaxRatio(2, values), s) for s in ("1NNN", "1NNN 2NNN")] == [2, 2]
    assert [level(MaxRatio(2.5, values), s) for s in ("1NNN", "1NNN 2NNN")] == [2, 3]
    common = {"doses": 4, "target": 0.25, "dose_values": values, "reference_dose": 50, "unit": "mg", "rule": "ewoc"}
    own = Modified(BLRM(**common, max_increment=1), (MaxPatients(n=12),))
    laid = Modified(BLRM(**common), (MaxRatio(2, values), MaxPatients(n=12)))
    one, other = graph_of(own), graph_of(laid)
    assert one.counts() == other.counts()
    assert (one.selected == other.selected).all()


def test_the_ratio_by_the_last_dose_and_by_dlts():
    values = (10.0, 20.0, 50.0, 60.0)
    by_dose = MaxRatio((5.0, 1.2), values, from_dose=(50,))
    assert [level(by_dose, s) for s in ("1NNN", "3NNN")] == [3, 4]
    by_dlts = MaxRatio((5.0, 1.5), values, from_dlts=(1,))
    assert level(by_dlts, "1NNN") == 3
    design = Modified(FREE, (by_dlts,))
    held = design.modifiers[0](after(design, "1NNT"), design.decide(after(design, "1NNN")))
    assert held.dose.tolist() == [0]


def test_levels_up_and_down():
    assert [level(NoSkipping(levels=n), "1NNN") for n in (1, 2, 3)] == [2, 3, 4]
    low = CRM(doses=4, target=0.25, skeleton=(0.25, 0.5, 0.6, 0.7))
    assert [level(NoSkippingDown(levels=n), "4NTT", low) for n in (1, 2, 3)] == [3, 2, 1]
    assert Modified(FREE, (NoSkipping(levels=2),)).facts.skips


def test_down_by_one_level_yields_to_an_excluded_dose():
    """At 3 of 3 dose 2 closes with dose 3; from dose 4 the trial cannot stop at either."""
    design = Modified(FREE, (NoSkippingDown(), BetaSafety(), MaxPatients(n=30)))
    assert design.decide(after(design, "2TTT 4NNN")).dose.tolist() == [0]


def test_every_fault_of_a_ratio_is_told():
    assert faults('{ kind = "max_ratio", ratio = 0.5 }')[0].startswith(
        "designs.d.modifiers[0].ratio: wanted a ratio such as 2 (the next dose at most twice the last)"
    )
    assert faults('{ kind = "max_ratio", ratio = [2, 3] }') == [
        "designs.d.modifiers[0].ratio: wanted 1 ratio, one a range of from_dose or from_dlts, got 2"
    ]
    assert faults('{ kind = "max_ratio", ratio = [2, 3], from_dose = [20], from_dlts = [1] }') == [
        "designs.d.modifiers[0].from_dlts: wanted it or from_dose, got both; lay two rules over the design"
    ]
    bare = STUDY.replace('values = [10.0, 20.0, 50.0, 60.0]\nunit = "mg"\n', "")
    assert faults('{ kind = "max_ratio", ratio = 2 }', bare) == [
        "designs.d.modifiers[0].dose_values: missing; wanted the doses as numbers: doses.values"
    ]


def test_a_study_gives_its_doses_and_does_not_write_them():
    study = parse_study(STUDY.replace("RULE", '{ kind = "max_ratio", ratio = 2 }'))
    rule = study.designs["d"].modifiers[0]
    assert rule.dose_values == (10.0, 20.0, 50.0, 60.0)
    assert written(study)["designs"]["d"]["modifiers"][0] == {"kind": "max_ratio", "ratio": 2}
    assert np.isfinite(graph_of(study.designs["d"]).paths).all()
