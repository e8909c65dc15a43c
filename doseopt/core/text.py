"""Text of others: what is wrong with it as a name, and how it is made harmless where it is shown.

Control characters move the cursor of a terminal and are no XML, bidirectional controls show a text in another order
than it has, invisible ones make two names look the same. A study file with such a text is refused; whatever comes
another way passes `neutral` at the boundary where it leaves the package.
"""

from __future__ import annotations

import re
from html import escape
from typing import Literal

MOST_NAME = 200
"""Letters of a name at the most."""
MOST_TEXT = 20_000
"""Letters of any other text at the most."""

_HOSTILE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls, but for tab and line feed
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # directions
    "\u00ad\u200b\u2028\u2029\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"  # invisible
    "\ud800-\udfff\ufffe\uffff]"  # no characters at all
)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?%?", re.IGNORECASE | re.ASCII)
_FORMULA = tuple("=+-@\t＝＋－＠")

type Boundary = Literal["plain", "html", "svg", "csv"]


def neutral(text: str, boundary: Boundary = "plain") -> str:
    r"""Return a text that does no harm where it is shown, and shows what would have.

    Parameters
    ----------
    text : str
    boundary : {"plain", "html", "svg", "csv"}
        A terminal, DOCX or PDF; HTML, where it is escaped; an SVG file, whose text is escaped already; a cell of a CSV
        file, in which a formula becomes text and a number stays a number.

    Returns
    -------
    str
        A control or invisible character is shown by its code point: "<U+202E>".

    Examples
    --------
    >>> neutral("=SUM(A1)", "csv"), neutral("-1.5", "csv"), neutral("a\x1b[2Jb")
    ("'=SUM(A1)", '-1.5', 'a<U+001B>[2Jb')
    """
    left, right = ("&lt;", "&gt;") if boundary == "svg" else "<>"
    shown = _HOSTILE.sub(lambda found: f"{left}{code_point(found[0])}{right}", text)
    if boundary == "html":
        return escape(shown)
    if boundary == "csv" and shown.lstrip(" \n").startswith(_FORMULA) and not _NUMBER.fullmatch(shown):
        return f"'{shown}"
    return shown


def code_point(character: str) -> str:
    """Return "U+202E"."""
    return f"U+{ord(character):04X}"


def text_fault(text: str) -> str | None:
    """Return what is wrong with a text as people write it: characters that cannot be seen, or too many."""
    if len(text) > MOST_TEXT:
        return f"wanted at most {MOST_TEXT:,} letters, got {len(text):,}"
    found = _HOSTILE.search(text)
    return found and f"wanted text without control or invisible characters, got {code_point(found[0])}"


def name_fault(name: str) -> str | None:
    """Return what is wrong with a name of something: a text of one line, not empty, that looks like no other."""
    if len(name) > MOST_NAME:
        return f"wanted a name of at most {MOST_NAME} letters, got {len(name):,}"
    if not name.strip():
        return f"wanted a name, got {name!r}"
    if name != name.strip() or "\n" in name or "\t" in name:
        return f"wanted a name on one line without space around it, got {name!r}"
    return text_fault(name)


def counted(n: int, what: str) -> str:
    """Return "1 dose", "2 doses"."""
    return f"{n} {what}{'s' * (n != 1)}"


def shortened(text: str, most: int) -> str:
    """Return a text of at most so many letters: the middle of a longer one is left out."""
    if len(text) <= most:
        return text
    return f"{text[: most * 2 // 3]} ... {text[len(text) - most // 4 :]}"
