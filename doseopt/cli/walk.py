"""The command that tells one simulated trial."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from doseopt.cli.app import app, plain_errors
from doseopt.cli.options import StudyName, as_json, seed

if TYPE_CHECKING:
    from rich.console import Console


@app.command()
def walk(
    study: StudyName = "renji-elo",
    design: Annotated[str, typer.Option(help="A design of the study.")] = "",
    scenario: Annotated[str, typer.Option(help="A scenario of the study: the truth.")] = "",
    seed: Annotated[int, seed("Seed; with one seed all designs meet the same patients.")] = 1,
    json: Annotated[bool, as_json("words")] = False,
) -> None:
    """Tell one simulated trial in words, cohort by cohort, with the reasons."""
    with plain_errors():
        from doseopt.cli.output import deliver
        from doseopt.conduct.walk import walk as run
        from doseopt.records.trial import Trial
        from doseopt.reports.render.layout import page_width
        from doseopt.reports.tables.walk import walk_text
        from doseopt.study.file import load_study

        loaded = load_study(study)
        trial = run(loaded, Trial(loaded.doses), design, scenario, seed)

        def show(console: Console) -> None:
            console.print(walk_text(trial, page_width(console)), soft_wrap=True)

        deliver(trial, None, lambda _: [], show, json)
