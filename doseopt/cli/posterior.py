"""The command that estimates the DLT rates."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from doseopt.cli.app import app, plain_errors
from doseopt.cli.options import Cutoff, DataFile, Folder, Html, Json, Outcomes, StudyName, WindowDays, seed

if TYPE_CHECKING:
    from doseopt.conduct.posterior import Analysis
    from doseopt.records.trial import Trial
    from doseopt.reports.render.document import Document
    from doseopt.study.study import Study


EXAMPLE = "1N 2NNT 2NNN 3NNN"
"""A worked example of the registered protocol: a DLT at the second dose, which six patients then clear."""


def _example(doses: int) -> str:
    """Return as much of the worked example as a study with so many doses can have."""
    return " ".join(cohort for cohort in EXAMPLE.split() if int(cohort[0]) <= doses)


@app.command()
def posterior(
    study: StudyName = "renji-elo",
    outcomes: Outcomes = "",
    data: DataFile = None,
    cutoff: Cutoff = None,
    window: WindowDays = None,
    model: Annotated[
        str, typer.Option(help="blrm, empiric, logistic, bma, beta, monotone or two_populations; the study's.")
    ] = "",
    method: Annotated[str, typer.Option(help="quadrature, or nuts: draws, which ArviZ reads.")] = "quadrature",
    population: Annotated[str, typer.Option(help="Of a model of two populations, whose rates; the first.")] = "",
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
        from doseopt.cli.output import deliver, folder_for
        from doseopt.conduct.in_hand import read_trial
        from doseopt.conduct.posterior import analyse, as_object, check_choice
        from doseopt.plots.posterior import posterior_drawings
        from doseopt.reports.sections.posterior import posterior_document
        from doseopt.study.file import load_study

        check_choice(model, method, both=bool(outcomes) and data is not None)
        loaded = load_study(study)
        worked = "" if outcomes or data is not None else _example(len(loaded.doses.labels))
        read = read_trial(loaded, outcomes or worked, data, cutoff, window)
        folder = folder_for(out, json, html)
        result = analyse(loaded, read, model or None, method, seed, sys.stderr.isatty(), population)
        summary = result.summary
        document = posterior_document(summary, posterior_drawings(summary, lambda: result.density), worked)
        if check:
            document, result = _checked(loaded, read, result, document)
        written = [] if folder is None else _write(result, document, folder)
        deliver(lambda: as_object(summary, result.checks), document, json=json, html=html, folder=folder, files=written)


def _checked(study: Study, trial: Trial, result: Analysis, document: Document) -> tuple[Document, Analysis]:
    """Put the checks of the model behind the rest, and into the data."""
    import dataclasses

    from doseopt.conduct.checking import check_model
    from doseopt.plots.posterior import first_cohort_figure
    from doseopt.reports.sections.checking import checks

    found = check_model(study, trial, result)
    blocks = (*document.blocks, *checks(found, lambda: first_cohort_figure(found)))
    return dataclasses.replace(document, blocks=blocks), dataclasses.replace(result, checks=found)


def _write(result: Analysis, document: Document, folder: Path) -> list[Path]:
    """Write the DataTree, the table and the figures."""
    from doseopt.cli.output import write_csv, write_figures
    from doseopt.tabular.netcdf import write_netcdf

    table = result.summary.drop_dims("prior_scale").to_dataframe()
    return [
        write_netcdf(result.tree, folder / "posterior.nc"),
        write_csv(table, folder / "posterior.csv", index=True),
        *write_figures(document, folder),
    ]
