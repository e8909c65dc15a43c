"""The command that examines a design."""

from __future__ import annotations

from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from doseopt.cli.app import StudyName, app, make_folder, plain_errors, print_written

if TYPE_CHECKING:
    from doseopt.conduct.examine import Examination


@app.command()
def examine(
    study: StudyName = "renji-elo",
    design: Annotated[str, typer.Option(help="Name of a design of the study.")] = "",
    scenario: Annotated[str, typer.Option(help="The truth to weigh with; the study's scenarios if left out.")] = "",
    out: Annotated[
        Path | None, typer.Option(help="Folder for the tables as CSV; none are written if left out.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
) -> None:
    """Show what a design does after hypothetical data, and search it for decisions that a reader would question."""
    with plain_errors():
        from doseopt.conduct.examine import as_object
        from doseopt.conduct.examine import examine as run
        from doseopt.study.file import load_study

        loaded = load_study(study)
        if out is not None:
            make_folder(out)
        result = run(loaded, design, scenario)
        written = [] if out is None else _write(result, out)
        if json:
            from doseopt.cli.output import plain

            print(dumps(plain(as_object(result)), allow_nan=False))
            return
        from doseopt.cli.terminal import terminal
        from doseopt.reports.tables.examination import print_examination

        print_examination(result.hypothetical, result.irrational, terminal())
        if written:
            print_written(out, written)


def _write(result: Examination, folder: Path) -> list[Path]:
    """Write both tables."""
    from doseopt.cli.output import write_csv
    from doseopt.reports.tables.examination import hypothetical_table, irrational_table

    tables = {
        "hypothetical": hypothetical_table(result.hypothetical),
        "irrational": irrational_table(result.irrational),
    }
    return [write_csv(table, folder / f"{name}.csv") for name, table in tables.items()]
