"""Commands on a whole study: compare, posterior, check."""

from __future__ import annotations

import sys
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from doseopt.cli.app import StudyName, app, make_folder, plain_errors, print_written

if TYPE_CHECKING:
    import xarray as xr

    from doseopt.posterior import Analysis
    from doseopt.study import Study


@app.command()
def compare(
    study: StudyName = "renji-elo",
    out: Annotated[Path | None, typer.Option(help="Folder for the results; 'results' if left out.")] = None,
    settled: Annotated[
        bool, typer.Option("--settled", help="Stop a trial once every ending it can reach selects the same dose.")
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print the Dataset as one JSON object instead of tables.")
    ] = False,
) -> None:
    """Compare the designs of a study on its scenarios: tables here, data and figures in a folder."""
    with plain_errors():
        from doseopt.study_file import load_study

        loaded = load_study(study)
        folder = out if out is not None or json else Path("results")
        if folder is not None:
            make_folder(folder)
        dataset = _compared(loaded, settled)
        written = [] if folder is None else _write(dataset, folder)
        if json:
            from doseopt.output import as_json

            print(as_json(dataset))
            return
        from doseopt.cli.terminal import terminal
        from doseopt.tables import print_comparison

        console = terminal()
        print_comparison(dataset, console)
        print_written(folder, written)


def _compared(study: Study, settled: bool) -> xr.Dataset:
    """Run the comparison behind a progress bar on standard error."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from doseopt.cli.terminal import terminal
    from doseopt.comparison import compare as run
    from doseopt.engine.exact import Exact

    columns = (
        TextColumn("comparing"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.description}", markup=False),
    )
    with Progress(*columns, console=terminal(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=len(study.designs) + 2)

        def step(name: str) -> None:
            bar.update(task, description=name, advance=0 if bar.tasks[0].description == "" else 1)

        return run(study, Exact(settled=settled), progress=step)


def _write(dataset: xr.Dataset, folder: Path) -> list[Path]:
    """Write the Dataset, the tidy table and the figures."""
    from doseopt.output import write_csv, write_netcdf
    from doseopt.plots import save_figures
    from doseopt.tables import tidy

    return [
        write_netcdf(dataset, folder / "comparison.nc"),
        write_csv(tidy(dataset), folder / "comparison.csv"),
        *save_figures(dataset, folder),
    ]


@app.command()
def posterior(
    study: StudyName = "renji-elo",
    outcomes: Annotated[str, typer.Option(help='Outcomes so far, e.g. "1N 2NNT".')] = "",
    data: Annotated[Path | None, typer.Option(help="A CSV file with one patient a row.")] = None,
    model: Annotated[str, typer.Option(help="blrm, empiric, logistic, bma or beta; the study's if left out.")] = "",
    method: Annotated[str, typer.Option(help="quadrature or nuts.")] = "quadrature",
    seed: Annotated[int, typer.Option(help="Seed of NUTS.", min=0)] = 1,
    out: Annotated[Path | None, typer.Option(help="Folder for the results; 'results' if left out.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
) -> None:
    """Estimate the DLT rate at each dose from the data so far; a worked example if none are given."""
    with plain_errors():
        from doseopt.data import EXAMPLE, data_from_csv, data_from_outcomes
        from doseopt.posterior import analyse, as_object, check_choice
        from doseopt.study_file import load_study

        check_choice(model, method, both=bool(outcomes) and data is not None)
        loaded = load_study(study)
        if data is not None:
            read = data_from_csv(data, loaded.doses)
        else:
            read = data_from_outcomes(outcomes or EXAMPLE, loaded.doses)
        folder = out if out is not None or json else Path("results")
        if folder is not None:
            make_folder(folder)
        result = analyse(loaded, read, model or None, method, seed, progress=sys.stderr.isatty())
        written = [] if folder is None else _write_posterior(result, folder)
        if json:
            from doseopt.output import plain

            print(dumps(plain(as_object(result.summary)), allow_nan=False))
            return
        from doseopt.cli.terminal import terminal
        from doseopt.tables import print_posterior

        if not outcomes and data is None:
            print(f'No data were given; this is a worked example, as if --outcomes "{EXAMPLE}".\n')
        print_posterior(result.summary, terminal())
        print_written(folder, written)


def _write_posterior(result: Analysis, folder: Path) -> list[Path]:
    """Write the DataTree, the table and the figures."""
    import xarray

    from doseopt.output import write_csv, write_netcdf
    from doseopt.plots.posterior import posterior_figures
    from doseopt.plots.save import save_figure

    whole = result.tree.copy() if result.tree is not None else xarray.DataTree()
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


@app.command()
def check(study: StudyName) -> None:
    """Validate a study file: every fault at once, each with its place in the file."""
    with plain_errors():
        from doseopt.study_file import load_study

        loaded = load_study(study)
        scenarios = loaded.scenarios().sizes["scenario"] if loaded.scenario_specs else "no"
        print(
            f"{study}: valid ({len(loaded.designs)} designs, {scenarios} scenarios, {len(loaded.doses.labels)} doses, "
            f"hash {loaded.hash})"
        )
        for fault in loaded.unweighed():
            print(f"To compare the designs, {fault}")
