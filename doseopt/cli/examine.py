"""The command that examines a design."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from doseopt.cli.app import app, example, make_folder, plain_errors
from doseopt.cli.options import DesignName, Html, Json, StudyName

if TYPE_CHECKING:
    from doseopt.conduct.examine import Examination


@app.command(epilog=example('examine --design "CRM 25"'))
def examine(
    study: StudyName = "renji-elo",
    design: DesignName = "",
    scenario: Annotated[str, typer.Option(help="The truth to weigh with; the study's scenarios if left out.")] = "",
    out: Annotated[
        Path | None, typer.Option(help="Folder for the tables as CSV; none are written if left out.")
    ] = None,
    html: Html = None,
    json: Json = False,
) -> None:
    """Show what a design does after hypothetical data, and search it for decisions that a reader would question."""
    with plain_errors():
        from doseopt.cli.output import deliver, make_ready
        from doseopt.conduct.examine import as_object
        from doseopt.conduct.examine import examine as run
        from doseopt.reports.sections.examination import examination_document
        from doseopt.study.file import load_study

        loaded = load_study(study)
        if out is not None:
            make_folder(out)
        make_ready(html)
        result = run(loaded, design, scenario)
        document = examination_document(result.hypothetical, result.irrational)
        files = [] if out is None else _write(result, out)
        deliver(lambda: as_object(result), document, json=json, html=html, folder=out, files=files)


def _write(result: Examination, folder: Path) -> list[Path]:
    """Write both Datasets as tidy tables."""
    from doseopt.cli.output import write_csv

    tables = {"hypothetical": result.hypothetical, "irrational": result.irrational}
    return [write_csv(ds.to_dataframe().reset_index(), folder / f"{name}.csv") for name, ds in tables.items()]
