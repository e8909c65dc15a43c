"""Question of a running trial: a model, and the patients that it is asked about; one way to its posterior."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from doseopt.conduct.counted import Counted, takes_doses
from doseopt.core.parameters import Fault, Faults, demand, nearest
from doseopt.core.state import FloatArray, IntArray
from doseopt.measures.estimates import LEVEL
from doseopt.models.choice import PosteriorModel
from doseopt.models.external import RobustPrior
from doseopt.models.kinds import Judge, PosteriorCurve
from doseopt.models.populations import TwoPopulations
from doseopt.models.quadrature import lattice, posterior_after, quadrature
from doseopt.models.quadrature.batch import Batch, Distributed
from doseopt.models.quadrature.mixed import MixedPosterior
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
        In place of a tally: a model that takes doses weighs patients at those that were given, and who is pending
        counts as the study says.
    """
    posterior = (
        quadrature(study.curve()).posterior(n, y) if trial is None else Question.of(study, trial, None).posterior
    )
    tail = (1 - LEVEL) / 2
    return {
        "mean": posterior.mean(),
        "lower": posterior.quantile(tail),
        "upper": posterior.quantile(1 - tail),
        "p_above_target": posterior.prob(study.target),
        "p_over": posterior.prob(study.posterior.intervals[1]),
    }


@dataclass(frozen=True, eq=False)
class Question:
    """A model, and the data that it is asked about."""

    choice: PosteriorModel
    curve: Judge
    target: float
    n: IntArray
    y: IntArray
    """Patients who count in whole, and those of them with a DLT, at each planned dose, [D]."""
    counted: Counted
    named: bool
    """Whether the model was asked for by its name."""
    population: str = ""
    """The one whose rates are asked for, of a model of two."""

    @classmethod
    def of(cls, study: Study, trial: Trial, model: str | None, population: str = "") -> Question:
        """Return the question that the data of a trial put to a study's model, or to a model that is named.

        Of two populations the first is asked about, unless one is named.
        """
        check_trial(study, trial)
        choice = study.posterior if model in (None, study.posterior.model) else study.posterior.named(str(model))
        doses = study.doses
        curve = choice.in_hand(doses.values, doses.unit, len(doses.labels), study.target, model is not None)
        names = curve.groups if isinstance(curve, TwoPopulations) else ()
        if population and population not in names:
            wanted = f"no population of model {choice.model!r}{nearest(population, names)}"
            raise Faults([Fault("population", f"{population!r} is {wanted}")])
        asked = population or (names[0] if names else "")
        counted = Counted.of(choice, curve, trial, names.index(asked) if asked else 0)
        tally = counted.planned.n, counted.planned.y
        return cls(choice, curve, study.target, *tally, counted, bool(model), asked)

    @property
    def group(self) -> int:
        """The place of the population among those of the model."""
        return self.curve.groups.index(self.population) if isinstance(self.curve, TwoPopulations) else 0

    @property
    def whole(self) -> bool:
        """Whether all patients count in whole and in one population."""
        return not isinstance(self.curve, TwoPopulations) and not any(
            self.counted.given.weights + self.counted.given.struck
        )

    @property
    def common(self) -> PosteriorCurve:
        """The model of patients of whom no population is known."""
        return self.curve.pooled() if isinstance(self.curve, TwoPopulations) else self.curve

    @property
    def at(self) -> tuple[tuple[float, ...], IntArray, IntArray] | None:
        """The doses given with their tallies, where they differ from the planned ones and the model takes them."""
        given = self.counted.given
        return None if given.doses is None else (given.doses, given.n, given.y)

    @functools.cached_property
    def posterior(self) -> Distributed:
        """The posterior after the data."""
        given = self.counted.given
        if isinstance(self.curve, TwoPopulations):
            return self.row(lattice.solve(self.curve, given.n, given.y, given.doses, given.weights))
        return posterior_after(self.curve, given.n, given.y, given.doses, given.weights, given.struck)

    @property
    def external_share(self) -> float | None:
        """The posterior probability that the external patients are like those of the trial; None without any."""
        if not isinstance(self.curve, RobustPrior) or not isinstance(self.posterior, MixedPosterior):
            return None
        return float(self.posterior.share[0, ::2].sum())

    @functools.cached_property
    def prior(self) -> Distributed:
        """The same before any patient."""
        nothing = np.zeros_like(self.n)
        if isinstance(self.curve, TwoPopulations):
            return self.row(lattice.solve(self.curve, np.stack([nothing] * 2), np.stack([nothing] * 2)))
        return posterior_after(self.curve, nothing, nothing)

    def row[P: Distributed](self, posterior: P) -> Distributed:
        """Return that of the population asked about, of a posterior with a row each; else all of it."""
        if not isinstance(self.curve, TwoPopulations):
            return posterior
        return Batch([posterior], np.array([self.group]))

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


def actual_doses(curve: Judge, trial: Trial) -> tuple[tuple[float, ...], IntArray, IntArray] | None:
    """Return the doses actually given with their tallies, for a model that takes doses."""
    if not takes_doses(curve) or not trial.has_actual_doses:
        return None
    given, n, y = trial.by_actual_dose()
    return tuple(given.tolist()), n, y
