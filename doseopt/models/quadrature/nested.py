"""Posteriors of the two-parameter logistic model for whatever prior, each tally with panels of its own.

In the coordinates (w, z) of ``whitened`` the integrals along z leave a function of w that need not have one peak only
(see ``panels``). Pr(p_j <= c) is an integral over w of the distribution function of z given w at the z where p_j = c.
As a function of w it can rise much faster than the density does; panels are halved where it does, for the cut that is
asked for.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from doseopt.core.state import FloatArray, IntArray
from doseopt.models.curves import TwoParameterLogistic
from doseopt.models.line import check_level
from doseopt.models.quadrature.panels import ORDER, WEIGHTS, Columns, Panels, found, resolved, sums
from doseopt.models.quadrature.whitened import Lines, Whitened, lines

TOLERANCE, CUT = 1e-7, 1e-9
"""Last Legendre coefficients along w that are left out: of densities, and of a distribution function."""
TINY = 1e-8
"""Standard deviation of a rate that needs no digits."""
FURTHEST = 700.0
"""Largest logit of a rate that is looked for."""
STEPS = 100
"""Of Newton's method for a quantile."""
NEAR, CLOSE = 1e-3, 1e-10
"""How close its probability is to the one asked for, before and after panels are halved for it."""

FEW = 256
"""Panels up to which the lines at their nodes are kept."""

type Known = list[tuple[IntArray, Lines, FloatArray]]
"""Lines at the nodes of the panels: rows, the lines, and their whole integrals."""


@dataclass(frozen=True, eq=False)
class NestedPosterior:
    """Posterior of the DLT rate at each dose after U distinct tallies."""

    tallies: Whitened
    panels: Panels
    top: FloatArray  # [U]
    total: FloatArray  # [U], relative to exp(top)
    average: FloatArray  # [U, D]
    spread: FloatArray  # [U, D]

    def mean(self) -> FloatArray:
        """Return the posterior mean DLT rate, [U, D]."""
        return self.average

    def sd(self) -> FloatArray:
        """Return the posterior standard deviation of the DLT rate, [U, D]."""
        return self.spread

    def log_marginal(self) -> FloatArray:
        """Return the log marginal likelihood without binomial coefficients, [U]."""
        return np.asarray(self.top + np.log(self.total))

    def prob(self, low: float, high: float = 1.0) -> FloatArray:
        """Return Pr(low < rate <= high), [U, D]."""
        known, ends = self._known(), []
        for rate in (low, high):
            if rate <= 0 or rate >= 1:
                ends.append(np.full(self.average.shape, float(rate >= 1)))
            else:
                logit = np.full(self.average.shape, np.log(rate) - np.log1p(-rate))
                ends.append(self._below(logit, known, CUT, steep=False)[0])
        return np.asarray(np.clip(ends[1] - ends[0], 0, 1))

    def quantile(self, q: float) -> FloatArray:
        """Return the DLT rate below which the posterior puts probability q, [U, D]."""
        level, known = check_level(q), self._known()
        inside = np.clip(self.average, 1e-300, 1 - 2.0**-53)
        start = np.log(inside) - np.log1p(-inside)
        near = self._sought(level, known, start, np.inf, NEAR)
        return np.asarray(expit(self._sought(level, known, near, CUT, CLOSE)))

    def _sought(self, level: float, known: Known, logit: FloatArray, tolerance: float, close: float) -> FloatArray:
        """Return the logits at which the distribution functions are about `level`, by Newton's method in a bracket."""
        low, high = np.full(logit.shape, -FURTHEST), np.full(logit.shape, FURTHEST)
        for _ in range(STEPS):
            share, density = self._below(logit, known, tolerance)
            off = share - level
            done = (np.abs(off) < close) | (high - low < CLOSE)
            if done.all():
                break
            low, high = np.where(off < 0, logit, low), np.where(off < 0, high, logit)
            with np.errstate(divide="ignore", invalid="ignore"):
                # the log odds of the share are closer to a straight line than the share
                step = (np.log(level / (1 - level)) - np.log(share / (1 - share))) * share * (1 - share) / density
                tried = logit + step
            middle = np.sinh((np.arcsinh(low) + np.arcsinh(high)) / 2)
            logit = np.where(done, logit, np.where((tried > low) & (tried < high), tried, middle))
        return logit

    def _known(self) -> Known:
        return self._lines if len(self.panels.owner) <= FEW else self._resolved()

    @functools.cached_property
    def _lines(self) -> Known:
        return self._resolved()

    def _resolved(self) -> Known:
        owner, w = np.repeat(self.panels.owner, ORDER), self.panels.nodes.ravel()
        return [(rows, line, mass.sum(axis=1)) for rows, line, _, mass in lines(self.tallies, owner, w, self.top)]

    def _below(
        self, logit: FloatArray, known: Known, tolerance: float, steep: bool = True
    ) -> tuple[FloatArray, FloatArray]:
        """Return the distribution function of the logits of the rates and its density if asked, [U, D] -> [U, D]."""
        doses, tallies = logit.shape[1], self.tallies
        parts = 2 if steep else 1
        asked = iter([known])

        def columns(owner: IntArray, w: FloatArray) -> FloatArray:
            out = np.empty((len(w), 1 + parts * doses))
            cut = (logit[owner] - np.stack([tallies.centre(w, x) for x in tallies.reported], axis=1)) / tallies.s
            fresh = ((rows, line, mass.sum(axis=1)) for rows, line, _, mass in lines(tallies, owner, w, self.top))
            for rows, line, mass in next(asked, fresh):
                out[rows, 0] = mass
                out[rows, 1 : 1 + doses] = line.up_to(cut[rows])
                if steep:
                    out[rows, 1 + doses :] = line.density(cut[rows]) / tallies.s
            return out

        least = np.repeat([1.0, 1.0, np.inf][: 1 + parts], [1, doses, doses][: 1 + parts])
        total = _integrated(self.panels, columns, len(logit), tolerance, least)[1]
        share = total[:, 1:] / total[:, :1]
        return np.clip(share[:, :doses], 0, 1), share[:, doses:]


def _integrated(
    panels: Panels, columns: Columns, lines: int, tolerance: float, least: FloatArray
) -> tuple[Panels, FloatArray]:
    """Return the panels that resolve the columns, and their integrals, [U, C]."""
    panels, values = resolved(panels, columns, lines, tolerance, least)
    return panels, sums(panels.owner, panels.half[:, None] * np.einsum("i,qic->qc", WEIGHTS, values), lines)


def _moments(tallies: Whitened, top: FloatArray, near: FloatArray) -> Callable[[IntArray, FloatArray], FloatArray]:
    """Return what is integrated along w: the density, and times it the rates less `near`, [U, D], and their squares."""
    doses = len(tallies.reported)

    def columns(owner: IntArray, w: FloatArray) -> FloatArray:
        out = np.empty((len(w), 1 + 2 * doses))
        for rows, _, z, mass in lines(tallies, owner, w, top):
            out[rows, 0] = mass.sum(axis=1)
            for j, x in enumerate(tallies.reported):
                off = expit(tallies.centre(w[rows], x)[:, None] + tallies.s * z) - near[owner[rows], j][:, None]
                weighed = mass * off
                out[rows, 1 + j] = weighed.sum(axis=1)
                out[rows, 1 + doses + j] = (weighed * off).sum(axis=1)
        return out

    return columns


def solve(model: TwoParameterLogistic, at: tuple[float, ...], n: IntArray, y: IntArray) -> NestedPosterior:
    """Return the posteriors after tallies [U, K] at the K doses `at`."""
    tallies = Whitened(model, at, n, y)
    panels, top, peak = found(tallies.profile, tallies.ceiling, tallies.scale)
    z, _ = tallies.mode(np.arange(len(n)), peak)
    near = np.stack([expit(tallies.centre(peak, x) + tallies.s * z) for x in tallies.reported], axis=1)
    least = np.repeat([1.0, TINY, TINY**2], [1, model.doses, model.doses])
    panels, total = _integrated(panels, _moments(tallies, top, near), len(n), TOLERANCE, least)
    off, square = np.split(total[:, 1:] / total[:, :1], 2, axis=1)
    return NestedPosterior(tallies, panels, top, total[:, 0], near + off, np.sqrt(np.maximum(square - off**2, 0)))
