"""Laboratory parameters by their PARAMCD: the units in which each is known, and values that no patient has."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from doseopt.endpoints.meld import PER_UNIT, POSSIBLE

UNITS: dict[str, dict[str, float]] = {
    "BILI": {"mg/dL": 1, "umol/L": PER_UNIT["bilirubin"]},
    "CREAT": {"mg/dL": 1, "umol/L": PER_UNIT["creatinine"]},
    "ALB": {"g/dL": 1, "g/L": PER_UNIT["albumin"]},
    "SODIUM": {"mmol/L": 1, "mEq/L": 1},
    "INR": {"": 1, "1": 1, "ratio": 1, "INR": 1},
    "PTA": {"%": 1},
    "PLAT": {"10^9/L": 1, "10^3/uL": 1},
    "PAO2FIO2": {"mmHg": 1, "kPa": 0.133322},
}
"""By parameter, the units in which it is known and how many of each are one of the first."""
LIMITS = {
    "BILI": POSSIBLE["bilirubin"],
    "CREAT": POSSIBLE["creatinine"],
    "ALB": POSSIBLE["albumin"],
    "SODIUM": POSSIBLE["sodium"],
    "INR": POSSIBLE["inr"],
    "PTA": (0.0, 300.0),
    "PLAT": (0.0, 5000.0),
    "PAO2FIO2": (10.0, 1000.0),
}
"""Wider than any patient's values, in the first unit: what is outside is in another unit, or a slip of the pen."""
SPELT = {"micromol/l": "umol/l", "percent": "%", "giga/l": "10^9/l", "thousand/ul": "10^3/ul", "k/ul": "10^3/ul"}
"""Other spellings of units, in small letters."""


@lru_cache(maxsize=1024)  # in each row of a table
def unit_of(code: str, written: str) -> str | None:
    """Return a unit of a parameter as it is spelt here, None if it is not known for it.

    Examples
    --------
    >>> unit_of("BILI", "μmol/l"), unit_of("PLAT", "x10E9/L"), unit_of("BILI", "g/L")
    ('umol/L', '10^9/L', None)
    """
    word = unicodedata.normalize("NFKC", written).replace("μ", "u").lower().replace(" ", "")
    word = re.sub(r"^[x×]?10(?:\^|\*{1,2}|e)?([39])/", r"10^\1/", SPELT.get(word, word))
    return next((unit for unit in UNITS.get(code, ()) if unit.lower() == word), None)
