"""Pages that are made of the package itself: names, keys, measures, options of commands, what there is not."""

import inspect
import json
import re
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

import doseopt

ROOMS = {
    "verbs": ("Verbs", "What the commands do, for scripts and notebooks.", ("reports", "study.file")),
    "designs": ("Designs", "The library, and what is laid around a rule.", ("designs.", "designs")),
    "rules": ("Rules laid over a design", "Modifiers, by their names in Python.", ("designs.modifiers",)),
    "study": ("Studies and trials", "What a study file becomes, and the trial so far.", ("study", "records", "core")),
    "truth": (
        "Truths, beliefs, models",
        "Scenarios, what is right, priors.",
        ("scenarios", "beliefs", "models", "measures"),
    ),
    "engines": ("Engines and limits", "How trials end, and what no design can beat.", ("engines", "attainable")),
    "time": ("Time and endpoints", "Arrivals, onset, duration; liver scores, survival.", ("clock", "endpoints")),
}
"""Pages of the reference: title, subtitle, and the rooms whose public names stand there."""


def names_of_page(page: str) -> list[str]:
    """Return the public names of a page: those whose home begins most closely with one of its rooms."""
    found = []
    for name, home in doseopt._HOME.items():
        near = {p: max((len(r) for r in rooms if home.startswith(r)), default=-1) for p, (_, _, rooms) in ROOMS.items()}
        if max(near, key=lambda p: near[p]) == page:
            found.append(name)
    return sorted(found, key=str.casefold)


def reference(page: str) -> str:
    """Return a page of the reference, from docstrings."""
    title, subtitle, _ = ROOMS[page]
    parts = [f"# {title}", subtitle]
    for name in names_of_page(page):
        part = getattr(doseopt, name)
        kind = "class" if inspect.isclass(part) else "function" if inspect.isfunction(part) else "data"
        home = f"doseopt.{doseopt._HOME[name]}"
        parts.append(f"## {name}\n\n```{{eval-rst}}\n.. currentmodule:: {home}\n.. auto{kind}:: {name}\n```")
    if page == "verbs":
        about, _, _ = (inspect.getdoc(doseopt.plot) or "").partition("Examples")
        parts.append(f"## plot\n\n{about}")
    return "\n\n".join(parts) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a table of Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def keys() -> str:
    """Return the reference of a study file, as `doseopt keys` has it."""
    from doseopt.reports.sections.keys import as_object
    from doseopt.study.keys import key_tables

    parts = ["# Keys of a study file", "Every table and every key, as `doseopt keys` prints them."]
    for path, one in as_object(key_tables()).items():
        source = f"\n\nSource: {one['source']}" if one["source"] else ""
        rows = [
            (f"`{k['key']}`", k["meaning"], k["wanted"], _code(k["default"]), k["unit"], _code(k["example"]))
            for k in one["keys"]
        ]
        head = ("key", "meaning", "wanted", "default", "unit", "example")
        parts.append(f"## {path}\n\n{one['meaning'].capitalize()}.{source}\n\n{table(head, rows)}")
    return "\n\n".join(parts) + "\n"


def _code(text: str) -> str:
    return text if text in ("", "required", "none") else f"`{text}`"


def measures() -> str:
    """Return the measures of a comparison."""
    rows = [(f"`{name}`", one.long_name, one.units) for name, one in doseopt.METRICS.items()]
    return f"# Measures\n\nVariables of a comparison.\n\n{table(('name', 'meaning', 'unit'), rows)}\n"


def unsupported() -> str:
    """Return what doseopt does not have, as `doseopt check` says it."""
    from doseopt.study.absent import ABSENT

    groups: dict[str, list[str]] = {}
    for name, said in ABSENT.items():
        groups.setdefault(said, []).append(f"`{name}`")
    rows = [(said[0].upper() + said[1:], ", ".join(names)) for said, names in groups.items()]
    return table(("what doseopt does not have", "words in a study file that are answered so"), rows) + "\n"


def notebook(text: str) -> str:
    """Return a page with cells as a Jupyter notebook."""
    cells: list[dict[str, Any]] = []
    for k, part in enumerate(re.split(r"```\{code-cell\}.*?\n(.*?)```", text, flags=re.DOTALL)):
        source = part.strip()
        if k % 2:
            cells.append(
                {"cell_type": "code", "metadata": {}, "execution_count": None, "outputs": [], "source": source}
            )
        elif source:
            cells.append({"cell_type": "markdown", "metadata": {}, "source": source})
    meta = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return json.dumps({"cells": cells, "metadata": meta, "nbformat": 4, "nbformat_minor": 4}, indent=1) + "\n"


class Options(SphinxDirective):
    """The arguments and options of a command."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """List them."""
        from typer.main import get_command

        from doseopt.cli import app

        command = get_command(app).commands[self.arguments[0]]
        rows = []
        for one in command.params:
            words = ", ".join(f"`{word}`" for word in (*one.opts, *one.secondary_opts) if word.startswith("-"))
            usual = "" if one.default in (None, "", False) or callable(one.default) else f" Left out: `{one.default}`."
            rows.append((words or f"`{one.name.upper()}`", (getattr(one, "help", "") or "") + usual))
        text = f"{command.epilog.replace(': ', ': `')}`\n\n" + table(("option", "meaning"), rows)
        return self.parse_text_to_nodes(text)


def generate(app: Sphinx) -> None:
    """Write the pages before Sphinx looks for them."""
    sources = Path(app.srcdir)
    place = sources / "generated"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    texts = {f"{page}.md": reference(page) for page in ROOMS}
    texts |= {"keys.md": keys(), "measures.md": measures(), "unsupported.inc": unsupported()}
    texts["notebook.ipynb"] = notebook((sources / "tutorials/notebook.md").read_text(encoding="utf-8"))
    for name, text in texts.items():
        (place / name).write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx."""
    app.connect("config-inited", lambda app, _: generate(app))
    app.add_directive("options", Options)
    return {"parallel_read_safe": True}
