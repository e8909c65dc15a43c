"""Lines of text: paragraphs, and grids of aligned cells that keep to a width."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

NO_STYLES: Mapping[tuple[int, int], str] = MappingProxyType({})
PAGE = 100
"""Columns of a text, unless the terminal has fewer."""


def page_width(console: Console) -> int:
    """Return the columns of a text: those of the terminal, or that COLUMNS states, but at most `PAGE`."""
    return min(console.width, PAGE) if console.is_terminal or os.environ.get("COLUMNS") else PAGE


def paragraph(text: str, width: int, indent: str = "", first: str | None = None, style: str = "") -> list[Text]:
    """Break a text into lines, `first` before the first line and `indent` before the others."""
    start = indent if first is None else first
    if start.strip() and cell_len(start) >= width:
        return [*paragraph(start.rstrip(), width, style=style), *paragraph(text, width, indent, style=style)]
    if cell_len(text) != len(text):
        return [Text(line, style) for line in folded(text, width, start, indent)]
    longest = max(map(len, text.split()), default=0)
    if indent and longest > width - len(indent) > 0:  # else a word would be cut
        indent = "  "
        if start.strip() and len(start) + len(text.split()[0]) > width:
            return [Text(start.rstrip(), style), *paragraph(text, width, indent, style=style)]
    lines = textwrap.wrap(
        text,
        width,
        initial_indent=start,
        subsequent_indent=indent,
        break_on_hyphens=False,
        break_long_words=longest > width - len(indent),
    )
    return [Text(line, style) for line in lines]


def folded(text: str, width: int, first: str, indent: str) -> list[str]:
    """Break a text of any script into lines: letters that take two columns are counted as two, long words are cut."""
    margin = max(cell_len(first), cell_len(indent))
    parts = Text(text).wrap(Console(width=width), max(width - margin, 2))
    return [(indent if k else first) + part.plain.rstrip() for k, part in enumerate(parts)]


def heading(text: str, width: int) -> list[Text]:
    """Return a heading with an empty line before it."""
    return [Text(""), *paragraph(text, width, style="bold")]


def grid(
    head: Sequence[str],
    body: Sequence[Sequence[str]],
    styles: Mapping[tuple[int, int], str] = NO_STYLES,
    *,
    left: Sequence[bool] = (True,),
    gaps: Collection[int] = (),
    width: int | None = None,
) -> list[Text]:
    """Align cells in columns two spaces apart, or one where two do not fit; nothing is cut, no line ends in a space.

    Where they do not fit the width, columns of words are wrapped, and if that is not enough the others are set in
    blocks below each other.

    Parameters
    ----------
    head : sequence of str
    body : sequence of sequence of str
    styles : mapping of (row, column) to str
        Of cells of the body.
    left : sequence of bool
        Whether each column, from the first, holds words and is set flush left; those not named do not.
    gaps : collection of int
        Columns with one more space before them.
    width : int, optional
        Columns of the terminal that no line exceeds.
    """
    words = [*left, *[False] * (len(head) - len(left))]
    widths = [max(cell_len(row[c]) for row in [head, *body]) for c in range(len(head))]
    apart = [0, *(1 + (c in gaps) for c in range(1, len(head)))]
    loose = [0, *(2 + (c in gaps) for c in range(1, len(head)))]
    if width is None or sum(widths) + sum(loose) <= width:
        return _set(_Cells(head, body, styles), widths, words, loose)
    if sum(widths) + sum(apart) <= width:
        return _set(_Cells(head, body, styles), widths, words, apart)
    return _blocks(_Cells(head, body, styles), widths, words, width)


@dataclass(frozen=True)
class _Cells:
    """Head and body of a grid, with the styles of cells of the body."""

    head: Sequence[str]
    body: Sequence[Sequence[str]]
    styles: Mapping[tuple[int, int], str]

    def columns(self, some: Sequence[int]) -> _Cells:
        """Return some of the columns."""
        head, *body = ([row[c] for c in some] for row in [self.head, *self.body])
        place = {c: k for k, c in enumerate(some)}
        return _Cells(head, body, {(r, place[c]): style for (r, c), style in self.styles.items() if c in place})

    def wrapped(self, widths: Sequence[int], words: Sequence[bool]) -> tuple[list[list[str]], _Cells]:
        """Return the lines of the head, and a grid with the words wrapped, numbers on the last line of a row."""
        top: list[list[str]] = []
        lines: list[list[str]] = []
        styles: dict[tuple[int, int], str] = {}
        for r, row in enumerate([self.head, *self.body], -1):
            cells = [_cut(cell, room) if word else [cell] for cell, room, word in zip(row, widths, words, strict=True)]
            tall = max(map(len, cells), default=1)
            for k in range(tall):
                for (at, c), style in self.styles.items():
                    if at == r and (words[c] or k == tall - 1):
                        styles[len(lines), c] = style
                text = [
                    cell[k] if word and k < len(cell) else cell[0] if not word and k == tall - 1 else ""
                    for cell, word in zip(cells, words, strict=True)
                ]
                (lines if r >= 0 else top).append(text)
        return top, _Cells(top[-1], lines, styles)


def _set(cells: _Cells, widths: Sequence[int], words: Sequence[bool], apart: Sequence[int]) -> list[Text]:
    """Set a grid whose lines fit."""
    lines = [_line(cells.head, widths, words, apart, {})]
    lines.append(Text("-" * (sum(widths) + sum(apart))))
    for r, row in enumerate(cells.body):
        styles = {c: cells.styles[r, c] for c in range(len(row)) if (r, c) in cells.styles}
        lines.append(_line(row, widths, words, apart, styles))
    return lines


def _blocks(cells: _Cells, widths: Sequence[int], words: Sequence[bool], width: int) -> list[Text]:
    """Set a grid that is too wide: with its words wrapped, and if need be in blocks that share the leading words."""
    rows = [cells.head, *cells.body]
    least = [
        min(max(map(cell_len, " ".join(row[c] for row in rows).split()), default=1), width // 2) if word else widths[c]
        for c, word in enumerate(words)
    ]
    some = _shrunk(widths, least, width - len(widths) + 1)
    lead = next((c for c, word in enumerate(words) if not word), len(words))
    runs = [range(lead, len(words))]
    if sum(some) + len(some) - 1 > width and lead < len(words):
        widest = max(some[c] for c in range(lead, len(words)))
        some = [*_shrunk(widths[:lead], least[:lead], width - widest - lead), *some[lead:]]
        room = max(width - sum(some[:lead]) - max(lead - 1, 0), 1)
        runs = [range(lead + run[0], lead + run[-1] + 1) for run in chunks([w + 1 for w in some[lead:]], room)]
    lines: list[Text] = []
    for run in runs:
        columns = [*range(lead), *run]
        which = [words[c] for c in columns]
        top, part = cells.columns(columns).wrapped([some[c] for c in columns], which)
        each = [max(cell_len(row[c]) for row in [*top, *part.body]) for c in range(len(columns))]
        apart = [0, *[1] * (len(columns) - 1)]
        lines += [Text("")] if lines else []
        lines += [_line(row, each, which, apart, {}) for row in top[:-1]]
        lines += _set(part, each, which, apart)
    return lines


def _shrunk(widths: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """Return widths that are no more than the room together, as far as the least of each allows."""
    some = list(widths)
    while sum(some) > room and any(w > low for w, low in zip(some, least, strict=True)):
        spare = [w - low for w, low in zip(some, least, strict=True)]
        some[spare.index(max(spare))] -= 1
    return some


def _cut(cell: str, room: int) -> list[str]:
    """Break the text of a cell."""
    return (textwrap.wrap(cell, room) if cell_len(cell) == len(cell) else folded(cell, room, "", "")) or [""]


def _line(
    row: Sequence[str],
    widths: Sequence[int],
    words: Sequence[bool],
    apart: Sequence[int],
    styles: Mapping[int, str],
) -> Text:
    line = Text()
    for c, (text, width) in enumerate(zip(row, widths, strict=True)):
        space = " " * (width - cell_len(text))
        line.append(" " * apart[c])
        line.append(text + space if words[c] else space + text, styles.get(c, ""))
    line.rstrip()
    return line


def chunks(widths: Sequence[int], width: int) -> list[range]:
    """Split columns, in order, into runs whose widths sum to at most `width`, as even in number as that allows."""
    count = len(widths)
    for parts in range(1, count + 1):
        size = -(-count // parts)
        runs = [range(start, min(start + size, count)) for start in range(0, count, size)]
        if all(sum(widths[c] for c in run) <= width for run in runs):
            return runs
    return [range(c, c + 1) for c in range(count)]
