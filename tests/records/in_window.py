"""Patients in a DLT window of 28 days: reading them, and their status."""

import pytest

from doseopt.core.parameters import Faults
from doseopt.records.trial import Trial
from doseopt.records.window import Window
from doseopt.scenarios.doses import Doses

DOSES = Doses(labels=("low", "middle", "high"))
HEADER = "patient,dose_level,treated,dlt,dlt_date,left,left_reason"
WINDOW = Window(28)


def read(folder, *lines, header=HEADER, window=WINDOW, cutoff=None):
    path = folder / "data.csv"
    path.write_text("\n".join((header, *lines)) + "\n", encoding="utf-8")
    return Trial.from_csv(path, DOSES, window, cutoff)


def faults(folder, *lines, **options):
    with pytest.raises(Faults) as caught:
        read(folder, *lines, **options)
    return [str(fault) for fault in caught.value.faults]


def status(trial):
    """Letter and days of each patient: N, T, ? or - for one who cannot be evaluated."""
    return [
        f"{'-' if not p.evaluable else {None: '?', True: 'T', False: 'N'}[p.dlt]}"
        f"{'' if p.followed is None else format(p.followed, 'g')}"
        for p in trial.patients
    ]
