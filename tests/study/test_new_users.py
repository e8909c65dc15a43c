"""What new users write: rules as keys of a design, doses without labels; and doses that no source states."""

import pytest

from doseopt.comparison.compare import compare
from doseopt.core.parameters import Faults
from doseopt.reports.sections.comparison import comparison_document
from doseopt.reports.sections.overview import overview_document
from doseopt.study.file import parse_study

STUDY = """
title = "new"
target = 0.3
[doses]
values = [1, 2.5]
unit = "mg"
[scenarios]
a = [0.1, 0.3]
[designs.it]
kind = "boin"
modifiers = [{ kind = "max_patients", n = 6 }]
"""


def faults(text):
    with pytest.raises(Faults) as found:
        parse_study(text)
    return [str(fault) for fault in found.value.faults]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("max_patients = 36", 'max_patients is a modifier, e.g. modifiers = [{ kind = "max_patients", n = 36 }]'),
        ("sample_size = 36", 'max_patients is a modifier, e.g. modifiers = [{ kind = "max_patients", n = 36 }]'),
        ("no_skipping = true", 'no_skipping is a modifier, e.g. modifiers = [{ kind = "no_skipping" }]'),
        (
            "too_toxic = { confidence = 0.9 }",
            'too_toxic is a modifier, e.g. modifiers = [{ kind = "too_toxic", confidence = 0.9 }]',
        ),
        ("cohort_size = 3", "did you mean 'cohort'?"),
    ],
)
def test_a_rule_used_as_a_key_is_answered_with_how_it_is_written(line, message):
    name = line.split(" ")[0]
    assert faults(f"{STUDY}{line}\n") == [f"designs.it.{name}: unknown key; {message}"]


@pytest.mark.parametrize(
    ("rule", "example"),
    [('kind = "expansion", n = 6', "expansion = { n = 6 }"), ('kind = "names"', "names = { at_least = 6 }")],
)
def test_a_key_of_the_design_used_as_a_rule_is_answered_with_where_it_belongs(rule, example):
    name = example.partition(" ")[0]
    (message,) = faults(STUDY.replace("n = 6 }]", f"n = 6 }}, {{ {rule} }}]"))
    said = f"{name} is no modifier; it stands in the design's table: {example}"
    assert message == f"designs.it.modifiers[1].kind: {said}"
    assert parse_study(f"{STUDY}{example}\n").designs


def test_designs_as_an_array_of_tables_are_answered_with_the_form_that_is_wanted():
    (message,) = faults(STUDY.replace("[designs.it]", '[[designs]]\nname = "it"'))
    wanted = "wanted a table for each, its name in the header, not [[designs]] with name = ...:"
    assert message == f'designs: {wanted} [designs."it"] with kind = "boin"'


def test_every_modifier_used_as_a_key_has_an_example_that_is_read():
    from doseopt.designs.modifiers import MODIFIERS

    for kind in MODIFIERS.keys() - {"below_lowest", "run_in", "cohorts_by_dose", "titrate"}:
        (message,) = faults(f"{STUDY}{kind} = true\n")
        example = message.partition("e.g. modifiers = [")[2].removesuffix("]")
        also = "" if kind == "max_patients" else f", {example}"
        text = STUDY.replace("n = 6 }]", f"n = 6 }}{also}]")
        assert parse_study(text).designs, kind


def test_a_design_that_sets_its_cohorts_says_so():
    three = STUDY.replace('"boin"', '"three_plus_three"')
    (message,) = faults(f"{three}cohort_size = 3\n")
    assert message.endswith("three_plus_three sets the size of its cohorts itself; leave it out")


def test_doses_without_labels_are_called_by_their_values():
    study = parse_study(STUDY)
    assert study.doses.labels == ("1", "2.5")
    assert parse_study(study.to_toml()) == study
    named = parse_study(STUDY.replace("values =", 'labels = ["1", "2.5"]\nvalues ='))
    assert named.hash == study.hash


def test_values_beside_labels_that_are_not_known_are_not_counted_against_none():
    written = 'title = "t"\ntarget = 0.3\n[doses]\nlables = ["a", "b"]\nvalues = [3, 2]\nunit = "mg"\n'
    with pytest.raises(Faults) as refused:
        parse_study(written + '[designs.B]\nkind = "boin"\n')
    said = [str(fault) for fault in refused.value.faults]
    assert any("did you mean 'labels'?" in one for one in said)
    assert any("wanted increasing numbers" in one for one in said)
    assert not any("one a label" in one for one in said)


def test_doses_with_neither_are_a_fault():
    text = STUDY.replace('values = [1, 2.5]\nunit = "mg"', "")
    assert "doses.labels: missing; wanted a list of names, one a dose, or values and their unit" in faults(text)


def test_assumed_doses_are_marked_on_every_page():
    text = STUDY.replace('unit = "mg"', 'unit = "mg"\nassumed = ["2.5"]')
    assert parse_study(parse_study(text).to_toml()).doses.assumed == ("2.5",)
    found = compare(parse_study(text))
    for page in (overview_document, comparison_document):
        facts = page(found).facts
        assert facts["Doses"] == "1, 2.5 mg; assumed: 2.5"
        assert "assumed: 2.5" in facts["Made by"]
    assert "assumed_doses" not in compare(parse_study(STUDY)).attrs


def test_an_assumed_dose_is_one_of_the_study():
    text = STUDY.replace('unit = "mg"', 'unit = "mg"\nassumed = ["3"]')
    assert faults(text) == ["doses.assumed: no dose '3'; known: 1, 2.5"]


@pytest.mark.parametrize("wrong", ["3", '"1"', "[{ a = 1 }]", "[1]", "true"])
def test_what_is_no_list_of_labels_is_a_fault_with_its_place(wrong):
    text = STUDY.replace('unit = "mg"', f'unit = "mg"\nassumed = {wrong}')
    assert [fault.partition(":")[0] for fault in faults(text)] == ["doses.assumed"]
