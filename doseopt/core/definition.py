"""A protocol's own definition of the MTD: what must have been seen at a dose before it may be called that."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from doseopt.core.parameters import check, param
from doseopt.core.state import NONE, BoolArray, IntArray

_FRACTION = re.compile(r"[0-9]{1,9}(/[0-9]{1,9}|\.[0-9]{1,9})?")


def _rate_fault(value: Any) -> str | None:
    """Return what is wrong with an exact rate."""
    text = value if isinstance(value, str) else repr(value)
    whole = not isinstance(value, bool) and _FRACTION.fullmatch(text) and not re.search(r"/0+$", text)
    if whole and Fraction(text) <= 1:
        return None
    return f'wanted a fraction in [0, 1] such as "1/6", got {value!r}'


@dataclass(frozen=True)
class Definition:
    """At least so many patients at a dose, and at most such a share of them with a DLT.

    Parameters
    ----------
    patients : int
    rate : str
        Exact, such as ``"1/6"``; by default any.

    Examples
    --------
    One DLT in six patients is a sixth exactly, two in seven are more:

    >>> import numpy as np
    >>> Definition(6, "1/6").met(np.array([6, 7, 5]), np.array([1, 2, 0]))
    array([ True, False, False])
    """

    patients: int = param(kind=int, low=1, doc="fewest patients at the dose")
    rate: str = param("1", custom=_rate_fault, doc='greatest share of them with a DLT, such as "1/6"')

    def __post_init__(self) -> None:
        """Check the parameters, and write the rate in lowest terms."""
        check(self)
        text = self.rate if isinstance(self.rate, str) else repr(self.rate)
        object.__setattr__(self, "rate", str(Fraction(text)))

    @property
    def finds_another(self) -> bool:
        """Whether another dose is named in the place of one that does not meet it: no."""
        return False

    def met(self, n: IntArray, y: IntArray) -> BoolArray:
        """Tell where patients and DLTs meet it, elementwise; compared in whole numbers."""
        share = Fraction(self.rate)
        return np.asarray((n >= self.patients) & (y * share.denominator <= n * share.numerator))

    def named(self, mtd: IntArray, n: IntArray, y: IntArray) -> IntArray:
        """Return the selected doses [S] that meet it in trials with these tallies [S, D], NONE for the others."""
        at = np.arange(len(mtd)), mtd
        return np.where((mtd != NONE) & self.met(n[at], y[at]), mtd, NONE)

    def describe(self) -> str:
        """Say it in words."""
        share = "" if self.rate == "1" else f", at most {self.rate} of them with a DLT"
        return f"at least {self.patients} patient{'s' * (self.patients > 1)} at the dose{share}"


@dataclass(frozen=True)
class Names(Definition):
    """When a dose may be named the MTD, the one statement of it: the evidence, and what is done where it is missing.

    Parameters
    ----------
    dlts : int, optional
        The most patients with a DLT at the dose; left out: any number.
    otherwise : {"none", "best"}
        Where the dose selected does not meet it none is named; or the design's best dose among those that do.
    unless_complete : bool
        Whether a dose on which the design's own rule ends, as "complete", is named as it stands.

    Notes
    -----
    `select_untried` = false of a model is ``Names(1, otherwise="best")``, and `mtd_at_cap` = "definition" of 3+3 is
    ``Names(6, dlts=1, otherwise="best", unless_complete=True)``.

    Examples
    --------
    >>> import numpy as np
    >>> Names(6, dlts=1).met(np.array([6, 6, 12]), np.array([1, 2, 2]))
    array([ True, False, False])
    """

    dlts: int | None = param(None, kind=int, low=0, optional=True, doc="most patients with a DLT at the dose")
    otherwise: str = param("none", choices=("none", "best"), doc="what is named where the evidence is missing")
    unless_complete: bool = param(False, doc="whether a dose on which the rule itself ends is named as it stands")

    @property
    def finds_another(self) -> bool:
        """Whether the best dose that meets it is named in the place of one that does not."""
        return self.otherwise == "best"

    def met(self, n: IntArray, y: IntArray) -> BoolArray:
        """Tell where patients and DLTs meet it, elementwise."""
        few = True if self.dlts is None else y <= self.dlts
        return np.asarray(super().met(n, y) & few)

    def describe(self) -> str:
        """Say it in words."""
        most = "" if self.dlts is None else f", at most {self.dlts} of them with a DLT"
        complete = ", unless the rule itself ends on it" if self.unless_complete else ""
        return f"{super().describe()}{most}{complete}"


TRIED = Names(1, otherwise="best")
"""A dose that somebody was treated at, else the best of those."""
SIX_AT_CAP = Names(6, dlts=1, otherwise="best", unless_complete=True)
"""What 3+3 calls the MTD, where something else ends the trial."""
