"""Lines of text: paragraphs, and grids of aligned cells that keep to a width."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Collection, Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

MARK = "*"
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
    marked: Collection[tuple[int, int]] = (),
    *,
    left: int = 1,
    gaps: Collection[int] = (),
    width: int | None = None,
) -> list[Text]:
    """Align cells in columns one space apart; nothing is cut and no line ends in a space.

    Where they do not fit the width, columns of words are wrapped, and those of numbers set in blocks below each other.

    Parameters
    ----------
    head : sequence of str
    body : sequence of sequence of str
    marked : collection of (row, column)
        Cells of the body to print in bold.
    left : int
        Columns, from the first, that are set flush left; the others are flush right.
    gaps : collection of int
        Columns with one more space before them.
    width : int, optional
        Columns of the terminal that no line exceeds.
    """
    widths = [max(cell_len(row[c]) for row in [head, *body]) for c in range(len(head))]
    if width is not None and _total(widths, gaps) > width:
        return _blocks(head, body, marked, widths, left, width)
    lines = [_line(head, widths, left, gaps, range(len(head)))]
    lines.append(Text("-" * cell_len(_padded(head, widths, left, gaps, keep=True))))
    for r, row in enumerate(body):
        lines.append(_line(row, widths, left, gaps, [c for c in range(len(row)) if (r, c) in marked]))
    return lines


def _total(widths: Sequence[int], gaps: Collection[int]) -> int:
    return sum(widths) + len(widths) - 1 + len([c for c in gaps if c < len(widths)])


def _blocks(
    head: Sequence[str],
    body: Sequence[Sequence[str]],
    marked: Collection[tuple[int, int]],
    widths: Sequence[int],
    left: int,
    width: int,
) -> list[Text]:
    """Set a grid that is too wide in blocks, each with the columns of words, whose cells are wrapped."""
    numbers = range(left, len(head))
    words = list(widths[:left])
    longest = [max(map(cell_len, " ".join(row[c] for row in [head, *body]).split()), default=1) for c in range(left)]
    room = width - max((widths[c] + 1 for c in numbers), default=0) - left + 1
    while sum(words) > room and any(w > min(least, width // 2) for w, least in zip(words, longest, strict=True)):
        spare = [w - min(least, width // 2) for w, least in zip(words, longest, strict=True)]
        words[spare.index(max(spare))] -= 1
    runs = chunks([widths[c] + 1 for c in numbers], max(width - sum(words) - max(left - 1, 0), 1)) if numbers else []
    lines: list[Text] = []
    for run in runs or [range(0)]:
        columns = [*range(left), *(numbers[c] for c in run)]
        top, *rest = ([row[c] for c in columns] for row in [head, *body])
        bold = {(r, k) for r, c in marked for k, column in enumerate(columns) if column == c}
        head_lines, _ = _wrapped([top], (), words)
        rows, bold_rows = _wrapped(rest, bold, words)
        each = [max(cell_len(row[c]) for row in [*head_lines, *rows]) for c in range(len(columns))]
        lines += [Text("")] if lines else []
        lines += [_line(row, each, left, (), ()) for row in head_lines]
        lines.append(Text("-" * _total(each, ())))
        lines += [_line(row, each, left, (), [c for r, c in bold_rows if r == k]) for k, row in enumerate(rows)]
    return lines


def _wrapped(
    rows: Sequence[Sequence[str]], marked: Collection[tuple[int, int]], words: Sequence[int]
) -> tuple[list[list[str]], set[tuple[int, int]]]:
    """Return rows with the cells of the first columns wrapped, numbers on the last line of each, and what is marked."""
    lines: list[list[str]] = []
    bold: set[tuple[int, int]] = set()
    for r, row in enumerate(rows):
        cells = [_cut(cell, room) or [""] for cell, room in zip(row, words, strict=False)]
        tall = max(map(len, cells), default=1)
        for k in range(tall):
            last = k == tall - 1
            bold |= {(len(lines), c) for at, c in marked if at == r and (last or c < len(words))}
            text = [cell[k] if k < len(cell) else "" for cell in cells]
            lines.append(text + [cell if last else "" for cell in row[len(words) :]])
    return lines, bold


def _cut(cell: str, room: int) -> list[str]:
    """Break the text of a cell."""
    return textwrap.wrap(cell, room) if cell_len(cell) == len(cell) else folded(cell, room, "", "")


def _cell(text: str, width: int, flush_left: bool) -> str:
    space = " " * (width - cell_len(text))
    return text + space if flush_left else space + text


def _padded(row: Sequence[str], widths: Sequence[int], left: int, gaps: Collection[int], keep: bool) -> str:
    cells = [
        " " * (c in gaps) + _cell(text, width, c < left)
        for c, (text, width) in enumerate(zip(row, widths, strict=True))
    ]
    line = " ".join(cells)
    return line if keep else line.rstrip()


def _line(row: Sequence[str], widths: Sequence[int], left: int, gaps: Collection[int], bold: Collection[int]) -> Text:
    line = Text(_padded(row, widths, left, gaps, keep=False))
    start = 0  # Text counts characters, the padding columns
    for c, (text, width) in enumerate(zip(row, widths, strict=True)):
        start += c in gaps
        cell = _cell(text, width, c < left)
        if c in bold:
            line.stylize("bold", start, start + len(cell))
        start += len(cell) + 1
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
