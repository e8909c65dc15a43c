import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doseopt.outcome_string import Cohort, format_outcomes, parse_outcomes
from doseopt.parameters import Faults

COHORTS = st.lists(st.builds(Cohort, st.integers(1, 12), st.text("NTM", min_size=1, max_size=9)), max_size=8)


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
    assert Cohort(1, letters).counts(3) == three


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
