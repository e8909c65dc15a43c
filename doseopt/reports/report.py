"""The amendment report from Python: the verbs amend and report."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from doseopt.amendment.dossier import Dossier, gather, proposed
from doseopt.conduct.in_hand import record_so_far
from doseopt.core.files import sweep_unfinished
from doseopt.reports.amendment import amendment_report
from doseopt.reports.files import command_again, digest_of, patient_files, write_amendment
from doseopt.reports.given import GivenStudy, GivenTrial, Truth, data_of, study_of, trial_of
from doseopt.reports.render.document import Document
from doseopt.reports.render.terminal import terminal_text
from doseopt.reports.result import WIDTH, framed
from doseopt.reports.sections.amendment import amendment_document
from doseopt.reports.verbs import Days


@dataclass(frozen=True, eq=False)
class Report:
    """A report of an amendment: what it rests on, and its page.

    Attributes
    ----------
    dossier : Dossier
        Everything that was computed; `dossier.amendment` is the DataTree of `doseopt.amendment.amend`.
    document : Document
        The whole report.
    copies : mapping of str to Path
        Files with the patients, by the names that they get beside it.
    """

    dossier: Dossier
    document: Document
    copies: Mapping[str, Path] = field(default_factory=dict)

    def save(self, folder: str | Path) -> list[Path]:
        """Write it as HTML, DOCX and PDF, with its data and the study file, all of them or none; return their paths."""
        place = Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        sweep_unfinished(place)
        return write_amendment(self.dossier, self.document, place, self.copies)

    def __str__(self) -> str:
        """Return what matters of it as text."""
        return terminal_text(amendment_document(self.dossier.amendment), WIDTH).plain

    def _repr_html_(self) -> str:
        return framed(self.document)


def amend(
    study: GivenStudy,
    trial: GivenTrial = None,
    *,
    registered: str = "",
    amended: Sequence[str] = (),
    cutoff: Days = None,
    window: float | None = None,
    truth: Truth | None = None,
    progress: Callable[[str], object] = lambda _: None,
) -> Report:
    """Report a change of design, registered against amended, from the data so far.

    Parameters
    ----------
    study : Study, str, Path or designs
    trial : Trial, str or Path, optional
        So far: outcomes, a file with the patients, or a folder with a record, whose tables the report then shows.
    registered : str
        Name of the registered design; the one that the study's `[amendment]` names if left out.
    amended : sequence of str
        Names of the proposed designs; those of `[amendment]` if left out.
    cutoff : date or str, optional
    window : float, optional
        Days, as in `next_dose`.
    truth : float array [scenarios, doses], or mapping of str to rates, optional
        In place of the scenarios that the study states.
    progress : callable, optional
        Told each step when its turn comes.

    Returns
    -------
    Report

    Raises
    ------
    Faults
        If the study proposes nothing and nothing is named.

    Examples
    --------
    >>> from doseopt import BOIN, MaxPatients, Modified, amend
    >>> boin = {f"BOIN {n}": Modified(BOIN(doses=2, target=0.25, cohort=3), (MaxPatients(n=n),)) for n in (6, 9)}
    >>> found = amend(boin, "1NNN", registered="BOIN 6", amended=["BOIN 9"], truth=[[0.25, 0.5], [0.1, 0.25]])
    >>> found.dossier.designs
    ['BOIN 6', 'BOIN 9']
    """
    known = study_of(study, truth)
    so_far = trial_of(known, trial, cutoff, window)
    names = [amended] if isinstance(amended, str) else list(amended)
    data = data_of(trial)
    dossier = gather(known, so_far, proposed(known, registered, names), progress)
    copies = {} if data is None else patient_files(data, None)
    record = record_so_far(known, data, cutoff, window) if data is not None and data.is_dir() else None
    dossier = dataclasses.replace(dossier, digest=digest_of(copies), record=record)
    outcomes, copied = (dossier.outcomes, None) if data is None else ("", "data" if data.is_dir() else "data.csv")
    days = None if window is None else f"{window:g}"
    given = {"--outcomes": outcomes, "--data": copied, "--cutoff": str(cutoff or ""), "--window": days}
    command = command_again(given, False, {"--registered": registered}, names)
    return Report(dossier, amendment_report(dossier, command), copies)


def report(
    study: GivenStudy = "renji-elo",
    *,
    truth: Truth | None = None,
    progress: Callable[[str], object] = lambda _: None,
) -> Report:
    """Report the amendment that a study proposes, before the first patient.

    Parameters
    ----------
    study : Study, str, Path or designs
        Of designs alone the first is the registered one.
    truth : float array [scenarios, doses], or mapping of str to rates, optional
        In place of the scenarios that the study states.
    progress : callable, optional
        Told each step when its turn comes.

    Returns
    -------
    Report

    Examples
    --------
    >>> from doseopt import BOIN, MaxPatients, Modified, report
    >>> report(Modified(BOIN(doses=2, target=0.25), (MaxPatients(n=6),)))
    Traceback (most recent call last):
    ...
    doseopt.core.parameters.Faults: designs: 1 fault
      designs: wanted a second one, to be proposed instead of BOIN 6, got none
    """
    return amend(study, truth=truth, progress=progress)
