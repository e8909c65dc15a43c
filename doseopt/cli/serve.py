"""The command that serves the app."""

from __future__ import annotations

import importlib.util
from typing import Annotated

import typer

from doseopt.cli.app import app, example, plain_errors
from doseopt.cli.options import BUDGET, Budget, StudyName, in_bytes

PORT = 8321


@app.command("app", epilog=example("app mine.toml"))
def serve(
    study: StudyName = "renji-elo",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen at; 0 for any that is free.")] = PORT,
    host: Annotated[str, typer.Option(help="Address to listen at; of this machine alone unless given.")] = "127.0.0.1",
    allow: Annotated[
        list[str] | None,
        typer.Option(help="A host name by which a proxy asks for the app; may be repeated. Others are refused."),
    ] = None,
    states: Annotated[int, typer.Option(min=1, help="Most states of the graph of a design.")] = 1_000_000,
    budget: Budget = BUDGET,
    megabytes: Annotated[
        int, typer.Option(min=100, help="Most memory of each of the three processes of a session.")
    ] = 2_000,
    seconds: Annotated[int, typer.Option(min=1, help="Most processor time of a session.")] = 1_800,
) -> None:
    """Serve the app: operating characteristics in a browser, which follow the curve while it is dragged."""
    with plain_errors():
        from doseopt.core.parameters import Fault, Faults

        missing = [name for name in ("shiny", "uvicorn") if importlib.util.find_spec(name) is None]
        if missing:
            wanted = f"wanted the extra, which brings {' and '.join(missing)}: pip install doseopt[app]"
            raise Faults([Fault("app", wanted)])
        from doseopt.app.serve import serve as run
        from doseopt.app.worker import Limits
        from doseopt.study.file import load_study, text_of

        load_study(study)
        run(text_of(study), Limits(states, megabytes, seconds, in_bytes(budget)), host, port, allow or ())
