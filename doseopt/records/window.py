"""The DLT window of a running trial, and how patients count who leave it."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from doseopt.clock.competing import READINGS
from doseopt.core.parameters import Fault, Faults, check, nearest, param, quoted
from doseopt.core.state import Pending
from doseopt.records.patient import Patient
from doseopt.tabular.dates import EXAMPLE, read_date

KINDS: dict[str, tuple[str, ...]] = {
    "death": ("death", "dead", "died", "deceased"),
    "transplantation": (
        *("transplantation", "transplant", "transplanted", "liver transplantation", "liver transplant", "ltx", "olt"),
    ),
    "dropout": (
        *("dropout", "drop-out", "dropped out", "withdrawal", "withdrew", "withdrawn", "withdrawal by subject"),
        *("withdrawal of consent", "withdrew consent", "consent withdrawn", "lost", "lost to follow-up"),
    ),
}
"""The words in which data say why a patient left, by kind of event; the first is the usual one."""
COUNTED = {"dlt": True, "complete": False}
"""Readings by which a patient who left counts, and whether as a DLT; by the others the patient is left out."""
_PENDING = re.compile(r"\?([0-9]+(?:\.[0-9]+)?)?", re.ASCII)


def kind_of(text: str) -> str | None:
    """Return the kind of event that a reason is, None if it is none that is known.

    Examples
    --------
    >>> [kind_of(text) for text in ("Died", "Withdrawal by Subject", "adverse event")]
    ['death', 'dropout', None]
    """
    said = " ".join(text.lower().replace("_", " ").split())
    return next((kind for kind, words in KINDS.items() if said in words), None)


class Days(NamedTuple):
    """Days from the treatment of a patient; None for what did not happen, or is not known.

    Parameters
    ----------
    now, dlt, left : float, optional
        The cut-off, the first DLT, and where the patient left.
    kind : str, optional
        Of the event by which the patient left.
    """

    now: float | None
    dlt: float | None = None
    left: float | None = None
    kind: str | None = None


@dataclass(frozen=True)
class Window:
    """A DLT window, and how patients count who leave it without a DLT.

    Parameters
    ----------
    days : float
    readings : mapping of str to str
        How a patient counts who leaves by an event of `KINDS`: `dlt`, `replace` or `complete`. Of those that are not
        named data must say it themselves.
    shared : tuple of str
        Events of which a share is called a DLT, so that data must say of each whether it is one.

    Examples
    --------
    >>> Window(28, {"death": "replace"}).share(7)
    0.25
    """

    days: float = param(kind=float, low=0, open_low=True, doc="days of the DLT window")
    readings: Mapping[str, str] = field(default_factory=dict)
    shared: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check the days, and that events and readings are known."""
        faults = [
            Fault(f"readings.{kind}", f"no such event{nearest(kind, KINDS)}")
            for kind in (*self.readings, *self.shared)
            if kind not in KINDS
        ]
        check(self, faults)

    def holds(self, day: float, kind: str | None) -> bool:
        """Tell whether who left on a day was in the window; on its last day who dies was, who drops out was not."""
        return day < self.days or (day == self.days and kind != "dropout")

    def status(self, days: Days) -> str:
        """Return what is known of a patient at the cut-off: `dlt`, `left` without one, `over` or `open`.

        Examples
        --------
        >>> [Window(28).status(Days(20, dlt, left, "death")) for dlt, left in ((20, None), (None, 19), (21, 21))]
        ['dlt', 'left', 'open']
        """
        now, dlt, left, kind = days
        if now is None:
            return "open"
        if dlt is not None and dlt <= now:
            return "dlt"
        if left is not None and left <= now and self.holds(left, kind):
            return "left"
        return "over" if now >= self.days else "open"

    def open_question(self, patient: Patient, alone: str) -> str:
        """Say what study and data leave open of a patient who left without a DLT; nothing if nothing.

        Parameters
        ----------
        patient : Patient
        alone : str
            How the data say it of one patient.
        """
        who = f"patient {patient.name} left the DLT window without a DLT ({patient.departure})"
        if patient.left not in self.readings:
            return f"{who}, and how that counts is not stated; {how_to_state(patient.left)}, {alone}"
        if patient.left in self.shared and patient.dlt is None:
            return f"{who}, and the study calls a share of such events DLTs: was this one?"
        return ""

    def as_read(self, patient: Patient) -> Patient:
        """Return a patient who left without a DLT as the study reads the event."""
        dlt = COUNTED.get(self.readings[patient.left])
        if dlt is None:
            return replace(patient, dlt=False, evaluable=False, reason=patient.reason or patient.departure)
        return replace(patient, dlt=dlt)

    def share(self, followed: float) -> float:
        """Return how much of the window has been followed."""
        return min(followed / self.days, 1.0)

    def of(self, followed: float | None) -> str:
        """Say how long a patient has been followed."""
        return "follow-up not known" if followed is None else f"{followed:g} of {self.days:g} days"


class Completion(NamedTuple):
    """The next pending patients who complete the DLT window: names, in how many days, and the date if it is known."""

    patients: tuple[str, ...]
    days: int
    on: str | None


def later(date: datetime.date | None, days: int) -> str | None:
    """Return the date so many days later, None where there is none, and beyond all calendars."""
    try:
        return None if date is None else (date + datetime.timedelta(days)).isoformat()
    except OverflowError:
        return None


def cutoff_of(given: datetime.date | str | None) -> datetime.date | None:
    """Return a cut-off as a date."""
    if given is None or isinstance(given, datetime.date):
        return None if given is None else datetime.date(given.year, given.month, given.day)
    found = read_date(given.strip()) if isinstance(given, str) else None
    if found is None:
        raise Faults([Fault("cutoff", f"wanted a date such as {EXAMPLE}, the year first, got {quoted(str(given))}")])
    return found


def pending_days(outcomes: str, window: Window | None) -> tuple[str, list[float | None]]:
    """Return an outcome string without the days of follow-up, and these of each pending patient, in order.

    Examples
    --------
    >>> pending_days("1NNN 2N?14?", Window(28))
    ('1NNN 2N??', [14.0, None])
    """
    if not isinstance(outcomes, str):
        return outcomes, []
    followed: list[float | None] = []
    faults: list[Fault] = []
    for number, group in enumerate(outcomes.split(), 1):
        days = [float(found) if found else None for found in _PENDING.findall(group)]
        followed += days
        where, most = f"cohort {number} ({quoted(group, 20)})", max((d for d in days if d is not None), default=None)
        if most is not None and window is None:
            wanted = "wanted the days of the DLT window, which the follow-up of a pending patient is a part of"
            faults.append(Fault(where, f"{wanted}: a [clock] with a window in the study, or --window DAYS"))
        elif most is not None and window is not None and most >= window.days:
            wanted = f"wanted less than the {window.days:g} days of the DLT window for a pending patient"
            faults.append(Fault(where, f"{wanted}, got {most:g}; who completed it is N"))
    if faults:
        raise Faults(faults, f"outcomes {quoted(outcomes)}")
    return _PENDING.sub("?", outcomes), followed


def shares_of(window: Window | None, pending: Sequence[Patient], struck: Sequence[Patient] | None) -> Pending:
    """Return pending patients as a design sees them, with the times of the DLTs if these are given; faults if unknown.

    Parameters
    ----------
    window : Window, optional
    pending : sequence of Patient
    struck : sequence of Patient, optional
        Those with a DLT, where their times are asked for.
    """
    ways = "wanted a column 'followup' (days), or 'treated' (a date) with a cut-off; ?14 in an outcome string"
    days = "wanted the columns 'treated' and 'dlt_date': the design weighs the pending by when DLTs came"
    asked = [(p, f"is pending, and for how long is not known; {ways}") for p in pending]
    asked += [(p, f"had a DLT, and on which day is not known; {days}") for p in struck or ()]
    faults = [Fault(p.where, f"patient {p.name} {why}") for p, why in asked if window is None or p.followed is None]
    if faults:
        raise Faults(faults)
    share, times = (
        np.array([[0.0 if window is None else window.share(p.followed or 0.0) for p in some]], float)
        for some in (pending, struck or ())
    )
    return Pending(np.array([[p.level for p in pending]], int), share, None if struck is None else times)


def how_to_state(kind: str) -> str:
    """Say how a study states the reading of an event."""
    offered = ", ".join(f"{reading} ({text})" for reading, text in READINGS.items())
    return f"wanted [window_events] {kind} = {{ probability = P, reading = R }} in the study, R one of {offered}"
