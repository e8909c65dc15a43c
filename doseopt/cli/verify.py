"""The command that recomputes the numbers of others."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from doseopt.cli.app import app, example, plain_errors
from doseopt.cli.options import Html, as_json

if TYPE_CHECKING:
    from doseopt.verify.check import Number


@app.command(epilog=example("verify"))
def verify(
    only: Annotated[list[str] | None, typer.Option(help="Name of a check; give it again for several.")] = None,
    out: Annotated[Path | None, typer.Option(help="CSV file for every number; none is written if left out.")] = None,
    html: Html = None,
    json: Annotated[bool, as_json("the table")] = False,
) -> None:
    """Recompute every number of the literature and of other software that the package quotes; exit 1 if one differs."""
    with plain_errors():
        import pandas as pd  # type: ignore[import-untyped]  # ships no types

        from doseopt.cli.output import deliver, make_ready, write_csv
        from doseopt.reports.sections.verification import verification_document
        from doseopt.verify import about, as_rows

        make_ready(out, "--out")
        make_ready(html)
        numbers = _run(only or [])
        rows, told = as_rows(numbers), about(numbers)
        if out is not None:
            write_csv(pd.DataFrame(rows), out)
        deliver(lambda: told | {"rows": rows}, verification_document(rows, told), json=json, html=html)
    if told["differing"]:
        raise typer.Exit(1)


def _run(names: list[str]) -> list[Number]:
    """Compute behind a spinner on standard error that says what is being done."""
    from doseopt.cli.terminal import spinner
    from doseopt.verify import verify as run

    with spinner("recomputing") as say:
        return run(names, say)
