"""The command that tells one simulated trial."""

from __future__ import annotations

from json import dumps
from typing import Annotated

import typer

from doseopt.cli.app import StudyName, app, plain_errors


@app.command()
def walk(
    study: StudyName = "renji-elo",
    design: Annotated[str, typer.Option(help="A design of the study.")] = "",
    scenario: Annotated[str, typer.Option(help="A scenario of the study: the truth.")] = "",
    seed: Annotated[int, typer.Option(help="Seed; with one seed all designs meet the same patients.", min=0)] = 1,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of words.")] = False,
) -> None:
    """Tell one simulated trial in words, cohort by cohort, with the reasons."""
    with plain_errors():
        from doseopt.conduct.walk import walk as run
        from doseopt.study.file import load_study

        trial = run(load_study(study), design, scenario, seed)
        if json:
            from doseopt.cli.output import plain

            print(dumps(plain(trial), allow_nan=False))
            return
        from doseopt.cli.terminal import terminal
        from doseopt.reports.render.layout import page_width
        from doseopt.reports.tables.walk import walk_text

        console = terminal()
        console.print(walk_text(trial, page_width(console)), soft_wrap=True)
