"""A rate beside that of historical controls, both random: closed form, and quadrature for their difference.

The rate X of those treated has the prior Beta(a, b). The rate C of the controls, of whom s of m had the event, is
uniform before, and their likelihood counts to the power w (a power prior): C ~ Beta(1 + w s, 1 + w (m - s)). With y who
had the event and z who had not, X ~ Beta(a + y, b + z), independent of C. A subject who is followed without the end of
the event for a share f of the time counts f in y: under a constant hazard the whole time is survived with probability
x, and this share with x^f. The difference has the distribution function

    Pr(X - C <= d) = integral over c of the density of C at c times Pr(X <= c + d),

which is integrated where C has all but 1e-16 of its mass by a double exponential rule (Takahasi & Mori 1974), whose
nodes are doubled until nothing moves by more than 1e-10.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, betaincc, betaincinv, betaln

from doseopt.core.parameters import check, param
from doseopt.core.state import FloatArray
from doseopt.models.line import check_level

MOST = 100_000
"""Subjects."""
ACCURACY = 1e-10
FEWEST_NODES, MOST_NODES = 64, 2**16
LIMIT = 3.4
"""The rule is cut where its weights are below 1e-16 of their sum."""


@dataclass(frozen=True)
class ControlledRate:
    """A rate and that of historical controls.

    Parameters
    ----------
    events, controls : int
        So many of so many controls had the event.
    weight : float
        Of their counts in [0, 1]; 0 leaves the controls' rate uniform.
    a, b : float
        Of the prior of the rate of those treated.

    Raises
    ------
    Faults
        With everything that is wrong.

    Examples
    --------
    Nothing is known of either: either is as likely to be the higher, and the difference has a triangular distribution.

    >>> unknown = ControlledRate(13, 20, weight=0).posterior(0, 0)
    >>> round(unknown.above(), 9), [round(limit, 6) for limit in unknown.interval(0.5)]
    (0.5, [-0.292893, 0.292893])
    """

    events: int = param(kind=int, low=0, high=MOST, doc="controls with the event")
    controls: int = param(kind=int, low=0, high=MOST, doc="controls")
    weight: float = param(1.0, low=0, high=1, doc="of their counts, as a power prior")
    a: float = param(1.0, low=0, high=MOST, open_low=True)
    b: float = param(1.0, low=0, high=MOST, open_low=True)

    def __post_init__(self) -> None:
        """Check the declared parameters."""
        check(self)

    @property
    def control(self) -> tuple[float, float]:
        """Both parameters of the beta distribution of the controls' rate."""
        return 1 + self.weight * self.events, 1 + self.weight * (self.controls - self.events)

    def posterior(self, yes: float, no: float) -> Difference:
        """Return the posterior after so many with the event, not necessarily a whole number, and so many without."""
        return Difference((self.a + yes, self.b + no), self.control)


@dataclass(frozen=True)
class Difference:
    """The difference of two independent rates with beta distributions, the first less the second.

    Parameters
    ----------
    rate, control : (float, float)
        Both parameters of each; those of the second 1 at least, which keeps its density bounded.
    """

    rate: tuple[float, float]
    control: tuple[float, float]

    def mean(self) -> float:
        """Return the mean difference."""
        return self.rate[0] / sum(self.rate) - self.control[0] / sum(self.control)

    def above(self) -> float:
        """Return the probability that the first is above the second."""
        return 1 - float(self.cdf([0.0])[0])

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Return the interval of the difference with equal tails, by bisection."""
        tail = (1 - check_level(level)) / 2
        wanted = np.array([tail, 1 - tail])
        low, high = np.full(2, -1.0), np.full(2, 1.0)
        for _ in range(40):
            middle = (low + high) / 2
            below = self.cdf(middle) < wanted
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return float(low[0] + high[0]) / 2, float(low[1] + high[1]) / 2

    def cdf(self, d: npt.ArrayLike) -> FloatArray:
        """Return Pr(X - C <= d) at each of some differences, [K]."""
        at = np.asarray(d, float)[:, None]
        known = np.full(len(at), np.inf)
        size = FEWEST_NODES
        while size <= MOST_NODES:
            found = self._integral(at, size)
            if np.abs(found - known).max() < ACCURACY:
                return found
            known, size = found, 2 * size
        raise ArithmeticError(f"the difference of {self.rate} and {self.control} is not known to {ACCURACY:g}")

    def _integral(self, d: FloatArray, size: int) -> FloatArray:
        """Return the distribution function by a rule of so many intervals; d [K, 1] -> [K]."""
        (a, b), (c, e) = self.rate, self.control
        first, last = betaincinv(c, e, 1e-16), 1 - betaincinv(e, c, 1e-16)
        low = np.clip(-d, first, last)
        span = np.clip(1 - d, first, last) - low
        t = np.linspace(-LIMIT, LIMIT, size + 1)
        bent = np.pi / 2 * np.sinh(t)
        share = 1 / (1 + np.exp(-2 * bent))
        slope = np.pi / 2 * np.cosh(t) / (2 * np.cosh(bent) ** 2) * (2 * LIMIT / size)
        x = low + span * share
        density = np.exp((c - 1) * np.log(x) + (e - 1) * np.log1p(-x) - betaln(c, e))
        inner = betainc(a, b, np.clip((low + d) + span * share, 0, 1))
        whole = (span * slope * density * inner).sum(axis=1)
        beyond = betaincc(c, e, np.clip(1 - d[:, 0], 0, 1))  # X is below C + d there, whatever it is
        return np.asarray(whole + beyond)
