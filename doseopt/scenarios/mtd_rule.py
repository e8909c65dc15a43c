"""The rule of what is right: which doses may be called the MTD when the true DLT rates are known."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import xarray as xr

from doseopt.core.parameters import Fault, check, declared, param
from doseopt.core.state import NONE, BoolArray, FloatArray, IntArray

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
        with p <= phi. ``interval``: every dose with ``low`` <= p <= ``high``; where all rates are below the interval,
        the highest dose.
    halfwidth : float
        Half-width of the acceptable interval about phi; only ``interval`` reads it, for an end that is left out.
    none_above : float, optional
        If p_1 is above this, selecting no dose is the only correct answer. Left out: phi + 0.10. ``interval`` does not
        have it: there it is the upper end of the interval.
    low, high : float, optional
        Ends of the interval, one on each side of phi. Left out: phi - ``halfwidth`` and phi + ``halfwidth``.
    jumped : {"below", "none"}
        What is right where the doses jump over the interval: the highest dose ``below`` it, or ``none``.

    Raises
    ------
    Faults
        If a parameter is outside its domain, ``none_above`` is below the target, the target is outside the interval,
        or a parameter is given that the rule does not read.

    Notes
    -----
    Selecting no dose is the only correct answer, too, when no dose is acceptable. Comparisons of rates allow for 1e-9.

    Examples
    --------
    >>> rule = MTDRule(0.25)
    >>> rule.mtd([[0.05, 0.10, 0.22, 0.45], [0.40, 0.50, 0.60, 0.70]])
    array([ 2, -1])
    >>> MTDRule(0.25, "interval", low=0.16, high=0.33).mtd([[0.01, 0.04, 0.08, 0.13], [0.05, 0.15, 0.35, 0.50]])
    array([3, 1])
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
    low: float | None = param(
        None, doc="lower end of the acceptable interval", kind=float, low=0, high=1, optional=True
    )
    high: float | None = param(
        None, doc="upper end of the acceptable interval", kind=float, low=0, high=1, optional=True
    )
    jumped: str = param("below", doc="what is right where the interval is jumped over", choices=("below", "none"))

    def __post_init__(self) -> None:
        """Check the declared parameters, and that they go together."""
        check(self, self._between)

    def _between(self) -> list[Fault]:
        """Return what is wrong between parameters that are right by themselves."""
        own = declared(MTDRule)
        right = {name for name, field in own.items() if not field.metadata["domain"].fault(getattr(self, name))}
        given = {name for name in right if getattr(self, name) != own[name].default}
        if not {"target", "rule"} <= right:
            return []
        found = []
        if self.rule == "interval":
            if "none_above" in given:
                message = 'rule = "interval" does not read it: none is right if the lowest dose is above the interval'
                found.append(Fault("none_above", f"{message}; leave it out, or move its end, high"))
            found += [Fault(end, self._outside(end)) for end in ("low", "high") if end in given and self._outside(end)]
            if {"low", "high"} <= given and "halfwidth" in given:
                found.append(Fault("halfwidth", "wanted it or low and high, got all three"))
            return found
        if "none_above" in given and self.none_threshold < self.target:
            found.append(Fault("none_above", f"wanted at least the target ({self.target:g}), got {self.none_above!r}"))
        unread = [name for name in ("low", "high", "jumped") if name in given]
        return found + [Fault(name, f'wanted with rule = "interval" only, got rule = {self.rule!r}') for name in unread]

    def _outside(self, end: str) -> str:
        """Say that an end is on the wrong side of the target, or nothing."""
        value = getattr(self, end)
        if value <= self.target if end == "low" else value >= self.target:
            return ""
        return f"wanted at {'most' if end == 'low' else 'least'} the target ({self.target:g}), got {value!r}"

    @property
    def interval(self) -> tuple[float, float]:
        """Ends of the acceptable interval of the rule ``interval``."""
        low = self.target - self.halfwidth if self.low is None else self.low
        return low, self.target + self.halfwidth if self.high is None else self.high

    @property
    def none_threshold(self) -> float:
        """DLT rate of the lowest dose above which only selecting none is correct."""
        if self.rule == "interval":
            return self.interval[1]
        return self.target + 0.10 if self.none_above is None else self.none_above

    def at(self, target: float) -> MTDRule:
        """Return the same rule at another target: an interval moves with it, `none_above` is at least the target."""
        none_above = None if self.none_above is None else max(self.none_above, target)
        low, high = (
            None if end is None else min(max(end + target - self.target, 0.0), 1.0) for end in (self.low, self.high)
        )
        return dataclasses.replace(self, target=target, none_above=none_above, low=low, high=high)

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
            right = self._in_interval(p)
        elif self.rule == "highest_below":
            right = _highest(p <= self.target + TIE)
        else:
            right = np.arange(p.shape[-1]) == self._closest(self._distance(p))[..., None]
        return right & (p[..., :1] <= self.none_threshold + TIE)

    def _in_interval(self, p: FloatArray) -> BoolArray:
        """Return the doses in the interval; where there is none, the highest below it if that may be right."""
        low, high = self.interval
        below, above = p < low - TIE, p > high + TIE
        inside = ~below & ~above
        fallback = ~inside.any(axis=-1, keepdims=True)
        if self.jumped == "none":
            fallback &= below.all(axis=-1, keepdims=True)
        return inside | (_highest(below) & fallback)

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
        none = f"only selecting none is correct if the lowest dose is above {self.none_threshold:.6g}"
        if self.rule == "interval":
            return f"Correct selection: {self._describe_interval()}; {none}."
        what = {
            "closest": f"the dose whose true DLT rate is closest to {self.target:g} (ties to the lower dose)",
            "highest_below": f"the highest dose whose true DLT rate is at most {self.target:g}",
        }[self.rule]
        last = "" if self.rule == "closest" else " or no dose qualifies"
        return f"Correct selection: {what}; {none}{last}."

    def _describe_interval(self) -> str:
        low, high = self.interval
        within = f"within {self.halfwidth:g} of {self.target:g}"
        if self.low is not None or self.high is not None:
            within = f"from {low:.6g} to {high:.6g}"
        one = "the highest dose below that if all are below or the doses jump over it"
        if self.jumped == "none":
            one = "the highest dose if all are below that; none if the doses jump over it"
        return f"any dose whose true DLT rate is {within}; {one}"

    def _distance(self, p: FloatArray) -> FloatArray:
        return np.abs(p - self.target)

    @staticmethod
    def _closest(distance: FloatArray) -> IntArray:
        """Index of the smallest distance, ties to the lower index."""
        return np.argmax(distance <= distance.min(axis=-1, keepdims=True) + TIE, axis=-1)


def _highest(where: BoolArray) -> BoolArray:
    """Return where the last True of the last axis is; all False without one."""
    return np.asarray(where & (np.cumsum(where[..., ::-1], axis=-1)[..., ::-1] == 1))


def above_mtd(p_dlt: FloatArray, acceptable: BoolArray, target: float) -> BoolArray:
    """Return which doses are overdoses: above the highest acceptable one, and with a true DLT rate above the target.

    Parameters
    ----------
    p_dlt : float array [..., D]
        True (drug-caused) DLT rates.
    acceptable : bool array [..., D]
    target : float

    Returns
    -------
    bool array [..., D]
        Where none is acceptable, every dose with a rate above the target.
    """
    higher = ~np.logical_or.accumulate(acceptable[..., ::-1], axis=-1)[..., ::-1]
    return np.asarray(higher & (p_dlt > target + TIE))


def planned_of(scenarios: xr.Dataset) -> IntArray:
    """Return where the planned doses stand on the dose axis."""
    if "planned" in scenarios.coords:
        return np.flatnonzero(scenarios["planned"].to_numpy())
    return np.arange(scenarios.sizes["dose"])


def judged_on(rule: MTDRule, p_dlt: FloatArray, planned: IntArray) -> tuple[BoolArray, IntArray]:
    """Return the acceptable doses [R, D] and the true MTD [R], other doses than the planned ones left out."""
    right = np.zeros(p_dlt.shape, bool)
    right[:, planned] = rule.acceptable(p_dlt[:, planned])
    mtd = rule.mtd(p_dlt[:, planned])
    return right, np.where(mtd < 0, -1, planned[mtd])
