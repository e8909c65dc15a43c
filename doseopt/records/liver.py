"""Liver function in time: the scores of each subject by day, and by visit how many are left to have one."""

from __future__ import annotations

import numpy as np
import xarray as xr

from doseopt.endpoints.survival import Survival
from doseopt.records.measurements import day_of
from doseopt.records.outcomes import SCORES, follow_up, liver_function
from doseopt.records.record import Record


def liver_courses(record: Record) -> xr.Dataset:
    """Return the scores of each subject at the visits that have a day, and what became of the subjects.

    Returns
    -------
    Dataset
        Over `point`, by subject and day: `number` of the subject, `level` of the dose, from 0, `day`, and `value` over
        `score` and `point`, NaN where it is not known. Over `visit`, their days: `reached`, those known to be alive
        without a transplantation then, `gone`, those who had died or were transplanted; over `score` and `visit`:
        `measured`, and of the changes from the last day up to 0 `changed`, their number, `change`, their median, and
        `least` and `most`. Over `subject`: `ended`, the day of death or transplantation, NaN of others.
    """
    dated = ((one, day_of(one.visit)) for one in liver_function(record))
    found = [(one, day) for one, day in dated if day is not None]
    levels = {number: s.level for s, number in zip(record.subjects, record.numbers.values(), strict=True)}
    value = np.array([[one.scores.get(score, np.nan) for one, _ in found] for score in SCORES])
    number, day = np.array([one.subject for one, _ in found], np.int64), np.array([each for _, each in found], float)
    days, died, moved = follow_up(record).ends()
    visits = np.unique(day)
    known = [Survival(days, died | moved).known(max(visit, 0.0)) for visit in visits]
    change = value - _baseline(number, day, value)
    values = record.doses.values
    sized = {} if values is None else {"dose_value": ("dose", list(values), {"units": record.doses.unit})}
    return xr.Dataset(
        {
            "number": ("point", number),
            "level": ("point", [levels[each] for each in number.tolist()]),
            "day": ("point", day),
            "value": (("score", "point"), value.reshape(len(SCORES), -1)),
            "reached": ("visit", [alive for _, alive, _ in known]),
            "gone": ("visit", [dead for dead, _, _ in known]),
            **_by_visit(visits, day, value, change),
            "ended": ("subject", np.where(died | moved, days, np.nan)),
        },
        {
            "score": list(SCORES),
            "visit": visits,
            "subject": list(record.numbers.values()),
            "dose": list(record.doses.labels),
            **sized,
        },
    )


def _baseline(number: np.ndarray, day: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Return the last value up to day 0 of the subject of each point, NaN without one; [score, point]."""
    found = np.full((len(value), int(number.max(initial=0)) + 1), np.nan)
    early = np.flatnonzero(day <= 0)
    early = early[np.argsort(day[early], kind="stable")]
    for s, scores in enumerate(value):
        known = early[~np.isnan(scores[early])]
        found[s, number[known]] = scores[known]  # of several the last stays
    return found[:, number]


def _by_visit(visits: np.ndarray, day: np.ndarray, value: np.ndarray, change: np.ndarray) -> dict[str, object]:
    """Return how many values each visit has, and how they changed."""
    counts = np.zeros((2, len(SCORES), len(visits)), np.int64)
    middle = np.full((3, len(SCORES), len(visits)), np.nan)
    for v, visit in enumerate(visits):
        for s in range(len(SCORES)):
            here = day == visit
            known = change[s, here][~np.isnan(change[s, here])]
            counts[:, s, v] = (~np.isnan(value[s, here])).sum(), len(known)
            if len(known):
                middle[:, s, v] = np.median(known), known.min(), known.max()
    names = ("measured", "changed"), ("change", "least", "most")
    each = [*zip(names[0], counts, strict=True), *zip(names[1], middle, strict=True)]
    return {name: (("score", "visit"), values) for name, values in each}
