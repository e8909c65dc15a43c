"""The command that validates a study file."""

from __future__ import annotations

from doseopt.cli.app import app, plain_errors
from doseopt.cli.options import StudyName


@app.command()
def check(study: StudyName) -> None:
    """Validate a study file: every fault at once, each with its place in the file."""
    with plain_errors():
        from doseopt.cli.terminal import print_lines
        from doseopt.core.text import counted
        from doseopt.study.file import load_study

        loaded = load_study(study)
        truths = loaded.scenarios().sizes["scenario"] if loaded.scenario_specs else 0
        parts = [
            counted(len(loaded.designs), "design"),
            counted(truths, "scenario") if truths else "no scenarios",
            counted(len(loaded.doses.labels), "dose"),
            f"hash {loaded.hash}",
        ]
        print_lines(f"{study}: valid ({', '.join(parts)})")
        for fault in loaded.unweighed():
            print_lines(f"To compare the designs, {fault}")
