"""The checklist is what the sections say they answer, and what the investigators have stated; the rest is theirs."""

import types

import pytest

from doseopt import Accrual, Clock
from doseopt.reports.amendment import SECTIONS
from doseopt.reports.render.document import Gap, Paragraph
from doseopt.reports.sections.checklist import answered, checklist
from doseopt.reports.sections.guidelines import ITEMS
from doseopt.reports.sections.section import Section
from doseopt.reports.sections.words import statement
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


def dossier_of(statements, clock=None):
    study = types.SimpleNamespace(clock=clock)
    return types.SimpleNamespace(study=study, proposal=types.SimpleNamespace(statements=statements))


def test_the_window_of_the_clock_stands_where_investigators_say_nothing_else_of_it():
    clock = Clock(21, Accrual(per_month=2))
    assert statement(dossier_of({}), "dlt_window") == Gap("the DLT observation period.")
    said = "The DLT observation period: 21 days, by the clock of the study file."
    assert statement(dossier_of({}, clock), "dlt_window") == Paragraph(said)
    own = statement(dossier_of({"dlt_window": "Three weeks."}, clock), "dlt_window")
    assert own == Paragraph("The DLT observation period: Three weeks.")
    table = checklist(MADE).build(dossier_of({}, clock))[1]
    assert dict(zip(ITEMS, table.rows, strict=True))["dlt"][2] == f"Words; in part {THEIRS}"


def test_every_item_has_a_row_and_an_empty_statement_is_none():
    dossier = dossier_of({"reason": "", "dlt_window": "28 days"})
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
