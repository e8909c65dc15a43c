"""The command that recomputes the numbers of others."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from doseopt.cli.app import app, example, plain_errors
from doseopt.cli.options import Html, as_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from doseopt.verify.check import Check, Number


@app.command(epilog=example("verify"))
def verify(
    only: Annotated[list[str] | None, typer.Option(help="Name of a check; give it again for several.")] = None,
    against: Annotated[
        Path | None,
        typer.Option(help="CSV file of another package in the format of benchmarks/exact-oc.csv, compared instead."),
    ] = None,
    within: Annotated[
        float | None,
        typer.Option(help="Difference granted to that file; half a unit of the last digit printed if left out.", min=0),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="CSV file for every number; none is written if left out.")] = None,
    html: Html = None,
    json: Annotated[bool, as_json("the table")] = False,
) -> None:
    """Recompute every number of the literature and of other software that the package quotes; exit 1 if one differs.

    With --against the numbers are those of a file, and what is recomputed is the public standard.
    """
    with plain_errors():
        import pandas as pd  # type: ignore[import-untyped]  # ships no types

        from doseopt.cli.output import deliver, make_ready, write_csv
        from doseopt.reports.sections.verification import verification_document
        from doseopt.verify import about, as_rows

        make_ready(out, "--out")
        make_ready(html)
        checks = _checks(only, against, within)
        numbers = _run(only or [], checks)
        rows, told = as_rows(numbers), about(numbers, checks)
        if out is not None:
            write_csv(pd.DataFrame(rows), out)
        deliver(lambda: told | {"rows": rows}, verification_document(rows, told), json=json, html=html)
    if told["differing"]:
        raise typer.Exit(1)


def _checks(only: list[str] | None, against: Path | None, within: float | None) -> Mapping[str, Check]:
    """Return the package's checks, or that of a file."""
    from doseopt.core.parameters import Fault, Faults
    from doseopt.verify import CHECKS
    from doseopt.verify.against import check_of

    if against is not None and only:
        raise Faults([Fault("--only", "wanted without --against, which compares one file")])
    if against is None and within is not None:
        raise Faults([Fault("--within", "wanted with --against, whose differences it grants")])
    return CHECKS if against is None else {"exact-oc": check_of(against, within)}


def _run(names: list[str], checks: Mapping[str, Check]) -> list[Number]:
    """Compute behind a spinner on standard error that says what is being done."""
    from doseopt.cli.terminal import spinner
    from doseopt.verify import verify as run

    with spinner("recomputing") as say:
        return run(names, say, checks)
