"""Panels of a figure: each scenario, or each true MTD where there are too many; and names of doses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from doseopt.core.state import BoolArray, FloatArray, IntArray
from doseopt.display.labels import names, power_of_ten

MOST_SCENARIOS = 12
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True, eq=False)
class Panel:
    """Scenarios shown together: one, or all with the same true MTD.

    Parameters
    ----------
    title : str
    rows : int array [S]
        Positions of the scenarios.
    right : bool array [1 + D]
        What is correct: none, each dose; of several scenarios, their MTD.
    """

    title: str
    rows: IntArray
    right: BoolArray


def grouped(ds: xr.Dataset) -> bool:
    """Return whether there are too many scenarios for a panel each."""
    return ds.sizes["scenario"] > MOST_SCENARIOS


def panels(ds: xr.Dataset) -> list[Panel]:
    """Return a panel for each scenario, or for each true MTD that occurs."""
    if not grouped(ds):
        right = ds["acceptable"].to_numpy()
        right = np.column_stack([~right.any(axis=1), right])
        return [Panel(str(name), np.array([s]), right[s]) for s, name in enumerate(ds["scenario"].to_numpy())]
    mtd = ds["mtd"].to_numpy()
    found = []
    for j, label in [*enumerate(doses(ds)[0]), (-1, "none")]:
        rows = np.flatnonzero(mtd == j)
        if rows.size:
            right = np.arange(ds.sizes["dose"] + 1) == j + 1
            found.append(Panel(f"MTD {label} ({rows.size})", rows, right))
    return found


FEW_SCENARIOS = 3


def in_print(ds: xr.Dataset) -> IntArray:
    """Return the positions of the scenarios that stand for all where there is room for three.

    Those in which the lowest, the middle and the highest of all right doses is right; of several the one that gives the
    right dose the rate closest to the target. Scenarios in which no dose is right count only if no other is left.

    Examples
    --------
    Right are the second, first, second and fourth dose; the middle one of first, second and fourth is the second.

    >>> p_dlt = [[0.1, 0.3, 0.5, 0.6], [0.2, 0.4, 0.5, 0.6], [0.1, 0.25, 0.5, 0.6], [0.02, 0.05, 0.1, 0.25]]
    >>> truth = {"p_dlt": (("scenario", "dose"), p_dlt), "mtd": ("scenario", [1, 0, 1, 3])}
    >>> in_print(xr.Dataset(truth, attrs={"target": 0.25})).tolist()
    [1, 2, 3]
    """
    mtd, p = ds["mtd"].to_numpy(), ds["p_dlt"].transpose("scenario", "dose").to_numpy()
    if len(mtd) <= FEW_SCENARIOS:
        return np.arange(len(mtd))
    right = np.unique(mtd[mtd >= 0]) if (mtd >= 0).any() else np.array([-1])
    away = np.round(np.abs(p[np.arange(len(mtd)), mtd] - float(ds.attrs["target"])), 9)
    shown = {int(right[k]) for k in (0, len(right) // 2, -1)}
    return np.array([np.where(mtd == j, away, np.inf).argmin() for j in sorted(shown)])


def doses(ds: xr.Dataset) -> tuple[list[str], str]:
    """Return the doses' own labels, and the unit of them all, such as "×10⁹ cells"; "dose level" if they have none.

    Labels that are the doses up to one power of ten take the unit with that power; others are names.
    """
    labels, power = names(ds, "dose"), power_of_ten(ds)
    if power is None:
        return labels, "dose level"
    unit = str(ds["dose_value"].attrs.get("units", ""))
    return labels, unit if power == 0 else f"×10{str(power).translate(SUPERSCRIPTS)} {unit}"


def over(values: FloatArray, panel: Panel) -> FloatArray:
    """Average [design, scenario, ...] over the scenarios of a panel."""
    mean: FloatArray = values[:, panel.rows].mean(axis=1)
    return mean
