"""A trial so far: its patients, from outcome strings, cohorts or CSV files, and how designs see it.

It stands here and not in `core` because it knows the doses of a study and reads tables.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import math
from collections.abc import Iterable
from dataclasses import astuple, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Self

import numpy as np

from doseopt.core.cohort import Cohort, parse_outcomes
from doseopt.core.design import Design
from doseopt.core.parameters import Fault, Faults
from doseopt.core.state import FloatArray, IntArray, Pending
from doseopt.designs.unfinished import PENDING
from doseopt.records.course import Course, course_of, stated_cohorts
from doseopt.records.follow_up import is_timed
from doseopt.records.patient import MODERATE, Patient
from doseopt.records.replay import Replay, replay
from doseopt.records.rows import COLUMNS, columns_not_read, header_faults, numbered, read_patients
from doseopt.records.window import Completion, Window, cutoff_of, later, pending_days, shares_of
from doseopt.scenarios.doses import Doses
from doseopt.tabular.text import read_table

LAST = "no cut-off is stated: the last date in the data was taken for it"
SCHEME = "t1"
"""Of the digest of a trial, in front of it."""


@dataclass(frozen=True)
class Trial:
    """The patients of a trial so far.

    Parameters
    ----------
    doses : Doses
    patients : tuple of Patient
        In the order of the data, those who are pending or cannot be evaluated included.
    warnings : tuple of str
        What a reader of the analysis must know, in plain words.
    window : Window, optional
        The DLT window, where it is known how long patients were followed.
    cutoff : date, optional
        The day to which the data are known.

    Raises
    ------
    Faults
        If a patient had a DLT that would not count, or a dose that the study does not have.

    Examples
    --------
    >>> from doseopt import ThreePlusThree, Trial
    >>> from doseopt.scenarios.doses import Doses
    >>> trial = Trial.from_outcomes("1NNN 2NT", Doses(("low", "middle", "high")))
    >>> [counts.tolist() for counts in trial.tally()]
    [[3, 2, 0], [0, 1, 0]]
    >>> seen = trial.after(ThreePlusThree(doses=3, target=0.25))
    >>> (seen.answer.level, seen.answer.size, seen.departures)  # the third of the cohort
    (2, 1, [])
    """

    doses: Doses
    patients: tuple[Patient, ...] = ()
    warnings: tuple[str, ...] = ()
    window: Window | None = None
    cutoff: datetime.date | None = None

    def __post_init__(self) -> None:
        """Hold the patients to what must be true of each."""
        faults = [fault for patient in self.patients for fault in patient.contradictions()]
        count = len(self.doses.labels)
        faults += [
            Fault(p.where, f"patient {p.name}: wanted a level from 0 to {count - 1}, got {p.level}")
            for p in self.patients
            if not 0 <= p.level < count
        ]
        if faults:
            raise Faults(faults, "the data")

    @classmethod
    def from_outcomes(cls, outcomes: str, doses: Doses, window: Window | None = None) -> Self:
        """Read an outcome string such as ``"1N 2NNT"``.

        Who is pending is ``?``, with the days of follow-up if they are known, ``"2NN?14"``, of a `window`.

        Raises
        ------
        Faults
            With every cohort that cannot be read.
        """
        text, followed = pending_days(outcomes, window)
        found = cls.from_cohorts(parse_outcomes(text, len(doses.labels), PENDING), doses)
        if window is None or all(days is None for days in followed):
            return found
        days = iter(followed)
        patients = tuple(replace(p, followed=next(days)) if p.dlt is None else p for p in found.patients)
        return replace(found, patients=patients, window=window)

    @classmethod
    def from_cohorts(cls, cohorts: Iterable[Cohort], doses: Doses) -> Self:
        """Return the patients of cohorts, ``PENDING`` for one who is."""
        grades = {"N": MODERATE - 1, "E": MODERATE - 1, "M": MODERATE}
        worked = {"T": False, "N": False, "B": True, "E": True}
        patients: list[Patient] = []
        for number, cohort in enumerate(cohorts, 1):
            for outcome in cohort.letters:
                patient = Patient(
                    name=str(len(patients) + 1),
                    level=cohort.level - 1,
                    dlt=None if outcome == PENDING else outcome in "TB",
                    grade=grades.get(outcome),
                    cohort=str(number),
                    closed=cohort.closed,
                    efficacy=worked.get(outcome),
                    where=f"cohort {number}",
                )
                patients.append(patient)
        return cls(doses, tuple(patients))

    @classmethod
    def from_csv(
        cls,
        path: str | Path,
        doses: Doses,
        window: Window | None = None,
        cutoff: datetime.date | str | None = None,
        named: bool = True,
    ) -> Self:
        """Read one patient a row: `patient`, `dose_level` or `dose`, `dlt`; optional the rest of ``COLUMNS``.

        Encoding, separator and decimal comma are found out (:func:`doseopt.tabular.text.read_table`). `dose_level`
        counts from 1; `dose` is a label of the study or a planned dose in its unit. An empty `dlt`, or ``NA``, is a
        patient who is pending. Patients with `evaluable` = no, and perhaps a `reason`, are listed and left out.
        `cohort` names the cohort, whose rows stand together, and `closed` = yes says that it was closed early. An
        actual dose further from the planned one than the study's tolerance is used as given, and warned of by the
        patient's name; one that is off by a factor of 100 is a fault. Columns of other names are not read, which a
        warning says.

        With a column `treated` (a date) who is pending follows from the DLT window and the cut-off: beside it may stand
        `dlt_date`, and `left` with `left_reason`; then `dlt` may be left out or empty. A column `followup` states the
        days instead, `left_reason` why they end; of a patient with a DLT it is not looked at.

        Parameters
        ----------
        path : str or Path
        doses : Doses
        window : Window, optional
            Wanted where the data say how long patients were followed.
        cutoff : date or str, optional
            The day to which the data are known; the last date in them when left out.
        named : bool
            Whether patients keep their names; else they have numbers of their own, in the order of the data, in
            whatever is said of them. Faults name them.

        Raises
        ------
        Faults
            With every bad row, each with its line.
        """
        asked = cutoff_of(cutoff)
        table = read_table(path, COLUMNS)
        if faults := header_faults(table, window, asked):
            raise Faults(faults, str(path))
        patients, faults, warnings, last = read_patients(table, doses, window, asked)
        if faults:
            raise Faults(faults, str(path))
        if not named:
            patients, _, warnings, _ = read_patients(numbered(table, patients), doses, window, asked)
        if last is not None and asked is None:
            warnings.append(LAST)
        said = (*table.warnings, *columns_not_read(table), *warnings)
        return cls(doses, tuple(patients), said, window if is_timed(table) else None, last)

    @property
    def evaluable(self) -> tuple[Patient, ...]:
        """The patients that count: evaluable, and not pending."""
        return tuple(p for p in self.patients if p.evaluable and p.dlt is not None)

    @property
    def pending(self) -> tuple[Patient, ...]:
        """The patients who are still in the DLT window."""
        return tuple(p for p in self.patients if p.evaluable and p.dlt is None)

    @property
    def left_out(self) -> tuple[str, ...]:
        """The patients that cannot be evaluated, by name, each with the reason if the data say one."""
        why = "cannot be evaluated"
        return tuple(f"{p.name} ({why}{f': {p.reason}' * bool(p.reason)})" for p in self.patients if not p.evaluable)

    @property
    def cohorts(self) -> tuple[tuple[Patient, ...], ...] | None:
        """The cohorts that the data state, pending patients included, those left out not; None if they state none."""
        return stated_cohorts(self.patients)

    @property
    def course(self) -> Course:
        """The patients in blocks that no cohort reaches over."""
        return course_of(self.patients)

    def after(self, design: Design) -> Replay:
        """Return the trial as a design sees it: its cohorts, where they depart from the design, and what is done next.

        Raises
        ------
        Faults
            If the design looks at a grade, or efficacy, that is not recorded, or has no rule for the data.
        """
        space = design.facts.outcomes
        course = course_of(self.patients, space.graded, space.efficacy)
        return replay(design, course, partial(self.shares, design.facts.times))

    @property
    def digest(self) -> str:
        """Digest of what decides: level and outcome of the patients who count, in order and by cohort, and odd doses.

        Names, and whether a file or a string said it, are no difference. Where it is known how long they were followed,
        the days of those who are pending and of DLTs count, too.
        """
        planned = self.doses.values
        odd = [
            None if planned is None or p.actual_dose == planned[p.level] else p.actual_dose
            for p in self.patients
            if p.evaluable
        ]
        days = [p.followed if p.dlt is not False else None for p in self.patients if p.evaluable]
        timed = [] if self.window is None else [self.window.days, days]
        said = json.dumps([self.course.stated, [astuple(block) for block in self.course.blocks], odd, *timed])
        return f"{SCHEME}:{hashlib.sha256(said.encode()).hexdigest()[:16]}"

    def provenance(self) -> dict[str, str]:
        """Return what every result of a trial carries: its digest, who is pending, who is left out, and warnings."""
        return {
            "trial_hash": self.digest,
            "pending": ", ".join(self._followed(p) for p in self.pending),
            "cutoff": "" if self.cutoff is None else self.cutoff.isoformat(),
            "left_out": ", ".join(self.left_out),
            "warnings": "\n".join(self.warnings),
        }

    def _followed(self, patient: Patient) -> str:
        """Name a patient, with the follow-up where it is known of some."""
        return patient.name if self.window is None else f"{patient.name} ({self.window.of(patient.followed)})"

    def shares(self, dlts: bool = False) -> Pending:
        """Return dose and share of the DLT window of each pending patient, a batch of one.

        Parameters
        ----------
        dlts : bool
            Whether the times of the DLTs are asked for, too.

        Raises
        ------
        Faults
            With every pending patient whose follow-up is not known, and if asked for with every DLT whose day is not.
        """
        return shares_of(self.window, self.pending, [p for p in self.evaluable if p.dlt] if dlts else None)

    @property
    def ask_again(self) -> Completion | None:
        """When the next pending patients complete the DLT window; None if nobody is known to."""
        followed = [p.followed for p in self.pending if p.followed is not None]
        if self.window is None or not followed:
            return None
        wait = math.ceil(self.window.days - max(followed))
        names = tuple(p.name for p in self.pending if p.followed == max(followed))
        return Completion(names, wait, later(self.cutoff, wait))

    def tally(self) -> tuple[IntArray, IntArray]:
        """Return patients and DLTs at each planned dose, [D] each."""
        count = len(self.doses.labels)
        levels = [p.level for p in self.evaluable]
        dlts = [p.level for p in self.evaluable if p.dlt]
        return np.bincount(np.array(levels, int), minlength=count), np.bincount(np.array(dlts, int), minlength=count)

    @property
    def has_actual_doses(self) -> bool:
        """Whether any patient's actual dose is known."""
        return any(p.actual_dose is not None for p in self.evaluable)

    def by_actual_dose(self) -> tuple[FloatArray, IntArray, IntArray]:
        """Return the distinct doses given, in the study's unit, and patients and DLTs at each; planned if unknown."""
        if self.doses.values is None:
            raise Faults([Fault("doses.values", "missing; wanted the doses as numbers, to use actual doses")])
        planned = self.doses.values
        given = [planned[p.level] if p.actual_dose is None else p.actual_dose for p in self.evaluable]
        distinct, which = np.unique(np.array(given, float), return_inverse=True)
        dlt = np.array([p.dlt for p in self.evaluable], float)
        n = np.bincount(which, minlength=len(distinct))
        return distinct, n, np.bincount(which, dlt, len(distinct)).astype(np.int64)
