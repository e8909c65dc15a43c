"""Rows of patients: which columns there are, what their cells may say, and what contradicts itself."""

import pytest

from doseopt.core.parameters import Faults
from doseopt.records.trial import Trial
from doseopt.scenarios.doses import Doses

DOSES = Doses(labels=("0.15", "0.5", "1.5"), values=(0.15e9, 0.5e9, 1.5e9), unit="cells", tolerance=0.2)
HEADER = "patient,dose_level,dlt"


def read(folder, *lines, doses=DOSES):
    path = folder / "data.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return Trial.from_csv(path, doses)


def faults(folder, *lines, doses=DOSES):
    with pytest.raises(Faults) as caught:
        read(folder, *lines, doses=doses)
    return [str(fault) for fault in caught.value.faults]


def test_other_columns_are_not_read_and_named_in_one_line(tmp_path):
    data = read(tmp_path, f"site,{HEADER},age_group,DLT date,patient_id,comment", "A,101,2,1,65+,,7,x")
    assert [(p.name, p.level, p.dlt) for p in data.patients] == [("101", 1, True)]
    assert data.warnings == (
        "columns of the data that are not read: 'site', 'age_group', 'dlt_date', 'patient_id', 'comment'",
    )


@pytest.mark.parametrize(
    ("header", "meant"),
    [
        ("patient,dose_level,dlt,dlt_", "'dlt_'; did you mean 'dlt'?"),
        ("patient,dose_lvl,dlt", "'dose_lvl'; did you mean 'dose_level'?"),
        ("patient,dose_level,dlt,cohort_no", "'cohort_no'; did you mean 'cohort'?"),
        ("patient,dose_level,dlt,evaluble", "'evaluble'; did you mean 'evaluable'?"),
        ("patient,dose_level,dlt,grades", "'grades'; did you mean 'grade'?"),
        ("patient,dose_level,dlt,actual_dosis", "'actual_dosis'; did you mean 'actual_dose'?"),
        ("patient,dose_level,dlt,colsed", "'colsed'; did you mean 'closed'?"),
        ("patient_no,dose_level,dlt", "'patient_no'; did you mean 'patient'?"),
        ("patient,doselevel,dlt", "'doselevel'; did you mean 'dose_level'?"),
    ],
)
def test_a_name_that_is_nearly_right_is_a_fault(tmp_path, header, meant):
    assert f"line 1: unknown column {meant}" in faults(tmp_path, header, ",".join("1" * len(header.split(","))))


def test_a_wide_listing_is_one_line_of_bounded_length(tmp_path):
    wide = ",".join(f"{'x' * 500}{i}" for i in range(300))
    (warning,) = read(tmp_path, f"{HEADER},{wide}", "1,1,0" + "," * 300).warnings
    assert len(warning) < 3000
    assert warning.endswith("and 280 more")


def test_names_that_pandas_made_floats_are_whole_numbers_again(tmp_path):
    data = read(tmp_path, f"{HEADER},cohort,grade", "101.0,1.0,0.0,1.0,2.0", "102.0,2.0,1.0,2.0,", "103.0,2.0,,2.0,")
    found = [(p.name, p.level, p.dlt, p.cohort, p.grade) for p in data.patients]
    assert found == [("101", 0, False, "1", 2), ("102", 1, True, "2", None), ("103", 1, None, "2", None)]
    # one name that is no float: they are names
    assert [p.name for p in read(tmp_path, HEADER, "1.0,1,0", "1.1,1,0").patients] == ["1.0", "1.1"]


def test_a_dose_is_told_by_label_or_number_with_point_or_comma(tmp_path):
    rows = ["A;0,15;0", "B;0.5;0", "C;1,5E+09;0", "D;500000000;0", "E;1.50;0"]
    assert [p.level for p in read(tmp_path, "patient;dose;dlt", *rows).patients] == [0, 1, 2, 1, 2]
    assert [p.level for p in read(tmp_path, "patient,dose,dlt", 'A,"0,15",0', "B,0.50,0").patients] == [0, 1]


def test_a_label_that_is_another_doses_number_is_a_fault_unless_the_level_decides(tmp_path):
    doses = Doses(labels=("1", "2", "3"), values=(2.0, 4.0, 6.0), unit="mg")
    assert faults(tmp_path, "patient,dose,dlt", "A,2,0", doses=doses) == [
        "line 2: dose: '2' is a label or a value of levels 1 and 2; write dose_level instead"
    ]
    assert [p.level for p in read(tmp_path, "patient,dose,dlt", "A,1,0", "B,6,0", doses=doses).patients] == [0, 2]
    both = read(tmp_path, "patient,dose,dose_level,dlt", "A,2,1,0", "B,2,2,0", doses=doses)
    assert [p.level for p in both.patients] == [0, 1]


@pytest.mark.parametrize(
    ("dose", "power"),
    [("0.15", -9), ("0,15", -9), ("150", -6), ("1.5e6", -2), ("1.5e10", 2), ("1.5e17", 9), ("1e-300", -308)],
)
def test_an_actual_dose_in_another_unit_is_a_fault_that_names_the_factor(tmp_path, dose, power):
    (fault,) = faults(tmp_path, f"{HEADER};actual_dose".replace(",", ";"), f"A;1;0;{dose}")
    assert fault.startswith("line 2: actual_dose: wanted a dose in cells near the planned 1.5e+08, got ")
    assert f"about 10^{power} times that: another unit" in fault


def test_an_actual_dose_ten_times_the_planned_one_is_warned_of_without_a_tolerance(tmp_path):
    doses = Doses(labels=DOSES.labels, values=DOSES.values, unit="cells")
    data = read(tmp_path, f"{HEADER},actual_dose", "A,1,0,1.5e9", "B,1,0,1e9", "C,1,0,1e7", doses=doses)
    assert [p.actual_dose for p in data.patients] == [1.5e9, 1e9, 1e7]
    assert [warning[:11] for warning in data.warnings] == ["patient A: ", "patient C: "]
    assert "about 10^1 times that: another unit" in data.warnings[0]


def test_actual_doses_are_not_ignored_in_silence(tmp_path):
    rows = f"{HEADER},actual_dose", "A,1,0,3", "B,2,0,NA"
    assert read(tmp_path, *rows, doses=Doses(labels=("a", "b"))).warnings == (
        "actual doses are not used: the study states no doses as numbers (doses.values)",
    )


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["A,1,1,,no,"], ["line 2: dlt = 1, evaluable = no: patient A had a DLT, and a patient with a DLT counts in"]),
        (["A,1,0,5,,"], ["line 2: grade: patient A has grade 5 and no DLT; wanted dlt = 1 if it is dose-limiting,"]),
        (["A,1,0,5,no,"], ["line 2: grade: patient A has grade 5 and no DLT; wanted dlt = 1 if it is dose-limiting,"]),
        (["A,1,0,moderate,,"], ["line 2: grade: wanted a CTCAE grade, 0 to 5, got 'moderate'"]),
        (["A,1,0,,,", "A,2,0,,,"], ["line 3: patient 'A' stands already in line 2, wanted one row a patient"]),
        (["A,1,0,6,no,", "A,9,2,,,"], ["line 2: grade", "line 3: patient", "line 3: dlt", "line 3: dose_level"]),
    ],
)
def test_what_contradicts_itself_is_a_fault_of_its_line(tmp_path, rows, said):
    found = faults(tmp_path, f"{HEADER},grade,evaluable,reason", *rows)
    assert len(found) == len(said)
    assert all(fault.startswith(start) for fault, start in zip(found, said, strict=True)), found


def test_a_death_that_is_no_dlt_is_left_out_with_its_reason(tmp_path):
    data = read(tmp_path, f"{HEADER},grade,evaluable,reason", "A,1,0,5,no,road accident", "B,1,1,V,,", "C,1,NA,3,no,")
    assert data.left_out == ("A (cannot be evaluated: road accident)", "C (cannot be evaluated)")
    assert [p.name for p in data.evaluable] == ["B"]
    assert data.pending == ()


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["A,1,0,x,", "B,2,0,x,"], ["line 3: cohort 'x': wanted one dose, level 1 as in line 2, got level 2"]),
        (["A,1,0,x,", "B,1,0,y,", "C,1,0,x,"], ["line 4: cohort 'x' began in line 2, and another came between"]),
        (["A,1,0,x,", "B,1,0,,"], ["line 3: cohort: wanted the cohort of every patient, got nothing"]),
        (["A,1,0,,yes"], ["line 2: cohort: wanted a column 'cohort' beside closed = yes, got nothing"]),
        (["A,1,0,x,early"], ["line 2: closed: wanted 1 or 0 (yes or no), got 'early'"]),
    ],
)
def test_what_is_wrong_with_a_cohort_is_a_fault(tmp_path, rows, said):
    found = faults(tmp_path, f"{HEADER},cohort,closed", *rows)
    assert len(found) == len(said)
    assert all(fault.startswith(start) for fault, start in zip(found, said, strict=True)), found


def test_faults_of_every_kind_come_in_one_round(tmp_path):
    rows = [
        "A,1,1,6,no,a,b,-1",
        "A,x,0,5,,a,,",
        "C,2,maybe,2,,b,,0.5",
        "D,1,0,1,,,,lots",
        "E,1,0",
        "F,3,0,1,,c,yes,1.5",
    ]
    found = faults(tmp_path, f"{HEADER},grade,evaluable,cohort,closed,actual_dose", *rows)
    places = {2: 4, 3: 3, 4: 2, 5: 1, 6: 1, 7: 1}
    assert [fault.split(":")[0] for fault in found] == [f"line {i}" for i, many in places.items() for _ in range(many)]


def test_no_more_patients_than_a_trial_can_have(tmp_path):
    (fault,) = faults(tmp_path, HEADER, *(f"{i},1,0" for i in range(2001)))
    assert fault == "wanted one row a patient below the header, at most 2000, got 2001"
