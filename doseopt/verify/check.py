"""One check: the questions of others, our answers, and how far the two may lie apart."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import numpy as np

from doseopt.verify.cases import Case

NOTHING = {"", "-", "----", "NA"}
"""How others print that there is no number."""
SLACK = 1 + 2e-7
"""A number printed from its own rounding may lie half a unit of its last digit off, and a rounding error."""

type Answers = Mapping[str, Any]


@dataclass(frozen=True)
class Number:
    """One number of others beside ours.

    Attributes
    ----------
    check, source, version, place, what : str
        Which check; who says so; the question and the name of the answer.
    theirs : str
        As printed.
    ours : float, str or None
        None: there is none.
    granted : float
        The largest difference at which the two agree; 0 for whole numbers and words.
    """

    check: str
    source: str
    version: str
    place: str
    what: str
    theirs: str
    ours: float | str | None
    granted: float

    @property
    def difference(self) -> float:
        """The distance of two numbers; 0 for the same word or nothing on both sides, else infinity."""
        if self.ours is None or self.theirs in NOTHING:
            return 0.0 if self.ours is None and self.theirs in NOTHING else math.inf
        if isinstance(self.ours, str):
            return 0.0 if self.ours == self.theirs else math.inf
        try:
            apart = abs(float(self.theirs) - self.ours)
        except ValueError:
            return math.inf
        return math.inf if math.isnan(apart) else apart

    @property
    def agrees(self) -> bool:
        """Whether the difference is at most what is granted."""
        return self.difference <= self.granted


@dataclass(frozen=True)
class Check:
    """A family of numbers.

    Attributes
    ----------
    what : str
        What is recomputed.
    cases : callable
        Reads the questions with the answers of others.
    ours : callable
        Our answers to what was given; it is not shown those of others. It may return more than others printed.
    granted : callable, optional
        From what was given and our answers, the differences granted, by name; a number or one for each value. What it
        does not name is granted half a unit of the last digit printed, whole numbers and words nothing.
    note : str
        Why more than a rounding error is granted, where it is; or what is left out.
    """

    what: str
    cases: Callable[[], list[Case]]
    ours: Callable[[Mapping[str, Any]], Answers]
    granted: Callable[[Mapping[str, Any], Answers], Mapping[str, Any]] = lambda given, ours: {}
    note: str = ""

    def numbers(self, name: str) -> Iterator[Number]:
        """Compare, number for number, in the order of the reference."""
        for case in self.cases():
            ours = self.ours(case.given)
            granted = self.granted(case.given, ours)
            for answer, printed in case.printed.items():
                found = _listed(ours[answer])
                limits = np.broadcast_to(granted[answer], len(printed)) if answer in granted else None
                for k, (theirs, our) in enumerate(zip_longest(printed, found)):
                    place = f" [{k + 1}]" if len(printed) > 1 else ""
                    yield Number(
                        name,
                        case.source.name,
                        case.source.version,
                        case.source.place,
                        f"{case.name}: {answer}{place}",
                        theirs or "",
                        our,
                        digits(theirs or "", our) if limits is None or k >= len(limits) else float(limits[k]),
                    )


def digits(printed: str, ours: float | str | None) -> float:
    """Return half a unit of the last digit printed; nothing where both are whole numbers, or words."""
    if ours is None or isinstance(ours, int | str):
        return 0.0
    return 0.5 * SLACK * 10.0 ** -len(printed.partition(".")[2])


def _listed(value: Any) -> Sequence[float | str | None]:
    """Return one answer or several as a list of plain values, nan as None."""
    values = value.tolist() if isinstance(value, np.ndarray | np.generic) else value
    values = list(values) if isinstance(values, list | tuple) else [values]
    return [
        None if isinstance(v, float) and math.isnan(v) else v.item() if isinstance(v, np.generic) else v for v in values
    ]
