"""The command that tells one simulated trial."""

from __future__ import annotations

from typing import Annotated

import typer

from doseopt.cli.app import app, example, plain_errors
from doseopt.cli.options import Html, StudyName, as_json, seed


@app.command(epilog=example('walk --design "CRM 25" --scenario mild'))
def walk(
    study: StudyName = "renji-elo",
    design: Annotated[str, typer.Option(help="A design of the study.")] = "",
    scenario: Annotated[str, typer.Option(help="A scenario of the study: the truth.")] = "",
    seed: Annotated[int, seed("Seed; with one seed all designs meet the same patients.")] = 1,
    html: Html = None,
    json: Annotated[bool, as_json("words")] = False,
) -> None:
    """Tell one simulated trial in words, cohort by cohort, with the reasons."""
    with plain_errors():
        from doseopt.cli.output import deliver, make_ready
        from doseopt.conduct.walk import walk as run
        from doseopt.records.trial import Trial
        from doseopt.reports.sections.walk import walk_document
        from doseopt.study.file import load_study

        make_ready(html)
        loaded = load_study(study)
        trial = run(loaded, Trial(loaded.doses), design, scenario, seed)
        deliver(lambda: trial, walk_document(trial), json=json, html=html)
