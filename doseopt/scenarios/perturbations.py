"""Perturbations: how far what is recorded, or given, may be off what a study assumes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from doseopt.core.state import FloatArray
from doseopt.scenarios.dose_curve import curve
from doseopt.scenarios.doses import Doses
from doseopt.scenarios.transforms import carried, misattribution


def recorded(
    p_dlt: FloatArray, false_dlts: FloatArray | float = 0.0, late_dlts: FloatArray | float = 0.0
) -> FloatArray:
    """Return the rates of recorded DLTs [..., D] if some are false and some are not seen before the decision.

    Parameters
    ----------
    p_dlt : float array [..., D]
    false_dlts : float array or float
        Share f of all patients with an event that is called a DLT and is none.
    late_dlts : float array or float
        Share l of the DLTs that are not seen: p' = 1 - (1 - (1 - l) p)(1 - f).

    Examples
    --------
    >>> recorded(np.array([0.2]), false_dlts=0.1, late_dlts=0.5).round(3).tolist()
    [0.19]
    """
    return misattribution((1 - late_dlts) * p_dlt, false_dlts, 1.0)


type Rates = tuple[FloatArray, FloatArray]
"""True and recorded DLT rates, [..., R, D]."""


@dataclass(frozen=True)
class Perturbation:
    """One way to be wrong, and by how much.

    Parameters
    ----------
    name, text : str
    low, high : float
        The range that is looked at.
    polynomial : bool
        Whether the recorded rates are linear in it and what is right stays, so that operating characteristics are
        polynomials in it.
    rates : callable
        True and recorded rates [R, D], amounts [P, 1, 1] and the doses -> true and recorded rates [P, R, D].
    """

    name: str
    text: str
    low: float
    high: float
    polynomial: bool
    rates: Callable[[FloatArray, FloatArray, FloatArray, Doses], Rates]


def _false(p_dlt: FloatArray, observed: FloatArray, amount: FloatArray, _: Doses) -> Rates:
    seen = recorded(observed, false_dlts=amount)
    return np.broadcast_to(p_dlt, seen.shape), seen


def _late(p_dlt: FloatArray, observed: FloatArray, amount: FloatArray, _: Doses) -> Rates:
    seen = recorded(observed, late_dlts=amount)
    return np.broadcast_to(p_dlt, seen.shape), seen


def _off(p_dlt: FloatArray, observed: FloatArray, amount: FloatArray, doses: Doses) -> Rates:
    """Return the rates along the curve of the planned doses, at doses that are all off by the same share."""
    planned, grid = doses.as_planned, doses.grid()
    assert planned.values is not None
    assert grid.values is not None
    given = (1 + amount.ravel())[:, None] * np.array(grid.values)
    found = curve(p_dlt[:, list(doses.planned())], planned.values)(given.ravel())
    p = np.moveaxis(found.reshape(len(p_dlt), *given.shape), 0, 1)
    return p, carried(np.broadcast_to(p_dlt, p.shape), np.broadcast_to(observed, p.shape), p)


FALSE_DLTS = Perturbation("false_dlts", "patients with a false DLT", 0.0, 1.0, True, _false)
LATE_DLTS = Perturbation("late_dlts", "DLTs not seen before the decision", 0.0, 1.0, True, _late)
DOSE_ERROR = Perturbation("dose_error", "error of every dose", -0.4, 0.4, False, _off)


def perturbations(doses: Doses) -> tuple[Perturbation, ...]:
    """Return the ways to be wrong that can be looked at.

    Doses without numbers cannot be off by a share, and of one dose alone no rate beside it is stated.
    """
    return FALSE_DLTS, LATE_DLTS, *((DOSE_ERROR,) if doses.values is not None and len(doses.values) > 1 else ())
