"""Nodes for models with one parameter: a uniform grid of the standardised parameter z, for tallies of like size."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from doseopt.core.remembered import remembered
from doseopt.core.state import BoolArray, FloatArray, IntArray
from doseopt.models.base import Model
from doseopt.models.line import Line
from doseopt.models.rates import FAR, cuts, log_complement, log_rates, rising

LARGEST = 1000
"""Nodes of a grid; where tallies need more, each gets panels of its own."""
MOST_BYTES = 1 << 25
"""Of the grids that are kept."""
RATES = 64
"""Cuts that a grid keeps the weights of."""


class Fineness(NamedTuple):
    """How close nodes lie, and what is left out.

    Parameters
    ----------
    steps : float
        Of the narrowest posterior's standard deviation.
    negligible : float
        Log density below the mode that is left out: exp(-42) = 6e-19.
    """

    steps: float
    negligible: float


ALL_DIGITS, ROUGH = Fineness(2.1, 42.0), Fineness(1.3, 24.0)
"""For posteriors, and for decisions that need a few digits."""


@dataclass(frozen=True, eq=False)
class Grid:
    """Nodes for one model and tallies of up to N patients."""

    model: Model
    line: Line
    log_prior: FloatArray  # [G], of the node's share
    log_p: FloatArray  # [G, D]
    log_q: FloatArray  # [G, D]
    p: FloatArray  # [G, D]
    parameter: FloatArray  # [G], whose mean is the estimate
    rises: BoolArray  # [D], whether the DLT rate rises with z

    @functools.cached_property
    def _upper(self) -> dict[float, FloatArray]:
        return {}

    def upper_weights(self, rate: float) -> FloatArray:
        """Return v [G, D] such that weight @ v = Pr(p_j > rate)."""
        if rate not in self._upper:
            while len(self._upper) >= RATES:
                del self._upper[next(iter(self._upper))]
            below = self.below(np.array([rate]), np.arange(self.line.size))[0]
            self._upper[rate] = np.ascontiguousarray(1 - below.T)
        return self._upper[rate]

    def below(self, rates: FloatArray, nodes: IntArray) -> FloatArray:
        """Return v [C, D, G'], for some of the nodes, such that v @ weight = Pr(p_j <= each of the rates)."""
        z = cuts(self.model, rates)
        below = self.line.below(z, nodes)
        below = np.where((np.abs(z) == FAR)[..., None], (z > 0)[..., None], below)
        return np.where(self.rises[:, None], below, 1 - below)


@remembered(MOST_BYTES)
def grid(model: Model, patients: int, fineness: Fineness = ALL_DIGITS) -> Grid | None:
    """Return the nodes for tallies of up to `patients` patients; None if they are too many."""
    z = np.linspace(-FAR, FAR, 4001)
    log_p = np.ascontiguousarray(log_rates(model, z).T)  # rows of few doses take longer
    log_q = log_complement(log_p)
    with np.errstate(over="ignore", invalid="ignore"):
        slope = np.gradient(log_p, z, axis=1)
        information = float((slope**2 * np.exp(log_p - log_q)).max())
    if not np.isfinite(information):
        return None
    step = float(1 / (fineness.steps * np.sqrt(1 + patients * information)))
    extremes = np.concatenate([patients * log_p, patients * log_q, np.zeros((1, len(z)))]) - z**2 / 2
    inside = z[(extremes > extremes.max(axis=1, keepdims=True) - fineness.negligible).any(axis=0)]
    first, last = int(np.floor(inside[0] / step)), int(np.ceil(inside[-1] / step))
    line = Line(first * step, step, last - first + 1)
    if line.size > LARGEST:
        return None
    log_p = log_rates(model, line.nodes)
    log_prior = -(line.nodes**2) / 2 - np.log(2 * np.pi) / 2 + np.log(step)
    prior = model.prior()
    parameter = np.asarray(prior.parameter(prior.theta(line.nodes[:, None])[:, 0]))
    return Grid(model, line, log_prior, log_p, log_complement(log_p), np.exp(log_p), parameter, rising(model))
