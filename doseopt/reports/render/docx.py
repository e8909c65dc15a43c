"""Document -> DOCX, which committees edit."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from doseopt.core.files import write_whole
from doseopt.reports.render.document import (
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
NARROW, BROAD = 9, 45
"""Letters that the width of a column counts as, at least and at most."""


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
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.oxml import OxmlElement
    from docx.shared import Cm, Pt

    caption = word.add_paragraph()
    caption.add_run(table.caption).bold = True
    caption.paragraph_format.keep_with_next = True
    heads = [*([_group_row(table)] if table.groups else []), table.head]
    grid = word.add_table(rows=len(heads) + len(table.rows), cols=len(table.head), style="Table Grid")
    grid.autofit = False
    for k in range(len(heads)):
        grid.rows[k]._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))  # repeated on every page
    cells = grid._cells  # all at once: asking for one cell builds this list anew each time
    widths = [Cm(WIDTH * share) for share in _shares(table)]
    for column, width in zip(grid.columns, widths, strict=True):
        column.width = width
    body = [[table.shown(r, c) for c in range(len(row))] for r, row in enumerate(table.rows)]
    for r, row in enumerate([*heads, *body], -len(heads)):
        for c, text in enumerate(row):
            cell = cells[(r + len(heads)) * len(row) + c]
            cell.width = widths[c]
            paragraph = cell.paragraphs[0]
            paragraph.paragraph_format.space_after = Pt(0)
            run = paragraph.add_run(text)
            run.font.size = Pt(9 if len(table.head) < 7 else 7.5 if len(table.head) < 11 else 6.5)
            if r < 0 or (r, c) in table.marked:  # else as it is: to say so of each cell takes a quarter of the time
                run.bold = True
            if not table.left[c]:
                paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    for note in table.notes:
        word.add_paragraph(note)
    word.add_paragraph()


def _group_row(table: Table) -> tuple[str, ...]:
    """Return the titles of groups of columns, each over its first column."""
    cells = [""] * table.leading
    for title, span in table.groups:
        cells += [title, *[""] * (span - 1)]
    return tuple(cells)


def _shares(table: Table) -> list[float]:
    """Return the share of each column in the width: by its longest cell, within limits."""
    longest = [max(len(row[c]) for row in (table.head, *table.rows)) for c in range(len(table.head))]
    weight = [min(max(length, NARROW), BROAD) for length in longest]
    return [w / sum(weight) for w in weight]


def _add_figure(word: Any, figure: Figure) -> None:
    from docx.shared import Cm

    shape = word.add_picture(BytesIO(figure.png), width=Cm(WIDTH))
    properties = shape._inline.docPr
    properties.set("descr", figure.alt)
    word.add_paragraph().add_run(figure.caption).italic = True
