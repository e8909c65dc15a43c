"""Status of subjects in the DLT window at a cut-off, and the trial so far that follows."""

import datetime
from dataclasses import replace

import pytest
from records.record_files import DOSES, WINDOW, write

from doseopt import Faults, Trial
from doseopt.records.record import read_record
from doseopt.records.status import hold_to, statuses, trial_of, unread
from doseopt.records.window import Window

READ = Window(28, {"transplantation": "replace"})


@pytest.fixture
def record(tmp_path):
    return read_record(write(tmp_path), DOSES, WINDOW)


def read(record, cutoff=None, **readings):
    """Return a record at a cut-off, of a study with such readings."""
    at = record if cutoff is None else record.until(datetime.date.fromisoformat(cutoff))
    return replace(at, window=Window(28, readings))


def seen(record, cutoff=None, **readings):
    return {p.name: (p.dlt, p.evaluable, p.followed) for p in statuses(read(record, cutoff, **readings))}


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
    "evaluable as the data say": ("Y,,2024-04-30,", "", True),
    "not evaluable as the data say": ("N,,,", "EVALFL = N", False),
}
"""EVALFL, DTHDT, TRANSDT and EOSDT of S-3, who was treated on 12 April."""


@pytest.mark.parametrize("case", CASES)
def test_who_left_the_window(tmp_path, case):
    cells, reason, evaluable = CASES[case]
    record = read_record(write(tmp_path, adsl=("M,CLF,,,2024-04-30,,,2", f"M,CLF,{cells},,2")), DOSES, WINDOW)
    status = statuses(record)[2]
    assert (status.reason, status.evaluable, status.dlt) == (reason, evaluable, False)
    assert list(unread(record)) == (["S-3"] if " on day " in reason else [])


def test_a_death_that_is_read_as_no_dlt_is_no_contradiction(tmp_path):
    dead = {"adsl": ("M,CLF,,,2024-04-30,,,2", "M,CLF,,2024-04-30,,,,2"), "adae": (",4,Y", ",5,Y")}
    record = read_record(write(tmp_path, **dead), DOSES, WINDOW)
    trial = trial_of(read(record, death="complete"))
    assert [counts.tolist() for counts in trial.tally()] == [[1, 3, 0], [0, 1, 0]]
    assert "3 (death on day 18)" in trial.warnings[-1]


def test_the_trial_so_far_is_that_of_its_outcome_string(record):
    """In cohorts as COHORT says them: 1N, then T and N beside one who is replaced, then one who is pending."""
    trial = trial_of(read(record, transplantation="replace"))
    assert [counts.tolist() for counts in trial.tally()] == [[1, 2, 0], [0, 1, 0]]
    assert [p.name for p in trial.pending] == ["5"]
    assert trial.left_out == ("3 (cannot be evaluated: transplantation on day 18)",)
    assert (trial.cutoff, trial.window.days) == (record.last, 28)
    assert [(p.followed, p.left) for p in trial.patients] == [
        *[(28, ""), (10, ""), (18, "transplantation"), (28, ""), (0, "")]
    ]
    assert trial.ask_again == (("5",), 28, "2024-06-17")
    hold_to(trial_of(read(record, "2024-05-13", transplantation="replace")), Trial.from_outcomes("1N 2TN", DOSES))


def asked(record):
    with pytest.raises(Faults) as caught:
        trial_of(record)
    return [str(fault) for fault in caught.value.faults]


def test_an_event_that_the_study_does_not_read_is_asked_for(record):
    (fault,) = asked(record)
    assert fault.startswith(
        "adsl.csv, line 4: patient S-3 left the DLT window without a DLT (transplantation on day 18), and how that "
        "counts is not stated; wanted [window_events] transplantation = { probability = P, reading = R } in the study"
    )
    assert fault.endswith("or, for this patient alone, EVALFL = Y or N in adsl.csv, or DLTFL = Y in adae.csv")


def test_an_event_of_which_a_share_is_a_dlt_is_asked_for(record, tmp_path):
    window = Window(28, {"transplantation": "replace"}, ("transplantation",))
    (fault,) = asked(replace(record, window=window))
    assert fault == (
        "adsl.csv, line 4: patient S-3 left the DLT window without a DLT (transplantation on day 18), and the study "
        "calls a share of such events DLTs: was this one?"
    )
    said = read_record(write(tmp_path, adsl=("M,CLF,,,2024-04-30,,,2", "M,CLF,Y,,2024-04-30,,,2")), DOSES, window)
    assert [counts.tolist() for counts in trial_of(said).tally()] == [[1, 3, 0], [0, 1, 0]]


def test_cohorts_stand_together(tmp_path):
    parted = read_record(write(tmp_path, adsl=("ACLF,,,,,,3", "ACLF,,,,,,2")), DOSES, READ)
    assert trial_of(parted).cohorts is not None
    parted = read_record(write(tmp_path, adsl=("F,CLF,,,,,,2", "F,CLF,,,,,,4")), DOSES, READ)
    assert trial_of(parted).cohorts is not None
    parted = read_record(write(tmp_path, adsl=("M,CLF,,,2024-04-30,,,2", "M,CLF,,,2024-04-30,,,4")), DOSES, READ)
    assert asked(parted) == [
        "adsl.csv, line 5: cohort '2' began in adsl.csv, line 3, and another came between; wanted its rows together"
    ]


def test_a_table_of_patients_with_the_same_dates_is_the_same_trial(record, tmp_path):
    """The tables of a record and a table of patients, at every cut-off of three months."""
    (tmp_path / "patients.csv").write_text(
        "patient,dose_level,treated,dlt_date,left,left_reason,actual_dose,cohort\n"
        "S-1,1,2024-03-01,,2024-04-30,withdrawn,0.15e9,1\nS-2,2,2024-04-10,2024-04-20,,,0.41e9,2\n"
        "S-3,2,2024-04-12,,2024-04-30,transplantation,,2\nS-4,2,2024-04-15,,,,,2\nS-5,2,2024-05-20,,,,,3\n",
        encoding="utf-8",
    )
    for days in range(0, 90, 3):
        cutoff = datetime.date(2024, 3, 1) + datetime.timedelta(days)
        mine = trial_of(replace(record.until(cutoff), window=READ))
        other = Trial.from_csv(tmp_path / "patients.csv", DOSES, READ, cutoff)
        assert [each.tolist() for each in mine.tally()] == [each.tolist() for each in other.tally()]
        assert mine.by_actual_dose()[0].tolist() == other.by_actual_dose()[0].tolist()
        assert mine.shares().share.tolist() == other.shares().share.tolist()
        assert (mine.ask_again or [0, 0])[1:] == (other.ask_again or [0, 0])[1:]
        columns = ("level", "dlt", "evaluable", "followed", "left", "treated", "reason")
        pairs = zip(mine.patients, other.patients, strict=True)
        assert all(getattr(a, name) == getattr(b, name) for a, b in pairs for name in columns)


def test_grades_and_actual_doses_come_with_it(record):
    first, second, *_ = statuses(record)
    assert (first.grade, second.grade, second.actual_dose) == (2, 3, 0.41e9)


def test_a_dlt_in_one_and_not_in_the_other_is_refused(record):
    trial = trial_of(read(record, "2024-05-13", transplantation="replace"))
    with pytest.raises(Faults) as caught:
        hold_to(trial, Trial.from_outcomes("1N 2NT 3N", DOSES))
    assert [str(fault) for fault in caught.value.faults] == [
        "wanted the 3 evaluable patients of the record, got 4",
        "patient 2: wanted what the record says, level 2, a DLT (adsl.csv, line 3), got level 2, no DLT",
        "patient 3: wanted what the record says, level 2, no DLT (adsl.csv, line 5), got level 2, a DLT",
    ]
