import dataclasses
from pathlib import Path

import numpy as np
import pytest

from doseopt import CRM, AcceleratedTitration, ThreePlusThree
from doseopt.core.cohort import Cohort
from doseopt.core.design import Design
from doseopt.core.parameters import Faults
from doseopt.core.trial import after, step
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import Coherent, MaxPatients, NoSkipping
from doseopt.records.patient import Patient, letter
from doseopt.records.trial import Trial
from doseopt.study.study import Doses

DOSES = Doses(labels=("0.15", "0.5", "1.5"), values=(0.15e9, 0.5e9, 1.5e9), unit="cells", tolerance=0.2)


def write(folder: Path, text: str) -> Path:
    path = folder / "data.csv"
    path.write_text(text)
    return path


def test_a_string_and_a_file_give_the_same_tally(tmp_path: Path) -> None:
    text = "patient,dose_level,dlt\nA,1,0\nB,2,0\nC,2,no\nD,2,1\n"
    for data in (Trial.from_outcomes("1N 2NNT", DOSES), Trial.from_csv(write(tmp_path, text), DOSES)):
        n, y = data.tally()
        assert n.tolist() == [1, 3, 0]
        assert y.tolist() == [0, 1, 0]
        assert not data.has_actual_doses


def test_a_dose_is_a_label_or_a_planned_dose(tmp_path: Path) -> None:
    data = Trial.from_csv(write(tmp_path, "patient,dose,dlt\nA,0.5,0\nB,1.5e9,1\nC,150000000,0\n"), DOSES)
    assert [p.level for p in data.patients] == [1, 2, 0]


def test_patients_that_cannot_be_evaluated_are_listed_and_left_out(tmp_path: Path) -> None:
    text = "patient,dose_level,dlt,evaluable\nA,1,0,yes\nB,1,,no\nC,1,1,\n"
    data = Trial.from_csv(write(tmp_path, text), DOSES)
    assert data.left_out == ("B (cannot be evaluated)",)
    assert data.tally()[0].tolist() == [2, 0, 0]
    assert data.tally()[1].tolist() == [1, 0, 0]


def test_actual_doses_are_used_as_given_and_warned_of_outside_the_tolerance(tmp_path: Path) -> None:
    text = "patient,dose_level,dlt,actual_dose\nA,1,0,0.17e9\nB,1,1,\nC,2,0,0.61e9\nD,2,1,0.6e9\n"
    data = Trial.from_csv(write(tmp_path, text), DOSES)
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
        Trial.from_csv(path, DOSES)
    found = {(f.where, f.message.split(",")[0]) for f in error.value.faults}
    assert found == {
        ("line 3", "patient 'A' stands already in line 2"),
        ("line 4", "dose_level: wanted a whole number in [1"),
        ("line 5", "dose_level: wanted a whole number in [1"),
        ("line 5", "dlt: wanted 1 or 0 (yes or no)"),
        ("line 7", "actual_dose: wanted a number above 0 in cells"),
        ("line 8", "wanted as many fields as the header has"),
        ("line 9", "wanted a patient"),
        ("line 10", "actual_dose: wanted a number above 0 in cells"),
    }
    assert str(path) in str(error.value)


def test_a_string_states_its_cohorts_and_which_were_closed_early() -> None:
    data = Trial.from_outcomes("1N 2NM. 2TNM", DOSES)
    assert data.cohorts is not None
    assert [[p.name for p in cohort] for cohort in data.cohorts] == [["1"], ["2", "3"], ["4", "5", "6"]]
    assert [p.closed for p in data.patients] == [False, True, True, False, False, False]
    assert "".join(letter(p, graded=True) for p in data.patients) == "NNMTNM"
    assert "".join(letter(p, graded=False) for p in data.patients) == "NNNTNN"
    assert Trial.from_outcomes("", DOSES).cohorts == ()


def test_a_file_states_cohorts_only_if_it_has_that_column(tmp_path: Path) -> None:
    rows = "A,1,0,1,,yes\nB,1,NA,1,,\nC,1,0,1,yes,no\nD,2,0,2,,\nE,2,,2,no,\n"
    data = Trial.from_csv(write(tmp_path, "patient,dose_level,dlt,cohort,closed,evaluable\n" + rows), DOSES)
    assert data.cohorts is not None
    assert [[p.name for p in cohort] for cohort in data.cohorts] == [["A", "B"], ["D", "E"]]
    assert [p.closed for p in data.patients] == [True, True, True, False, False]
    assert [p.name for p in data.pending] == ["B", "E"]
    assert [p.name for p in data.evaluable] == ["A", "D"]
    assert Trial.from_csv(write(tmp_path, "patient,dose_level,dlt,cohort\nA,1,0,NA\n"), DOSES).cohorts is None


def test_pending_patients_are_in_no_tally(tmp_path: Path) -> None:
    text = "patient,dose_level,dlt,actual_dose\nA,1,0,\nB,1,1,0.16e9\nC,1,pending,0.15e9\nD,2,.,\nE,2,NaN,\n"
    data = Trial.from_csv(write(tmp_path, text), DOSES)
    assert [p.name for p in data.pending] == ["C", "D", "E"]
    assert [part.tolist() for part in data.tally()] == [[2, 0, 0], [1, 0, 0]]
    assert data.by_actual_dose()[1].sum() == 2


def test_the_api_drops_no_dlt_either() -> None:
    with pytest.raises(Faults, match="a patient with a DLT counts in every protocol"):
        Trial(DOSES, (Patient("A", 0, True, evaluable=False),))
    with pytest.raises(Faults, match="patient A: wanted a level from 0 to 2, got 3"):
        Trial(DOSES, (Patient("A", 3, True),))


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
        Trial.from_csv(write(tmp_path, header + "\n"), DOSES)
    assert message in str(error.value)


def test_both_dose_columns_must_agree(tmp_path: Path) -> None:
    with pytest.raises(Faults, match="different doses"):
        Trial.from_csv(write(tmp_path, "patient,dose_level,dose,dlt\nA,1,0.5,0\n"), DOSES)


def test_a_file_without_patients_or_without_a_file_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(Faults, match="got none"):
        Trial.from_csv(write(tmp_path, "patient,dose_level,dlt\n"), DOSES)
    with pytest.raises(Faults, match="cannot be read"):
        Trial.from_csv(tmp_path / "missing.csv", DOSES)


def decided(design: Design, data: Trial) -> tuple[int, int]:
    """Return the level, from 1, and the number of patients that a design gives next."""
    cohorts = data.cohorts or [(patient,) for patient in data.patients]
    graded = design.facts.outcomes.graded
    state = after(design, [Cohort(c[0].level + 1, "".join(letter(p, graded) for p in c)) for c in cohorts])
    given = step(design, state)
    return int(given.dose[0]) + 1, int(given.size[0])


@pytest.mark.parametrize("grade", ["2", "2.0", "G2", "Grade 2", "3", "G3", "grade 4", "III", "CTCAE 3"])
def test_a_second_toxicity_of_grade_two_or_worse_ends_titration(tmp_path: Path, grade: str) -> None:
    """Simon et al. 1997: the dose is then expanded to three, so two more are treated at it."""
    doses = Doses(labels=("2", "6", "20", "60", "180", "400"))
    design = AcceleratedTitration(doses=6, target=0.25, titrate=5, trigger="second_moderate")
    text = f"patient,dose_level,dlt,grade\n1,1,0,1\n2,2,0,1\n3,3,0,2\n4,4,0,1\n5,5,0,{grade}\n"
    assert decided(design, Trial.from_csv(write(tmp_path, text), doses)) == (5, 2)
    mild = text.replace(f"5,5,0,{grade}", "5,5,0,1")
    assert decided(design, Trial.from_csv(write(tmp_path, mild), doses))[0] == 6
    unknown = Trial.from_csv(write(tmp_path, text.replace(f"5,5,0,{grade}", "5,5,0,NA")), doses)
    with pytest.raises(Faults, match="line 6: grade: wanted the worst grade of patient 5"):
        decided(design, unknown)


def test_cohorts_of_a_file_are_those_of_the_string(tmp_path: Path) -> None:
    """The last cohort, 1 of 3, is at or above the target: coherence forbids to escalate, however it is written."""
    skeleton = (0.05, 0.12, 0.2, 0.3, 0.45)
    design = Modified(CRM(doses=5, target=0.3, skeleton=skeleton), (NoSkipping(), Coherent(), MaxPatients(n=30)))
    doses = Doses(labels=("1", "2", "3", "4", "5"))
    levels, dlts, cohorts = "1112222222", "0000000100", "1112222333"
    rows = "".join(f"{i},{d},{y},{c}\n" for i, (d, y, c) in enumerate(zip(levels, dlts, cohorts, strict=True), 1))
    read = Trial.from_csv(write(tmp_path, "patient,dose_level,dlt,cohort\n" + rows), doses)
    said = Trial.from_outcomes("1NNN 2NNNN 2TNN", doses)
    assert read.cohorts is not None
    assert [[p.dlt for p in c] for c in read.cohorts] == [[p.dlt for p in c] for c in said.cohorts or ()]
    assert decided(design, read) == decided(design, said) == (2, 3)


def test_the_digest_is_of_what_decides(tmp_path: Path) -> None:
    said = Trial.from_outcomes("1N 2NNT", DOSES)
    rows = "A,1,0,x,\nB,2,0,y,0.5e9\nC,2,no,y,\nD,2,1,y,\n"
    read = Trial.from_csv(write(tmp_path, "patient,dose_level,dlt,cohort,actual_dose\n" + rows), DOSES)
    assert said.digest.startswith("t1:")
    assert read.digest == said.digest  # names do not decide, nor a dose that is the planned one
    left_out = Patient("E", 1, False, evaluable=False, cohort="3")
    assert dataclasses.replace(said, patients=(*said.patients, left_out)).digest == said.digest
    others = ["1N 2NTN", "1N 2NNT.", "1N 2NNN", "1N 2NMT", "1N 3NNT", "1N 2NN 2T", "1N", ""]
    odd = dataclasses.replace(read.patients[1], actual_dose=0.6e9)
    changed = [Trial.from_outcomes(text, DOSES) for text in others]
    changed.append(dataclasses.replace(read, patients=(read.patients[0], odd, *read.patients[2:])))
    changed.append(Trial.from_cohorts([Cohort(1, "N"), Cohort(2, "NN?")], DOSES))
    changed.append(dataclasses.replace(said, patients=tuple(dataclasses.replace(p, cohort="") for p in said.patients)))
    assert len({said.digest, *(one.digest for one in changed)}) == 1 + len(changed)


def test_a_trial_is_replayed_with_its_departures() -> None:
    design = ThreePlusThree(doses=3, target=0.25)
    seen = Trial.from_outcomes("1NNN 3NNT", DOSES).after(design)
    # 0/3 at level 1: three at level 2 (Storer 1989)
    assert seen.departures == ["cohort 2 (3NNT): the design gives 3 patients at level 2"]
    assert seen.cohorts == (Cohort(1, "NNN"), Cohort(3, "NNT"))
    assert seen.standing().design is design
    assert seen.standing().state.n.tolist() == [[3, 0, 3]]
    amid = Trial.from_cohorts([Cohort(1, "NN?")], DOSES).after(design)
    assert amid.answer is None
    assert [branch.outcome for branch in amid.branches] == [("N",), ("T",)]
    assert [(b.answer.level, b.answer.size) for b in amid.branches] == [(2, 3), (1, 3)]


@pytest.mark.parametrize("letters", ["?", "N?", "???", "NN?"])
def test_a_departure_is_told_whatever_the_pending_patients_of_its_cohort_will_have(letters) -> None:
    seen = Trial.from_cohorts([Cohort(1, "NNN"), Cohort(3, letters)], DOSES).after(ThreePlusThree(3, 0.25))
    # 0/3 at level 1: three at level 2 (Storer 1989), so every patient at level 3 departs from it
    assert seen.departures == [f"cohort 2 (3{letters}): the design gives 3 patients at level 2"]
