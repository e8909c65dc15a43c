"""The page of the grammar: an example of every rule that is read, and the meanings that the reference has."""

import re
import tomllib
from pathlib import Path

import pytest
import tomli_w

from doseopt.conduct.next_dose import next_dose
from doseopt.designs.modifiers import JOINED, MODIFIERS
from doseopt.records.trial import Trial
from doseopt.study.file import parse_study
from doseopt.study.keys import key_tables

PAGE = (Path(__file__).parents[2] / "docs" / "grammar.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `(\{ (?:kind|all|any) = .*\})` \| (.*) \|$", PAGE, re.MULTILINE)
KEYS = re.findall(r"^\| `((?:names|selection) = .*?)` \|", PAGE, re.MULTILINE)
STUDY = {
    "title": "page",
    "target": 0.25,
    "mtd": {"definition": {"patients": 6, "rate": "1/6"}},
    "doses": {"values": [1.0, 2.0, 4.0, 8.0], "unit": "mg"},
    "scenarios": {"flat": [0.1, 0.2, 0.3, 0.4]},
}


def study_of(table):
    return parse_study(tomli_w.dumps({**STUDY, "designs": {"it": {"kind": "boin", **table}}}))


def test_every_rule_has_a_row_with_its_meaning():
    found = {}
    for example, meaning in ROWS:
        rule = tomllib.loads(f"rule = {example}")["rule"]
        found[rule.get("kind") or next(iter(rule))] = meaning
    assert found.keys() == {*MODIFIERS, *JOINED}
    said = {kind: key_tables()[f"modifiers.{kind}"].doc for kind in found}
    assert {kind: text.lower() for kind, text in found.items()} == {kind: text.lower() for kind, text in said.items()}


@pytest.mark.parametrize("example", [example for example, _ in ROWS])
def test_the_example_of_a_rule_is_read(example):
    rule = tomllib.loads(f"rule = {example}")["rule"]
    caps = [] if rule.get("kind") == "max_patients" else [{"kind": "max_patients", "n": 12}]
    study = study_of({"modifiers": [rule, *caps]})
    assert next_dose(study, Trial.from_outcomes("", study.doses))["designs"]["it"]["action"] == "treat"


@pytest.mark.parametrize("example", KEYS)
def test_the_example_of_naming_and_of_selection_is_read(example):
    study = study_of({**tomllib.loads(example), "modifiers": [{"kind": "max_patients", "n": 12}]})
    assert parse_study(study.to_toml()).hash == study.hash


def test_the_design_at_the_head_of_the_page_is_read():
    (block,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    (table,) = tomllib.loads(block)["designs"].values()
    design = study_of(table).designs["it"]
    assert design.facts.outcomes.graded
    assert "dlts_seen and repeated" in design.facts.stops


def test_what_follows_a_titration():
    rows = re.findall(r'^\| `"(\w+)"` \| (\d) patients at level (\d) \|$', PAGE, re.MULTILINE)
    assert [way for way, _, _ in rows] == ["fill", "next", "three_new"]
    for way, size, level in rows:
        study = study_of({"modifiers": [{"kind": "titrate", "after": way}, {"kind": "max_patients", "n": 24}]})
        found = next_dose(study, Trial.from_outcomes("1N 2N 3N 4T", study.doses))["designs"]["it"]
        assert (found["size"], found["level"]) == (int(size), int(level))
