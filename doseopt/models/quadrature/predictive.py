"""Prior predictive probabilities of the DLTs seen: of their total, and at each dose.

Given the parameters the DLTs at each dose are binomial and independent, so the distribution of their total follows by a
recursion over the doses, a convolution each; it is averaged over the prior at the nodes of a rule. The work grows with
the patients and not with the number of tallies that they could have.

The rule is the trapezoid rule in standardised parameters, whose error falls off exponentially for integrands as smooth
as these. Of two parameters, log a is the inner one, given log b. In it the probabilities are polynomials of degree N in
logistic functions: analytic up to a distance of pi from the real line, and at distance t no larger than exp(N t^2 / 8).
So the error with step h is about exp(-8 pi^2 / (N h^2)), that of the pole exp(-2 pi^2 / h), and that of the normal
density, with step h of z, exp(-2 pi^2 / h^2). The step of the outer parameter is halved until nothing changes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import betaln, gammaln

from doseopt.core.state import FloatArray, IntArray
from doseopt.models.base import GammaPrior, Model
from doseopt.models.beta import BetaBinomial
from doseopt.models.curves import ModelAverage
from doseopt.models.external import RobustPrior
from doseopt.models.kinds import Judge, PlainCurve
from doseopt.models.likelihood import log_likelihood
from doseopt.models.monotone import Monotone
from doseopt.models.populations import TwoPopulations
from doseopt.models.quadrature import posterior_after
from doseopt.models.quadrature.ordered import OrderedQuadrature

EXPONENT = 23.0
"""The error of the inner rule and the prior mass beyond the nodes are about exp(-23), 1e-10."""
RADIUS = math.sqrt(2 * EXPONENT)
"""Prior standard deviations that the nodes reach."""
COARSEST, FINEST, ENOUGH = 1 / 4, 1 / 2**14, 1e-6
"""Steps of the outer parameter, and the change at which halving ends; the error is then about its square."""
ROOM = 2**16
"""Numbers in the largest array of the recursion, so that it stays in the processor's cache."""


TAUS = 9
"""Gauss-Hermite nodes of log tau, the spread between two populations."""


class Seen(NamedTuple):
    """Patients and DLTs at each dose, [D], that the prior is updated by, and their log marginal likelihood."""

    n: IntArray
    y: IntArray
    log_evidence: float


class Tails(NamedTuple):
    """Two-sided tail probabilities: twice the smaller of as many DLTs or more, and of as many or fewer; at most 1.

    Parameters
    ----------
    total : float
        Of all DLTs; nan without patients.
    doses : float array [D]
        Of the DLTs at each dose; nan at doses without patients.
    """

    total: float
    doses: FloatArray


def prior_tails(
    model: Judge,
    n: IntArray,
    y: IntArray,
) -> Tails:
    """Return the prior predictive tail probabilities of y DLTs in n patients at each dose, [D]; of one population.

    A small value says that data and prior disagree.

    References
    ----------
    Box 1980, JRSS-A 143:383.
    """
    tried = n > 0
    doses, nothing = np.full(len(n), np.nan), Seen(np.zeros_like(n), np.zeros_like(y), 0.0)
    if not tried.any():
        return Tails(np.nan, doses)
    if isinstance(model, RobustPrior):
        weight, more, dlts = model.external.weight, np.array(model.external.n), np.array(model.external.y)
        seen = Seen(more, dlts, float(posterior_after(model.curve, more, dlts).log_marginal()[0]))
        below, here = weight * _law(model.curve, n, y, seen) + (1 - weight) * _law(model.curve, n, y, nothing)
    else:
        below, here = _law(model, n, y, nothing)
    tails = np.clip(2 * np.minimum(below, 1 - below + here), 0, 1)
    doses[tried] = tails[1:]
    return Tails(float(tails[0]), doses)


def _law(model: PlainCurve | TwoPopulations, n: IntArray, y: IntArray, seen: Seen) -> FloatArray:
    """Return `_probabilities` averaged over the prior as updated by what was seen before, [2, 1 + K]."""
    tried = n > 0
    if isinstance(model, BetaBinomial):
        a = np.asarray(model.a + seen.y[tried], np.float64)
        b = np.asarray(model.b + (seen.n - seen.y)[tried], np.float64)
        return np.asarray(_probabilities(_beta_binomial(a, b, n[tried], y[tried]), y[tried])[..., 0])
    if isinstance(model, TwoPopulations):
        nodes, weights = np.polynomial.hermite_e.hermegauss(TAUS)
        taus = model.between * np.exp(model.between_log_sd * nodes)
        parts = [_averaged(model.given(tau), n, y, seen) for tau in taus.tolist()]
        return np.asarray(np.tensordot(weights / weights.sum(), parts, 1))
    if isinstance(model, Monotone):
        return _in_order(model, n, y, seen)
    if isinstance(model, ModelAverage):
        each = [weight * _averaged(one, n, y, seen) for one, weight in zip(model.models, model.weights, strict=True)]
        return np.asarray(np.sum(each, axis=0))
    return _averaged(model, n, y, seen)


def _averaged(model: Model, n: IntArray, y: IntArray, seen: Seen) -> FloatArray:
    """Return `_law` of a model with one or two parameters."""
    step, reach = COARSEST, math.ceil(RADIUS / COARSEST)
    total = step * _at(model, step * np.arange(-reach, reach + 1.0), n, y, seen)
    while step > FINEST:
        step, reach = step / 2, 2 * reach
        finer: FloatArray = total / 2 + step * _at(model, step * np.arange(1.0 - reach, reach, 2), n, y, seen)
        settled = np.abs(finer - total).max() < ENOUGH
        total = finer
        if settled:
            break
    return total


def _at(model: Model, outer: FloatArray, n: IntArray, y: IntArray, seen: Seen) -> FloatArray:
    """Return the sum of `_probabilities` over the nodes at these outer parameters, weighed by the prior, [2, 1 + K]."""
    tried = n > 0
    n, y = n[tried], y[tried]
    chunk = max(1, ROOM // (int(y.sum()) + 1))
    result = np.zeros((2, 1 + len(n)))
    for theta, weight in _nodes(model, outer, int(n.sum() + seen.n.sum())):
        for start in range(0, len(theta), chunk):
            rows = slice(start, start + chunk)
            log_p = np.asarray(model.log_dlt_rate(theta[rows], np))
            before = log_likelihood(log_p, seen.n, seen.y, np).sum(axis=1) - seen.log_evidence
            result += _probabilities(_binomial(log_p[:, tried], n, y), y) @ (weight[rows] * np.exp(before))
    return result


def _nodes(model: Model, outer: FloatArray, patients: int) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Give parameters [G, P] and their weights [G], the step of the outer parameter left out."""
    prior = model.prior()
    density = np.exp(-(outer**2) / 2) / np.sqrt(2 * np.pi)
    if isinstance(prior, GammaPrior) or len(prior.names) == 1:
        yield prior.theta(outer[:, None]), density
        return
    sds = np.sqrt(np.diag(np.array(prior.cov)))
    slope = prior.cov[0][1] / sds[1]
    sd = np.sqrt(prior.cov[0][0] - slope**2)
    finest = max(patients / 8, 0.5 * EXPONENT / np.pi**2) / np.pi**2
    step = 1 / np.sqrt(EXPONENT * (1 / (2 * np.pi**2) + finest * sd**2))
    reach = int(RADIUS / step)
    z = step * np.arange(-reach, reach + 1)
    weight = step * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    for w, share in zip(outer.tolist(), density.tolist(), strict=True):
        inside = z**2 <= RADIUS**2 - w**2
        log_a = prior.mean[0] + slope * w + sd * z[inside]
        log_b = np.full(len(log_a), prior.mean[1] + sds[1] * w)
        yield np.stack([log_a, log_b], axis=1), share * weight[inside]


def _binomial(log_p: FloatArray, n: IntArray, y: IntArray) -> list[FloatArray]:
    """Return for each dose the probabilities of 0, 1, ... DLTs, up to the total seen, [C, G]; log_p [G, K]."""
    found = []
    for j, patients in enumerate(n.tolist()):
        count = np.arange(min(patients, int(y.sum())) + 1)[:, None]
        found.append(np.exp(_log_choose(patients, count) + log_likelihood(log_p[:, j], patients, count, np)))
    return found


def _in_order(model: Monotone, n: IntArray, y: IntArray, seen: Seen) -> FloatArray:
    """Return `_law` of rates in order, in closed form."""
    engine, found = OrderedQuadrature(model), []
    for j in (None, *np.flatnonzero(n > 0)):
        here = n if j is None else np.where(np.arange(len(n)) == j, n, 0)
        law = engine.law_of_total(here, int(y.sum() if j is None else y[j]), (seen.n, seen.y))
        law /= np.exp(seen.log_evidence)
        found.append((law.sum(), law[-1]))
    return np.array(found).T


def _beta_binomial(a: FloatArray, b: FloatArray, n: IntArray, y: IntArray) -> list[FloatArray]:
    """Return the same where the rate of each dose is Beta(a, b), in closed form, [C, 1]."""
    found = []
    for patients, first, second in zip(n.tolist(), a.tolist(), b.tolist(), strict=True):
        count = np.arange(min(patients, int(y.sum())) + 1)[:, None]
        log_m = betaln(first + count, second + patients - count) - betaln(first, second)
        found.append(np.exp(_log_choose(patients, count) + log_m))
    return found


def _log_choose(n: int, k: IntArray) -> FloatArray:
    return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))


def _probabilities(each: Sequence[FloatArray], y: IntArray) -> FloatArray:
    """Return Pr(DLTs <= those seen) and Pr(DLTs = those seen), of the total and then at each dose.

    Parameters
    ----------
    each : sequence of float array [C, G]
        For each dose the probabilities of 0, 1, ... DLTs.
    y : int array [K]

    Returns
    -------
    float array [2, 1 + K, G]
    """
    seen = int(y.sum())
    total = each[0]
    for part in each[1:]:
        longer = np.zeros((min(len(total) + len(part) - 1, seen + 1), part.shape[1]))
        for count, chance in enumerate(part):
            rows = total[: len(longer) - count]
            longer[count : count + len(rows)] += rows * chance
        total = longer
    laws = [(total, seen), *zip(each, y.tolist(), strict=True)]
    return np.stack([[law[: k + 1].sum(axis=0) for law, k in laws], [law[k] for law, k in laws]])
