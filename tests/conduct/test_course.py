"""How a course of patients is cut into cohorts, and where the outcomes of pending patients are too many."""

import pytest

from doseopt.core.cohort import Cohort
from doseopt.designs import BOIN, ThreePlusThree
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import MaxPatients
from doseopt.records.course import Course
from doseopt.records.replay import MOST_OUTCOMES, departure, replay

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
