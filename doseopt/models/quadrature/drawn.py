"""Independent draws of the parameters from a posterior by quadrature: distribution functions turned round.

A parameter is drawn where its distribution function, resolved on panels, has a uniform number. Of two parameters w is
drawn first, from the integrals along z that the panels carry, and then z given w, from the line that is resolved there.
Draws of a hazard model, and of two populations, are those of the prior, accepted as often as the likelihood says.
Nothing is rounded to the nodes, no draw depends on another, and no draw is repeated or weighted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.special import logit

from doseopt.core.parameters import Fault, Faults
from doseopt.core.state import FloatArray, IntArray
from doseopt.models.beta import BetaBinomial
from doseopt.models.cloglog import TwoParameterCloglog
from doseopt.models.curves import ModelAverage, TwoParameterLogistic
from doseopt.models.external import RobustPrior
from doseopt.models.kinds import PosteriorCurve
from doseopt.models.monotone import Monotone
from doseopt.models.quadrature import Parts, Plain, fitted, hazard, nested, quadrature, tallies_of
from doseopt.models.quadrature.batch import Values
from doseopt.models.quadrature.fitted import FittedPosterior
from doseopt.models.quadrature.mixed import MixedPosterior
from doseopt.models.quadrature.nested import NestedPosterior
from doseopt.models.quadrature.ordered import OrderedQuadrature
from doseopt.models.quadrature.panels import ORDER, TO_COEFFICIENTS, TO_INTEGRAL, integral_of
from doseopt.models.quadrature.whitened import Lines, lines
from doseopt.models.root import root
from doseopt.models.stick import log_gamma

PIECE, MOST = 50_000, 10_000_000
"""Proposals from a prior at a time, and in all."""

type Drawn = tuple[FloatArray, float]
"""Draws of the parameters, [N, P], and the log marginal likelihood of the patients in their order."""


def draw(
    model: PosteriorCurve,
    n: IntArray,
    y: IntArray,
    size: int,
    rng: np.random.Generator,
    at: Values | None = None,
    weights: Sequence[Sequence[float]] = (),
    struck: Sequence[Sequence[float]] = (),
) -> Drawn:
    """Draw the parameters from their posterior after one tally.

    Parameters
    ----------
    model : Model, ModelAverage, BetaBinomial, Monotone or RobustPrior
        One with a posterior by quadrature.
    n, y : int array [K]
        Patients and DLTs at each dose with data.
    size : int
        N, the number of draws.
    rng : numpy.random.Generator
    at : tuple of float [K]
        The doses with data of a two-parameter logistic model, in its unit; the model's own unless given.
    weights, struck : sequence of sequence of float, optional
        As in `posterior_after`.

    Returns
    -------
    theta : float array [N, P]
        Of a one-parameter model b; of the two-parameter logistic model (log a, log b); of independent doses the logits
        of the rates, of rates in order of the shares v; of a model average its mixture over the models of what they
        share: b, or where their priors differ the standardised b.
    log_marginal : float
        Of the patients in their order.
    """
    if isinstance(model, RobustPrior) or any(weights) or any(struck):
        return _mixture(tallies_of(model, n, y, at, weights, struck), size, rng)
    return _draw(model, n, y, size, rng, at)


def _mixture(parts: Parts, size: int, rng: np.random.Generator) -> Drawn:
    """Draw from each part of a mixture as often as its probability says, in random order."""
    curve, n, y, at, log_weight, timed = parts
    whole = MixedPosterior.of(parts.posterior(), log_weight[None])
    count = rng.multinomial(size, whole.share[0])
    each = [_draw(curve, n[i], y[i], k, rng, at, timed)[0] for i, k in enumerate(count.tolist()) if k]
    return rng.permutation(np.concatenate(each)), float(whole.log_evidence[0])


def _draw(
    model: Plain,
    n: IntArray,
    y: IntArray,
    size: int,
    rng: np.random.Generator,
    at: Values | None,
    timed: IntArray | None = None,
) -> Drawn:
    if isinstance(model, Monotone):
        engine = OrderedQuadrature(model)
        rates = engine.points(n, y, rng.random((size, 2 * model.doses)))
        before = np.column_stack([np.zeros(size), rates[:, :-1]])
        share = np.clip((rates - before) / (1 - before), 1e-300, 1 - 2.0**-53)
        return logit(share), float(engine.posterior(n[None], y[None]).log_marginal()[0])
    n, y = np.atleast_2d(n, y)
    if isinstance(model, TwoParameterLogistic):
        found = nested.solve(model, model.values if at is None else at, n, y)
        return _pairs(found, model, size, rng), float(found.log_marginal()[0])
    if isinstance(model, TwoParameterCloglog):
        return _hazards(model, n, y, size, rng, at, np.zeros_like(n[0]) if timed is None else timed)
    if isinstance(model, ModelAverage):
        return _average(model, n, y, size, rng)
    if isinstance(model, BetaBinomial):
        posterior = model.posterior(n, y)
        logits = log_gamma(rng, posterior.alpha[0], size) - log_gamma(rng, posterior.beta[0], size)
        return logits, float(posterior.log_marginal()[0])
    quadrature(model)  # refuses a model that is to be sampled
    one = fitted.solve(model, n, y)
    return model.prior().theta(_one(one, rng.random(size))[:, None]), float(one.log_marginal()[0])


def _hazards(
    model: TwoParameterCloglog,
    n: IntArray,
    y: IntArray,
    size: int,
    rng: np.random.Generator,
    at: Values | None,
    timed: IntArray,
) -> Drawn:
    """Draw (log a, log b) of log hazards, [N, 2], after the only tally."""
    from scipy.optimize import minimize_scalar  # slow to import, and few models need it

    prior, with_data = model.prior(), model if at is None else model.at(at)

    def likelihood(eta: FloatArray) -> FloatArray:
        return hazard.log_likelihood(eta, n[0], y[0], timed).sum(axis=-1)

    def least(eta: float, *tally: float) -> float:
        return -float(hazard.log_likelihood(np.asarray(eta), *tally))

    each = [tuple(map(float, tally)) for tally in zip(n[0], y[0], timed, strict=True)]
    highest = -sum(float(minimize_scalar(least, args=tally, bounds=(-40, 10)).fun) for tally in each)
    theta, _, _ = accepted(
        lambda count: prior.theta(rng.standard_normal((count, 2))),
        lambda theta: likelihood(with_data.eta(theta, np)),
        highest + 1e-6,
        *(size, rng),
    )
    return theta, float(quadrature(model).posterior(n, y, at, timed).log_marginal()[0])


def accepted(
    prior: Callable[[int], FloatArray],
    likelihood: Callable[[FloatArray], FloatArray],
    highest: float,
    size: int,
    rng: np.random.Generator,
) -> tuple[FloatArray, float, float]:
    """Draw by rejection from the prior, given log likelihoods of parameters and the highest that there is.

    Returns
    -------
    theta : float array [size, P]
    log_mean : float
        Logarithm of the mean likelihood of the draws from the prior.
    share : float
        Of them that was accepted.
    """
    kept, count, tried = [], 0, 0
    while count < size:
        if tried >= MOST:
            wanted = (
                f"wanted a prior that the data do not contradict: {MOST:,} draws of it gave {count:,} of the posterior"
            )
            raise Faults([Fault("model", f"{wanted}; sample it by NUTS")])
        theta = prior(PIECE)
        kept.append(theta[np.log(rng.random(PIECE)) < likelihood(theta) - highest])
        count, tried = count + len(kept[-1]), tried + PIECE
    share = count / tried
    return np.concatenate(kept)[:size], highest + float(np.log(share)), share


def _one(posterior: FittedPosterior, level: FloatArray) -> FloatArray:
    """Return the z with Pr(Z <= z) at each level, [N], after the only tally of a posterior."""
    panel, ends = _panel(posterior.before[0], level), posterior.ends[0]
    return _root(posterior.coefficients[0], posterior.before[0], panel, ends[panel], ends[panel + 1], level)


def _panel(before: FloatArray, level: FloatArray) -> IntArray:
    """Return the panel in which a distribution function passes each level."""
    return np.clip(np.searchsorted(before, level, side="right") - 1, 0, len(before) - 2)


def _root(
    coefficients: FloatArray, before: FloatArray, panel: IntArray, low: FloatArray, high: FloatArray, level: FloatArray
) -> FloatArray:
    """Return where a distribution function on panels has each level, [N]."""
    integrals, width = TO_INTEGRAL @ coefficients.T, np.where(high > low, high - low, 1.0)

    def off(t: FloatArray) -> FloatArray:
        return before[panel] + integral_of(integrals, panel, 2 * (t - low) / width - 1) - level

    return root(off, low, high)


def _pairs(posterior: NestedPosterior, model: TwoParameterLogistic, size: int, rng: np.random.Generator) -> FloatArray:
    """Draw (log a, log b), [N, 2], after the only tally of a posterior."""
    tallies, panels, top = posterior.tallies, posterior.panels, posterior.top
    along = np.zeros(panels.nodes.size)
    for rows, _, _, mass in lines(tallies, np.repeat(panels.owner, ORDER), panels.nodes.ravel(), top):
        along[rows] = mass.sum(axis=1)
    coefficients = panels.half[:, None] * (along.reshape(-1, ORDER) @ TO_COEFFICIENTS)
    before = np.concatenate([[0.0], np.cumsum(2 * coefficients[:, 0])])
    coefficients, before = coefficients / before[-1], before / before[-1]
    level, given = rng.random((2, size))
    panel = _panel(before, level)
    w = _root(coefficients, before, panel, panels.low[panel], panels.high[panel], level)
    z = np.empty(size)
    for rows, line, _, mass in lines(tallies, np.zeros(size, np.int64), w, top):
        z[rows] = _on_lines(line, given[rows] * mass.sum(axis=1))
    log_b = tallies.m_b + tallies.s_b * w
    return np.stack([tallies.m_a + tallies.slope * w + tallies.s * z, log_b], axis=1)


def _on_lines(line: Lines, wanted: FloatArray) -> FloatArray:
    """Return the z up to which the integral along each line is what is wanted, [L]."""

    def off(z: FloatArray) -> FloatArray:
        return line.up_to(z[:, None])[:, 0] - wanted

    return root(off, line.low, line.high)


def _average(model: ModelAverage, n: IntArray, y: IntArray, size: int, rng: np.random.Generator) -> Drawn:
    """Draw what the models of an average share, each as often as its probability says."""
    parts = [fitted.solve(one, n, y) for one in model.models]
    log_joint = np.array([part.log_marginal()[0] for part in parts]) + np.log(model.weights)
    log_marginal = float(np.logaddexp.reduce(log_joint))
    which = rng.choice(len(parts), size, p=np.exp(log_joint - log_marginal))
    level, shared, theta = rng.random(size), len({one.prior() for one in model.models}) == 1, np.empty(size)
    for k, (one, part) in enumerate(zip(model.models, parts, strict=True)):
        z = _one(part, level[which == k])[:, None]
        theta[which == k] = (one.prior().theta(z) if shared else z)[:, 0]
    return theta[:, None], log_marginal
