"""Statements of a registered protocol in a study file: read, written, refused, and told by a report."""

import tomllib
from types import SimpleNamespace

import pytest
from small_study import SMALL

from doseopt import load_study
from doseopt.core.parameters import Faults
from doseopt.reports.sections.designs import _protocol
from doseopt.reports.sections.holds import _left_out
from doseopt.study.file import parse_study
from doseopt.study.protocol import Stated

SAID = """
[[amendment.protocol]]
says = "enrolment 6"
taken = "silence"
how = "a cap"
[[amendment.protocol]]
says = "three doses"
taken = "modelled"
[[amendment.protocol]]
says = "survival"
taken = "not_modelled"
how = "only DLTs decide"
"""


@pytest.fixture(scope="module")
def study():
    return parse_study(SMALL + SAID)


def test_statements_are_read_and_written(study):
    assert study.proposal.protocol[:2] == (Stated("enrolment 6", "silence", "a cap"), Stated("three doses", "modelled"))
    assert study.to_dict()["amendment"]["protocol"] == tomllib.loads(SAID)["amendment"]["protocol"]
    assert "protocol" not in parse_study(SMALL).to_dict()["amendment"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (SAID.replace('"silence"', '"silent"'), r"amendment.protocol\[0\].taken: wanted one of .* got 'silent'"),
        (
            SAID.replace('says = "survival"\n', ""),
            r"amendment.protocol\[2\].says: missing; wanted what the protocol says",
        ),
        ('[amendment.protocol]\nsays = "one"', "amendment.protocol: wanted a list of tables"),
    ],
)
def test_faults_have_their_place(wrong, message):
    with pytest.raises(Faults, match=message):
        parse_study(SMALL + wrong)


def test_a_report_lists_them_and_says_what_is_left_out(study):
    dossier = SimpleNamespace(proposal=study.proposal)
    (table,) = _protocol(dossier)
    assert table.rows[0] == ("enrolment 6", "read as a silence", "a cap")
    assert table.rows[2] == ("survival", "not modelled", "only DLTs decide")
    assert _left_out(dossier) == [
        "The registered protocol: of 3 statements 1 modelled, 1 read as a silence and 1 not modelled; 'The registered "
        "design, rule by rule' lists them. Not in these numbers: survival."
    ]
    none = SimpleNamespace(proposal=parse_study(SMALL).proposal)
    assert _protocol(none) == _left_out(none) == []


def test_the_bundled_protocol_names_what_decides():
    """Each row of the facts that the study was made from, in one of three ways."""
    said = load_study("renji-elo").proposal.protocol
    each = {
        taken: " ".join(one.says for one in said if one.taken == taken)
        for taken in ("modelled", "silence", "not_modelled")
    }
    for word in (
        "0.15, 0.5, 1.5 and 4.5",
        "up to 20%",
        "titration",
        "3+3",
        "at least 6 subjects",
        "replaced",
        "31 December",
    ):
        assert word in each["modelled"]
    for word in ("enrolment 10", "observation period", "target", "acute-on-chronic"):
        assert word in each["silence"]
    for word in ("intermediate doses", "visits", "age 18 to 65", "MELD", "anti-HLA", "28 February 2026"):
        assert word in each["not_modelled"]
    assert all(one.how for one in said)
