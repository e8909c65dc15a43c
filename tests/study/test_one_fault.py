"""One slip is one fault: nothing follows from it that nobody wrote."""

import copy
import tomllib

import pytest
import tomli_w

from doseopt import BOIN, BOIN12, Keyboard, load_study
from doseopt.core.parameters import Faults
from doseopt.study.file import BUNDLED, parse_study
from doseopt.study.statements import from_file, from_options, statements

STUDY = tomllib.loads((BUNDLED / "renji-elo.toml").read_text(encoding="utf-8"))


def faults(document):
    with pytest.raises(Faults) as caught:
        parse_study(tomli_w.dumps(document), "study.toml")
    return [str(fault) for fault in caught.value.faults]


def slipped(*path):
    """The study with the last key of a path misspelt: its last letter but one left out."""
    document = copy.deepcopy(STUDY)
    *inner, last = path
    place = document
    for name in inner:
        place = place[name]
    place[last[:-2] + last[-1]] = place.pop(last)
    return document


@pytest.mark.parametrize("target", [25, "0.25", None])
def test_nothing_is_judged_against_a_target_that_nobody_wrote(target):
    document = copy.deepcopy(STUDY) | {"target": target}
    document["mtd"]["also"] = [{"name": "a", "rule": "interval", "low": 0.26, "high": 0.3}]
    document["mtd"]["none_above"] = 0.2
    document["designs"]["CRM 13"]["cohort"] = 0
    if target is None:
        del document["target"]
    first, *others = faults(document)
    assert first.startswith("target: ")
    assert [fault.split(":")[0] for fault in others] == ['designs."CRM 13".cohort']  # wrong at any target


@pytest.mark.parametrize("target", [-0.25, 25])
@pytest.mark.parametrize("kind", [BOIN, BOIN12, Keyboard])
def test_a_design_of_a_wrong_target_has_no_other_fault(kind, target):
    with pytest.raises(Faults) as caught:
        kind(doses=3, target=target)
    assert [fault.where for fault in caught.value.faults] == ["target"]


@pytest.mark.parametrize(
    "path",
    [
        *(("title",), ("target",), ("doses",), ("designs",), ("clock",), ("populations",)),
        *(("doses", "values"), ("doses", "unit"), ("clock", "start"), ("silences", "dlt_window")),
        *(("mtd", "also", 1, "target"), ("mtd", "also", 2, "rule"), ("mtd", "also", 0, "name")),
        *(("eligibility", "include", 0, "unit"), ("designs", "CRM 13", "kind"), ("designs", "CRM 13", "modifiers")),
        *(("posterior", "reference_dose"), ("amendment", "registered"), ("amendment", "criteria", "maximise")),
    ],
    ids=lambda path: ".".join(map(str, path)),
)
def test_a_misspelt_key_is_not_missing_too(path):
    (found,) = faults(slipped(*path))
    assert f"unknown key; did you mean {path[-1]!r}?" in found


@pytest.mark.parametrize(
    ("place", "table", "where"),
    [
        ((), {"window_events": {"deth": {"probability": 0.1, "reading": "replace"}}}, "window_events.deth"),
        ((), {"window_events": {"death": 3}}, "window_events.death"),
        (("designs", "CRM 13"), {"names": {"at_lest": 6}}, 'designs."CRM 13".names.at_lest'),
        (("scenarios",), {"drawn": {"generatr": "paoletti", "count": 9, "seed": 1}}, "scenarios.drawn.generatr"),
    ],
)
def test_nothing_follows_from_a_slip_in_a_table(place, table, where):
    document = copy.deepcopy({name: value for name, value in STUDY.items() if name != "silences"})
    inside = document
    for name in place:
        inside = inside[name]
    inside |= table
    (found,) = faults(document)
    assert found.startswith(f"{where}: ")


def test_a_statement_without_its_colon_has_no_wrong_dose():
    with pytest.raises(Faults) as caught:
        statements(from_options(["0.15 0.002 0.02", "1.5: 0.05 0.2 0.5"]), load_study().doses, 2, between=True)
    assert [str(fault) for fault in caught.value.faults] == [
        '--quantiles 1: wanted "DOSE: LOWER MEDIAN UPPER", as "0.5: 0.02 0.08 0.25", got 0.15 0.002 0.02'
    ]


@pytest.mark.parametrize("slip", ["quantiles", "median"])
def test_a_misspelt_key_of_a_file_of_statements_is_not_missing_too(slip):
    text = '[[quantiles]]\ndose = "0.15"\nlower = 0.1\nmedian = 0.2\nupper = 0.3\n'
    with pytest.raises(Faults) as caught:
        from_file(text.replace(slip, slip[:-2] + slip[-1]), "stated.toml")
    (found,) = caught.value.faults
    assert f"did you mean {slip!r}?" in found.message
