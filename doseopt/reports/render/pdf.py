"""Document -> PDF, set by typst; the same document gives the same bytes."""

from __future__ import annotations

import json
import re
import tempfile
from importlib import resources
from pathlib import Path
from typing import Any

from doseopt.core.files import write_whole
from doseopt.reports.render.document import Block, Bullets, Code, Document, Figure, Gap, Heading, Paragraph, Table

MOST_UNBROKEN = 24
"""Letters of the longest cell up to which a column is not broken into lines."""
TALL = 1.0
"""Height of a figure, in its width, from which on it goes to the top or bottom of a page and text fills the gap."""
TEMPLATE = resources.files("doseopt.reports.render") / "report.typ"


def write_pdf(document: Document, path: Path) -> Path:
    """Write a document as PDF, whole or not at all.

    It is tagged, for those who hear it read; and it is PDF/UA-1, unless its text cannot be.
    """
    import typst

    document = document.neutral()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "report.typ").write_text(TEMPLATE.read_text(encoding="utf-8"), encoding="utf-8")
        (folder / "document.json").write_text(json.dumps(_data(document, folder)), encoding="utf-8")
        try:
            content = typst.compile(folder / "report.typ", root=folder, pdf_standards=["ua-1"])
        except typst.TypstError:  # a letter that no font here has, no title, a heading of level 2 before any of level 1
            content = typst.compile(folder / "report.typ", root=folder)
    return write_whole(path, lambda p: p.write_bytes(content))


def _data(document: Document, folder: Path) -> dict[str, Any]:
    """Return what the template reads; figures are written beside it."""
    blocks = [_block(block, folder, k) for k, block in enumerate(document.blocks)]
    return {"title": document.title, "facts": [list(pair) for pair in document.facts.items()], "blocks": blocks}


def _height(svg: bytes) -> float:
    """Return the height of a figure, in its width."""
    size = re.search(rb'<svg[^>]*viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    assert size is not None, "figures of plots.save state their size"
    return float(size[2]) / float(size[1])


def _widths(table: Table) -> list[int]:
    """Return the share of each long column in the width that the others leave; 0 for those as wide as their text."""
    longest = [max(len(row[c]) for row in (table.head, *table.rows)) for c in range(len(table.head))]
    return [0 if length <= MOST_UNBROKEN else length for length in longest]


def _block(block: Block, folder: Path, k: int) -> dict[str, Any]:
    match block:
        case Heading(text, level, new_page):
            return {"kind": "heading", "text": text, "level": level, "new_page": new_page}
        case Paragraph(text, strong):
            return {"kind": "paragraph", "text": text, "strong": strong}
        case Bullets(items):
            return {"kind": "bullets", "items": list(items)}
        case Table(caption, head, rows):
            shown = {"caption": caption, "head": head, "rows": rows, "left": block.left, "widths": _widths(block)}
            return {"kind": "table", **shown}
        case Figure(_, caption, alt):
            (folder / f"figure-{k}.svg").write_bytes(block.svg)
            floats = _height(block.svg) > TALL
            placed = {"file": f"figure-{k}.svg", "caption": caption, "alt": alt, "floats": floats}
            return {"kind": "figure", **placed}
        case Code(text):
            return {"kind": "code", "text": text}
        case Gap(text):
            return {"kind": "gap", "text": text}
