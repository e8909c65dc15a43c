"""The reference of keys and the schema: what the reader knows, no more and no less."""

import json
import tomllib

import pytest
import tomli_w
from typer.testing import CliRunner

from doseopt.cli import app
from doseopt.comparison.compare import compare
from doseopt.conduct.next_dose import next_dose
from doseopt.core.parameters import Faults
from doseopt.designs import DESIGNS
from doseopt.designs.modifiers import JOINED, MODIFIERS
from doseopt.engines.simulate import Simulate
from doseopt.records.trial import Trial
from doseopt.study.file import BUNDLED, parse_study
from doseopt.study.keys import asked, key_tables
from doseopt.study.reader import Reader
from doseopt.study.schema import schema

STUDIES = sorted(file.name for file in BUNDLED.iterdir() if file.name.endswith(".toml"))
EVERYTHING = """
title = "Everything"
target = 0.25
planned_enrolment = 20
[mtd]
rule = "highest_below"
definition = { patients = 6, rate = "1/6" }
also = [{ name = "nearest", rule = "closest" }]
[doses]
labels = ["1", "2", "4"]
values = [1, 2, 4]
unit = "mg"
[populations]
shares = { CLF = 0.4, ACLF = 0.6 }
[window_events]
death = { probability = 0.1, reading = "replace", attributed = 0.5 }
[clock]
window = 28
accrual = { per_month = 2 }
[historical]
day = 60
survivors = 130
n = 200
source = "a registry"
[eligibility]
include = [{ any = [{ variable = "PTA", relation = "<=", value = 40, unit = "%" },
  { variable = "INR", relation = ">=", value = 1.5 }], population = "CLF" }]
exclude = [{ variable = "PLAT", relation = "<", value = 20, unit = "10^9/L" }]
judged = ["no active infection"]
[posterior]
model = "blrm"
reference_dose = 2
[scenarios]
flat = [0.1, 0.1, 0.1]
made = { p_dlt = [0.1, 0.2, 0.3], reason = "to try", false_dlts = 0.02 }
drawn = { generator = "paoletti", count = 2, seed = 1 }
[designs.CRM]
kind = "crm"
skeleton = { prior_mtd = 2, halfwidth = 0.05 }
names = { at_least = 3 }
modifiers = [{ kind = "no_skipping" }, { kind = "max_patients", n = 9 }]
[designs.probable]
kind = "boin"
selection = { kind = "most_probable", prior = [0.5, 1], none = false }
names = { at_least = 3, dlts = 1, otherwise = "best", unless_complete = true }
modifiers = [
  { kind = "cohort_range", from = 2, to = 4, weights = [2, 1, 1] },
  { all = [{ kind = "enough_at_dose", n = 6 }, { any = [{ kind = "dlts_seen", y = 2 }, { kind = "below_lowest" }] }] },
  { kind = "max_patients", n = 9 },
]
[designs.BOIN]
kind = "boin"
modifiers = [{ kind = "max_patients", n = 9 }]
[amendment]
registered = "BOIN"
criteria = { maximise = "correct_selection", overdose_selection = 0.3 }
interims = { first = "1NNN" }
protocol = [{ says = "enrolment 9", taken = "silence", how = "a cap" }]
statements = { reason = "new knowledge" }
"""


def texts():
    return [(BUNDLED / name).read_text(encoding="utf-8-sig") for name in STUDIES] + [EVERYTHING]


def wrong(value, rule, whole):
    """What a schema refuses of a value: the words of JSON Schema that the schema here is made of."""
    if "$ref" in rule and (inside := wrong(value, whole["$defs"][rule["$ref"].removeprefix("#/$defs/")], whole)):
        return inside
    if "anyOf" in rule and (each := [wrong(value, one, whole) for one in rule["anyOf"]]) and all(each):
        return min(each, key=len)
    types = {"object": dict, "array": list, "string": str, "number": (int, float), "integer": int, "boolean": bool}
    if "type" in rule and (
        not isinstance(value, types[rule["type"]]) or (isinstance(value, bool) and rule["type"] != "boolean")
    ):
        return [f"{value!r} is no {rule['type']}"]
    found = [f"{value!r} is none of {rule['enum']}"] if "enum" in rule and value not in rule["enum"] else []
    tests = {
        "minimum": lambda low: value >= low,
        "exclusiveMinimum": lambda low: value > low,
        "maximum": lambda high: value <= high,
        "exclusiveMaximum": lambda high: value < high,
    }
    found += [f"{name} of {value}" for name, holds in tests.items() if name in rule and not holds(rule[name])]
    if isinstance(value, dict):
        known = rule.get("properties", {})
        found += [f"missing {name}" for name in rule.get("required", ()) if name not in value]
        for name, each in value.items():
            further = known.get(name, rule.get("additionalProperties", {}))
            found += [f"unknown {name}"] if further is False else wrong(each, further, whole)
    if isinstance(value, list) and "items" in rule:
        found += [fault for each in value for fault in wrong(each, rule["items"], whole)]
    return found


def test_every_bundled_study_fits_the_schema():
    whole = json.loads(json.dumps(schema()))
    for text in texts():
        assert wrong(tomllib.loads(text), whole, whole) == []


@pytest.mark.parametrize(
    ("right", "other"),
    [("per_month", "per_mouth"), ('kind = "boin"', 'kind = "bion"'), ("n = 9", "n = -9"), ("halfwidth", "halfwith")],
)
def test_what_the_reader_refuses_the_schema_refuses(right, other):
    text, whole = EVERYTHING.replace(right, other), schema()
    assert wrong(tomllib.loads(text), whole, whole) != []
    with pytest.raises(Faults):
        parse_study(text)


def test_what_the_reader_looks_for_is_what_the_reference_says(monkeypatch):
    """Of every table that is read, the keys that the reader knows are those of one table of the reference."""
    seen, table = {}, Reader.table

    def noted(reader, value, where, known):
        seen[where] = frozenset(known)
        return table(reader, value, where, seen[where])

    monkeypatch.setattr(Reader, "table", noted)
    for text in texts():
        parse_study(text)
    said = {frozenset(key.name for key in one.keys) for one in key_tables().values()}
    named_by_the_study = ("amendment.interims",)
    untold = {where: names for where, names in seen.items() if names not in said and where not in named_by_the_study}
    assert untold == {}
    assert len(seen) > 20


def test_every_key_has_a_meaning_and_every_kind_its_table():
    tables = key_tables()
    assert [(path, key.name) for path, one in tables.items() for key in one.keys if not key.doc] == []
    assert {table.kind for table in tables.values()} >= {*DESIGNS, *MODIFIERS}
    assert all(one.doc for one in tables.values())


def test_numbers_of_controls_are_no_days():
    units = {key.name: key.unit for key in asked("historical")["historical"].keys}
    assert [units[name] for name in ("day", "survivors", "n", "improved", "assessed")] == ["days", "", "", "", ""]


def test_a_kind_that_is_none_suggests_the_nearest():
    result = CliRunner().invoke(app, ["keys", "bion"])
    assert result.exit_code == 2
    assert "did you mean 'boin'?" in result.stderr
    assert list(asked("boin")) == ["designs.boin"]
    assert set(asked("clock")) == {"clock", "clock.accrual", "clock.onset", "clock.stagger"}


def test_the_commands_print_the_reference_and_the_schema(tmp_path):
    run = CliRunner().invoke(app, ["keys", "max_patients", "--html", str(tmp_path / "keys.html")])
    assert run.exit_code == 0
    assert "modifiers.max_patients" in run.stdout
    assert "modifiers.max_patients" in (tmp_path / "keys.html").read_text(encoding="utf-8")
    assert json.loads(CliRunner().invoke(app, ["keys", "boin", "--json"]).stdout)["designs.boin"]["keys"]
    assert json.loads(CliRunner().invoke(app, ["schema"]).stdout)["$defs"].keys() == key_tables().keys() - {"study"}


def of_kind(family, kind):
    """A study of one design of a kind, or with a modifier of it, its parameters those of the example."""
    keys = {key.name: key.example for key in key_tables()[f"{family}.{kind}"].keys if key.name != "target"}
    own = {"selection", "names", "drop", "insert", "inserts", "modifiers"}
    table = {name: value for name, value in keys.items() if value is not None and name not in own}
    if family == "modifiers":
        table = {"kind": "boin", "modifiers": [table]}
    caps = [] if kind in ("max_patients", "bf_boin") else [{"kind": "max_patients", "n": 9}]
    table["modifiers"] = [*table.get("modifiers", []), *caps]
    return with_design(table)


def with_design(table):
    """A study of one design."""
    top = tomllib.loads(EVERYTHING)
    few = {name: top[name] for name in ("title", "target", "clock")}
    doses = {"labels": ["1", "2", "4", "8"], "values": [1, 2, 4, 8], "unit": "mg"}
    return few | {
        "doses": doses,
        "scenarios": {"flat": {"p_dlt": [0.1] * 4, "p_eff": [0.3] * 4}},
        "designs": {"it": table},
    }


FILES = {"policy"}
"""Kinds whose rules stand in a file of their own."""


@pytest.mark.parametrize(
    ("family", "kind"),
    [("designs", k) for k in DESIGNS if k not in FILES] + [("modifiers", k) for k in (*MODIFIERS, *JOINED)],
)
def test_the_example_of_every_kind_is_read_and_answers(family, kind):
    answers(of_kind(family, kind))


@pytest.mark.parametrize("key", ["selection", "names"])
def test_the_example_of_a_selection_and_of_naming_is_read_and_answers(key):
    example = {one.name: one.example for one in key_tables()[key].keys if one.example is not None}
    answers(with_design({"kind": "boin", key: example, "modifiers": [{"kind": "max_patients", "n": 9}]}))


def answers(document):
    """The study fits the schema, says what its design does now, and is compared."""
    whole = schema()
    assert wrong(document, whole, whole) == []
    study = parse_study(tomli_w.dumps(document))
    assert next_dose(study, Trial.from_outcomes("", study.doses))["designs"]["it"]["action"] == "treat"
    table = compare(study, Simulate(trials=50, seed=1))
    assert table["sample_size"].item() > 0
