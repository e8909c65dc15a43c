"""The command that says what each design does now."""

from __future__ import annotations

from typing import Annotated

import typer

from doseopt.cli.app import app, example, plain_errors
from doseopt.cli.options import Cohorts, Cutoff, DataFile, Html, Json, StudyName, WindowDays, check_one_source


@app.command(name="next", epilog=example('next --outcomes "1N 2NNT"'))
def next_command(
    study: StudyName = "renji-elo",
    outcomes: Cohorts = "",
    data: DataFile = None,
    cutoff: Cutoff = None,
    window: WindowDays = None,
    design: Annotated[list[str] | None, typer.Option(help="A design of the study; may be repeated.")] = None,
    html: Html = None,
    json: Json = False,
) -> None:
    """Say what each design does now: next dose and cohort, or stop and why; the first cohort without data."""
    with plain_errors():
        from doseopt.cli.output import deliver, make_ready
        from doseopt.conduct.in_hand import read_trial
        from doseopt.conduct.next_dose import next_dose
        from doseopt.reports.sections.next_dose import next_document
        from doseopt.study.file import load_study

        check_one_source(outcomes, data)
        make_ready(html)
        loaded = load_study(study)
        answer = next_dose(loaded, read_trial(loaded, outcomes, data, cutoff, window), designs=design or ())
        deliver(lambda: answer, next_document(answer), json=json, html=html)
