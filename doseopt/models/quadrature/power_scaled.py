"""Power-scaling sensitivity of DLT rates, without draws: the posteriors under p(theta)^alpha L and p(theta) L^alpha.

A prior of an exponential family to the power alpha is one of the same family: a normal one has its covariance divided
by alpha, Beta(a, b) becomes Beta(1 + alpha (a - 1), 1 + alpha (b - 1)), Gamma(shape, rate) becomes Gamma(1 + alpha
(shape - 1), alpha rate). A likelihood to the power alpha is that of a tally of alpha n and alpha y. So both posteriors
are of a kind that quadrature computes anyhow, and nothing is reweighted that was drawn. How far a posterior moves is
the cumulative Jensen-Shannon distance of its distribution function F from that of the scaled one G,

    CJS(F, G)^2 = sum over (F, G) and (G, F) of [int F log2(2F / (F + G)) dp + (int G - int F) / (2 log 2)],

over int F + int G, the larger of those of F and G and of 1 - F and 1 - G; its slope in log2 alpha at alpha = 1 is the
sensitivity, above 0.05 worth a look. A model average has its models scaled and not their prior probabilities.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from scipy.special import expit, xlogy

from doseopt.core.state import FloatArray, IntArray
from doseopt.models.beta import BetaBinomial
from doseopt.models.curves import Empiric, ModelAverage, OneParameterLogistic, TwoParameterCurve, TwoParameterLogistic
from doseopt.models.kinds import PosteriorCurve
from doseopt.models.populations import TwoPopulations
from doseopt.models.quadrature import lattice, posterior_after
from doseopt.models.quadrature.batch import Values
from doseopt.models.slope import SlopePrior

type Scalable = Empiric | OneParameterLogistic | TwoParameterCurve | ModelAverage | BetaBinomial | TwoPopulations

ALPHAS = (0.99, 1.01)
LOGITS = np.linspace(-16, 16, 161)
"""Where distribution functions are compared: in the logit they are smooth, and the trapezoid rule is exact."""


def with_prior_power(model: Scalable, alpha: float) -> Scalable:
    """Return the model with its prior to the power alpha.

    Raises
    ------
    ValueError
        If that prior is of no such family, or cannot be normalised: Beta(a, b) with a or b at most 1 - 1/alpha.
    """
    if isinstance(model, BetaBinomial):
        a, b = 1 + alpha * (model.a - 1), 1 + alpha * (model.b - 1)
        if min(a, b) <= 0:
            raise ValueError(f"Beta({model.a:g}, {model.b:g}) to the power {alpha:g} has no finite integral")
        return BetaBinomial(model.doses, a, b)
    if isinstance(model, TwoParameterCurve):
        (va, c), (_, vb) = model.cov
        return dataclasses.replace(model, cov=((va / alpha, c / alpha), (c / alpha, vb / alpha)))
    if isinstance(model, TwoPopulations):  # tau e_g is scaled by the prior of e_g
        curve = with_prior_power(model.curve, alpha)
        assert isinstance(curve, TwoParameterLogistic)
        less = 1 / np.sqrt(alpha)
        return TwoPopulations(curve, model.groups, less * model.between, less * model.between_log_sd)
    if isinstance(model, ModelAverage):
        models = tuple(_one_with_power(one, alpha) for one in model.models)
        return dataclasses.replace(model, models=models)
    if not isinstance(model, Empiric | OneParameterLogistic):
        raise ValueError(f"the prior of {type(model).__name__} to a power is none of its family")
    return _one_with_power(model, alpha)


def _one_with_power[M: Empiric | OneParameterLogistic](model: M, alpha: float) -> M:
    stated = model.slope_prior
    if stated is None:
        return dataclasses.replace(model, prior_sd=model.prior_sd / np.sqrt(alpha))
    if stated.kind == "normal":
        scaled = SlopePrior("normal", mean=stated.mean, sd=stated.sd / np.sqrt(alpha))
    else:
        shape = stated.shape if stated.kind == "gamma" else 1.0
        scaled = SlopePrior("gamma", shape=1 + alpha * (shape - 1), rate=alpha * stated.rate)
    return dataclasses.replace(model, slope_prior=scaled)


def sensitivity(
    model: PosteriorCurve | TwoPopulations, n: IntArray, y: IntArray, at: Values | None = None, group: int = 0
) -> tuple[FloatArray, FloatArray]:
    """Return the power-scaling sensitivity of each dose's DLT rate to the prior and to the likelihood, [D] each.

    That to a prior which has no power is nan.

    Parameters
    ----------
    model : Empiric, OneParameterLogistic, TwoParameterCurve, ModelAverage, BetaBinomial or TwoPopulations
    n, y : int array [K]
        [2, K] of two populations.
    at : tuple of float [K]
        Doses with data of a model in the doses; the model's own unless given.
    group : int
        Which of two populations' rates.

    References
    ----------
    Kallioinen, Paananen, Bürkner, Vehtari 2024, Statistics and Computing 34:57.
    """
    if not isinstance(model, Scalable.__value__):  # a mixture or rates in order: no power of the prior is of its kind
        return np.full(model.doses, np.nan), np.full(model.doses, np.nan)
    base = _distribution(model, n, y, at, group)
    data = _slope(base, [_distribution(model, alpha * n, alpha * y, at, group) for alpha in ALPHAS])
    try:
        scaled = [with_prior_power(model, alpha) for alpha in ALPHAS]
    except ValueError:
        return np.full(data.shape, np.nan), data
    return _slope(base, [_distribution(one, n, y, at, group) for one in scaled]), data


def _distribution(model: Scalable, n: Any, y: Any, at: Values | None, group: int) -> FloatArray:
    """Return Pr(rate <= each of the rates), [C, D]; parts of patients count as such."""
    if isinstance(model, TwoPopulations):
        return np.asarray(lattice.solve(model, n, y, at).below(expit(LOGITS))[group])
    return np.asarray(posterior_after(model, n, y, at).below(expit(LOGITS))[0])


def _slope(base: FloatArray, moved: list[FloatArray]) -> FloatArray:
    each = [np.maximum(_distance(base, one), _distance(1 - base, 1 - one)) for one in moved]
    return np.asarray(sum(d / abs(np.log2(alpha)) for d, alpha in zip(each, ALPHAS, strict=True)) / 2)


def _distance(f: FloatArray, g: FloatArray) -> FloatArray:
    """Return the cumulative Jensen-Shannon distance of each column, [C, D] -> [D]."""
    step = (LOGITS[1] - LOGITS[0]) * expit(LOGITS) * expit(-LOGITS)
    middle = (f + g) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = xlogy(f, np.where(middle > 0, f / middle, 1.0)) + xlogy(g, np.where(middle > 0, g / middle, 1.0))
    squared = step @ apart / np.log(2)
    return np.asarray(np.sqrt(np.maximum(squared, 0) / (step @ (f + g))))
