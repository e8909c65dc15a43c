"""The command that tunes a design."""

from __future__ import annotations

import os
from concurrent.futures import Executor
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from doseopt.cli.app import app, example, plain_errors
from doseopt.cli.options import BUDGET, Budget, Folder, Html, Json, StudyName, allowing, seed

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from rich.progress import Progress, TaskID

    from doseopt.calibration import Calibration, Objective
    from doseopt.reports.render.document import Document
    from doseopt.study.study import Study

SERIAL = 60
"""Candidates below which it is not worth starting other processes."""


@app.command(epilog=example("calibrate --design CRM --candidates 100"))
def calibrate(
    study: StudyName = "renji-elo",
    design: Annotated[
        str, typer.Option(help='A design of the study, or how several names begin: "CRM" for CRM 10, CRM 13, ...')
    ] = "",
    free: Annotated[str, typer.Option(help="What is tuned, separated by commas; the usual ones if left out.")] = "",
    objective: Annotated[str, typer.Option(help="A measure, or utility.")] = "correct_selection",
    worst: Annotated[bool, typer.Option("--worst", help="The worst scenario counts, not the average.")] = False,
    at_most: Annotated[
        list[str] | None, typer.Option(help="A limit of an average: overdose_selection=0.15. Repeatable.")
    ] = None,
    candidates: Annotated[int, typer.Option(help="About how many are evaluated.", min=8)] = 300,
    seed: Annotated[int, seed("Seed of the search.")] = 1,
    budget: Budget = BUDGET,
    out: Folder = None,
    html: Html = None,
    json: Json = False,
) -> None:
    """Tune a design's free parameters by exact operating characteristics; write the result as a study file."""
    with plain_errors(), allowing(budget):
        from doseopt.calibration import Objective
        from doseopt.cli.output import deliver, folder_for
        from doseopt.reports.sections.calibration import calibration_document
        from doseopt.study.file import load_study

        loaded = load_study(study)
        names = designs_meant(loaded, design)
        aim = Objective(objective, worst, _limits(at_most or []))
        keys = tuple(part.strip() for part in free.split(",") if part.strip())
        folder = folder_for(out, json, html)
        found = calibrations(loaded, names, keys, aim, candidates, seed)
        data = {name: each.dataset for name, each in found.items()}
        document = calibration_document(list(data.values()))
        files = [] if folder is None else _write(loaded, found, document, folder)
        answer = {name: ds.to_dict() for name, ds in data.items()} if json else None
        deliver(lambda: answer, document, json=json, html=html, folder=folder, files=files)


def designs_meant(study: Study, text: str) -> list[str]:
    """Return the design of that name, or those whose names begin with that word."""
    from doseopt.core.parameters import Fault, Faults, nearest

    if text in study.designs:
        return [text]
    begin = [name for name in study.designs if text and name.startswith(f"{text} ")]
    if not begin:
        came = f"no design {text!r} in the study" if text else "missing; wanted a design of the study"
        raise Faults([Fault("--design", f"{came}{nearest(text, study.designs)}")])
    return begin


def _limits(texts: list[str]) -> tuple[tuple[str, float], ...]:
    """Read "measure=number" limits; all faults together."""
    from doseopt.core.parameters import Fault, Faults

    limits, faults = [], []
    for text in texts:
        name, _, number = text.partition("=")
        try:
            limits.append((name.strip(), float(number)))
        except ValueError:
            faults.append(Fault("--at-most", f"wanted a limit such as overdose_selection=0.15, got {text!r}"))
    if faults:
        raise Faults(faults)
    return tuple(limits)


def _pool(candidates: int) -> AbstractContextManager[Executor | None]:
    """Return other processes where they pay; Ctrl-C is for this one only."""
    if candidates < SERIAL or (os.cpu_count() or 1) < 2:
        return nullcontext()
    from doseopt.study.sweep import processes

    return processes(os.cpu_count() or 1)


def calibrations(
    study: Study, names: list[str], free: tuple[str, ...], aim: Objective, candidates: int, seed: int
) -> dict[str, Calibration]:
    """Calibrate design after design behind a progress bar on standard error; stop at the first interrupted one.

    A design that is too large is named there, and the others go on; if all are, that is raised.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from doseopt.calibration import calibrate as run
    from doseopt.cli.terminal import print_lines, terminal
    from doseopt.engines.budget import TooManyStates

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    found: dict[str, Calibration] = {}
    refused: list[str] = []
    with Progress(*columns, console=terminal(stderr=True), transient=True) as bar, _pool(candidates) as executor:
        for name in names:
            task = bar.add_task(f"calibrating {name}", total=candidates)
            advance = partial(_advance, bar, task)
            try:
                found[name] = run(study, name, free, aim, candidates, seed, executor, advance)
            except TooManyStates as error:
                refused.append(f"{name}: {error}")
            bar.remove_task(task)
            if name in found and found[name].dataset.attrs["interrupted"]:
                break
    if not found:
        raise TooManyStates("\n".join(refused))
    for line in refused:
        print_lines(f"doseopt: {line}", stderr=True)
    return found


def _advance(bar: Progress, task: TaskID, done: int) -> None:
    bar.update(task, completed=done)


def _write(study: Study, found: dict[str, Calibration], document: Document, folder: Path) -> list[Path]:
    """Write the study with the calibrated designs, every candidate, and the figure."""
    import dataclasses

    from doseopt.cli.output import write_csv, write_figures
    from doseopt.reports.frames import candidates_frame

    designs = {f"{name} calibrated": each.design for name, each in found.items() if each.design is not None}
    data = [each.dataset for each in found.values()]
    written = []
    if designs:
        written += dataclasses.replace(study, designs={**study.designs, **designs}).save(folder / "calibrated.toml")
    written.append(write_csv(candidates_frame(data), folder / "candidates.csv"))
    return [*written, *write_figures(document, folder)]
