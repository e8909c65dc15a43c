"""The text of a study file -> its values, bounded and finite, without characters that cannot be seen.

What is found here is a fault whatever the value stands for. Reading goes on with what is left, so that every fault of
a file is named in one round.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any

from doseopt.core.parameters import Fault, Faults, is_number
from doseopt.core.text import name_fault, neutral, text_fault
from doseopt.study.reader import join, key

MOST_LETTERS = 300_000
"""Letters of a study file at the most."""
MOST_DEPTH = 16
"""Tables and lists inside each other at the most."""
_PART = r"""(?:[A-Za-z0-9_-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\."""
_LONG_NUMBER = re.compile(r"[0-9][0-9_]{4000,}+")
_LONG_KEY = re.compile(rf"(?<![A-Za-z0-9_-])(?:{_PART}[ \t]*+){{{MOST_DEPTH}}}")


class Unusable:
    """Stands where a number was that none can use: no type wants it, and a fault shows it as it came."""

    def __init__(self, shown: str) -> None:
        self.shown = shown

    def __repr__(self) -> str:
        return self.shown


def parse_toml(text: str, path: str = "study") -> tuple[dict[str, Any], list[Fault]]:
    """Parse the text of a study file.

    Returns
    -------
    dict
        Its values; hostile characters are shown by their code points, and numbers out of bounds are `Unusable`.
    list of Fault
        What is wrong with single values, whatever they stand for.

    Raises
    ------
    Faults
        If it is no TOML file, too long, or too deep.
    """
    if len(text) > MOST_LETTERS:
        raise Faults([Fault("", f"wanted a file of at most {MOST_LETTERS:,} letters, got {len(text):,}")], path)
    deep = Fault("", f"wanted at most {MOST_DEPTH} tables and lists inside each other, got more")
    if _LONG_KEY.search(text):  # the time that the parser takes for one key grows with the square of its parts
        raise Faults([deep], path)
    try:
        document = tomllib.loads(text)
    except RecursionError as error:
        raise Faults([deep], path) from error
    except tomllib.TOMLDecodeError as error:
        raise Faults([Fault("", f"not a TOML file: {error}")], path) from error
    except ValueError as error:  # Python reads no whole number of so many digits
        found = _LONG_NUMBER.search(text)
        message = f"not a TOML file: {error}"
        if found:
            line = text.count("\n", 0, found.start()) + 1
            message = f"wanted numbers that fit into 64 bits, got one of {len(found[0]):,} digits (at line {line})"
        raise Faults([Fault("", message)], path) from error
    faults: list[Fault] = []
    return _sound(document, "", 0, faults), faults


def _sound(value: Any, where: str, depth: int, faults: list[Fault]) -> Any:
    """Return a value with everything in it that cannot be used replaced, and note the faults."""
    if depth > MOST_DEPTH:
        faults.append(Fault(where, f"wanted at most {MOST_DEPTH} tables and lists inside each other, got more"))
        return Unusable("...")
    if isinstance(value, Mapping):
        result = {}
        for name, part in value.items():
            shown = neutral(name)
            message = name_fault(name)
            if message:
                faults.append(Fault(join(where, key(shown)), message))
            result[shown] = _sound(part, join(where, key(shown)), depth + 1, faults)
        return result
    if isinstance(value, list):
        return [_sound(part, f"{where}[{i}]", depth + 1, faults) for i, part in enumerate(value)]
    if isinstance(value, str):
        message = text_fault(value)
        if message:
            faults.append(Fault(where, message))
        return neutral(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and not is_number(value):
        unusable = Unusable(repr(value) if isinstance(value, float) else "a number of more than 64 bits")
        faults.append(Fault(where, f"wanted a finite number of at most 64 bits, got {unusable}"))
        return unusable
    return value
