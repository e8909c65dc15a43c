"""Document -> DOCX, which committees edit."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from doseopt.core.files import write_whole
from doseopt.reports.render.document import (
    TALLEST,
    Block,
    Bullets,
    Caution,
    Code,
    Document,
    Figure,
    Gap,
    Heading,
    Item,
    Paragraph,
    Table,
    Tree,
)

WIDTH = 16.0
"""Centimetres of a line."""
MOST_TITLE = 255
"""Letters that the format takes."""
BROAD = 45
"""Letters that the longest cell of a column counts as, at most."""
LETTER, BESIDE = 0.52, 5.0
"""Width of a letter, in its size, about; points beside the text of a cell."""
TOGETHER = 3
"""Rows at the start and the end of a table that stand on one page."""
UNBROKEN = 10
"""Rows of a table up to which it stands on one page."""


def write_docx(document: Document, path: Path) -> Path:
    """Write a document as DOCX, whole or not at all."""
    from docx import Document as Docx
    from docx.shared import Cm, Pt

    document = document.printed()
    word = Docx()
    section = word.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.left_margin = section.right_margin = Cm((21 - WIDTH) / 2)
    word.styles["Normal"].font.name, word.styles["Normal"].font.size = "Calibri", Pt(10.5)
    word.core_properties.title = document.title[:MOST_TITLE]
    word.core_properties.author = "doseopt"
    word.add_heading(document.title, 0)
    for name, text in document.facts.items():
        line = word.add_paragraph()
        line.paragraph_format.space_after = Pt(0)
        line.add_run(f"{name}: ").bold = True
        line.add_run(text)
    for block in document.blocks:
        _add(word, block)
    return write_whole(path, lambda p: word.save(str(p)))


def _add(word: Any, block: Block) -> None:
    match block:
        case Heading(text, level):
            word.add_heading(text, level)
        case Paragraph(text, strong):
            word.add_paragraph().add_run(text).bold = strong
        case Caution(text):
            word.add_paragraph(style="Intense Quote").add_run(text)
        case Bullets(items, numbered):
            _add_list(word, items, "List Number" if numbered else "List Bullet")
        case Tree(root):
            _add_list(word, (root,), "List Bullet")
        case Table():
            for part in block.parts():
                _add_table(word, part)
        case Figure():
            _add_figure(word, block)
        case Code(text):
            word.add_paragraph().add_run(text).font.name = "Consolas"
        case Gap(text):
            word.add_paragraph(style="Intense Quote").add_run(f"For the investigators: {text}")


def _add_list(word: Any, items: Sequence[Item | str], style: str, level: int = 1) -> None:
    """Add a list; the format knows three levels."""
    for item in items:
        one = Item(item) if isinstance(item, str) else item
        word.add_paragraph(one.text, style=style if level == 1 else f"List Bullet {min(level, 3)}")
        _add_list(word, one.details, style, level + 1)


def _add_table(word: Any, table: Table) -> None:
    from docx.shared import Pt

    caption = word.add_paragraph()
    caption.add_run(table.caption).bold = True
    caption.paragraph_format.keep_with_next = True
    heads = [*([("",) * len(table.head)] if table.groups else []), table.head]
    grid = word.add_table(rows=len(heads) + len(table.rows), cols=len(table.head), style="Table Grid")
    size = 9 if len(table.head) < 7 else 7.5 if len(table.head) < 11 else 6.5
    widths = [Pt(width) for width in _widths(table, size)]
    _lay_out(grid, widths, len(heads))
    cells = grid._cells  # all at once: asking for one cell builds this list anew each time
    body = [[table.shown(r, c) for c in range(len(row))] for r, row in enumerate(table.rows)]
    last = len(body) - 1
    for r, row in enumerate([*heads, *body], -len(heads)):
        kept = r < last and (len(body) <= UNBROKEN or r < TOGETHER - 1 or r > last - TOGETHER)
        for c, text in enumerate(row):
            cell = cells[(r + len(heads)) * len(row) + c]
            cell.width = widths[c]
            bold = r < 0 or (r, c) in table.marked
            _write(cell.paragraphs[0], text, size, bold=bold, left=table.left[c], kept=kept)
    start = table.leading
    for title, span in table.groups:
        first = cells[start].merge(cells[start + span - 1])
        first.text = ""
        _write(first.paragraphs[0], title, size, bold=True, left=True, kept=True)
        start += span
    for note in table.notes:
        word.add_paragraph(note)
    word.add_paragraph()


def _lay_out(grid: Any, widths: Sequence[Any], heads: int) -> None:
    """Fix the widths of the columns; no row breaks, and the heads are repeated on every page."""
    from docx.oxml import parse_xml
    from docx.oxml.ns import nsdecls

    grid.autofit = False
    side = "".join(f'<w:{name} w:w="{round(10 * BESIDE)}" w:type="dxa"/>' for name in ("left", "right"))
    grid._tbl.tblPr.append(parse_xml(f"<w:tblCellMar {nsdecls('w')}>{side}</w:tblCellMar>"))
    for column, width in zip(grid.columns, widths, strict=True):
        column.width = width
    for k, row in enumerate(grid._tbl.tr_lst):
        for name in ("cantSplit", *(["tblHeader"] if k < heads else [])):
            row.get_or_add_trPr().append(parse_xml(f"<w:{name} {nsdecls('w')}/>"))


def _write(paragraph: Any, text: str, size: float, *, bold: bool, left: bool, kept: bool) -> None:
    """Write into a cell; `kept` on the page of the next row."""
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Pt

    paragraph.paragraph_format.space_after = Pt(0)
    if kept:
        paragraph.paragraph_format.keep_with_next = True
    run = paragraph.add_run(text)
    run.font.size = Pt(size)
    if bold:  # else as it is: to say so of each cell takes a quarter of the time
        run.bold = True
    if not left:
        paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT


def _widths(table: Table, size: float) -> list[float]:
    """Return the points of each column: of its longest word, and the rest of the line as the longest cells need it."""
    columns = list(zip(table.head, *table.rows, strict=True))
    words = [max((len(word) for cell in column for word in cell.split()), default=1) for column in columns]
    cells = [min(max(map(len, column)), BROAD) for column in columns]
    least = [LETTER * size * letters + BESIDE for letters in words]
    more = [max(cell - word, 1) for cell, word in zip(cells, words, strict=True)]
    spare = WIDTH / 2.54 * 72 - sum(least)
    if spare < 0:  # words are broken
        return [width * (1 + spare / sum(least)) for width in least]
    return [width + spare * share / sum(more) for width, share in zip(least, more, strict=True)]


def _add_figure(word: Any, figure: Figure) -> None:
    from docx.shared import Cm

    shape = word.add_picture(BytesIO(figure.png), width=Cm(WIDTH * min(1.0, TALLEST / figure.height)))
    word.paragraphs[-1].paragraph_format.keep_with_next = True
    properties = shape._inline.docPr
    properties.set("descr", figure.alt)
    word.add_paragraph().add_run(figure.caption).italic = True
