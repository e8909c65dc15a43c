"""The first stage of a two-stage design: a sequence of doses that is followed while no DLT has been seen."""

from __future__ import annotations

from typing import Any

import numpy as np

from doseopt.core.design import Row
from doseopt.core.parameters import Fault
from doseopt.core.state import Decision, TrialState


def initial_fault(value: Any) -> str | None:
    """Return what is wrong with the levels of the first patients, which may be left out."""
    if value is None:
        return None
    right = isinstance(value, tuple) and bool(value)
    if right and all(isinstance(v, int) and not isinstance(v, bool) and v >= 1 for v in value):
        return None
    return f"wanted dose levels counted from 1, one a patient, got {value!r}"


def initial_faults(initial: tuple[int, ...] | None, doses: int, start: int) -> list[Fault]:
    """Return why levels do not fit the doses, or the first dose."""
    if initial is None or initial_fault(initial) or not isinstance(doses, int):
        return []
    found = []
    if max(initial) > doses:
        found.append(Fault("initial", f"wanted levels of 1 to {doses}, got {max(initial)}"))
    if initial[0] != start:
        found.append(Fault("start", f"wanted {initial[0]}, where initial begins, got {start}"))
    return found


def follow(initial: tuple[int, ...] | None, cohort: int, state: TrialState, decision: Decision) -> Decision:
    """Follow the sequence, one entry a patient, where no DLT was seen and it is not used up; else the decision.

    Patients of equal level in a row form cohorts of at most `cohort`.
    """
    if initial is None:
        return decision
    levels = np.array(initial) - 1
    last = np.append(np.flatnonzero(np.diff(levels)), len(levels) - 1)  # where each run of equal levels ends
    follows = ~state.y.any(axis=1) & (state.total < len(levels))
    at = np.minimum(state.total, len(levels) - 1)
    run = last[np.searchsorted(last, at)] - at + 1
    dose = np.where(follows, levels[at], decision.dose)
    return Decision(dose, np.where(follows, np.minimum(run, cohort), decision.size), decision.stop)


def stage_rows(initial: tuple[int, ...] | None) -> list[Row]:
    """Return the sequence in words, if there is one."""
    if initial is None:
        return []
    levels = " ".join(map(str, initial))
    return [Row("first stage", f"levels {levels}, one a patient, until the first DLT", "Cheung 2011")]
