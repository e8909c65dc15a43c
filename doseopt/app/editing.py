"""The page Study: a file that is edited, with its faults beside their lines; designs of the library to add."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from shlex import quote
from typing import Any

import tomli_w

from doseopt.app.desk import Desk, Given, Tell
from doseopt.app.given import text
from doseopt.core.parameters import Domain, Fault, Faults, written
from doseopt.designs import DESIGNS
from doseopt.study.file import BUNDLED, parse_study
from doseopt.study.lines import line_of
from doseopt.study.parsing import MOST_LETTERS
from doseopt.study.reader import key

NEED_FILES = ("table", "policy")
"""Kinds of design that name a file, or a table of their own: they are edited in the study itself."""
FROM_STUDY = ("doses", "target", "dose_values", "unit", "definition")
"""Parameters that a study gives to every design."""


@cache
def bundled() -> dict[str, str]:
    """Return the texts of the bundled studies by their names."""
    found = {f.name.removesuffix(".toml"): f for f in BUNDLED.iterdir() if f.name.endswith(".toml")}
    return {name: file.read_text(encoding="utf-8") for name, file in sorted(found.items())}


def read(desk: Desk, given: Given, tell: Tell) -> dict[str, Any]:
    """Take a study by its text; it is untrusted, and no file that it names is read.

    Returns
    -------
    dict
        `study`, what `comparing.about` tells; or `faults`, each with `line`, `where` and `message`.
    """
    from doseopt.amendment.criteria import criteria_faults
    from doseopt.app.comparing import about

    content = text(given, "text", MOST_LETTERS)
    name = next((name for name, one in bundled().items() if one == content), "")
    own = desk.own is not None and desk.own[0] == content
    path = desk.own[1] if own and desk.own is not None else f"{name or 'study'}.toml"
    try:
        study = parse_study(content, path, trusted=False, judge=criteria_faults, files=own)
    except Faults as faults:
        return {"faults": [_told(content, each) for each in faults.faults]}
    if desk.given != content:
        desk.trial, desk.record, desk.digest, desk.asked = None, None, "", ""
        desk.weighings, desk.documents = {}, {}
    desk.study, desk.given, desk.command = study, content, name or (quote(Path(path).name) if own else "study.toml")
    return {"study": about(desk), "faults": []}


def _told(content: str, fault: Fault) -> dict[str, Any]:
    return {"line": line_of(content, fault), "where": fault.where, "message": fault.message}


def kinds(desk: Desk, given: Given, tell: Tell) -> dict[str, Any]:
    """Return the designs of the library that can be added, with their parameters."""
    return {kind: [_field(name, each) for name, each in _fields(kind)] for kind in DESIGNS if kind not in NEED_FILES}


def _fields(kind: str) -> list[tuple[str, Any]]:
    """Return the parameters of a kind that are single numbers, words, or yes and no."""
    simple = (int, float, str, bool)
    found = written(DESIGNS[kind]).items()
    return [(n, f) for n, f in found if n not in FROM_STUDY and f.metadata["domain"].kind in simple]


def _field(name: str, field: Any) -> dict[str, Any]:
    domain: Domain = field.metadata["domain"]
    default = field.default if isinstance(field.default, int | float | str | bool) else None
    return {
        "name": name,
        "says": field.metadata["doc"],
        "wanted": domain.wanted(),
        "choices": [each for each in domain.choices if isinstance(each, str)],
        "default": default,
        "is": "bool" if domain.kind is bool else "text" if domain.kind is str else "number",
    }


def added(desk: Desk, given: Given, tell: Tell) -> dict[str, Any]:
    """Return the text of the study with one more design: `kind`, `name`, `cap`, and `values` by parameter."""
    content, kind, name = text(given, "text", MOST_LETTERS), text(given, "kind", 40), text(given, "name", 100).strip()
    values = given.get("values", {})
    if kind not in DESIGNS or kind in NEED_FILES or not isinstance(values, dict) or not name:
        raise Faults([Fault("design", "wanted a name and a kind of the library")])
    known = dict(_fields(kind))
    table: dict[str, Any] = {"kind": kind}
    for field, value in values.items():
        if field in known and value not in (None, "") and value != known[field].default:
            table[field] = int(value) if known[field].metadata["domain"].kind is int else value
    if (cap := given.get("cap")) not in (None, ""):
        table["modifiers"] = [{"kind": "max_patients", "n": cap}]
    lines = "".join(f"{field} = {_value(value)}\n" for field, value in table.items())
    more = f"{content.rstrip()}\n\n[designs.{key(name)}]\n{lines}"
    try:
        tomllib.loads(more)
    except tomllib.TOMLDecodeError as error:
        raise Faults([Fault("design", f"wanted a name that the study does not have yet: {error}")]) from error
    return {"text": more}


def _value(value: Any) -> str:
    """Return a value as a study file writes it, on one line."""
    if isinstance(value, list):
        return "[{ " + ", ".join(f"{name} = {_value(one)}" for name, one in value[0].items()) + " }]"
    return tomli_w.dumps({"x": value}).strip().removeprefix("x = ")
