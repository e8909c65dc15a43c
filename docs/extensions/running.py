"""Directives that do what they show: `{run}` commands, `{code-cell}` Python, `{file}`, and `{built}` figures.

Commands and cells of one page share a folder, and its cells a namespace, as in a notebook. What fails fails the build.
"""

import ast
import contextlib
import io
import os
import shlex
import shutil
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from doseopt.core.files import write_whole

logger = logging.getLogger(__name__)
BUILT = "generated/built"
"""Where figures are put, below the sources."""


@contextlib.contextmanager
def inside(folder: Path) -> Iterator[None]:
    """Work in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def run_command(line: str, folder: Path) -> tuple[str, int]:
    """Run a line, `doseopt ...` or `cat FILE`, in a folder; return what it prints, and its status."""
    from typer.testing import CliRunner

    from doseopt.cli import app

    command, _, target = (part.strip() for part in line.partition(" > "))
    program, *words = shlex.split(command, comments=True)
    with inside(folder):
        if program == "cat":
            return Path(words[0]).read_text(encoding="utf-8"), 0
        if program != "doseopt":
            return "no program of the documentation", -1
        done = CliRunner().invoke(app, words, prog_name="doseopt")
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            return repr(done.exception), -1
        if target:
            write_whole(Path(target), lambda path: path.write_text(done.stdout, encoding="utf-8"))
            return "", done.exit_code
        return done.stdout + (done.stderr if done.exit_code else ""), done.exit_code


def run_cell(code: str, names: dict[str, Any], folder: Path) -> tuple[str, Any]:
    """Run a cell as a notebook does: what it prints, and the value of its last line."""
    tree, said, value = ast.parse(code), io.StringIO(), None
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    with inside(folder), contextlib.redirect_stdout(said):
        exec(compile(tree, "cell", "exec"), names)
        if last is not None:
            value = eval(compile(ast.Expression(last.value), "cell", "eval"), names)
    return said.getvalue(), value


class Page(SphinxDirective):
    """A directive that works in the folder of its page."""

    @property
    def folder(self) -> Path:
        """Where the page runs."""
        return Path(self.env.app.doctreedir).parent / "run" / self.env.docname

    def output(self, text: str, most: int | None = None) -> list[nodes.Node]:
        """Return what was printed, cut after so many lines."""
        lines = [line.rstrip() for line in text.strip("\n").splitlines()]
        if most is not None and len(lines) > most:
            lines[most:] = ["..."]
        if not lines:
            return []
        block = nodes.literal_block("\n".join(lines), "\n".join(lines), language="text")
        return [nodes.container("", block, classes=["output"])]

    def image(self, path: Path, alt: str) -> list[nodes.Node]:
        """Return a figure, put where the builder finds it."""
        place = Path(self.env.srcdir) / BUILT / self.env.docname / path.name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)
        return [nodes.image(uri=f"/{BUILT}/{self.env.docname}/{path.name}", alt=alt)]


class Run(Page):
    """Commands, a line each, and what each prints."""

    has_content = True
    option_spec: ClassVar = {
        "status": directives.nonnegative_int,
        "lines": directives.positive_int,
        "hidden": directives.flag,
    }

    def run(self) -> list[nodes.Node]:
        """Run them."""
        shown: list[nodes.Node] = []
        for line in filter(None, self.content):
            began = time.process_time()
            said, status = run_command(line, self.folder)
            logger.info("%.1f s: %s", time.process_time() - began, line)
            if status != self.options.get("status", 0):
                logger.error("%s: ended with status %s\n%s", line, status, said, location=self.get_location())
            shown.append(nodes.literal_block(line, line, language="sh"))
            shown += self.output(said, self.options.get("lines"))
        return [] if "hidden" in self.options else shown


class Cell(Page):
    """Python, as a cell of a notebook."""

    has_content = True
    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Run it."""
        code = "\n".join(self.content)
        names = self.env.temp_data.setdefault("cells", {"__name__": "__main__"})
        try:
            began = time.process_time()
            said, value = run_cell(code, names, self.folder)
            logger.info("%.1f s: cell %s:%s", time.process_time() - began, self.env.docname, self.lineno)
        except Exception:
            logger.error("%s", traceback.format_exc(), location=self.get_location())
            return []
        shown: list[nodes.Node] = [nodes.literal_block(code, code, language="python"), *self.output(said)]
        if value is None:
            return shown
        if hasattr(value, "savefig"):
            place = self.folder / f"cell-{self.lineno}.svg"
            place.parent.mkdir(parents=True, exist_ok=True)
            value.savefig(place)
            return shown + self.image(place, "The figure that the cell returns")
        if hasattr(value, "_repr_html_"):
            return [*shown, nodes.raw("", value._repr_html_(), format="html")]
        return shown + self.output(repr(value))


class File(Page):
    """A file as the reader types it, written into the folder of the page."""

    has_content = True
    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Write it, and show it."""
        name, text = self.arguments[0], "\n".join(self.content) + "\n"
        with inside(self.folder):
            Path(name).write_text(text, encoding="utf-8")
        language = {"toml": "toml", "csv": "text"}[name.rpartition(".")[2]]
        return [nodes.literal_block(text, text, language=language)]


class Built(Page):
    """A figure that a command of the page wrote."""

    required_arguments = 1
    option_spec: ClassVar = {"alt": directives.unchanged_required}

    def run(self) -> list[nodes.Node]:
        """Show it."""
        path = self.folder / self.arguments[0]
        if not path.is_file():
            logger.error("%s was not written", self.arguments[0], location=self.get_location())
            return []
        return self.image(path, self.options["alt"])


def emptied(app: Sphinx) -> None:
    """Begin with empty folders: `doseopt new` overwrites nothing."""
    shutil.rmtree(Path(app.doctreedir).parent / "run", ignore_errors=True)


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx."""
    app.connect("builder-inited", emptied)
    app.add_directive("run", Run)
    app.add_directive("code-cell", Cell)
    app.add_directive("file", File)
    app.add_directive("built", Built)
    return {"parallel_read_safe": True}
