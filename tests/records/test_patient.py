import pytest

from doseopt.core.parameters import Faults
from doseopt.records.patient import Patient, letter


def patient(**what):
    return Patient(**({"name": "7", "level": 0, "dlt": False, "where": "line 8"} | what))


def test_grade_two_or_worse_without_dlt_is_moderate_to_a_design_that_looks_at_grades():
    assert [letter(patient(grade=grade), graded=True) for grade in range(5)] == ["N", "N", "M", "M", "M"]
    assert [letter(patient(grade=grade), graded=False) for grade in (None, *range(5))] == ["N"] * 6


def test_a_dlt_needs_no_grade():
    assert letter(patient(dlt=True), graded=True) == letter(patient(dlt=True, grade=1), graded=False) == "T"


def test_a_grade_that_is_not_recorded_is_not_mild():
    with pytest.raises(Faults) as caught:
        letter(patient(), graded=True)
    assert str(caught.value) == (
        "line 8: grade: wanted the worst grade of patient 7, 0 to 5, got nothing; the design looks at moderate toxicity"
    )


def test_a_pending_patient_has_no_letter():
    with pytest.raises(Faults, match=r"^line 8: patient 7: the outcome is pending"):
        letter(patient(dlt=None, grade=3), graded=True)


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ({"dlt": True, "evaluable": False}, ["a patient with a DLT counts in every protocol"]),
        ({"dlt": True, "evaluable": False, "grade": 5}, ["a patient with a DLT counts in every protocol"]),
        ({"grade": 5}, ["dlt = 1", "evaluable = no with the reason"]),
        ({"grade": 5, "dlt": None}, ["dlt = 1", "evaluable = no with the reason"]),
        ({"grade": 5, "evaluable": False}, ["dlt = 1", "evaluable = no with the reason"]),
        ({"grade": 5, "reason": "accident"}, ["dlt = 1", "evaluable = no with the reason"]),
    ],
)
def test_what_cannot_be_true_together_is_a_fault_with_the_ways_out(what, said):
    (fault,) = patient(**what).contradictions()
    assert all(words in str(fault) for words in said)


@pytest.mark.parametrize(
    "what",
    [{"grade": 5, "dlt": True}, {"grade": 5, "evaluable": False, "reason": "accident"}, {"evaluable": False}, {}],
)
def test_the_ways_out_are_ways_out(what):
    assert patient(**what).contradictions() == []
