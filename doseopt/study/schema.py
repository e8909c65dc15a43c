"""JSON Schema of a study file, which editors complete and check with, from the reference of its keys."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from doseopt.core.parameters import Domain
from doseopt.study.keys import FAMILIES, Key, KeyTable, key_tables
from doseopt.study.rules import STOPS, WAYS
from doseopt.study.said import MISSING

TYPES: dict[Any, str] = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array"}
BY_NAME = {"scenarios": ("scenarios", "scenarios.random"), "designs": ()}
"""Tables that hold tables by names of the study; of those with a kind the kinds follow."""


def schema() -> dict[str, Any]:
    """Return the schema, in JSON Schema 2020-12.

    Examples
    --------
    >>> from doseopt.study.schema import schema
    >>> schema()["$defs"]["modifiers.max_patients"]["required"]
    ['kind', 'n']
    """
    tables = key_tables()
    top = _table(tables["study"])
    for name in list(top["properties"]):
        if name in tables and name not in BY_NAME:
            top["properties"][name] = _reference(name)
    families = {f: [p for p, t in tables.items() if t.kind and p.startswith(f"{f}.")] for f in FAMILIES}
    families = {f: [p for p in paths if p.count(".") == 1] for f, paths in families.items()}
    top["properties"]["belief"] = _any(families["belief"])
    scenario = {"anyOf": [{"type": "array", "items": {"type": "number"}}, *map(_reference, BY_NAME["scenarios"])]}
    top["properties"]["scenarios"] = {"type": "object", "additionalProperties": scenario}
    top["properties"]["designs"] = {"type": "object", "additionalProperties": _any(families["designs"])}
    defs = {path: _table(table) for path, table in tables.items() if path != "study"}
    for path in families["designs"]:
        own = defs[path]["properties"]
        own["modifiers"] |= {"items": _any(families["modifiers"])}
        own["selection"] |= _any(["selection", *families["designs"]])
        own["expansion"] |= _reference("expansion")
        own["names"] |= {"anyOf": [{"enum": ["any", "definition"]}, _reference("names")]}
    ends = [f"modifiers.{kind}" for kind in (*STOPS, *WAYS)]
    for how in WAYS:
        defs[f"modifiers.{how}"]["properties"][how] |= {"items": _any(ends), "minItems": 2}
    for path in BY_NAME["scenarios"]:
        defs[path]["properties"]["transform"] |= _any(families["transform"])
    defs["mtd"]["properties"]["definition"] |= _reference("mtd.definition")
    defs["mtd"]["properties"]["also"] |= {"type": "array", "items": _reference("mtd.also")}
    criterion = {"anyOf": [_reference("eligibility.include"), _reference("eligibility.any")]}
    for name in ("include", "exclude"):
        defs["eligibility"]["properties"][name] |= {"items": criterion}
    defs["eligibility.any"]["properties"]["any"] |= {"items": _reference("eligibility.condition")}
    for name in ("criteria", "statements"):
        defs["amendment"]["properties"][name] |= _reference(f"amendment.{name}")
    defs["amendment"]["properties"]["protocol"] |= {"items": _reference("amendment.protocol")}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "doseopt study", **top, "$defs": defs}


def _reference(path: str) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{path}"}


def _any(paths: Iterable[str]) -> dict[str, Any]:
    return {"anyOf": [_reference(path) for path in paths]}


def _table(table: KeyTable) -> dict[str, Any]:
    """Return the schema of a table."""
    required = [key.name for key in table.keys if key.default is MISSING]
    properties = {key.name: _value(key) for key in table.keys}
    found: dict[str, Any] = {"type": "object", "description": table.doc, "properties": properties}
    return (
        found | ({"required": required} if required else {}) | ({} if table.open else {"additionalProperties": False})
    )


def _value(key: Key) -> dict[str, Any]:
    """Return the schema of a value; what only code can tell of it is not in it."""
    said: dict[str, Any] = {"description": key.doc} | ({} if key.example is None else {"examples": [key.example]})
    if isinstance(key.default, str | int | float | bool | list):
        said["default"] = key.default
    if key.table:
        if key.domain.custom is None and key.domain.file is None:
            return said | _reference(key.table)
        plainly = [{"type": name} for name in ("array", "string", "number")]
        return said | {"anyOf": [_reference(key.table), *plainly]}
    return said | _bounds(key.domain)


def _bounds(domain: Domain) -> dict[str, Any]:
    """Return type and bounds of a domain."""
    if domain.choices:
        return {"enum": list(domain.choices)}
    if domain.custom is not None or domain.file is not None or domain.kind not in TYPES:
        return {}
    found: dict[str, Any] = {"type": TYPES[domain.kind]}
    if domain.kind in (int, float):
        for limit, is_open, names in (
            (domain.low, domain.open_low, ("minimum", "exclusiveMinimum")),
            (domain.high, domain.open_high, ("maximum", "exclusiveMaximum")),
        ):
            if math.isfinite(limit):
                found[names[is_open]] = limit
    return found
