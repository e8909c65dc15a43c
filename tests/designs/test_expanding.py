"""Expansion cohorts: what follows each ending of a trial, by a plain recursion from those of a second statement."""

from functools import cache
from math import comb

import numpy as np
import oracle
import pytest
from scipy.stats import beta

from doseopt import (
    BOIN,
    CRM,
    TITECRM,
    Exact,
    Expanding,
    Expansion,
    Faults,
    MaxEnrolled,
    MaxPatients,
    Modified,
    MTDRule,
    NoSkipping,
    Simulate,
    ThreePlusThree,
    after,
    build_graph,
    compare,
    judged,
    make_scenarios,
)
from doseopt import operating_characteristics as measures
from doseopt.designs.layers import course, layers, with_cap, with_names
from doseopt.study.file import parse_study
from doseopt.testing import check_design

TRUTHS = [(0.05, 0.15, 0.3, 0.45), (0.3, 0.4, 0.5, 0.6)]


@cache
def toxic(n, y, above, confidence):
    return n > 0 and 1 - beta.cdf(above, 1 + y, 1 + n - y) > confidence


def lowered(n, y, dose, above, confidence):
    """The highest dose up to this one below which, and at which, none is too toxic; -1 if there is none."""
    first = next((j for j in range(dose + 1) if toxic(n[j], y[j], above, confidence)), dose + 1)
    return first - 1


@cache
def expansion_of(n, y, dose, left, size, p, above, confidence):
    """{(n, y, dose at the end): probability} of an expansion at a dose with some patients left."""
    dose = lowered(n, y, dose, above, confidence)
    if dose < 0 or left == 0:
        return {(n, y, dose): 1.0}
    found, many = {}, min(size, left)
    for dlts in range(many + 1):
        chance = comb(many, dlts) * p[dose] ** dlts * (1 - p[dose]) ** (many - dlts)
        more = tuple(k + many * (j == dose) for j, k in enumerate(n))
        worse = tuple(k + dlts * (j == dose) for j, k in enumerate(y))
        for end, weight in expansion_of(more, worse, dose, left - many, size, p, above, confidence).items():
            found[end] = found.get(end, 0) + chance * weight
    return found


def wanted(trials, p, n, size, confidence, above=0.25):
    """Selection, patients and DLTs after the expansion, and how often it begins, and lowers the dose."""
    chosen, patients, dlts = np.zeros(len(p) + 1), np.zeros(len(p)), np.zeros(len(p))
    begun = fell = 0.0
    for (own_n, own_y, mtd), orders in trials.endings().items():
        weight = orders * np.prod([q**y * (1 - q) ** (n - y) for n, y, q in zip(own_n, own_y, p, strict=True)])
        ends = {(own_n, own_y, -1): 1.0}
        if mtd is not None:
            ends = expansion_of(own_n, own_y, mtd, n, size, p, above, confidence)
            begun += weight
        for (end_n, end_y, dose), chance in ends.items():
            chosen[dose + 1] += weight * chance
            patients += weight * chance * np.array(end_n)
            dlts += weight * chance * np.array(end_y)
            fell += weight * chance * (mtd is not None and dose < mtd)
    return chosen, patients, dlts, begun, fell


CASES = [
    (Modified(BOIN(doses=4, target=0.25), (MaxPatients(n=12),)), oracle.Trials(oracle.BOIN(4), cap=12)),
    (ThreePlusThree(doses=4, target=0.25), oracle.Trials(oracle.ThreePlusThree(4))),
    (
        Modified(CRM(doses=4, target=0.25, skeleton=(0.08, 0.17, 0.25, 0.4)), (MaxPatients(n=9),)),
        oracle.Trials(oracle.CRM(4, skeleton=(0.08, 0.17, 0.25, 0.4)), cap=9),
    ),
]


@pytest.mark.parametrize(("base", "trials"), CASES, ids=["BOIN", "3+3", "CRM"])
@pytest.mark.parametrize(("n", "cohort", "confidence"), [(6, None, 0.8), (7, 3, 0.7), (3, 1, 0.95)])
def test_selection_and_safety_by_a_plain_recursion(base, trials, n, cohort, confidence):
    design = Expanding(base, Expansion(n=n, cohort=cohort, confidence=confidence))
    found = measures(judged(Exact()(design, make_scenarios(TRUTHS)), MTDRule(0.25)))
    for i, p in enumerate(TRUTHS):
        chosen, patients, dlts, begun, fell = wanted(trials, p, n, cohort or n, confidence)
        ours = found.isel(scenario=i)
        assert [ours["no_selection"].item(), *ours["selection"].values] == pytest.approx(chosen, abs=1e-11)
        assert ours["patients"].values == pytest.approx(patients, abs=1e-10)
        assert ours["dlts"].values == pytest.approx(dlts, abs=1e-10)
        stopped = dict(zip(found["stop_reason"].values.tolist(), ours["stopped"].values, strict=True))
        assert stopped["mtd_lowered"] + stopped["expansion_too_toxic"] == pytest.approx(fell, abs=1e-11)
        assert stopped["mtd_kept"] == pytest.approx(begun - fell, abs=1e-11)


@pytest.mark.parametrize(("base", "_"), CASES, ids=["BOIN", "3+3", "CRM"])
def test_it_keeps_the_promises_of_a_design(base, _):
    check_design(Expanding(base, Expansion(n=5, cohort=2, confidence=0.8)))


def test_an_untried_dose_is_expanded_only_next_to_a_tried_one_where_none_is_skipped():
    """A CRM that starts at level 1 and has seen no DLT in three selects the fourth level, and would skip to it."""
    crm = CRM(doses=4, target=0.25, skeleton=(0.02, 0.05, 0.1, 0.2))
    seen = "1NNN"
    for rules, level in (((MaxPatients(n=3),), 4), ((MaxPatients(n=3), NoSkipping()), 2)):
        design = Expanding(Modified(crm, rules), Expansion(n=4))
        given = design.decide(after(design, seen))
        assert (given.dose[0] + 1, given.size[0], given.stop[0]) == (level, 4, 0)
        check_design(design)


def test_the_rule_of_the_expansion_holds_from_its_beginning():
    """1/6 at the dose declared: Pr(p > 0.1) under Beta(2, 6) is 0.85, which is more than 0.8 asked for."""
    base = ThreePlusThree(doses=2, target=0.25)
    design = Expanding(base, Expansion(n=6, above=0.1, confidence=0.8))
    given = design.decide(after(design, "1NNN 2NTN 2TNN 1NNN"))
    assert (given.dose[0] + 1, given.size[0], given.stop[0]) == (1, 6, 0)
    given = design.decide(after(design, "1NNT 1NNN 2TTN"))
    assert given.stop[0] == 1 + design.facts.stops.index("expansion_too_toxic")
    assert design.select(after(design, "1NNT 1NNN 2TTN"), given.stop).tolist() == [-1]


def test_a_simulation_agrees():
    design = Expanding(CASES[0][0], Expansion(n=6, cohort=3, confidence=0.8))
    scenarios = make_scenarios(TRUTHS)
    exact, drawn = (
        measures(judged(engine(design, scenarios), MTDRule(0.25))) for engine in (Exact(), Simulate(trials=4000))
    )
    for name in ("selection", "no_selection", "sample_size", "total_dlts"):
        off = np.abs(exact[name] - drawn[name]) / np.maximum(drawn[f"{name}_mcse"], 1e-9)
        assert off.max() < 4


def test_its_facts_and_layers():
    base = CASES[0][0]
    design = Expanding(base, Expansion(n=6))
    assert (design.facts.cap, base.facts.cap) == (18, 12)
    parts = layers(design)
    assert (parts.rule, parts.expansion) == (base.base, Expansion(n=6))
    assert with_cap(design, 15).facts.cap == 21
    assert with_names(design, None) == design
    assert course(design) == design  # designs that select otherwise give other doses
    assert design.describe()[-2].reading == (
        "6 more patients at the dose selected; one dose lower where Pr(p > 0.25) > 0.95 under Beta(1,1) by all "
        "patients at the dose"
    )
    assert build_graph(base).counts()["states"] < build_graph(design).counts()["states"]


def test_what_it_refuses():
    with pytest.raises(Faults, match=r"expansion: wanted a cap on evaluable patients \(max_patients\)"):
        Expanding(Modified(BOIN(doses=3, target=0.25), (MaxEnrolled(n=12),)), Expansion(n=6))
    crm = TITECRM(doses=3, target=0.25, skeleton=(0.1, 0.25, 0.4))
    with pytest.raises(Faults, match="expansion: wanted a design that decides when all outcomes are known"):
        Expanding(Modified(crm, (MaxPatients(n=12),)), Expansion(n=6))
    with pytest.raises(Faults, match=r"(?s)base: wanted a design.*expansion: wanted an Expansion"):
        Expanding("3+3", 6)


TEXT = """
title = "A study"
target = 0.25
[doses]
values = [1, 2, 4, 8]
unit = "mg"
[scenarios]
A = [0.05, 0.15, 0.3, 0.45]
B = [0.3, 0.4, 0.5, 0.6]
[designs.BOIN]
kind = "boin"
modifiers = [{ kind = "max_patients", n = 12 }]
[designs.Expanded]
kind = "boin"
expansion = { n = 7, cohort = 3, confidence = 0.7 }
modifiers = [{ kind = "max_patients", n = 12 }]
"""


def test_in_a_study_file():
    study = parse_study(TEXT)
    assert study.designs["Expanded"] == Expanding(study.designs["BOIN"], Expansion(n=7, cohort=3, confidence=0.7))
    assert parse_study(study.to_toml()) == study
    dropped = parse_study(TEXT.replace("expansion =", 'drop = ["8"]\nexpansion ='))
    assert dropped.designs["Expanded"].facts.doses == 4
    assert parse_study(dropped.to_toml()) == dropped
    for wrong, said in (("{ n = 0 }", "wanted"), ("{}", "missing"), ("6", "wanted a table"), ("{ m = 6 }", "unknown")):
        with pytest.raises(Faults, match=rf"designs\.Expanded\.expansion.*{said}"):
            parse_study(TEXT.replace("{ n = 7, cohort = 3, confidence = 0.7 }", wrong))


def test_a_comparison_tells_what_the_expansion_changes():
    study = parse_study(TEXT)
    ds = compare(study)
    for i, p in enumerate(TRUTHS):
        at = {"design": 1, "scenario": i}
        chosen, patients, dlts, begun, fell = wanted(CASES[0][1], p, 7, 3, 0.7)
        before = CASES[0][1].evaluate(p)
        assert ds["mtd_lowered"].isel(at).item() == pytest.approx(fell, abs=1e-11)
        assert ds["expansion_patients"].isel(at).item() == pytest.approx(sum(patients) - sum(before[1]), abs=1e-9)
        assert ds["expansion_dlts"].isel(at).item() == pytest.approx(sum(dlts) - sum(before[2]), abs=1e-9)
        assert ds["selection_before_expansion"].isel(at).values == pytest.approx(before[0][1:], abs=1e-11)
        assert ds["no_selection_before_expansion"].isel(at).item() == pytest.approx(1 - begun, abs=1e-11)
        assert ds["selection"].isel(at).values == pytest.approx(chosen[1:], abs=1e-11)
    assert np.isnan(ds["mtd_lowered"].isel(design=0)).all()
    assert "mtd_lowered" not in compare(study.only(["BOIN"]))
