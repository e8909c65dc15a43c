"""The command that prints dose transition pathways."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from doseopt.cli.app import app, example, make_folder, plain_errors
from doseopt.cli.options import Cutoff, DesignName, Html, Outcomes, StudyName, WindowDays, as_json, check_one_source

if TYPE_CHECKING:
    import xarray as xr

    from doseopt.reports.render.document import Document


@app.command(epilog=example('paths --design "CRM 25" --cohorts 2'))
def paths(
    study: StudyName = "renji-elo",
    design: DesignName = "",
    cohorts: Annotated[int, typer.Option(help="Cohorts to look ahead.")] = 3,
    outcomes: Outcomes = "",
    data: Annotated[Path | None, typer.Option(help="A CSV file or a folder with the patients, instead.")] = None,
    cutoff: Cutoff = None,
    window: WindowDays = None,
    scenario: Annotated[
        str, typer.Option(help="The truth to weigh with; the posterior predictive of the study's model if left out.")
    ] = "",
    out: Annotated[
        Path | None, typer.Option(help="Folder for CSV, netCDF and figure; nothing is written if left out.")
    ] = None,
    html: Html = None,
    json: Annotated[bool, as_json("the tree")] = False,
) -> None:
    """Show the dose transition pathways: each way the next cohorts can turn out, what is next, and how likely it is."""
    with plain_errors():
        from doseopt.cli.output import deliver, make_ready
        from doseopt.conduct.in_hand import read_trial
        from doseopt.conduct.pathways import as_object
        from doseopt.conduct.pathways import paths as run
        from doseopt.reports.sections.pathways import paths_document
        from doseopt.study.file import load_study

        check_one_source(outcomes, data)
        loaded = load_study(study)
        if out is not None:
            make_folder(out)
        make_ready(html)
        dataset = run(loaded, read_trial(loaded, outcomes, data, cutoff, window), design, cohorts, scenario)
        document = paths_document(dataset)
        written = [] if out is None else _write(dataset, document, out)
        deliver(lambda: as_object(dataset), document, json=json, html=html, folder=out, files=written)


def _write(dataset: xr.Dataset, document: Document, folder: Path) -> list[Path]:
    """Write the paths as a table, the whole tree, and the figure."""
    from doseopt.cli.output import write_csv, write_figures
    from doseopt.reports.frames import paths_frame
    from doseopt.tabular.netcdf import write_netcdf

    return [
        write_csv(paths_frame(dataset), folder / "paths.csv"),
        write_netcdf(dataset, folder / "paths.nc"),
        *write_figures(document, folder),
    ]
