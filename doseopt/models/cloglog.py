"""The two-parameter hazard model: a line of the log cumulative hazard in the log of the dose."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from doseopt.core.state import FloatArray
from doseopt.models.curves import TwoParameterCurve
from doseopt.models.likelihood import log1mexp

CLOGLOG_MEAN = (math.log(-math.log1p(-0.20)), 0.0)
"""Prior means at which the DLT rate at the reference dose has the median 0.20, as that of the BLRM."""


@dataclass(frozen=True)
class TwoParameterCloglog(TwoParameterCurve):
    """Two-parameter hazard model, log H(d) = log a + exp(log b) log(d/d*), p(d) = 1 - exp(-H(d)).

    H is the cumulative hazard of a DLT over the window: log H is the complementary log-log of the rate. Where the
    hazard is constant, a patient followed for a share w of the window without a DLT has the likelihood exp(-w H), the
    exposure w being an offset of log H; so has one who died or left then (independent, competing hazards).

    Notes
    -----
    Names: "cloglog" link, piecewise exponential or Poisson regression with exposure.

    References
    ----------
    Prentice, Gloeckler 1978, Biometrics 34:57 (grouped survival data); Whitehead 1980, JRSS-C 29:268 (exposure).
    """

    def log_dlt_rate(self, theta: Any, xp: Any) -> Any:
        """Return log p_j = log(1 - exp(-H_j)); theta [..., 2] -> [..., D]."""
        return log1mexp(-xp.exp(xp.minimum(self.eta(theta, xp), LARGEST)), xp)


LARGEST = 500.0
"""Log hazard above which a rate is 1 to all digits, and the hazard itself still a number."""


def rate_of(eta: FloatArray) -> FloatArray:
    """Return the rate of a log hazard."""
    return np.asarray(-np.expm1(-np.exp(np.minimum(eta, LARGEST))))


def eta_of(rate: FloatArray) -> FloatArray:
    """Return the log hazard of a rate inside (0, 1)."""
    return np.asarray(np.log(-np.log1p(-rate)))
