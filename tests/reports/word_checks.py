"""What must hold of every report as DOCX: heads whole and repeated, no row alone on a page, figures within the text."""

from docx import Document as Docx
from docx.oxml.ns import qn
from docx.shared import Cm
from docx.table import _Cell

LINE, TALLEST = Cm(16), Cm(21.7)
"""Width of the text, and what is left of a page beside a caption."""
SIDES = 4.9
"""Points beside the text of a cell."""
LEAST = 0.5
"""Width of a digit of Calibri in its size, which is 0.507; letters are narrower on average."""


def faults_of_docx(path):
    """Return what is wrong with a report."""
    word = Docx(str(path))
    found = [f"{style} may stand alone" for style in ("Heading 1", "Heading 2") if not _keeps(word.styles[style])]
    for table in word.tables:
        found += _faults_of_table(table)
        caption = table._tbl.getprevious()
        if caption.find(f".//{qn('w:keepNext')}") is None:
            found.append("a caption may be left behind by its table")
    for shape in word.inline_shapes:
        paragraph = shape._inline.getparent().getparent().getparent()
        if shape.width > LINE or shape.height > TALLEST:
            found.append(f"a figure of {shape.width.cm:.1f} by {shape.height.cm:.1f} cm")
        if paragraph.find(f".//{qn('w:keepNext')}") is None or paragraph.getnext().tag != qn("w:p"):
            found.append("a figure may be left behind by its caption")
    return found


def _keeps(style):
    return style.paragraph_format.keep_with_next or (style.base_style is not None and _keeps(style.base_style))


def _faults_of_table(table):
    rows = table._tbl.tr_lst
    heads = [row.find(f".//{qn('w:tblHeader')}") is not None for row in rows]
    count = sum(heads)
    name = " | ".join(cell.text for cell in table.rows[max(count - 1, 0)].cells)
    found = []
    if count not in (1, 2) or not all(heads[:count]):
        found.append(f"{name}: heads are not repeated")
    if any(row.find(f".//{qn('w:cantSplit')}") is None for row in rows):
        found.append(f"{name}: a row may be broken")
    kept = [all(p.find(f".//{qn('w:keepNext')}") is not None for p in row.iter(qn("w:p"))) for row in rows]
    body = kept[count:]
    together = body[:-1] if len(body) <= 10 else body[:2] + body[-3:-1]
    if not all(kept[:count]) or not all(together):
        found.append(f"{name}: a row may stand alone")
    if kept[-1]:
        found.append(f"{name}: the last row is bound to what follows")
    for row in rows:
        cells = [_Cell(cell, table) for cell in row.tc_lst]
        if abs(sum(cell.width for cell in cells) - LINE) > Cm(0.02):
            found.append(f"{name}: a row is not as wide as the text")
        for cell in cells:
            size = max((run.font.size.pt for p in cell.paragraphs for run in p.runs if run.text), default=0)
            widest = max((len(part) for part in cell.text.split()), default=0)
            if LEAST * size * widest > cell.width.pt - SIDES:
                found.append(f"{name}: {cell.text!r} is broken within a word")
    return found
