"""Lines of a study file: where stands what a fault names."""

from __future__ import annotations

import re
from collections.abc import Iterator

from doseopt.core.parameters import Fault

_PART = re.compile(r"""\s*(?:"((?:[^"\\\n]|\\.)*)"|'([^'\n]*)'|([A-Za-z0-9_-]+))\s*""")
_TOLD = re.compile(r"\(at line (\d+),? ")
_DEEPER = re.compile(r"\.?((?:\"(?:[^\"\\]|\\.)*\"|[^.\[\"])+)|\[(\d+)\]")


def line_of(text: str, fault: Fault) -> int | None:
    r"""Return the line, from 1, at which a fault of a study file is mended: that of its key, or of a table around it.

    Parameters
    ----------
    text : str
        Of the file.
    fault : Fault
        Of `parse_study`.

    Returns
    -------
    int or None
        None where the file does not say what the fault names, as of a key that is missing at the top.

    Examples
    --------
    >>> line_of('target = 0.3\n[doses]\nlabels = []\n', Fault("doses.labels[0]", "wanted a label"))
    3
    """
    told = _TOLD.search(fault.message)
    if told and not fault.where:
        return int(told[1])
    wanted, best, found = _steps(fault.where), 0, None
    for number, path in _keys(text):
        if len(path) > best and path == wanted[: len(path)]:
            best, found = len(path), number
    return found


def _steps(where: str) -> list[str]:
    """Return the keys that lead to a place; positions in lists of tables count as keys."""
    found = [name or f"[{position}]" for name, position in _DEEPER.findall(where)]
    return [name[1:-1].replace('\\"', '"').replace("\\\\", "\\") if name.startswith('"') else name for name in found]


def _keys(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each line that begins a table or a key, with the keys that lead there."""
    table: list[str] = []
    many: dict[tuple[str, ...], int] = {}
    open_brackets = 0
    for number, line in enumerate(text.splitlines(), 1):
        begins, stripped = open_brackets == 0, line.strip()
        open_brackets = max(open_brackets + _opened(line), 0) if not (begins and stripped.startswith("[")) else 0
        if not begins or not stripped or stripped.startswith("#"):
            continue
        if stripped.startswith("["):
            table = _dotted(stripped.lstrip("["))
            if stripped.startswith("[["):
                position = many[tuple(table)] = many.get(tuple(table), -1) + 1
                table = [*table, f"[{position}]"]
            yield number, table
        elif key := _dotted(stripped):
            yield number, [*table, *key]


def _dotted(text: str) -> list[str]:
    """Return the parts of the dotted key that a text begins with."""
    found, at = [], 0
    while part := _PART.match(text, at):
        found.append(next(group for group in part.groups() if group is not None))
        at = part.end()
        if text[at : at + 1] != ".":
            break
        at += 1
    return found


def _opened(line: str) -> int:
    """Return how many brackets a line opens more than it closes, outside of texts and comments."""
    bare = re.sub(r"\"(?:[^\"\\]|\\.)*\"|'[^']*'", "", line).split("#", 1)[0]
    return sum(bare.count(each) for each in "[{") - sum(bare.count(each) for each in "]}")
