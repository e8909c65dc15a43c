"""Posteriors of the two-parameter logistic model, deterministic.

eta_j = logit p_j = log a + b x_j with x_j = log(d_j/d*). Prior times likelihood is integrated by the trapezoid rule on
one grid of nodes, which all doses and all tallies of about as many patients share (see ``two_parameter_nodes``), tile
by tile (see ``two_parameter_tiles``); for smooth integrands the rule converges geometrically. Everything asked for is a
linear functional of the density at the nodes: the evidence, E p_j and E p_j^2 directly; Pr(p_j <= c) by sinc indefinite
integration along z (see ``line``),

    Pr(p_j <= c) = sum over nodes of f [1/2 + Si(pi (logit c - eta_j)/(h s))/pi],

as eta_j is a line in z with slope s for every w. So a batch is two products of matrices. For quantiles the density of
eta_j is found at the nodes of a line in the same way.

Each tally's error is bounded by what rules with twice the step would change: along z by the characteristic functions of
the eta_j at the highest frequency that the nodes tell apart, and along w by the weights with alternating signs, by
themselves and times the characteristic functions at lower frequencies. Where a bound is too large the nodes of more
patients, which lie closer, are tried; where it still is, and where the prior is so wide that the nodes would be too
many, the tally is integrated on panels of its own (see ``nested``).
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from doseopt.core.parameters import Fault, Faults
from doseopt.core.state import BoolArray, FloatArray, IntArray
from doseopt.models.curves import TwoParameterLogistic
from doseopt.models.line import Distribution, check_level
from doseopt.models.quadrature import nested
from doseopt.models.quadrature.batch import Batch, Kept, Parts, Values, checked, nominal_size, solved
from doseopt.models.quadrature.nested import NestedPosterior
from doseopt.models.quadrature.two_parameter_nodes import COARSE, FINE, ROUGH, nodes_for
from doseopt.models.quadrature.two_parameter_tiles import Fineness, Nodes

CHUNK = 32
"""Tallies with panels of their own at a time."""
FINER, FEW_ENOUGH = 2, (250_000, 100_000)
"""Tallies that need closer nodes get those of so many times their patients, and of so many times these again, if the
nodes before are not more than so many: the first time, and the second."""
OWN, OWN_DOSE = 1_000_000, 130_000
"""Nodes that take as long as a tally that gets panels of its own, about, and as each of its doses."""
RIGHT = 1e-9
"""Bound of the errors of a tally that needs no closer nodes."""
MANY = 256
"""Tallies for whose means nodes of their own are made: after fewer the posteriors themselves are asked for beside."""
BESIDE = 24.0
"""Log density below the peak that is left out for quantiles: exp(-24) = 4e-11."""
LINES = 1 << 13
"""Tallies whose quantiles are looked for at a time."""


@dataclass(frozen=True, eq=False)
class NodesPosterior:
    """Posterior of the DLT rate at each dose after U distinct tallies.

    Parameters
    ----------
    nodes : Nodes
    tallies : float array [U, 2 K + 1]
        As ``Nodes.integrals`` takes them.
    total : float array [U]
        Integral of the density, relative to its peak.
    average, square : float array [U, D]
        E p and E p^2.
    log_evidence : float array [U]
    """

    nodes: Nodes
    tallies: FloatArray
    total: FloatArray
    average: FloatArray
    square: FloatArray
    log_evidence: FloatArray

    def mean(self) -> FloatArray:
        """Return the posterior mean DLT rate, [U, D]."""
        return self.average

    def sd(self) -> FloatArray:
        """Return the posterior standard deviation of the DLT rate, [U, D]."""
        return np.sqrt(np.maximum(self.square - self.average**2, 0))

    def prob(self, low: float, high: float = 1.0) -> FloatArray:
        """Return Pr(low < rate <= high), [U, D]."""
        inside = [rate for rate in (low, high) if 0 < rate < 1]
        at_most = dict(zip(inside, np.moveaxis(self.below(np.array(inside)), 1, 0), strict=True))
        first, last = (at_most.get(rate, np.full(self.average.shape, float(rate >= 1))) for rate in (low, high))
        return np.asarray(np.clip(last - first, 0, 1))

    def below(self, rates: FloatArray) -> FloatArray:
        """Return Pr(rate <= each of the rates), [U, C, D]."""
        shape = (len(self.tallies), len(rates), self.average.shape[1])
        if not len(rates):
            return np.empty(shape)
        found, _ = self.nodes.integrals(self.tallies, self.nodes.below(rates), shape[1] * shape[2])
        found /= self.total[:, None]
        return np.clip(found, 0, 1, out=found).reshape(shape)

    def quantile(self, q: float) -> FloatArray:
        """Return the DLT rate below which the posterior puts probability q, [U, D]."""
        level, rates = check_level(q), np.empty(self.average.shape)
        for rows, distributions in self._lines if len(self.tallies) <= LINES else self._by_line():
            for j, distribution in enumerate(distributions):
                rates[rows, j] = expit(self.nodes.stretch.eta(distribution.quantile(level)))
        return rates

    @functools.cached_property
    def _lines(self) -> list[tuple[slice, list[Distribution]]]:
        return list(self._by_line())

    def _by_line(self) -> Iterator[tuple[slice, list[Distribution]]]:
        """Give for some of the tallies at a time the distributions of the stretched logits of each dose's rate."""
        lines = self.nodes.lines
        for start in range(0, len(self.tallies), LINES):
            rows = slice(start, start + LINES)
            weights = (weight / self.total[rows, None] for weight in self.nodes.on_lines(self.tallies[rows], BESIDE))
            yield rows, [line.line.distribution(weight) for line, weight in zip(lines, weights, strict=True)]

    def log_marginal(self) -> FloatArray:
        """Return the log marginal likelihood without binomial coefficients, [U]."""
        return self.log_evidence


type Part = NodesPosterior | NestedPosterior


def solve(
    model: TwoParameterLogistic, at: Values, patients: int, n: IntArray, y: IntArray, closer: int = 0
) -> Parts[Part]:
    """Return the posteriors after tallies [U, K], of at most so many patients, at the K doses `at`."""
    nodes = nodes_for(model, at, patients, FINE)
    if nodes is None:
        return _on_panels(model, at, n, y)

    def careful(rows: IntArray) -> Parts[Part]:
        if nodes.sign.size <= max(FEW_ENOUGH[closer:], default=0):
            return solve(model, at, FINER * patients, n[rows], y[rows], closer + 1)
        return _on_panels(model, at, n[rows], y[rows])

    tallies = _tallies(n, y)
    found = nodes.answers(tallies)
    whole = (tallies, found.total, found.average, found.square, found.log_evidence)

    def quick(rows: BoolArray) -> Part:
        return NodesPosterior(nodes, *(whole if rows.all() else (part[rows] for part in whole)))

    return checked(found.off_below < RIGHT, quick, careful)


def _tallies(n: IntArray, y: IntArray) -> FloatArray:
    """Return tallies as ``Nodes.integrals`` takes them."""
    return np.column_stack([y, n - y, np.ones(len(n))])


def _on_panels(model: TwoParameterLogistic, at: Values, n: IntArray, y: IntArray) -> Parts[Part]:
    """Return the posteriors after tallies [U, K], each with panels of its own."""
    pieces = np.array_split(np.arange(len(n)), -(-len(n) // CHUNK))
    return [(rows, nested.solve(model, at, n[rows], y[rows])) for rows in pieces]


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

    def roughly(
        self, n: IntArray, y: IntArray, rates: FloatArray, fineness: Fineness
    ) -> Iterator[tuple[IntArray, FloatArray, FloatArray]]:
        """Yield Pr(rate <= each of some rates), and bounds of errors, for those of distinct tallies that have nodes.

        Parameters
        ----------
        n, y : int array [U, D]
            Patients and DLTs at each dose of the model.
        rates : float array [C]
        fineness : Fineness

        Yields
        ------
        rows : int array [V]
        below : float array [V, C, D]
        off : float array [V]
        """
        for rows, nodes in self._with_nodes(n, fineness):
            yield rows, *nodes.roughly_below(_tallies(n[rows], y[rows]), rates)

    def _with_nodes(self, n: IntArray, fineness: Fineness) -> Iterator[tuple[IntArray, Nodes]]:
        """Yield which of some tallies have the same nodes, and these."""
        at, sizes = tuple(map(float, self.model.values)), nominal_size(n.sum(axis=1))
        for size in np.unique(sizes).tolist():
            nodes = nodes_for(self.model, at, size, fineness)
            if nodes is not None:
                yield np.flatnonzero(sizes == size), nodes

    def mean(self, n: IntArray, y: IntArray) -> FloatArray:
        """Return the posterior mean DLT rates alone, which need fewer nodes, after distinct tallies, [U, D]."""
        mean, rest = np.zeros(n.shape), np.ones(len(n), bool)
        for rows, nodes in self._with_nodes(n, COARSE) if len(n) >= MANY else ():
            found = nodes.answers(_tallies(n[rows], y[rows]))
            mean[rows], rest[rows] = found.average, found.off > RIGHT
        if rest.any():
            mean[rest] = self.posterior(n[rest], y[rest]).mean()
        return mean

    def nodes(self, patients: int) -> int:
        """Return how many nodes are visited for a tally of so many patients, about."""
        at, size = tuple(map(float, self.model.values)), int(nominal_size(np.array(patients)))
        nodes = nodes_for(self.model, at, size, ROUGH)
        return OWN + OWN_DOSE * self.model.doses if nodes is None else nodes.visited
