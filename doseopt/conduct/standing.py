"""The standing of a trial for a design: between two cohorts, or amid some whose patients are still to be seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from doseopt.conduct.course import MOST_OUTCOMES, Course, branches
from doseopt.core.cohort import Cohort
from doseopt.core.design import Design
from doseopt.core.parameters import Fault, Faults
from doseopt.core.state import TrialState
from doseopt.core.trial import after
from doseopt.designs.unfinished import PENDING, Unfinished

type Standing = tuple[Design, TrialState]
"""A design as the trial goes on with it, and where it stands (a batch of one, in which what is known counts)."""


def rests(design: Design, cohorts: Sequence[Cohort]) -> dict[tuple[int, ...], int]:
    """Return how many patients of the last cohort a design still treats before anything else, where it does so.

    Returns
    -------
    dict
        What pending patients have, DLTs (and moderate toxicities) in each cohort that has some -> patients.

    Raises
    ------
    Faults
        If pending patients have too many outcomes.
    """
    found = branches(design, Course(tuple(cohorts), True))
    if found is None:
        wanted = f"wanted pending patients with at most {MOST_OUTCOMES} outcomes, got more"
        raise Faults([Fault("data", f"{wanted}: wait for some of them")])
    kinds = design.facts.outcomes.letters[:-1]
    return {
        tuple(letters.count(kind) for letters in branch.outcome.split() for kind in kinds): wanted - treated
        for branch in found
        for treated, wanted in [branch.answer.unfinished or (0, 0)]
        if wanted
    }


def standings(
    designs: Mapping[str, Design], cohorts: Sequence[Cohort], judge: Design | None = None
) -> dict[str, Standing]:
    """Return where a trial stands for each of several designs.

    Parameters
    ----------
    designs : mapping of str to Design
    cohorts : sequence of Cohort
        The trial so far; ``PENDING`` for a patient who is.
    judge : Design, optional
        Says whether the last cohort is whole: the registered design, as its rest is treated whatever is amended. Each
        design for itself when left out.
    """
    return {
        name: _standing(design, tuple(cohorts), rests(judge or design, cohorts)) for name, design in designs.items()
    }


def _standing(design: Design, cohorts: tuple[Cohort, ...], rest: Mapping[tuple[int, ...], int]) -> Standing:
    if not rest and not any(PENDING in cohort.letters for cohort in cohorts):
        return design, after(design, cohorts)
    begun = Unfinished(design, cohorts, tuple(rest.items()))
    return begun, begun.start
