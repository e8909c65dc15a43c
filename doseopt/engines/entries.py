"""Entries: where a trial gives a dose for the first time, or ends; what is known of the order of its patients.

Endings count patients whatever their order, and trials that end alike are merged. Which doses have been given, and to
how many patients, is part of a state, so that the order in which doses are first given needs no more than the
probability of the states where the next dose is new.

    entry_given     (entry, dose)       whether the dose has been given before
    entry_patients  (entry)             patients treated before
    entry_dose      (entry)             index of the dose that is new; -1 where the trial ends
    entry_weight    (scenario, entry)   probability that a trial passes here
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from doseopt.core.distinct import unique_rows
from doseopt.core.state import CONTINUE, NONE, BoolArray, FloatArray, IntArray
from doseopt.engines.graph import Reach


def entries(graph: Reach, weight: FloatArray, weigh: Callable[[IntArray], FloatArray]) -> dict[str, Any]:
    """Return the variables of a design's entries.

    Parameters
    ----------
    graph : Reach
    weight : float array [R, E]
        Probability of each ending in each scenario.
    weigh : callable
        States [Q] in which a dose is new -> their probability in each scenario, [R, Q].
    """
    going = graph.decision.stop == CONTINUE
    new = np.flatnonzero(going)
    new = new[graph.packed.packing.patients_at(graph.packed.words[new], graph.decision.dose[new]) == 0]
    rows = np.concatenate([graph.ending, new])
    here = graph.packed[rows]
    given, patients = here.tried, here.total
    dose = np.where(going[rows], graph.decision.dose[rows], NONE)
    first, kind = unique_rows([*given.T.astype(np.int64), patients, dose])
    ended, goes_on = np.split(kind, [len(graph.ending)])
    runs = np.flatnonzero(np.diff(ended, prepend=-1))  # endings of one kind lie together, as states do by patients
    pairs = zip(np.add.reduceat(weight, runs, axis=1), weigh(new), strict=True)
    each = [np.bincount(ended[runs], end, len(first)) + np.bincount(goes_on, on, len(first)) for end, on in pairs]
    return labelled(given[first], patients[first], dose[first], np.array(each))


def entries_of_trials(
    n: IntArray, before: IntArray, started: IntArray, lost: BoolArray | None = None
) -> dict[str, Any]:
    """Return the variables of the entries of simulated trials.

    Parameters
    ----------
    n : int array [R, T, D]
        Patients of T trials in each scenario.
    before : int array [R, T, D]
        Patients treated before the first at each dose; -1 where the dose was never given, or before the start.
    started : int array [D]
        Patients before the start.
    lost : bool array [R, T, D], optional
        Doses given of whose patients none counts.
    """
    gave = n > 0 if lost is None else (n > 0) | lost
    found: dict[tuple[bytes, int, int], FloatArray] = {}
    for new in range(-1, n.shape[2]):
        patients = n.sum(axis=2) if new == NONE else before[..., new]
        given = gave if new == NONE else (started > 0) | ((before >= 0) & (before < patients[..., None]))
        here = patients >= 0
        scenario, given, patients = np.nonzero(here)[0], given[here], patients[here]
        first, kind = unique_rows([*given.T.astype(np.int64), patients])
        counts = np.bincount(scenario * len(first) + kind, minlength=len(n) * len(first)).reshape(len(n), -1)
        for k, row in enumerate(first.tolist()):
            found[given[row].tobytes(), int(patients[row]), new] = counts[:, k] / n.shape[1]
    return labelled(
        np.array([np.frombuffer(key[0], bool) for key in found]),
        np.array([key[1] for key in found]),
        np.array([key[2] for key in found]),
        np.stack(list(found.values()), axis=1),
    )


def labelled(given: Any, patients: IntArray, dose: IntArray, weight: FloatArray) -> dict[str, Any]:
    """Return the variables of entries: doses given before [Q, D], patients [Q], dose [Q], weight [R, Q]."""
    return {
        "entry_given": (("entry", "dose"), given),
        "entry_patients": ("entry", patients),
        "entry_dose": ("entry", dose),
        "entry_weight": (("scenario", "entry"), weight),
    }
