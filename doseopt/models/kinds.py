"""Kinds of models that DLT rates may be judged by: in words, and with wider priors."""

from __future__ import annotations

import dataclasses
import math
from typing import overload

from doseopt.models.beta import BetaBinomial
from doseopt.models.cloglog import TwoParameterCloglog
from doseopt.models.curves import Empiric, ModelAverage, OneParameterLogistic, TwoParameterLogistic
from doseopt.models.external import RobustPrior
from doseopt.models.monotone import Monotone
from doseopt.models.populations import TwoPopulations

type PlainCurve = (
    Empiric | OneParameterLogistic | TwoParameterLogistic | TwoParameterCloglog | ModelAverage | BetaBinomial | Monotone
)
type PosteriorCurve = PlainCurve | RobustPrior[PlainCurve]
"""What any tally may be judged by."""
type Judge = PosteriorCurve | TwoPopulations
"""What the patients in hand may be judged by."""


def describe_model(model: Judge) -> str:
    """Return the model and its prior in one sentence, units included."""
    if isinstance(model, RobustPrior):
        return f"{describe_model(model.curve)}; {model.external.describe()}"
    if isinstance(model, TwoPopulations):
        return (
            f"{describe_model(model.curve)}; in {' and '.join(model.groups)}, log a + tau e with e ~ N(0, 1) in each, "
            f"log tau ~ N(log {model.between:g}, {model.between_log_sd:.3g}^2)"
        )
    if isinstance(model, BetaBinomial):
        return f"independent doses, each DLT rate ~ Beta({model.a:g}, {model.b:g})"
    if isinstance(model, Monotone):
        means = ", ".join(f"{s:.3f}" for s in model.guess)
        return (
            "rates in order, without a curve (Dirichlet increments), DLT rates with prior means "
            f"{means}, worth {model.precision:g} patients at each dose"
        )
    if isinstance(model, TwoParameterLogistic | TwoParameterCloglog):
        (va, c), (_, vb) = model.cov
        both = "" if c == 0 else f", covariance {c:g}"
        scale = "two-parameter logistic (BLRM), logit p(d)"
        if isinstance(model, TwoParameterCloglog):
            scale = "two-parameter hazard (cloglog), p = 1 - exp(-H), log H(d)"
        return (
            f"{scale} = log a + exp(log b) log(d/d*), d* = {model.reference_dose:g} "
            f"{model.unit}, log a ~ N({model.mean[0]:.3g}, {math.sqrt(va):.3g}^2), "
            f"log b ~ N({model.mean[1]:.3g}, {math.sqrt(vb):.3g}^2){both}"
        )
    if isinstance(model, ModelAverage):
        return f"model averaging over {len(model.models)} skeletons, one for each prior MTD, " + describe_model(
            model.models[0]
        )
    skeleton = ", ".join(f"{s:.3f}" for s in model.skeleton)
    formula = "p = s^exp(b)" if isinstance(model, Empiric) else f"logit p = {model.intercept:g} + exp(b) x"
    prior = f"b ~ N(0, variance {model.prior_sd**2:.3g})" if model.slope_prior is None else model.slope_prior.describe()
    return f"{formula}, {prior}, skeleton {skeleton}"


PRIOR_SCALES = (0.5, 1.0, 2.0)
"""Factors on the prior standard deviations, to see what a posterior owes to the prior."""


@overload
def with_prior_sd(model: PlainCurve, factor: float) -> PlainCurve: ...
@overload
def with_prior_sd(model: PosteriorCurve, factor: float) -> PosteriorCurve: ...
@overload
def with_prior_sd(model: Judge, factor: float) -> Judge: ...
def with_prior_sd(model: Judge, factor: float) -> Judge:
    """Return the model with its prior sds multiplied.

    The weight of a Beta prior, or of one of rates in
    order, is divided by the factor squared.
    """
    if isinstance(model, RobustPrior):
        return RobustPrior(with_prior_sd(model.curve, factor), model.external)
    if isinstance(model, TwoPopulations):
        wider = with_prior_sd(model.curve, factor)
        assert isinstance(wider, TwoParameterLogistic)
        return dataclasses.replace(model, curve=wider, between=factor * model.between)
    if isinstance(model, BetaBinomial):
        return BetaBinomial(model.doses, model.a / factor**2, model.b / factor**2)
    if isinstance(model, Monotone):
        return dataclasses.replace(model, precision=model.precision / factor**2)
    if isinstance(model, TwoParameterLogistic | TwoParameterCloglog):
        (va, c), (_, vb) = model.cov
        f = factor**2
        return dataclasses.replace(model, cov=((f * va, f * c), (f * c, f * vb)))
    if isinstance(model, ModelAverage):
        parts = tuple(dataclasses.replace(m, prior_sd=factor * m.prior_sd) for m in model.models)
        return dataclasses.replace(model, models=parts)
    if model.slope_prior is not None:
        return dataclasses.replace(model, slope_prior=model.slope_prior.widened(factor))
    return dataclasses.replace(model, prior_sd=factor * model.prior_sd)
