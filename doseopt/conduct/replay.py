"""A trial so far, seen by a design: replayed cohort by cohort, with what it would have done otherwise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from doseopt.data import Patient, letter
from doseopt.design import Design
from doseopt.outcome_string import Cohort, format_outcomes
from doseopt.parameters import Fault, Faults, nearest
from doseopt.state import CONTINUE, Decision, TrialState
from doseopt.study import Study
from doseopt.trial import advance, step


def chosen_designs(study: Study, names: Sequence[str]) -> dict[str, Design]:
    """Return the designs of these names, or all; unknown names are reported together."""
    unknown = [name for name in names if name not in study.designs]
    if unknown:
        raise Faults(
            [Fault("--design", f"no design {name!r} in the study{nearest(name, study.designs)}") for name in unknown]
        )
    return {name: study.designs[name] for name in names or study.designs}


def grouped(design: Design, patients: Sequence[Patient]) -> tuple[Cohort, ...]:
    """Return patients as the cohorts of a design.

    Patients in a row at one dose are one cohort, or several where the design's own cohort is smaller.
    """
    state = TrialState.empty(design.doses, len(design.memory))
    cohorts: list[Cohort] = []
    i = 0
    while i < len(patients):
        level = patients[i].level
        run = next((k for k, p in enumerate(patients[i:]) if p.level != level), len(patients) - i)
        given = step(design, state)
        follows = given.stop[0] == CONTINUE and given.dose[0] == level
        size = min(int(given.size[0]), run) if follows else run
        cohort = Cohort(level + 1, "".join(letter(p, design.categories > 2) for p in patients[i : i + size]))
        cohorts.append(cohort)
        state = _treated(design, state, cohort)
        i += size
    return tuple(cohorts)


def _treated(design: Design, state: TrialState, cohort: Cohort) -> TrialState:
    counts = np.array([cohort.counts(design.categories)])
    given = Decision(np.array([cohort.level - 1]), counts.sum(axis=1), np.zeros(1, np.int64))
    return advance(design, state, given, counts)


def replay(design: Design, cohorts: Sequence[Cohort]) -> tuple[TrialState, list[str]]:
    """Replay a trial.

    Parameters
    ----------
    design : Design
    cohorts : sequence of Cohort
        Each counts as a complete cohort.

    Returns
    -------
    state : TrialState
        After the last cohort, a batch of one; departures change nothing in it.
    departures : list of str
        Where the trial was not the design's, each with the number of the cohort, from 1.
    """
    state = TrialState.empty(design.doses, len(design.memory))
    departures = []
    for number, cohort in enumerate(cohorts, 1):
        given = step(design, state)
        wanted = ""
        if given.stop[0] != CONTINUE:
            wanted = f"the design had stopped ({design.stops[given.stop[0] - 1]})"
        elif (given.dose[0] + 1, given.size[0]) != (cohort.level, len(cohort.letters)):
            many = "1 patient" if given.size[0] == 1 else f"{given.size[0]} patients"
            wanted = f"the design gives {many} at level {given.dose[0] + 1}"
        if wanted:
            departures.append(f"cohort {number} ({format_outcomes((cohort,))}): {wanted}")
        state = _treated(design, state, cohort)
    return state, departures
