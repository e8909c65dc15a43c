import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doseopt.core.cohort import Cohort, format_outcomes, parse_outcomes
from doseopt.core.outcome_space import GRADED
from doseopt.core.parameters import Faults

COHORT = st.builds(Cohort, st.integers(1, 12), st.text("NTM", min_size=1, max_size=9), st.booleans())
COHORTS = st.lists(COHORT, max_size=8)


@settings(deadline=None, derandomize=True, max_examples=100)
@given(COHORTS)
def test_cohorts_survive_writing_and_reading(cohorts):
    assert parse_outcomes(format_outcomes(tuple(cohorts))) == tuple(cohorts)


def test_case_and_spacing_do_not_matter():
    assert parse_outcomes("  1n\t2nNt\n10m ") == (Cohort(1, "N"), Cohort(2, "NNT"), Cohort(10, "M"))


def test_no_outcomes_are_no_cohorts():
    assert parse_outcomes("") == parse_outcomes("  ") == ()
    assert format_outcomes(()) == ""


@pytest.mark.parametrize(
    ("letters", "two", "three"),
    [
        ("N", (0, 1), (0, 0, 1)),
        ("T", (1, 0), (1, 0, 0)),
        ("NMT", (1, 2), (1, 1, 1)),
        ("MMN", (0, 3), (0, 2, 1)),
    ],
)
def test_outcomes_are_counted_by_category(letters, two, three):
    assert Cohort(1, letters).counts() == two
    assert Cohort(1, letters).counts(GRADED) == three


def test_all_faults_come_together_each_with_its_place():
    with pytest.raises(Faults) as caught:
        parse_outcomes("1NNN 2NX NNN 3 0N 5NN 2NNT", doses=4)
    assert [f.where for f in caught.value.faults] == [
        "cohort 2 ('2NX')",
        "cohort 3 ('NNN')",
        "cohort 4 ('3')",
        "cohort 5 ('0N')",
        "cohort 6 ('5NN')",
    ]
    text = str(caught.value)
    assert text.startswith("outcomes '1NNN 2NX NNN 3 0N 5NN 2NNT': 5 faults")
    assert "wanted a dose level and one of N, T, M for each patient, as in '2NNT'" in text
    assert "wanted a dose level of 1 to 4, got 5" in text


def test_any_level_is_read_where_the_doses_are_not_known():
    assert parse_outcomes("17N") == (Cohort(17, "N"),)
    with pytest.raises(Faults, match="wanted a dose level of 1 or more, got 0"):
        parse_outcomes("0N")


def test_a_full_stop_says_that_a_cohort_was_closed_early():
    assert parse_outcomes("1N 2nn. 2T") == (Cohort(1, "N"), Cohort(2, "NN", closed=True), Cohort(2, "T"))
    for text in ("2.", ".", "2NN..", "2N.N", "2NN .", "2NN,"):
        with pytest.raises(Faults, match=r"'2NN\.' where it was closed early"):
            parse_outcomes(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("9" * 5000 + "N", "wanted a dose level of 1 to 4, got a number of 5000 digits"),
        ("10005N", "wanted a dose level of 1 to 4, got 10005"),
        ("٣N", "wanted a dose level and one of N, T, M"),
        ("1" + "N" * 1_000_000, "wanted at most 10000 letters, got 1000001"),
        ("1N " * 300_000, "wanted at most 10000 letters, got 900000"),
        ("x" * 9_999, "wanted a dose level and one of N, T, M"),
        ("2\u202eN\x1b[31m", "wanted a dose level and one of N, T, M"),
        ("q " * 4_999, "and 4,899 more"),
    ],
    ids=["huge level", "high level", "other figures", "many letters", "many cohorts", "one word", "controls", "faults"],
)
def test_what_is_extreme_or_hostile_is_refused_in_bounded_words(text, message):
    with pytest.raises(Faults) as caught:
        parse_outcomes(text, doses=4)
    said = str(caught.value)
    assert message in said
    assert len(said) < 100 * 200
    assert all(line.isprintable() for line in said.split("\n"))


def test_leading_noughts_mean_nothing():
    assert parse_outcomes("0002N 03T", doses=4) == (Cohort(2, "N"), Cohort(3, "T"))
    with pytest.raises(Faults, match="wanted a dose level of 1 to 999, got 1000"):
        parse_outcomes("1000N")
