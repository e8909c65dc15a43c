"""Cards of a notebook: every rule of a design, every design of a study, and nothing that a text could smuggle in."""

from html import escape

import pytest

import doseopt
from doseopt.display.card import card


@pytest.mark.parametrize("study", ["renji-elo", "library"])
def test_a_design_is_shown_with_every_rule(study):
    for design in doseopt.load_study(study).designs.values():
        shown = design._repr_html_()
        for row in design.describe():
            assert escape(row.rule) in shown
            assert escape(row.reading) in shown


def test_a_study_is_shown_with_its_designs_doses_and_hash():
    study = doseopt.load_study("renji-elo")
    shown = study._repr_html_()
    for said in (*study.designs, *study.doses.labels, *study.scenario_specs, study.hash, study.title):
        assert escape(said) in shown


def test_what_a_card_says_is_text():
    shown = card("<script>", ["\x1b[31m"], [["<img src=x onerror=alert(1)>"]])
    assert "<script>" not in shown
    assert "<img" not in shown
    assert "\x1b" not in shown
