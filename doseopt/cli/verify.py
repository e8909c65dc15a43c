"""The command that recomputes the numbers of others."""

from __future__ import annotations

from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from doseopt.cli.app import app, make_folder, plain_errors

if TYPE_CHECKING:
    from doseopt.verify.check import Number


@app.command()
def verify(
    only: Annotated[list[str] | None, typer.Option(help="Name of a check; give it again for several.")] = None,
    out: Annotated[Path | None, typer.Option(help="CSV file for every number; none is written if left out.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of the table.")] = False,
) -> None:
    """Recompute every number of the literature and of other software that the package quotes; exit 1 if one differs."""
    with plain_errors():
        from doseopt.core.parameters import Fault, Faults
        from doseopt.verify import about, as_rows

        if out is not None:
            if out.is_dir():
                raise Faults([Fault("", "wanted a file for the numbers, got a folder")], str(out))
            make_folder(out.parent)
        numbers = _run(only or [])
        rows, told = as_rows(numbers), about(numbers)
        if out is not None:
            import pandas as pd  # type: ignore[import-untyped]  # ships no types

            from doseopt.cli.output import write_csv

            write_csv(pd.DataFrame(rows), out)
        if json:
            from doseopt.cli.output import plain

            print(dumps(plain(told | {"rows": rows}), allow_nan=False))
        else:
            from doseopt.cli.terminal import terminal
            from doseopt.reports.tables.verify import print_verification

            print_verification(rows, told, terminal())
    if told["differing"]:
        raise typer.Exit(1)


def _run(names: list[str]) -> list[Number]:
    """Compute behind a spinner on standard error that says what is being done."""
    from rich.text import Text

    from doseopt.cli.terminal import terminal
    from doseopt.verify import verify as run

    with terminal(stderr=True).status("recomputing") as status:
        return run(names, lambda name: status.update(Text(f"recomputing: {name}")))
