import pytest

from doseopt.tabular.cells import Cells, ctcae_grade, number, yes_or_no
from doseopt.tabular.text import Row

FORMS = (
    "{}",
    "{}.0",
    "{},0",
    "{}.00",
    "0{}",
    "G{}",
    "g{}",
    "G {}",
    "G-{}",
    "Grade {}",
    "GRADE {}",
    "grade{}",
    "Grade-{}",
)
FORMS += ("Grade: {}", "gr. {}", "Gr {}", "Grad {}", "CTCAE {}", "CTCAE grade {}", "CTC {}", "NCI-CTCAE G{}", "{}级")
FORMS += ("CTCAE v5.0 grade {}", "CTCAE 4.03 G{}", "CTCAE v5, grade {}")


@pytest.mark.parametrize("form", FORMS)
def test_a_grade_is_read_in_every_usual_spelling(form):
    for grade in range(6):
        assert ctcae_grade(form.format(grade)) == grade
        assert ctcae_grade(form.format(grade).upper()) == grade


@pytest.mark.parametrize("form", ["{}", "G{}", "Grade {}", "grade {}", "CTCAE {}", "{}度"])
def test_a_roman_grade_is_read(form):
    for grade, numeral in enumerate(["I", "II", "III", "IV", "V"], 1):
        assert ctcae_grade(form.format(numeral)) == ctcae_grade(form.format(numeral.lower())) == grade
    assert [ctcae_grade(form.format(numeral)) for numeral in ("IIII", "VI", "IIV", "X", "0I")] == [None] * 5


def test_full_width_figures_are_figures():
    assert (ctcae_grade("３"), ctcae_grade("Ⅲ")) == (3, 3)


@pytest.mark.parametrize(
    "text",
    ["6", "-1", "2.5", "moderate", "10", "33", "1-2", "2/3", "2 or 3", ">2", "3+", "G", "grade", "G6", "Grade -1"],
)
def test_what_is_no_grade_is_none(text):
    assert ctcae_grade(text) is None


@pytest.mark.parametrize(
    "text",
    ["CTCAE 5.0", "CTCAE v5", "CTCAE v5.0", "v5.0", "3 4", "G3 G4", "II III", "1e0", "none", "yes", "3" * 100, "3\n4"],
)
def test_what_only_looks_like_a_grade_is_none(text):
    assert ctcae_grade(text) is None


def test_yes_and_no_in_words_figures_and_floats():
    assert all(yes_or_no(t) is True for t in ("1", "1.0", "1,0", "yes", "Y", "TRUE", "t", "WAHR", "vrai", "Ja"))
    assert all(yes_or_no(t) is False for t in ("0", "0.0", "0,00", "no", "N", "False", "FALSCH", "faux"))
    assert all(yes_or_no(t) is None for t in ("", "2", "1.5", "10", "none", "x", "1.", "-1", "NA"))


@pytest.mark.parametrize(
    ("text", "value"),
    [("0.15", 0.15), ("0,15", 0.15), ("1,5E+08", 1.5e8), ("2.", 2), (".5", 0.5), (",5", 0.5), ("+3", 3), ("-3", -3)],
)
def test_a_number_may_have_a_decimal_comma(text, value):
    assert number(text) == number(text, decimal_comma=True) == value


def test_a_comma_that_may_stand_for_thousands_is_a_decimal_comma_only_where_commas_are():
    assert number("1,500") is None
    assert number("1,500", decimal_comma=True) == 1.5
    assert number("0,150") == 0.15


@pytest.mark.parametrize(
    "text",
    ["", "x", "1_000", "1 000", "1.000,5", "1,000.5", "1,000,000", "inf", "nan", "1e999", "0x1", "٣", "9" * 5000],
)
def test_what_is_no_plain_number_is_none(text):
    assert number(text) is None
    assert number(text, decimal_comma=True) is None


@pytest.mark.parametrize("text", ["a\x1b[31m", "a\nb", "\u202e101", "a\u200bb", "x" * 61, "\x85", "a\tb"])
def test_a_name_that_cannot_be_printed_is_a_fault_that_can(text):
    cells = Cells(Row("line 2", {"patient": text}), decimal_comma=False)
    name = cells.text("patient")
    (fault,) = cells.faults
    for shown in (name, str(fault)):
        assert shown.isprintable()
        assert len(shown) < 200


def test_blanks_of_any_width_are_blanks():
    cells = Cells(Row("line 2", {"patient": "A\u00a01\u30002"}), decimal_comma=False)
    assert cells.text("patient") == "A 1 2"
    assert not cells.faults
