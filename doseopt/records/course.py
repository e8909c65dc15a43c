"""The course of a trial: its patients in blocks that no cohort reaches over, the cohorts where the data state them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from doseopt.core.cohort import Cohort
from doseopt.core.parameters import Fault, Faults
from doseopt.designs.unfinished import PENDING, seen
from doseopt.records.patient import Patient, letter


@dataclass(frozen=True)
class Course:
    """Patients in the order of the data, in blocks that no cohort reaches over.

    Attributes
    ----------
    blocks : tuple of Cohort
        Cohorts; or, where the data state none, patients in a row at one dose. ``PENDING`` for a pending patient.
    stated : bool
        Whether they are the cohorts that the data state.
    """

    blocks: tuple[Cohort, ...]
    stated: bool

    @property
    def ambiguous(self) -> bool:
        """Whether the patients could be grouped into cohorts in more ways than one."""
        return not self.stated and any(len(block.letters) > 1 for block in self.blocks)

    @property
    def pending(self) -> int:
        """How many patients are pending."""
        return sum(block.letters.count(PENDING) for block in self.blocks)

    @property
    def known(self) -> tuple[Cohort, ...]:
        """The blocks without pending patients."""
        return tuple(cohort for cohort in map(seen, self.blocks) if cohort.letters)


def stated_cohorts(patients: Iterable[Patient]) -> tuple[tuple[Patient, ...], ...] | None:
    """Return the cohorts that the data state, without those left out; None if they state none."""
    if not all(p.cohort for p in patients):
        return None
    counted = (p for p in patients if p.evaluable)
    return tuple(tuple(group) for _, group in groupby(counted, key=lambda p: p.cohort))


def course_of(patients: Sequence[Patient], graded: bool = False, weighs_efficacy: bool = False) -> Course:
    """Return the course of the patients who are not left out.

    Parameters
    ----------
    patients : sequence of Patient
    graded : bool
        Whether grades are looked at, so that all must be recorded. Those that are show in any case: a design that does
        not look reads M as N.
    weighs_efficacy : bool
        Whether efficacy is looked at, in the same way.

    Raises
    ------
    Faults
        With every patient whose grade, or efficacy, is looked at and not recorded.
    """
    stated = stated_cohorts(patients)
    groups = stated
    if groups is None:
        runs = (list(run) for _, run in groupby((p for p in patients if p.evaluable), lambda p: p.level))
        groups = tuple(part for run in runs for part in _closed_parts(run))
    letters = iter(_letters([p for group in groups for p in group], graded, weighs_efficacy))
    blocks = (Cohort(group[0].level + 1, "".join(next(letters) for _ in group), group[-1].closed) for group in groups)
    return Course(tuple(blocks), stated is not None)


def _closed_parts(run: Sequence[Patient]) -> list[tuple[Patient, ...]]:
    """Cut patients in a row at one dose after those whose cohort was closed early."""
    ends = [i + 1 for i, p in enumerate(run[:-1]) if p.closed and not run[i + 1].closed]
    return [tuple(run[a:b]) for a, b in zip([0, *ends], [*ends, len(run)], strict=True)]


def _letters(patients: Sequence[Patient], graded: bool, weighs_efficacy: bool) -> list[str]:
    found: list[str] = []
    faults: list[Fault] = []
    for patient in patients:
        try:
            known = graded or patient.grade is not None
            found.append(PENDING if patient.dlt is None else letter(patient, known, weighs_efficacy))
        except Faults as missing:
            faults += missing.faults
    if faults:
        raise Faults(faults)
    return found
