"""The command that shows the record of a trial."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from doseopt.cli.app import app, plain_errors
from doseopt.cli.options import Folder, Html, Json, seed

if TYPE_CHECKING:
    from doseopt.conduct.endpoints import Endpoints
    from doseopt.records.record import Record
    from doseopt.study.study import Study

Method = Annotated[
    str, typer.Option(help="Of survival and improvement: quadrature; nuts adds draws of the same models.")
]


@app.command()
def record(
    tables: Annotated[
        Path | None,
        typer.Argument(
            help="Folder with adsl.csv and adae.csv; adlb.csv, adeff.csv if kept. 'example': an invented one."
        ),
    ] = None,
    study: Annotated[str, typer.Option(help="A study file (TOML), or the name of a bundled study.")] = "renji-elo",
    cutoff: Annotated[str, typer.Option(help="Last day that counts, as 2024-03-31; the last in the data.")] = "",
    outcomes: Annotated[str, typer.Option(help='The tally as stated, e.g. "1N 2NNT"; refused if it differs.')] = "",
    template: Annotated[Path | None, typer.Option(help="Folder for empty tables and a page on their columns.")] = None,
    method: Method = "quadrature",
    seed: Annotated[int, seed("Seed of NUTS.")] = 1,
    out: Folder = None,
    html: Html = None,
    json: Json = False,
) -> None:
    """Show adverse events, survival, liver function and improvement from the tables that the team keeps."""
    with plain_errors():
        from doseopt.cli.output import deliver, folder_for, write_figures
        from doseopt.conduct.endpoints import Endpoints
        from doseopt.conduct.in_hand import window_of
        from doseopt.conduct.posterior import check_choice
        from doseopt.core.parameters import Fault, Faults
        from doseopt.records.record import read_record
        from doseopt.records.status import hold_to, trial_of
        from doseopt.records.template import bundled, write_template
        from doseopt.records.trial import Trial
        from doseopt.records.window import cutoff_of
        from doseopt.reports.sections.record import record_document
        from doseopt.study.file import load_study

        if template is not None and tables is None:
            return typer.echo("\n".join(f"Written to {path}" for path in write_template(template)))
        if tables is None or template is not None:
            got = "neither" if tables is None else "both"
            raise Faults([Fault("", f"wanted the folder of a record, as 'example', or --template DIR, got {got}")])
        check_choice("", method)
        loaded = load_study(study)
        window, last = window_of(loaded), cutoff_of(cutoff or None)
        if window is None:
            raise Faults([Fault("clock.window", "missing; wanted the days of the DLT window in the study file")], study)
        whole = read_record(bundled(tables), loaded.doses, window)
        known = whole if last is None else whole.until(last)
        if outcomes:
            hold_to(trial_of(known), Trial.from_outcomes(outcomes, loaded.doses))
        folder = folder_for(out, json, html)
        endpoints = Endpoints.of(loaded, known, method, seed, progress=sys.stderr.isatty())
        document = record_document(loaded, known, endpoints=endpoints)

        files = [] if folder is None else write_figures(document, folder)
        said = partial(_as_object, loaded, known, endpoints)
        deliver(said, document, json=json, html=html, folder=folder, files=files)


def _as_object(study: Study, record: Record, endpoints: Endpoints) -> dict[str, object]:
    """Return what JSON holds."""
    from doseopt.records.efficacy import antibodies, improvement
    from doseopt.records.safety import by_term, listing, overview
    from doseopt.records.status import statuses, unread
    from doseopt.records.trial import Trial

    patients, dlts = Trial(record.doses, statuses(record)).tally()
    return {
        **study.provenance(),
        "last": record.last.isoformat(),
        "patients": patients.tolist(),
        "dlts": dlts.tolist(),
        "unread": [record.numbers[name] for name in unread(record)],
        "overview": overview(record).to_dict(),
        "terms": by_term(record).to_dict(),
        "serious": listing(record, "serious"),
        "against_controls": None if endpoints.survival is None else endpoints.survival.to_dict(),
        "improvement": improvement(record).to_dict(),
        "improvement_averaged": None if endpoints.improvement is None else endpoints.improvement.to_dict(),
        "antibodies": antibodies(record).to_dict(),
    }
