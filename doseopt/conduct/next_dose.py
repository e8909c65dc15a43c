"""The next cohort of each design of a study, after the data so far."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from doseopt.conduct.course import Branch, Course, branches, certain_departures, course_of, known
from doseopt.conduct.groupings import groupings
from doseopt.conduct.question import known_rates
from doseopt.core.cohort import Cohort, format_outcomes
from doseopt.core.design import Design, estimated_by
from doseopt.core.parameters import Fault, Faults, demand
from doseopt.core.trial import after
from doseopt.measures.estimation import LEVEL
from doseopt.records.data import TrialData
from doseopt.study.reader import key
from doseopt.study.study import Study, chosen_designs

KNOWN = ("mean", "lower", "upper", "p_above_target")


def next_dose(
    study: Study, data: TrialData, cohorts: Sequence[Cohort] | None = None, designs: Sequence[str] = ()
) -> dict[str, Any]:
    """Return what each design does now.

    A last cohort that is smaller than the design gave it is unfinished: its rest comes first, unless its dose is
    excluded already or the decision is the same for every outcome of the rest. Patients who are pending are waited for,
    unless the decision is the same for all of their outcomes.

    Parameters
    ----------
    study : Study
    data : TrialData
        Without patients: the first cohort.
    cohorts : sequence of Cohort, optional
        The same patients as cohorts. Left out: as the data state them; if they do not, patients in a row at one dose,
        split as each design splits them.
    designs : sequence of str
        Names; all of the study when empty.

    Returns
    -------
    dict
        `designs`: name -> `action` ("treat", "wait" or "stop"), `dose` (label, or None when stopped or waiting),
        `level` (from 1, or None), `size` (or None), `stop` (reason or None), `mtd` (level or None; None while the trial
        goes on), `unfinished` (patients `treated` and `of` how many, if the next patients are the rest of the last
        cohort, or None), `pending` (patients), `if` (when waiting, what is done for each outcome of the pending
        patients: letters, a group for each cohort that has some, in no order within it; empty if there are too many),
        `departure` (text that names the first cohort the design would not have given, or None) and `departures` (all
        that are certain), `inadmissible` (list of level, label and why), `estimated` (the design's own estimate at each
        dose from what is known, or None), `cohorts` (as replayed, "?" for a pending patient).
        `grouping`: `stated`, whether the data state cohorts; `ambiguous`, whether patients could be grouped otherwise;
        `depends`, designs whose answer depends on it -> `ways`, a list of `cohorts` and the answer, and `if`, the
        outcomes of the pending patients in their order that it is for; `unchecked`, designs with too many ways.
        `doses`: what is known of each under the study's model. `pending` and `left_out`, patients by name. Further
        what it was made from.

    Raises
    ------
    Faults
        If a design is not in the study, looks at a grade that is not recorded, or has no rule for the data.
    """
    chosen = chosen_designs(study, designs)
    demand(isinstance(data, TrialData), "data", "patients as TrialData", data)
    labels = list(study.doses.labels)
    courses = {
        graded: course_of(data, graded, cohorts) for graded in {d.facts.outcomes.graded for d in chosen.values()}
    }
    seen = {name: courses[design.facts.outcomes.graded] for name, design in chosen.items()}
    answers, faults = {}, list[Fault]()
    for name, design in chosen.items():
        try:
            answers[name] = _answer(design, labels, seen[name])
        except Faults as found:
            faults += [fault.under(f"designs.{key(name)}") for fault in found.faults]
    if faults:
        raise Faults(faults, study.name)
    n, y = data.tally()
    rates = known_rates(study, n[None], y[None], data)
    doses = [
        {"level": j + 1, "label": label, "n": int(n[j]), "y": int(y[j])}
        | {name: float(rates[name][0, j]) for name in KNOWN}
        for j, label in enumerate(labels)
    ]
    return {
        "designs": answers,
        "grouping": _grouping(chosen, seen, labels),
        "doses": doses,
        "title": study.title,
        "target": study.target,
        "prior": study.describe_model(),
        "unit": study.doses.unit,
        "level": LEVEL,
        "warnings": "\n".join(data.warnings),
        "pending": [p.name for p in data.pending],
        "left_out": ", ".join(data.left_out),
        **study.provenance(),
    }


def _answer(design: Design, labels: list[str], course: Course) -> dict[str, Any]:
    found = branches(design, course)
    told = found or []
    one = told[0].answer if told and all(branch.answer == told[0].answer for branch in told) else None
    waiting = {"action": "wait"} | dict.fromkeys(("dose", "level", "size", "stop", "mtd", "unfinished"))
    departures = certain_departures(told)
    return {
        **(waiting if one is None else one.as_object(labels)),
        "pending": course.pending,
        "if": {branch.outcome: branch.answer.as_object(labels) for branch in told} if one is None else {},
        "departure": departures[0] if departures else None,
        "departures": departures,
        "inadmissible": _inadmissible(design, labels, told),
        "estimated": _estimated(design, known(course) if course.pending else told[0].cohorts),
        "cohorts": format_outcomes(told[0].cohorts if told and not course.pending else course.blocks),
    }


def _estimated(design: Design, cohorts: Sequence[Cohort]) -> list[float | None]:
    """Return the design's own estimates from what is known; none where a table has no row for a part of a cohort."""
    try:
        rates = estimated_by(design, after(design, cohorts))[0]
    except Faults:
        return [None] * design.facts.doses
    return [None if np.isnan(p) else float(p) for p in rates]


def _inadmissible(design: Design, labels: list[str], told: list[Branch]) -> list[dict[str, Any]]:
    """Return the doses that are inadmissible whatever the pending patients will have."""
    if not told:
        return []
    allowed = np.any([branch.allowed for branch in told], axis=0)
    return [{"level": int(j) + 1, "label": labels[j], "why": design.facts.exclusion} for j in np.flatnonzero(~allowed)]


def _grouping(designs: dict[str, Design], courses: dict[str, Course], labels: list[str]) -> dict[str, Any]:
    """Say how patients were grouped, and which answers depend on it."""
    depends: dict[str, Any] = {}
    unchecked = []
    for name, design in designs.items():
        found = groupings(design, courses[name])
        if found is None:
            unchecked.append(name)
        elif found.ways:
            ways = [{"cohorts": text, **answer.as_object(labels)} for text, answer in found.ways]
            depends[name] = {"if": found.pending, "ways": ways}
    return {
        "stated": all(course.stated for course in courses.values()),
        "ambiguous": any(course.ambiguous for course in courses.values()),
        "depends": depends,
        "unchecked": unchecked,
    }
