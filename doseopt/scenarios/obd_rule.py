"""The rule of what is right where efficacy counts, too: the optimal biological dose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from doseopt.core.outcome_space import mean_utility
from doseopt.core.parameters import check, param
from doseopt.core.state import NONE, BoolArray, FloatArray, IntArray

TIE = 1e-9
"""Differences of rates up to this size count as none, of utilities a hundred times as much."""


@dataclass(frozen=True)
class OBDRule:
    """Which dose is the optimal biological dose (OBD), given the true rates of DLTs and of efficacy.

    Of the doses with p_T <= phi_t and p_E >= phi_e those with the highest mean utility of a patient: 100 for efficacy
    alone, u2 for neither, u3 for both, 0 for a DLT alone. Where there is no such dose only selecting none is correct.

    Parameters
    ----------
    phi_t : float
        Highest acceptable DLT rate; in a study file the target, if it is left out.
    phi_e : float
        Lowest acceptable efficacy rate.
    u2, u3 : float
        Utility of neither, and of both.

    References
    ----------
    Lin, Zhou, Yan, Li & Yuan 2020, JCO Precision Oncology 4:1393.

    Examples
    --------
    Dose 3 has the highest utility, and a DLT rate that is too high:

    >>> rule = OBDRule(phi_t=0.35)
    >>> rule.utility([0.05, 0.10, 0.40], [0.20, 0.50, 0.90]).round(12).tolist()
    [50.0, 66.0, 78.0]
    >>> rule.obd([[0.05, 0.10, 0.40]], [[0.20, 0.50, 0.90]]).tolist()
    [1]
    """

    phi_t: float = param(kind=float, low=0, high=1, open_low=True, open_high=True, doc="highest acceptable DLT rate")
    phi_e: float = param(0.25, low=0, high=1, open_high=True, doc="lowest acceptable efficacy rate")
    u2: float = param(40.0, low=0, high=100, doc="utility of neither efficacy nor a DLT; of efficacy alone it is 100")
    u3: float = param(60.0, low=0, high=100, doc="utility of efficacy with a DLT; of a DLT alone it is 0")

    def __post_init__(self) -> None:
        """Check the parameters."""
        check(self)

    def utility(self, p_dlt: npt.ArrayLike, p_eff: npt.ArrayLike) -> FloatArray:
        """Return the mean utility of a patient, elementwise; 0 to 100."""
        return mean_utility(np.asarray(p_dlt, float), np.asarray(p_eff, float), self.u2, self.u3)

    def acceptable(self, p_dlt: npt.ArrayLike, p_eff: npt.ArrayLike) -> BoolArray:
        """Return which doses are the OBD, [..., D]; more than one where the utility is the same."""
        p, q = np.asarray(p_dlt, float), np.asarray(p_eff, float)
        within = (p <= self.phi_t + TIE) & (q >= self.phi_e - TIE)
        utility = np.where(within, self.utility(p, q), -np.inf)
        return np.asarray(within & (utility >= utility.max(axis=-1, keepdims=True) - 100 * TIE))

    def obd(self, p_dlt: npt.ArrayLike, p_eff: npt.ArrayLike) -> IntArray:
        """Return the index of the OBD, the lowest of several, [...]; -1 where only selecting none is correct."""
        right = self.acceptable(p_dlt, p_eff)
        return np.where(right.any(axis=-1), right.argmax(axis=-1), NONE)

    def describe(self) -> str:
        """Say the rule in one sentence."""
        return (
            f"OBD: the dose with the highest mean utility (100 for efficacy alone, {self.u2:g} for neither, "
            f"{self.u3:g} for both, 0 for a DLT alone) among those with a DLT rate of at most {self.phi_t:g} and an "
            f"efficacy rate of at least {self.phi_e:g}; only selecting none is correct if there is none."
        )
