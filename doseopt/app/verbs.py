"""What a page may ask: each verb with the function that answers it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from doseopt.app.amending import amend, first, smallest
from doseopt.app.comparing import at_rest, attainable, curve, maps
from doseopt.app.desk import Desk, Given, Tell
from doseopt.app.editing import added, kinds, read
from doseopt.app.given import passing_folder, text
from doseopt.app.running import pathways, posterior, table, trial
from doseopt.core.parameters import Fault, Faults


def written(desk: Desk, given: Given, tell: Tell) -> bytes:
    """Return a document that was shown as a file, .html, .docx or .pdf; nothing of it stays on a disk."""
    from doseopt.reports.result import WRITERS

    name, kind = text(given, "name", 40), text(given, "kind", 8)
    if name not in desk.documents or f".{kind}" not in WRITERS:
        raise Faults([Fault("download", f"wanted a page that is shown, as html, docx or pdf, got {name!r}, {kind!r}")])
    if kind == "pdf" and name in desk.writers:
        return desk.writers[name](kind)
    tell(f"writing {kind.upper()}")
    with passing_folder() as folder:
        return WRITERS[f".{kind}"](desk.documents[name], folder / f"{name}.{kind}").read_bytes()


VERBS: dict[str, Callable[[Desk, Given, Tell], Any]] = {
    "read": read,
    "kinds": kinds,
    "added": added,
    "curve": curve,
    "at_rest": at_rest,
    "attainable": attainable,
    "maps": maps,
    "trial": trial,
    "posterior": posterior,
    "pathways": pathways,
    "table": table,
    "first": first,
    "amend": amend,
    "smallest": smallest,
    "written": written,
}
"""What a page may ask."""
LONG = ("at_rest", "attainable", "maps", "posterior", "pathways", "table", "first", "amend", "smallest")
"""What takes long, and is asked of a process of its own, which can be cancelled."""
