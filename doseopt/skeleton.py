"""Skeletons from an indifference interval (Lee & Cheung 2009)."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from doseopt.parameters import Fault, check, param


@dataclass(frozen=True)
class IndifferenceInterval:
    """A skeleton chosen so that the CRM cannot tell apart rates within `halfwidth` of the target.

    Empiric model, with phi the target, delta the half-width and nu the prior MTD: s_nu = phi; upwards s_{k+1} =
    exp(log(phi+delta) log s_k / log(phi-delta)); downwards s_{k-1} = exp(log(phi-delta) log s_k / log(phi+delta)). The
    logistic model does the same with logit - a_0 in place of log.

    Parameters
    ----------
    prior_mtd : int
        nu, counted from 1.
    halfwidth : float
        delta.

    References
    ----------
    Lee & Cheung 2009, Clinical Trials 6:227.
    """

    prior_mtd: int = param(kind=int, low=1, doc="dose level thought to be the MTD, counted from 1")
    halfwidth: float = param(
        kind=float, low=0, high=0.5, open_low=True, open_high=True, doc="half-width of the indifference interval"
    )

    def __post_init__(self) -> None:
        """Check the parameters."""
        check(self)

    def faults(self, target: float, doses: int) -> list[Fault]:
        """Return what is wrong with this skeleton for a target and a number of doses."""
        found = []
        if self.prior_mtd > doses:
            found.append(Fault("skeleton.prior_mtd", f"wanted a level of 1 to {doses}, got {self.prior_mtd}"))
        if isinstance(target, int | float) and not self.halfwidth < min(target, 1 - target):
            message = f"wanted less than the target {target:g} and its distance to 1, got {self.halfwidth:g}"
            found.append(Fault("skeleton.halfwidth", message))
        return found

    @functools.cache  # noqa: B019 - a handful of frozen values
    def rates(self, target: float, doses: int, model: str = "empiric", intercept: float = 3.0) -> tuple[float, ...]:
        """Return the skeleton.

        Parameters
        ----------
        target : float
            phi.
        doses : int
        model : {"empiric", "logistic"}
        intercept : float
            a_0 of the logistic model.
        """

        def forward(p: float) -> float:
            return float(np.log(p)) if model == "empiric" else float(np.log(p / (1 - p))) - intercept

        def back(x: float) -> float:
            return float(np.exp(x)) if model == "empiric" else float(1 / (1 + np.exp(-(x + intercept))))

        ratio = forward(target + self.halfwidth) / forward(target - self.halfwidth)
        centre = forward(target)
        return tuple(
            target if k == self.prior_mtd - 1 else back(centre * ratio ** (k - (self.prior_mtd - 1)))
            for k in range(doses)
        )


def skeleton_fault(value: object) -> str | None:
    """Return what is wrong with a skeleton, or None."""
    wanted = "wanted increasing rates in (0, 1), or { prior_mtd = ..., halfwidth = ... }"
    if isinstance(value, IndifferenceInterval):
        return None
    if not isinstance(value, tuple) or not value or not all(isinstance(s, float | int) for s in value):
        return f"{wanted}, got {value!r}"
    if not all(0 < s < 1 for s in value) or any(a >= b for a, b in pairwise(value)):
        return f"{wanted}, got [{', '.join(f'{s:g}' for s in value)}]"
    return None
