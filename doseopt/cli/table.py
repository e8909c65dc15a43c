"""The command that prints a decision table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from doseopt.cli.app import app, example, make_folder, plain_errors
from doseopt.cli.options import Html, StudyName, as_json

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]
    import xarray as xr

    from doseopt.reports.render.document import Document


@app.command(epilog=example('table --design "BOIN 25"'))
def table(
    study: StudyName = "renji-elo",
    design: Annotated[
        str, typer.Option(help="Name of a design of the study; the first that has a table if left out.")
    ] = "",
    patients: Annotated[
        int | None, typer.Option(help="Most patients at one dose; the design's cap if left out.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for CSV, SVG and a page for A4; nothing is written if left out.")
    ] = None,
    html: Html = None,
    json: Annotated[bool, as_json("the table")] = False,
) -> None:
    """Print the decision table of a design that looks at one dose: y DLTs in n patients, and what is next.

    Of a design that decides while patients are pending: with the follow-up of these that it needs. Of BOIN12: the
    rank-based desirability scores by which it chooses among doses.
    """
    with plain_errors():
        from doseopt.cli.output import deliver, make_ready
        from doseopt.conduct.decision_table import as_object, chosen, decision_table, weighs_efficacy, with_table
        from doseopt.conduct.pending_table import as_object as as_pending
        from doseopt.conduct.pending_table import pending_table
        from doseopt.conduct.scores_table import as_object as as_scores
        from doseopt.conduct.scores_table import scores_table
        from doseopt.reports.frames import pending_decisions_frame, scores_frame
        from doseopt.reports.sections.decision_table import decision_table_document
        from doseopt.reports.sections.pending_table import pending_table_document
        from doseopt.reports.sections.scores_table import scores_table_document
        from doseopt.study.file import load_study

        loaded = load_study(study)
        if out is not None:
            make_folder(out)
        make_ready(html)
        others = () if design else with_table(loaded)[1:]
        one = loaded.designs[chosen(loaded, design)]
        if one.facts.pending:
            pending = pending_table(loaded, design, patients)
            document = pending_table_document(pending, others)
            files = [] if out is None else _write_page(pending_decisions_frame(pending), document, out)
            deliver(lambda: as_pending(pending), document, json=json, html=html, folder=out, files=files)
            return
        if weighs_efficacy(one):
            scores = scores_table(loaded, design, patients)
            document = scores_table_document(scores, others)
            files = [] if out is None else _write_page(scores_frame(scores), document, out)
            deliver(lambda: as_scores(scores), document, json=json, html=html, folder=out, files=files)
            return
        dataset = decision_table(loaded, design, patients)
        document = decision_table_document(dataset, others)
        files = [] if out is None else _write(dataset, document, out)
        deliver(lambda: as_object(dataset), document, json=json, html=html, folder=out, files=files)


def _write(dataset: xr.Dataset, document: Document, folder: Path) -> list[Path]:
    """Write the decisions and the boundaries, the figure, and the page."""
    from doseopt.cli.output import write_csv, write_figures
    from doseopt.plots.decision_page import decision_pages, save_pages
    from doseopt.reports.frames import boundaries_frame, decisions_frame

    return [
        write_csv(decisions_frame(dataset), folder / "table.csv"),
        write_csv(boundaries_frame(dataset), folder / "boundaries.csv"),
        *write_figures(document, folder),
        save_pages(decision_pages(dataset), folder, "table"),
    ]


def _write_page(frame: pd.DataFrame, document: Document, folder: Path) -> list[Path]:
    """Write the cells of a table, and the page."""
    from doseopt.cli.output import write_csv
    from doseopt.reports.render.pdf import write_pdf

    return [write_csv(frame, folder / "table.csv"), write_pdf(document, folder / "table.pdf")]
