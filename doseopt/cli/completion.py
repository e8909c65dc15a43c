"""The command that prints what a shell completes with."""

from __future__ import annotations

from typing import Annotated

import typer

from doseopt.cli.app import COMPLETE, app, example, plain_errors

SHELLS = ("bash", "zsh", "fish", "powershell")


@app.command(epilog=example("completion bash >> ~/.bashrc"))
def completion(shell: Annotated[str, typer.Argument(help=f"{', '.join(SHELLS)}.")]) -> None:
    """Print the script with which a shell completes commands, options, studies and kinds."""
    with plain_errors():
        from typer.completion import get_completion_script  # type: ignore[attr-defined]  # it imports it

        from doseopt.core.parameters import Fault, Faults, nearest

        if shell not in SHELLS:
            raise Faults([Fault("SHELL", f"unknown shell {shell!r}{nearest(shell, SHELLS)}")], "completion")
        typer.echo(get_completion_script(prog_name="doseopt", complete_var=COMPLETE, shell=shell))
