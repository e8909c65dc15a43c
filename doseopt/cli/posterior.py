"""The command that estimates the DLT rates."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from doseopt.cli.app import app, plain_errors
from doseopt.cli.options import DataFile, Folder, Json, Outcomes, StudyName, read_trial, seed

if TYPE_CHECKING:
    from rich.console import Console

    from doseopt.conduct.posterior import Analysis
    from doseopt.study.study import Study


@app.command()
def posterior(
    study: StudyName = "renji-elo",
    outcomes: Outcomes = "",
    data: DataFile = None,
    model: Annotated[str, typer.Option(help="blrm, empiric, logistic, bma or beta; the study's if left out.")] = "",
    method: Annotated[str, typer.Option(help="quadrature, or nuts: draws, which ArviZ reads.")] = "quadrature",
    seed: Annotated[int, seed("Seed of NUTS.")] = 1,
    out: Folder = None,
    json: Json = False,
) -> None:
    """Estimate the DLT rate at each dose from the data so far; a worked example if none are given."""
    with plain_errors():
        from doseopt.cli.output import deliver, folder_for
        from doseopt.cli.terminal import print_lines
        from doseopt.conduct.posterior import analyse, as_object, check_choice
        from doseopt.records.trial import example
        from doseopt.reports.tables import print_posterior
        from doseopt.study.file import load_study

        check_choice(model, method, both=bool(outcomes) and data is not None)
        loaded = load_study(study)
        worked = "" if outcomes or data is not None else example(len(loaded.doses.labels))
        read = read_trial(loaded, outcomes or worked, data)
        folder = folder_for(out, json)
        result = analyse(loaded, read, model or None, method, seed, progress=sys.stderr.isatty())

        def show(console: Console) -> None:
            if worked:
                print_lines(f'No data were given; this is a worked example, as if --outcomes "{worked}".\n')
            print_posterior(result.summary, console)

        deliver(as_object(result.summary), folder, partial(_write, loaded, result), show, json)


def _write(study: Study, result: Analysis, folder: Path) -> list[Path]:
    """Write the DataTree, the table and the figures."""
    import xarray

    from doseopt.cli.output import write_csv, write_netcdf
    from doseopt.plots.posterior import posterior_figures
    from doseopt.plots.save import save_figure

    whole = result.tree.copy() if result.tree is not None else xarray.DataTree()
    whole.attrs |= study.provenance()
    whole["summary"] = xarray.DataTree(result.summary)
    whole["density"] = xarray.DataTree(result.density)
    table = result.summary.drop_dims("prior_scale").to_dataframe()
    files = [
        write_netcdf(whole, folder / "posterior.nc"),
        write_csv(table, folder / "posterior.csv", index=True),
    ]
    for name, figure in posterior_figures(result.summary, result.density).items():
        files += save_figure(figure, folder, name)
    return files
