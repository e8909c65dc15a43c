"""Pages of a format whose figures cannot float: heights of blocks, and an order that leaves no half-empty page."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from doseopt.reports.render.document import (
    TALLEST,
    Block,
    Bullets,
    Caution,
    Code,
    Figure,
    Gap,
    Heading,
    Item,
    Paragraph,
    Table,
    Tree,
)

WIDTH, HEIGHT = 453.5, 728.0
"""Points of a line and of a page, between its margins."""
TEXT, SPACED, AFTER = 10.0, 12.3, 5.0
"""Points: size of running text, of its lines, and below a paragraph."""
MEAN, SMALL = 0.49, 0.44
"""Widths of a letter in its size, on average: of running text, and of cells."""
HEADING = {1: 34.0, 2: 26.0}
"""Points of a heading of each level, with the space around it."""
LETTER, BESIDE = 0.52, 5.0
"""Width of a letter of a table, in its size, about; points beside the text of a cell."""
BROAD = 45
"""Letters that the longest cell of a column counts as, at most."""
ROW = 1.24
"""Height of a row of one line, in the size of its letters."""
TOGETHER = 3
"""Rows at the start and the end of a table that stand on one page."""
UNBROKEN = 10
"""Rows of a table up to which it stands on one page."""
FULL, SPILT, SURE = 0.82, 0.97, 0.95
"""Shares of a page: full enough to leave the rest empty; so full that the text may be on the next; to which it is used.

Heights are known to a few percent only, so that a page is left where neither an error leaves it almost empty.
"""


def in_order(blocks: Iterable[Block], used: float) -> list[Block]:
    """Return blocks in an order in which pages are full: a figure waits for a page that has room, or that is new.

    Parameters
    ----------
    blocks : iterable of Block
        Tables in their parts.
    used : float
        Points of the first page that are taken.
    """
    found: list[Block] = []
    waiting: list[Figure] = []
    heading = 0.0  # that stands on the page of what is next
    for block in blocks:
        if isinstance(block, Heading):
            heading += HEADING[block.level]
            found.append(block)
            continue
        late = bool(waiting) or (isinstance(block, Figure) and used + figure_height(block) > SURE * HEIGHT)
        if isinstance(block, Figure) and heading == 0 and late:
            waiting.append(block)
        else:
            first, *rest = pieces(block) or [0.0]
            used = _after(used, [heading + first, *rest])
            heading = 0.0
            found.append(block)
        while waiting and (FULL < used / HEIGHT < SPILT or used + figure_height(waiting[0]) <= SURE * HEIGHT):
            used = _after(used, [figure_height(waiting[0])])
            found.append(waiting.pop(0))
    return [*found, *waiting]


def _after(used: float, heights: Sequence[float]) -> float:
    """Return how far the page is filled after pieces of such heights, none of which is broken."""
    for height in heights:
        used = height if used + height > HEIGHT else used + height
    return used


def pieces(block: Block) -> list[float]:
    """Return the heights of the pieces of a block that stand on one page each."""
    match block:
        case Table():
            return _rows(block)
        case Figure():
            return [figure_height(block)]
        case Bullets(items, _):
            return [line for item in items for line in _item(item)]
        case Tree(root):
            return _item(root)
        case Paragraph(text, _) | Caution(text) | Gap(text) | Code(text):
            return [*[SPACED] * _lines(text, WIDTH, TEXT), AFTER]
        case Heading():
            return [HEADING[block.level]]


def _item(item: Item | str) -> list[float]:
    one = Item(item) if isinstance(item, str) else item
    return [SPACED] * _lines(one.text, WIDTH - 18, TEXT) + [line for each in one.details for line in _item(each)]


def _lines(text: str, width: float, size: float, letter: float = MEAN) -> int:
    """Return how many lines a text takes."""
    return max(math.ceil(len(text) * letter * size / max(width, size)), 1)


def figure_height(figure: Figure) -> float:
    """Return the height of a figure with its caption."""
    return WIDTH * min(figure.height, TALLEST) + SPACED * _lines(figure.caption, WIDTH, TEXT) + 2 * AFTER


def _rows(table: Table) -> list[float]:
    """Return the heights of a table's pieces: its first rows with caption and heads, its last, those between, notes."""
    size = font_size(table)
    columns = widths(table, size)
    heads = [*([("",) * len(table.head)] if table.groups else []), table.head]
    each = [
        max(_lines(cell, width - BESIDE, size, SMALL) for cell, width in zip(row, columns, strict=True)) * ROW * size
        for row in (*heads, *table.rows)
    ]
    top = SPACED * _lines(table.caption, WIDTH, TEXT) + AFTER + sum(each[: len(heads)])
    body = each[len(heads) :]
    notes = [SPACED * _lines(note, WIDTH, TEXT) + AFTER for note in table.notes]
    if len(body) <= UNBROKEN:
        return [top + sum(body), *notes, SPACED]
    first, middle, last = body[:TOGETHER], body[TOGETHER:-TOGETHER], body[-TOGETHER:]
    return [top + sum(first), *middle, sum(last), *notes, SPACED]


def font_size(table: Table) -> float:
    """Return the size of a table's letters, in points."""
    return 9 if len(table.head) < 7 else 7.5 if len(table.head) < 11 else 6.5


def widths(table: Table, size: float) -> list[float]:
    """Return the points of each column: of its longest word, and the rest of the line as the longest cells need it."""
    columns = list(zip(table.head, *table.rows, strict=True))
    words = [max((len(word) for cell in column for word in cell.split()), default=1) for column in columns]
    cells = [min(max(map(len, column)), BROAD) for column in columns]
    least = [LETTER * size * letters + BESIDE for letters in words]
    more = [max(cell - word, 1) for cell, word in zip(cells, words, strict=True)]
    spare = WIDTH - sum(least)
    if spare < 0:  # words are broken
        return [width * (1 + spare / sum(least)) for width in least]
    return [width + spare * share / sum(more) for width, share in zip(least, more, strict=True)]
