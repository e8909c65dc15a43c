"""Reference of the keys of a study file as a document: a table for each of its tables."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from doseopt.reports.render.document import Block, Document, Heading, Paragraph, Table
from doseopt.study.keys import Key, KeyTable
from doseopt.study.said import MISSING

HEAD = ("key", "meaning", "wanted", "default", "unit", "example")


def keys_document(tables: Mapping[str, KeyTable]) -> Document:
    """Return the reference of some tables of a study file.

    Parameters
    ----------
    tables : mapping of str to KeyTable
        Of `doseopt.study.keys.asked`.
    """
    blocks: list[Block] = []
    for table in tables.values():
        said = f"{table.doc[:1].upper()}{table.doc[1:]}."
        blocks += [Heading(table.path), Paragraph(said)]
        blocks += [Paragraph(f"Source: {table.source}")] if table.source else []
        rows = tuple(_row(key) for key in table.keys)
        blocks.append(Table(f"Keys of {table.path}", HEAD, rows, words=True) if rows else Paragraph("It has no keys."))
    return Document("Keys of a study file", {}, tuple(blocks))


def as_object(tables: Mapping[str, KeyTable]) -> dict[str, Any]:
    """Return the same as JSON holds it."""
    return {
        path: {
            "meaning": table.doc,
            "source": table.source,
            "keys": [dict(zip(HEAD, _row(k), strict=True)) for k in table.keys],
        }
        for path, table in tables.items()
    }


def _row(key: Key) -> tuple[str, ...]:
    """Return a row of the reference."""
    wanted = f"a table, {key.table}" if key.table else "" if key.domain.kind is object else key.domain.wanted()
    if key.domain.kind in (tuple, list) and not key.table and not key.domain.choices:
        wanted = "a list"
    default = "required" if key.default is MISSING else _shown(key.default)
    return key.name, key.doc, wanted, default, key.unit, "" if key.example is None else _shown(key.example)


def _shown(value: Any) -> str:
    """Return a value about as TOML writes it."""
    if value is None:
        return "none"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {_shown(each)}" for name, each in value.items()) + " }"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_shown, value))}]"
    return (
        json.dumps(value) if isinstance(value, str | bool | int) else f"{value:g}" if isinstance(value, float) else ""
    )
