"""Outcomes of a record: follow-up to death and transplantation, courses of subjects, liver function by visit."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import xarray as xr

from doseopt.endpoints.meld import meld, meld3, meld_na
from doseopt.endpoints.survival import FollowUp
from doseopt.records.adverse_events import LAST_EMERGENT
from doseopt.records.measurements import Measurement, day_of
from doseopt.records.record import MADE_UP, Record
from doseopt.records.status import statuses
from doseopt.records.subjects import Subject

SCORES: dict[str, tuple[str, ...]] = {
    "MELD": ("BILI", "INR", "CREAT"),
    "MELD-Na": ("BILI", "INR", "CREAT", "SODIUM"),
    "MELD 3.0": ("BILI", "INR", "CREAT", "SODIUM", "ALB"),
}
"""The parameters that each score is made of."""


def follow_up(record: Record, level: int | None = None) -> FollowUp:
    """Return the follow-up of all subjects, or of those at a level, from 0, to the last day of the record.

    Who left the study is followed to that day; a death that is known counts, also after it.
    """
    subjects = [subject for subject in record.subjects if level is None or subject.level == level]

    def days(dates: Iterable[tuple[Subject, datetime.date | None]]) -> list[float]:
        return [np.nan if date is None else float(subject.day(date)) for subject, date in dates]

    return FollowUp(
        days((s, min(s.end or record.last, record.last)) for s in subjects),
        days((s, s.death) for s in subjects),
        days((s, s.transplantation) for s in subjects),
    )


@dataclass(frozen=True)
class LiverFunction:
    """Scores of one subject at one visit.

    Parameters
    ----------
    subject : int
        Number in the order of treatment.
    dose : str
    visit : str
        Its day, or its name.
    scores : dict of str to float
        MELD, MELD-Na (OPTN 2016) and MELD 3.0, as far as they can be computed.
    missing : dict of str to str
        By score, why it cannot.
    """

    subject: int
    dose: str
    visit: str
    scores: dict[str, float] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)


@lru_cache(maxsize=2)  # a table and a figure ask for it
def liver_function(record: Record) -> tuple[LiverFunction, ...]:
    """Return the scores at each visit with any of their parameters, by subject and day of the visit.

    All values of a score are from one draw, which has one date and time; dialysis holds for its visit, and is none
    where it is not recorded.
    """
    wanted = {*SCORES["MELD 3.0"], "DIAL7"}
    visits: dict[tuple[str, str], list[Measurement]] = defaultdict(list)
    for value in record.measurements:
        if value.parameter in wanted:
            visits[value.subject, value.visit].append(value)
    numbers = record.numbers
    subjects = {subject.name: subject for subject in record.subjects}

    def place(key: tuple[str, str]) -> tuple[int, float, str]:
        day = day_of(key[1])
        return numbers[key[0]], np.inf if day is None else day, key[1]

    found: list[LiverFunction] = []
    whole: dict[str, list[tuple[LiverFunction, dict[str, float]]]] = {score: [] for score in SCORES}
    for name, visit in sorted(visits, key=place):
        values, subject = visits[name, visit], subjects[name]
        if {value.parameter for value in values} == {"DIAL7"}:
            continue
        found.append(LiverFunction(numbers[name], record.doses.labels[subject.level], visit))
        known = {v.parameter: v.value for v in values} | {"female": float(subject.female or False)}
        for score, parts in SCORES.items():
            if why := _why_not(values, parts, subject if score == "MELD 3.0" else None):
                found[-1].missing[score] = why
            else:
                whole[score].append((found[-1], known))
    for score, each in whole.items():
        for (one, _), number in zip(each, _scores(score, [known for _, known in each]), strict=True):
            one.scores[score] = number
    return tuple(found)


def _why_not(values: Iterable[Measurement], parts: tuple[str, ...], sexed: Subject | None) -> str:
    """Say why a score cannot be computed; nothing if it can."""
    used = [value for value in values if value.parameter in parts]
    codes = [value.parameter for value in used]
    lacking = [part for part in parts if part not in codes]
    twice = [part for part in parts if codes.count(part) > 1]
    if lacking:
        return f"no {', '.join(lacking)}"
    if twice:
        return f"more than one value of {', '.join(twice)}"
    if len({value.draw for value in used}) > 1:
        return "values of different draws"
    return "sex not recorded" if sexed is not None and sexed.female is None else ""


def _scores(score: str, visits: Sequence[Mapping[str, float]]) -> list[float]:
    """Return a score at many visits, from values in mg/dL, g/dL and mmol/L."""
    codes = (*SCORES[score], "DIAL7", "female")
    value = {code: np.array([visit.get(code, 0.0) for visit in visits]) for code in codes}
    first, dialysis = (value["BILI"], value["INR"], value["CREAT"]), value["DIAL7"]
    if score == "MELD":
        found = meld(*first, dialysis=dialysis)
    elif score == "MELD-Na":
        found = meld_na(*first, sodium=value["SODIUM"], dialysis=dialysis)
    else:
        sodium, albumin, female = value["SODIUM"], value["ALB"], value["female"]
        found = meld3(*first, sodium=sodium, albumin=albumin, female=female, dialysis=dialysis)
    return [float(each) for each in np.atleast_1d(found)]


def courses(record: Record, until: int = LAST_EMERGENT) -> xr.Dataset:
    """Return the course of each subject from treatment on, as a swimmer plot shows it.

    Parameters
    ----------
    record : Record
    until : int
        Last day that is shown.

    Returns
    -------
    Dataset
        Over `subject` (their numbers): `level` of the dose, from 0, `days` of follow-up, `end` ("death",
        "transplantation", "left", "open" if it goes on, "over" on the last day shown) and `pending`; over `mark`:
        `marked` (number of the subject), `day` and `kind` ("dlt", "serious"); the attribute `remark` says so where the
        record is invented.
    """
    followed = follow_up(record)
    days, died, moved = followed.ends()
    numbers = record.numbers
    ends = []
    for subject, day, dead, transplanted in zip(record.subjects, days, died, moved, strict=True):
        left = subject.end is not None and not dead and not transplanted
        kind = "death" if dead else "transplantation" if transplanted else "left" if left else "open"
        ends.append("over" if day > until or (day == until and kind in ("left", "open")) else kind)
    marks = [
        (numbers[event.subject], event.day, "dlt" if event.dlt else "serious")
        for event in record.events
        if (event.dlt or event.serious) and 0 <= event.day <= until
    ]
    states = statuses(record)
    values = record.doses.values
    sized = {} if values is None else {"dose_value": ("dose", list(values), {"units": record.doses.unit})}
    return xr.Dataset(
        {
            "level": ("subject", [subject.level for subject in record.subjects]),
            "days": ("subject", np.minimum(days, until)),
            "end": ("subject", np.array(ends, dtype=object)),
            "pending": ("subject", [state.evaluable and state.dlt is None for state in states]),
            "marked": ("mark", np.array([number for number, *_ in marks], np.int64)),
            "day": ("mark", np.array([day for _, day, _ in marks], float)),
            "kind": ("mark", np.array([kind for *_, kind in marks], dtype=object)),
        },
        {"subject": list(numbers.values()), "dose": list(record.doses.labels), **sized},
        {
            "window": record.window.days,
            "until": until,
            "last": record.last.isoformat(),
            "remark": MADE_UP if MADE_UP in record.warnings else "",
        },
    )
