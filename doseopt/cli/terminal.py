"""The terminal: no text is read as markup there, and no control character is obeyed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console, ConsoleOptions, RenderHook
from rich.segment import Segment
from rich.text import Text

from doseopt.core.progress import listening
from doseopt.core.text import neutral
from doseopt.reports.render.layout import folded

if TYPE_CHECKING:
    from rich.progress import Progress


class _Neutral:
    """Something to print, made harmless; the movements of a progress bar are Rich's own."""

    def __init__(self, inside: Any) -> None:
        self.inside = inside

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        for text, style, control in console.render(self.inside, options):
            yield Segment(text if control else neutral(text), style, control)


class _Boundary(RenderHook):
    """What everything that is printed passes through."""

    def process_renderables(self, renderables: list[Any]) -> list[Any]:
        return [_Neutral(each) for each in renderables]


def terminal(stderr: bool = False) -> Console:
    """Return a console for text of others."""
    console = Console(stderr=stderr, markup=False, highlight=False)
    console.push_render_hook(_Boundary())
    return console


@contextmanager
def spinner(what: str) -> Iterator[Callable[[str], None]]:
    """Show a spinner on standard error; the function that is returned says which step is being done.

    It turns when it is told of a step: a thread of its own would keep work from being done beside.
    """
    from rich.live import Live
    from rich.spinner import Spinner

    shown = Spinner("dots", Text(what))
    with Live(shown, console=terminal(stderr=True), auto_refresh=False, transient=True) as live:
        said = what

        def show(text: str) -> None:
            shown.update(text=Text(text))
            live.refresh()

        def say(step: str) -> None:
            nonlocal said
            show(said := f"{what}: {step}")

        live.refresh()
        with listening(lambda part: show(f"{said}; {part}")):
            yield say


def progress_bar(what: str) -> Progress:
    """Return a progress bar on standard error, which moves when it is told to: no thread of its own moves it."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (
        TextColumn(what),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.description}", markup=False),
    )
    return Progress(*columns, console=terminal(stderr=True), transient=True, auto_refresh=False)


@contextmanager
def steps(what: str, total: int) -> Iterator[Callable[[str], None]]:
    """Show a progress bar of so many steps; the function that is returned says which one begins."""
    with progress_bar(what) as bar:
        task, said = bar.add_task("", total=total), ""

        def step(name: str) -> None:
            nonlocal said
            bar.update(task, description=name, advance=1 if said else 0, refresh=True)
            said = name

        with listening(lambda part: bar.update(task, description=f"{said}; {part}", refresh=True)):
            yield step


def print_lines(text: str, stderr: bool = False) -> None:
    """Print a text of others as wide as the terminal; in a file or a pipe no line of it is broken."""
    console, lines = Console(stderr=stderr), neutral(text).split("\n")
    if console.is_terminal or os.environ.get("COLUMNS"):
        lines = [part for line in lines for part in _broken(line, console.width)]
    print("\n".join(lines), file=sys.stderr if stderr else sys.stdout)


def _broken(line: str, width: int) -> list[str]:
    """Break a line where the terminal ends, what follows further in."""
    text = line.lstrip(" ")
    first = " " * min(len(line) - len(text), width // 8)
    return folded(text, width, first, first + " " * min(2, width // 8))
