"""Changes of the DLT rates on the way from the planned dose to the recorded DLT."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from doseopt.core.parameters import Fault, Faults, check, is_number, param
from doseopt.core.state import FloatArray
from doseopt.scenarios.dose_curve import actual_dose


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
