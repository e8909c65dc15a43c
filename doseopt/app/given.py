"""What a page says, as it is checked before anything is done with it."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from doseopt.core.parameters import Fault, Faults, are_numbers, is_number

MOST_FILES, MOST_TEXT = 8, 2_000_000
"""Files of an upload, and letters of all of them."""
IN_MEMORY = Path("/dev/shm")
"""Where files that are gone in a moment lie, if the system has it."""
_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,80}\.(?:csv|tsv|txt)", re.IGNORECASE)


def text(given: Mapping[str, Any], name: str, most: int, default: str = "") -> str:
    """Return a text of at most so many letters."""
    value = given.get(name, default)
    if not isinstance(value, str):
        raise Faults([Fault(name, f"wanted a text, got {type(value).__name__}")])
    if len(value) > most:
        raise Faults([Fault(name, f"wanted at most {most:,} letters, got {len(value):,}")])
    return value


def number(given: Mapping[str, Any], name: str) -> float | None:
    """Return a number, None where there is none."""
    value = given.get(name)
    if value is None or value == "":
        return None
    if not is_number(value):
        raise Faults([Fault(name, "wanted a number")])
    return float(value)


def whole(given: Mapping[str, Any], name: str, low: int, high: int) -> int | None:
    """Return a whole number between bounds, None where there is none."""
    value = number(given, name)
    if value is not None and not (low <= value <= high and value == int(value)):
        raise Faults([Fault(name, f"wanted a whole number in [{low}, {high}], got {value:g}")])
    return None if value is None else int(value)


def rates(given: Mapping[str, Any], name: str, doses: int) -> tuple[float, ...]:
    """Return DLT rates, one a dose."""
    value = given.get(name)
    if not isinstance(value, list | tuple) or len(value) != doses or not are_numbers(tuple(value)):
        raise Faults([Fault(name, f"wanted {doses} DLT rates, one a dose")])
    if not all(0 <= p <= 1 for p in value):
        raise Faults([Fault(name, "wanted DLT rates in [0, 1]")])
    return tuple(float(p) for p in value)


def names(given: Mapping[str, Any], name: str) -> list[str]:
    """Return a list of names."""
    value = given.get(name, [])
    if not isinstance(value, list | tuple) or len(value) > 200 or not all(isinstance(v, str) for v in value):
        raise Faults([Fault(name, "wanted a list of names")])
    return list(value)


def files(given: Mapping[str, Any]) -> dict[str, str]:
    """Return the texts of uploaded tables by their names."""
    value = given.get("files", [])
    if not isinstance(value, list | tuple) or not all(isinstance(each, dict) for each in value):
        raise Faults([Fault("files", "wanted files")])
    wrong = [Fault("files", f"wanted at most {MOST_FILES} files")] if len(value) > MOST_FILES else []
    found: dict[str, str] = {}
    for each in value[:MOST_FILES]:
        name, content = each.get("name"), each.get("text")
        if not (isinstance(name, str) and _FILE.fullmatch(name)):
            wrong.append(Fault("files", "wanted names of letters and digits that end in .csv, .tsv or .txt"))
        elif not isinstance(content, str) or "\0" in content:
            wrong.append(Fault(name, "wanted a text file"))
        else:
            found[name] = content
    if sum(map(len, found.values())) > MOST_TEXT:
        wrong.append(Fault("files", f"wanted at most {MOST_TEXT:,} letters in all"))
    if wrong:
        raise Faults(wrong)
    return found


@contextmanager
def passing_folder() -> Iterator[Path]:
    """Make a folder, in memory where the system can, that is gone a moment later."""
    place = IN_MEMORY if IN_MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="doseopt-", dir=place) as folder:
        yield Path(folder)
