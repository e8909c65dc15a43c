"""Dates in the spellings that can mean one day only: the year first, or the month by its name."""

from __future__ import annotations

import datetime
import re
from functools import lru_cache

EXAMPLE = "2024-03-31"
EARLIEST, LATEST = 1950, 2149
"""Years; others are slips of the pen."""
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_TIME = r"(?:[T ]\d{1,2}(?::\d{2}){1,2}(?:\.\d+)?(?:Z|[+-]\d{2}:?\d{2})?)?"
_YEAR_FIRST = re.compile(rf"(\d{{4}})(?:-(\d{{1,2}})-|/(\d{{1,2}})/|(\d{{2}}))(\d{{1,2}}){_TIME}", re.ASCII)
_MONTH_NAMED = re.compile(rf"(\d{{1,2}})[- ]?([A-Za-z]{{3}})[- ]?(\d{{4}}){_TIME}", re.ASCII)


@lru_cache(maxsize=4096)  # a day stands in many rows
def read_date(text: str) -> datetime.date | None:
    """Return the day that a text means, without the time of day; None if it means none, or may mean several.

    Examples
    --------
    >>> [str(read_date(text)) for text in ("2024-03-31", "2024-03-31T14:05", "20240331", "2024/3/31", "31MAR2024")]
    ['2024-03-31', '2024-03-31', '2024-03-31', '2024-03-31', '2024-03-31']
    >>> [read_date(text) for text in ("31/03/2024", "03-04-24", "2024-02-30", "2024-03", "45382")]
    [None, None, None, None, None]
    """
    if len(text) > 40:
        return None
    if found := _YEAR_FIRST.fullmatch(text):
        year, month, day = int(found[1]), int(found[2] or found[3] or found[4]), int(found[5])
    elif (found := _MONTH_NAMED.fullmatch(text)) and found[2].lower() in MONTHS:
        year, month, day = int(found[3]), MONTHS.index(found[2].lower()) + 1, int(found[1])
    else:
        return None
    try:
        return datetime.date(year, month, day) if EARLIEST <= year <= LATEST else None
    except ValueError:
        return None
