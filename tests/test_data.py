from pathlib import Path

import numpy as np
import pytest

from doseopt.data import data_from_csv, data_from_outcomes
from doseopt.parameters import Faults
from doseopt.study import Doses

DOSES = Doses(labels=("0.15", "0.5", "1.5"), values=(0.15e9, 0.5e9, 1.5e9), unit="cells", tolerance=0.2)


def write(folder: Path, text: str) -> Path:
    path = folder / "data.csv"
    path.write_text(text)
    return path


def test_a_string_and_a_file_give_the_same_tally(tmp_path: Path) -> None:
    text = "patient,dose_level,dlt\nA,1,0\nB,2,0\nC,2,no\nD,2,1\n"
    for data in (data_from_outcomes("1N 2NNT", DOSES), data_from_csv(write(tmp_path, text), DOSES)):
        n, y = data.tally()
        assert n.tolist() == [1, 3, 0]
        assert y.tolist() == [0, 1, 0]
        assert not data.has_actual_doses


def test_a_dose_is_a_label_or_a_planned_dose(tmp_path: Path) -> None:
    data = data_from_csv(write(tmp_path, "patient,dose,dlt\nA,0.5,0\nB,1.5e9,1\nC,150000000,0\n"), DOSES)
    assert [p.level for p in data.patients] == [1, 2, 0]


def test_patients_that_cannot_be_evaluated_are_listed_and_left_out(tmp_path: Path) -> None:
    text = "patient,dose_level,dlt,evaluable\nA,1,0,yes\nB,1,,no\nC,1,1,\n"
    data = data_from_csv(write(tmp_path, text), DOSES)
    assert data.left_out == ("B (cannot be evaluated)",)
    assert data.tally()[0].tolist() == [2, 0, 0]
    assert data.tally()[1].tolist() == [1, 0, 0]


def test_actual_doses_are_used_as_given_and_warned_of_outside_the_tolerance(tmp_path: Path) -> None:
    text = "patient,dose_level,dlt,actual_dose\nA,1,0,0.17e9\nB,1,1,\nC,2,0,0.61e9\nD,2,1,0.6e9\n"
    data = data_from_csv(write(tmp_path, text), DOSES)
    given, n, y = data.by_actual_dose()
    assert np.allclose(given, [0.15e9, 0.17e9, 0.6e9, 0.61e9])
    assert n.tolist() == [1, 1, 1, 1]
    assert y.tolist() == [1, 0, 1, 0]
    assert len(data.warnings) == 1
    assert "patient C" in data.warnings[0]
    assert "+22%" in data.warnings[0]


def test_all_bad_rows_are_reported_together_with_file_and_line(tmp_path: Path) -> None:
    text = (
        "patient,dose_level,dlt,actual_dose\nA,1,0,\nA,1,0,\nB,4,0,\nC,two,maybe,\n\nD,1,0,-3\nE,1\n,1,0,\nF,2,1,lots\n"
    )
    path = write(tmp_path, text)
    with pytest.raises(Faults) as error:
        data_from_csv(path, DOSES)
    found = {(f.where, f.message.split(",")[0]) for f in error.value.faults}
    assert found == {
        ("line 3", "patient 'A' stands already in line 2"),
        ("line 4", "dose_level: wanted 1 to 3"),
        ("line 5", "dose_level: wanted 1 to 3"),
        ("line 5", "dlt: wanted 1 or 0 (yes or no)"),
        ("line 7", "actual_dose: wanted a number above 0 in cells"),
        ("line 8", "wanted as many fields as the header has"),
        ("line 9", "wanted a patient"),
        ("line 10", "actual_dose: wanted a number above 0 in cells"),
    }
    assert str(path) in str(error.value)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("patient,dose_level,dtl", "unknown column 'dtl'; did you mean 'dlt'?"),
        ("patient,dlt", "wanted a column 'dose_level' or 'dose'"),
        ("patient,dose,dlt,dlt", "column 'dlt' stands twice"),
        ("", "wanted a column 'patient'"),
    ],
)
def test_a_bad_header_says_what_is_wanted(tmp_path: Path, header: str, message: str) -> None:
    with pytest.raises(Faults) as error:
        data_from_csv(write(tmp_path, header + "\n"), DOSES)
    assert message in str(error.value)


def test_both_dose_columns_must_agree(tmp_path: Path) -> None:
    with pytest.raises(Faults, match="different doses"):
        data_from_csv(write(tmp_path, "patient,dose_level,dose,dlt\nA,1,0.5,0\n"), DOSES)


def test_a_file_without_patients_or_without_a_file_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(Faults, match="got none"):
        data_from_csv(write(tmp_path, "patient,dose_level,dlt\n"), DOSES)
    with pytest.raises(Faults, match="cannot be read"):
        data_from_csv(tmp_path / "missing.csv", DOSES)
