"""Rough estimates by models with one parameter: enough for most decisions, each with a bound of its error.

Which dose is closest to the target can be told from a few digits. Nodes lie further apart here than for posteriors (see
``one_parameter_nodes``): by the trapezoid rule with step h an integral is off by the Fourier transform F of what is
integrated, at 2 pi/h and its multiples. What is integrated is analytic, so that F falls exponentially or faster. It is
looked at near pi/h, by turning the weights from node to node: what remains of it at 2 pi/h is less than the square of
that. For a normal posterior with a standard deviation of s steps,

    error of its mean <= 4 pi s^2 exp(-2 pi^2 s^2) h,      bound = exp(-(.8 pi s)^2) h,

which is three times as much for every s and thirty times for those that are used.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from doseopt.core.compiled import compiled
from doseopt.core.remembered import remembered
from doseopt.core.state import FloatArray, IntArray
from doseopt.models.base import GaussianPrior, Model
from doseopt.models.quadrature.batch import nominal_size
from doseopt.models.quadrature.one_parameter_nodes import ROUGH, Grid, grid
from doseopt.models.quadrature.products import STRIDE
from doseopt.models.rates import log_rates

MOST_PATIENTS = 256
"""Of a tally: the likelihood of more may be less than the smallest number."""
TURN = 0.8 * np.pi
"""Angle from node to node."""
TURNED = 0.3
"""Largest F, of the weights alone, at which its square is a bound."""
NEAR = 1e-10
"""Weights that are left out, over the largest; a tally with a larger one at the first or the last node has no bound."""
AT_ONCE = 512
"""Tallies at a time in NumPy."""
WIDTH = 4
"""Columns are summed so many at a time."""
MOST_BYTES = 1 << 25
"""Of the nodes that are kept."""


class Rough(NamedTuple):
    """Estimates of DLT rates, and bounds of their errors, nan where there is none: [S, D] each."""

    estimate: FloatArray
    off: FloatArray


@dataclass(frozen=True, eq=False)
class RoughNodes:
    """Nodes for tallies of up to N patients.

    Parameters
    ----------
    grid : Grid
    patients : int
        N.
    """

    grid: Grid
    patients: int

    @functools.cached_property
    def _powers(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Prior [G], p^k and (1 - p)^k for k up to N [D, N + 1, G]."""
        k = np.arange(self.patients + 1)[:, None]
        yes, no = (np.exp(k * log_p.T[:, None]) for log_p in (self.grid.log_p, self.grid.log_q))
        return np.exp(self.grid.log_prior), yes, no

    @functools.cached_property
    def _marks(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """The same at one node in STRIDE, and at the last."""
        nodes = np.append(np.arange(0, self.grid.line.size - 1, STRIDE), self.grid.line.size - 1)
        prior, yes, no = (np.ascontiguousarray(part[..., nodes]) for part in self._powers)
        return prior, yes, no

    @functools.cached_property
    def _waves(self) -> list[FloatArray]:
        angle = TURN * np.arange(self.grid.line.size)
        return [np.ones(len(angle)), np.cos(angle), np.sin(angle)]

    @functools.cached_property
    def _of_z(self) -> FloatArray:
        return _padded([*self._waves, self.grid.line.nodes])

    @functools.cached_property
    def _of_rates(self) -> FloatArray:
        return _padded([*self._waves, *self.grid.p.T])

    def means(self, n: IntArray, y: IntArray, plugin: bool) -> tuple[FloatArray, FloatArray]:
        """Return the posterior means of z [1, S], or of the rates [D, S], and bounds of their errors [S]."""
        total, cosine, sine, *wanted = self._sums(n, y, self._of_z if plugin else self._of_rates)
        turned = np.hypot(cosine, sine) / total
        nodes = self.grid.line.size
        off = np.where(turned < TURNED, turned**2, np.nan) + NEAR * (nodes**2 if plugin else nodes)
        return np.stack(wanted[: 1 if plugin else n.shape[1]]) / total, off * (self.grid.line.step if plugin else 1)

    def _sums(self, n: IntArray, y: IntArray, columns: FloatArray) -> FloatArray:
        """Return the sums over the nodes of weights times columns [G, C]: [C, S], nan where the nodes end too early."""
        if compiled(len(n)):
            from doseopt.models.quadrature import loops

            tally = np.ascontiguousarray(n.T), np.ascontiguousarray(y.T)
            return np.asarray(loops.sum_powers(*self._powers, *self._marks, *tally, columns, NEAR, STRIDE))
        found = np.empty((columns.shape[1], len(n)))
        logs = np.concatenate([self.grid.log_p, self.grid.log_q], axis=1).T
        for first in range(0, len(n), AT_ONCE):
            rows = slice(first, first + AT_ONCE)
            weight = np.exp(np.concatenate([y[rows], n[rows] - y[rows]], axis=1) @ logs + self.grid.log_prior)
            found[:, rows] = columns.T @ weight.T
            found[:, rows][:, weight[:, [0, -1]].max(axis=1) >= NEAR * weight.max(axis=1)] = np.nan
        return found


def _padded(columns: list[FloatArray]) -> FloatArray:
    """Return columns [G, C], and further ones of zeros until they are a multiple of WIDTH."""
    return np.stack([*columns, *[np.zeros(len(columns[0]))] * (-len(columns) % WIDTH)], axis=1)


@remembered(MOST_BYTES)
def nodes_for(model: Model, patients: int) -> RoughNodes | None:
    """Return the nodes for tallies of up to so many patients; None if they would be too many."""
    found = grid(model, patients, ROUGH) if patients <= MOST_PATIENTS else None
    return None if found is None else RoughNodes(found, patients)


def roughly(model: Model, n: IntArray, y: IntArray, plugin: bool) -> Rough:
    """Return the DLT rates at the posterior mean of the parameter, or else their posterior means, after tallies [S, D].

    Parameters
    ----------
    model : Model
    n, y : int array [S, D]
    plugin : bool
        Whether they are those at the mean; there is a bound only if the prior is normal.
    """
    estimate, off = np.full((2, *n.shape), np.nan)
    prior = model.prior()
    if plugin and not isinstance(prior, GaussianPrior):
        return Rough(estimate, off)
    patients = np.einsum("sd->s", n)
    sizes = np.unique(nominal_size(np.flatnonzero(np.bincount(patients)))).tolist()
    for size in sizes:
        rows = slice(None) if len(sizes) == 1 else np.flatnonzero(nominal_size(patients) == size)
        nodes = nodes_for(model, size)
        if nodes is None:
            continue
        mean, error = nodes.means(n[rows], y[rows], plugin)
        if plugin:
            with np.errstate(invalid="ignore"):  # without a bound they are no numbers
                low, high = np.exp(log_rates(model, mean + np.array([[-1], [1]]) * error, prior))
            estimate[rows], off[rows] = low, np.abs(high - low)
        else:
            estimate[rows], off[rows] = mean.T, error[:, None]
    return Rough(estimate, off)
