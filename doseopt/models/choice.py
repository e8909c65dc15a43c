"""The model that a study judges DLT rates by: what its file says, and the model that this means."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit, logit

from doseopt.core.parameters import Fault, Faults, are_numbers, check, interval_fault, param
from doseopt.models.beta import BetaBinomial
from doseopt.models.cloglog import CLOGLOG_MEAN, TwoParameterCloglog, eta_of, rate_of
from doseopt.models.curves import (
    WEAKLY_INFORMATIVE_COV,
    WEAKLY_INFORMATIVE_MEAN,
    Empiric,
    ModelAverage,
    OneParameterLogistic,
    TwoParameterLogistic,
)
from doseopt.models.external import External, RobustPrior
from doseopt.models.kinds import Judge, PlainCurve, PosteriorCurve, describe_model
from doseopt.models.monotone import Monotone
from doseopt.models.populations import TwoPopulations
from doseopt.models.prior_limits import LARGEST_SD, SMALLEST_SD, cov_fault, mean_fault
from doseopt.models.skeleton import IndifferenceInterval, skeleton_fault
from doseopt.models.slope import PRIOR_SD, SlopePrior, slope_fault, slope_faults

FIELDS = {
    "blrm": ("reference_dose", "mean", "cov"),
    "cloglog": ("reference_dose", "mean", "cov"),
    "empiric": ("skeleton", "prior_sd", "slope_prior"),
    "logistic": ("skeleton", "prior_sd", "intercept", "slope_prior"),
    "bma": ("prior_sd",),
    "beta": ("a", "b"),
    "monotone": ("skeleton", "precision"),
    "two_populations": ("reference_dose", "mean", "cov", "populations", "between"),
}
"""The fields that belong to each model."""
OF_DOSES = tuple(name for name, fields in FIELDS.items() if "reference_dose" in fields)
"""The models that rest on the values of the doses."""
SHARED = ("likelihood", "left", "external", "intervals")
"""The fields that belong to all of them."""
IN_PART = {"weighted": "1 - w p", "hazard": "(1 - p)^w, the hazard being constant"}
"""The likelihood of patients who count in part, in words."""
LIKELIHOODS, LEFT = ("complete", "weighted", "hazard"), ("reading", "censored")


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


def _names_fault(value: Any) -> str | None:
    named = isinstance(value, tuple) and all(isinstance(v, str) and v.strip() == v != "" for v in value)
    return (
        None if named and len(value) == len(set(value)) == 2 else f"wanted the names of two populations, got {value!r}"
    )


def _external_fault(value: Any) -> str | None:
    return None if value is None or isinstance(value, External) else f"wanted an External, got {value!r}"


def _maybe_skeleton_fault(value: Any) -> str | None:
    return None if value is None else skeleton_fault(value)


@dataclass(frozen=True)
class PosteriorModel:
    """Which model the DLT rates are judged by, and its prior.

    Parameters
    ----------
    model : {"blrm", "cloglog", "empiric", "logistic", "bma", "beta", "monotone", "two_populations"}
        Two-parameter logistic in the doses; a line of log hazards in the doses; the CRM's one-parameter models; these
        averaged over one skeleton for each prior MTD; independent doses; rates in order without a curve; the BLRM in
        two populations, the intercepts partly pooled.
    reference_dose : float, optional
        d* of the BLRM, in the unit of the doses.
    mean, cov : tuple, optional
        Prior mean and covariance of (log a, log b) of the BLRM and the hazard model; weakly informative when left
        out.
    skeleton : tuple of float or IndifferenceInterval, optional
        Of the one-parameter models, and the prior means of rates in order. Left out: indifference interval of
        half-width 0.05 around the second highest dose.
    prior_sd, intercept : float
        Of the one-parameter models.
    slope_prior : SlopePrior, optional
        Of the CRM's models, in place of b ~ N(0, prior_sd^2).
    a, b : float
        Of the Beta prior at each dose.
    precision : float
        Patients at each dose that the prior of rates in order is worth.
    populations : tuple of str
        As the column `group` of the data names them.
    between : float
        Prior median of tau, how far the populations differ on the scale of the log odds.
    likelihood : {"complete", "weighted", "hazard"}
        Of the patients in hand: those who completed the DLT window alone, or also those who are pending, w the share
        of the window that they have been followed: with the likelihood 1 - w p, as if DLTs came evenly over the window,
        or by the constant hazard of "cloglog", H = -log(1 - p) a window: exp(-w H), and H exp(-u H) of a DLT after a
        share u of the window, if that is known.
    left : {"reading", "censored"}
        How patients count who left the window without a DLT: as the study reads the event, or, whatever it says, as
        those who are pending; w the share of the window until they left.
    external : External, optional
        Data from outside of the trial, and how far they are believed.
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
    precision: float = param(2.0, low=0.01, high=1e3, doc="patients at each dose that the prior is worth")
    populations: tuple[str, str] = param(("CLF", "ACLF"), kind=tuple, custom=_names_fault, doc="in the column `group`")
    between: float = param(0.5, low=0.05, high=4, doc="prior median of the sd between populations, of log odds")
    likelihood: str = param("complete", choices=LIKELIHOODS, doc="how patients count who have not completed the window")
    left: str = param("reading", choices=LEFT, doc="how patients count who left the window without a DLT")
    external: External | None = param(None, custom=_external_fault, table=External, doc="data from outside")
    intervals: tuple[float, float] = param((0.16, 0.33), kind=tuple, custom=interval_fault, doc="target interval")

    def __post_init__(self) -> None:
        """Check the parameters, alone and together."""
        check(self, self._faults)

    def _faults(self) -> list[Fault]:
        """Return the fields that belong to another model."""
        found = slope_faults(self.slope_prior, self.prior_sd)
        if self.left == "censored" and self.likelihood == "complete":
            wanted = "'censored' counts patients by their follow-up; wanted likelihood = 'weighted' or 'hazard' with it"
            found.append(Fault("left", wanted))
        if self.likelihood not in ("complete", self._in_part):
            wanted = f"wanted 'complete' or {self._in_part!r} with model {self.model!r}, got {self.likelihood!r}"
            found.append(Fault("likelihood", wanted))
        if self.external is not None and self.model == "two_populations":
            wanted = "external data are of one population; wanted another model, or a population of them in the data"
            found.append(Fault("external", wanted))
        for field in dataclasses.fields(self) if self.model in FIELDS else ():
            belongs = [model for model, fields in FIELDS.items() if field.name in fields]
            if belongs and self.model not in belongs and getattr(self, field.name) != field.default:
                found.append(
                    Fault(field.name, f"belongs to model {' or '.join(map(repr, belongs))}, not {self.model!r}")
                )
        return found

    @property
    def _in_part(self) -> str:
        """The likelihood of patients who count in part."""
        return "hazard" if self.model == "cloglog" else "weighted"

    def sentence(self, values: tuple[float, ...] | None, unit: str, doses: int, target: float) -> str:
        """Return the model of the patients in hand, its prior and who counts in part, in one sentence."""
        text = describe_model(self.in_hand(values, unit, doses, target))
        if self.likelihood == "complete":
            return text
        who = "who is pending" if self.left == "reading" else "who is pending, or left the DLT window without a DLT,"
        return f"{text}; {who} counts by the share w of the window, likelihood {IN_PART[self.likelihood]}"

    def named(self, model: str) -> PosteriorModel:
        """Return another model with the fields that both share."""
        kept = {name: getattr(self, name) for name in (*FIELDS.get(model, ()), *SHARED)}
        if self.likelihood != "complete":
            kept["likelihood"] = PosteriorModel(model)._in_part
        if self.mean is not None and "mean" in kept and "cloglog" in (model, self.model) and model != self.model:
            hazard = model == "cloglog"  # the scale of log a is another: the median rate at the reference dose stays
            log_a = np.array([self.mean[0]])
            there = eta_of(np.asarray(expit(log_a))) if hazard else logit(rate_of(log_a))
            kept["mean"] = (float(there[0]), self.mean[1])
        return PosteriorModel(model=model, **kept)

    def curve(
        self, values: tuple[float, ...] | None, unit: str, doses: int, target: float, asked: bool = False
    ) -> PosteriorCurve:
        """Return the model for the doses of a study; independent doses if nothing is stated and they have no values.

        Its prior is mixed with what external data say, if there are any. Of two populations it is that of patients of
        whom none is known. A model that is `asked` for by its name is
        never replaced.

        Raises
        ------
        Faults
            If the BLRM has no doses as numbers, or the skeleton does not fit.
        """
        if self.model == "two_populations":
            return self._two_populations(values, unit).pooled()
        curve = self._curve(values, unit, doses, target, asked)
        return curve if self.external is None else RobustPrior(curve, self.external)

    def _curve(self, values: tuple[float, ...] | None, unit: str, doses: int, target: float, asked: bool) -> PlainCurve:
        """Return the model with the prior alone."""
        unstated = (
            not asked and values is None and self == PosteriorModel(**{name: getattr(self, name) for name in SHARED})
        )
        if self.model == "beta" or unstated:
            return BetaBinomial(doses, self.a, self.b)
        if self.model == "blrm":
            return self._logistic(values, unit)
        if self.model == "cloglog":
            return TwoParameterCloglog(*self._line(values, unit), self.mean or CLOGLOG_MEAN, self._cov)
        if self.model == "bma":
            rates = [
                self._rates(IndifferenceInterval(prior_mtd=k, halfwidth=0.05), doses, target)
                for k in range(1, doses + 1)
            ]
            return ModelAverage(tuple(Empiric(r, self.prior_sd) for r in rates), (1 / doses,) * doses)
        rates_ = self._rates(
            self.skeleton or IndifferenceInterval(prior_mtd=max(doses - 1, 1), halfwidth=0.05), doses, target
        )
        if self.model == "monotone":
            return Monotone(rates_, self.precision)
        if self.model == "empiric":
            return Empiric(rates_, self.prior_sd, self.slope_prior)
        return OneParameterLogistic(rates_, self.prior_sd, self.intercept, self.slope_prior)

    def _logistic(self, values: tuple[float, ...] | None, unit: str) -> TwoParameterLogistic:
        """Return the two-parameter logistic model."""
        return TwoParameterLogistic(*self._line(values, unit), self.mean or WEAKLY_INFORMATIVE_MEAN, self._cov)

    @property
    def _cov(self) -> tuple[tuple[float, float], tuple[float, float]]:
        return self.cov or WEAKLY_INFORMATIVE_COV

    def _line(self, values: tuple[float, ...] | None, unit: str) -> tuple[tuple[float, ...], str, float]:
        """Return the doses, their unit and the reference dose of a model in the doses."""
        if values is None:
            wanted = "a two-parameter model takes doses as numbers: wanted doses.values, or another model"
            raise Faults([Fault("model", wanted)])
        return values, unit, self.reference(values)

    def in_hand(
        self, values: tuple[float, ...] | None, unit: str, doses: int, target: float, asked: bool = False
    ) -> Judge:
        """Return the model of the patients in hand, whose population is known; else as `curve`."""
        if self.model == "two_populations":
            return self._two_populations(values, unit)
        return self.curve(values, unit, doses, target, asked)

    def _two_populations(self, values: tuple[float, ...] | None, unit: str) -> TwoPopulations:
        return TwoPopulations(self._logistic(values, unit), self.populations, self.between)

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
