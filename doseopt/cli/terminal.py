"""The terminal: no text is read as markup there, and no control character is obeyed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import Console, ConsoleOptions, RenderHook
from rich.segment import Segment

from doseopt.core.text import neutral


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
