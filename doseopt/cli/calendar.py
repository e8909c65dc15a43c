"""The command that draws the calendar of one trial."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from doseopt.cli.app import app, example, make_folder, plain_errors
from doseopt.cli.options import DatasetJson, Html, StudyName, seed


@app.command(epilog=example('calendar --design "TITE-BOIN 25"'))
def calendar(
    study: StudyName = "renji-elo-pace",
    design: Annotated[
        str, typer.Option(help="A design that decides while patients are pending; the first if left out.")
    ] = "",
    scenario: Annotated[str, typer.Option(help="A scenario of the study: the truth; the middle one if left out.")] = "",
    seed: Annotated[int, seed("Seed; with one seed all designs meet the same patients and arrivals.")] = 1,
    out: Annotated[Path | None, typer.Option(help="Folder for the figure; nothing is written if left out.")] = None,
    html: Html = None,
    json: DatasetJson = False,
) -> None:
    """Draw when the patients of one simulated trial come, under a design and under the same one that waits."""
    with plain_errors():
        from doseopt.cli.output import deliver, make_ready, write_figures
        from doseopt.comparison.calendar import trial_calendar
        from doseopt.reports.sections.calendar import calendar_document
        from doseopt.study.file import load_study

        loaded = load_study(study)
        if out is not None:
            make_folder(out)
        make_ready(html)
        dataset = trial_calendar(loaded, design, scenario, seed)
        document = calendar_document(dataset)
        files = [] if out is None else write_figures(document, out)
        deliver(lambda: dataset, document, json=json, html=html, folder=out, files=files)
