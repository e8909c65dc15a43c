"""Proportions of few subjects: exact intervals and tests, and what a uniform prior says beside them.

With y of n and a uniform prior the rate X is Beta(1 + y, 1 + n - y). The rate C of a control that was only seen, in s
of m historical subjects, is random as well: Beta(1 + w s, 1 + w (m - s)), w <= 1 being the weight of a power prior.
Given C = c, Pr(X > c) is the probability of at most y of n + 1 binomial events with probability c. With N = n + 1

    Pr(X > C) = sum over i = 0 ... y of binom(N, i) B(1 + w s + i, 1 + w (m - s) + N - i) / B(1 + w s, 1 + w (m - s)),

B being the beta function: a finite sum of positive terms.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, betaincc, betaincinv, betaln

from doseopt.core.state import FloatArray
from doseopt.endpoints.arguments import Arguments

MOST = 100_000
"""Subjects."""
JEFFREYS, UNIFORM = 0.5, 1.0
"""Both parameters of the beta prior."""

type Limits = tuple[FloatArray, FloatArray]


@dataclass(frozen=True, eq=False)
class Proportion:
    """So many of so many subjects; arrays of one shape, as one a dose.

    Parameters
    ----------
    y, n : int or array of int
        With the event, and in all; of nobody, too: the intervals then are those of knowing nothing.

    Raises
    ------
    Faults
        If they are no counts, or y is above n.

    Examples
    --------
    Two of six, and nobody at all:

    >>> rate = Proportion([2, 0], [6, 0])
    >>> [limits.round(4).tolist() for limits in rate.clopper_pearson()]
    [[0.0433, 0.0], [0.7772, 1.0]]
    >>> rate.mean().tolist(), [limits.round(4).tolist() for limits in rate.credible()]
    ([0.375, 0.5], [[0.1288, 0.05], [0.6587, 0.95]])
    """

    y: npt.ArrayLike
    n: npt.ArrayLike

    def __post_init__(self) -> None:
        """Check the counts."""
        arguments = Arguments()
        wanted = f"whole numbers in [0, {MOST}]"
        counts = {name: arguments.numbers(name, getattr(self, name), 0, MOST, wanted) for name in ("y", "n")}
        for name, count in counts.items():
            if (count != np.floor(count)).any() and not np.isnan(count).any():
                arguments.refuse(name, f"wanted {wanted}, got {count.tolist()}")
        arguments.together(**counts)
        if not arguments.faults and (counts["y"] > counts["n"]).any():
            arguments.refuse("y", f"wanted at most n = {counts['n'].tolist()}, got {counts['y'].tolist()}")
        arguments.done("Proportion")
        y, n = np.broadcast_arrays(counts["y"], counts["n"])
        object.__setattr__(self, "y", y)
        object.__setattr__(self, "n", n)

    @property
    def _counts(self) -> tuple[FloatArray, FloatArray]:
        return np.asarray(self.y, float), np.asarray(self.n, float)

    def clopper_pearson(self, level: float = 0.95) -> Limits:
        """Return the exact interval: at a limit so many, or more extreme, have half the probability 1 - level."""
        y, n = self._counts
        tail = (1 - _share("level", level)) / 2
        lower = np.where(y > 0, betaincinv(np.maximum(y, 1), n - y + 1, tail), 0.0)
        upper = np.where(y < n, betaincinv(y + 1, np.maximum(n - y, 1), 1 - tail), 1.0)
        return lower, upper

    def mean(self, prior: float = UNIFORM) -> FloatArray:
        """Return the posterior mean of the rate."""
        y, n = self._counts
        return np.asarray((prior + y) / (2 * prior + n))

    def credible(self, level: float = 0.90, prior: float = UNIFORM) -> Limits:
        """Return the posterior interval of the rate with equal tails; `prior` is ``UNIFORM`` or ``JEFFREYS``."""
        y, n = self._counts
        tail = (1 - _share("level", level)) / 2
        lower, upper = (np.asarray(betaincinv(prior + y, prior + n - y, q)) for q in (tail, 1 - tail))
        return lower, upper

    def p_at_least(self, rate: float) -> FloatArray:
        """Return the exact one-sided p value of rates up to this one: the probability of y or more of n under it."""
        y, n = self._counts
        return np.where(y > 0, betainc(np.maximum(y, 1), n - y + 1, _share("rate", rate)), 1.0)

    def above(self, rate: float) -> FloatArray:
        """Return the posterior probability that the rate is above a known one."""
        y, n = self._counts
        return np.asarray(betaincc(UNIFORM + y, UNIFORM + n - y, _share("rate", rate)))

    def above_control(self, events: float, subjects: float, weight: float = 1.0) -> FloatArray:
        """Return the posterior probability that the rate is above that of a control, which is random as well.

        Parameters
        ----------
        events, subjects : float
            Of the control: so many of so many.
        weight : float
            Of the control's data in [0, 1], as a power prior; 0 leaves its rate uniform.
        """
        arguments = Arguments()
        arguments.numbers("subjects", subjects, 0, MOST, f"a number in [0, {MOST}]")
        if not arguments.faults:
            arguments.numbers("events", events, 0, float(subjects), f"a number in [0, {subjects:g}]")
        arguments.numbers("weight", weight, 0, 1, "a number in [0, 1]")
        arguments.done("control")
        c, d = UNIFORM + weight * events, UNIFORM + weight * (subjects - events)
        y, n = self._counts
        i = np.arange(int(y.max(initial=0)) + 1)
        N = n[..., None] + 1
        binomial = -np.log1p(N) - betaln(np.maximum(N - i, 0) + 1, i + 1)
        terms = np.exp(binomial + betaln(c + i, d + np.maximum(N - i, 0)) - betaln(c, d))
        return np.asarray(np.where(i <= y[..., None], terms, 0).sum(axis=-1))

    def highest(self) -> FloatArray:
        """Return the posterior probability of each rate to be the highest of all, [D].

        The integral over the rate of one dose of its density times the distribution functions of the others is one of a
        polynomial: a Gauss-Legendre rule of enough nodes is exact.
        """
        y, n = (np.atleast_1d(counts) for counts in self._counts)
        nodes, weights = np.polynomial.legendre.leggauss(int((n + 1).sum()) // 2 + 1)
        x, a, b = ((1 + nodes) / 2)[:, None], UNIFORM + y, UNIFORM + n - y
        density = np.exp((a - 1) * np.log(x) + (b - 1) * np.log1p(-x) - betaln(a, b))
        below = betainc(a, b, x)
        others = np.stack([np.delete(below, d, axis=1).prod(axis=1) for d in range(len(y))], axis=1)
        return np.asarray((weights / 2) @ (density * others))


def _share(name: str, value: float) -> float:
    """Return a number in [0, 1], refused otherwise."""
    arguments = Arguments()
    arguments.numbers(name, value, 0, 1, "a number in [0, 1]")
    arguments.done("Proportion")
    return float(value)
