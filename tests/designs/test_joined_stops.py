"""Rules that end a trial, joined and new: by hand, and what a study file may say of them."""

import pytest

from doseopt import (
    BOIN,
    AllOf,
    AnyOf,
    BelowLowest,
    DLTsSeen,
    EnoughAtDose,
    EnoughPatients,
    Faults,
    MaxPatients,
    Modified,
    Repeated,
    TargetProbability,
    ThreePlusThree,
    TooToxic,
    after,
)
from doseopt.study.file import parse_study

BOIN3 = BOIN(doses=3, target=0.25)
STUDY = """
title = "t"
target = 0.25
[doses]
labels = ["1", "2", "3"]
values = [1.0, 2.0, 4.0]
unit = "mg"
[scenarios]
a = [0.1, 0.2, 0.3]
[designs.d]
kind = "boin"
"""


def reason(modifiers, outcomes, base=BOIN3):
    design = Modified(base, (*modifiers, MaxPatients(n=30)))
    stop = int(design.decide(after(design, outcomes)).stop[0])
    return design.facts.stops[stop - 1] if stop else None


def read(more, kind='kind = "boin"'):
    return parse_study(STUDY.replace('kind = "boin"', kind) + more).designs["d"]


def faults(more, kind='kind = "boin"'):
    with pytest.raises(Faults) as found:
        read(more, kind)
    return [str(fault) for fault in found.value.faults]


def test_all_must_hold_and_each_is_named():
    rule = AllOf((EnoughAtDose(n=3, dose=1), DLTsSeen(y=2)))
    assert reason([rule], "1NNT") is None
    assert reason([rule], "1NTT") == "dlts_seen and enough_at_dose"


def test_any_in_all_says_which_of_them_it_was():
    rule = AllOf((EnoughPatients(n=3), AnyOf((DLTsSeen(y=2), EnoughAtDose(n=3, dose=2)))))
    assert reason([rule], "2NNN") == "enough_at_dose and enough_patients"
    assert reason([rule], "1NTT") == "dlts_seen and enough_patients"
    assert reason([rule], "1NNN") is None


def test_a_safety_stop_among_joined_rules_selects_none():
    for rule, selected in ((AllOf((TooToxic(confidence=0.5), EnoughPatients(n=3))), -1), (EnoughPatients(n=3), 0)):
        design = Modified(BOIN3, (rule, MaxPatients(n=30)))
        state = after(design, "1NTT")
        assert design.select(state, design.decide(state).stop).tolist() == [selected]


def test_the_safety_of_a_named_dose_by_a_beta_at_it():
    """After 2 DLTs in 3 Pr(p > .25) is 0.9492 under Beta(1, 1), Beta(3, 2) being it; at dose 1 with 0 of 3, 0.3164."""
    assert reason([TooToxic(0.949, dose=2, prior=(1, 1))], "1NNN 2NTT") == "too_toxic"
    assert reason([TooToxic(0.950, dose=2, prior=(1, 1))], "1NNN 2NTT") is None
    assert reason([TooToxic(0.949, dose=2, prior=(1, 1), selects="design")], "1NNN 2NTT") == "unsafe_dose"
    assert reason([TooToxic(0.317, dose=1, prior=(1, 1))], "1NNN 2NTT") is None
    assert reason([TooToxic(0.316, dose=1, prior=(1, 1))], "1NNN 2NTT") == "too_toxic"


def test_the_target_interval_of_the_recommended_dose():
    """Of the dose below, where BOIN goes after 2 of 3: Pr(.1 < p <= .4) under Beta(1, 4) is .9^4 - .6^4 = .5265."""
    for probability, found in ((0.526, "target_probability"), (0.527, None)):
        rule = TargetProbability(interval=(0.1, 0.4), probability=probability)
        assert reason([rule], "1NNN 2NTT") == found


def test_repeated_counts_cohorts_in_a_row():
    said = [reason([Repeated(times=3)], s) for s in ("1NNN 2NNT", "1NNN 2NNT 2NNT", "2NNT 1NNN 2NNT 2NNT")]
    assert said == [None, None, None]
    said = [reason([Repeated(times=3)], s) for s in ("1NNN 2NNTN 2NNTN", "2NNTN 1NNT 2NNTN")]
    assert said == ["repeated", None]


def test_below_the_lowest_dose():
    assert reason([], "1NTT") is None
    assert reason([BelowLowest()], "1NTT") == "below_lowest"
    assert reason([BelowLowest()], "2NTT") is None


def test_a_design_that_never_goes_down_by_a_rule_has_no_below():
    with pytest.raises(Faults, match="wanted a design with a rule for going down"):
        Modified(ThreePlusThree(doses=3, target=0.25), (BelowLowest(),))
    assert faults('below_lowest = "stop"', 'kind = "three_plus_three"') == [
        "designs.d.below_lowest: wanted it in a design with a rule for going down; leave it out"
    ]


def test_a_file_says_it_and_is_written_as_it_says():
    text = """
below_lowest = "stop"
modifiers = [
  { all = [
    { kind = "enough_at_dose", n = 6 },
    { any = [{ kind = "dlts_seen", y = 2 }, { kind = "repeated", times = 2 }] },
  ] },
  { kind = "max_patients", n = 12 },
]
"""
    design = read(text)
    assert {type(rule) for rule in design.modifiers} == {AllOf, BelowLowest, MaxPatients}
    assert "dlts_seen and enough_at_dose" in design.facts.stops
    rows = [row.reading for row in design.describe()]
    assert (
        "stop when 6 patients have been treated at the recommended dose and (at least 2 DLTs have been seen or the "
        "next cohort would be number 2 in a row at one dose)"
    ) in rows


def test_a_file_that_says_the_same_in_another_way_has_the_same_hash():
    a, b, c = (
        '{ kind = "enough_at_dose", n = 6 }',
        '{ kind = "dlts_seen", y = 2 }',
        '{ kind = "repeated", times = 2 }',
    )
    cap = '{ kind = "max_patients", n = 12 }'

    def digest(rules, key=""):
        return parse_study(STUDY + f"{key}\nmodifiers = [{rules}, {cap}]").hash

    assert digest(f"{{ any = [{a}, {b}] }}") == digest(f"{b}, {a}")
    assert digest(f"{{ all = [{a}, {{ all = [{b}, {c}] }}] }}") == digest(f"{{ all = [{c}, {a}, {b}] }}")
    assert digest(a, 'below_lowest = "stop"') == digest(f'{a}, {{ kind = "below_lowest" }}')
    assert digest(a, 'below_lowest = "stay"') == digest(a)
    assert digest(f"{{ all = [{a}, {b}] }}") != digest(f"{{ any = [{a}, {b}] }}")


def test_every_fault_of_joined_rules_is_told():
    told = faults("""
below_lowest = "no"
modifiers = [
  { all = [{ kind = "enough_at_dose", m = 6 }, { any = 3 }, { kind = "max_patients", n = 3 }] },
  { all = [], any = [] },
  { any = [{ kind = "repeated", times = 2 }] },
]
""")
    assert told[0].startswith("designs.d.modifiers[0].all[0].m: unknown key; known: kind, n,")
    assert "designs.d.modifiers[0].all[0].n: missing; wanted patients at the dose" in told
    assert "designs.d.modifiers[0].all[1].any: wanted a list of rules that end a trial, got 3" in told
    assert any(line.startswith("designs.d.modifiers[0].all[2].kind: unknown kind 'max_patients'") for line in told)
    assert any(line.startswith("designs.d.modifiers[1]: wanted all = [...] or any = [...] alone") for line in told)
    assert "designs.d.modifiers[2].rules: wanted at least two rules that end a trial, got 1" in told
    assert "designs.d.below_lowest: wanted 'stop' or 'stay', got 'no'" in told


def test_a_level_that_does_not_exist_is_told_where_it_stands():
    told = faults('modifiers = [{ all = [{ kind = "repeated", times = 2 }, { kind = "dlts_seen", y = 1, dose = 9 }] }]')
    assert told == ["designs.d.modifiers[0].all[1].dose: wanted a level of 1 to 3, got 9"]
