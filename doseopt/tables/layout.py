"""Lines of text: paragraphs, and grids of aligned cells that keep to a width."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Sequence

from rich.cells import cell_len
from rich.text import Text

MARK = "*"


def paragraph(text: str, width: int, indent: str = "", first: str | None = None, style: str = "") -> list[Text]:
    """Break a text into lines, `first` before the first line and `indent` before the others."""
    start = indent if first is None else first
    lines = textwrap.wrap(text, width, initial_indent=start, subsequent_indent=indent, break_on_hyphens=False)
    return [Text(line, style) for line in lines]


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
) -> list[Text]:
    """Align cells in columns one space apart; nothing is cut and no line ends in a space.

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
    """
    widths = [max(cell_len(row[c]) for row in [head, *body]) for c in range(len(head))]
    lines = [_line(head, widths, left, gaps, range(len(head)))]
    lines.append(Text("-" * cell_len(_padded(head, widths, left, gaps, keep=True))))
    for r, row in enumerate(body):
        lines.append(_line(row, widths, left, gaps, [c for c in range(len(row)) if (r, c) in marked]))
    return lines


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
