"""Numbers in words, as texts and figures show them."""

from __future__ import annotations

import re

import numpy as np

from doseopt.core.state import FloatArray
from doseopt.display.panels import SUPERSCRIPTS

NOTHING = "–"


def percent(p: float, digits: int = 1) -> str:
    """Return 0.5612 as "56.1%"."""
    return NOTHING if np.isnan(p) else f"{round(100 * p, digits) + 0.0:.{digits}f}%"


def bare(p: float, digits: int = 1) -> str:
    """Return 0.5612 as "56.1", for tables of percentages."""
    return percent(p, digits).removesuffix("%")


def with_interval(mean: float, lower: float, upper: float) -> str:
    """Return a rate with its interval, as "15.4 (1.9 to 41.2)"."""
    return f"{bare(mean)} ({bare(lower)} to {bare(upper)})"


def points(difference: float) -> str:
    """Return 0.4381 as "+43.8"."""
    return NOTHING if np.isnan(difference) else f"{round(100 * difference, 1) + 0.0:+.1f}"


def signed(difference: float) -> str:
    """Return 1.26 as "+1.3"."""
    return points(difference / 100)


def decimal(x: float, digits: int = 1) -> str:
    """Return a number with so many decimals."""
    return NOTHING if np.isnan(x) else f"{round(x, digits) + 0.0:.{digits}f}"


def typeset(text: str) -> str:
    """Return a text of the terminal with its powers of ten as print has them: "x10^9" is "×10⁹"."""
    return re.sub(r"x10\^(-?\d+)", lambda power: f"×10{power[1].translate(SUPERSCRIPTS)}", text)


def rates(p: FloatArray) -> str:
    """Return DLT rates as "5%, 9%, 14% and 24%"."""
    each = [f"{round(100 * v, 1):g}%" for v in p]
    return f"{', '.join(each[:-1])} and {each[-1]}" if len(each) > 1 else each[0]
