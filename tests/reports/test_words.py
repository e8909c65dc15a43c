"""How a report says numbers: rounded to what is printed, without a minus before nothing, singular where it is one."""

import types

import numpy as np
import pytest

from doseopt.core.cohort import parse_outcomes
from doseopt.core.text import counted
from doseopt.display.numbers import bare, decimal, percent, points, rates, typeset, with_interval
from doseopt.reports.sections.words import followed_up, so_far


@pytest.mark.parametrize(
    ("say", "value", "wanted"),
    [
        (percent, 0.5612, "56.1%"),
        (percent, 0.0004, "0.0%"),
        (percent, -0.0004, "0.0%"),
        (percent, 1.0, "100.0%"),
        (percent, np.nan, "–"),
        (bare, 0.5612, "56.1"),
        (bare, -0.0004, "0.0"),
        (bare, np.nan, "–"),
        (points, 0.4381, "+43.8"),
        (points, -0.4381, "-43.8"),
        (points, -0.0004, "+0.0"),
        (points, 0.0004, "+0.0"),
        (points, -0.0006, "-0.1"),
        (points, np.nan, "–"),
        (decimal, 2.04, "2.0"),
        (decimal, -0.04, "0.0"),
        (decimal, -0.06, "-0.1"),
        (decimal, np.nan, "–"),
    ],
)
def test_numbers_are_rounded_and_never_a_negative_nothing(say, value, wanted):
    assert say(value) == wanted


def test_digits_are_those_asked_for():
    assert percent(0.056123, 2) == "5.61%"
    assert percent(0.95, 0) == "95%"
    assert decimal(0.12345, 3) == "0.123"


def test_one_is_singular_and_none_is_not():
    assert [counted(n, "DLT") for n in (0, 1, 2)] == ["0 DLTs", "1 DLT", "2 DLTs"]


def test_dlt_rates_in_words():
    assert rates(np.array([0.05, 0.095, 0.14, 0.2444])) == "5%, 9.5%, 14% and 24.4%"
    assert rates(np.array([0.3])) == "30%"


def test_powers_of_ten_as_print_has_them():
    assert typeset("4.5 x10^9 cells and x10^-3") == "4.5 ×10⁹ cells and ×10⁻³"


@pytest.mark.parametrize(
    ("outcomes", "wanted"),
    [
        ("", "before the first patient"),
        ("1N", "after 0 DLTs in 1 patient (1N)"),
        ("1N 2NMT", "after 1 DLT in 4 patients (1N 2NMT)"),
        ("1T 1NTT", "after 3 DLTs in 4 patients (1T 1NTT)"),
    ],
)
def test_what_was_seen_so_far(outcomes, wanted):
    dossier = types.SimpleNamespace(cohorts=parse_outcomes(outcomes, 3) if outcomes else (), outcomes=outcomes)
    assert so_far(dossier) == wanted


def test_a_rate_with_its_interval():
    assert with_interval(0.1543, 0.0189, 0.41249) == "15.4 (1.9 to 41.2)"


def test_designs_that_an_amendment_does_not_show_are_named():
    assert followed_up({"not_asked": ""}) == []
    (said,) = followed_up({"not_asked": "BOIN12, ATD by grade"})
    assert said.text == "Without the designs that look at moderate toxicity or efficacy, too: BOIN12, ATD by grade."
