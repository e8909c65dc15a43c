"""The command that prints dose transition pathways."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from doseopt.cli.app import app, make_folder, plain_errors
from doseopt.cli.options import DesignName, Outcomes, StudyName, as_json, check_one_source, read_trial

if TYPE_CHECKING:
    import xarray as xr


@app.command()
def paths(
    study: StudyName = "renji-elo",
    design: DesignName = "",
    cohorts: Annotated[int, typer.Option(help="Cohorts to look ahead.")] = 3,
    outcomes: Outcomes = "",
    data: Annotated[Path | None, typer.Option(help="A CSV file with one patient a row, instead.")] = None,
    scenario: Annotated[
        str, typer.Option(help="The truth to weigh with; the posterior predictive of the study's model if left out.")
    ] = "",
    out: Annotated[
        Path | None, typer.Option(help="Folder for CSV, netCDF and figure; nothing is written if left out.")
    ] = None,
    json: Annotated[bool, as_json("the tree")] = False,
) -> None:
    """Show the dose transition pathways: each way the next cohorts can turn out, what is next, and how likely it is."""
    with plain_errors():
        from doseopt.cli.output import deliver
        from doseopt.conduct.pathways import as_object
        from doseopt.conduct.pathways import paths as run
        from doseopt.reports.tables.pathways import print_paths
        from doseopt.study.file import load_study

        check_one_source(outcomes, data)
        loaded = load_study(study)
        if out is not None:
            make_folder(out)
        dataset = run(loaded, read_trial(loaded, outcomes, data), design, cohorts, scenario)
        deliver(as_object(dataset), out, partial(_write, dataset), partial(print_paths, dataset), json)


def _write(dataset: xr.Dataset, folder: Path) -> list[Path]:
    """Write the paths as a table, the whole tree, and the figure."""
    from doseopt.cli.output import write_csv, write_netcdf
    from doseopt.plots.pathways import paths_figure
    from doseopt.plots.save import save_figure
    from doseopt.reports.tables.pathways import paths_frame

    return [
        write_csv(paths_frame(dataset), folder / "paths.csv"),
        write_netcdf(dataset, folder / "paths.nc"),
        *save_figure(paths_figure(dataset), folder, "paths"),
    ]
