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
from doseopt.reports.render.pages import AFTER, BESIDE, SPACED, TEXT, TOGETHER, UNBROKEN, font_size, in_order, widths

WIDTH = 16.0
"""Centimetres of a line."""
MOST_TITLE = 255
"""Letters that the format takes."""


def write_docx(document: Document, path: Path) -> Path:
    """Write a document as DOCX, whole or not at all."""
    from docx import Document as Docx
    from docx.shared import Cm, Pt

    document = document.printed()
    word = Docx()
    section = word.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.left_margin = section.right_margin = Cm((21 - WIDTH) / 2)
    section.top_margin = section.bottom_margin = Cm(2)
    _style(word)
    word.core_properties.title = document.title[:MOST_TITLE]
    word.core_properties.author = "doseopt"
    word.add_heading(document.title, 0)
    for name, text in document.facts.items():
        line = word.add_paragraph()
        line.paragraph_format.space_after = Pt(0)
        line.add_run(f"{name}: ").bold = True
        line.add_run(text)
    parts = [part for block in document.blocks for part in (block.parts() if isinstance(block, Table) else (block,))]
    for block in in_order(parts, _used(document)):
        _add(word, block)
    return write_whole(path, lambda p: word.save(str(p)))


def _style(word: Any) -> None:
    """Set sizes and spaces, which `pages` counts on."""
    from docx.shared import Pt

    normal, title, section = (word.styles[name] for name in ("Normal", "Title", "Heading 1"))
    normal.font.name, normal.font.size = "Calibri", Pt(TEXT)
    normal.paragraph_format.line_spacing, normal.paragraph_format.space_after = 1.0, Pt(AFTER)
    title.font.size = Pt(18)
    section.paragraph_format.space_before, section.paragraph_format.space_after = Pt(12), Pt(4)


def _used(document: Document) -> float:
    """Return the points of the first page that title and facts take."""
    lines = len(document.title) // 50 + 1
    return 22.0 * lines + 22.0 + SPACED * len(document.facts)


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
            _add_table(word, block)
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
    size = font_size(table)
    columns = [Pt(width) for width in widths(table, size)]
    _lay_out(grid, columns, len(heads))
    cells = grid._cells  # all at once: asking for one cell builds this list anew each time
    body = [[table.shown(r, c) for c in range(len(row))] for r, row in enumerate(table.rows)]
    last = len(body) - 1
    for r, row in enumerate([*heads, *body], -len(heads)):
        kept = r < last and (len(body) <= UNBROKEN or r < TOGETHER - 1 or r > last - TOGETHER)
        for c, text in enumerate(row):
            cell = cells[(r + len(heads)) * len(row) + c]
            cell.width = columns[c]
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


def _add_figure(word: Any, figure: Figure) -> None:
    from docx.shared import Cm

    shape = word.add_picture(BytesIO(figure.png), width=Cm(WIDTH * min(1.0, TALLEST / figure.height)))
    word.paragraphs[-1].paragraph_format.keep_with_next = True
    properties = shape._inline.docPr
    properties.set("descr", figure.alt)
    word.add_paragraph().add_run(figure.caption).italic = True
