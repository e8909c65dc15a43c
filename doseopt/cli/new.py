"""The command that begins a study file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from doseopt.cli.app import app, example, make_folder, plain_errors
from doseopt.cli.options import Like

USUAL = {
    "like": "boin",
    "doses": "1, 2, 3, 4",
    "unit": "",
    "target": 0.25,
    "patients": 24,
    "cohort": 3,
    "title": "A trial",
}
"""What is taken for what is left out, where nobody can be asked."""
ASKED = {
    "title": "What the trial is called",
    "doses": "Doses, the lowest first, with commas between",
    "unit": "Their unit",
    "target": "DLT rate that the MTD is to have",
    "like": "Design (boin, crm, blrm, 3+3, ...; several with commas between)",
    "patients": "Patients at most",
    "cohort": "Patients of a cohort",
}
"""The questions, in their order."""


@app.command(epilog=example('new mine.toml --like boin --like 3+3 --doses "10, 20, 40" --unit mg --target 0.3'))
def new(
    file: Annotated[Path, typer.Argument(help="The study file to write; nothing is overwritten.")] = Path("study.toml"),
    like: Like = None,
    doses: Annotated[str | None, typer.Option(help='Doses, the lowest first, as "1, 2.5, 5".')] = None,
    unit: Annotated[str | None, typer.Option(help="Unit of the doses, as mg/kg.")] = None,
    target: Annotated[float | None, typer.Option(help="DLT rate that the MTD is to have.")] = None,
    patients: Annotated[int | None, typer.Option(help="Patients at most.")] = None,
    cohort: Annotated[int | None, typer.Option(help="Patients of a cohort.")] = None,
    title: Annotated[str | None, typer.Option(help="What the trial is called.")] = None,
) -> None:
    """Write a first study file, with comments and only what is needed; asks for what is left out, at a terminal."""
    with plain_errors():
        from doseopt.cli.terminal import print_lines
        from doseopt.core.files import write_whole
        from doseopt.core.parameters import Fault, Faults
        from doseopt.core.text import counted
        from doseopt.study.file import parse_study
        from doseopt.study.starting import Start

        wrong = []
        if file.suffix != ".toml":
            wrong.append(Fault("FILE", f"wanted a name that ends in .toml, got {str(file)!r}"))
        if file.exists():
            wrong.append(Fault("FILE", f"{str(file)!r} is there already; wanted a new name"))
        if wrong and is_asked():
            raise Faults(wrong, "new")
        given = {
            "like": ", ".join(like or []) or None,
            "doses": doses,
            "unit": unit,
            "target": target,
            "patients": patients,
            "cohort": cohort,
            "title": title,
        }
        found = _completed(given)
        try:
            text = Start(**(found | {name: _listed(found[name]) for name in ("like", "doses")})).text()
        except Faults as faults:
            raise Faults([*wrong, *faults.faults], "new") from None
        if wrong:
            raise Faults(wrong, "new")
        make_folder(file.parent)
        write_whole(file, lambda path: path.write_text(text, encoding="utf-8"))
        study = parse_study(text, str(file))
        said = [counted(len(study.designs), "design"), counted(len(study.doses.labels), "dose")]
        print_lines(f"{file}: written ({', '.join(said)}). Its scenarios are a beginning: state your own.")
        print_lines(f"Next: doseopt check {file}; doseopt compare {file}; doseopt next {file} --outcomes 1NNN")


def is_asked() -> bool:
    """Tell whether there is somebody to be asked."""
    return sys.stdin.isatty()


def _completed(given: dict[str, Any]) -> dict[str, Any]:
    """Return what was given, and for what is left out an answer, or what is usual."""
    found = {name: USUAL[name] if value is None else value for name, value in given.items()}
    if is_asked():
        for name, question in ASKED.items():
            if given[name] is None:
                found[name] = typer.prompt(question, default=USUAL[name], type=type(USUAL[name]))
    return found


def _listed(text: str) -> tuple[str, ...]:
    """Return what stands between commas; or between semicolons, commas then being decimal ones."""
    parts = text.replace(",", ".").split(";") if ";" in text else text.split(",")
    return tuple(part.strip() for part in parts)
