"""The numbers of others, read from `reference/`: what went in apart from what came out."""

from __future__ import annotations

import csv
import json
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

REFERENCE = resources.files("doseopt") / "verify" / "reference"
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)


@dataclass(frozen=True)
class Source:
    """Who says so: a package or a paper, its version, and the call or the place."""

    name: str
    version: str = ""
    place: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.version}".strip()


@dataclass(frozen=True)
class Case:
    """One question and the answers of others.

    Attributes
    ----------
    source : Source
    name : str
        What tells this question from the others of its file.
    given : mapping of str to object
        What went in. This is all that the functions which compute our answers are shown.
    printed : mapping of str to tuple of str
        What came out, as printed.
    """

    source: Source
    name: str
    given: Mapping[str, Any]
    printed: Mapping[str, tuple[str, ...]]


def peers(
    file: str,
    source: str,
    given: Mapping[str, str],
    printed: Mapping[str, str],
    keep: Callable[[dict[str, str]], bool] = lambda row: True,
) -> list[Case]:
    """Read a table of another package's answers.

    Parameters
    ----------
    file : str
        Name of the CSV file in `reference/`.
    source : str
        "package version call", or the name of the column that says so.
    given, printed : mapping of str to str
        Names of inputs and of answers, and the columns they are in: one that may hold several values joined by "|", or
        several with spaces between.
    keep : callable
        Which rows.
    """
    lines = (REFERENCE / file).read_text(encoding="utf-8").splitlines()
    rows = [row for row in csv.DictReader(lines) if keep(row)]
    asked = [{name: _texts(row, columns) for name, columns in given.items()} for row in rows]
    varying = [name for name in given if len({a[name] for a in asked}) > 1]
    return [
        Case(
            Source(*row.get(source, source).split(maxsplit=2)),
            ", ".join(f"{name} {'|'.join(texts[name])}" for name in varying if any(texts[name])),
            {name: _values(part) for name, part in texts.items()},
            {name: _texts(row, columns) for name, columns in printed.items()},
        )
        for row, texts in zip(rows, asked, strict=True)
    ]


def quoted(file: str, keep: Callable[[dict[str, str]], bool] = lambda row: True) -> list[Case]:
    """Read a table with a row a number: `source`, `case`, `inputs`, `quantity`, `theirs` and `granted`.

    Rows in which the source follows another rule, as their `note` says, are left out.

    Parameters
    ----------
    file : str
        Name of the CSV file in `reference/`.
    keep : callable
        Which rows.

    Returns
    -------
    list of Case
        One for the rows of the same source, case and inputs. It is given these (inputs from JSON, or an outcome
        string), and what is asked for and how far apart the two may lie: `granted`, by quantity. Different answers to
        the same question are kept in order.
    """
    groups: dict[tuple[str, str, str], dict[str, tuple[str, ...]]] = {}
    granted: dict[str, float] = {}
    for row in csv.DictReader((REFERENCE / file).read_text(encoding="utf-8").splitlines()):
        if keep(row) and not row.get("note"):
            told = groups.setdefault((row["source"], row["case"], row["inputs"]), {})
            theirs = told.get(row["quantity"], ())
            told[row["quantity"]] = theirs if row["theirs"] in theirs else (*theirs, row["theirs"])
            granted["\n".join((row["source"], row["case"], row["inputs"], row["quantity"]))] = float(row["granted"])
    return [
        Case(
            Source(
                name := re.split(r" ?[:(,/]| vignette| Table", source)[0], "", source.removeprefix(name).strip(" :,/")
            ),
            case if inputs.startswith("{") or inputs in case else f"{case} {inputs}".strip(),
            {
                "source": source,
                "case": case,
                "inputs": json.loads(inputs) if inputs.startswith("{") else inputs,
                "granted": {name: granted["\n".join((source, case, inputs, name))] for name in told},
            },
            told,
        )
        for (source, case, inputs), told in groups.items()
    ]


def published(kind: str) -> list[Case]:
    """Read the entries of one kind from `published.toml`."""
    entries = tomllib.loads((REFERENCE / "published.toml").read_text(encoding="utf-8"))[kind]
    about = ("source", "version", "place", "printed", "case")
    return [
        Case(
            Source(entry["source"], entry.get("version", ""), entry.get("place", "")),
            entry["case"],
            {name: frozen(value) for name, value in entry.items() if name not in about},
            {name: tuple(text.split()) for name, text in entry["printed"].items()},
        )
        for entry in entries
    ]


def frozen(value: Any) -> Any:
    """Turn lists into tuples, at every depth."""
    if isinstance(value, list):
        return tuple(frozen(part) for part in value)
    return {name: frozen(part) for name, part in value.items()} if isinstance(value, dict) else value


def _texts(row: Mapping[str, str], columns: str) -> tuple[str, ...]:
    return tuple(part for column in columns.split() for part in row[column].split("|"))


def _values(texts: tuple[str, ...]) -> Any:
    values = tuple(_value(text) for text in texts)
    return values if len(values) > 1 else values[0]


def _value(text: str) -> Any:
    """Read a field: a number, a truth value, None where it is empty, or text."""
    if text in ("TRUE", "FALSE"):
        return text == "TRUE"
    if text.isdigit():
        return int(text)
    return float(text) if NUMBER.fullmatch(text) else text or None
