"""Outcome strings: ``"1NNN 2NNT"`` to and from cohorts.

The published notation of dose-finding outcomes (Brock 2019): a cohort is the dose level, counted from 1, followed by
one letter a patient, ``N`` for no dose-limiting toxicity and ``T`` for one. A third letter, ``M``, marks a moderate
toxicity (grade 2 or worse) that is not dose-limiting; designs that do not grade read it as ``N``. With efficacy
(Brock et al. 2017) ``E`` is efficacy alone, ``B`` both, ``T`` a dose-limiting toxicity alone and ``N`` neither; designs
that do not look at efficacy read ``E`` as ``N`` and ``B`` as ``T``. A full stop after the
letters says that the cohort was closed early: ``"2NN."`` are two patients of a cohort that no third one joins.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from doseopt.core.outcome_space import TOXICITY, OutcomeSpace
from doseopt.core.parameters import Fault, Faults, demand, quoted

MOST = 10_000
"""Letters of an outcome string at the most; a trial has some dozens of patients."""
MOST_LEVEL = 999
LETTERS = "NTMEB"
"""Of a patient whose outcome is known."""
_COHORT = re.compile(r"0*([0-9]+)([A-Za-z?]*)(\.?)")


@dataclass(frozen=True)
class Cohort:
    """One cohort: the dose level counted from 1, a letter for each patient, and whether it was closed early."""

    level: int
    letters: str
    closed: bool = False

    def counts(self, outcomes: OutcomeSpace = TOXICITY) -> tuple[int, ...]:
        """Count its patients by category."""
        return outcomes.counts(self.letters)


def parse_outcomes(text: str, doses: int | None = None, pending: str = "") -> tuple[Cohort, ...]:
    """Read an outcome string.

    Parameters
    ----------
    text : str
        Cohorts separated by white space, e.g. ``"1NNN 2NNT"``.
    doses : int, optional
        Number of dose levels, to refuse a level that does not exist.
    pending : str
        The letter of a patient who is pending, where there may be some.

    Raises
    ------
    Faults
        With every cohort that cannot be read.

    Examples
    --------
    >>> parse_outcomes("1N 2NNT")
    (Cohort(level=1, letters='N', closed=False), Cohort(level=2, letters='NNT', closed=False))
    """
    demand(isinstance(text, str), "outcomes", "text such as '1N 2NNT'", text)
    if len(text) > MOST:
        raise Faults([Fault("", f"wanted at most {MOST} letters, got {len(text)}")], f"outcomes {quoted(text)}")
    cohorts, faults = [], []
    for position, group in enumerate(text.split(), 1):
        where = f"cohort {position} ({quoted(group, 20)})"
        match = _COHORT.fullmatch(group)
        if not match or not match[2] or set(match[2].upper()) - {*LETTERS, *pending}:
            wanted = "a dose level and one of N, T, M for each patient, as in '2NNT' (with efficacy E or B: '2NEB')"
            faults.append(Fault(where, f"wanted {wanted}; '2NN.' where it was closed early"))
            continue
        level = int(match[1][:4])
        if not 1 <= level <= (doses or MOST_LEVEL):
            top = "1 or more" if doses is None and level < 1 else f"1 to {doses or MOST_LEVEL}"
            got = match[1] if len(match[1]) <= 20 else f"a number of {len(match[1])} digits"
            faults.append(Fault(where, f"wanted a dose level of {top}, got {got}"))
            continue
        cohorts.append(Cohort(level, match[2].upper(), bool(match[3])))
    if faults:
        raise Faults(faults, f"outcomes {quoted(text)}")
    return tuple(cohorts)


def format_outcomes(cohorts: tuple[Cohort, ...]) -> str:
    """Write cohorts as an outcome string.

    Examples
    --------
    >>> format_outcomes(parse_outcomes("1N  2nn."))
    '1N 2NN.'
    """
    return " ".join(f"{c.level}{c.letters}{'.' * c.closed}" for c in cohorts)
