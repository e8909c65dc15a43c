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
        from doseopt.cli.terminal import print_lines, steps
        from doseopt.comparison.definition_map import SHARES, definition_map, targets_of
        from doseopt.display.labels import listed
        from doseopt.reports.sections.definition_map import definition_map_document
        from doseopt.study.file import load_study
        from doseopt.tabular.netcdf import write_netcdf

        loaded = load_study(study)
        folder = folder_for(out, json, html)
        cells = len(SHARES) * len(targets_of(loaded.target))
        if filling := [name for name, design in loaded.designs.items() if design.facts.backfill is not None]:
            long = f"backfilling is simulated, anew in each of {cells} cells, which takes minutes"
            print_lines(f"doseopt: {listed(filling)}: {long}", stderr=True)
        with steps("definitions", len(loaded.designs) * cells) as step:
            ds = definition_map(loaded, progress=step)
        document = definition_map_document(ds)
        files = [] if folder is None else write_figures(document, folder)
        if folder is not None:
            measures = ds[["correct", "overdose", "ahead"]].to_dataframe().reset_index()
            files += [write_netcdf(ds, folder / "definitions.nc"), write_csv(measures, folder / "definitions.csv")]
        deliver(lambda: ds, document, json=json, html=html, folder=folder, files=files)
