"""The command that says what each design does now."""

from __future__ import annotations

from json import dumps
from pathlib import Path
from typing import Annotated

import typer

from doseopt.cli.app import StudyName, app, plain_errors


@app.command(name="next")
def next_command(
    study: StudyName = "renji-elo",
    outcomes: Annotated[str, typer.Option(help='Outcomes so far, e.g. "1N 2NNT"; each group is one cohort.')] = "",
    data: Annotated[Path | None, typer.Option(help="A CSV file with one patient a row.")] = None,
    design: Annotated[list[str] | None, typer.Option(help="A design of the study; may be repeated.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
) -> None:
    """Say what each design does now: next dose and cohort, or stop and why; the first cohort without data."""
    with plain_errors():
        from doseopt.conduct.next_dose import next_dose
        from doseopt.core.parameters import Fault, Faults
        from doseopt.records.data import data_from_csv, data_from_outcomes
        from doseopt.study.file import load_study

        if outcomes and data is not None:
            raise Faults([Fault("--data", "wanted outcomes or a file, got both")])
        loaded = load_study(study)
        read = data_from_outcomes(outcomes, loaded.doses) if data is None else data_from_csv(data, loaded.doses)
        answer = next_dose(loaded, read, designs=design or ())
        if json:
            from doseopt.cli.output import plain

            print(dumps(plain(answer), allow_nan=False))
            return
        from doseopt.cli.terminal import terminal
        from doseopt.reports.tables.next_dose import print_next

        print_next(answer, terminal())
