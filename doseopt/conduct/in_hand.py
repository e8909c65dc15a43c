"""Data in hand: the trial so far, read with what a study says of its DLT window."""

from __future__ import annotations

import datetime
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from doseopt.core.parameters import Fault, Faults, demand, is_number
from doseopt.records.template import bundled
from doseopt.records.trial import LAST, Trial
from doseopt.records.window import Window, cutoff_of
from doseopt.study.study import Study

if TYPE_CHECKING:
    from doseopt.records.record import Record


def window_of(study: Study, days: float | None = None) -> Window | None:
    """Return the DLT window of a study, and how it reads events in it; None where it states none.

    Parameters
    ----------
    study : Study
    days : float, optional
        Of the window, for a study without one.

    Raises
    ------
    Faults
        If the study states another window.
    """
    demand(days is None or (is_number(days) and days > 0), "window", "days above 0", days)
    stated = None if study.clock is None else study.clock.window
    if days is not None and stated not in (None, days):
        raise Faults(
            [Fault("window", f"wanted the window that the study states, {stated:g} days, or none, got {days:g}")]
        )
    if stated is None and days is None:
        return None
    events = {} if study.window_events is None else study.window_events.events
    readings = {name: event.reading for name, event in events.items()}
    shared = tuple(name for name, event in events.items() if 0 < event.attributed < 1)
    return Window(stated or days or 0.0, readings | {n: "dlt" for n, e in events.items() if e.attributed == 1}, shared)


def is_record(data: str | Path) -> bool:
    """Tell whether data are a folder with the tables of a record, or the name of the invented one."""
    return bundled(Path(data)).is_dir()


def record_so_far(
    study: Study, data: str | Path, cutoff: datetime.date | str | None = None, window: float | None = None
) -> Record:
    """Return the record in a folder as it was known at a cut-off.

    Parameters
    ----------
    study : Study
    data : str or Path
        A folder, or "example".
    cutoff : date or str, optional
        The last date in the data when left out.
    window : float, optional
        Days of the DLT window, for a study without a `[clock]`.
    """
    from doseopt.records.record import read_record

    known = window_of(study, window)
    if known is None:
        wanted = "wanted the days of the DLT window, a [clock] with a window in the study, or --window DAYS"
        raise Faults([Fault("window", wanted)], str(data))
    record, last = read_record(bundled(Path(data)), study.doses, known), cutoff_of(cutoff)
    return record if last is None else record.until(last)


def read_trial(
    study: Study,
    outcomes: str = "",
    data: str | Path | None = None,
    cutoff: datetime.date | str | None = None,
    window: float | None = None,
    named: bool = True,
) -> Trial:
    """Return the trial so far, of a CSV file or the tables of a record if there are any.

    Parameters
    ----------
    study : Study
    outcomes : str
        As `Trial.from_outcomes` reads them.
    data : str or Path, optional
        A file as `Trial.from_csv` reads it, or a folder as `read_record` does; "example", an invented record.
    cutoff : date or str, optional
        The day to which the data are known; the last date in them when left out.
    window : float, optional
        Days of the DLT window, for a study without a `[clock]`.
    named : bool
        Whether patients of a file keep their names; else, as those of a record, they have numbers.

    Examples
    --------
    >>> from doseopt import load_study
    >>> read_trial(load_study("renji-elo"), "1N 2NN?14").shares().share.tolist()
    [[0.5]]
    """
    known = window_of(study, window)
    if data is not None and is_record(data):
        from doseopt.records.status import trial_of  # of a record, which few trials have

        trial = trial_of(record_so_far(study, data, cutoff, window))
        return replace(trial, warnings=(*trial.warnings, LAST)) if cutoff is None else trial
    if data is not None:
        return Trial.from_csv(data, study.doses, known, cutoff, named)
    if cutoff is not None:
        raise Faults([Fault("cutoff", "wanted with data that have dates only; outcomes state days, as in 2NN?14")])
    return Trial.from_outcomes(outcomes, study.doses, known)
