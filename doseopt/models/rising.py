"""Rates that rise with the dose or are the same at all doses: an average of the two models, by quadrature.

Flat: one rate at all doses, uniform before. Rising: p_1 <= ... <= p_D, every ordered set of rates as likely as any
other, density D!, so that the rate of dose j has the prior Beta(j, D + 1 - j). With f_j the likelihood of dose j,

    G_j(x) = integral from 0 to x of f_j G_{j-1},  H_j(x) = integral from x to 1 of f_j H_{j+1},  G_0 = H_{D+1} = 1,

the posterior density of p_j is f_j G_{j-1} H_{j+1} over its integral, which times D! is the marginal likelihood. The
models are weighed by their prior probabilities and marginal likelihoods. All integrals are over t in x = sin^2(t / 2),
where a binomial likelihood of n is about as wide, 1/sqrt(n), wherever it lies: panels of half that width or less have
16 Gauss-Legendre nodes each. Its tails are steep, n cot(t / 2), and meet where the data are in the wrong order: there
are as many panels as subjects, up to 4,000, and logarithms are integrated.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import betainc, betaln, gammaln

from doseopt.core.parameters import check, param
from doseopt.core.state import FloatArray, IntArray
from doseopt.models.line import check_level

NODES, FEWEST, STEEP = 16, 16, 4000
"""Of a panel; panels at the least; panels from which on the width of a likelihood says how many more there are."""


@dataclass(frozen=True)
class RisingOrFlat:
    """Rates of an event that rise with the dose, or do not depend on it.

    Parameters
    ----------
    doses : int
    flat : float
        Prior probability that the rate does not depend on the dose.

    Raises
    ------
    Faults
        With everything that is wrong.

    Examples
    --------
    None of one at the lower of two doses and one of one at the higher. The probability of this is 1/6 if the rate is
    the same, and 5/12 if it rises, the integral of 2 (1 - x) y over 0 < x < y < 1: the prior odds of 1 become 5/2. The
    rate of the lower dose is 1/2 or, the integral of 2 x (1 - x) y over this one, 7/25.

    >>> found = RisingOrFlat(doses=2).posterior(np.array([1, 1]), np.array([0, 1]))
    >>> round(found.rising, 6), found.mean().round(6).tolist()
    (0.714286, [0.342857, 0.657143])
    """

    doses: int = param(kind=int, low=1)
    flat: float = param(0.5, low=0, high=1, open_low=True, open_high=True, doc="prior probability of one rate")

    def __post_init__(self) -> None:
        """Check the declared parameters."""
        check(self)

    def posterior(self, n: IntArray, y: IntArray) -> Averaged:
        """Return the posterior after y events in n subjects at each dose, [D]."""
        return Averaged(self, np.asarray(n, float), np.asarray(y, float))


@dataclass(frozen=True, eq=False)
class Averaged:
    """The posterior of the rates, averaged over both models.

    Parameters
    ----------
    model : RisingOrFlat
    n, y : float array [D]
    """

    model: RisingOrFlat
    n: FloatArray
    y: FloatArray

    @cached_property
    def grid(self) -> Grid:
        """Where the rates of the rising model are known."""
        subjects = int(self.n.sum())
        return Grid.of(max(FEWEST, min(subjects, STEEP), int(2 * subjects**0.5)))

    @cached_property
    def _rising(self) -> tuple[FloatArray, float]:
        """The log density of each rate over t, [D, K], if they rise; and the log marginal likelihood."""
        doses, grid = self.model.doses, self.grid
        log_f = self.y[:, None] * grid.log_x + (self.n - self.y)[:, None] * grid.log_rest + grid.log_slope
        below, above = np.zeros((2, doses, grid.log_x.size))
        for j in range(1, doses):
            below[j] = grid.until(log_f[j - 1] + below[j - 1])
            above[-1 - j] = grid.beyond(log_f[-j] + above[-j])
        joint = log_f + below + above
        total = grid.whole(joint[0])
        return joint - total, float(total + gammaln(doses + 1))

    def log_marginals(self) -> tuple[float, float]:
        """Return the log marginal likelihood of the subjects in their order, if the rate is flat, and if it rises."""
        yes, all_n = self.y.sum(), self.n.sum()
        return float(betaln(1 + yes, 1 + all_n - yes)), self._rising[1]

    @property
    def rising(self) -> float:
        """Posterior probability that the rate rises with the dose; the prior one of a single dose."""
        flat, rising = self.log_marginals()
        return float(1 / (1 + self.model.flat / (1 - self.model.flat) * np.exp(flat - rising)))

    def mean(self) -> FloatArray:
        """Return the mean rate at each dose, [D]."""
        x, weight = np.exp(self.grid.log_x), self.grid.weight
        if_rising = (np.exp(self._rising[0]) * weight * x).sum(axis=1)
        flat = (1 + self.y.sum()) / (2 + self.n.sum())
        return np.asarray(self.rising * if_rising + (1 - self.rising) * flat)

    def cdf(self, rates: FloatArray) -> FloatArray:
        """Return the probability that the rate at each dose is at most this one; [D] -> [D]."""
        yes, all_n, share = self.y.sum(), self.n.sum(), self.rising
        flat = betainc(1 + yes, 1 + all_n - yes, rates)
        if_rising = interpolated(*self._curves, 2 * np.arcsin(np.sqrt(rates)))
        return np.asarray(share * if_rising + (1 - share) * flat)

    @cached_property
    def _curves(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """The distribution functions if the rates rise: t [K + 2], values and slopes [D, K + 2], with both ends."""
        values = np.stack([np.exp(self.grid.until(each)) for each in self._rising[0]])
        ends = np.zeros((self.model.doses, 1))
        slopes = np.hstack([ends, np.exp(self._rising[0]), ends])
        return np.concatenate([[0], self.grid.t, [np.pi]]), np.hstack([ends, values, ends + 1]), slopes

    def interval(self, level: float = 0.95) -> tuple[FloatArray, FloatArray]:
        """Return the interval of the rate at each dose with equal tails, by bisection, [D] each."""
        tail = (1 - check_level(level)) / 2
        ends = []
        for wanted in (tail, 1 - tail):
            low, high = np.zeros(self.model.doses), np.ones(self.model.doses)
            for _ in range(40):
                middle = (low + high) / 2
                below = self.cdf(middle) < wanted
                low, high = np.where(below, middle, low), np.where(below, high, middle)
            ends.append((low + high) / 2)
        return ends[0], ends[1]


@dataclass(frozen=True, eq=False)
class Grid:
    """Nodes of a composite rule over t in x = sin^2(t / 2), K of them in panels.

    Parameters
    ----------
    t, weight : float array [K]
    log_x, log_rest, log_slope : float array [K]
        Logarithms of x, of 1 - x, and of dx/dt.
    left, right : float array [Q, Q]
        Integrals of a polynomial given at the nodes of one panel, from its left end to each node, and from there on.
    """

    t: FloatArray
    weight: FloatArray
    log_x: FloatArray
    log_rest: FloatArray
    log_slope: FloatArray
    left: FloatArray
    right: FloatArray

    @classmethod
    def of(cls, panels: int) -> Grid:
        """Return the rule of so many panels."""
        nodes, weights = np.polynomial.legendre.leggauss(NODES)
        width = np.pi / panels
        t = (width * (np.arange(panels)[:, None] + (1 + nodes) / 2)).ravel()
        log_x, log_rest = 2 * np.log(np.sin(t / 2)), 2 * np.log(np.sin((np.pi - t) / 2))
        # of Legendre polynomials: values at the nodes -> coefficients -> integrals from -1
        values = np.polynomial.legendre.legvander(nodes, NODES - 1)
        coefficients = np.linalg.inv(values)
        integral = np.polynomial.legendre.legint(np.eye(NODES), lbnd=-1)
        left = np.polynomial.legendre.legvander(nodes, NODES) @ integral @ coefficients * width / 2
        weight = weights * width / 2
        slope = (log_x + log_rest) / 2
        return cls(t, np.tile(weight, panels), log_x, log_rest, slope, left, weight - left)

    def whole(self, log_f: FloatArray) -> float:
        """Return the logarithm of the integral of a function that is given by its logarithm, [K] -> []."""
        return float(np.logaddexp.reduce(log_f + np.log(self.weight)))

    def until(self, log_f: FloatArray) -> FloatArray:
        """Return the logarithm of its integral up to each node, [K] -> [K]."""
        return self._partly(log_f.reshape(-1, NODES), self.left).ravel()

    def beyond(self, log_f: FloatArray) -> FloatArray:
        """Return the logarithm of its integral from each node on, [K] -> [K]."""
        return self._partly(log_f.reshape(-1, NODES)[::-1], self.right)[::-1].ravel()

    def _partly(self, log_f: FloatArray, inside: FloatArray) -> FloatArray:
        """Return the logarithm of the integral over the panels before each, and over a part of it."""
        peak = log_f.max(axis=1, keepdims=True)
        peak = np.where(np.isfinite(peak), peak, 0)
        part = np.exp(log_f - peak)
        with np.errstate(divide="ignore"):
            here = np.log(np.maximum(part @ inside.T, 0)) + peak
            panels = np.log(part @ self.weight[:NODES]) + peak[:, 0]
        before = np.concatenate([[-np.inf], np.logaddexp.accumulate(panels)[:-1]])
        return np.asarray(np.logaddexp(before[:, None], here))


def interpolated(nodes: FloatArray, values: FloatArray, slopes: FloatArray, t: FloatArray) -> FloatArray:
    """Return functions with values and slopes at the nodes, [D, K], each at one t of [D], by cubic interpolation."""
    k, row = np.clip(np.searchsorted(nodes, t), 1, len(nodes) - 1), np.arange(len(t))
    wide = nodes[k] - nodes[k - 1]
    s = (t - nodes[k - 1]) / wide
    (start, end), (rise, fall) = ((each[row, k - 1], each[row, k]) for each in (values, slopes))
    straight = end - start
    bend = (1 - s) * (wide * rise - straight) - s * (wide * fall - straight)
    return np.asarray(start + s * straight + s * (1 - s) * bend)
