"""The command that examines a design."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from doseopt.cli.app import app, make_folder, plain_errors
from doseopt.cli.options import DesignName, Json, StudyName

if TYPE_CHECKING:
    from doseopt.conduct.examine import Examination


@app.command()
def examine(
    study: StudyName = "renji-elo",
    design: DesignName = "",
    scenario: Annotated[str, typer.Option(help="The truth to weigh with; the study's scenarios if left out.")] = "",
    out: Annotated[
        Path | None, typer.Option(help="Folder for the tables as CSV; none are written if left out.")
    ] = None,
    json: Json = False,
) -> None:
    """Show what a design does after hypothetical data, and search it for decisions that a reader would question."""
    with plain_errors():
        from doseopt.cli.output import deliver
        from doseopt.conduct.examine import as_object
        from doseopt.conduct.examine import examine as run
        from doseopt.reports.tables.examination import print_examination
        from doseopt.study.file import load_study

        loaded = load_study(study)
        if out is not None:
            make_folder(out)
        result = run(loaded, design, scenario)
        show = partial(print_examination, result.hypothetical, result.irrational)
        deliver(as_object(result), out, partial(_write, result), show, json)


def _write(result: Examination, folder: Path) -> list[Path]:
    """Write both tables."""
    from doseopt.cli.output import write_csv
    from doseopt.reports.tables.examination import hypothetical_table, irrational_table

    tables = {
        "hypothetical": hypothetical_table(result.hypothetical),
        "irrational": irrational_table(result.irrational),
    }
    return [write_csv(table, folder / f"{name}.csv") for name, table in tables.items()]
