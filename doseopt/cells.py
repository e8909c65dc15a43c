"""Cells of a table of patients, in the spellings that people and programs give them."""

from __future__ import annotations

import re
import unicodedata

MISSING = frozenset({"", "na", "n/a", "#n/a", "<na>", "nan", "null", "."})
"""What R, Excel, pandas and SAS write where there is nothing, in small letters."""
YES = frozenset({"1", "yes", "y", "true", "t", "ja", "oui", "wahr", "vrai"})
NO = frozenset({"0", "no", "n", "false", "f", "nein", "non", "falsch", "faux"})

_ROMAN = ("I", "II", "III", "IV", "V")
_GRADE = re.compile(
    r"(?:NCI[ -]?)?(?:CTC(?:AE)?)?(?: ?V(?:ERSION)? ?\d(?:\.\d+)?)?[ ,]*(?:(?:GR(?:AD[EO]?)?|G)[.:]?[ -]?)?"
    r"(?:0?(?P<digit>[0-5])(?:[.,]0+)?|(?P<roman>III|II|IV|I|V))[级級度]?"
)


def is_missing(text: str) -> bool:
    """Tell whether a cell says that there is nothing in it."""
    return text.lower() in MISSING


def yes_or_no(text: str) -> bool | None:
    """Return what a cell answers, or None if it is neither yes nor no; 1.0 is 1, as pandas writes it."""
    word = re.sub(r"(?<=^[01])[.,]0+$", "", text.lower())
    return True if word in YES else False if word in NO else None


def ctcae_grade(text: str) -> int | None:
    """Return a CTCAE grade, 0 to 5, in any usual spelling, or None if it is none.

    Examples
    --------
    >>> [ctcae_grade(text) for text in ("3", "3.0", "G3", "Grade 3", "gr. 3", "CTCAE 3", "III", "6", "moderate")]
    [3, 3, 3, 3, 3, 3, 3, None, None]
    """
    match = _GRADE.fullmatch(unicodedata.normalize("NFKC", text).upper()) if len(text) <= 40 else None
    if match is None:
        return None
    return int(match["digit"]) if match["digit"] else _ROMAN.index(match["roman"]) + 1
