"""Changes of the DLT rates on the way from the planned dose to the recorded DLT."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit

from doseopt.core.parameters import Fault, Faults, check, is_number, param
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


def misattribution(p_dlt: npt.ArrayLike, background: npt.ArrayLike, attributed: float) -> FloatArray:
    """Return the rates [..., D] of recorded DLTs if background events are called DLTs: p' = 1 - (1 - p)(1 - a m).

    Every DLT is seen, also that of a patient whose background event would have come before it; in `[window_events]`
    of a study the two compete.

    Parameters
    ----------
    p_dlt : float array [..., D]
        Drug-caused DLT rates p.
    background : float, or float array that goes with p_dlt
        Probability m of a background event in the DLT window.
    attributed : float
        Probability a that such an event is called a DLT.
    """
    p = np.asarray(p_dlt, np.float64)
    return np.asarray(p + (1 - p) * (attributed * np.asarray(background)))  # so that it is never below p


def mixture(p_dlt: npt.ArrayLike, other: npt.ArrayLike, weight: float) -> FloatArray:
    """Return the DLT rates [..., D] of two populations mixed.

    Parameters
    ----------
    p_dlt, other : float array [..., D]
        DLT rates in the two populations.
    weight : float
        Share of the other population.
    """
    return np.asarray((1 - weight) * np.asarray(p_dlt, np.float64) + weight * np.asarray(other, np.float64))


class Transform(Protocol):
    """What a study file may do to the rates of a scenario."""

    def apply(
        self, p_dlt: FloatArray, p_observed: FloatArray, values: FloatArray | None, tolerance: float | None
    ) -> tuple[FloatArray, FloatArray]:
        """Return the new `p_dlt` and `p_observed`, [..., D].

        `values` are the planned doses [D], if known as numbers; `tolerance` is the study's for the actual dose.
        """
        ...


@dataclass(frozen=True)
class ActualDose:
    """The dose given differs from the planned dose: :func:`actual_dose`.

    Parameters
    ----------
    tolerance : float, optional
        Left out: the study's.
    """

    tolerance: float | None = param(
        None, doc="largest relative difference", kind=float, low=0, high=1, open_high=True, optional=True
    )

    def __post_init__(self) -> None:
        """Check the declared parameters."""
        check(self)

    def apply(
        self, p_dlt: FloatArray, p_observed: FloatArray, values: FloatArray | None, tolerance: float | None
    ) -> tuple[FloatArray, FloatArray]:
        """Average the drug-caused rates; see :meth:`Transform.apply`."""
        own = tolerance if self.tolerance is None else self.tolerance
        faults = []
        if own is None:
            faults.append(Fault("tolerance", "wanted a tolerance here or in the study, got none"))
        if values is None:
            faults.append(Fault("doses", "wanted doses as numbers, to know how far apart they are, got none"))
        if own is None or values is None:
            raise Faults(faults, "actual_dose")
        p = actual_dose(p_dlt, values, own)
        return p, carried(p_dlt, p_observed, p)


@dataclass(frozen=True)
class Misattribution:
    """Background events are recorded as DLTs: :func:`misattribution`. The drug-caused rates stay.

    Parameters
    ----------
    background : float
        Probability of a background event in the DLT window.
    attributed : float
        Probability that one is called a DLT.
    """

    background: float = param(doc="probability of a background event in the DLT window", kind=float, low=0, high=1)
    attributed: float = param(doc="probability that one is called a DLT", kind=float, low=0, high=1)

    def __post_init__(self) -> None:
        """Check the declared parameters."""
        check(self)

    def apply(
        self, p_dlt: FloatArray, p_observed: FloatArray, values: FloatArray | None, tolerance: float | None
    ) -> tuple[FloatArray, FloatArray]:
        """Raise the recorded rates only; see :meth:`Transform.apply`."""
        return p_dlt, misattribution(p_observed, self.background, self.attributed)


def _not_rates(value: Any) -> str | None:
    """Say what is wrong with a sequence of rates."""
    if not isinstance(value, tuple) or not value:
        return f"wanted a rate for each dose, got {value!r}"
    wrong = [v for v in value if not is_number(v) or not 0 <= v <= 1]
    return f"wanted rates in [0, 1], got {', '.join(map(repr, wrong))}" if wrong else None


@dataclass(frozen=True)
class Mixture:
    """Two populations take part: :func:`mixture`. The drug-caused rate of a level is that of the mixture.

    Parameters
    ----------
    other : tuple of float
        DLT rates in the other population.
    weight : float
        Its share.
    """

    other: tuple[float, ...] = param(doc="DLT rates in the other population", kind=tuple, custom=_not_rates)
    weight: float = param(doc="share of the other population", kind=float, low=0, high=1)

    def __post_init__(self) -> None:
        """Check the declared parameters."""
        check(self)

    def apply(
        self, p_dlt: FloatArray, p_observed: FloatArray, values: FloatArray | None, tolerance: float | None
    ) -> tuple[FloatArray, FloatArray]:
        """Mix the drug-caused rates; see :meth:`Transform.apply`."""
        doses = np.shape(p_dlt)[-1]
        if len(self.other) != doses:
            raise Faults([Fault("other", f"wanted {doses} rates, one for each dose, got {len(self.other)}")], "mixture")
        p = mixture(p_dlt, self.other, self.weight)
        return p, carried(p_dlt, p_observed, p)


TRANSFORMS: dict[str, type[Transform]] = {
    "actual_dose": ActualDose,
    "misattribution": Misattribution,
    "mixture": Mixture,
}
"""Kind in study files -> transform."""


def carried(p_dlt: FloatArray, p_observed: FloatArray, new: FloatArray) -> FloatArray:
    """Return the recorded rates that go with new drug-caused rates.

    What is recorded on top of the drug-caused events stays: (1 - p')/(1 - p) is kept where p' is at least p, and p'/p
    where fewer events are recorded than occur.
    """
    more = p_observed >= p_dlt
    kept = np.divide(1 - p_observed, 1 - p_dlt, out=np.ones_like(p_dlt), where=more & (p_dlt < 1))
    seen = np.divide(p_observed, p_dlt, out=np.ones_like(p_dlt), where=~more)
    return np.where(more, 1 - (1 - new) * kept, new * seen)


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
