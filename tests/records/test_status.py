"""Status of subjects in the DLT window at a cut-off, and the trial so far that follows."""

import datetime

import pytest
from records.record_files import DOSES, WINDOW, write

from doseopt import Faults, Trial
from doseopt.records.record import read_record
from doseopt.records.status import hold_to, statuses, trial_of


@pytest.fixture
def record(tmp_path):
    return read_record(write(tmp_path), DOSES, WINDOW)


def seen(record, cutoff=None, **readings):
    at = record if cutoff is None else record.until(datetime.date.fromisoformat(cutoff))
    return {s.subject.name: (s.dlt, s.evaluable, s.followed) for s in statuses(at, readings)}


def test_at_the_last_date_of_the_data(record):
    """S-1 is through, S-2 had a DLT on day 10, S-3 was transplanted on day 18, S-4 is through, S-5 begins."""
    assert seen(record) == {
        "S-1": (False, True, 28),
        "S-2": (True, True, 10),
        "S-3": (False, False, 18),
        "S-4": (False, True, 28),
        "S-5": (None, True, 0),
    }


def test_at_an_earlier_cut_off(record):
    """On 19 April S-2 is on day 9, S-3 on 7, S-4 on 4: neither the DLT nor the transplantation is known."""
    assert seen(record, "2024-04-19") == {
        "S-1": (False, True, 28),
        "S-2": (None, True, 9),
        "S-3": (None, True, 7),
        "S-4": (None, True, 4),
    }


def test_the_day_itself_counts(record):
    assert seen(record, "2024-04-20")["S-2"] == (True, True, 10)
    assert seen(record, "2024-04-30")["S-3"] == (False, False, 18)
    assert seen(record, "2024-05-12")["S-4"] == (None, True, 27)
    assert seen(record, "2024-05-13")["S-4"] == (False, True, 28)


@pytest.mark.parametrize(
    ("reading", "wanted"),
    [
        ("dlt", (True, True, 18)),
        ("complete", (False, True, 18)),
        ("replace", (False, False, 18)),
        ("exclude", (False, False, 18)),
    ],
)
def test_a_transplantation_counts_as_the_study_reads_it(record, reading, wanted):
    assert seen(record, transplantation=reading)["S-3"] == wanted


CASES = {
    "death on the last day": (",2024-05-10,,", "death on day 28", False),
    "leaving on the last day": (",,,2024-05-10", "", True),
    "leaving the day before": (",,,2024-05-09", "dropout on day 27", False),
    "death on the day of transplantation": (",2024-04-30,2024-04-30,", "death on day 18", False),
    "transplantation before death": (",2024-05-02,2024-04-30,", "transplantation on day 18", False),
    "evaluable as the data say": ("Y,,2024-04-30,", "transplantation on day 18", True),
    "not evaluable as the data say": ("N,,,", "not evaluable (EVALFL = N)", False),
}
"""EVALFL, DTHDT, TRANSDT and EOSDT of S-3, who was treated on 12 April."""


@pytest.mark.parametrize("case", CASES)
def test_who_left_the_window(tmp_path, case):
    cells, reason, evaluable = CASES[case]
    record = read_record(write(tmp_path, adsl=("M,CLF,,,2024-04-30,,,2", f"M,CLF,{cells},,2")), DOSES, WINDOW)
    status = statuses(record)[2]
    assert (status.reason, status.evaluable, status.dlt) == (reason, evaluable, False)


def test_a_death_that_is_read_as_no_dlt_is_no_contradiction(tmp_path):
    dead = {"adsl": ("M,CLF,,,2024-04-30,,,2", "M,CLF,,2024-04-30,,,,2"), "adae": (",4,Y", ",5,Y")}
    record = read_record(write(tmp_path, **dead), DOSES, WINDOW)
    trial = trial_of(record, readings={"death": "complete"})
    assert [counts.tolist() for counts in trial.tally()] == [[1, 3, 0], [0, 1, 0]]
    assert "S-3 (death on day 18)" in trial.warnings[-1]


def test_the_trial_so_far_is_that_of_its_outcome_string(record):
    """In cohorts as COHORT says them: 1N, then T and N beside one who is replaced, then one who is pending."""
    trial = trial_of(record)
    assert [counts.tolist() for counts in trial.tally()] == [[1, 2, 0], [0, 1, 0]]
    assert [p.name for p in trial.pending] == ["S-5"]
    assert trial.left_out == ("S-3 (cannot be evaluated: transplantation on day 18)",)
    hold_to(trial_of(record.until(datetime.date(2024, 5, 13))), Trial.from_outcomes("1N 2TN", DOSES))


def test_grades_and_actual_doses_come_with_it(record):
    first, second, *_ = trial_of(record).patients
    assert (first.grade, second.grade, second.actual_dose) == (2, 3, 0.41e9)


def test_a_dlt_in_one_and_not_in_the_other_is_refused(record):
    trial = trial_of(record.until(datetime.date(2024, 5, 13)))
    with pytest.raises(Faults) as caught:
        hold_to(trial, Trial.from_outcomes("1N 2NT 3N", DOSES))
    assert [str(fault) for fault in caught.value.faults] == [
        "wanted the 3 evaluable patients of the record, got 4",
        "patient 2: wanted what the record says, level 2, a DLT (adsl.csv, line 3), got level 2, no DLT",
        "patient 3: wanted what the record says, level 2, no DLT (adsl.csv, line 5), got level 2, a DLT",
    ]
