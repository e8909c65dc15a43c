"""How a course of patients is cut into cohorts, and where the outcomes of pending patients are too many."""

import pytest

from doseopt import BLRM, BOIN, ThreePlusThree
from doseopt.core.cohort import Cohort
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import MaxPatients
from doseopt.models.quadrature.asked import Inside
from doseopt.records.answer import departure
from doseopt.records.course import Course
from doseopt.records.replay import MOST_OUTCOMES, replay

BOIN3 = Modified(BOIN(doses=3, target=0.30), (MaxPatients(n=100),))


@pytest.mark.parametrize(
    ("level", "letters", "last", "departs"),
    [
        (1, "NNN", False, False),
        (1, "NN", False, True),
        (1, "NN", True, False),  # the rest may still come
        (1, "NNNN", True, True),  # more than were given cannot become fewer
        (1, "NNNNN", True, True),
        (2, "NNN", True, True),
    ],
)
def test_a_last_cohort_may_be_smaller_than_given_and_not_larger(level, letters, last, departs):
    said = departure(ThreePlusThree(doses=3, target=0.25), Cohort(level, letters), 0, 3, 0, last)
    assert said == ("the design gives 3 patients at level 1" if departs else "")


def test_a_cohort_closed_early_is_the_last_of_its_run():
    # 1 of 3 at 0.30: BOIN stays, so that the five are a cohort of three and one of two, closed early
    (found,) = replay(BOIN3, Course((Cohort(1, "NNTNN", True),), False)).branches
    assert found.cohorts == (Cohort(1, "NNT"), Cohort(1, "NN", True))


@pytest.mark.parametrize(
    ("first", "second", "outcomes"), [(24, 39, 1000), (30, 31, 992), (24, 40, None), (999, 0, 1000)]
)
def test_outcomes_of_pending_patients_are_told_apart_up_to_a_thousand(first, second, outcomes):
    """k pending patients of a cohort have k + 1 outcomes."""
    assert MOST_OUTCOMES == 1000
    blocks = tuple(Cohort(1, "?" * many) for many in (first, second) if many)
    found = replay(BOIN3, Course(blocks, True)).branches
    assert (found if found is None else len(found)) == outcomes


@pytest.mark.parametrize("stated", [True, False])
def test_the_posteriors_of_a_course_are_made_together(stated, monkeypatch):
    asked, plain = [], Inside.__call__
    monkeypatch.setattr(Inside, "__call__", lambda self, n, y: asked.append(len(n)) or plain(self, n, y))
    mean = (-1.37, 0.01 + 0.01 * stated)  # of no other test: what is known is not asked again
    blrm = BLRM(doses=3, target=0.25, dose_values=(1.0, 2.0, 4.5), reference_dose=2.0, unit="mg", mean=mean)
    course = Course(tuple(Cohort(level, letters) for level in (1, 2, 3) for letters in ("NNN", "NNT")), stated)
    (found,) = replay(Modified(blrm, (MaxPatients(n=60),)), course).branches
    assert [cohort.letters for cohort in found.cohorts] == ["NNN", "NNT"] * 3
    assert asked == [6]


def test_a_course_of_pending_patients_has_no_posteriors_to_make():
    blrm = BLRM(doses=2, target=0.25, dose_values=(1.0, 2.0), reference_dose=2.0, unit="mg")
    found = replay(Modified(blrm, (MaxPatients(n=60),)), Course((Cohort(1, "???"),), True)).branches
    assert [branch.outcome for branch in found] == [("NNN",), ("NNT",), ("NTT",), ("TTT",)]
