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
from doseopt.models.quadrature.whitened import Lines, Whitened, lines, weights

TOLERANCE, CUT = 1e-6, 1e-8
"""Last Legendre coefficients along w that are left out: of densities, and of a distribution function."""
TINY = 1e-8
"""Standard deviation of a rate that needs no digits."""
FURTHEST = 700.0
"""Largest logit of a rate that is looked for."""
STEPS = 100
"""Of Newton's method for a quantile."""
NEAR, CLOSE = 1e-3, 1e-10
"""How close its probability is to the one asked for, before and after panels are halved for it."""

MOST_CUTS = 1 << 11
"""Cuts that panels are halved for together, of all tallies and doses: those of others cost and need no halves."""
FEW = 128
"""Panels up to which the lines at their nodes are kept: those of a dozen tallies, not of each part of a large batch."""

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
                ends.append(self._at_most(np.array([rate]), known)[:, 0])
        return np.asarray(np.clip(ends[1] - ends[0], 0, 1))

    def below(self, rates: FloatArray) -> FloatArray:
        """Return Pr(rate <= each of the rates), [U, C, D]."""
        known, pieces = self._known(), min(-(-len(rates) * self.average.size // MOST_CUTS), len(rates))
        return np.concatenate([self._at_most(part, known) for part in np.array_split(rates, pieces)], axis=1)

    def _at_most(self, rates: FloatArray, known: Known) -> FloatArray:
        lines, doses = self.average.shape
        logit = np.repeat(np.log(rates) - np.log1p(-rates), doses)
        wide = np.broadcast_to(logit, (lines, len(logit)))
        share, _ = self._below(wide, self.panels, known, CUT, steep=False)
        return share.reshape(lines, len(rates), doses)

    def quantile(self, q: float) -> FloatArray:
        """Return the DLT rate below which the posterior puts probability q, [U, D]."""
        level, known = check_level(q), self._known()
        inside = np.clip(self.average, 1e-300, 1 - 2.0**-53)
        start = np.log(inside) - np.log1p(-inside)
        near = self._sought(level, self.panels, known, start, np.inf, NEAR)
        panels, _ = resolved(self.panels, self._columns(near, known), len(near), CUT, _least(near.shape[1], 2))
        return np.asarray(expit(self._sought(level, panels, self._resolved(panels), near, CUT, CLOSE)))

    def _sought(
        self, level: float, panels: Panels, known: Known, logit: FloatArray, tolerance: float, close: float
    ) -> FloatArray:
        """Return the logits at which the distribution functions are about `level`, by Newton's method in a bracket."""
        low, high = np.full(logit.shape, -FURTHEST), np.full(logit.shape, FURTHEST)
        for _ in range(STEPS):
            share, density = self._below(logit, panels, known, tolerance)
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
        return self._lines if len(self.panels.owner) <= FEW else self._resolved(self.panels)

    @functools.cached_property
    def _lines(self) -> Known:
        return self._resolved(self.panels)

    def _resolved(self, panels: Panels) -> Known:
        owner, w = np.repeat(panels.owner, ORDER), panels.nodes.ravel()
        return [(rows, line, mass.sum(axis=1)) for rows, line, _, mass in lines(self.tallies, owner, w, self.top)]

    def _below(
        self, logit: FloatArray, panels: Panels, known: Known, tolerance: float, steep: bool = True
    ) -> tuple[FloatArray, FloatArray]:
        """Return the distribution function of the logits of rates, its density if asked, [U, C D] -> [U, C D]."""
        cuts = logit.shape[1]
        columns, least = self._columns(logit, known, steep), _least(cuts, 1 + steep)
        total = _integrated(panels, columns, len(logit), tolerance, least)[1]
        share = total[:, 1:] / total[:, :1]
        return np.clip(share[:, :cuts], 0, 1), share[:, cuts:]

    def _columns(self, logit: FloatArray, known: Known, steep: bool = True) -> Columns:
        """Return what is integrated along w: the density, times the distribution function of z, and times its density.

        The lines at the nodes that are asked for first are known.
        """
        doses, tallies = logit.shape[1], self.tallies
        repeats, parts = doses // len(tallies.reported), 1 + steep
        asked = iter([known])

        def columns(owner: IntArray, w: FloatArray) -> FloatArray:
            out = np.empty((len(w), 1 + parts * doses))
            cut = (logit[owner] - np.tile(tallies.centre(w, tallies.reported), (1, repeats))) / tallies.s
            fresh = ((rows, line, mass.sum(axis=1)) for rows, line, _, mass in lines(tallies, owner, w, self.top))
            for rows, line, mass in next(asked, fresh):
                out[rows, 0] = mass
                out[rows, 1 : 1 + doses] = line.up_to(cut[rows])
                if steep:
                    out[rows, 1 + doses :] = line.density(cut[rows]) / tallies.s
            return out

        return columns


def _least(cuts: int, parts: int) -> FloatArray:
    """Return what the columns are worth at least: a slope needs no digits."""
    return np.repeat([1.0, 1.0, np.inf][: 1 + parts], [1, cuts, cuts][: 1 + parts])


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
            logits, odds = tallies.along(w[rows], z, tallies.reported)
            for j, (up, down) in enumerate(weights(logits)):
                off = odds * up
                off /= off + down
                off -= near[owner[rows], j][:, None]
                out[rows, 1 + j] = np.einsum("ln,ln->l", mass, off)
                off *= off
                out[rows, 1 + doses + j] = np.einsum("ln,ln->l", mass, off)
        return out

    return columns


def solve(model: TwoParameterLogistic, at: tuple[float, ...], n: IntArray, y: IntArray) -> NestedPosterior:
    """Return the posteriors after tallies [U, K] at the K doses `at`."""
    tallies = Whitened(model, at, n, y)
    panels, top, peak = found(tallies.profile, tallies.ceiling, tallies.scale)
    z, _ = tallies.mode(np.arange(len(n)), peak)
    near = expit(tallies.centre(peak, tallies.reported) + tallies.s * z[:, None])
    least = np.repeat([1.0, TINY, TINY**2], [1, model.doses, model.doses])
    panels, total = _integrated(panels, _moments(tallies, top, near), len(n), TOLERANCE, least)
    off, square = np.split(total[:, 1:] / total[:, :1], 2, axis=1)
    return NestedPosterior(tallies, panels, top, total[:, 0], near + off, np.sqrt(np.maximum(square - off**2, 0)))
