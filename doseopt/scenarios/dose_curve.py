"""The DLT rate as a function of the dose, between the planned doses and averaged around them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit

from doseopt.core.parameters import Fault, Faults
from doseopt.core.state import FloatArray

EDGE = 1e-12
"""Rates of 0 and 1 have no logit: on the curve between doses they count as EDGE and 1 - EDGE."""

PANELS, NODES = 4, 24
"""Panels between neighbouring knots, and Gauss-Legendre nodes in each."""


def curve(p_dlt: npt.ArrayLike, values: npt.ArrayLike) -> Callable[[npt.ArrayLike], FloatArray]:
    """Return the DLT rate as a function of the dose.

    Parameters
    ----------
    p_dlt : float array [..., D]
        DLT rates at the planned doses.
    values : float array [D]
        The planned doses, positive and rising.

    Returns
    -------
    callable
        Positive doses [K] -> DLT rates [..., K].

    Raises
    ------
    Faults
        If the doses are not positive and rising, or not as many as the rates.

    Notes
    -----
    Between the doses it is the monotone cubic (PCHIP) of the logit of the rate against the log of the dose; beyond
    the ends it goes on linearly with the slope that the cubic has there, and with a single dose it is flat. It
    passes through every rate, those of 0 and 1 within 1e-12, does not fall where the rates do not, and stays flat
    between equal rates.

    Examples
    --------
    >>> curve([0.1, 0.3], [1.0, 4.0])([1.0, 2.0, 4.0]).round(3)
    array([0.1  , 0.179, 0.3  ])
    """
    p, doses = _checked(p_dlt, values)
    on_log_dose = _logit_curve(p, doses)

    def rate(dose: npt.ArrayLike) -> FloatArray:
        return np.asarray(expit(on_log_dose(np.log(np.asarray(dose, np.float64)))))

    return rate


def actual_dose(p_dlt: npt.ArrayLike, values: npt.ArrayLike, tolerance: float) -> FloatArray:
    """Average the DLT rate over the dose that is really given.

    Parameters
    ----------
    p_dlt, values
        As for :func:`curve`.
    tolerance : float
        The dose given is the planned dose times U(1 - tolerance, 1 + tolerance); at least 0 and below 1.

    Returns
    -------
    float array [..., D]
        Expected DLT rate of each level, along :func:`curve`.

    Raises
    ------
    Faults
        If the doses or the tolerance are outside their domain.

    Notes
    -----
    Gauss-Legendre in the log of the dose, piece by piece: the curve has a kink in its second derivative at every
    planned dose, and one always lies inside the interval. Error below 1e-10 except for rates of 0 and 1, which are
    taken as :func:`curve` takes them.
    """
    p, doses = _checked(p_dlt, values)
    if not 0 <= tolerance < 1:
        raise Faults([Fault("tolerance", f"wanted a number in [0, 1), got {tolerance!r}")])
    if tolerance < EDGE:
        return p
    on_log_dose = _logit_curve(p, doses)
    average = np.empty_like(p)
    for j, dose in enumerate(doses):
        x, weight = _pieces(np.log(doses), np.log(dose * (1 - tolerance)), np.log(dose * (1 + tolerance)))
        weight = weight * np.exp(x)  # uniform in the dose, integrated over its log
        average[..., j] = expit(on_log_dose(x)) @ (weight / weight.sum())
    return average


def _checked(p_dlt: npt.ArrayLike, values: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return rates [..., D] and doses [D] as arrays."""
    p, doses = np.array(p_dlt, np.float64), np.asarray(values, np.float64)
    faults = []
    if doses.ndim != 1 or p.ndim == 0 or doses.shape[0] != p.shape[-1]:
        faults.append(Fault("values", f"wanted one dose for each rate (rates {p.shape}), got shape {doses.shape}"))
    elif not (np.all(np.isfinite(doses)) and np.all(doses > 0) and np.all(np.diff(doses) > 0)):
        faults.append(Fault("values", f"wanted positive doses in rising order, got {doses.tolist()}"))
    if not np.all((p >= 0) & (p <= 1)):
        faults.append(Fault("p_dlt", f"wanted rates in [0, 1], got {p.tolist()}"))
    if faults:
        raise Faults(faults)
    return p, doses


def _logit_curve(p: FloatArray, doses: FloatArray) -> Callable[[FloatArray], FloatArray]:
    """Return log doses [K] -> logit rates [..., K]."""
    knots, heights = np.log(doses), np.asarray(logit(np.clip(p, EDGE, 1 - EDGE)))
    if len(knots) == 1:
        return lambda x: np.broadcast_to(heights, (*heights.shape[:-1], *np.shape(x)))
    from scipy.interpolate import PchipInterpolator  # slow to import, and few studies have a curve between doses

    cubic = PchipInterpolator(knots, heights, axis=-1)
    low, high = cubic(knots[0], nu=1)[..., None], cubic(knots[-1], nu=1)[..., None]

    def at(x: FloatArray) -> FloatArray:
        inside = np.clip(x, knots[0], knots[-1])
        beyond = np.minimum(x - knots[0], 0) * low + np.maximum(x - knots[-1], 0) * high
        return np.asarray(cubic(inside) + beyond)

    return at


def _pieces(knots: FloatArray, low: float, high: float) -> tuple[FloatArray, FloatArray]:
    """Return nodes and weights of composite Gauss-Legendre on [low, high], split at the knots."""
    ends = np.unique(np.concatenate([[low], knots[(knots > low) & (knots < high)], [high]]))
    inner = np.arange(PANELS) / PANELS
    starts = (ends[:-1, None] + np.diff(ends)[:, None] * inner).ravel()
    half = np.repeat(np.diff(ends) / (2 * PANELS), PANELS)
    node, weight = np.polynomial.legendre.leggauss(NODES)
    return (starts[:, None] + half[:, None] * (1 + node)).ravel(), (half[:, None] * weight).ravel()
