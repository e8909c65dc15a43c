"""Posteriors of two-parameter curves whose intercepts have a law of their own: two populations, partly pooled.

With log b = m_b + s_b w, and u_g what the intercept of population g is above its prior mean given w, the prior of
(u_1, u_2) does not depend on w:

    G(u_1, u_2) = E over tau of a normal density with covariance matrix v 1 1' + tau^2 I,    v = Var(log a | log b),

a mixture over tau, made once on a product of uniform nodes. Given w the likelihood is a product f_1(u_1) f_2(u_2), so
that f_1 (G f_2) is the posterior density of u_1 on its line, and one product with a matrix replaces the integrals over
log a, tau and the other population. All integrals are by the trapezoid rule, which converges geometrically; the step in
w is halved until nothing changes. On its line the density is interpolated (see ``line``) where a rate is cut.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from doseopt.core.parameters import Fault, Faults
from doseopt.core.remembered import remembered
from doseopt.core.state import FloatArray, IntArray
from doseopt.models.line import Distribution, Line, check_level
from doseopt.models.populations import TwoPopulations

REACH, TAU_REACH = 8.0, 6.5
"""Prior standard deviations that nodes reach: of u and w, and of log tau."""
STEP, TAU_STEP = 0.1, 0.4
"""Largest step in u, and step in log tau in its standard deviations."""
LEAST_TAU = -5.0
"""Standard deviations of log tau below its median down to which the step in u resolves the density given tau."""
COARSEST, FINEST, ENOUGH = 0.25, 1 / 64, 1e-10
"""Steps in w, and the change of means and of the log evidence at which halving ends."""
MOST, MOST_BYTES = 4000, 1 << 27
"""Nodes in u; bytes of the priors of (u_1, u_2) that are kept."""
HALVINGS, FURTHEST = 50, 60.0
"""Of the search for a quantile, and the logit within which it is looked for."""


@dataclass(frozen=True)
class Link:
    """The scale on which rates are lines, and the way back."""

    rate: Callable[[FloatArray], FloatArray]
    eta: Callable[[FloatArray], FloatArray]


LOGIT = Link(expit, logit)


@dataclass(frozen=True, eq=False)
class LatticePosterior:
    """Posterior of the DLT rate at each dose in G populations, or after G tallies; each is a row.

    Parameters
    ----------
    w : float array [W]
        Centre of each line.
    line : Line
        Nodes in u, K of them.
    centre : float array [W, D]
        The rate at u = 0, on the scale of the link.
    weight : float array [G, W, K]
        Sums to 1 over the last two axes.
    log_evidence : float, or float array [G]
    link : Link
        Of the rates; logit.
    """

    line: Line
    centre: FloatArray
    weight: FloatArray
    log_evidence: float | FloatArray
    link: Link = LOGIT

    def mean(self) -> FloatArray:
        """Return the posterior mean DLT rate, [G, D]."""
        return self._moment(1)

    def sd(self) -> FloatArray:
        """Return the posterior standard deviation of the DLT rate, [G, D]."""
        return np.sqrt(np.maximum(self._moment(2) - self.mean() ** 2, 0))

    def prob(self, low: float, high: float = 1.0) -> FloatArray:
        """Return Pr(low < rate <= high), [G, D]."""
        ends = self.below(np.array([low, high]))
        return np.clip(ends[:, 1] - ends[:, 0], 0, 1)

    def below(self, rates: FloatArray) -> FloatArray:
        """Return Pr(rate <= each of the rates), [G, C, D]."""
        inside = np.clip(rates, 1e-300, 1 - 2.0**-53)
        cuts = np.broadcast_to(self.link.eta(inside)[:, None], (len(rates), self.centre.shape[1]))
        found = np.stack([self._cdf(part, cuts) for part in self._distributions])
        return np.where(rates[:, None] <= 0, 0.0, np.where(rates[:, None] >= 1, 1.0, found))

    def quantile(self, q: float) -> FloatArray:
        """Return the DLT rate below which the posterior puts probability q, [G, D]."""
        level, shape = check_level(q), (len(self.weight), 1, self.centre.shape[1])
        low, high = np.full(shape, -FURTHEST), np.full(shape, FURTHEST)
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            pairs = zip(self._distributions, middle, strict=True)
            under = np.stack([self._cdf(part, cut) for part, cut in pairs]) < level
            low, high = np.where(under, middle, low), np.where(under, high, middle)
        return np.asarray(self.link.rate((low + high) / 2)[:, 0])

    def log_marginal(self) -> FloatArray:
        """Return the log marginal likelihood of all the data, [G]; the populations share it."""
        return np.full(len(self.weight), self.log_evidence)

    @functools.cached_property
    def _distributions(self) -> tuple[Distribution, ...]:
        return tuple(self.line.distribution(part) for part in self.weight)

    def _cdf(self, part: Distribution, cut: FloatArray) -> FloatArray:
        """Return Pr(rate on the scale of the link <= cut) of one row, [C, D] -> [C, D]."""
        cuts = cut[None] - self.centre[:, None]
        return np.clip(part.cdf(cuts.reshape(len(cuts), -1)).sum(axis=0).reshape(cut.shape), 0, 1)

    def _moment(self, power: int) -> FloatArray:
        means = [
            np.einsum("gwk,wk->g", self.weight, self.link.rate(centre[:, None] + self.line.nodes) ** power)
            for centre in self.centre.T
        ]
        return np.stack(means, axis=1)


class _Pooled:
    """Prior and likelihood of two populations on the lines."""

    def __init__(
        self, model: TwoPopulations, at: Sequence[float], n: IntArray, y: IntArray, weights: Sequence[Sequence[float]]
    ) -> None:
        self.model, self.curve = model, model.curve
        (va, c), (_, vb) = self.curve.cov
        self.s_b, self.lean = float(np.sqrt(vb)), c / float(np.sqrt(vb))
        self.variance = va - self.lean**2
        self.x, self.n, self.y = self.curve.at(at).x, n, y
        self.weights = np.array([*weights], dtype=object).reshape(n.shape) if any(weights) else None
        least = model.between * float(np.exp(LEAST_TAU * model.between_log_sd))
        step = min(STEP, float(np.sqrt(self.variance)) / 2, float(np.sqrt(2)) * least)
        reach = REACH * np.sqrt(self.variance + (model.between * np.exp(3 * model.between_log_sd)) ** 2)
        half = int(np.ceil(reach / step))
        if 2 * half + 1 > MOST:
            wanted = "wanted a prior whose posterior can be computed with a few thousand nodes, got one that needs"
            raise Faults([Fault("between", f"{wanted} {2 * half + 1:,}: a larger between, or sample it")])
        self.line = Line(-half * step, step, 2 * half + 1)

    def centre(self, w: FloatArray, x: FloatArray) -> FloatArray:
        """Return the logit of the rate at u = 0, [W, K]."""
        slope = np.exp(self.curve.mean[1] + self.s_b * w)[:, None]
        return self.curve.mean[0] + self.lean * w[:, None] + slope * x

    def log_f(self, w: FloatArray) -> FloatArray:
        """Return the log likelihood of each population, [2, W, K]."""
        centre, u = self.centre(w, self.x), self.line.nodes
        found = np.zeros((2, len(w), self.line.size))
        for k, middle in enumerate(centre.T):
            eta = middle[:, None] + u
            soft = np.log1p(np.exp(-np.abs(eta)))
            log_p, log_q = np.minimum(eta, 0) - soft, np.minimum(-eta, 0) - soft
            for g in range(2):
                found[g] += self.y[g, k] * log_p + (self.n[g, k] - self.y[g, k]) * log_q
                for weight in () if self.weights is None else self.weights[g, k]:
                    found[g] += np.log1p(-weight * np.exp(log_p))
        return found

    def lines(self, w: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the posterior density of u in each population, times exp(-top), [2, W, K], and top."""
        log_f = self.log_f(w)
        peaks = log_f.max(axis=2, keepdims=True)
        f = np.exp(log_f - peaks)
        density = f * (f[::-1] @ _joint(self.line, self.variance, self.model.between, self.model.between_log_sd))
        log_scale = peaks.sum(axis=0)[:, 0] - w**2 / 2 - np.log(2 * np.pi) / 2
        top = log_scale.max()
        return density * np.exp(log_scale - top)[None, :, None], top


@remembered(MOST_BYTES)
def _joint(line: Line, variance: float, between: float, log_sd: float) -> FloatArray:
    """Return G times the square of the step, [K, K]."""
    t = np.arange(-TAU_REACH, TAU_REACH + TAU_STEP / 2, TAU_STEP)
    taus = between * np.exp(log_sd * t)
    shares = TAU_STEP * np.exp(-(t**2) / 2) / np.sqrt(2 * np.pi)
    step, size = line.step, line.size
    apart, k = np.arange(1 - size, size, dtype=np.float64) * step, np.arange(size)
    found = np.zeros((size, size))
    for tau, share in zip(taus.tolist(), shares.tolist(), strict=True):
        of_sum, of_difference = _normal(apart, 4 * variance + 2 * tau**2), _normal(apart, 2 * tau**2)
        found += (2 * share * step**2) * of_sum[k[:, None] + k] * of_difference[k[:, None] - k + size - 1]
    return found


def _normal(x: FloatArray, variance: float) -> FloatArray:
    return np.asarray(np.exp(-(x**2) / (2 * variance)) / np.sqrt(2 * np.pi * variance))


def solve(
    model: TwoPopulations,
    n: IntArray,
    y: IntArray,
    at: Sequence[float] | None = None,
    weights: Sequence[Sequence[float]] = (),
) -> LatticePosterior:
    """Return the posterior of the DLT rates in both populations.

    Parameters
    ----------
    model : TwoPopulations
    n, y : int array [2, K]
        Patients and DLTs of each population at each dose with data.
    at : sequence of float [K], optional
        The doses with data, in the unit of the model; its own unless given.
    weights : sequence of sequence of float, optional
        For each population and dose with data, 2 K in all, w of further patients, whose likelihood is 1 - w p.

    Raises
    ------
    Faults
        If the populations are so much alike under the prior that too many nodes would be needed.
    """
    pooled = _Pooled(model, model.curve.values if at is None else at, np.asarray(n), np.asarray(y), weights)
    step, before = COARSEST, None
    while True:
        w = np.arange(-int(REACH / step), int(REACH / step) + 1, dtype=np.float64) * step
        density, top = pooled.lines(w)
        mass = density.sum(axis=(1, 2))
        centre = pooled.centre(w, model.curve.x)
        weight = density / mass[:, None, None]
        found = LatticePosterior(pooled.line, centre, weight, float(np.log(mass[0] * step) + top))
        now = np.append(found.mean().ravel(), found.log_evidence)
        if before is not None and (np.abs(now - before).max() < ENOUGH or step <= FINEST):
            return found
        step, before = step / 2, now
