"""How a report says numbers, doses and decisions."""

from __future__ import annotations

import re

import numpy as np
import xarray as xr

from doseopt.dossier import Dossier
from doseopt.plots.panels import SUPERSCRIPTS, doses
from doseopt.proposal import STATEMENTS
from doseopt.report.document import Block, Gap, Paragraph, Table
from doseopt.state import FloatArray

NOTHING = "–"


def percent(p: float, digits: int = 1) -> str:
    """Return 0.5612 as "56.1%"."""
    return NOTHING if np.isnan(p) else f"{round(100 * p, digits) + 0.0:.{digits}f}%"


def bare(p: float, digits: int = 1) -> str:
    """Return 0.5612 as "56.1", for tables of percentages."""
    return percent(p, digits).removesuffix("%")


def points(difference: float) -> str:
    """Return 0.4381 as "+43.8"."""
    return NOTHING if np.isnan(difference) else f"{round(100 * difference, 1) + 0.0:+.1f}"


def decimal(x: float, digits: int = 1) -> str:
    """Return a number with so many decimals."""
    return NOTHING if np.isnan(x) else f"{round(x, digits) + 0.0:.{digits}f}"


def typeset(text: str) -> str:
    """Return a text of the terminal with its powers of ten as print has them: "x10^9" is "×10⁹"."""
    return re.sub(r"x10\^(-?\d+)", lambda power: f"×10{power[1].translate(SUPERSCRIPTS)}", text)


def many(n: int, what: str) -> str:
    """Return "1 patient", "2 patients"."""
    return f"{n} {what}{'s' * (n != 1)}"


def dose_words(dossier: Dossier) -> tuple[list[str], str]:
    """Return the labels of the doses, and their unit."""
    labels, unit = doses(dossier.comparison)
    return labels, "" if unit == "dose level" else unit


def dose(dossier: Dossier, level: int) -> str:
    """Return what to call a dose level, counted from 1."""
    labels, unit = dose_words(dossier)
    return f"{labels[level - 1]} {unit}".strip() if unit else f"level {level} ({labels[level - 1]})"


def decided(dossier: Dossier, level: int, size: int, mtd: int, stop: str = "") -> str:
    """Say what a design does: the next cohort, or that it stops and what it declares."""
    if level:
        return f"{many(size, 'patient')} at {dose(dossier, level)}"
    why = f" ({stop.replace('_', ' ')})" if stop else ""
    return f"stops{why}: {'no MTD' if not mtd else f'MTD {dose(dossier, mtd)}'}"


def so_far(dossier: Dossier) -> str:
    """Say what has been seen."""
    patients = sum(len(c.letters) for c in dossier.cohorts)
    if not patients:
        return "before the first patient"
    dlts = sum(c.letters.count("T") for c in dossier.cohorts)
    return f"after {many(dlts, 'DLT')} in {many(patients, 'patient')} ({dossier.outcomes})"


def rates(p: FloatArray) -> str:
    """Return DLT rates as "5%, 9%, 14% and 24%"."""
    each = [f"{round(100 * v, 1):g}%" for v in p]
    return f"{', '.join(each[:-1])} and {each[-1]}" if len(each) > 1 else each[0]


def statement(dossier: Dossier, key: str) -> Block:
    """Return what the investigators say of a point, or the gap where they have said nothing."""
    text = dossier.proposal.statements.get(key, "")
    what = STATEMENTS[key]
    return Paragraph(f"{what[0].upper()}{what[1:]}: {text}") if text else Gap(f"{what}.")


def by_scenario(caption: str, values: xr.DataArray, letters: list[str], digits: int = 1, scale: bool = True) -> Table:
    """Return a table of one measure: a row a design, a column a scenario, and the mean over them.

    Parameters
    ----------
    caption : str
    values : DataArray
        (design, scenario).
    letters : list of str
        What the scenarios are called.
    digits : int
    scale : bool
        Whether the values are probabilities, shown in percent.
    """
    table = values.transpose("design", "scenario").to_numpy()
    show = bare if scale else decimal
    rows = [
        (str(name), *(show(v, digits) for v in row), show(float(row.mean()), digits))
        for name, row in zip(values["design"].to_numpy().tolist(), table, strict=True)
    ]
    return Table(caption, ("", *letters, "mean"), tuple(rows))
