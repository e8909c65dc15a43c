"""What each design of a study does now, after the data so far."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from doseopt.conduct.replay import chosen_designs, grouped, replay
from doseopt.data import TrialData
from doseopt.design import Design
from doseopt.outcome_string import Cohort, format_outcomes
from doseopt.posterior import summarise
from doseopt.state import CONTINUE, NONE
from doseopt.study import Study
from doseopt.trial import selected, step

KNOWN = ("n", "y", "mean", "lower", "upper", "p_above_target")


def next_dose(
    study: Study, data: TrialData, cohorts: Sequence[Cohort] | None = None, designs: Sequence[str] = ()
) -> dict[str, Any]:
    """Return what each design does now.

    Parameters
    ----------
    study : Study
    data : TrialData
        Without patients: the first cohort.
    cohorts : sequence of Cohort, optional
        The same patients as cohorts. Left out: patients in a row at one dose, split as each design splits them.
    designs : sequence of str
        Names; all of the study when empty.

    Returns
    -------
    dict
        `designs`: name -> `dose` (label, or None when stopped), `level` (from 1, or None), `size` (None when stopped),
        `stop` (reason or None), `mtd` (level or None; None while the trial goes on), `departure` (text that names the
        first cohort the design would not have given, or None) and `departures` (all of them), `inadmissible` (list of
        level, label and why), `estimated` (the design's own estimate at each dose, or None), `cohorts` (as replayed).
        `doses`: what is known of each under the study's model. Further what it was made from.

    Raises
    ------
    Faults
        If a design is not in the study.
    """
    chosen = chosen_designs(study, designs)
    summary = summarise(study, data)
    labels = list(study.doses.labels)
    known = [
        {"level": j + 1, "label": label, **{name: summary[name].to_numpy()[j].item() for name in KNOWN}}
        for j, label in enumerate(labels)
    ]
    patients = data.evaluable
    answers = {
        name: _answer(design, labels, grouped(design, patients) if cohorts is None else tuple(cohorts))
        for name, design in chosen.items()
    }
    attrs = ("title", "target", "prior", "unit", "level", "warnings", "left_out", "version", "study", "study_hash")
    return {"designs": answers, "doses": known, **{name: summary.attrs[name] for name in attrs}}


def _answer(design: Design, labels: list[str], cohorts: tuple[Cohort, ...]) -> dict[str, Any]:
    state, departures = replay(design, cohorts)
    given = step(design, state)
    going = given.stop[0] == CONTINUE
    mtd = NONE if going else int(selected(design, state, given.stop)[0])
    allowed = design.admissible(state)[0]
    estimate = design.estimated(state)[0]
    level = int(given.dose[0])
    return {
        "dose": labels[level] if going else None,
        "level": level + 1 if going else None,
        "size": int(given.size[0]) if going else None,
        "stop": None if going else design.stops[given.stop[0] - 1],
        "mtd": None if mtd == NONE else mtd + 1,
        "departure": departures[0] if departures else None,
        "departures": departures,
        "inadmissible": [
            {"level": int(j) + 1, "label": labels[j], "why": design.exclusion} for j in np.flatnonzero(~allowed)
        ],
        "estimated": [None if np.isnan(p) else float(p) for p in estimate],
        "cohorts": format_outcomes(cohorts),
    }
