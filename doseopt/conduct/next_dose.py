"""The next cohort of each design of a study, after the data so far."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from doseopt.conduct.groupings import groupings
from doseopt.conduct.question import check_trial, known_rates
from doseopt.core.cohort import format_outcomes
from doseopt.core.design import Design, estimated_by
from doseopt.core.parameters import Fault, Faults
from doseopt.core.trial import after
from doseopt.measures.estimates import LEVEL
from doseopt.records.replay import Branch, Replay
from doseopt.records.trial import Trial
from doseopt.study.reader import key
from doseopt.study.study import Study

MODERATE = "a moderate toxicity counts when the DLT window of its patient is over"
KNOWN = ("mean", "lower", "upper", "p_above_target")


def next_dose(study: Study, trial: Trial, designs: Sequence[str] = ()) -> dict[str, Any]:
    """Return what each design does now.

    A last cohort that is smaller than the design gave it is unfinished: its rest comes first, unless its dose is
    excluded already or the decision is the same for every outcome of the rest. Patients who are pending are waited for,
    unless the decision is the same for all of their outcomes.

    Parameters
    ----------
    study : Study
    trial : Trial
        Without patients: the first cohort. Where it states no cohorts, patients in a row at one dose are split as each
        design splits them.
    designs : sequence of str
        Names; all of the study when empty.

    Returns
    -------
    dict
        `designs`: name -> `action` ("treat", "wait" or "stop"), `dose` (label, or None when stopped or waiting),
        `level` (from 1, or None), `size` (or None), `stop` (reason or None), `mtd` (level or None; None while the trial
        goes on), `awaits` (pending patients without whom a trial that stops cannot declare its MTD; left out for none),
        `unfinished` (patients `treated` and `of` how many, if the next patients are the rest of the last cohort, or
        None), `pending` (patients), `if` (when waiting, what is done for each outcome of the pending
        patients: letters, a group for each cohort that has some, in no order within it; empty if there are too many),
        `on_pending` (whether the design decides on pending patients, and so counts them),
        `titration` (why a titration waits for its patients, or None),
        `departure` (text that names the first cohort the design would not have given, or None) and `departures` (all
        that are certain), `inadmissible` (list of level, label and why), `estimated` (the design's own estimate at each
        dose from what is known, or None), `cohorts` (as replayed, "?" for a pending patient).
        `grouping`: `stated`, whether the data state cohorts; `ambiguous`, whether patients could be grouped otherwise;
        `depends`, designs whose answer depends on it -> `ways`, a list of `cohorts` and the answer, and `if`, the
        outcomes of the pending patients in their order that it is for; `unchecked`, designs with too many ways.
        `doses`: what is known of each under the study's model. `pending` and `left_out`, patients by name; `follow_up`,
        the pending ones with the days of the DLT window that they were followed; `counted_in_part`, whether the
        study's model counts them by these; `ask_again`, where these are known:
        the `patients` who complete it next, in how many `days`, and `on` which date if the data have dates. Further
        what it was made from.

    Raises
    ------
    Faults
        If a design is not in the study, looks at a grade that is not recorded, or has no rule for the data.
    """
    check_trial(study, trial)
    chosen, labels = study.choose(designs), list(study.doses.labels)
    seen, answers, faults = dict[str, Replay](), {}, list[Fault]()
    for name, design in chosen.items():
        try:
            seen[name] = trial.after(design)
            answers[name] = _answer(seen[name], labels)
        except Faults as found:
            faults += [fault.under(f"designs.{key(name)}") for fault in found.faults]
    if faults:
        raise Faults(faults, study.name)
    (n, y), again = trial.tally(), trial.ask_again
    rates = known_rates(study, n[None], y[None], trial)
    doses = [
        {"level": j + 1, "label": label, "n": int(n[j]), "y": int(y[j])}
        | {name: float(rates[name][0, j]) for name in KNOWN}
        for j, label in enumerate(labels)
    ]
    return {
        "designs": answers,
        "grouping": _grouping(seen, labels),
        "doses": doses,
        **study.provenance(),
        "target": study.target,
        "prior": study.describe_model(),
        "unit": study.doses.unit,
        "level": LEVEL,
        **trial.provenance(),
        "pending": [p.name for p in trial.pending],
        "follow_up": trial.provenance()["pending"],
        "counted_in_part": study.posterior.likelihood != "complete",
        "ask_again": None if again is None else again._asdict(),
    }


def _answer(seen: Replay, labels: list[str]) -> dict[str, Any]:
    waiting = {"action": "wait"} | dict.fromkeys(("dose", "level", "size", "stop", "mtd", "unfinished"))
    told, pending, departures = seen.branches or (), seen.course.pending, seen.departures
    return {
        **(waiting if seen.answer is None else seen.answer.as_object(labels)),
        "pending": pending,
        "on_pending": seen.design.facts.pending,
        "if": {" ".join(b.outcome): b.answer.as_object(labels) for b in told} if seen.answer is None else {},
        "titration": _titration(seen),
        "departure": departures[0] if departures else None,
        "departures": departures,
        "inadmissible": _inadmissible(seen.design, labels, told),
        "estimated": _estimated(seen),
        "cohorts": format_outcomes(seen.course.blocks if pending else seen.cohorts),
    }


def _titration(seen: Replay) -> str | None:
    """Say why a titration waits, where it may not go on before all is known of its last cohort."""
    at, shown, answer = seen.design.facts.titrating, seen.shown, seen.answer
    if at is None or shown is None or answer is None or answer.size != 0 or not shown[0].memory[0, at]:
        return None
    graded = seen.design.facts.outcomes.graded
    return "its patients are followed up before others come" + (f"; {MODERATE}" if graded else "")


def _estimated(seen: Replay) -> list[float | None]:
    """Return the design's own estimates from what is known; none where a table has no row for a part of a cohort."""
    design, cohorts = seen.design, seen.course.known if seen.course.pending else seen.cohorts
    try:
        rates = estimated_by(design, *(seen.shown or (after(design, cohorts),)))[0]
    except Faults:
        return [None] * design.facts.doses
    return [None if np.isnan(p) else float(p) for p in rates]


def _inadmissible(design: Design, labels: list[str], told: Sequence[Branch]) -> list[dict[str, Any]]:
    """Return the doses that are inadmissible whatever the pending patients will have."""
    if not told:
        return []
    allowed = np.any([branch.allowed for branch in told], axis=0)
    return [{"level": int(j) + 1, "label": labels[j], "why": design.facts.exclusion} for j in np.flatnonzero(~allowed)]


def _grouping(seen: dict[str, Replay], labels: list[str]) -> dict[str, Any]:
    """Say how patients were grouped, and which answers depend on it."""
    depends: dict[str, Any] = {}
    unchecked = []
    for name, one in seen.items():
        if one.design.facts.pending:
            continue  # it decides on its patients, however they are grouped
        found = groupings(one.design, one.course)
        if found is None:
            unchecked.append(name)
        elif found.ways:
            ways = [{"cohorts": text, **answer.as_object(labels)} for text, answer in found.ways]
            depends[name] = {"if": found.pending, "ways": ways}
    return {
        "stated": all(one.course.stated for one in seen.values()),
        "ambiguous": any(one.course.ambiguous for one in seen.values()),
        "depends": depends,
        "unchecked": unchecked,
    }
