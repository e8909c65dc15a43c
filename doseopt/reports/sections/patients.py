"""Patients at the cut-off of the data: numbers of their own and days of the trial, no names and no dates."""

from __future__ import annotations

from doseopt.records.patient import Patient
from doseopt.records.trial import Trial
from doseopt.reports.render.document import Block, Table


def patients_at_cutoff(trial: Trial) -> list[Block]:
    """Return a row a patient, where it is known how long some were followed.

    Parameters
    ----------
    trial : Trial
    """
    if trial.window is None:
        return []
    first = min((p.treated for p in trial.patients if p.treated is not None), default=None)
    rows = [
        (
            str(number),
            trial.doses.labels[p.level],
            "-" if first is None or p.treated is None else str((p.treated - first).days),
            "-" if p.followed is None else f"{p.followed:g}",
            _status(p),
        )
        for number, p in enumerate(trial.patients, 1)
    ]
    head = (
        "patient",
        f"dose{f' ({trial.doses.unit})' * bool(trial.doses.unit)}",
        "treated on day",
        "followed",
        "status",
    )
    notes = (
        "Patients are numbered in the order of the data; day 0 is that of the first treatment. Followed: days of the "
        f"DLT window of {trial.window.days:g} that are known, to a DLT or to where the patient left it.",
    )
    return [Table("Patients at the cut-off of the data.", head, tuple(rows), texts=(0, 4), notes=notes)]


def _status(patient: Patient) -> str:
    """Say whether a patient counts, and with what."""
    event = f" ({patient.left})" if patient.left else ""
    if not patient.evaluable:
        return f"not evaluable{event}"
    said = {None: "pending", True: "DLT", False: "no DLT in the window"}[patient.dlt]
    return f"{said}{event}"
