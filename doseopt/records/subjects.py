"""Subjects of a trial: dose, dates of treatment, death, transplantation and end of study, from the rows of ADSL."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass, field

from doseopt.core.parameters import Fault, nearest, quoted
from doseopt.core.text import counted
from doseopt.records.doses import actual_dose, planned_level
from doseopt.records.window import Window, kind_of
from doseopt.scenarios.doses import Doses
from doseopt.tabular.cells import Cells

SEX = {"f": True, "female": True, "w": True, "m": False, "male": False}
OLDEST, HEAVIEST = 130, 500
"""Years and kg."""
MOST_COMPARED = 50
"""Subjects among whom the nearest name is sought."""


@dataclass(frozen=True)
class Subject:
    """A subject who was treated.

    Parameters
    ----------
    name : str
    level : int
        Index of the planned dose, from 0.
    treated : date
    actual_dose : float, optional
        In the study's unit.
    age : float, optional
    female : bool, optional
    weight : float, optional
        In kg, before treatment.
    population : str
    evaluable : bool, optional
        For DLT, as the data say it; None if they do not.
    death, transplantation, end : date, optional
        `end`: the subject left the study.
    reason : str
        Why the subject left.
    cohort : str
    where : str
        File and line.
    """

    name: str
    level: int
    treated: datetime.date
    actual_dose: float | None = None
    age: float | None = None
    female: bool | None = None
    weight: float | None = None
    population: str = ""
    evaluable: bool | None = None
    death: datetime.date | None = None
    transplantation: datetime.date | None = None
    end: datetime.date | None = None
    reason: str = ""
    cohort: str = ""
    where: str = ""

    def day(self, date: datetime.date) -> int:
        """Return the day of a date; the day of treatment is 0."""
        return (date - self.treated).days

    def departure(self, window: Window) -> tuple[str, float] | tuple[None, None]:
        """Return by what event and on which day the subject left a DLT window, None if by none.

        Of events on one day death comes first, then transplantation.
        """
        dates = {"death": self.death, "transplantation": self.transplantation, "dropout": self.end}
        days = {kind: float(self.day(date)) for kind, date in dates.items() if date is not None}
        inside = {kind: day for kind, day in days.items() if window.holds(day, kind)}
        kind = min(inside, key=lambda name: inside[name], default=None)
        return (None, None) if kind is None else (kind, inside[kind])


@dataclass(frozen=True, eq=False)
class Roster:
    """The subjects whom other tables may name.

    Parameters
    ----------
    treated : dict of str to Subject
    untreated : set of str
    wrong : set of str
        Those whose own row has faults: nothing is said of their other rows.
    """

    treated: dict[str, Subject] = field(default_factory=dict)
    untreated: set[str] = field(default_factory=set)
    wrong: set[str] = field(default_factory=set)

    def of(self, cells: Cells) -> Subject | None:
        """Return the treated subject of a row, None for another; with a fault if nobody has the name."""
        name = cells.raw("USUBJID")
        known = name in self.treated or name in self.untreated or name in self.wrong
        if not known and "" not in self.wrong:  # else a row could not be read, and may be that of the name
            few = [*self.treated, *self.untreated] if len(self.treated) <= MOST_COMPARED else []
            cells.fault("USUBJID", "a subject of adsl.csv", nearest(name, few))
        return self.treated.get(name)


def read_subjects(rows: Iterable[Cells], doses: Doses) -> tuple[Roster, list[Fault], list[str]]:
    """Return the subjects, faults, and what to warn of."""
    roster = Roster()
    lines: dict[str, str] = {}
    faults: list[Fault] = []
    warnings: list[str] = []
    for cells in rows:
        subject = None if cells.faults else _subject(cells, doses, warnings)
        name = cells.raw("USUBJID")
        if name and name in lines:
            message = f"USUBJID: {quoted(name)} stands already in {lines[name]}, wanted one row a subject"
            cells.faults.insert(0, Fault(cells.where, message))
        lines.setdefault(name, cells.where)
        faults += cells.faults
        if cells.faults:
            roster.wrong.add(name)
        elif subject is None:
            roster.untreated.add(name)
        else:
            roster.treated[name] = subject
    if roster.untreated:
        warnings.append(f"not treated (SAFFL = N), and left out: {counted(len(roster.untreated), 'subject')}")
    return roster, faults, warnings


def _subject(cells: Cells, doses: Doses, warnings: list[str]) -> Subject | None:
    """Return the subject of a row, None if not treated, or with faults."""
    for column in ("USUBJID", "SAFFL"):
        if not cells.has(column):
            cells.fault(column, "a subject" if column == "USUBJID" else "Y or N")
    name, treated = cells.text("USUBJID"), cells.date("TRTSDT")
    safety = cells.yes("SAFFL", default=False)
    if safety and not cells.has("TRTSDT"):
        cells.fault("TRTSDT", "the date of treatment")
    if cells.faults or treated is None or not safety:
        return None
    level = planned_level(cells, doses, "DOSELEV", "TRT01A")
    subject = Subject(
        name=name,
        level=level or 0,
        treated=treated,
        actual_dose=actual_dose(cells, doses, level, warnings, "ACTDOSE", "USUBJID"),
        age=_within(cells, "AGE", "years", OLDEST),
        female=_female(cells),
        weight=_within(cells, "WEIGHTBL", "kg", HEAVIEST),
        population=cells.text("POPULATION"),
        evaluable=cells.yes("EVALFL", default=True) if cells.has("EVALFL") else None,
        death=_later(cells, "DTHDT", treated),
        transplantation=_later(cells, "TRANSDT", treated),
        end=_later(cells, "EOSDT", treated),
        reason=cells.text("DCSREAS"),
        cohort=cells.text("COHORT") if cells.has("COHORT") else "",
        where=cells.where,
    )
    for column, kind, date in (
        ("DTHDT", "death", subject.death),
        ("TRANSDT", "transplantation", subject.transplantation),
    ):
        if kind_of(subject.reason) == kind and date is None:
            cells.fault(column, f"the date of the {kind} that DCSREAS states")
    if subject.death and subject.transplantation and subject.transplantation > subject.death:
        cells.fault("TRANSDT", f"a date up to that of death ({subject.death})")
    return subject


def _later(cells: Cells, column: str, treated: datetime.date) -> datetime.date | None:
    """Return a date that cannot be before treatment."""
    date = cells.date(column)
    if date is not None and date < treated:
        cells.fault(column, f"a date from the treatment on ({treated})")
    return date


def _within(cells: Cells, column: str, unit: str, most: float) -> float | None:
    """Return a number from 0 to a largest that anybody has."""
    value = cells.number(column)
    if cells.has(column) and (value is None or not 0 <= value <= most):
        cells.fault(column, f"{unit} in [0, {most}]")
    return value


def _female(cells: Cells) -> bool | None:
    word = cells.raw("SEX").lower()
    if cells.has("SEX") and word not in SEX and word not in ("u", "unknown"):
        cells.fault("SEX", "F or M")
    return SEX.get(word)
