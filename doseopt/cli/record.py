"""The command that shows the record of a trial."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from doseopt.cli.app import app, plain_errors
from doseopt.cli.options import Folder, Html, Json

if TYPE_CHECKING:
    from doseopt.records.record import Record
    from doseopt.study.study import Study


@app.command()
def record(
    tables: Annotated[Path, typer.Argument(help="Folder with adsl.csv and adae.csv; adlb.csv, adeff.csv if kept.")],
    study: Annotated[str, typer.Option(help="A study file (TOML), or the name of a bundled study.")] = "renji-elo",
    cutoff: Annotated[str, typer.Option(help="Last day that counts, as 2024-03-31; the last in the data.")] = "",
    outcomes: Annotated[str, typer.Option(help='The tally as stated, e.g. "1N 2NNT"; refused if it differs.')] = "",
    out: Folder = None,
    html: Html = None,
    json: Json = False,
) -> None:
    """Show adverse events, survival, liver function and improvement from the tables that the team keeps."""
    with plain_errors():
        from doseopt.cli.output import deliver, folder_for, write_figures
        from doseopt.core.parameters import Fault, Faults, quoted
        from doseopt.records.record import read_record
        from doseopt.records.status import hold_to, trial_of
        from doseopt.records.trial import Trial
        from doseopt.reports.sections.record import record_document
        from doseopt.study.file import load_study
        from doseopt.tabular.dates import EXAMPLE, read_date

        loaded = load_study(study)
        if loaded.clock is None:
            raise Faults([Fault("clock.window", "missing; wanted the days of the DLT window in the study file")], study)
        last: datetime.date | None = read_date(cutoff)
        if cutoff and last is None:
            raise Faults([Fault("--cutoff", f"wanted a date such as {EXAMPLE}, the year first, got {quoted(cutoff)}")])
        whole = read_record(tables, loaded.doses, loaded.clock.window)
        known = whole if last is None else whole.until(last)
        events = loaded.window_events
        readings = {} if events is None else {kind: each.reading for kind, each in events.events.items()}
        if outcomes:
            hold_to(trial_of(known, readings), Trial.from_outcomes(outcomes, loaded.doses))
        folder = folder_for(out, json, html)
        document = record_document(loaded, known, readings)

        files = [] if folder is None else write_figures(document, folder)
        deliver(lambda: _as_object(loaded, known, readings), document, json=json, html=html, folder=folder, files=files)


def _as_object(study: Study, record: Record, readings: Mapping[str, str]) -> dict[str, object]:
    """Return what JSON holds."""
    from doseopt.records.efficacy import antibodies, improvement
    from doseopt.records.safety import by_term, listing, overview
    from doseopt.records.status import trial_of

    patients, dlts = trial_of(record, readings).tally()
    return {
        **study.provenance(),
        "last": record.last.isoformat(),
        "patients": patients.tolist(),
        "dlts": dlts.tolist(),
        "overview": overview(record).to_dict(),
        "terms": by_term(record).to_dict(),
        "serious": listing(record, "serious"),
        "improvement": improvement(record).to_dict(),
        "antibodies": antibodies(record).to_dict(),
    }
