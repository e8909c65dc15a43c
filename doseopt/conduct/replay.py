"""The designs of a study that a trial is seen by, and where it was not theirs."""

from __future__ import annotations

from collections.abc import Sequence

from doseopt.conduct.course import Course, branches, certain_departures
from doseopt.core.cohort import Cohort
from doseopt.core.design import Design


def departures(design: Design, cohorts: Sequence[Cohort]) -> list[str]:
    """Say where a trial was not the design's, whatever pending patients will have: each with the cohort, from 1.

    The last cohort may have patients still to come.
    """
    return certain_departures(branches(design, Course(tuple(cohorts), True)) or [])
