"""Document -> PDF, set by typst; the same document gives the same bytes."""

from __future__ import annotations

import json
import tempfile
from importlib import resources
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

MOST_UNBROKEN, BROADEST = 24, 70
"""Letters of the longest cell: up to which a column is not broken into lines; as which it counts at most if it is."""
TALL = 0.4
"""Height of a figure, in its width, from which on it goes to the top or bottom of a page and text fills the gap."""
TEMPLATE = resources.files("doseopt.reports.render") / "report.typ"


def write_pdf(document: Document, path: Path) -> Path:
    """Write a document as PDF, whole or not at all.

    It is tagged, for those who hear it read; and it is PDF/UA-1, unless its text cannot be.
    """
    import typst

    document = document.printed()
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
    parts = [part for block in document.blocks for part in (block.parts() if isinstance(block, Table) else (block,))]
    blocks = [_block(block, folder, k) for k, block in enumerate(parts)]
    return {"title": document.title, "facts": [list(pair) for pair in document.facts.items()], "blocks": blocks}


def _widths(table: Table) -> list[int]:
    """Return the share of each long column in the width that the others leave; 0 for those as wide as their text.

    Beside long columns numbers are no wider than they are, or a word of their head: as many letters, below 0.
    """
    cells = [max((len(row[c]) for row in table.rows), default=0) for c in range(len(table.head))]
    longest = [max(len(head), length) for head, length in zip(table.head, cells, strict=True)]
    shares = [0 if length <= MOST_UNBROKEN else min(length, BROADEST) for length in longest]
    if not any(shares):
        return shares
    words = [max(map(len, head.split()), default=0) for head in table.head]
    return [
        share or (0 if left or length <= cell else -max(word, cell))
        for share, left, length, cell, word in zip(shares, table.left, longest, cells, words, strict=True)
    ]


def _item(item: Item | str) -> dict[str, Any]:
    one = Item(item) if isinstance(item, str) else item
    return {"text": one.text, "details": [_item(each) for each in one.details]}


def _table(table: Table) -> dict[str, Any]:
    """Return a table: its cells with what is marked, and the groups over its columns."""
    rows = [
        [
            {
                "text": table.shown(r, c),
                "marked": (r, c) in table.marked,
                "tone": table.tones.get((r, c), ""),
            }
            for c in range(len(row))
        ]
        for r, row in enumerate(table.rows)
    ]
    groups = [{"text": "", "span": table.leading}, *({"text": text, "span": span} for text, span in table.groups)]
    return {
        "caption": table.caption,
        "head": table.head,
        "rows": rows,
        "left": table.left,
        "widths": _widths(table),
        "groups": groups if table.groups else [],
        "notes": table.notes,
    }


def _block(block: Block, folder: Path, k: int) -> dict[str, Any]:
    match block:
        case Heading(text, level):
            return {"kind": "heading", "text": text, "level": level}
        case Paragraph(text, strong):
            return {"kind": "paragraph", "text": text, "strong": strong}
        case Caution(text):
            return {"kind": "caution", "text": text}
        case Bullets(items, numbered):
            return {"kind": "numbered" if numbered else "bullets", "items": [_item(item) for item in items]}
        case Tree(root):
            return {"kind": "bullets", "items": [_item(root)]}
        case Table():
            return {"kind": "table", **_table(block)}
        case Figure(_, caption, alt):
            (folder / f"figure-{k}.svg").write_bytes(block.svg)
            size = {"floats": block.height > TALL, "width": min(1.0, TALLEST / block.height)}
            placed = {"file": f"figure-{k}.svg", "caption": caption, "alt": alt, **size}
            return {"kind": "figure", **placed}
        case Code(text):
            return {"kind": "code", "text": text}
        case Gap(text):
            return {"kind": "gap", "text": text}
