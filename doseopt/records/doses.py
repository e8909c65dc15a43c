"""Doses in the cells of a patient: the planned one, as a level, a label or a number, and the one that was given."""

from __future__ import annotations

import math

from doseopt.core.parameters import Fault, nearest, quoted
from doseopt.scenarios.doses import Doses
from doseopt.tabular.cells import Cells, number

ODD, REFUSED = 1, 2
"""Powers of ten between an actual dose and the planned one that are warned of without a tolerance, that are a fault."""


def planned_level(cells: Cells, doses: Doses, at: str = "dose_level", label: str = "dose") -> int | None:
    """Return the planned level as an index, None with a fault; the columns must agree where both are filled.

    Parameters
    ----------
    cells : Cells
    doses : Doses
    at, label : str
        Names of the columns that hold the level, from 1, and the dose.
    """
    count, before = len(doses.labels), len(cells.faults)
    meant: list[set[int]] = []
    if cells.has(at):
        level = cells.whole(at, 1, count)
        meant.append(set() if level is None else {level - 1})
    if cells.has(label):
        meant.append(_named(cells, doses, label))
        if not meant[-1]:
            cells.fault(label, "a planned dose of the study", nearest(cells.raw(label)[:60], doses.labels))
    if len(cells.faults) > before:
        return None
    found = sorted(set.intersection(*meant)) if meant else []
    wrong = ""
    if not meant:
        wrong = f"wanted a {at} or a {label}, got neither"
    elif not found:
        wrong = f"{at} and {label} name different doses"
    elif len(found) > 1:
        which = " and ".join(str(level + 1) for level in found)
        wrong = f"{label}: {quoted(cells.raw(label))} is a label or a value of levels {which}; write {at} instead"
    if wrong:
        cells.faults.append(Fault(cells.where, wrong))
    return None if wrong else found[0]


def _named(cells: Cells, doses: Doses, column: str) -> set[int]:
    """Return the levels that a label, or a planned dose in the study's unit, may mean."""
    same = {j for j, label in enumerate(doses.labels) if label == cells.raw(column)}
    value = cells.number(column)
    if value is None:
        return same
    numbers = [number(label) for label in doses.labels]
    labelled = {j for j, n in enumerate(numbers) if n is not None and math.isclose(n, value, rel_tol=1e-9)}
    valued = {j for j, v in enumerate(doses.values or ()) if math.isclose(v, value, rel_tol=1e-9)}
    return (same or labelled) | valued


def actual_dose(
    cells: Cells,
    doses: Doses,
    level: int | None,
    warnings: list[str],
    column: str = "actual_dose",
    who: str = "patient",
) -> float | None:
    """Return the dose that was given, None if it is not known; one far from the planned dose is warned of.

    Parameters
    ----------
    cells : Cells
    doses : Doses
    level : int, optional
    warnings : list of str
        To which a warning is added.
    column, who : str
        Names of the columns that hold the dose, and the patient.
    """
    if not cells.has(column):
        return None
    unit = doses.unit or "the study's unit"
    value = cells.number(column)
    if value is None or value <= 0:
        cells.fault(column, f"a number above 0 in {unit}")
        return None
    if doses.values is None or level is None:
        return value
    planned = doses.values[level]
    power = math.log10(value) - math.log10(planned)
    slip = f"about 10^{round(power)} times that: another unit, or a slip of the decimal point?"
    if abs(power) >= REFUSED - 1e-9:
        cells.fault(column, f"a dose in {unit} near the planned {planned:g}", f", {slip}")
        return None
    apart = value / planned - 1
    if abs(power) >= ODD - 1e-9 or (doses.tolerance is not None and abs(apart) > doses.tolerance + 1e-9):
        limit = "" if doses.tolerance is None else f", outside the study's tolerance of {doses.tolerance:.0%}"
        warnings.append(
            f"patient {cells.raw(who)}: the actual dose {value:g} {doses.unit} is {apart:+.0%} from the planned "
            f"{planned:g}{limit}{f', {slip}' if abs(power) >= ODD - 1e-9 else ''}; used as given"
        )
    return value
