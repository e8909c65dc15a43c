"""Every number of the literature and of other software that the package quotes, recomputed."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
import scipy

import doseopt
from doseopt.core.files import FORMAT
from doseopt.core.parameters import Fault, Faults, nearest
from doseopt.verify import (
    boin,
    conduct,
    crm,
    efficacy,
    interval,
    pathways,
    pending,
    posteriors,
    published,
    three_plus_three,
)
from doseopt.verify.check import Check, Number

CHECKS: dict[str, Check] = {
    **published.CHECKS,
    **three_plus_three.CHECKS,
    **boin.CHECKS,
    **interval.CHECKS,
    **crm.CHECKS,
    **conduct.CHECKS,
    **posteriors.CHECKS,
    **pathways.CHECKS,
    **pending.CHECKS,
    **efficacy.CHECKS,
}
"""All checks, by name."""


def verify(
    names: Sequence[str] = (),
    told: Callable[[str], object] = lambda name: None,
    checks: Mapping[str, Check] = CHECKS,
) -> list[Number]:
    """Recompute the numbers of others.

    Parameters
    ----------
    names : sequence of str
        Which checks; all of them if empty.
    told : callable
        Is told the name of each check before it begins.
    checks : mapping of str to Check, optional
        From which to choose.

    Returns
    -------
    list of Number
        In the order of `checks`.

    Raises
    ------
    Faults
        If there is no check of a name.
    """
    unknown = [name for name in names if name not in checks]
    if unknown:
        raise Faults([Fault("", f"no check is called {name!r}{nearest(name, checks)}") for name in unknown])
    found = []
    for name, check in checks.items():
        if not names or name in names:
            told(name)
            found += list(check.numbers(name))
    return found


def about(numbers: Sequence[Number], checks: Mapping[str, Check] = CHECKS) -> dict[str, Any]:
    """Say what was recomputed and with what: versions, checks with their notes, how many agree."""
    made = {number.check: checks[number.check] for number in numbers}
    return {
        "format": FORMAT,
        "version": doseopt.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "numbers": len(numbers),
        "differing": sum(not number.agrees for number in numbers),
        "sources": sorted({f"{number.source} {number.version}".strip() for number in numbers}),
        "checks": {name: {"what": check.what, "note": check.note} for name, check in made.items()},
    }


def as_rows(numbers: Sequence[Number]) -> list[dict[str, Any]]:
    """Return every number as a row of plain values."""
    names = [*(field.name for field in fields(Number)), "difference", "agrees"]
    return [{name: getattr(number, name) for name in names} for number in numbers]
