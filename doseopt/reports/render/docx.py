"""Document -> DOCX, which committees edit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from html import escape
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
    """Add a table, read from its text at once: to build it cell by cell takes twenty times as long."""
    from docx.oxml import parse_xml

    caption = word.add_paragraph()
    caption.add_run(table.caption).bold = True
    caption.paragraph_format.keep_with_next = True
    grid = parse_xml(_grid(table, word.styles["Table Grid"].style_id))
    word.element.body.insert_element_before(grid, "w:sectPr")
    for note in table.notes:
        word.add_paragraph(note)
    word.add_paragraph()


def _grid(table: Table, style: str) -> str:
    """Return a table as the format has it: columns of fixed widths, no row broken, the heads on every page."""
    from docx.oxml.ns import nsdecls
    from docx.shared import Pt

    size = font_size(table)
    columns = [Pt(width).twips for width in widths(table, size)]
    cell = partial(_cell, size=size)
    rows = []
    if table.groups:
        above, start = [cell(width, "", bold=True, kept=True) for width in columns[: table.leading]], table.leading
        for title, span in table.groups:
            above.append(cell(sum(columns[start : start + span]), title, bold=True, kept=True, span=span))
            start += span
        rows.append(_row(above, head=True))
    each = list(zip(columns, table.left, strict=True))
    last = len(table.rows) - 1
    named = zip(each, table.head, strict=True)
    heads = (cell(width, text, bold=True, left=left, kept=last >= 0) for (width, left), text in named)
    rows.append(_row(heads, head=True))
    for r in range(len(table.rows)):
        kept = r < last and (last < UNBROKEN or r < TOGETHER - 1 or r > last - TOGETHER)
        cells = (
            cell(width, table.shown(r, c), bold=(r, c) in table.marked, left=left, kept=kept)
            for c, (width, left) in enumerate(each)
        )
        rows.append(_row(cells))
    side = "".join(f'<w:{name} w:w="{round(10 * BESIDE)}" w:type="dxa"/>' for name in ("left", "right"))
    look = (
        f'<w:tblStyle w:val="{style}"/><w:tblW w:type="auto" w:w="0"/><w:tblLayout w:type="fixed"/>'
        '<w:tblLook w:firstColumn="1" w:firstRow="1" w:lastColumn="0" w:lastRow="0" w:noHBand="0" w:noVBand="1" '
        f'w:val="04A0"/><w:tblCellMar>{side}</w:tblCellMar>'
    )
    across = "".join(f'<w:gridCol w:w="{width}"/>' for width in columns)
    body = "".join(rows)
    return f"<w:tbl {nsdecls('w')}><w:tblPr>{look}</w:tblPr><w:tblGrid>{across}</w:tblGrid>{body}</w:tbl>"


def _row(cells: Iterable[str], *, head: bool = False) -> str:
    return f"<w:tr><w:trPr><w:cantSplit/>{'<w:tblHeader/>' * head}</w:trPr>{''.join(cells)}</w:tr>"


def _cell(
    width: int, text: str, *, size: float, bold: bool = False, left: bool = True, kept: bool = False, span: int = 1
) -> str:
    """Return a cell, its width in twentieths of a point; `kept` on the page of the next row."""
    spanned = f'<w:gridSpan w:val="{span}"/>' if span > 1 else ""
    place = f'{"<w:keepNext/>" * kept}<w:spacing w:after="0"/>{"" if left else '<w:jc w:val="right"/>'}'
    written = ""
    if text:
        written = f'<w:t xml:space="preserve">{escape(text, quote=False)}</w:t>'
        for sign, name in (("\n", "br"), ("\t", "tab")):
            written = written.replace(sign, f'</w:t><w:{name}/><w:t xml:space="preserve">')
    return (
        f'<w:tc><w:tcPr><w:tcW w:type="dxa" w:w="{width}"/>{spanned}</w:tcPr><w:p><w:pPr>{place}</w:pPr>'
        f'<w:r><w:rPr>{"<w:b/>" * bold}<w:sz w:val="{round(2 * size)}"/></w:rPr>{written}</w:r></w:p></w:tc>'
    )


def _add_figure(word: Any, figure: Figure) -> None:
    from docx.shared import Cm

    shape = word.add_picture(BytesIO(figure.png), width=Cm(WIDTH * min(1.0, TALLEST / figure.height)))
    word.paragraphs[-1].paragraph_format.keep_with_next = True
    properties = shape._inline.docPr
    properties.set("descr", figure.alt)
    word.add_paragraph().add_run(figure.caption).italic = True
