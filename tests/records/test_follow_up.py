"""Patients in the DLT window at a cut-off: each status by hand, and what contradicts itself.

A window of 28 days; a patient treated on 1 March 2024 completes it on 29 March.
"""

import datetime

import pytest
from records.in_window import HEADER, WINDOW, faults, read, status

from doseopt.records.trial import LAST, Trial
from doseopt.records.window import Window
from doseopt.scenarios.doses import Doses


@pytest.mark.parametrize(
    ("cutoff", "wanted"),
    [
        ("2024-03-28", "?27"),  # day 27
        ("2024-03-29", "N28"),  # day 28: the window is over
        ("2024-05-01", "N28"),
        ("2024-03-01", "?0"),  # the day of treatment
    ],
)
def test_a_window_is_over_on_its_last_day(tmp_path, cutoff, wanted):
    assert status(read(tmp_path, "A,1,2024-03-01,,,,", cutoff=cutoff)) == [wanted]


@pytest.mark.parametrize("dlt", ["", "1"])
@pytest.mark.parametrize(
    ("cutoff", "wanted"),
    [("2024-03-10", "?9"), ("2024-03-11", "T10"), (datetime.datetime(2024, 6, 1, 9, 30), "T10")],
)
def test_a_dlt_is_known_from_its_day_on(tmp_path, cutoff, wanted, dlt):
    data = read(tmp_path, f"A,1,2024-03-01,{dlt},2024-03-11,,", cutoff=cutoff)
    assert status(data) == [wanted]
    assert data.warnings == (("pending at the cut-off, since a DLT came later: A",) if wanted == "?9" else ())


@pytest.mark.parametrize("day", ["2024-03-01", "2024-03-29"])
def test_a_dlt_on_the_first_or_last_day_is_in_the_window(tmp_path, day):
    assert read(tmp_path, f"A,1,2024-03-01,1,{day},,", cutoff="2024-06-01").patients[0].dlt is True


def test_the_last_date_in_the_data_is_the_cut_off_and_said(tmp_path):
    data = read(tmp_path, "A,1,2024-03-01,0,,,", "B,1,2024-04-01,,,,", "C,1,2024-04-03,,2024-04-09,,")
    assert data.cutoff == datetime.date(2024, 4, 9)
    assert status(data) == ["N28", "?8", "T6"]
    assert LAST in data.warnings
    assert data.provenance()["pending"] == "B (8 of 28 days)"
    assert data.provenance()["cutoff"] == "2024-04-09"


def test_who_was_treated_after_the_cut_off_is_left_out_and_named(tmp_path):
    data = read(tmp_path, "A,1,2024-03-01,0,,,", "B,2,2024-05-01,,2024-05-02,,", cutoff="2024-03-20")
    assert status(data) == ["?19"]  # the window of A was over later, which was not known then
    assert data.warnings == ("treated after the cut-off, and left out: B",)


LEFT = "A,1,2024-03-01,{dlt},,2024-03-13,died"


@pytest.mark.parametrize(
    ("reading", "wanted"),
    [("dlt", "T12"), ("replace", "-12"), ("complete", "N12"), ("exclude", "-12")],
)
def test_who_left_counts_as_the_study_reads_it(tmp_path, reading, wanted):
    data = read(tmp_path, LEFT.format(dlt=""), window=Window(28, {"death": reading}), cutoff="2024-06-01")
    assert status(data) == [wanted]
    assert "A" in " ".join((*data.warnings, *data.left_out))
    assert "death on day 12" in " ".join((*data.warnings, *data.left_out))


def test_what_a_protocol_leaves_open_is_asked_for(tmp_path):
    window = Window(28, {"dropout": "replace"})
    (said,) = faults(tmp_path, LEFT.format(dlt="0"), window=window, cutoff="2024-06-01")
    for word in ("line 2", "patient A", "day 12", "death", "dlt (counted as a DLT)", "replace", "complete"):
        assert word in said
    assert status(read(tmp_path, LEFT.format(dlt=""), window=window, cutoff="2024-03-10")) == ["?9"]  # not yet left


@pytest.mark.parametrize(("dlt", "wanted"), [("1", "T"), ("0", "-12")])
def test_of_events_of_which_a_share_is_called_a_dlt_each_must_say_so(tmp_path, dlt, wanted):
    window, header = Window(28, {"death": "replace"}, ("death",)), "patient,dose_level,treated,dlt,left,left_reason"
    row = "A,1,2024-03-01,{},2024-03-13,died"
    options = {"window": window, "header": header, "cutoff": "2024-06-01"}
    assert status(read(tmp_path, row.format(dlt), **options)) == [wanted]
    assert "was this one?" in faults(tmp_path, row.format(""), **options)[0]


def test_a_death_that_counts_as_completed_may_have_grade_five(tmp_path):
    window, header = Window(28, {"death": "complete"}), f"{HEADER},grade"
    (patient,) = read(tmp_path, f"{LEFT.format(dlt='0')},5", window=window, header=header, cutoff="2024-06-01").patients
    assert (patient.dlt, patient.evaluable, patient.grade, patient.left) == (False, True, 5, "death")


def test_a_dlt_without_a_date_does_not_tell_what_was_known_before_the_last_date(tmp_path):
    header, rows = "patient,dose_level,treated,dlt", ("A,1,2024-03-01,1", "B,1,2024-06-01,")
    assert status(read(tmp_path, *rows, header=header)) == ["T", "?0"]
    assert status(read(tmp_path, *rows, header=header, cutoff="2024-03-29")) == ["T"]  # in the window, which was over
    (said,) = faults(tmp_path, *rows, header=header, cutoff="2024-03-20")
    assert "whether the DLT was known at the cut-off" in said


def test_the_actual_dose_of_a_patient_of_later_is_not_warned_of(tmp_path):
    doses = Doses(labels=("low", "middle"), values=(1.0, 2.0), unit="mg", tolerance=0.1)
    path = tmp_path / "odd.csv"
    path.write_text("patient,dose_level,treated,dlt,actual_dose\nA,1,2024-03-01,,1\nB,2,2024-05-01,,2.5\n")
    for cutoff, warned in (("2024-03-20", False), ("2024-05-20", True)):
        said = " ".join(Trial.from_csv(path, doses, WINDOW, cutoff).warnings)
        assert ("the actual dose 2.5" in said) is warned


def test_a_window_that_ends_on_the_last_date_is_over(tmp_path):
    assert status(read(tmp_path, "A,1,2024-03-01,0,,,", "B,1,2024-03-29,,,,")) == ["N28", "?0"]
    assert "2024-03-28" in faults(tmp_path, "A,1,2024-03-01,0,,,", "B,1,2024-03-28,,,,")[0]


def test_a_dlt_on_the_day_of_death_is_a_dlt(tmp_path):
    assert status(read(tmp_path, "A,1,2024-03-01,,2024-03-13,2024-03-13,died", cutoff="2024-06-01")) == ["T12"]


def test_a_row_that_says_no_dlt_where_every_death_is_one_contradicts_the_study(tmp_path):
    (said,) = faults(tmp_path, LEFT.format(dlt="0"), window=Window(28, {"death": "dlt"}), cutoff="2024-06-01")
    assert "dlt: wanted nothing: patient A left the DLT window" in said
    assert "got '0'" in said


def test_what_is_wrong_with_a_row_is_said_once(tmp_path):
    assert len(faults(tmp_path, "A,1,2024-03-01,0,2024-03-11,2024-03-20,flew", cutoff="2024-06-01")) == 1


def test_a_row_that_says_not_evaluable_needs_no_reading(tmp_path):
    header = f"{HEADER},evaluable,reason"
    data = read(tmp_path, "A,1,2024-03-01,,,2024-03-13,died,no,road accident", header=header, cutoff="2024-06-01")
    assert data.left_out == ("A (cannot be evaluated: road accident)",)


def test_who_left_after_the_window_completed_it_whatever_the_reason(tmp_path):
    assert status(read(tmp_path, "A,1,2024-03-01,0,,2024-03-30,moved", cutoff="2024-06-01")) == ["N28"]


@pytest.mark.parametrize(("reason", "wanted"), [("died", "-28"), ("LTx", "T28"), ("moved", ""), ("withdrew", "N28")])
def test_a_death_on_the_last_day_is_in_the_window_a_withdrawal_is_not(tmp_path, reason, wanted):
    row, window = f"A,1,2024-03-01,,,2024-03-29,{reason}", Window(28, {"death": "replace", "transplantation": "dlt"})
    if wanted:
        assert status(read(tmp_path, row, window=window, cutoff="2024-06-01")) == [wanted]
    else:
        assert "left_reason: wanted why" in faults(tmp_path, row, window=window, cutoff="2024-06-01")[0]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("A,1,2024-03-01,0,2024-03-11,,", "dlt: wanted 1 or nothing beside a dlt_date, got '0'"),
        ("A,1,2024-03-01,,2024-02-28,,", "dlt_date: wanted a date from the treatment on (2024-03-01)"),
        ("A,1,2024-03-01,,2024-03-30,,", "a DLT outside the window is none"),
        ("A,1,2024-03-01,1,,,", "dlt_date: wanted the date of the DLT"),
        ("A,1,2024-02-30,,,,", "treated: wanted a date such as 2024-03-31, the year first, got '2024-02-30'"),
        ("A,1,01/03/2024,,,,", "treated: wanted a date such as"),
        ("A,1,,,,,", "treated: wanted the date of treatment"),
        ("A,1,2024-03-01,,,2024-02-01,died", "left: wanted a date from the treatment on (2024-03-01)"),
        (
            "A,1,2024-03-01,,2024-03-20,2024-03-13,died",
            "dlt_date: wanted a date up to the day on which the patient left",
        ),
        ("A,1,2024-03-01,,,2024-03-13,", "left_reason: wanted why the patient left the DLT window on day 12"),
        ("A,1,2024-03-01,,,2024-03-13,flew", "death, transplantation or dropout, got 'flew'"),
        ("A,1,2024-05-20,0,,,", "dlt: wanted nothing, or 'pending', as the DLT window of 28 days is open, got '0'"),
    ],
)
def test_what_contradicts_itself_is_a_fault_of_its_cell(tmp_path, row, said):
    assert any(said in fault and fault.startswith("line 2: ") for fault in faults(tmp_path, row, cutoff="2024-06-01"))


def test_faults_of_several_rows_come_together(tmp_path):
    found = faults(tmp_path, "A,1,2024-03-01,0,2024-03-11,,", "B,1,2024-04-01,0,,,", "C,1,x,,,,")
    assert [fault.partition(": wanted")[0] for fault in found] == ["line 2: dlt", "line 3: dlt", "line 4: treated"]


@pytest.mark.parametrize(
    ("header", "row", "said"),
    [
        (f"{HEADER},followup", "A,1,2024-03-01,,,,,3", "wanted one of the columns 'treated' and 'followup', got both"),
        (
            "patient,dose_level,dlt,followup,left",
            "A,1,,3,",
            "wanted a column 'treated' (date of treatment) beside 'left'",
        ),
        ("patient,dose_level,treated", "A,1,2024-03-01", "wanted a column 'dlt'"),
        ("patient,dose_level,treated,dlt,left_reason", "A,1,2024-03-01,,", "beside 'left_reason'"),
    ],
)
def test_columns_that_do_not_go_together(tmp_path, header, row, said):
    assert any(said in fault for fault in faults(tmp_path, row, header=header))


def test_days_are_read_by_a_window_that_is_stated(tmp_path):
    for header, row in ((HEADER, "A,1,2024-03-01,,,,"), ("patient,dose_level,dlt,followup", "A,1,,3")):
        (said,) = faults(tmp_path, row, header=header, window=None)
        assert "[clock]" in said
        assert "--window DAYS" in said


def test_a_cut_off_needs_dates(tmp_path):
    (said,) = faults(tmp_path, "A,1,,3", header="patient,dose_level,dlt,followup", cutoff="2024-06-01")
    assert "'treated'" in said
    (said,) = faults(tmp_path, "A,1,2024-03-01,,,,", cutoff="June")
    assert said == "cutoff: wanted a date such as 2024-03-31, the year first, got 'June'"


def test_rows_are_in_the_order_of_treatment(tmp_path):
    (said,) = faults(tmp_path, "A,1,2024-03-02,,,,", "B,2,2024-03-01,,,,")
    assert said == "line 3: treated: wanted rows in the order of treatment, got 2024-03-01 after 2024-03-02"
    late = (
        "A,1,2024-03-01,,,,,1",
        "C,1,2024-04-30,,,,,1",
        "B,2,2024-04-01,,,,,2",
    )  # C replaces one of the first cohort
    assert len(read(tmp_path, *late, header=f"{HEADER},cohort").patients) == 3
