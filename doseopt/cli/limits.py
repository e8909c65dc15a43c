"""The command that says what no design can beat."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from doseopt.cli.app import app, example, plain_errors
from doseopt.cli.options import BUDGET, Budget, DatasetJson, Folder, Html, StudyName, allowing

if TYPE_CHECKING:
    from doseopt.attainable.attained import Limits
    from doseopt.reports.render.document import Document
    from doseopt.study.study import Study


@app.command(epilog=example("limits mine.toml"))
def limits(
    study: StudyName = "renji-elo",
    budget: Budget = BUDGET,
    out: Folder = None,
    html: Html = None,
    json: DatasetJson = False,
) -> None:
    """Show what is attainable under the study's belief, what its designs attain of it, and what rules cost."""
    with plain_errors(), allowing(budget):
        from doseopt.attainable.attained import limits_of
        from doseopt.cli.output import deliver, folder_for
        from doseopt.cli.terminal import spinner
        from doseopt.display.attained import anything_attainable
        from doseopt.reports.sections.limits import limits_document
        from doseopt.study.file import load_study

        loaded = load_study(study)
        folder = folder_for(out, json, html)
        with spinner("what is attainable") as say:
            found = limits_of(loaded, say)
            say("tables and figures")
            ds = found.dataset
            document = limits_document(ds)
            files = [] if folder is None else _write(loaded, found, document, folder)
        deliver(lambda: ds, document, json=json, html=html, folder=folder, files=files)
        if not anything_attainable(ds):
            from doseopt.engines.budget import TooManyStates

            raise TooManyStates(f"nothing that is attainable was computed\n{ds.attrs['not_computed']}")


def _write(study: Study, found: Limits, document: Document, folder: Path) -> list[Path]:
    """Write the Dataset, the tidy table, the figures, the optimal policies if any, and a study that has them."""
    import dataclasses
    import re

    from doseopt.cli.output import write_csv, write_figures
    from doseopt.reports.frames import limits_frame
    from doseopt.tabular.netcdf import write_netcdf

    written = [
        write_netcdf(found.dataset, folder / "limits.nc"),
        write_csv(limits_frame(found.dataset), folder / "limits.csv"),
        *write_figures(document, folder),
    ]
    if not found.policies:
        return written
    designs = dict(study.designs)
    for name, policy in found.policies.items():
        table = dataclasses.replace(policy.table, path=f"{re.sub('[^a-z0-9]+', '-', name).strip('-')}.policy")
        designs[name] = dataclasses.replace(policy, table=table)
    return [*written, *dataclasses.replace(study, designs=designs).save(folder / "optimal.toml")]
