"""Options that several commands have, each stated once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

BUDGET = 2.0
"""Gigabytes, as usual."""


def as_json(instead: str, what: str = "") -> Any:
    """Return the option that asks for JSON instead of what else is printed."""
    return typer.Option("--json", help=f"Print {what}one JSON object instead of {instead}.")


def seed(help: str) -> Any:
    """Return the option of a seed."""
    return typer.Option(help=help, min=0)


def _studies(begun: str) -> list[str]:
    """Return the bundled studies, and the files here, that a name may go on to."""
    from doseopt.study.file import BUNDLED

    files = [str(path) for path in Path().glob("*.toml")]
    return [name for name in (*sorted(Path(f.name).stem for f in BUNDLED.iterdir()), *files) if name.startswith(begun)]


def _kinds(begun: str) -> list[str]:
    """Return the kinds of design of which a study may be begun."""
    from doseopt.study.starting import LIKE

    return [kind for kind in LIKE if kind.startswith(begun)]


def _tables(begun: str) -> list[str]:
    """Return kinds and tables of a study file."""
    from doseopt.study.keys import key_tables

    names = {table.kind or path for path, table in key_tables().items()}
    return sorted(name for name in names if name.startswith(begun))


StudyName = Annotated[
    str,
    typer.Argument(
        help="A study file (TOML), or the name of a bundled study.", show_default=True, autocompletion=_studies
    ),
]
Like = Annotated[
    list[str] | None,
    typer.Option(
        help="Kind of design to begin with: boin, crm, blrm, 3+3, tite_boin, ...; may be repeated.",
        autocompletion=_kinds,
    ),
]
Table = Annotated[
    str,
    typer.Argument(
        help="A kind, as boin or max_patients, or a table, as clock or designs; all if left out.",
        autocompletion=_tables,
    ),
]
DesignName = Annotated[str, typer.Option(help="Name of a design of the study.")]
Outcomes = Annotated[str, typer.Option(help='Outcomes so far, e.g. "1N 2NNT".')]
Cohorts = Annotated[str, typer.Option(help='Outcomes so far, e.g. "1N 2NNT"; each group is one cohort.')]
DataFile = Annotated[
    Path | None, typer.Option(help="A CSV file with one patient a row, or a folder with the tables of a record.")
]
Cutoff = Annotated[
    str | None, typer.Option(help="Day to which the data are known, as 2024-06-30; the last date in them if left out.")
]
WindowDays = Annotated[
    float | None, typer.Option("--window", help="Days of the DLT window, for a study without a [clock].")
]
Folder = Annotated[Path | None, typer.Option(help="Folder for the results; 'results' if left out.")]
Budget = Annotated[
    float,
    typer.Option(
        metavar="GB",
        min=0.001,
        max=1000,
        help="Memory that the exact calculation of one design may take; what needs more is simulated where that is an "
        "answer, and else refused with what would fit.",
    ),
]
Html = Annotated[Path | None, typer.Option(help="File for what is printed, with figures, as HTML.")]
Json = Annotated[bool, as_json("tables")]
DatasetJson = Annotated[bool, as_json("tables", "the Dataset as ")]


@contextmanager
def allowing(gigabytes: float) -> Iterator[None]:
    """Allow the exact calculation of one design so much memory."""
    from doseopt.engines.budget import within

    with within(in_bytes(gigabytes)):
        yield


def in_bytes(gigabytes: float) -> int:
    """Return so many gigabytes in bytes."""
    return round(1e9 * gigabytes)


def check_one_source(outcomes: str, data: Path | None) -> None:
    """Raise Faults where outcomes and a file are given."""
    from doseopt.core.parameters import Fault, Faults

    if outcomes and data is not None:
        raise Faults([Fault("--data", "wanted outcomes or a file, got both")])
