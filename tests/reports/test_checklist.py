"""The checklist is what the sections say they answer, and what the investigators have stated; the rest is theirs."""

import types

import pytest

from doseopt.reports.amendment import SECTIONS
from doseopt.reports.sections.checklist import answered, checklist
from doseopt.reports.sections.guidelines import ITEMS
from doseopt.reports.sections.section import Section
from doseopt.study.amendment import STATEMENTS

THEIRS = "not answered: for the investigators"
MADE = (
    Section("Numbers", list, answers=("doses", "changes")),
    Section(
        "Words", list, answers=("doses",), stated={"changes": ("reason",), "dlt": ("dlt_definition", "dlt_window")}
    ),
)


@pytest.mark.parametrize(
    ("item", "stated", "wanted"),
    [
        ("eligibility", (), THEIRS),
        ("doses", (), "Numbers; Words"),
        ("changes", (), f"Numbers; in part {THEIRS}"),
        ("changes", ("reason",), "Numbers; Words"),
        # a section that could only print a statement answers nothing without it
        ("dlt", (), THEIRS),
        ("dlt", ("dlt_window",), f"Words; in part {THEIRS}"),
        ("dlt", ("dlt_definition", "dlt_window"), "Words"),
        ("dlt", ("reason",), THEIRS),
    ],
)
def test_where_an_item_is_answered(item, stated, wanted):
    assert answered(item, MADE, stated) == wanted


def test_every_item_has_a_row_and_an_empty_statement_is_none():
    dossier = types.SimpleNamespace(proposal=types.SimpleNamespace(statements={"reason": "", "dlt_window": "28 days"}))
    _, table = checklist(MADE).build(dossier)
    assert [row[:2] for row in table.rows] == list(ITEMS.values())
    told = dict(zip(ITEMS, (row[2] for row in table.rows), strict=True))
    assert told["changes"] == f"Numbers; in part {THEIRS}"
    assert told["dlt"] == f"Words; in part {THEIRS}"


def test_an_item_or_a_statement_that_there_is_not_is_refused_with_the_nearest():
    with pytest.raises(ValueError, match="section 'A': no 'dose'; did you mean 'doses'"):
        Section("A", list, answers=("dose",))
    with pytest.raises(ValueError, match="section 'A': no 'dltt'; did you mean 'dlt'"):
        Section("A", list, stated={"dltt": ("dlt_window",)})
    with pytest.raises(ValueError, match="section 'A': no 'reasons'; did you mean 'reason'"):
        Section("A", list, stated={"changes": ("reasons",)})


def test_what_no_section_answers_is_what_only_investigators_can():
    """Known from the guidelines, not from the sections: nothing computed speaks of these."""
    everything = tuple(STATEMENTS)
    theirs = {item for item in ITEMS if answered(item, SECTIONS, everything) == THEIRS}
    wanted = {"communication", "rationale", "eligibility", "interruption", "committees", "discussion", "success"}
    wanted |= {"follow-up", "product"}
    assert theirs == wanted
