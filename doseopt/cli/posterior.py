"""The command that estimates the DLT rates."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from doseopt.cli.app import app, example, plain_errors
from doseopt.cli.options import Cutoff, DataFile, Folder, Html, Json, Outcomes, StudyName, WindowDays, seed

if TYPE_CHECKING:
    import xarray as xr

    from doseopt.conduct.posterior import Analysis
    from doseopt.records.trial import Trial
    from doseopt.reports.render.document import Document
    from doseopt.study.study import Study

type Found = tuple[list[Analysis], list[xr.Dataset]]
"""What is known of the rates, and what is decided on, under each model."""
Models = Annotated[
    list[str] | None,
    typer.Option(
        help="blrm, cloglog, empiric, logistic, bma, beta, monotone or two_populations; may be repeated; the study's."
    ),
]

EXAMPLE = "1N 2NNT 2NNN 3NNN"
"""A worked example of the registered protocol: a DLT at the second dose, which six patients then clear."""


def _example(doses: int) -> str:
    """Return as much of the worked example as a study with so many doses can have."""
    return " ".join(cohort for cohort in EXAMPLE.split() if int(cohort[0]) <= doses)


@app.command(epilog=example('posterior --outcomes "1N 2NNT 2NNN 3NNN" --check'))
def posterior(
    study: StudyName = "renji-elo",
    outcomes: Outcomes = "",
    data: DataFile = None,
    cutoff: Cutoff = None,
    window: WindowDays = None,
    model: Models = None,
    models: Annotated[str, typer.Option(help="The same as a list with commas, or all.")] = "",
    method: Annotated[str, typer.Option(help="quadrature, or nuts: draws, which ArviZ reads.")] = "quadrature",
    population: Annotated[str, typer.Option(help="Of a model of two populations, whose rates; the first.")] = "",
    ahead: Annotated[
        bool,
        typer.Option("--ahead", help="How the trial will end, and what one more cohort is worth; takes longer."),
    ] = False,
    seed: Annotated[int, seed("Seed of the draws: those of NUTS, and those in posterior.nc.")] = 1,
    check: Annotated[
        bool,
        typer.Option("--check", help="Also check the model: what it expects, owes to its prior, and beside others."),
    ] = False,
    out: Folder = None,
    html: Html = None,
    json: Json = False,
) -> None:
    """Estimate the DLT rate at each dose from the data so far; a worked example if none are given."""
    with plain_errors():
        from doseopt.cli.output import deliver, drawing, folder_for, show, write_figures
        from doseopt.conduct.decided_on import side_by_side
        from doseopt.conduct.in_hand import read_trial
        from doseopt.conduct.posterior import able, check_choice
        from doseopt.core.beside import begun
        from doseopt.reports.render.document import Document
        from doseopt.study.file import load_study

        asked = _asked(model, models)
        _check_ahead(ahead, method)
        check_choice(asked, method, both=bool(outcomes) and data is not None)
        loaded = load_study(study)
        worked = "" if outcomes or data is not None else _example(len(loaded.doses.labels))
        read = read_trial(loaded, outcomes or worked, data, cutoff, window)
        folder = folder_for(out, json, html)
        kinds: Sequence[str | None] = able(loaded) if models == "all" else asked or [None]
        drawn = folder is not None or html is not None
        how = {"method": method, "seed": seed, "progress": sys.stderr.isatty(), "population": population}
        find: Callable[[], Found] = partial(_found, loaded, read, kinds, how, check, drawn)
        find = _beside(find) if drawn and method == "quadrature" else find
        from doseopt.plots.posterior import posterior_drawings
        from doseopt.reports.sections.posterior import posterior_document

        results, decided = find()
        result, summaries = results[0], [each.summary for each in results]
        beside = side_by_side([str(each.attrs["model"]) for each in summaries], decided, summaries)
        drawings = posterior_drawings(result.summary, lambda: result.density)
        further = _prospects(loaded, read, beside["model"].to_numpy().tolist()) if ahead else None
        document = posterior_document(result.summary, drawings, worked, beside, further)
        if result.checks is not None:
            document = _checked(result.checks, document)
        files = None if folder is None else begun(partial(_write_data, result, beside, further, folder))
        if not json:  # the answer before the draws and the figures, which take as long again
            show(document)
            sys.stdout.flush()
        document = drawing(document, folder, html)
        figures = [] if folder is None else write_figures(document, folder)  # while the data are written
        written = [] if files is None else [*files(), *figures]
        said = partial(_as_object, results, decided, further)
        shown = Document("", {}, ())
        deliver(said, document, json=json, html=html, folder=folder, files=written, shown=shown)


def _beside(find: Callable[[], Found]) -> Callable[[], Found]:
    """Begin to estimate in a copy of this process, if there may be one, and load meanwhile what draws."""
    from doseopt.core.beside import begun, processes
    from doseopt.reports.render.ahead import load

    if processes() == 1:
        return find
    from xarray import Dataset  # noqa: F401  # once, not in each process

    wait = begun(find)
    load()
    return wait


def _found(
    study: Study, trial: Trial, kinds: Sequence[str | None], how: dict[str, Any], check: bool, drawn: bool
) -> Found:
    """Return what the data lead to; of the first model the checks, and the densities, if they are asked for."""
    from doseopt.conduct.decided_on import decided_on, next_steps
    from doseopt.conduct.posterior import analyse

    results = [analyse(study, trial, kind, **how) for kind in kinds]
    steps = next_steps(study, trial)
    decided = [decided_on(study, each.question, steps, each.draws) for each in results]
    if check:
        from doseopt.conduct.checking import check_model

        results[0] = dataclasses.replace(results[0], checks=check_model(study, trial, results[0]))
    if drawn:
        _ = results[0].density  # once, for who draws it and who writes it
    return results, decided


def _as_object(results: Sequence[Analysis], decided: Sequence[xr.Dataset], further: xr.Dataset | None) -> Any:
    """Return what JSON holds: of one model an object, of several a list of them."""
    from doseopt.conduct.decided_on import as_object as decided_object
    from doseopt.conduct.posterior import as_object

    objects = [
        as_object(each.summary, each.checks) | decided_object(one) for each, one in zip(results, decided, strict=True)
    ]
    if further is not None:
        for each, one in zip(objects, further["model"].to_numpy().tolist(), strict=True):
            each["ahead"] = _ahead_of(further.sel(model=one))
    return objects[0] if len(objects) == 1 else {"models": objects}


def _checked(found: xr.Dataset, document: Document) -> Document:
    """Put the checks of the model behind the rest."""
    from doseopt.plots.posterior import first_cohort_figure
    from doseopt.reports.sections.checking import checks

    blocks = (*document.blocks, *checks(found, lambda: first_cohort_figure(found)))
    return dataclasses.replace(document, blocks=blocks)


def _asked(each: Sequence[str] | None, listed: str) -> list[str]:
    """Return the models asked for, in order and once; none for the study's."""
    from doseopt.core.parameters import Fault, Faults

    if each and listed:
        raise Faults([Fault("models", "wanted --model, which may be repeated, or --models, got both")])
    if listed == "all":
        return []
    named = each or [name.strip() for name in listed.split(",")]
    return list(dict.fromkeys(name for name in named if name))


def _ahead_of(found: xr.Dataset) -> dict[str, Any]:
    """Return what lies ahead under one model as JSON holds it."""
    ends = {
        str(name): {"none": at["ends_with_none"].item(), "doses": at["ends"].to_numpy().tolist()}
        for name in found["design"].to_numpy()
        for at in [found.sel(design=name)]
    }
    worth = {str(k): None if v != v else v for k, v in zip(found["further"].values, found["worth"].values, strict=True)}
    return {"ends": ends, "worth": worth, "utility": found.attrs["utility"]}


def _check_ahead(ahead: bool, method: str) -> None:
    """Refuse to look ahead by draws."""
    from doseopt.core.parameters import Fault, Faults

    if ahead and method == "nuts":
        raise Faults([Fault("--ahead", "wanted with --method quadrature: averages over draws would have their errors")])


def _prospects(study: Study, trial: Trial, models: list[str]) -> xr.Dataset:
    """Look ahead behind a spinner."""
    from doseopt.amendment.ahead import prospects
    from doseopt.cli.terminal import spinner

    with spinner("what lies ahead") as say:
        return prospects(study, trial, models, say)


def _write_data(result: Analysis, beside: xr.Dataset, further: xr.Dataset | None, folder: Path) -> list[Path]:
    """Write the DataTree and the table."""
    import xarray

    from doseopt.cli.output import write_csv
    from doseopt.tabular.netcdf import write_netcdf

    tree = result.tree.copy()
    tree["decided_on"] = xarray.DataTree(beside)
    if further is not None:
        tree["ahead"] = xarray.DataTree(further)
    table = result.summary.drop_dims("prior_scale").to_dataframe()
    return [
        write_netcdf(tree, folder / "posterior.nc"),
        write_csv(table, folder / "posterior.csv", index=True),
    ]
