"""The server: one page, its assets, and a session a page; nothing that another host is asked for."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from importlib import resources
from typing import Any

import doseopt
from doseopt.app.safe import MOST_BYTES, OWN, Safe
from doseopt.app.sitting import Sitting
from doseopt.app.worker import Limits, warm

ASSETS = resources.files("doseopt") / "app" / "assets"
SCRIPTS, STYLES = "pages.js", "pages.css"
MOST_SESSIONS = 24
"""At a time."""


def application(begin: tuple[str, str], limits: Limits, hosts: Sequence[str] = ()) -> Safe:
    """Return the app, to be served by any server of ASGI.

    Parameters
    ----------
    begin : (str, str)
        Text and path of the study that a page shows first.
    limits : Limits
    hosts : sequence of str
        That it answers for, besides this machine.
    """
    os.environ["SHINY_OTEL_COLLECT"] = "none"
    from htmltools import HTMLDependency
    from shiny import App, Inputs, Outputs, Session, reactive, ui

    own = HTMLDependency(
        "doseopt",
        doseopt.__version__,
        source={"subdir": str(ASSETS)},
        script={"src": SCRIPTS, "type": "module"},
        stylesheet={"href": STYLES},
        all_files=True,
    )
    open_now: set[Sitting] = set()
    tasks: set[asyncio.Task[None]] = set()

    def server(input: Inputs, output: Outputs, session: Session) -> None:
        async def send(kind: str, message: dict[str, Any]) -> None:
            if sitting in open_now:
                await session.send_custom_message(kind, message)

        async def refuse(*_: Any) -> None:
            raise ValueError("files come as texts, through the page")

        sitting = Sitting(send, limits, begin)
        session.set_message_handler("uploadInit", refuse)
        session.set_message_handler("uploadEnd", refuse)
        if len(open_now) < MOST_SESSIONS:
            open_now.add(sitting)

        def ended() -> None:
            open_now.discard(sitting)
            sitting.end()

        async def hear() -> None:
            if sitting not in open_now:
                full = "as many people use this app as it allows at a time: try again later"
                await session.send_custom_message("answer", {"id": None, "ended": full})
                return
            task = asyncio.create_task(sitting.hear(input.ask()))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        session.on_ended(ended)
        reactive.effect(reactive.event(input.ask)(hear))

    app = App(ui.page_html((ASSETS / "index.html").read_text(encoding="utf-8"), extra_deps=[own]), server)
    app.sanitize_errors = True
    page: Any = app.ui
    return Safe(app, hosts, page["html"])


def serve(begin: tuple[str, str], limits: Limits, host: str, port: int, hosts: Sequence[str]) -> None:
    """Serve the app until it is interrupted.

    Parameters
    ----------
    begin : (str, str)
        Text and path of the study.
    limits : Limits
    host, port
        Where it listens; port 0 is any that is free.
    hosts : sequence of str
        Names by which a proxy asks for it.
    """
    import socket

    import uvicorn

    warm()
    named = hosts if host in (*OWN, "0.0.0.0", "::") else [host, *hosts]
    config = uvicorn.Config(
        application(begin, limits, named),
        log_level="warning",
        access_log=False,
        server_header=False,
        ws_max_size=MOST_BYTES,
        ws_max_queue=8,
        timeout_graceful_shutdown=1,
        h11_max_incomplete_event_size=65_536,
        proxy_headers=False,
    )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        where = f"[{host}]" if ":" in host else host
        print(f"doseopt: http://{where}:{listening.getsockname()[1]}/  (Ctrl-C ends it)", flush=True)
        uvicorn.Server(config).run([listening])
