"""Document -> PDF, set by typst; the same document gives the same bytes."""

from __future__ import annotations

import json
import tempfile
from importlib import resources
from pathlib import Path
from typing import Any

from doseopt.files import write_whole
from doseopt.report.document import Block, Bullets, Code, Document, Figure, Gap, Heading, Paragraph, Table

TEMPLATE = resources.files("doseopt.report") / "report.typ"


def write_pdf(document: Document, path: Path) -> Path:
    """Write a document as PDF, whole or not at all."""
    import typst

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "report.typ").write_text(TEMPLATE.read_text(encoding="utf-8"), encoding="utf-8")
        (folder / "document.json").write_text(json.dumps(_data(document, folder)), encoding="utf-8")
        content = typst.compile(folder / "report.typ", root=folder)
    return write_whole(path, lambda p: p.write_bytes(content))


def _data(document: Document, folder: Path) -> dict[str, Any]:
    """Return what the template reads; figures are written beside it."""
    blocks = [_block(block, folder, k) for k, block in enumerate(document.blocks)]
    return {"title": document.title, "facts": [list(pair) for pair in document.facts.items()], "blocks": blocks}


def _block(block: Block, folder: Path, k: int) -> dict[str, Any]:
    match block:
        case Heading(text, level):
            return {"kind": "heading", "text": text, "level": level}
        case Paragraph(text, strong):
            return {"kind": "paragraph", "text": text, "strong": strong}
        case Bullets(items):
            return {"kind": "bullets", "items": list(items)}
        case Table(caption, head, rows, words):
            return {"kind": "table", "caption": caption, "head": head, "rows": rows, "words": words}
        case Figure(svg, _, caption, alt):
            (folder / f"figure-{k}.svg").write_bytes(svg)
            return {"kind": "figure", "file": f"figure-{k}.svg", "caption": caption, "alt": alt}
        case Code(text):
            return {"kind": "code", "text": text}
        case Gap(text):
            return {"kind": "gap", "text": text}
