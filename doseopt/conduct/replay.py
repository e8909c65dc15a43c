"""The designs of a study that a trial is seen by, and where it was not theirs."""

from __future__ import annotations

from collections.abc import Sequence

from doseopt.conduct.course import Course, branches, certain_departures
from doseopt.design import Design
from doseopt.outcome_string import Cohort
from doseopt.parameters import Fault, Faults, nearest
from doseopt.study import Study


def chosen_designs(study: Study, names: Sequence[str]) -> dict[str, Design]:
    """Return the designs of these names, or all; unknown names are reported together."""
    unknown = [name for name in names if name not in study.designs]
    if unknown:
        raise Faults(
            [Fault("design", f"no design {name!r} in the study{nearest(name, study.designs)}") for name in unknown]
        )
    return {name: study.designs[name] for name in names or study.designs}


def departures(design: Design, cohorts: Sequence[Cohort]) -> list[str]:
    """Say where a trial was not the design's, whatever pending patients will have: each with the cohort, from 1.

    The last cohort may have patients still to come.
    """
    return certain_departures(branches(design, Course(tuple(cohorts), True)) or [])
