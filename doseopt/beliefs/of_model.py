"""A model's prior, or its posterior after data, as weighted scenarios."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial

import numpy as np

from doseopt.beliefs import Belief, belief_of_rates
from doseopt.beliefs.points import Independent, InOrder, Points
from doseopt.beliefs.split import Right, jumps, kinks, legendre
from doseopt.core.parameters import Fault, Faults
from doseopt.core.state import BoolArray, FloatArray, IntArray
from doseopt.models.base import GammaPrior
from doseopt.models.beta import BetaBinomial
from doseopt.models.curves import Empiric, ModelAverage, OneParameterLogistic, TwoParameterCurve
from doseopt.models.external import RobustPrior
from doseopt.models.kinds import PlainCurve, PosteriorCurve, describe_model
from doseopt.models.monotone import Monotone
from doseopt.models.quadrature import posterior_after
from doseopt.models.quadrature.mixed import MixedPosterior

type Curve = Empiric | OneParameterLogistic | TwoParameterCurve
type Tally = tuple[tuple[float, ...], IntArray, IntArray]
type Law = Callable[[int], tuple[FloatArray, FloatArray]]
"""One of `RULES` -> scenarios, [R, D], and their weights but for a constant; 0 of none of them."""

REACH = 6.0
"""Prior standard deviations on either side of the mean that the nodes cover."""
SCAN, LINES = np.linspace(-REACH, REACH, 481), np.linspace(-REACH, REACH, 49)
"""Where, along the inner and the outer parameter, jumps and the reach of the posterior are looked for."""
NODES = {1: (280, 0), 2: (32, 44)}
"""By the number of parameters: nodes over the reach of the posterior, along the inner parameter and the outer one."""
LEAST = 3
"""Further nodes in each piece that the reach is cut into."""
RULES = (0.4, 0.6, 1.0, 1.6, 2.5)
"""Finer and finer: by what the numbers of nodes are multiplied; points of independent doses four times as many each."""
LEFT_OUT = (1e-5, 1e-6, 0, 0, 0)
"""Weight that each rule leaves out, that of its lightest nodes: far below a step of what is printed, 1e-3."""
COARSE, FINE = 0, 1
"""Fineness to begin with where averages are refined until their error is small enough, and where they may not be."""
LOG_ZERO = -1e250
NEGLIGIBLE = 1e-12
"""Weights, relative to the largest, that are left out by all rules."""


def belief_of_model(
    model: PosteriorCurve,
    n: IntArray | None = None,
    y: IntArray | None = None,
    right: Right | None = None,
    at: Tally | None = None,
    target: float | None = None,
    fineness: int = FINE,
    kinked: Sequence[Right] | None = None,
) -> Belief:
    """Return a model's prior or posterior as weighted scenarios.

    Curves with parameters: Gauss-Legendre in pieces of the first parameter (given the second, if there is one), so cut
    that what is right changes between pieces only, and in pieces of the second, cut where the order of these changes.
    Independent doses: points of Sobol's sequence, mapped through the Beta distribution of each dose. Rates in order:
    such points, mapped dose by dose through the mixture of beta distributions that each has given the one before.

    Parameters
    ----------
    model : a model of `models.curves`, BetaBinomial or Monotone
    n, y : int array [D], optional
        Data: patients and DLTs at each dose.
    right : function of float array [R, D] to bool array [R, D], optional
        Which doses are right by their DLT rates, so that means of what jumps there are as accurate as other means.
    at : (doses, n, y), optional
        Data by the doses that patients were given, in place of `n` and `y`; TwoParameterCurve only, others ignore
        it.
    target : float, optional
        Cut where a rate passes it, too: its distance from the target, of which the accuracy index is made, has a kink
        there, and what counts as an overdose may change.
    fineness : int
        Of the rules by which it is integrated, 0 to 3.
    kinked : sequence of such functions, optional
        Parts of `right` of which the second parameter is cut where their doses come in another order; all of `right`
        when left out. What one part says has no kink where two others change places.

    Returns
    -------
    Belief
        With the weights of a coarser rule, and finer ones. For tallies of up to 36 patients, probabilities that a dose
        is right, and means of polynomials of the rates where it is, against rules three times as fine in each
        parameter, from `FINE`: one parameter 1e-9, two parameters 1e-8 with the default prior and 1e-5 with its sds
        doubled. Independent doses: means within 1e-3, probabilities that a dose is right within 0.005.
    """
    none = np.zeros(model.doses, np.int64)
    patients, dlts = (none if part is None else np.asarray(part) for part in (n, y))
    judged = _Judged(right, target, ((right,) if right is not None else ()) if kinked is None else tuple(kinked))
    after = f", {_after(patients, dlts)}" if patients.any() else ""
    return _by_rules(_law(model, patients, dlts, at, judged), describe_model(model) + after, fineness)


def _by_rules(law: Law, source: str, fineness: int) -> Belief:
    """Return a belief by one of `RULES`, and the next coarser one."""
    (fine, mass), (coarse, other) = law(fineness + 1), law(fineness)
    weight, check = np.concatenate([mass, np.zeros(len(other))]), np.concatenate([np.zeros(len(mass)), other])
    belief = belief_of_rates(np.concatenate([fine, coarse]), weight, source)
    finer = partial(_by_rules, law, source, fineness + 1) if fineness + 2 < len(RULES) else None
    return dataclasses.replace(belief, check=check, finer=finer)


def _law(model: PosteriorCurve, n: IntArray, y: IntArray, at: Tally | None, judged: _Judged) -> Law:
    """Return what makes the scenarios of each of `RULES`, and their weights; each once, as two beliefs ask for it."""
    if isinstance(model, RobustPrior):
        return _of_both(model, n, y, at, judged)
    curves, chances = (model.models, model.weights) if isinstance(model, ModelAverage) else ((model,), (1.0,))
    return cache(partial(_rule, [_part(curve, n, y, at, judged) for curve in curves], chances))


def _of_both(model: RobustPrior[PlainCurve], n: IntArray, y: IntArray, at: Tally | None, judged: _Judged) -> Law:
    """Return the law under both parts of a prior that is a mixture, by the posterior probability of each part."""
    given, patients, dlts = (None, n, y) if at is None else at
    both = posterior_after(model, patients, dlts, given)
    share = both.share[0] if isinstance(both, MixedPosterior) else np.ones(1)
    more, hit = np.array(model.external.n), np.array(model.external.y)
    curve = model.curve
    if at is not None and isinstance(curve, TwoParameterCurve):
        joint = (*curve.values, *at[0]), np.concatenate([more, at[1]]), np.concatenate([hit, at[2]])
    else:
        joint = None
    laws = _law(curve, n + more, y + hit, joint, judged), _law(curve, n, y, at, judged)

    def law(k: int) -> tuple[FloatArray, FloatArray]:
        each = [part(k) for part in laws]
        weights = [part * weight / weight.sum() for part, (_, weight) in zip(share, each, strict=True)]
        return np.concatenate([rates for rates, _ in each]), np.concatenate(weights)

    return law


def _part(
    curve: Curve | BetaBinomial | Monotone, n: IntArray, y: IntArray, at: Tally | None, judged: _Judged
) -> Points | _Posterior:
    if isinstance(curve, BetaBinomial):
        return Independent(curve, n, y)
    return InOrder(curve, n, y) if isinstance(curve, Monotone) else _Posterior(curve, n, y, at, judged)


def _rule(parts: Sequence[Points | _Posterior], chances: Sequence[float], k: int) -> tuple[FloatArray, FloatArray]:
    """Return the scenarios of one of `RULES`, [R, D], and their weights but for a constant."""
    each = [part.nodes(k) for part in parts]
    log_weight = np.concatenate([part[1] + np.log(c) for part, c in zip(each, chances, strict=True)])
    weight = np.exp(log_weight - log_weight.max())
    order = np.argsort(weight)
    left_out = np.cumsum(weight[order]) <= LEFT_OUT[k] * weight.sum()
    kept = np.sort(order[~left_out & (weight[order] > NEGLIGIBLE)])
    return np.concatenate([part[0] for part in each])[kept], weight[kept]


def updated(belief: Belief, n: IntArray, y: IntArray) -> Belief:
    """Return a belief after data, by Bayes' rule: patients have DLTs at `p_observed`.

    Parameters
    ----------
    belief : Belief
    n, y : int array [D]
        Patients and DLTs at each dose.

    Raises
    ------
    Faults
        If the data are impossible in every scenario that has weight.
    """
    p = belief.p_observed
    likelihood = np.prod(p**y * (1 - p) ** (n - y), axis=1)
    weight = belief.weights * likelihood
    check = None if belief.check is None else belief.check * likelihood
    if not weight.sum() > 0:
        data = f"n = {n.tolist()} patients and y = {y.tolist()} DLTs by dose"
        raise Faults([Fault("belief", f"every scenario gives these data probability 0: {data}")])
    source = f"{belief.source}, {_after(n, y)}"
    finer = None if belief.finer is None else partial(_finer_updated, belief.finer, n, y)
    return dataclasses.replace(belief, weight=weight, source=source, check=check, finer=finer)


def _finer_updated(finer: Callable[[], Belief], n: IntArray, y: IntArray) -> Belief:
    return updated(finer(), n, y)


def _after(n: IntArray, y: IntArray) -> str:
    patients, dlts = int(n.sum()), int(y.sum())
    return f"after {dlts} DLT{'s' * (dlts != 1)} in {patients} patient{'s' * (patients != 1)}"


@dataclass(frozen=True)
class _Judged:
    """Where means jump or have a kink: which doses are right, and which rates are above the target."""

    right: Right | None
    target: float | None
    kinked: tuple[Right, ...]

    def __call__(self, p: FloatArray) -> BoolArray:
        """Return what changes there, of rates [R, D]."""
        parts = [] if self.right is None else [self.right(p)]
        parts += [] if self.target is None else [p > self.target]
        return np.concatenate(parts, axis=1) if parts else np.zeros((len(p), 0), bool)


@dataclass(frozen=True)
class _Posterior:
    """A posterior along lines of its first parameter, the inner one, given the second, the outer one, if there is one.

    z = (inner, outer) are standard normal under the prior.
    """

    curve: Curve
    n: IntArray
    y: IntArray
    at: Tally | None
    judged: _Judged

    @cached_property
    def theta(self) -> Callable[[FloatArray], FloatArray]:
        """What turns z into the parameters; the second does not depend on the inner z."""
        prior = self.curve.prior()
        if isinstance(prior, GammaPrior):
            return prior.theta
        root, mean = np.linalg.cholesky(np.array(prior.cov)[::-1, ::-1])[::-1, ::-1], np.array(prior.mean)
        return lambda z: np.asarray(z @ root.T + mean)

    def rates(self, z: FloatArray) -> FloatArray:
        """Return DLT rates, [..., P] -> [..., D]."""
        return np.asarray(np.exp(self.curve.log_dlt_rate(self.theta(z), np)))

    def log_density(self, z: FloatArray) -> FloatArray:
        """Return log prior plus log likelihood but for a constant, [..., P] -> [...]."""
        curve, n, y = self.curve, self.n, self.y
        if self.at is not None and isinstance(curve, TwoParameterCurve):
            curve, n, y = curve.at(self.at[0]), self.at[1], self.at[2]
        log_p = np.asarray(curve.log_dlt_rate(self.theta(z), np))
        with np.errstate(divide="ignore"):
            log_q = np.log(-np.expm1(np.minimum(log_p, 0.0)))
        # a log of 0 that is finite, so that 0 times it is 0
        seen = y * np.maximum(log_p, LOG_ZERO) + (n - y) * np.maximum(log_q, LOG_ZERO)
        return np.asarray(seen.sum(axis=-1) - (z**2).sum(axis=-1) / 2)

    def nodes(self, k: int) -> tuple[FloatArray, FloatArray]:
        """Return DLT rates [G, D] and log weights [G]."""
        along, across = NODES[len(self.curve.prior().names)]
        outer, share = np.empty((1, 0)), np.ones(1)
        if across:
            ends = _ends(LINES, self._reached(LINES[:, None]).any(axis=1))
            places, share = _gauss(*ends, self._kinks, across, RULES[k])
            outer = places[:, None]
        reached = self._reached(outer)
        line, jump = jumps(lambda i, inner: self.judged(self.rates(_joined(inner, outer[i]))), len(outer), SCAN)
        z, weight = [], []
        for i in np.flatnonzero(reached.any(axis=1)):
            inner, part = _gauss(*_ends(SCAN, reached[i]), jump[line == i], along, RULES[k])
            z.append(_joined(inner, outer[i]))
            weight.append(share[i] * part)
        nodes = np.concatenate(z)
        return self.rates(nodes), self.log_density(nodes) + np.log(np.concatenate(weight))

    def _reached(self, outer: FloatArray) -> BoolArray:
        """Return where on lines the density is not negligible, [L, P - 1] -> [L, len(SCAN)]."""
        scanned = self.log_density(_joined(SCAN, outer[:, None]))
        return np.asarray(scanned > scanned.max() + np.log(NEGLIGIBLE))

    @cached_property
    def _kinks(self) -> list[float]:
        """Where, along the outer parameter, the doses that are right come in another order."""
        found = (kinks(lambda z, part=part: part(self.rates(z))) for part in self.judged.kinked)  # type: ignore[misc]
        return [place for each in found for place in each]


def _ends(scan: FloatArray, reached: BoolArray) -> tuple[float, float]:
    """Return the first and the last place that is reached, and a step more."""
    inside = np.flatnonzero(reached)
    return float(scan[max(inside[0] - 1, 0)]), float(scan[min(inside[-1] + 1, len(scan) - 1)])


def _gauss(
    low: float, high: float, cuts: Sequence[float] | FloatArray, nodes: int, scale: float
) -> tuple[FloatArray, FloatArray]:
    """Return the Gauss-Legendre rules of the pieces between cuts, more nodes in wider ones."""
    edges = np.unique([low, *np.clip(cuts, low, high), high])
    rules = [legendre(math.ceil(scale * (LEAST + nodes * width / (high - low)))) for width in np.diff(edges)]
    half = np.diff(edges) / 2
    x = [start + h * (1 + rule[0]) for start, h, rule in zip(edges[:-1], half, rules, strict=True)]
    return np.concatenate(x), np.concatenate([h * rule[1] for h, rule in zip(half, rules, strict=True)])


def _joined(inner: FloatArray, outer: FloatArray) -> FloatArray:
    """Return z, [..., P], of inner [...] and outer [..., P - 1]."""
    inner = inner[..., None]
    shape = np.broadcast_shapes(inner.shape[:-1], outer.shape[:-1])
    parts = [np.broadcast_to(part, (*shape, part.shape[-1])) for part in (inner, outer)]
    return np.concatenate(parts, axis=-1)
