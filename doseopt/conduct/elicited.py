"""Elicited prior of a study: its fit to what is stated, what it believes, what it is worth, and if it is wrong."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from scipy.special import expit

from doseopt.conduct.draws import COHORT
from doseopt.conduct.if_wrong import if_wrong
from doseopt.core.parameters import Fault, Faults, nearest
from doseopt.core.state import FloatArray, IntArray
from doseopt.engines.budget import TooManyStates
from doseopt.measures.estimation import effective_sample_size
from doseopt.models.choice import PosteriorModel
from doseopt.models.elicited import (
    LEVELS,
    OneParameterPrior,
    TwoParameterPrior,
    fit_one_parameter,
    fit_two_parameter,
)
from doseopt.models.kinds import PosteriorCurve, describe_model
from doseopt.models.quadrature import posterior_after
from doseopt.models.quadrature.evidence import predictive
from doseopt.study.reader import plain
from doseopt.study.statements import Statements
from doseopt.study.study import Study

MODELS = ("blrm", "empiric", "logistic")
DIGITS = 4
"""Decimals of a prior that is written."""


@dataclass(frozen=True, eq=False)
class Elicited:
    """A prior from what was stated.

    Attributes
    ----------
    model : PosteriorModel
        As it is written into a study file.
    found : Dataset
        `stated`, `fitted` (stated_dose, level); `first_cohort` (dose, dlts); `prior_mean`, `prior_sd`, `prior_ess`
        (dose); `mean`, `over` (prior, case, dose): after typical first cohorts with this prior and with the weak one;
        and operating characteristics (prior, truth) of the design with either, see `doseopt.conduct.if_wrong`.
    """

    model: PosteriorModel
    found: xr.Dataset

    @property
    def line(self) -> str:
        """The prior as a line of a study file."""
        written = ", ".join(f"{name} = {json.dumps(value)}" for name, value in plain(self.model).items())
        return f"posterior = {{ {written} }}"


def check_model_name(model: str) -> None:
    """Refuse a model for which no prior is elicited."""
    if model not in MODELS:
        raise Faults([Fault("model", f"no prior is elicited for {model!r}{nearest(model, MODELS)}")])


def elicit(study: Study, stated: Statements, model: str = "blrm", reference_dose: float | None = None) -> Elicited:
    """Return the prior whose quantiles are closest to those stated, and what follows from it.

    Parameters
    ----------
    study : Study
    stated : Statements
    model : {"blrm", "empiric", "logistic"}
    reference_dose : float, optional
        d* of the BLRM; the study's when left out.
    """
    check_model_name(model)
    if model != "blrm" and reference_dose is not None:
        raise Faults([Fault("reference_dose", f"belongs to model 'blrm', not {model!r}")])
    if model == "blrm":
        choice, fitted = _two(study, stated, reference_dose)
        weak = PosteriorModel("blrm", reference_dose=choice.reference_dose, intervals=choice.intervals)
    else:
        choice, fitted = _one(study, stated, model)
        weak = PosteriorModel(model, intervals=choice.intervals)
    curves = {"elicited": _curve(study, choice), "weak": _curve(study, weak)}
    found = _dataset(study, stated, fitted, choice, curves)
    return Elicited(choice, found.merge(_operating(study, curves), combine_attrs="no_conflicts"))


def _operating(study: Study, curves: dict[str, PosteriorCurve]) -> xr.Dataset:
    """Return operating characteristics where the truth departs from the prior, or why there are none."""
    nothing = np.zeros(len(study.doses.labels), np.int64)
    try:
        return if_wrong(study, curves, posterior_after(curves["elicited"], nothing, nothing))
    except (Faults, TooManyStates) as error:
        return xr.Dataset(attrs={"no_operating_characteristics": str(error)})


def _curve(study: Study, choice: PosteriorModel) -> PosteriorCurve:
    doses = study.doses
    return choice.curve(doses.values, doses.unit, len(doses.labels), study.target, asked=True)


def _two(study: Study, stated: Statements, reference_dose: float | None) -> tuple[PosteriorModel, FloatArray]:
    values = study.doses.values
    if values is None:
        wanted = "takes doses as numbers: wanted doses.values, or another model"
        raise Faults([Fault("model", f"the two-parameter logistic model {wanted}")], study.name)
    reference = reference_dose if reference_dose is not None else study.posterior.reference(values)
    if not 0 < reference < np.inf:
        raise Faults([Fault("reference_dose", f"wanted a dose above 0 in {study.doses.unit}, got {reference:g}")])
    x = np.log(stated.values / reference)
    prior = fit_two_parameter(x, stated.rates)
    (va, c), (_, vb) = prior.cov
    mean = (round(prior.mean[0], DIGITS), round(prior.mean[1], DIGITS))
    cov = ((round(va, 2 * DIGITS), round(c, 2 * DIGITS)), (round(c, 2 * DIGITS), round(vb, 2 * DIGITS)))
    choice = PosteriorModel("blrm", float(reference), mean, cov, intervals=study.posterior.intervals)
    return choice, expit(TwoParameterPrior(mean, prior.sd, prior.correlation).logits(x, np.array(LEVELS)))


def _one(study: Study, stated: Statements, model: str) -> tuple[PosteriorModel, FloatArray]:
    """Return the model of one parameter; at doses of which nothing is stated the skeleton is interpolated."""
    intercept = PosteriorModel(model).intercept if model == "logistic" else None
    prior = fit_one_parameter(stated.rates, intercept)
    values = study.doses.values
    x = np.arange(1.0, len(study.doses.labels) + 1) if values is None else np.log(values)
    known = stated.values if values is None else np.log(stated.values)
    logit = np.log(prior.skeleton) - np.log1p(-np.array(prior.skeleton))
    skeleton = tuple(round(float(s), 2 * DIGITS) for s in expit(_along(x, known, logit)))
    sd = round(prior.sd, DIGITS)
    choice = PosteriorModel(model, skeleton=skeleton, prior_sd=sd, intervals=study.posterior.intervals)
    at = [int(np.argmin(np.abs(x - one))) for one in known]
    fitted = OneParameterPrior(tuple(skeleton[j] for j in at), sd, intercept)
    return choice, expit(fitted.logits(np.array(LEVELS)))


def _along(x: FloatArray, known: FloatArray, logit: FloatArray) -> FloatArray:
    """Return logits that are linear between known ones, and beyond them as between the last two."""
    if len(known) == 1:
        return np.full(len(x), logit[0])
    piece = np.clip(np.searchsorted(known, x) - 1, 0, len(known) - 2)
    slope = np.diff(logit) / np.diff(known)
    return np.asarray(logit[piece] + slope[piece] * (x - known[piece]))


def cases(doses: int) -> list[tuple[str, IntArray, IntArray]]:
    """Return typical first cohorts of 3: what is said of them, patients and DLTs, [D]."""
    one = np.eye(doses, dtype=np.int64)
    first = [("2 of 3 at the lowest dose", one[0], 2 * one[0]), ("0 of 3 at the lowest dose", one[0], 0 * one[0])]
    if doses > 1:
        two = one[0] + one[1]
        first += [("0 of 3, then 2 of 3 at the next", two, 2 * one[1])]
        first += [("0 of 3 at every dose", one.sum(axis=0), 0 * one[0])]
    return [(text, COHORT * n, y) for text, n, y in first]


def _dataset(
    study: Study, stated: Statements, fitted: FloatArray, choice: PosteriorModel, curves: dict[str, PosteriorCurve]
) -> xr.Dataset:
    doses, rate = study.doses, {"units": "1"}
    nothing = np.zeros(len(doses.labels), np.int64)
    after = cases(len(doses.labels))
    prior = posterior_after(curves["elicited"], nothing, nothing)
    known = [[posterior_after(curve, n, y) for _, n, y in after] for curve in curves.values()]
    mean, sd = prior.mean()[0], prior.sd()[0]
    first = np.stack(predictive(curves["elicited"], nothing, nothing, np.full(len(nothing), COHORT)))
    high = choice.intervals[1]
    by_case = ("prior", "case", "dose")
    variables: dict[str, Any] = {
        "stated": (("stated_dose", "level"), stated.rates, rate | {"long_name": "quantiles of the DLT rate, stated"}),
        "fitted": (("stated_dose", "level"), fitted, rate | {"long_name": "quantiles of the DLT rate under the prior"}),
        "first_cohort": (("dose", "dlts"), first, rate | {"long_name": "prior predictive probability of so many DLTs"}),
        "prior_mean": ("dose", mean, rate | {"long_name": "prior mean DLT rate"}),
        "prior_sd": ("dose", sd, rate | {"long_name": "prior standard deviation of the DLT rate"}),
        "prior_ess": (
            "dose",
            effective_sample_size(mean, sd),
            {"units": "patients", "long_name": "patients that the prior is worth"},
        ),
        "mean": (by_case, [[one.mean()[0] for one in row] for row in known], rate | {"long_name": "posterior mean"}),
        "over": (
            by_case,
            [[one.prob(high)[0] for one in row] for row in known],
            rate | {"long_name": "posterior probability that the DLT rate is above the target interval"},
        ),
    }
    coords: dict[str, Any] = {
        "dose": list(doses.labels),
        "stated_dose": list(stated.names),
        "level": list(LEVELS),
        "dlts": np.arange(COHORT + 1),
        "prior": list(curves),
        "case": [text for text, _, _ in after],
    }
    if doses.values is not None:
        coords["dose_value"] = ("dose", list(doses.values), {"units": doses.unit, "long_name": "planned dose"})
    attrs = {
        **study.provenance(),
        "unit": doses.unit,
        "model": choice.model,
        "prior_in_words": describe_model(curves["elicited"]),
        "weak_in_words": describe_model(curves["weak"]),
        "interval_high": high,
    }
    return xr.Dataset(variables, coords, attrs)
