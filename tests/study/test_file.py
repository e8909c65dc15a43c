import copy
import datetime
import math

import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

import doseopt
from doseopt import BOIN, CRM, AcceleratedTitration, ThreePlusThree
from doseopt.comparison.compare import compare
from doseopt.core.definition import Definition
from doseopt.core.parameters import Faults
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import Coherent, MaxPatients, NoSkipping, RunIn, TooToxic
from doseopt.designs.naming import Naming
from doseopt.models.skeleton import IndifferenceInterval
from doseopt.scenarios import ActualDose, MTDRule
from doseopt.scenarios.specs import FixedScenario, RandomScenarios
from doseopt.study.departure import Departure
from doseopt.study.file import load_study, parse_study
from doseopt.study.study import Doses
from doseopt.study.window_events import WindowEvents

# The example that documents the format.
EXAMPLE = """
title = "..."
registry = "NCT05727722"            # optional
target = 0.25                       # target DLT rate
[mtd]                               # what counts as right
rule = "closest"                    # closest | highest_below | interval (halfwidth = 0.05)
none_above = 0.35                   # default target + 0.10
definition = { patients = 6, rate = "1/6" }      # optional: what the protocol demands to be seen at the MTD
[doses]
labels = ["0.15", "0.5", "1.5", "4.5"]
values = [0.15e9, 0.5e9, 1.5e9, 4.5e9]
unit = "cells"
tolerance = 0.20                    # actual dose may differ from planned by this fraction
[dropout]
rate = 0.10                         # optional: probability of leaving the DLT window for another reason
[scenarios]                         # name = true DLT rates, or a table
"MTD 1.5" = [0.05, 0.12, 0.25, 0.45]
"with grade 2" = { p_dlt = [0.05, 0.12, 0.25, 0.45], p_moderate = [0.1, 0.2, 0.3, 0.3] }   # P(moderate | no DLT)
"random" = { generator = "paoletti", count = 200, seed = 1 }                             # or "clertant"
"off dose" = { p_dlt = [0.05, 0.12, 0.25, 0.45], transform = { kind = "actual_dose" } }   # or misattribution, mixture
[designs."ATD+3+3"]
kind = "accelerated_titration"      # titration, then 3+3
titrate = 1                         # dose levels in the titration phase; titration_cohort = 1
trigger = "first_dlt"               # first_dlt | first_moderate | second_moderate
after_dlt = "fill"                  # fill | three_new (the 3+3 rule is then on the three new patients)
on_descent = "three_then_six"       # three_then_six | six | declare (no de-escalation: the dose below is the MTD)
confirm_top = true                  # 6 patients before the top dose can be the MTD; a fault with on_descent = "declare"
mtd_at_cap = "definition"           # definition | not_excluded
modifiers = [{ kind = "max_patients", n = 10 }]
[designs."3+3"]
kind = "three_plus_three"           # on_descent, confirm_top, mtd_at_cap as above
names = { at_least = 6 }            # of any design: "any" | { at_least = 6 } | "definition"; else none is named
[designs.CRM]
kind = "crm"
model = "empiric"                   # empiric | logistic (intercept = 3.0)
skeleton = { prior_mtd = 3, halfwidth = 0.05 }   # or a list of rates; prior_mtd counts from 1
# prior_sd = ...                    # left out: sqrt(1.34)
estimate = "plugin"                 # plugin | mean
cohort = 3                          # start = 1, select_untried = true
modifiers = [{ kind = "run_in", levels = 1 }, { kind = "no_skipping" }, { kind = "coherent" }, { kind = "too_toxic", confidence = 0.95 }, { kind = "max_patients", n = 25 }]
[designs.BOIN]
kind = "boin"
saf = 0.6                           # phi1 = saf * target
tox = 1.4                           # phi2 = tox * target
cutoff = 0.95                       # elimination; eliminate_from = 3, extra_safe = false, offset = 0.05
tie = "deescalate"                  # deescalate | stay, when y/n equals lambda_d
bounded = false                     # bounded MTD
titration = false                   # the R package's
cohort = 3
modifiers = [{ kind = "run_in", levels = 1 }, { kind = "max_patients", n = 25 }]
"""  # noqa: E501

SMALL = {
    "title": "small",
    "target": 0.25,
    "doses": {"labels": ["a", "b", "c"]},
    "scenarios": {"s": [0.1, 0.25, 0.5]},
    "designs": {"3+3": {"kind": "three_plus_three"}},
}


def parse(document):
    return parse_study(tomli_w.dumps(document), "study.toml")


def changed(path, value, document=SMALL):
    """The document with another value at a path; None takes it out."""
    document = copy.deepcopy(document)
    *inner, last = path
    place = document
    for name in inner:
        place = place.setdefault(name, {}) if isinstance(place, dict) else place[name]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return document


def faults(document):
    """Faults of a document or of the text of a file, as "path: message"."""
    with pytest.raises(Faults) as caught:
        parse_study(document, "study.toml") if isinstance(document, str) else parse(document)
    assert str(caught.value).startswith("study.toml: ")
    return [str(f) for f in caught.value.faults]


def test_the_documented_example_loads_as_written():
    study = parse_study(EXAMPLE, "example.toml")
    assert (study.title, study.registry, study.target) == ("...", "NCT05727722", 0.25)
    assert study.window_events == WindowEvents(dropout=Departure(0.10, "replace"))
    assert study.mtd == MTDRule(target=0.25, rule="closest", none_above=0.35)
    assert study.definition == Definition(6, "1/6")
    assert study.doses == Doses(("0.15", "0.5", "1.5", "4.5"), (0.15e9, 0.5e9, 1.5e9, 4.5e9), "cells", 0.2)
    rates = (0.05, 0.12, 0.25, 0.45)
    assert study.scenario_specs == {
        "MTD 1.5": FixedScenario(rates),
        "with grade 2": FixedScenario(rates, p_moderate=(0.1, 0.2, 0.3, 0.3)),
        "random": RandomScenarios("paoletti", 200, 1),
        "off dose": FixedScenario(rates, transform=ActualDose()),
    }
    assert study.designs == {
        "ATD+3+3": Modified(AcceleratedTitration(doses=4, target=0.25, titrate=1), (MaxPatients(n=10),)),
        "3+3": Naming(ThreePlusThree(doses=4, target=0.25), Definition(6)),
        "CRM": Modified(
            CRM(doses=4, target=0.25, skeleton=IndifferenceInterval(3, 0.05)),
            (RunIn(levels=1), NoSkipping(), Coherent(), TooToxic(confidence=0.95), MaxPatients(n=25)),
        ),
        "BOIN": Modified(BOIN(doses=4, target=0.25), (RunIn(levels=1), MaxPatients(n=25))),
    }
    assert study.designs["CRM"].base.prior_sd == math.sqrt(1.34)
    scenarios = study.scenarios
    assert (scenarios.sizes["scenario"], scenarios.sizes["dose"]) == (203, 4)
    # a level's rate becomes an average over the actual doses, and what is right is judged by it too
    assert scenarios["p_observed"].sel(scenario="off dose").to_numpy() != pytest.approx(rates, abs=1e-4)
    assert scenarios["p_moderate"].sel(scenario="with grade 2").to_numpy().tolist() == [0.1, 0.2, 0.3, 0.3]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["mtd"], {"rule": "interval", "halfwidth": 0.05}),
        (["mtd"], {"rule": "highest_below"}),
        (["scenarios", "s"], {"p_dlt": [0.1, 0.2, 0.3], "reason": "why", "source": "whence"}),
        (["scenarios", "s"], {"generator": "clertant", "count": 3, "seed": 0}),
        (
            ["scenarios", "s"],
            {"p_dlt": [0.1, 0.2, 0.3], "transform": {"kind": "misattribution", "background": 0.2, "attributed": 0.1}},
        ),
        (
            ["scenarios", "s"],
            {"p_dlt": [0.1, 0.2, 0.3], "transform": {"kind": "mixture", "other": [0.2, 0.3, 0.4], "weight": 0.5}},
        ),
        (["scenarios", "s"], [0, 0.5, 1]),
        (["designs", "3+3"], {"kind": "three_plus_three", "on_descent": "declare", "confirm_top": False}),
        (["designs", "3+3", "target"], 0.3),
        (
            ["designs", "c"],
            {
                "kind": "crm",
                "skeleton": [0.1, 0.2, 0.3],
                "model": "logistic",
                "intercept": 3,
                "modifiers": [{"kind": "max_patients", "n": 9}],
            },
        ),
        (["designs", "b"], {"kind": "boin", "titration": True, "modifiers": [{"kind": "max_patients", "n": 9}]}),
        (["planned_enrolment"], 10),
    ],
)
def test_valid_variants(path, value):
    study = parse(changed(path, value))
    assert study.scenarios.sizes["dose"] == 3
    assert parse_study(study.to_toml()) == study


def test_a_design_may_have_a_target_of_its_own():
    study = parse(changed(["designs", "3+3", "target"], 0.3))
    assert study.designs["3+3"].facts.target == 0.3
    assert study.target == study.mtd.target == 0.25


CAPPED = [{"kind": "max_patients", "n": 12}]
CRM_TABLE = {"kind": "crm", "skeleton": [0.1, 0.2, 0.3], "modifiers": CAPPED}
BOIN_TABLE = {"kind": "boin", "modifiers": CAPPED}

ONE_FAULT = [
    # unknown keys, with the nearest right name
    (["titel"], "x", "titel: unknown key; did you mean 'title'?"),
    (["mtd"], {"rul": "closest"}, "mtd.rul: unknown key; did you mean 'rule'?"),
    (["mtd", "target"], 0.3, "mtd.target: unknown key"),
    (["doses", "unti"], "mg", "doses.unti: unknown key; did you mean 'unit'?"),
    (["dropout"], {"rates": 0.1}, "dropout.rates: unknown key; did you mean 'rate'?"),
    (["designs", "3+3", "cohort"], 3, 'designs."3+3".cohort: unknown key'),
    (["designs", "3+3", "on_decent"], "six", "designs.\"3+3\".on_decent: unknown key; did you mean 'on_descent'?"),
    (["designs", "3+3", "doses"], 3, 'designs."3+3".doses: unknown key'),
    (["designs", "c"], CRM_TABLE | {"skeletn": 1}, "designs.c.skeletn: unknown key; did you mean 'skeleton'?"),
    (
        ["designs", "c"],
        CRM_TABLE | {"skeleton": {"prior_mtd": 2, "half": 0.05, "halfwidth": 0.05}},
        "designs.c.skeleton.half: unknown key; did you mean 'halfwidth'?",
    ),
    (
        ["designs", "b"],
        BOIN_TABLE | {"modifiers": [{"kind": "max_patients", "n": 9, "m": 1}]},
        "designs.b.modifiers[0].m: unknown key",
    ),
    (
        ["scenarios", "s"],
        {"p_dlt": [0.1, 0.2, 0.3], "p_moderat": [0, 0, 0]},
        "scenarios.s.p_moderat: unknown key; did you mean 'p_moderate'?",
    ),
    # kinds
    (
        ["designs", "3+3", "kind"],
        "three_plus_tree",
        "designs.\"3+3\".kind: unknown kind 'three_plus_tree'; did you mean 'three_plus_three'?",
    ),
    (
        ["designs", "3+3", "kind"],
        "zzz",
        f"designs.\"3+3\".kind: unknown kind 'zzz'; known: {', '.join(doseopt.DESIGNS)}",
    ),
    (
        ["designs", "3+3"],
        {"on_descent": "six"},
        f'designs."3+3".kind: missing; wanted one of {", ".join(doseopt.DESIGNS)}',
    ),
    (
        ["designs", "b"],
        BOIN_TABLE | {"modifiers": [*CAPPED, {"kind": "no_skiping"}]},
        "designs.b.modifiers[1].kind: unknown kind 'no_skiping'; did you mean 'no_skipping'?",
    ),
    (
        ["designs", "b"],
        BOIN_TABLE | {"modifiers": [*CAPPED, {}]},
        "designs.b.modifiers[1].kind: missing; wanted one of",
    ),
    (
        ["scenarios", "s"],
        {"generator": "paolletti", "count": 2, "seed": 1},
        "scenarios.s.generator: wanted one of 'paoletti', 'clertant', got 'paolletti'; did you mean 'paoletti'?",
    ),
    (
        ["scenarios", "s"],
        {"p_dlt": [0.1, 0.2, 0.3], "transform": {"kind": "off"}},
        "scenarios.s.transform.kind: unknown kind 'off'",
    ),
    # what is missing
    (["title"], None, 'title: missing; wanted what the study is called, as title = "A trial"'),
    (["target"], None, "target: missing; wanted DLT rate that the MTD is to have, as target = 0.25"),
    (["doses"], None, 'doses: missing; wanted the doses, lowest first, as [doses] with labels = ["10", "20"]'),
    (
        ["designs"],
        None,
        'designs: missing; wanted the designs by name, each with its kind, as [designs.BOIN] with kind = "b',
    ),
    (["doses", "labels"], None, "doses.labels: missing"),
    (["doses", "values"], [1.0, 2.0, 3.0], "doses.unit: missing; wanted the unit of the values"),
    (["scenarios"], {}, "scenarios: wanted at least one"),
    (["designs"], {}, "designs: wanted at least one"),
    (["designs", "c"], {"kind": "crm", "modifiers": CAPPED}, "designs.c.skeleton: missing; wanted"),
    (["designs", "c"], CRM_TABLE | {"skeleton": {"prior_mtd": 2}}, "designs.c.skeleton.halfwidth: missing"),
    (["designs", "b"], BOIN_TABLE | {"modifiers": [{"kind": "max_patients"}]}, "designs.b.modifiers[0].n: missing"),
    (["designs", "b"], {"kind": "boin"}, "designs.b.modifiers: wanted a rule that ends every trial"),
    (["scenarios", "s"], {"reason": "why"}, "scenarios.s.p_dlt: missing"),
    (["scenarios", "s"], {"generator": "paoletti", "seed": 1}, "scenarios.s.count: missing"),
    # values outside their domain
    (["target"], 1.0, "target: wanted a number in (0, 1), got 1.0"),
    (["target"], 25, "target: wanted a number in (0, 1), got 25"),
    (["target"], True, "target: wanted a number in (0, 1), got True"),
    (["target"], "0.25", "target: wanted a number in (0, 1), got '0.25'"),
    (["target"], math.nan, "target: wanted a number in (0, 1), got nan"),
    (["planned_enrolment"], 0, "planned_enrolment: wanted a whole number of at least 1, got 0"),
    (["dropout"], {"rate": 1.0}, "dropout.rate: wanted a number in [0, 1), got 1.0"),
    (["mtd"], {"rule": "nearest"}, "mtd.rule: wanted one of 'closest', 'highest_below', 'interval', got 'nearest'"),
    (["mtd"], {"none_above": 0.2}, "mtd.none_above: wanted at least the target (0.25), got 0.2"),
    (["doses", "tolerance"], 1.0, "doses.tolerance: wanted a number in [0, 1), got 1.0"),
    (
        ["doses"],
        {"labels": ["a", "b", "c"], "values": [3.0, 2.0, 4.0], "unit": "mg"},
        "doses.values: wanted increasing numbers above 0",
    ),
    (
        ["doses"],
        {"labels": ["a", "b", "c"], "values": [1.0, 2.0], "unit": "mg"},
        "doses.values: wanted 3 values, one a label, got 2",
    ),
    (["doses", "labels"], ["40", "20", "10"], "doses.labels: wanted the lowest dose first"),
    (["doses", "labels"], ["a", "b", "a"], "doses.labels: wanted different names, got ['a', 'b', 'a']"),
    (["scenarios", "s"], [0.1, 0.25, 1.5], "scenarios.s[2]: wanted a number in [0, 1], got 1.5"),
    (["scenarios", "s"], [0.1, -0.25, 0.5], "scenarios.s[1]: wanted a number in [0, 1], got -0.25"),
    (["scenarios", "s"], [0.1, "x", 0.5], "scenarios.s[1]: wanted a number in [0, 1], got 'x'"),
    (["scenarios", "s"], [0.1, 0.25], "scenarios.s: wanted 3 rates, one a dose, got 2"),
    (["scenarios", "s"], {"p_dlt": [0.1, 0.2, 0.3, 0.4]}, "scenarios.s.p_dlt: wanted 3 rates, one a dose, got 4"),
    (
        ["scenarios", "s"],
        {"p_dlt": [0.1, 0.2, 0.3], "p_moderate": [0.1]},
        "scenarios.s.p_moderate: wanted 3 rates, one a dose, got 1",
    ),
    (["scenarios", "s"], 0.3, "scenarios.s: wanted a list of DLT rates, one a dose, got 0.3"),
    (
        ["scenarios", "s"],
        {"generator": "paoletti", "count": 0, "seed": 1},
        "scenarios.s.count: wanted a whole number in [1, 100000], got 0",
    ),
    (
        ["scenarios", "s"],
        {"p_dlt": [0.1, 0.2, 0.3], "transform": {"kind": "mixture", "other": [0.1, 0.2], "weight": 0.5}},
        "scenarios.s.transform.other: wanted 3 rates",
    ),
    (
        ["designs", "c"],
        CRM_TABLE | {"skeleton": [0.3, 0.2, 0.4]},
        "designs.c.skeleton: wanted increasing rates in (0, 1), or { prior_mtd = ..., halfwidth = ... }, "
        "got [0.3, 0.2, 0.4]",
    ),
    (["designs", "c"], CRM_TABLE | {"skeleton": [0.1, 0.2]}, "designs.c.skeleton: wanted 3 rates, one a dose, got 2"),
    (
        ["designs", "c"],
        CRM_TABLE | {"skeleton": [0.0, 0.2, 0.4]},
        "designs.c.skeleton: wanted increasing rates in (0, 1)",
    ),
    (
        ["designs", "c"],
        CRM_TABLE | {"skeleton": {"prior_mtd": 4, "halfwidth": 0.05}},
        "designs.c.skeleton.prior_mtd: wanted a level of 1 to 3, got 4",
    ),
    (
        ["designs", "c"],
        CRM_TABLE | {"skeleton": {"prior_mtd": 0, "halfwidth": 0.05}},
        "designs.c.skeleton.prior_mtd: wanted a whole number of at least 1, got 0",
    ),
    (
        ["designs", "c"],
        CRM_TABLE | {"skeleton": {"prior_mtd": 2, "halfwidth": 0.3}},
        "designs.c.skeleton.halfwidth: wanted less than the target 0.25",
    ),
    (
        ["designs", "c"],
        CRM_TABLE | {"estimate": "plug-in"},
        "designs.c.estimate: wanted one of 'plugin', 'mean', 'mle', got 'plug-in'; did you mean 'plugin'?",
    ),
    (["designs", "c"], CRM_TABLE | {"prior_sd": 0}, "designs.c.prior_sd: wanted a number in [0.001, 10], got 0"),
    (["designs", "c"], CRM_TABLE | {"start": 4}, "designs.c.start: wanted a level of 1 to 3, got 4"),
    (["designs", "c"], CRM_TABLE | {"target": 1.2}, "designs.c.target: wanted a number in (0, 1), got 1.2"),
    (["designs", "b"], BOIN_TABLE | {"cohort": 2.5}, "designs.b.cohort: wanted a whole number in [1, 100], got 2.5"),
    (["designs", "b"], BOIN_TABLE | {"tox": 5.0}, "designs.b.tox: wanted tox * target below 1, got 1.25"),
    (["designs", "b"], BOIN_TABLE | {"bounded": 1}, "designs.b.bounded: wanted true or false, got 1"),
    (
        ["designs", "b"],
        BOIN_TABLE | {"modifiers": "max_patients"},
        "designs.b.modifiers: wanted a list of tables, got 'max_patients'",
    ),
    (
        ["designs", "b"],
        BOIN_TABLE | {"modifiers": [*CAPPED, "coherent"]},
        "designs.b.modifiers[1]: wanted a table with kind = one of",
    ),
    # combinations
    (
        ["designs", "3+3", "on_descent"],
        "declare",
        'designs."3+3".confirm_top: wanted false with on_descent = "declare"',
    ),
    (
        ["designs", "3+3"],
        {"kind": "accelerated_titration", "titrate": 4},
        'designs."3+3".titrate: wanted 0 to 3 dose levels, got 4',
    ),
    (
        ["designs", "b"],
        BOIN_TABLE | {"modifiers": [{"kind": "max_patients", "n": 2}]},
        "designs.b.modifiers[0].n: wanted at least the first cohort of 3, got 2",
    ),
    (
        ["designs", "b"],
        BOIN_TABLE | {"titration": True, "modifiers": [{"kind": "run_in", "levels": 1}, *CAPPED]},
        "designs.b.modifiers[0]: wanted one run-in, got this and the design's own titration",
    ),
    (
        ["designs", "b"],
        BOIN_TABLE | {"modifiers": [*CAPPED, {"kind": "run_in", "levels": 1}, {"kind": "run_in", "levels": 2}]},
        "designs.b.modifiers[2]: wanted at most one run_in rule, got 2",
    ),
    (
        ["designs", "b"],
        BOIN_TABLE | {"modifiers": [*CAPPED, {"kind": "enough_at_dose", "n": 6, "dose": 4}]},
        "designs.b.modifiers[1].dose: wanted a level of 1 to 3, got 4",
    ),
]


@pytest.mark.parametrize(("path", "value", "wanted"), ONE_FAULT, ids=[w.split(";")[0][:70] for *_, w in ONE_FAULT])
def test_one_fault_is_one_message_with_its_path(path, value, wanted):
    found = faults(changed(path, value))
    assert len(found) == 1, found
    assert found[0].startswith(wanted)


def test_a_transform_that_lacks_what_the_study_should_say_is_a_fault_of_its_scenario():
    found = faults(changed(["scenarios", "s"], {"p_dlt": [0.1, 0.2, 0.3], "transform": {"kind": "actual_dose"}}))
    assert len(found) == 2  # neither a tolerance nor doses as numbers
    assert all(f.startswith("scenarios.s.transform") for f in found), found


def test_two_scenarios_of_one_name_are_a_fault():
    document = changed(["scenarios", "r"], {"generator": "paoletti", "count": 2, "seed": 1})
    (found,) = faults(changed(["scenarios", "r 2"], [0.1, 0.2, 0.3], document))
    assert "wanted a different name for each scenario, got 'r 2' twice" in found


def test_an_unknown_key_beside_other_faults_is_not_lost():
    skeleton = {"prior_mtd": 2, "halfwidth": 0.9, "half": 0.05}
    found = faults(changed(["designs", "c"], CRM_TABLE | {"skeleton": skeleton}))
    assert [f.split(": ")[0] for f in found] == ["designs.c.skeleton.half", "designs.c.skeleton.halfwidth"]


def test_all_faults_of_a_file_come_together():
    document = copy.deepcopy(SMALL)
    document["titel"] = document.pop("title")
    document["target"] = 0.3
    document["mtd"] = {"rule": "closest", "none_above": 0.1}
    document["doses"]["values"] = [1.0, 2.0, 3.0]
    document["scenarios"]["s"] = [0.1, 1.25, 0.5]
    document["scenarios"]["short"] = [0.1, 0.2]
    document["designs"]["crm"] = CRM_TABLE | {"skeleton": [0.3, 0.2, 0.1], "estimate": "mode"}
    document["designs"]["boin"] = {"kind": "boin", "modifiers": [{"kind": "max_patients", "n": 1}, {"kind": "x"}]}
    document["designs"]["3+3"]["cohort"] = 3
    found = faults(document)
    assert sorted(f.split(": ")[0] for f in found) == [
        'designs."3+3".cohort',
        "designs.boin.modifiers[1].kind",
        "designs.crm.estimate",
        "designs.crm.skeleton",
        "doses.unit",
        "mtd.none_above",
        "scenarios.s[1]",
        "scenarios.short",
        "titel",
    ]


def test_the_message_counts_the_faults_and_names_the_file():
    with pytest.raises(Faults) as caught:
        parse(changed(["scenarios", "s"], [2, 3, 0.5]))
    assert str(caught.value).splitlines() == [
        "study.toml: 2 faults",
        "  scenarios.s[0]: wanted a number in [0, 1], got 2",
        "  scenarios.s[1]: wanted a number in [0, 1], got 3",
    ]


def test_what_is_not_toml():
    (found,) = faults("title = \n")
    assert found.startswith("not a TOML file: ")
    assert "line 1" in found


def test_an_empty_file_lacks_everything():
    missing = {"title", "target", "doses", "designs"}
    assert {f.split(":")[0] for f in faults("")} == missing


def test_scenarios_may_be_left_out_and_are_missed_where_they_weigh():
    study = parse(changed(["scenarios"], None))
    assert parse_study(study.to_toml()) == study
    for missed in (lambda: study.scenarios, study.believed, lambda: compare(study)):
        with pytest.raises(Faults, match=r"scenarios: missing; wanted true DLT rates.*compare, .* by them"):
            missed()


def test_moderate_toxicity_is_missed_where_scenarios_weigh_it():
    graded = {"kind": "accelerated_titration", "trigger": "first_moderate"}
    study = parse(changed(["designs", "3+3"], graded))
    with pytest.raises(Faults) as caught:
        compare(study)
    wanted = "designs.\"3+3\": looks at moderate toxicity; wanted p_moderate in every scenario, missing in 's'"
    assert str(caught.value.faults[0]) == wanted


def loading(path):
    with pytest.raises(Faults) as caught:
        load_study(path)
    assert len(caught.value.faults) == 1
    return str(caught.value.faults[0])


def test_a_file_that_is_not_there(tmp_path):
    assert loading(tmp_path / "none.toml").startswith("no such file, and no bundled study of that name")


def test_the_nearest_file_or_bundled_study_is_offered(tmp_path):
    (tmp_path / "mine.toml").write_text(tomli_w.dumps(SMALL))
    assert loading(tmp_path / "mime.toml").endswith(f"; did you mean '{tmp_path / 'mine.toml'}'?")
    assert loading("renji-ello").endswith("; did you mean 'renji-elo'?")


def test_a_directory_is_no_study(tmp_path):
    assert loading(tmp_path)


def test_a_binary_file_is_no_study(tmp_path):
    path = tmp_path / "binary.toml"
    path.write_bytes(bytes(range(256)))
    assert loading(path).startswith("cannot be read as text")


def test_a_file_with_nul_bytes_is_no_study(tmp_path):
    path = tmp_path / "nul.toml"
    path.write_bytes(b"title = 'a'\x00")
    assert loading(path).startswith("not a TOML file")


def test_a_file_is_read_as_utf8_whatever_the_locale(tmp_path):
    path = tmp_path / "étude.toml"
    path.write_text(tomli_w.dumps(SMALL | {"title": "Phase Ⅰ, 10⁹ cells"}), encoding="utf-8")
    assert load_study(path).title == "Phase Ⅰ, 10⁹ cells"
    assert load_study(str(path)).name == "étude"


# Any value anywhere: either a study or faults, never another exception


def nodes(value, path=()):
    """Paths of all values of a document, tables and lists included; of numbers in a list, the second."""
    if path:
        yield path
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    if isinstance(value, list) and not isinstance(value[0], dict):
        parts = [(1, value[1])]
    for name, part in parts:
        yield from nodes(part, (*path, name))


FULL = {
    "title": "full",
    "registry": "NCT0",
    "target": 0.25,
    "planned_enrolment": 10,
    "mtd": {"rule": "interval", "halfwidth": 0.05},
    "doses": {"labels": ["a", "b", "c"], "values": [1.0, 3.0, 10.0], "unit": "mg", "tolerance": 0.2},
    "dropout": {"rate": 0.1},
    "scenarios": {
        "list": [0.1, 0.25, 0.5],
        "table": {"p_dlt": [0.1, 0.2, 0.3], "p_moderate": [0.1, 0.1, 0.2], "reason": "r", "source": "s"},
        "random": {"generator": "paoletti", "count": 2, "seed": 1},
        "off": {"p_dlt": [0.1, 0.2, 0.3], "transform": {"kind": "actual_dose", "tolerance": 0.1}},
        "background": {
            "p_dlt": [0.1, 0.2, 0.3],
            "transform": {"kind": "misattribution", "background": 0.2, "attributed": 0.1},
        },
        "two": {"p_dlt": [0.1, 0.2, 0.3], "transform": {"kind": "mixture", "other": [0.2, 0.3, 0.4], "weight": 0.5}},
    },
    "designs": {
        "atd": {
            "kind": "accelerated_titration",
            "titrate": 1,
            "titration_cohort": 1,
            "trigger": "first_dlt",
            "after_dlt": "fill",
            "on_descent": "three_then_six",
            "confirm_top": True,
            "mtd_at_cap": "definition",
            "start": 1,
            "target": 0.3,
            "modifiers": [{"kind": "max_patients", "n": 10}],
        },
        "crm": {
            "kind": "crm",
            "model": "logistic",
            "intercept": 3.0,
            "skeleton": {"prior_mtd": 2, "halfwidth": 0.05},
            "prior_sd": 1.0,
            "estimate": "plugin",
            "cohort": 3,
            "select_untried": True,
            "modifiers": [
                {"kind": "run_in", "levels": 1, "top_up": False},
                {"kind": "no_skipping", "relative_to": "last"},
                {"kind": "coherent", "scope": "cohort", "target": 0.25},
                {"kind": "too_toxic", "confidence": 0.95, "above": 0.3},
                {"kind": "enough_at_dose", "n": 9, "dose": "any", "only_if_staying": False},
                {"kind": "max_patients", "n": 12},
            ],
        },
        "list": {"kind": "crm", "skeleton": [0.1, 0.2, 0.3], "modifiers": [{"kind": "max_patients", "n": 12}]},
        "boin": {
            "kind": "boin",
            "saf": 0.6,
            "tox": 1.4,
            "cutoff": 0.95,
            "eliminate_from": 3,
            "extra_safe": False,
            "offset": 0.05,
            "tie": "stay",
            "bounded": False,
            "titration": False,
            "cohort": 3,
            "modifiers": [{"kind": "max_patients", "n": 12}],
        },
    },
}
ANYTHING = [
    *(True, -1, 0, 1, 3, 7, 0.0, 0.25, 1.0, 1e300, math.nan, -math.inf, "", "x", "closest", "crm", "any"),
    *([], {}, [[]], [{}], ["a", 1], [[0.1, 0.2, 0.3]], [True, False, True], [0.1, 0.2, 0.3], ["a", "b", "c"]),
    *({"kind": "crm"}, {"kind": 1}, {"kind": []}, {"x": {"y": 1}}, {"prior_mtd": "1"}, {"generator": []}),
    *(datetime.date(2024, 3, 1), [datetime.date(2024, 3, 1)] * 3, [math.nan] * 3, {"p_dlt": [], "transform": 3}),
    {"p_dlt": [0.1, 0.2, 0.3], "transform": {"kind": {}}},
]
PATHS = sorted(nodes(FULL), key=str)


def test_the_full_document_is_valid():
    study = parse(FULL)
    assert parse_study(study.to_toml()) == study
    assert len(PATHS) > 100


def survives(document):
    """Read a document; what can be read can be used."""
    try:
        study = parse(document)
    except Faults:
        return
    assert not study.scenario_specs or study.scenarios.sizes["scenario"] >= 1
    assert parse_study(study.to_toml()) == study
    assert len(study.hash) == len("h2:") + 16


@pytest.mark.parametrize("value", ANYTHING, ids=str)
def test_any_value_anywhere_is_valid_or_a_fault(value):
    for path in PATHS:
        survives(changed(path, value, FULL))


@pytest.mark.parametrize("path", [p for p in PATHS if isinstance(p[-1], str)], ids=lambda p: ".".join(map(str, p)))
def test_any_key_may_be_missing_or_misspelt(path):
    survives(changed(path, None, FULL))
    misspelt = changed(path, 1, FULL)
    *inner, last = path
    place = misspelt
    for name in inner:
        place = place[name]
    place[f"{last}_"] = place.pop(last)
    survives(misspelt)


@settings(deadline=None, derandomize=True, max_examples=100)
@given(st.lists(st.tuples(st.sampled_from(PATHS), st.sampled_from(ANYTHING)), min_size=2, max_size=5))
def test_several_wrong_values_are_valid_or_faults(replaced):
    document = FULL
    for path, value in replaced:
        try:
            document = changed(path, value, document)
        except (KeyError, IndexError, TypeError, AttributeError):
            continue  # an earlier replacement took the place away
    survives(document)
