"""The command that shows the record of a trial."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from doseopt.cli.app import app, example, plain_errors
from doseopt.cli.options import Html, Json, seed

if TYPE_CHECKING:
    from doseopt.conduct.endpoints import Endpoints
    from doseopt.records.record import Record
    from doseopt.reports.render.document import Document
    from doseopt.study.study import Study

Method = Annotated[
    str, typer.Option(help="Of survival and improvement: quadrature; nuts adds draws of the same models.")
]


@app.command(epilog=example("record example --out record"))
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
    identifiers: Annotated[
        bool, typer.Option("--identifiers", help="Show identifiers and dates of subjects, not their numbers alone.")
    ] = False,
    template: Annotated[Path | None, typer.Option(help="Folder for empty tables and a page on their columns.")] = None,
    method: Method = "quadrature",
    seed: Annotated[int, seed("Seed of NUTS.")] = 1,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the page as HTML, DOCX and PDF, and its figures.")
    ] = None,
    html: Html = None,
    json: Json = False,
) -> None:
    """Show adverse events, survival, liver function and improvement from the tables that the team keeps."""
    with plain_errors():
        from doseopt.cli.output import as_json, deliver, folder_for, write_figures
        from doseopt.conduct.endpoints import Endpoints
        from doseopt.conduct.posterior import check_choice
        from doseopt.core.parameters import Fault, Faults
        from doseopt.records.status import hold_to, trial_of
        from doseopt.records.template import write_template
        from doseopt.records.trial import Trial
        from doseopt.reports.sections.record import record_document
        from doseopt.study.file import load_study

        if template is not None and tables is None:
            return typer.echo("\n".join(f"Written to {path}" for path in write_template(template)))
        if tables is None or template is not None:
            got = "neither" if tables is None else "both"
            raise Faults([Fault("", f"wanted the folder of a record, as 'example', or --template DIR, got {got}")])
        check_choice([], method)
        loaded = load_study(study)
        known = _known(loaded, tables, cutoff)
        if outcomes:
            hold_to(trial_of(known), Trial.from_outcomes(outcomes, loaded.doses))
        folder = folder_for(out, json or out is None, html)  # subjects' data lie nowhere unasked
        endpoints = Endpoints.of(loaded, known, method, seed, progress=sys.stderr.isatty())
        said = partial(_as_object, loaded, known, identifiers, endpoints)
        if json and html is None and folder is None:
            return typer.echo(as_json(said()))
        document = record_document(loaded, known, identifiers, endpoints)
        files = [] if folder is None else [*_write(document, folder), *write_figures(document, folder)]
        files += [] if folder is None else _write_draws(loaded, endpoints, folder)
        deliver(said, document, json=json, html=html, folder=folder, files=files)


def _known(study: Study, tables: Path, cutoff: str) -> Record:
    """Return the record of a folder at a cut-off; of a study that states its DLT window."""
    from doseopt.conduct.in_hand import record_so_far, window_of
    from doseopt.core.parameters import Fault, Faults

    if window_of(study) is None:
        wanted = "missing; wanted the days of the DLT window in the study file"
        raise Faults([Fault("clock.window", wanted)], study.name)
    return record_so_far(study, tables, cutoff or None)


def _write(document: Document, folder: Path) -> list[Path]:
    """Write the renderings of a document."""
    from doseopt.reports.render.docx import write_docx
    from doseopt.reports.render.html import write_html
    from doseopt.reports.render.pdf import write_pdf

    writers = {"html": write_html, "docx": write_docx, "pdf": write_pdf}
    return [write(document, folder / f"record.{ending}") for ending, write in writers.items()]


def _write_draws(study: Study, endpoints: Endpoints, folder: Path) -> list[Path]:
    """Write the draws of the endpoints, which ArviZ reads, as netCDF."""
    from doseopt.tabular.netcdf import write_netcdf

    files = []
    for name, tree in endpoints.draws.items():
        whole = tree.copy()
        whole.attrs |= study.provenance()
        files.append(write_netcdf(whole, folder / f"{name}.nc"))
    return files


def _as_object(study: Study, record: Record, identifiers: bool, endpoints: Endpoints) -> dict[str, object]:
    """Return what JSON holds."""
    from dataclasses import asdict

    from doseopt.records.efficacy import antibodies, improvement
    from doseopt.records.outcomes import liver_function
    from doseopt.records.safety import by_term, listing, overview
    from doseopt.records.status import statuses, unread
    from doseopt.records.trial import Trial

    patients, dlts = Trial(record.doses, statuses(record)).tally()
    return {
        **study.provenance(),
        "last": record.last.isoformat(),
        "warnings": [record.without_names(warning) for warning in record.warnings],
        "patients": patients.tolist(),
        "dlts": dlts.tolist(),
        "unread": [record.numbers[name] for name in unread(record)],
        "eligibility": _eligibility(study, record),
        **({"identifiers": {number: name for name, number in record.numbers.items()}} if identifiers else {}),
        "overview": overview(record).to_dict(),
        "terms": by_term(record).to_dict(),
        "serious": listing(record, "serious"),
        "against_controls": None if endpoints.survival is None else endpoints.survival.to_dict(),
        "dose_limiting": listing(record, "dose-limiting"),
        "liver_function": [asdict(one) for one in liver_function(record)],
        "improvement": improvement(record).to_dict(),
        "improvement_averaged": None if endpoints.improvement is None else endpoints.improvement.to_dict(),
        "antibodies": antibodies(record).to_dict(),
    }


def _eligibility(study: Study, record: Record) -> dict[str, object] | None:
    """Return who deviates from the criteria of a study, and the next dose with and without them; None without any."""
    from contextlib import suppress
    from dataclasses import asdict

    from doseopt.conduct.eligible import findings, with_and_without
    from doseopt.core.parameters import Faults
    from doseopt.records.status import unread

    if study.eligibility is None:
        return None
    seen = findings(study, record)
    off = {one.subject for one in seen if one.deviates}
    both: dict[str, dict[str, object]] = {}
    with suppress(Faults):  # the page says why
        both = with_and_without(study, record, off) if off and not unread(record) else {}
    return {
        "criteria": study.eligibility.describe(),
        "deviations": [asdict(one) for one in seen if one.deviates],
        "unknown": [asdict(one) for one in seen if not one.deviates],
        "judged": list(study.eligibility.judged),
        "with": both.get("with"),
        "without": both.get("without"),
    }
