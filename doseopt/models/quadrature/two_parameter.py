"""Posteriors of the two-parameter logistic model, deterministic.

eta_j = logit p_j = log a + b x_j with x_j = log(d_j/d*). For the DLT rate at dose j the posterior is written in the
coordinates (w, eta_j), w = (log b - m_b)/s_b: a cut in p_j is a cut in one coordinate. For each j

    f_j(eta_j) = integral of [prior of w] [prior of log a = eta_j - b x_j given w] [likelihood] dw

by the trapezoid rule, which for smooth integrands converges geometrically; f_j is then a density on a line (see
``line``), and mean, sd, interval probabilities, quantiles and the marginal likelihood of dose j are read from it.

The nodes, which all tallies of about as many patients share, are those of ``two_parameter_nodes``. Each dose has its
own, so that the log evidences found with them bound the error of each tally. Where it is too large the nodes of more
patients, which lie closer, are tried; where it still is, and where the prior is so wide that the nodes would be too
many, the tally is integrated on panels of its own (see ``nested``).
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from doseopt.core.parameters import Fault, Faults
from doseopt.core.state import BoolArray, FloatArray, IntArray
from doseopt.models.curves import TwoParameterLogistic
from doseopt.models.line import check_level
from doseopt.models.quadrature import nested
from doseopt.models.quadrature.batch import Batch, Kept, Parts, Values, checked, nominal_size, solved
from doseopt.models.quadrature.nested import NestedPosterior
from doseopt.models.quadrature.two_parameter_nodes import DoseGrid, dose_grids

CHUNK = 32
"""Tallies at a time."""
FINER, FEW_ENOUGH = 2, 250_000
"""Tallies that need closer nodes get those of so many times their patients, if their own are not more than these."""
OWN, OWN_DOSE = 1_000_000, 130_000
"""Nodes that take as long as a tally that gets panels of its own, about, and as each of its doses."""
LEAST = -700.0
"""Logarithms below it count as it: their exponentials are nothing beside 1, and take five times as long."""
APART, ROUGHEST = 8e-9, 3e-8
"""Where the log evidences found with the nodes of different doses differ by more, or the weights of a line with
alternating signs sum to more, a tally gets panels of its own. Means are then off by less than an eighth of APART and
probabilities by less than a thirtieth of ROUGHEST, which is the error of a rule with twice the step."""


@dataclass(frozen=True, eq=False)
class LinePosterior:
    """Posterior of the DLT rate at each dose after distinct tallies: weights at the nodes of each dose's line."""

    grids: tuple[DoseGrid, ...]
    weight: tuple[FloatArray, ...]  # one [U, M] a dose, sums to 1 along the nodes
    log_evidence: FloatArray  # [U]

    def mean(self) -> FloatArray:
        """Return the posterior mean DLT rate, [U, D]."""
        return np.stack([weight @ grid.p for grid, weight in zip(self.grids, self.weight, strict=True)], axis=1)

    def sd(self) -> FloatArray:
        """Return the posterior standard deviation of the DLT rate, [U, D]."""
        square = np.stack([weight @ grid.p**2 for grid, weight in zip(self.grids, self.weight, strict=True)], axis=1)
        return np.sqrt(np.maximum(square - self.mean() ** 2, 0))

    def prob(self, low: float, high: float = 1.0) -> FloatArray:
        """Return Pr(low < rate <= high), [U, D]."""
        pairs = zip(self.grids, self.weight, strict=True)
        return np.clip(
            np.stack([weight @ (grid.below(high) - grid.below(low)) for grid, weight in pairs], axis=1), 0, 1
        )

    def below(self, rates: FloatArray) -> FloatArray:
        """Return Pr(rate <= each of the rates), [U, C, D]."""
        logit, pairs = np.log(rates) - np.log1p(-rates), zip(self.grids, self.weight, strict=True)
        each = [weight @ grid.line.below(grid.stretch.u(logit)).T for grid, weight in pairs]
        return np.clip(np.stack(each, axis=2), 0, 1)

    def quantile(self, q: float) -> FloatArray:
        """Return the DLT rate below which the posterior puts probability q, [U, D]."""
        level, rates = check_level(q), []
        for grid, weight in zip(self.grids, self.weight, strict=True):
            rates.append(expit(grid.stretch.eta(grid.line.distribution(weight).quantile(level))))
        return np.stack(rates, axis=1)

    def log_marginal(self) -> FloatArray:
        """Return the log marginal likelihood without binomial coefficients, [U]."""
        return self.log_evidence


type Part = LinePosterior | NestedPosterior


def solve(
    model: TwoParameterLogistic, at: Values, patients: int, n: IntArray, y: IntArray, finer: bool = True
) -> Parts[Part]:
    """Return the posteriors after tallies [U, K], of at most so many patients, at the K doses `at`."""
    grids = dose_grids(model, at, patients)
    if grids is None:
        return _on_panels(model, at, n, y)
    again = finer and sum(grid.columns.shape[1] for grid in grids) <= FEW_ENOUGH

    def careful(rows: IntArray) -> Parts[Part]:
        if again:
            return solve(model, at, FINER * patients, n[rows], y[rows], finer=False)
        return _on_panels(model, at, n[rows], y[rows])

    weight, log_total = _on_grids(grids, n, y)
    alternate = [np.abs(part @ (-1.0) ** np.arange(part.shape[1])) for part in weight]
    sure = (np.ptp(log_total, axis=1) < APART) & (np.max(alternate, axis=0) < ROUGHEST)

    def quick(rows: BoolArray) -> Part:
        kept = weight if rows.all() else tuple(part[rows] for part in weight)
        return LinePosterior(grids, kept, log_total[rows].mean(axis=1))

    return checked(sure, quick, careful)


def _on_panels(model: TwoParameterLogistic, at: Values, n: IntArray, y: IntArray) -> Parts[Part]:
    """Return the posteriors after tallies [U, K], each with panels of its own."""
    pieces = np.array_split(np.arange(len(n)), -(-len(n) // CHUNK))
    return [(rows, nested.solve(model, at, n[rows], y[rows])) for rows in pieces]


def _on_grids(grids: tuple[DoseGrid, ...], n: IntArray, y: IntArray) -> tuple[tuple[FloatArray, ...], FloatArray]:
    """Return the weights at the nodes of each dose's line, [U, M], and the log evidence by them, [U, D]."""
    weight = tuple(np.empty((len(n), grid.line.size)) for grid in grids)
    log_total = np.empty((len(n), len(grids)))
    room = np.empty(min(CHUNK, len(n)) * max(grid.columns.shape[1] for grid in grids))
    for start in range(0, len(n), CHUNK):
        rows = slice(start, start + CHUNK)
        tally = np.concatenate([y[rows], n[rows] - y[rows], np.ones((len(n[rows]), 1))], axis=1)
        peak = np.zeros((len(tally), 1))
        for j, grid in enumerate(grids):
            shape = (len(tally), grid.columns.shape[1])
            f = room[: shape[0] * shape[1]].reshape(shape)
            np.matmul(np.concatenate([tally, -peak], axis=1), grid.columns, out=f)
            if j == 0:
                peak = f.max(axis=1, keepdims=True)
                f -= peak
            np.maximum(f, LEAST, out=f)
            np.exp(f, out=f)
            on_line = np.add.reduceat(f, grid.starts, axis=1)
            total = on_line.sum(axis=1, keepdims=True)
            weight[j][rows] = on_line / total
            log_total[rows, j] = (peak + np.log(total))[:, 0]
    return weight, log_total


class TwoParameterQuadrature:
    """Posteriors of one two-parameter logistic model.

    Parameters
    ----------
    model : TwoParameterLogistic
    """

    def __init__(self, model: TwoParameterLogistic) -> None:
        self.model = model
        self._kept = Kept[Batch[Part]]()

    def posterior(self, n: IntArray, y: IntArray, at: Iterable[float] | None = None) -> Batch[Part]:
        """Return the posterior of the DLT rates at the model's doses.

        Parameters
        ----------
        n, y : int array [S, K]
            Patients and DLTs at each dose with data. The arrays are kept by identity: they must not be changed in
            place afterwards.
        at : float [K]
            The doses with data, in the model's unit; the model's own unless given.
        """
        given = tuple(float(d) for d in (self.model.values if at is None else at))
        if n.shape != y.shape or n.shape[1:] != (len(given),):
            message = f"wanted n and y [S, {len(given)}], one column a dose, got {n.shape} and {y.shape}"
            raise Faults([Fault("", message)])
        return self._kept(n, y, lambda: Batch(*solved(n, y, functools.partial(solve, self.model, given))), given)

    def nodes(self, patients: int) -> int:
        """Return how many nodes are visited for a tally of so many patients, all doses together, about."""
        grids = dose_grids(self.model, tuple(map(float, self.model.values)), int(nominal_size(np.array(patients))))
        return OWN + OWN_DOSE * self.model.doses if grids is None else sum(one.columns.shape[1] for one in grids)
