"""Eligibility of the subjects of a record: who deviates from the criteria of a study and by what, and who is not known.

Nobody is dropped for it: tally, posterior and next dose as if they had not been treated stand beside those of all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from doseopt.conduct.next_dose import next_dose
from doseopt.records.measurements import Measurement
from doseopt.records.record import Record
from doseopt.records.status import trial_of
from doseopt.records.subjects import Subject
from doseopt.study.eligibility import SUBJECT, VARIABLES, Condition, Criterion, Eligibility
from doseopt.study.study import Study

type _Before = Mapping[str, Measurement]
"""The last value of each parameter up to the day of treatment."""


@dataclass(frozen=True)
class Finding:
    """A criterion that a subject does not meet, or of which it is not known.

    Parameters
    ----------
    subject : int
        Number in the order of treatment.
    dose : str
    criterion : str
    found : str
        The values, or what lacks.
    by : str
        How far the values are from the bounds; empty where it is not known whether they are met.
    """

    subject: int
    dose: str
    criterion: str
    found: str
    by: str = ""

    @property
    def deviates(self) -> bool:
        """Whether the criterion is not met, and not merely not known."""
        return bool(self.by)


def findings(study: Study, record: Record) -> list[Finding]:
    """Return what is not met, or not known, of the criteria of a study that a table can check, by subject.

    A value is the last up to the day of treatment. A criterion of a population is for its subjects alone.

    Parameters
    ----------
    study : Study
    record : Record
    """
    eligibility = study.eligibility
    if eligibility is None:
        return []
    populations = [] if study.populations is None else list(study.populations.shares)
    values: dict[str, dict[str, Measurement]] = defaultdict(dict)
    early = ((value.on, value) for value in record.measurements if value.on is not None and value.on <= 0)
    for _, value in sorted(early, key=lambda pair: (pair[0], pair[1].draw)):
        values[value.subject][value.parameter] = value
    found = []
    for subject in record.subjects:
        who = record.numbers[subject.name], record.doses.labels[subject.level]
        if eligibility.populations and (lacks := _no_population(subject, populations)):
            found.append(Finding(*who, f"those of {' or '.join(eligibility.populations)}", lacks))
        found += [Finding(*who, *said) for said in _of(eligibility, subject, values[subject.name])]
    return found


def _no_population(subject: Subject, known: list[str]) -> str:
    """Say that a subject is of no population, or of none that the study has; nothing where it states none."""
    if not subject.population:
        return "population not recorded"
    other = known and subject.population.casefold() not in (name.casefold() for name in known)
    return f"population {subject.population!r} is none of the study" if other else ""


def _of(eligibility: Eligibility, subject: Subject, before: _Before) -> Iterable[tuple[str, str, str]]:
    """Return criterion, values and distances of what a subject does not meet, or of which it is not known."""
    for wanted, criteria in ((True, eligibility.include), (False, eligibility.exclude)):
        for one in criteria:
            if one.population and one.population.casefold() != subject.population.casefold():
                continue
            said = _unmet(one, subject, before, wanted)
            if said is not None:
                yield f"{'' if wanted else 'excluded: '}{one.describe()}", *said


def _unmet(criterion: Criterion, subject: Subject, before: _Before, wanted: bool) -> tuple[str, str] | None:
    """Return values and distances, no distances where it is not known, None where the criterion is met."""
    seen = [(condition, *_value(condition, subject, before)) for condition in criterion.conditions]
    holds = [None if value is None else condition.holds(value) for condition, value, _ in seen]
    answer = True if True in holds else None if None in holds else False
    if answer is wanted:
        return None
    if answer is None:
        return "; ".join(lacks for _, _, lacks in seen if lacks), ""
    told = [(c, v) for (c, v, _), held in zip(seen, holds, strict=True) if v is not None and held is answer]
    values = (f"{VARIABLES[c.variable]} {c.quantity(v)}" for c, v in told)
    return "; ".join(values), "; ".join(c.quantity(abs(v - c.value)) for c, v in told)


def _value(condition: Condition, subject: Subject, before: _Before) -> tuple[float | None, str]:
    """Return a value in the unit of a condition, and what lacks where it is not known."""
    if condition.variable in SUBJECT:
        value = subject.age if condition.variable == "AGE" else subject.weight
        return value, "" if value is not None else f"no {condition.variable}"
    measured = before.get(condition.variable)
    if measured is None:
        return None, f"no {condition.variable} up to day 0"
    value = condition.measured(measured.value, measured.upper)
    return value, "" if value is not None else f"no ANRHI of {condition.variable}"


def with_and_without(study: Study, record: Record, subjects: Collection[int]) -> dict[str, dict[str, Any]]:
    """Return what `next_dose` says `with` all subjects, and `without` some of them, as if they had not been treated.

    Parameters
    ----------
    study : Study
    record : Record
    subjects : collection of int
        Their numbers.

    Raises
    ------
    Faults
        If the record has no tally, or a design has no rule for one of the two trials.
    """
    trial = trial_of(record)
    kept = tuple(p for p in trial.patients if int(p.name) not in subjects)
    return {"with": next_dose(study, trial), "without": next_dose(study, replace(trial, patients=kept))}
