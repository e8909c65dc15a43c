"""Naming rules, laid over any selection."""

import copy

import numpy as np
import pytest
import tomli_w

from doseopt import (
    BOIN,
    CRM,
    AcceleratedTitration,
    Definition,
    Faults,
    IndifferenceInterval,
    MaxPatients,
    Modified,
    Naming,
    Selecting,
    ThreePlusThree,
    after,
    build_graph,
)
from doseopt.comparison.readings import readings_of
from doseopt.designs.layers import layers, with_cap, with_names
from doseopt.study.file import parse_study
from doseopt.testing import check_design

SIX = Definition(6)
REGISTRY = Definition(6, "1/6")
STUDY = {
    "title": "small",
    "target": 0.25,
    "mtd": {"definition": {"patients": 6, "rate": "1/6"}},
    "doses": {"labels": ["a", "b", "c"]},
    "scenarios": {"s": [0.1, 0.25, 0.5]},
    "designs": {"d": {"kind": "boin", "modifiers": [{"kind": "max_patients", "n": 9}]}},
}


def study(**changes):
    document = copy.deepcopy(STUDY)
    document["designs"]["d"] |= changes
    return document


def parse(document):
    return parse_study(tomli_w.dumps(document), "study.toml")


def faults(document):
    with pytest.raises(Faults) as caught:
        parse(document)
    return [str(fault) for fault in caught.value.faults]


@pytest.mark.parametrize(
    "base",
    [
        BOIN(doses=3, target=0.25),
        AcceleratedTitration(doses=3, target=0.25, titrate=1, mtd_at_cap="not_excluded"),
        Selecting(ThreePlusThree(doses=3, target=0.25), BOIN(doses=3, target=0.25)),
    ],
)
def test_it_keeps_the_promises_of_a_design(base):
    check_design(Modified(Naming(base, REGISTRY), (MaxPatients(n=9),)))


@pytest.mark.parametrize(
    ("n", "y", "six", "registry"),
    [(6, 1, True, True), (7, 1, True, True), (6, 2, True, False), (5, 0, False, False), (12, 2, True, True)],
)
def test_a_definition_counts_in_whole_numbers(n, y, six, registry):
    tally = np.array([n]), np.array([y])
    assert (SIX.met(*tally).item(), REGISTRY.met(*tally).item()) == (six, registry)
    assert Definition(6, "2/12") == REGISTRY


@pytest.mark.parametrize("rate", ["1/0", "2", "-1/6", "0x1", "1e9", True, "", 7, [1]])
def test_a_rate_is_a_fraction_of_at_most_1(rate):
    with pytest.raises(Faults, match="wanted a fraction"):
        Definition(6, rate)


def test_a_dose_with_too_few_is_not_replaced_by_another():
    """1NNN 2NNN 3NNN: BOIN selects the third dose on three patients; the second is not named for it, nor the first."""
    design = BOIN(doses=3, target=0.25)
    state = after(design, "1NNN 1NNN 2NNN 2NNN 3NNN")
    stop = np.zeros(1, np.int64)
    assert design.select(state, stop).tolist() == [2]
    assert Naming(design, SIX).select(state, stop).tolist() == [-1]
    assert Naming(design, Definition(3)).select(state, stop).tolist() == [2]


def test_it_wins_over_a_selection_in_either_order():
    base, selector = ThreePlusThree(doses=3, target=0.25), BOIN(doses=3, target=0.25)
    one, other = Naming(Selecting(base, selector), SIX), Selecting(Naming(base, SIX), selector)
    plain = Selecting(base, selector)
    for design in (one, other):
        capped = Modified(design, (MaxPatients(n=9),))
        graph, free = build_graph(capped, edges=True), build_graph(Modified(plain, (MaxPatients(n=9),)), edges=True)
        ended = free.state[free.ending]
        wanted = [
            mtd if mtd >= 0 and n[mtd] >= 6 else -1
            for mtd, n in zip(free.selected.tolist(), ended.n.tolist(), strict=True)
        ]
        assert graph.selected.tolist() == wanted
        assert -1 in wanted
        assert max(wanted) >= 0


def test_layers_and_cap_see_through_it():
    crm = CRM(doses=3, target=0.25, skeleton=IndifferenceInterval(2, 0.05))
    design = Modified(Naming(crm, SIX), (MaxPatients(n=9),))
    assert (layers(design).rule, layers(design).names) == (crm, SIX)
    assert with_cap(design, 12) == Modified(Naming(crm, SIX), (MaxPatients(n=12),))
    assert with_cap(Naming(Modified(crm, (MaxPatients(n=9),)), SIX), None) == Naming(crm, SIX)
    assert with_names(design, None) == Modified(crm, (MaxPatients(n=9),))
    assert with_names(design, REGISTRY) == Modified(Naming(crm, REGISTRY), (MaxPatients(n=9),))


def test_it_describes_itself():
    row = Naming(BOIN(doses=3, target=0.25), REGISTRY).describe()[-1]
    assert row.rule == "naming"
    assert row.reading == "at least 6 patients at the dose, at most 1/6 of them with a DLT; none is named otherwise"


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        ({"at_least": 6}, SIX),
        ("definition", REGISTRY),
        ({"at_least": 6, "rate": "1/6"}, REGISTRY),
        ({"at_least": 6, "rate": "1/3"}, Definition(6, "1/3")),
    ],
)
def test_a_study_file_states_it_and_writes_it_again(names, wanted):
    found = parse(study(names=names))
    assert found.designs["d"] == Modified(Naming(BOIN(doses=3, target=0.25), wanted), (MaxPatients(n=9),))
    again = parse_study(found.to_toml())
    assert (again, again.hash) == (found, found.hash)
    assert found.hash != parse(STUDY).hash


def test_spellings_of_one_rule_have_one_hash():
    assert parse(study(names="definition")).hash == parse(study(names={"rate": "2/12", "at_least": 6})).hash
    assert parse(study(names="any")).hash == parse(STUDY).hash


def test_any_is_what_a_3_plus_3_says_of_its_cap():
    capped = study(kind="three_plus_three", names="any")
    assert parse(capped).hash == parse(study(kind="three_plus_three", mtd_at_cap="not_excluded")).hash
    assert parse(capped).designs["d"].base.mtd_at_cap == "not_excluded"
    chosen = parse(study(names="any", selection={"kind": "three_plus_three"})).designs["d"].base
    assert chosen == Selecting(BOIN(doses=3, target=0.25), ThreePlusThree(3, 0.25, mtd_at_cap="not_excluded"))


@pytest.mark.parametrize("names", ["any", {"at_least": 6}, "definition"])
def test_it_and_mtd_at_cap_are_two_rules_for_one_thing(names):
    assert faults(study(kind="three_plus_three", mtd_at_cap="not_excluded", names=names)) == [
        'designs.d.names: wanted it or mtd_at_cap = "not_excluded", which is names = "any", got both'
    ]


def test_a_definition_that_is_not_stated_is_a_fault():
    document = study(names="definition")
    del document["mtd"]
    assert faults(document) == [
        'designs.d.names: wanted it in [mtd] too, e.g. definition = { patients = 6, rate = "1/6" }, got none'
    ]


@pytest.mark.parametrize(
    ("names", "where"),
    [
        ("all", "designs.d.names: wanted"),
        (6, "designs.d.names: wanted"),
        ({}, "designs.d.names.at_least: wanted a whole number"),
        ({"at_least": 0}, "designs.d.names.at_least: wanted a whole number"),
        ({"at_least": 6, "rate": "6/1"}, "designs.d.names.rate: wanted a fraction"),
        ({"at_least": 6, "patients": 3}, "designs.d.names.patients: unknown key"),
    ],
)
def test_what_is_no_naming_rule_is_a_fault(names, where):
    (found,) = faults(study(names=names))
    assert found.startswith(where)


def test_every_fault_of_a_definition_comes_at_once_and_alone():
    document = study(names="definition")
    document["mtd"]["definition"] = {"patients": 0, "rate": "7"}
    found = faults(document)
    assert [fault.split(":")[0] for fault in found] == ["mtd.definition.patients", "mtd.definition.rate"]


def test_a_selection_has_none_of_its_own():
    (found,) = faults(study(selection={"kind": "boin", "names": "any"}))
    assert found.startswith("designs.d.selection.names: unknown key")


def test_a_silence_is_whether_a_dose_must_meet_the_definition():
    found = parse(STUDY)
    values = [reading.value for reading in readings_of(found, found.designs["d"])["naming rule"]]
    assert values == ["the dose selected", REGISTRY.describe()]
    named = parse(study(names={"at_least": 6}))
    values = [reading.value for reading in readings_of(named, named.designs["d"])["naming rule"]]
    assert values == [SIX.describe(), REGISTRY.describe(), "the dose selected"]
    document = copy.deepcopy(STUDY)
    del document["mtd"]
    bare = parse(document)
    assert "naming rule" not in readings_of(bare, bare.designs["d"])
