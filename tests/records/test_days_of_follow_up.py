"""Days of follow-up in place of dates: in a column, and in outcome strings; the digest, and when to ask again."""

import pytest
from records.in_window import DOSES, HEADER, WINDOW, faults, read, status

from doseopt.core.parameters import Faults
from doseopt.records.trial import Trial
from doseopt.records.window import Window


@pytest.mark.parametrize(
    ("row", "wanted"),
    [
        ("A,1,,14,", "?14"),
        ("A,1,NA,0,", "?0"),
        ("A,1,,28,", "N28"),
        ("A,1,0,60,", "N28"),
        ("A,1,1,5,", "T"),
        ("A,1,1,60,", "T"),  # followed on after the DLT
        ("A,1,0,,", "N"),  # as the data say
        ("A,1,,,", "?"),  # for how long is not known
        ("A,1,,7,withdrew", "-7"),
        ("A,1,0,28,withdrew", "N28"),  # the last day was seen
        ("A,1,,28,died", "-28"),
        ("A,1,,29,died", "N28"),
    ],
)
def test_days_of_follow_up_in_place_of_dates(tmp_path, row, wanted):
    readings, header = {"dropout": "replace", "death": "replace"}, "patient,dose_level,dlt,followup,left_reason"
    window = Window(28, readings)
    assert status(read(tmp_path, row, header=header, window=window)) == [wanted]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("A,1,0,14,", "is open, got '0': the patient has been followed for 14"),
        ("A,1,,-1,", "followup: wanted days of follow-up, 0 or more"),
        ("A,1,,x,", "followup: wanted days of follow-up, 0 or more"),
        ("A,1,,,died", "followup: wanted the day on which the patient left"),
    ],
)
def test_days_of_follow_up_that_contradict_something(tmp_path, row, said):
    assert said in faults(tmp_path, row, header="patient,dose_level,dlt,followup,left_reason")[0]


def test_a_string_holds_days_of_follow_up():
    data = Trial.from_outcomes("1NNN 2N?14?", DOSES, WINDOW)
    assert [p.followed for p in data.pending] == [14, None]
    assert data.provenance()["pending"] == "5 (14 of 28 days), 6 (follow-up not known)"
    with pytest.raises(Faults, match=r"cohort 2: patient 6 is pending, and for how long is not known"):
        data.shares()
    known = Trial.from_outcomes("1NNN 2N?14?7.", DOSES, WINDOW).shares()
    assert known.dose.tolist() == [[1, 1]]
    assert known.share.tolist() == [[0.5, 0.25]]
    assert Trial.from_outcomes("1N?", DOSES).pending[0].followed is None


@pytest.mark.parametrize(
    ("outcomes", "window", "said"),
    [
        ("1N?14", None, "--window DAYS"),
        ("1N?28", WINDOW, "wanted less than the 28 days"),
        ("1N?1.5.5", WINDOW, "N, T, M"),
    ],
)
def test_days_in_a_string_that_say_nothing(outcomes, window, said):
    with pytest.raises(Faults) as caught:
        Trial.from_outcomes(outcomes, DOSES, window)
    assert said in str(caught.value)


def test_when_to_ask_again(tmp_path):
    data = read(tmp_path, "A,1,2024-03-01,,,,", "B,1,2024-03-01,,,,", "C,1,2024-03-05,,,,", cutoff="2024-03-11")
    assert data.ask_again == (("A", "B"), 18, "2024-03-29")
    assert Trial.from_outcomes("1?2?3.5", DOSES, WINDOW).ask_again == (("2",), 25, None)
    assert Trial.from_outcomes("1NN?", DOSES, WINDOW).ask_again is None


def test_the_digest_is_of_the_days_too(tmp_path):
    one, other = (Trial.from_outcomes(text, DOSES, WINDOW).digest for text in ("1N?14", "1N?15"))
    assert one != other
    rows = ("1,1,0,28,", "2,1,,14,")
    assert read(tmp_path, *rows, header="patient,dose_level,dlt,followup,cohort").digest != other
    stated = ("1,1,0,28,1", "2,1,,14,1")
    assert read(tmp_path, *stated, header="patient,dose_level,dlt,followup,cohort").digest == one
    dated = ("1,1,2024-01-01,,,,,1", "2,1,2024-03-01,,,,,1")
    assert read(tmp_path, *dated, header=f"{HEADER},cohort", cutoff="2024-03-15").digest == one
