"""Question of a running trial: a model, and the patients that it is asked about; one way to its posterior."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from doseopt.core.parameters import Fault, Faults, demand
from doseopt.core.state import FloatArray, IntArray
from doseopt.measures.estimation import LEVEL
from doseopt.models.choice import PosteriorCurve, PosteriorModel
from doseopt.models.curves import TwoParameterLogistic
from doseopt.models.quadrature import posterior_after, quadrature
from doseopt.models.quadrature.batch import Distributed
from doseopt.records.trial import Trial
from doseopt.study.study import Study


def check_trial(study: Study, trial: Trial) -> None:
    """Refuse what is no study, what is no trial, and a trial on other doses than the study's."""
    demand(isinstance(study, Study), "study", "a Study", study)
    demand(isinstance(trial, Trial), "trial", "a Trial", trial)
    one, other = trial.doses, study.doses
    if (one.labels, one.values) != (other.labels, other.values):
        wanted = f"wanted a trial on the study's doses {list(other.labels)}, got one on {list(one.labels)}"
        raise Faults([Fault("trial", wanted)], study.name)


def known_rates(study: Study, n: IntArray, y: IntArray, trial: Trial | None = None) -> dict[str, FloatArray]:
    """Return summaries of the posterior under a study's common model after each of several tallies, [S, D] each.

    Parameters
    ----------
    study : Study
    n, y : int array [S, D]
        Patients and DLTs at the planned doses.
    trial : Trial, optional
        The same patients, of one tally: a model that takes doses weighs them at those that were given.
    """
    curve = study.curve()
    posterior = _posterior(curve, n, y, None if trial is None else actual_doses(curve, trial))
    tail = (1 - LEVEL) / 2
    return {
        "mean": posterior.mean(),
        "lower": posterior.quantile(tail),
        "upper": posterior.quantile(1 - tail),
        "p_above_target": posterior.prob(study.target),
        "p_over": posterior.prob(study.posterior.intervals[1]),
    }


type _Given = tuple[tuple[float, ...], IntArray, IntArray] | None
"""The doses actually given with their tallies, where they differ and the model takes them."""


def _posterior(curve: PosteriorCurve, n: IntArray, y: IntArray, at: _Given) -> Distributed:
    if len(n) > 1:
        return quadrature(curve).posterior(n, y)
    given, n, y = at if at is not None and isinstance(curve, TwoParameterLogistic) else (None, n[0], y[0])
    return posterior_after(curve, n, y, given)


@dataclass(frozen=True, eq=False)
class Question:
    """A model, and the data that it is asked about: patients and DLTs at each planned dose, [D]."""

    choice: PosteriorModel
    curve: PosteriorCurve
    target: float
    n: IntArray
    y: IntArray
    at: _Given
    named: bool
    """Whether the model was asked for by its name."""

    @classmethod
    def of(cls, study: Study, trial: Trial, model: str | None) -> Question:
        """Return the question that the data of a trial put to a study's model, or to a model that is named."""
        check_trial(study, trial)
        choice = study.posterior if model in (None, study.posterior.model) else study.posterior.named(str(model))
        curve = study.curve(model)
        return cls(choice, curve, study.target, *trial.tally(), actual_doses(curve, trial), bool(model))

    @functools.cached_property
    def posterior(self) -> Distributed:
        """The posterior after the data."""
        return _posterior(self.curve, self.n[None], self.y[None], self.at)

    @functools.cached_property
    def prior(self) -> Distributed:
        """The same before any patient."""
        nothing = np.zeros_like(self.n)
        return posterior_after(self.curve, nothing, nothing)

    @functools.cached_property
    def known(self) -> dict[str, FloatArray]:
        """What is said of each dose after the data, by quadrature."""
        return self.summary(self.posterior)

    def summary(self, posterior: Distributed) -> dict[str, FloatArray]:
        """Return what is said of each dose, by its name in `LONG_NAMES`, [D]."""
        low, high = self.choice.intervals
        tail = (1 - LEVEL) / 2
        under, up_to, at_target = np.moveaxis(posterior.below(np.array([low, high, self.target])), 1, 0)
        summary = {
            "mean": posterior.mean(),
            "sd": posterior.sd(),
            "lower": posterior.quantile(tail),
            "upper": posterior.quantile(1 - tail),
            "p_under": under,
            "p_target": np.maximum(up_to - under, 0),
            "p_over": 1 - up_to,
            "p_above_target": 1 - at_target,
        }
        return {name: value[0] for name, value in summary.items()}


def actual_doses(curve: PosteriorCurve, trial: Trial) -> _Given:
    """Return the doses actually given with their tallies, for a model that takes doses."""
    if not isinstance(curve, TwoParameterLogistic) or not trial.has_actual_doses:
        return None
    given, n, y = trial.by_actual_dose()
    return tuple(given.tolist()), n, y
