"""What is right: which doses may be called the MTD when the true DLT rates are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from doseopt.parameters import Fault, check, param
from doseopt.state import NONE, BoolArray, FloatArray, IntArray

TIE = 1e-9
"""Differences of DLT rates up to this size count as none."""


@dataclass(frozen=True)
class MTDRule:
    """Which doses are acceptable as MTD, given the true DLT rates p_1, ..., p_D and the target phi.

    Parameters
    ----------
    target : float
        Target DLT rate phi.
    rule : {"closest", "highest_below", "interval"}
        ``closest``: the dose whose rate is closest to phi, ties to the lower dose. ``highest_below``: the highest dose
        with p <= phi. ``interval``: every dose with abs(p - phi) <= ``halfwidth``.
    halfwidth : float
        Half-width of the acceptable interval; only ``interval`` reads it.
    none_above : float, optional
        If p_1 is above this, selecting no dose is the only correct answer. Left out: phi + 0.10.

    Raises
    ------
    Faults
        If a parameter is outside its domain, or ``none_above`` is below the target.

    Notes
    -----
    Selecting no dose is the only correct answer, too, when no dose is acceptable. Comparisons of rates allow for 1e-9.

    Examples
    --------
    >>> rule = MTDRule(0.25)
    >>> rule.mtd([[0.05, 0.10, 0.22, 0.45], [0.40, 0.50, 0.60, 0.70]])
    array([ 2, -1])
    """

    target: float = param(doc="target DLT rate", kind=float, low=0, high=1, open_low=True, open_high=True)
    rule: str = param("closest", doc="which doses are correct", choices=("closest", "highest_below", "interval"))
    halfwidth: float = param(
        0.05, doc="half-width of the acceptable interval", low=0, high=0.5, open_low=True, open_high=True
    )
    none_above: float | None = param(
        None,
        doc="DLT rate of the lowest dose above which only selecting none is correct",
        kind=float,
        low=0,
        high=1,
        optional=True,
    )

    def __post_init__(self) -> None:
        """Check the declared parameters, and that the lowest dose may be at the target."""
        check(self, self._faults)

    def _faults(self) -> list[Fault]:
        if self.none_above is None or self.none_above >= self.target:
            return []
        return [Fault("none_above", f"wanted at least the target ({self.target:g}), got {self.none_above!r}")]

    @property
    def none_threshold(self) -> float:
        """DLT rate of the lowest dose above which only selecting none is correct."""
        return self.target + 0.10 if self.none_above is None else self.none_above

    def acceptable(self, p_dlt: npt.ArrayLike) -> BoolArray:
        """Return which doses are correct selections.

        Parameters
        ----------
        p_dlt : float array [..., D]
            True (drug-caused) DLT rates.

        Returns
        -------
        bool array [..., D]
            All False where only selecting none is correct.
        """
        p = np.asarray(p_dlt, np.float64)
        if self.rule == "interval":
            right: BoolArray = self._distance(p) <= self.halfwidth + TIE
        elif self.rule == "highest_below":
            below = p <= self.target + TIE
            highest = np.where(below, np.arange(p.shape[-1]), NONE).max(axis=-1)
            right = np.arange(p.shape[-1]) == highest[..., None]
        else:
            right = np.arange(p.shape[-1]) == self._closest(self._distance(p))[..., None]
        return right & (p[..., :1] <= self.none_threshold + TIE)

    def mtd(self, p_dlt: npt.ArrayLike) -> IntArray:
        """Return the true MTD.

        Parameters
        ----------
        p_dlt : float array [..., D]
            True (drug-caused) DLT rates.

        Returns
        -------
        int array [...]
            Index of the dose, or -1 where only selecting none is correct. Of several acceptable doses it is the one
            closest to the target, ties to the lower.
        """
        p = np.asarray(p_dlt, np.float64)
        right = self.acceptable(p)
        index = self._closest(np.where(right, self._distance(p), np.inf))
        return np.where(right.any(axis=-1), index, NONE).astype(np.int64)

    def describe(self) -> str:
        """Say the rule in one sentence, for printing with every table."""
        what = {
            "closest": f"the dose whose true DLT rate is closest to {self.target:g} (ties to the lower dose)",
            "highest_below": f"the highest dose whose true DLT rate is at most {self.target:g}",
            "interval": f"any dose whose true DLT rate is within {self.halfwidth:g} of {self.target:g}",
        }[self.rule]
        none = f"only selecting none is correct if the lowest dose is above {self.none_threshold:g}"
        last = "" if self.rule == "closest" else " or no dose qualifies"
        return f"Correct selection: {what}; {none}{last}."

    def _distance(self, p: FloatArray) -> FloatArray:
        return np.abs(p - self.target)

    @staticmethod
    def _closest(distance: FloatArray) -> IntArray:
        """Index of the smallest distance, ties to the lower index."""
        return np.argmax(distance <= distance.min(axis=-1, keepdims=True) + TIE, axis=-1)
