"""Document -> text for a terminal: no line longer than the page, tables set in blocks where they are too wide."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from doseopt.display.labels import shortened
from doseopt.reports.render.document import (
    MARK,
    Block,
    Bullets,
    Caution,
    Code,
    Document,
    Gap,
    Heading,
    Item,
    Paragraph,
    Table,
    Tree,
)
from doseopt.reports.render.layout import PAGE, chunks, grid, heading, paragraph

LEAST_LABEL = 14
"""Columns that labels are shortened to at the least, before a table is set in blocks."""
LEAST_HEAD = 5
STYLES = {"up": "black on cyan", "down": "black on yellow", "out": "white on red"}


def terminal_text(document: Document, width: int = PAGE) -> Text:
    """Return a document as text; bold and colour only repeat what the text says.

    Parameters
    ----------
    document : Document
        Its figures are left out.
    width : int
        Columns that no line exceeds.
    """
    document = document.neutral()
    lines = paragraph(document.title, width, style="bold") if document.title else []
    margin = max(map(len, document.facts), default=0) + 2
    for name, text in document.facts.items():
        lines += paragraph(text, width, " " * margin, name.ljust(margin))
    before: Block | None = Code("") if document.facts else None
    for block in document.blocks:
        found = list(_lines(block, width))
        if found:
            lines += [Text("")] * (bool(lines) and _apart(before, block)) + found
            before = block
    return Text("\n").join(lines if document.title or not lines else lines[not lines[0].plain :])


def _apart(before: Block | None, block: Block) -> bool:
    """Tell whether an empty line stands between two blocks; a heading and a table's caption bring their own."""
    own = isinstance(block, Heading) or (isinstance(block, Table) and bool(block.caption))
    lists = isinstance(before, Bullets | Table | Tree | Code)
    return not own and (lists or (isinstance(block, Table | Tree) and not isinstance(before, Heading)))


def _lines(block: Block, width: int) -> Iterator[Text]:
    match block:
        case Heading(text):
            yield from heading(text, width)
        case Paragraph(text, strong):
            yield from paragraph(text, width, style="bold" if strong else "")
        case Caution(text):
            yield from paragraph(text, width, "  ", "! ")
        case Bullets(items, numbered):
            for k, item in enumerate(items, 1):
                yield from _item(item, width, f"{k}. " if numbered else "- ")
        case Tree(root):
            yield from _branches(root, width)
        case Table():
            yield from _table(block, width)
        case Code(text):
            yield from (Text(f"  {line}") for line in text.splitlines())
        case Gap(text):
            yield from paragraph(f"For the investigators: {text}", width, "  ", "? ")


def _item(item: Item | str, width: int, mark: str, indent: str = "") -> Iterator[Text]:
    """Set an item of a list, its details further in."""
    one = Item(item) if isinstance(item, str) else item
    inner = indent + " " * len(mark)
    yield from paragraph(one.text, width, inner, indent + mark)
    for detail in one.details:
        yield from _item(detail, width, "", inner)


def _branches(item: Item, width: int, first: str = "", rest: str = "") -> Iterator[Text]:
    """Set an item of a tree and what grows from it."""
    yield from paragraph(item.text, width, rest + "  ", first)
    for k, each in enumerate(item.details):
        last = k == len(item.details) - 1
        branch = Item(each) if isinstance(each, str) else each
        yield from _branches(branch, width, rest + ("└── " if last else "├── "), rest + ("    " if last else "│   "))


def _table(table: Table, width: int) -> Iterator[Text]:
    """Set a table under its caption, its notes below."""
    if table.caption:
        yield from heading(table.caption, width)
    head, rows = _fitted(table, width) if table.labels else (list(table.head), [list(row) for row in table.rows])
    if table.marked:
        head, rows = _with_marks(table, head, rows)
    if table.groups:
        yield from _grouped(table, head, rows, width)
    else:
        yield from _grid(table, head, rows, range(len(head)), width)
    for note in table.notes:
        yield from paragraph(note, width)


def _fitted(table: Table, width: int) -> tuple[list[str], list[list[str]]]:
    """Return head and rows with labels as short as the page wants them: those of the widest leading column."""
    rows, lead = [list(row) for row in table.rows], table.leading
    longest = [max([cell_len(row[c]) for row in rows], default=0) for c in range(len(table.head))]
    spare = max([longest[c] for c in range(lead, len(longest))], default=0)
    heads = list(dict.fromkeys(table.head[lead:]))
    short = dict(zip(heads, shortened(heads, max(spare, LEAST_HEAD)), strict=True))
    head = list(table.head)
    if table.short_heads and sum(map(cell_len, head)) + len(head) > width - sum(longest[:lead]):
        head = [*head[:lead], *(short[text] for text in head[lead:])]
    marks = 1 if table.marked else 0
    each = [max(longest[c], cell_len(head[c])) + 1 + marks for c in range(lead, len(head))]
    taken = sum(each)
    if table.groups:  # two beside each other will do
        ends = accumulate((span for _, span in table.groups), initial=0)
        taken = min(taken, 2 * max(sum(each[a:b]) + 1 for a, b in pairwise(ends)))
    at = max(range(lead), key=lambda c: longest[c], default=0)
    room = max(width - taken - sum(longest[c] + 1 for c in range(lead) if c != at), LEAST_LABEL)
    if lead and longest[at] > room:
        labels = dict.fromkeys(row[at] for row in rows)
        cut = dict(zip(labels, shortened(list(labels), room), strict=True))
        rows = [[cut[text] if c == at else text for c, text in enumerate(row)] for row in rows]
    return head, rows


def _with_marks(table: Table, head: list[str], rows: list[list[str]]) -> tuple[list[str], list[list[str]]]:
    """Return head and rows with the marks behind the cells, and room for one behind the others."""
    room = {c for _, c in table.marked if not table.left[c]}
    marked = [
        [text + (MARK if (r, c) in table.marked else " " * (c in room)) for c, text in enumerate(row)]
        for r, row in enumerate(rows)
    ]
    return [text + " " * (c in room) for c, text in enumerate(head)], marked


def _grid(table: Table, head: list[str], rows: list[list[str]], columns: Sequence[int], width: int) -> list[Text]:
    """Set some columns of a table."""
    place = {c: k for k, c in enumerate(columns)}
    styles = {(r, place[c]): STYLES[tone] for (r, c), tone in table.tones.items() if c in place}
    bold = {(r, place[c]): "bold" for r, c in table.marked if c in place}
    left = [table.left[c] for c in columns]
    starts = [table.leading + sum(span for _, span in table.groups[:g]) for g in range(len(table.groups))]
    return grid(
        [head[c] for c in columns],
        [[row[c] for c in columns] for row in rows],
        bold | styles,
        left=left,
        gaps={place[c] for c in starts if c in place},
        width=width,
    )


def _grouped(table: Table, head: list[str], rows: list[list[str]], width: int) -> Iterator[Text]:
    """Set groups of columns, as many side by side as fit, each under its title."""
    lead = table.leading
    ends = [lead + end for end in accumulate((span for _, span in table.groups), initial=0)]
    widths = [max(cell_len(row[c]) for row in [head, *rows]) for c in range(len(head))]
    places = [range(a, b) for a, b in pairwise(ends)]
    leading = sum(widths[c] + 1 for c in range(lead)) - 1
    each = [sum(widths[c] + 1 for c in place) + 1 for place in places]
    for k, run in enumerate(chunks(each, max(width - leading, 1))):
        columns = [*range(lead), *(c for g in run for c in places[g])]
        apart = 2 if sum(widths[c] + 2 for c in columns) - 2 + len(run) <= width else 1  # as in `grid`
        spans = [sum(widths[c] + apart for c in places[g]) + 1 for g in run]
        titles = [table.groups[g][0] for g in run]
        cut = [set_cell_size(shortened([t], n - 2)[0], n) for t, n in zip(titles, spans, strict=True)]
        above = " " * (sum(widths[c] + apart for c in range(lead)) + 1) + "".join(cut).rstrip()
        if k:
            yield Text("")
        if any(titles):
            yield Text(above if cell_len(above) <= width else " ".join(titles)[:width], "bold")
        yield from _grid(table, head, rows, columns, width)
