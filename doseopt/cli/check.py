"""The command that validates a study file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from doseopt.cli.app import app, example, make_folder, plain_errors
from doseopt.cli.options import Html, StudyName

if TYPE_CHECKING:
    from doseopt.study.study import Study


@app.command(epilog=example("check mine.toml"))
def check(
    study: StudyName,
    stated: Annotated[
        str, typer.Option("--hash", help="Hash that a report or a result states: is it this study?")
    ] = "",
    upgrade: Annotated[
        bool, typer.Option("--upgrade", help="Print the study as this version spells it, without comments.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="With --upgrade: the file to write, policies beside it.")] = None,
    html: Html = None,
) -> None:
    """Validate a study file: every fault at once, each with its place in the file."""
    with plain_errors():
        from doseopt.amendment.criteria import criteria_faults
        from doseopt.cli.terminal import print_lines
        from doseopt.comparison.weighable import unweighed
        from doseopt.core.parameters import Fault, Faults
        from doseopt.core.text import counted
        from doseopt.study.digest import hash_fault
        from doseopt.study.file import load_study

        if out is not None and not upgrade:
            raise Faults([Fault("--out", "wanted with --upgrade only")])
        if html is not None and upgrade:
            raise Faults([Fault("--html", "wanted without --upgrade, which prints the study")])
        if html is not None:
            from doseopt.cli.output import make_ready

            make_ready(html)
        loaded = load_study(study, judge=criteria_faults)
        if stated and (message := hash_fault(stated, loaded.hash)):
            raise Faults([Fault("--hash", message)], study)
        if upgrade:
            return _upgrade(loaded, out)
        truths = sum(getattr(spec, "count", 1) for spec in loaded.scenario_specs.values())
        parts = [
            counted(len(loaded.designs), "design"),
            counted(truths, "scenario") if truths else "no scenarios",
            counted(len(loaded.doses.labels), "dose"),
            f"hash {loaded.hash}",
        ]
        lines = [f"{study}: valid ({', '.join(parts)})"]
        lines += [f"To compare the designs, {fault}" for fault in unweighed(loaded)]
        for line in lines:  # which no pipe sees broken
            print_lines(line)
        if html is not None:
            from doseopt.cli.output import print_written
            from doseopt.reports.render.document import Caution, Document
            from doseopt.reports.render.html import write_html

            print_written(html.parent, [write_html(Document(lines[0], {}, tuple(map(Caution, lines[1:]))), html)])


def _upgrade(study: Study, out: Path | None) -> None:
    """Print the study as this version spells it, or write it."""
    if out is None:
        print(study.to_toml(), end="")
        return
    from doseopt.cli.output import print_written

    make_folder(out.parent)
    print_written(out.parent, study.save(out))
