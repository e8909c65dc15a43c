"""Checks of a model against a trial's data: what it expected and expects, what it owes to whom, how it compares."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from doseopt.conduct.draws import COHORT
from doseopt.conduct.posterior import Analysis
from doseopt.conduct.question import Question
from doseopt.core.parameters import Faults
from doseopt.core.state import FloatArray, IntArray
from doseopt.models.choice import FIELDS
from doseopt.models.populations import TwoPopulations
from doseopt.models.quadrature.evidence import left_out, log_evidence, predictive
from doseopt.models.quadrature.power_scaled import sensitivity
from doseopt.records.trial import Trial
from doseopt.study.study import Study

LIMIT = 0.25
"""Probability of overdosing that a dose must stay below (escalation with overdose control)."""
DISTINCT = 2.0
"""Monte Carlo errors between a probability and a limit from which on they are told apart."""


def check_model(study: Study, trial: Trial, analysis: Analysis) -> xr.Dataset:
    """Return the checks of a model.

    Parameters
    ----------
    study : Study
    trial : Trial
    analysis : Analysis
        Of the same trial.

    Returns
    -------
    Dataset
        `first_cohort` (dose, dlts), prior predictive; `again_tail` (given): two-sided posterior predictive probability
        of the DLTs seen; `prior_sensitivity`, `data_sensitivity` (dose) by power scaling; `elpd`, `elpd_difference` and
        their `_se`, `log_marginal` (model), by leaving out each patient; of draws by NUTS also `over_mcse`,
        `over_distance` and `draws_needed` (dose), for the question whether Pr(over) is below `LIMIT`.
    """
    asked, summary = analysis.question, analysis.summary
    sizes = np.full((len(_names(asked)), len(asked.n)), COHORT)
    sizes[np.arange(len(sizes)) != asked.group] = 0
    nothing = np.zeros(sizes.size, np.int64)
    laws = predictive(asked.curve, nothing, nothing, sizes.ravel())
    first = laws[asked.group * len(asked.n) :][: len(asked.n)]
    variables: dict[str, Any] = {
        "first_cohort": (("dose", "dlts"), np.stack(first), _about("prior predictive probability of so many DLTs")),
        **_again(asked, study),
        **_sensitivities(analysis),
        **_compared(study, trial, asked),
    }
    if analysis.chains is not None:
        variables |= _decided(analysis)
    coords: dict[str, Any] = {name: summary.coords[name] for name in ("dose", "dose_value") if name in summary.coords}
    names = list(variables.pop("model"))
    coords |= {"dlts": np.arange(COHORT + 1), "given": variables.pop("given"), "model": names}
    attrs = summary.attrs | {"limit": LIMIT, "patients": int(asked.counted.given.n.sum())}
    return xr.Dataset(variables, coords, attrs)


def _about(text: str, units: str = "1") -> dict[str, str]:
    return {"units": units, "long_name": text}


def _names(asked: Question) -> tuple[str, ...]:
    """Return the populations of the model; one without a name, if it is of one."""
    return asked.curve.groups if isinstance(asked.curve, TwoPopulations) else ("",)


def _data(asked: Question) -> tuple[tuple[float, ...] | None, IntArray, IntArray]:
    """Return the doses given, if the model takes them, and the tally; of two populations one after the other."""
    return asked.counted.given.doses, asked.counted.given.n.ravel(), asked.counted.given.y.ravel()


def _again(asked: Question, study: Study) -> dict[str, Any]:
    """Return how far out the DLTs seen are among those of as many patients once more, where there were any."""
    given, n, y = _data(asked)
    tried = n > 0
    laws = predictive(asked.curve, n, y, np.where(tried, n, 0), given)
    tails = [
        min(1.0, 2 * min(law[: k + 1].sum(), law[k:].sum())) if has else np.nan
        for law, k, has in zip(laws, y.tolist(), tried, strict=True)
    ]
    doses = study.doses.labels if given is None else [f"{dose:g}" for dose in given]
    labels = [f"{dose} {name}".strip() for name in _names(asked) for dose in doses]
    counts = {"again_n": ("given", n, _about("patients", "patients")), "again_y": ("given", y, _about("DLTs", "DLTs"))}
    what = "two-sided posterior predictive probability of the DLTs seen"
    return {"given": list(labels), "again_tail": ("given", np.array(tails), _about(what)), **counts}


def _sensitivities(analysis: Analysis) -> dict[str, Any]:
    asked, given = analysis.question, analysis.question.counted.given
    found: tuple[FloatArray, FloatArray] = sensitivity(asked.curve, given.n, given.y, given.doses, asked.group)
    names = ("prior_sensitivity", "data_sensitivity")
    return {
        name: ("dose", value, _about(f"power-scaling sensitivity to the {what}"))
        for name, value, what in zip(names, found, ("prior", "likelihood"), strict=True)
    }


def _compared(study: Study, trial: Trial, asked: Question) -> dict[str, Any]:
    """Return the expected log predictive density of each model that suits the study, the study's own first."""
    each: dict[str, FloatArray] = {}
    marginal = []
    for kind in dict.fromkeys([str(asked.choice.model), *FIELDS]):
        try:
            other = asked if kind == asked.choice.model else Question.of(study, trial, kind)
        except Faults:  # a model that does not suit the study, or patients of whom the population is not known
            continue
        given, n, y = _data(other)
        each[kind] = _by_patient(left_out(other.curve, n, y, given), other, study, trial)
        marginal.append(log_evidence(other.curve, n[None], y[None], given)[0])
    points = np.stack(list(each.values()))
    apart = points - points[points.sum(axis=1).argmax()]
    return {
        "model": list(each),
        "elpd": ("model", points.sum(axis=1), _about("expected log predictive density, each patient left out")),
        "elpd_se": ("model", _spread(points), _about("standard error of elpd over the patients")),
        "elpd_difference": ("model", apart.sum(axis=1), _about("elpd less that of the best model")),
        "elpd_difference_se": ("model", _spread(apart), _about("standard error of the difference")),
        "log_marginal": ("model", np.array(marginal), _about("log marginal likelihood")),
    }


def _by_patient(value: FloatArray, asked: Question, study: Study, trial: Trial) -> FloatArray:
    """Return what is known by outcome and column of the data, [2, K], of each patient, [N], as the trial has them."""
    given, curve = asked.counted.given, asked.curve
    n, planned, found = np.atleast_2d(given.n), study.doses.values or (), {}
    for patient in asked.counted.whole:
        row = curve.groups.index(patient.group) if isinstance(curve, TwoPopulations) else 0
        column = patient.level
        if given.doses is not None:
            dose = planned[patient.level] if patient.actual_dose is None else patient.actual_dose
            column = int(np.flatnonzero((np.array(given.doses) == dose) & (n[row] > 0))[0])
        found[id(patient)] = value[int(bool(patient.dlt)), row * n.shape[1] + column]
    return np.array([found[id(patient)] for patient in trial.patients if id(patient) in found])


def _spread(values: FloatArray) -> FloatArray:
    """Return the standard errors of sums over patients, [M, N] -> [M]; without a second patient they are not known."""
    count = values.shape[1]
    return np.sqrt(count * values.var(axis=1, ddof=1)) if count > 1 else np.full(len(values), np.nan)


def _decided(analysis: Analysis) -> dict[str, Any]:
    """Return whether draws tell Pr(over) from `LIMIT`, and how many draws would."""
    from doseopt.models.nuts.draws import SampledPosterior

    assert analysis.chains is not None, "asked of draws only"
    draws = SampledPosterior(analysis.chains)
    high = float(analysis.summary.attrs["interval_high"])
    group = analysis.question.group
    chance, error = draws.prob(high)[group], draws.prob_mcse(high)[group]
    return decided(
        chance, error, analysis.chains["posterior"].sizes["chain"] * analysis.chains["posterior"].sizes["draw"]
    )


def decided(chance: FloatArray, error: FloatArray, draws: int) -> dict[str, Any]:
    """Return how many Monte Carlo errors probabilities are from `LIMIT`, and the draws after which they would be 2.

    Parameters
    ----------
    chance, error : float array [D]
        Probabilities of overdosing and their Monte Carlo errors, from so many `draws`.

    Examples
    --------
    >>> found = decided(np.array([0.26, 0.40]), np.array([0.01, 0.01]), 4000)
    >>> found["over_distance"][1].round(1).tolist(), found["draws_needed"][1].tolist()
    ([1.0, 15.0], [16000.0, 72.0])
    """
    distance = (chance - LIMIT) / error
    with np.errstate(divide="ignore"):
        needed = np.ceil(np.round(draws * (DISTINCT / np.abs(distance)) ** 2, 6))
    return {
        "over_mcse": ("dose", error, _about("Monte Carlo error of Pr(over)")),
        "over_distance": ("dose", distance, _about("Monte Carlo errors from Pr(over) to the limit")),
        "draws_needed": ("dose", needed, _about("draws after which they would be told apart", "draws")),
    }
