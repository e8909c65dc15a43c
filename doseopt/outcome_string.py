"""Outcome strings: ``"1NNN 2NNT"`` to and from cohorts.

The published notation of dose-finding outcomes (Brock 2019): a cohort is the dose level, counted from 1, followed by
one letter a patient, ``N`` for no dose-limiting toxicity and ``T`` for one. A third letter, ``M``, marks a moderate
toxicity (grade 2 or worse) that is not dose-limiting; designs that do not grade read it as ``N``. A full stop after the
letters says that the cohort was closed early: ``"2NN."`` are two patients of a cohort that no third one joins.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from doseopt.parameters import Fault, Faults

_COHORT = re.compile(r"(\d+)([A-Za-z]*)(\.?)")


@dataclass(frozen=True)
class Cohort:
    """One cohort: the dose level counted from 1, a letter for each patient, and whether it was closed early."""

    level: int
    letters: str
    closed: bool = False

    def counts(self, categories: int = 2) -> tuple[int, ...]:
        """Count the outcomes by category: (DLT, not), or (DLT, moderate, neither)."""
        dlt, moderate = self.letters.count("T"), self.letters.count("M")
        rest = len(self.letters) - dlt
        return (dlt, rest) if categories == 2 else (dlt, moderate, rest - moderate)


def parse_outcomes(text: str, doses: int | None = None) -> tuple[Cohort, ...]:
    """Read an outcome string.

    Parameters
    ----------
    text : str
        Cohorts separated by white space, e.g. ``"1NNN 2NNT"``.
    doses : int, optional
        Number of dose levels, to refuse a level that does not exist.

    Raises
    ------
    Faults
        With every cohort that cannot be read.

    Examples
    --------
    >>> parse_outcomes("1N 2NNT")
    (Cohort(level=1, letters='N', closed=False), Cohort(level=2, letters='NNT', closed=False))
    """
    cohorts, faults = [], []
    for position, group in enumerate(text.split(), 1):
        where = f"cohort {position} ({group!r})"
        match = _COHORT.fullmatch(group)
        if not match or not match[2] or set(match[2].upper()) - set("NTM"):
            faults.append(Fault(where, "wanted a dose level and one of N, T, M for each patient, as in '2NNT'"))
            continue
        level = int(match[1])
        if level < 1 or (doses is not None and level > doses):
            top = f"1 to {doses}" if doses is not None else "1 or more"
            faults.append(Fault(where, f"wanted a dose level of {top}, got {level}"))
            continue
        cohorts.append(Cohort(level, match[2].upper(), bool(match[3])))
    if faults:
        raise Faults(faults, f"outcomes {text!r}")
    return tuple(cohorts)


def format_outcomes(cohorts: tuple[Cohort, ...]) -> str:
    """Write cohorts as an outcome string.

    Examples
    --------
    >>> format_outcomes(parse_outcomes("1N  2nn."))
    '1N 2NN.'
    """
    return " ".join(f"{c.level}{c.letters}{'.' * c.closed}" for c in cohorts)
