"""The command that says what no design can beat."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from doseopt.cli.app import StudyName, app, make_folder, plain_errors, print_written

if TYPE_CHECKING:
    from doseopt.attainable.attained import Limits
    from doseopt.study.study import Study


@app.command()
def limits(
    study: StudyName = "renji-elo",
    out: Annotated[Path | None, typer.Option(help="Folder for the results; 'results' if left out.")] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print the Dataset as one JSON object instead of tables.")
    ] = False,
) -> None:
    """Show what is attainable under the study's belief, what its designs attain of it, and what rules cost."""
    with plain_errors():
        from doseopt.display.attained import anything_attainable
        from doseopt.study.file import load_study

        loaded = load_study(study)
        folder = out if out is not None or json else Path("results")
        if folder is not None:
            make_folder(folder)
        found = _run(loaded)
        written = [] if folder is None else _write(loaded, found, folder)
        _show(found, folder, written, json)
        if not anything_attainable(found.dataset):
            from doseopt.engines.graph import TooManyStates

            raise TooManyStates(f"nothing that is attainable was computed\n{found.dataset.attrs['not_computed']}")


def _show(found: Limits, folder: Path | None, written: list[Path], json: bool) -> None:
    """Print what was found, as tables or as JSON."""
    if json:
        from doseopt.cli.output import as_json

        print(as_json(found.dataset))
        return
    from doseopt.cli.terminal import terminal
    from doseopt.reports.tables.limits import print_limits

    print_limits(found.dataset, terminal())
    print_written(folder, written)


def _run(study: Study) -> Limits:
    """Compute behind a spinner on standard error that says what is being done."""
    from rich.text import Text

    from doseopt.attainable.attained import limits_of
    from doseopt.cli.terminal import terminal

    with terminal(stderr=True).status("what is attainable") as status:
        return limits_of(study, lambda step: status.update(Text(f"what is attainable: {step}")))


def _write(study: Study, found: Limits, folder: Path) -> list[Path]:
    """Write the Dataset, the tidy table, the figures, the optimal policies if any, and a study that has them."""
    import dataclasses
    import re

    from doseopt.cli.output import write_csv, write_netcdf
    from doseopt.plots import save_limit_figures
    from doseopt.reports.tables.limits import limits_frame

    written = [
        write_netcdf(found.dataset, folder / "limits.nc"),
        write_csv(limits_frame(found.dataset), folder / "limits.csv"),
        *save_limit_figures(found.dataset, folder),
    ]
    if not found.policies:
        return written
    designs = dict(study.designs)
    for name, policy in found.policies.items():
        table = dataclasses.replace(policy.table, path=f"{re.sub('[^a-z0-9]+', '-', name).strip('-')}.policy")
        designs[name] = dataclasses.replace(policy, table=table)
    return [*written, *dataclasses.replace(study, designs=designs).save(folder / "optimal.toml")]
