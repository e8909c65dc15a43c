"""The model that a study judges DLT rates by: what its file says, and the model that this means."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

from doseopt.core.parameters import Fault, Faults, are_numbers, check, param
from doseopt.models.beta import BetaBinomial
from doseopt.models.curves import (
    LARGEST_SD,
    SMALLEST_SD,
    WEAKLY_INFORMATIVE_COV,
    WEAKLY_INFORMATIVE_MEAN,
    Empiric,
    ModelAverage,
    OneParameterLogistic,
    TwoParameterLogistic,
    cov_fault,
    mean_fault,
)
from doseopt.models.skeleton import IndifferenceInterval, skeleton_fault
from doseopt.models.slope import PRIOR_SD, SlopePrior, slope_fault, slope_faults

type PosteriorCurve = Empiric | OneParameterLogistic | TwoParameterLogistic | ModelAverage | BetaBinomial

FIELDS = {
    "blrm": ("reference_dose", "mean", "cov"),
    "empiric": ("skeleton", "prior_sd", "slope_prior"),
    "logistic": ("skeleton", "prior_sd", "intercept", "slope_prior"),
    "bma": ("prior_sd",),
    "beta": ("a", "b"),
}
"""The fields that belong to each model."""


def _numbers(count: int) -> Any:
    def fault(value: Any) -> str | None:
        if are_numbers(value) and len(value) == count:
            return None
        return f"wanted {count} numbers, got {value!r}"

    return fault


def _mean_fault(value: Any) -> str | None:
    return None if value is None else mean_fault(value)


def _cov_fault(value: Any) -> str | None:
    return None if value is None else cov_fault(value)


def _interval_fault(value: Any) -> str | None:
    if _numbers(2)(value) is None and 0 < value[0] < value[1] < 1:
        return None
    return f"wanted two increasing rates in (0, 1), got {value!r}"


def _maybe_skeleton_fault(value: Any) -> str | None:
    return None if value is None else skeleton_fault(value)


@dataclass(frozen=True)
class PosteriorModel:
    """Which model the DLT rates are judged by, and its prior.

    Parameters
    ----------
    model : {"blrm", "empiric", "logistic", "bma", "beta"}
        Two-parameter logistic in the doses; the CRM's one-parameter models; these averaged over one skeleton for each
        prior MTD; independent doses.
    reference_dose : float, optional
        d* of the BLRM, in the unit of the doses.
    mean, cov : tuple, optional
        Prior mean and covariance of (log a, log b) of the BLRM; weakly informative when left out.
    skeleton : tuple of float or IndifferenceInterval, optional
        Left out: indifference interval of half-width 0.05 around the second highest dose.
    prior_sd, intercept : float
        Of the one-parameter models.
    slope_prior : SlopePrior, optional
        Of the CRM's models, in place of b ~ N(0, prior_sd^2).
    a, b : float
        Of the Beta prior at each dose.
    intervals : tuple of float
        Where the target interval begins and ends.
    """

    model: str = param("blrm", choices=tuple(FIELDS), doc="what the DLT rates are judged by")
    reference_dose: float | None = param(
        None, kind=float, low=0, open_low=True, optional=True, doc="d*, in the doses' unit"
    )
    mean: tuple[float, float] | None = param(
        None, kind=tuple, custom=_mean_fault, doc="means of log alpha and log beta before the data"
    )
    cov: tuple[tuple[float, float], tuple[float, float]] | None = param(
        None, kind=tuple, custom=_cov_fault, doc="their covariance matrix"
    )
    skeleton: tuple[float, ...] | IndifferenceInterval | None = param(
        None, kind=tuple, custom=_maybe_skeleton_fault, table=IndifferenceInterval
    )
    prior_sd: float = param(PRIOR_SD, low=SMALLEST_SD, high=LARGEST_SD, doc="standard deviation of b")
    intercept: float = param(3.0, low=-20, high=20, doc="a_0 of the logistic model")
    slope_prior: SlopePrior | None = param(
        None, custom=slope_fault, table=SlopePrior, doc="prior of the slope exp(b), in place of prior_sd"
    )
    a: float = param(1.0, low=0, open_low=True, doc="first parameter of the Beta prior")
    b: float = param(1.0, low=0, open_low=True, doc="second parameter of the Beta prior")
    intervals: tuple[float, float] = param((0.16, 0.33), kind=tuple, custom=_interval_fault, doc="target interval")

    def __post_init__(self) -> None:
        """Check the parameters, alone and together."""
        check(self, self._faults)

    def _faults(self) -> list[Fault]:
        """Return the fields that belong to another model."""
        found = slope_faults(self.slope_prior, self.prior_sd)
        for field in dataclasses.fields(self) if self.model in FIELDS else ():
            belongs = [model for model, fields in FIELDS.items() if field.name in fields]
            if belongs and self.model not in belongs and getattr(self, field.name) != field.default:
                found.append(
                    Fault(field.name, f"belongs to model {' or '.join(map(repr, belongs))}, not {self.model!r}")
                )
        return found

    def named(self, model: str) -> PosteriorModel:
        """Return another model with the fields that both share."""
        kept = {name: getattr(self, name) for name in (*FIELDS.get(model, ()), "intervals")}
        return PosteriorModel(model=model, **kept)

    def curve(
        self, values: tuple[float, ...] | None, unit: str, doses: int, target: float, asked: bool = False
    ) -> PosteriorCurve:
        """Return the model for the doses of a study; independent doses if nothing is stated and they have no values.

        A model that is `asked` for by its name is never replaced.

        Raises
        ------
        Faults
            If the BLRM has no doses as numbers, or the skeleton does not fit.
        """
        unstated = not asked and values is None and self == PosteriorModel(intervals=self.intervals)
        if self.model == "beta" or unstated:
            return BetaBinomial(doses, self.a, self.b)
        if self.model == "blrm":
            if values is None:
                wanted = (
                    "the two-parameter logistic model takes doses as numbers: wanted doses.values, or another model"
                )
                raise Faults([Fault("model", wanted)])
            mean, cov = self.mean or WEAKLY_INFORMATIVE_MEAN, self.cov or WEAKLY_INFORMATIVE_COV
            return TwoParameterLogistic(values, unit, self.reference(values), mean, cov)
        if self.model == "bma":
            rates = [
                self._rates(IndifferenceInterval(prior_mtd=k, halfwidth=0.05), doses, target)
                for k in range(1, doses + 1)
            ]
            return ModelAverage(tuple(Empiric(r, self.prior_sd) for r in rates), (1 / doses,) * doses)
        rates_ = self._rates(
            self.skeleton or IndifferenceInterval(prior_mtd=max(doses - 1, 1), halfwidth=0.05), doses, target
        )
        if self.model == "empiric":
            return Empiric(rates_, self.prior_sd, self.slope_prior)
        return OneParameterLogistic(rates_, self.prior_sd, self.intercept, self.slope_prior)

    def reference(self, values: tuple[float, ...]) -> float:
        """Return d*: the one stated, or the second highest dose, which every report then names."""
        return self.reference_dose if self.reference_dose is not None else values[max(len(values) - 2, 0)]

    def _rates(
        self, skeleton: tuple[float, ...] | IndifferenceInterval, doses: int, target: float
    ) -> tuple[float, ...]:
        if isinstance(skeleton, IndifferenceInterval):
            curve = "logistic" if self.model == "logistic" else "empiric"
            found = skeleton.faults(target, doses, curve, self.intercept)
            if found:
                raise Faults(found)
            return skeleton.rates(target, doses, curve, self.intercept)
        if len(skeleton) != doses:
            raise Faults([Fault("skeleton", f"wanted {doses} rates, one a dose, got {len(skeleton)}")])
        return skeleton


def describe_model(model: PosteriorCurve) -> str:
    """Return the model and its prior in one sentence, units included."""
    if isinstance(model, BetaBinomial):
        return f"independent doses, each DLT rate ~ Beta({model.a:g}, {model.b:g})"
    if isinstance(model, TwoParameterLogistic):
        (va, c), (_, vb) = model.cov
        both = "" if c == 0 else f", covariance {c:g}"
        return (
            f"two-parameter logistic (BLRM), logit p(d) = log a + exp(log b) log(d/d*), d* = {model.reference_dose:g} "
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


def with_prior_sd(model: PosteriorCurve, factor: float) -> PosteriorCurve:
    """Return the model with its prior sds multiplied; a Beta prior's weight is divided by the factor squared."""
    if isinstance(model, BetaBinomial):
        return BetaBinomial(model.doses, model.a / factor**2, model.b / factor**2)
    if isinstance(model, TwoParameterLogistic):
        (va, c), (_, vb) = model.cov
        f = factor**2
        return dataclasses.replace(model, cov=((f * va, f * c), (f * c, f * vb)))
    if isinstance(model, ModelAverage):
        parts = tuple(dataclasses.replace(m, prior_sd=factor * m.prior_sd) for m in model.models)
        return dataclasses.replace(model, models=parts)
    if model.slope_prior is not None:
        return dataclasses.replace(model, slope_prior=model.slope_prior.widened(factor))
    return dataclasses.replace(model, prior_sd=factor * model.prior_sd)
