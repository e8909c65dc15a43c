"""Cards: what an object says in a table, as a notebook shows it, in the look of the pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Protocol

from doseopt.core.design import Row
from doseopt.core.facts import Facts
from doseopt.core.text import neutral

FRAME = "font: 14px/1.5 system-ui, sans-serif; border-collapse: collapse; text-align: left;"
CELL = "padding: .2rem .6rem; border-bottom: 1px solid #d9d9d9; text-align: left; vertical-align: top;"


def card(title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table as HTML; nothing in it is more than text.

    Examples
    --------
    >>> "&lt;b&gt;" in card("A design", ["rule"], [["<b>"]])
    True
    """

    def line(cells: Sequence[str], tag: str) -> str:
        scope = ' scope="col"' if tag == "th" else ""
        return "<tr>" + "".join(f'<{tag}{scope} style="{CELL}">{escape(neutral(c))}</{tag}>' for c in cells) + "</tr>"

    caption = f'<caption style="text-align: left; font-weight: 600;">{escape(neutral(title))}</caption>'
    body = "".join(line(row, "td") for row in rows)
    return f'<table style="{FRAME}">{caption}<thead>{line(head, "th")}</thead><tbody>{body}</tbody></table>'


class _Described(Protocol):
    @property
    def facts(self) -> Facts: ...

    def describe(self) -> list[Row]: ...


class Card:
    """A design that a notebook shows rule by rule."""

    def _repr_html_(self: _Described) -> str:
        rows = [(row.rule, row.reading, row.source) for row in self.describe()]
        title = f"A design on {self.facts.doses} doses, target DLT rate {self.facts.target:g}"
        return card(title, ("rule", "as read here", "source"), rows)
