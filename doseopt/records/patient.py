"""One patient of a running trial: dose, outcome, and what must be true of them together."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field

from doseopt.core.parameters import Fault, Faults

MODERATE, DEATH = 2, 5
"""CTCAE grades: the lowest that is a moderate toxicity, and death."""


@dataclass(frozen=True)
class Patient:
    """One patient: the planned dose level, the outcome, and what else is known.

    Parameters
    ----------
    name : str
    level : int
        Index of the planned dose, from 0.
    dlt : bool or None
        None: pending, the patient is still in the DLT window.
    actual_dose : float, optional
        In the study's unit.
    group : str
    grade : int, optional
        Worst CTCAE grade, 0 to 5; None if not recorded.
    evaluable : bool
        False: left out and replaced, which only a patient without DLT can be.
    reason : str
        Why not evaluable, if the data say.
    cohort : str
        As the data name it; empty if they name none.
    closed : bool
        The cohort was closed early.
    treated : date, optional
    followed : float, optional
        Days of the DLT window that are known, to a DLT or to where the patient left it.
    left : str
        Kind of the event by which the patient left the window without a DLT.
    efficacy : bool, optional
        Whether the treatment worked; None if not recorded.
    where : str
        Place in the data, for faults that are found later.
    """

    name: str
    level: int
    dlt: bool | None
    actual_dose: float | None = None
    group: str = ""
    grade: int | None = None
    evaluable: bool = True
    reason: str = ""
    cohort: str = ""
    closed: bool = False
    treated: datetime.date | None = None
    followed: float | None = None
    left: str = ""
    efficacy: bool | None = None
    where: str = field(default="", compare=False)

    @property
    def departure(self) -> str:
        """By what and on which day the patient left the DLT window without a DLT."""
        return f"{self.left} on day {self.followed:g}"

    def contradictions(self) -> list[Fault]:
        """Return what cannot be true together, each with the ways out."""
        who, found = f"patient {self.name}", []
        if self.dlt and not self.evaluable:
            message = f"dlt = 1, evaluable = no: {who} had a DLT, and a patient with a DLT counts in every protocol"
            found.append(Fault(self.where, f"{message}; only one without is left out and replaced"))
        explained = self.left or (not self.evaluable and self.reason)
        if self.grade == DEATH and not self.dlt and not explained:
            message = f"grade: {who} has grade {DEATH} and no DLT; wanted dlt = 1 if it is dose-limiting, else"
            found.append(Fault(self.where, f"{message} evaluable = no with the reason in a column 'reason'"))
        return found


def letter(patient: Patient, graded: bool, weighs_efficacy: bool = False) -> str:
    """Return the outcome of a patient who is not pending: T for a DLT, M for grade 2 or worse without, else N.

    With efficacy B for a DLT, and E without.

    Parameters
    ----------
    patient : Patient
    graded : bool
        Whether the grade is looked at; without, a patient without DLT is N.
    weighs_efficacy : bool
        Whether efficacy is looked at, so that it must be recorded.

    Raises
    ------
    Faults
        If the patient is pending; or if the grade is looked at and not recorded, as that is not mild; or efficacy.
    """
    if patient.dlt is None:
        raise Faults([Fault(patient.where, f"patient {patient.name}: the outcome is pending; wanted a DLT or none")])
    if weighs_efficacy and patient.efficacy is None:
        message = f"efficacy: wanted whether patient {patient.name} has efficacy, yes or no, got nothing"
        raise Faults([Fault(patient.where, f"{message}; the design looks at efficacy")])
    if patient.efficacy:
        return "B" if patient.dlt else "E"
    if patient.dlt:
        return "T"
    if graded and patient.grade is None:
        message = f"grade: wanted the worst grade of patient {patient.name}, 0 to 5, got nothing"
        raise Faults([Fault(patient.where, f"{message}; the design looks at moderate toxicity")])
    return "M" if graded and (patient.grade or 0) >= MODERATE else "N"
