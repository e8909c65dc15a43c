"""Skeletons from an indifference interval (Lee & Cheung 2009)."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.special import expit, logit

from doseopt.core.parameters import MOST_DOSES, Fault, are_numbers, check, param
from doseopt.core.state import FloatArray

BOUND = 20.0
"""Where the boundaries in b are sought."""


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

    Examples
    --------
    `getprior(0.02, 0.1, 2, 3)` of R dfcrm:

    >>> from doseopt import IndifferenceInterval
    >>> [round(p, 4) for p in IndifferenceInterval(prior_mtd=2, halfwidth=0.02).rates(target=0.1, doses=3)]
    [0.0644, 0.1, 0.1447]
    """

    prior_mtd: int = param(kind=int, low=1, doc="dose level thought to be the MTD, counted from 1")
    halfwidth: float = param(
        kind=float, low=0, high=0.5, open_low=True, open_high=True, doc="half-width of the indifference interval"
    )

    def __post_init__(self) -> None:
        """Check the parameters."""
        check(self)

    def faults(self, target: float, doses: int, model: str = "empiric", intercept: float = 3.0) -> list[Fault]:
        """Return what is wrong with this skeleton for a target, a number of doses and a curve."""
        found = []
        if self.prior_mtd > doses:
            found.append(Fault("skeleton.prior_mtd", f"wanted a level of 1 to {doses}, got {self.prior_mtd}"))
        if not isinstance(target, int | float) or not 0 < target < 1:
            return found
        # as they are computed: 0.95 + 0.05 is 1, and 1 - 0.95 is a little more than 0.05
        if not 0 < target - self.halfwidth < target + self.halfwidth < 1:
            message = f"wanted less than the target {target:g} and its distance to 1, got {self.halfwidth:g}"
            found.append(Fault("skeleton.halfwidth", message))
        elif not found and isinstance(doses, int) and doses <= MOST_DOSES and isinstance(intercept, int | float):
            wrong = skeleton_fault(self.rates(target, doses, model, intercept))
            if wrong:
                wanted = "wanted one that gives increasing rates in (0, 1)"
                found.append(Fault("skeleton.halfwidth", f"{wanted} at all {doses} doses, got {self.halfwidth:g}"))
        return found

    @functools.lru_cache(maxsize=1024)  # noqa: B019 - frozen values
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
            return float(np.exp(x)) if model == "empiric" else float(expit(x + intercept))

        lower, upper, centre = (forward(target + d) for d in (-self.halfwidth, self.halfwidth, 0.0))
        if not lower * upper > 0:  # the logistic curve has one rate for every b at expit(intercept), between them
            return (target,) * doses
        ratio = upper / lower
        return tuple(
            target if k == self.prior_mtd - 1 else back(centre * ratio ** (k - (self.prior_mtd - 1)))
            for k in range(doses)
        )


@dataclass(frozen=True)
class ModelSensitivity:
    """How finely the CRM can tell the doses apart with a skeleton; K doses.

    Attributes
    ----------
    boundaries : tuple of float [K - 1]
        b_k, at which doses k and k + 1 are equally far from the target: p_k(b) + p_{k+1}(b) = 2 phi.
    lower, upper : tuple of float [K]
        Indifference intervals of the DLT rate: dose k may be recommended for good although its rate is not the closest,
        if its neighbours' rates are inside; nan below the lowest and above the highest dose.
    """

    boundaries: tuple[float, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]


def model_sensitivity(
    skeleton: Sequence[float], target: float, model: str = "empiric", intercept: float = 3.0
) -> ModelSensitivity:
    """Return the indifference intervals of a skeleton (R dfcrm: ``crmsens``).

    At b_k the rate of the dose below the boundary is the lower end of the interval of dose k + 1, that of the dose
    above it the upper end of the interval of dose k.

    Parameters
    ----------
    skeleton : sequence of float
        s_k.
    target : float
        phi.
    model : {"empiric", "logistic"}
    intercept : float
        a_0 of the logistic model.

    References
    ----------
    Cheung & Chappell 2002, Biometrics 58:671; Lee & Cheung 2009, Clinical Trials 6:227.
    """
    from scipy.optimize import brentq  # slow to import

    s = np.asarray(skeleton, float)

    def rates(b: float) -> FloatArray:
        if model == "empiric":
            return np.asarray(s ** np.exp(b))
        return np.asarray(expit(intercept + np.exp(b) * (logit(s) - intercept)))

    cuts = [
        float(brentq(lambda b, k=k: rates(b)[k : k + 2].sum() - 2 * target, -BOUND, BOUND, xtol=1e-14))
        for k in range(len(s) - 1)
    ]
    below = [float(rates(b)[k]) for k, b in enumerate(cuts)]
    above = [float(rates(b)[k + 1]) for k, b in enumerate(cuts)]
    return ModelSensitivity(tuple(cuts), (float("nan"), *below), (*above, float("nan")))


def skeleton_fault(value: object) -> str | None:
    """Return what is wrong with a skeleton, or None."""
    wanted = "wanted increasing rates in (0, 1), or { prior_mtd = ..., halfwidth = ... }"
    if isinstance(value, IndifferenceInterval):
        return None
    if not value or not are_numbers(value):
        return f"{wanted}, got {value!r}"
    if not all(0 < s < 1 for s in value) or any(a >= b for a, b in pairwise(value)):
        return f"{wanted}, got [{', '.join(f'{s:g}' for s in value)}]"
    return None


def skeleton_faults(
    skeleton: object, target: float, doses: int, model: str = "empiric", intercept: float = 3.0
) -> list[Fault]:
    """Return why a skeleton, right by itself or not, does not fit the doses and the target."""
    if not isinstance(doses, int):
        return []
    if isinstance(skeleton, IndifferenceInterval):
        return skeleton.faults(target, doses, model, intercept)
    if isinstance(skeleton, tuple) and len(skeleton) != doses:
        return [Fault("skeleton", f"wanted {doses} rates, one a dose, got {len(skeleton)}")]
    return []
