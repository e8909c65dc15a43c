"""The command that says what each design does now."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from doseopt.cli.app import app, plain_errors
from doseopt.cli.options import Cohorts, DataFile, Json, StudyName, check_one_source, read_trial


@app.command(name="next")
def next_command(
    study: StudyName = "renji-elo",
    outcomes: Cohorts = "",
    data: DataFile = None,
    design: Annotated[list[str] | None, typer.Option(help="A design of the study; may be repeated.")] = None,
    json: Json = False,
) -> None:
    """Say what each design does now: next dose and cohort, or stop and why; the first cohort without data."""
    with plain_errors():
        from doseopt.cli.output import deliver
        from doseopt.conduct.next_dose import next_dose
        from doseopt.reports.tables.next_dose import print_next
        from doseopt.study.file import load_study

        check_one_source(outcomes, data)
        loaded = load_study(study)
        answer = next_dose(loaded, read_trial(loaded, outcomes, data), designs=design or ())
        deliver(answer, None, lambda _: [], partial(print_next, answer), json)
