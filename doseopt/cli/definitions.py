"""The command that maps which design is best under which definitions."""

from __future__ import annotations

from doseopt.cli.app import app, example, plain_errors
from doseopt.cli.options import DatasetJson, Folder, Html, StudyName


@app.command(epilog=example("definitions mine.toml"))
def definitions(
    study: StudyName = "renji-elo", out: Folder = None, html: Html = None, json: DatasetJson = False
) -> None:
    """Map which design is best, over target, definition of right, naming rule and share of false DLTs."""
    with plain_errors():
        from doseopt.cli.output import deliver, folder_for, write_csv, write_figures
        from doseopt.cli.terminal import steps
        from doseopt.comparison.definition_map import definition_map, targets_of
        from doseopt.reports.sections.definition_map import definition_map_document
        from doseopt.study.file import load_study
        from doseopt.tabular.netcdf import write_netcdf

        loaded = load_study(study)
        folder = folder_for(out, json, html)
        with steps("definitions", len(loaded.designs) * len(targets_of(loaded.target))) as step:
            ds = definition_map(loaded, progress=step)
        document = definition_map_document(ds)
        files = [] if folder is None else write_figures(document, folder)
        if folder is not None:
            measures = ds[["correct", "overdose", "ahead"]].to_dataframe().reset_index()
            files += [write_netcdf(ds, folder / "definitions.nc"), write_csv(measures, folder / "definitions.csv")]
        deliver(lambda: ds, document, json=json, html=html, folder=folder, files=files)
