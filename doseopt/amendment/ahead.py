"""Prospects from where a trial stands, under several models: how it will end, and what one more cohort is worth."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from doseopt.amendment.outlook import belief_after, expected
from doseopt.attainable import Rules, bayes_optimal
from doseopt.attainable.from_here import worth_from
from doseopt.beliefs.of_model import belief_of_model
from doseopt.conduct.draws import COHORT
from doseopt.conduct.question import Question
from doseopt.core.parameters import Fault, Faults
from doseopt.core.progress import Progress
from doseopt.core.state import FloatArray
from doseopt.designs.unfinished import Unfinished, enrolled, under
from doseopt.engines.budget import TooManyStates
from doseopt.records.replay import Standing
from doseopt.records.trial import Trial
from doseopt.study.study import Study

FURTHER = (0, COHORT)
"""Most further patients with which the optimal policy goes on."""


def prospects(study: Study, trial: Trial, models: Sequence[str], progress: Progress = lambda _: None) -> xr.Dataset:
    """Return how the trial will end under each design, and what one more cohort is worth, averaged over models.

    Parameters
    ----------
    study : Study
    trial : Trial
        So far.
    models : sequence of str
        Kinds of `[posterior]`.
    progress : callable, optional
        Told each step when its turn comes.

    Returns
    -------
    Dataset
        `ends` (model, design, dose) and `ends_with_none` (model, design): the posterior average of the exact
        probability that the trial ends with each dose; `error`, the largest that averages have as integrals. Designs
        that cannot be asked, or are too large, are left out. `worth` (model, further): the expected utility, under what
        is believed now, of the best policy that treats at most so many further patients, one at a time; nan where no
        trial of its class comes to the tally. The attribute `utility` says what it is.
    """
    standings = _standings(study, trial)
    shape = (len(models), len(standings))
    ends, error = np.full((*shape, 1 + len(study.doses.labels)), np.nan), np.full(shape, np.nan)
    worth = np.full((len(models), len(FURTHER)), np.nan)
    for m, model in enumerate(models):
        asked = Question.of(study, trial, model)
        if not asked.whole:
            wanted = "wanted a model of one population, and patients who count in whole, to look ahead"
            raise Faults([Fault(f"model {model}", wanted)])
        belief = belief_after(study, asked)
        for d, (name, (design, start)) in enumerate(standings.items()):
            progress(f"{model}: {name}")
            with contextlib.suppress(TooManyStates):
                found, ends[m, d] = expected(study, design, belief, start, ("correct_selection",))
                error[m, d] = found["error"]
        progress(f"{model}: one more cohort")
        worth[m] = _worth(study, asked, next(iter(standings.values())))
    known = ~np.isnan(error).all(axis=0)
    data: dict[str, Any] = {
        "ends_with_none": (("model", "design"), ends[:, known, 0], {"long_name": "the same of none"}),
        "ends": (
            ("model", "design", "dose"),
            ends[:, known, 1:],
            {"long_name": "probability that it ends so"},
        ),
        "error": (("model", "design"), error[:, known], {"long_name": "error of the averages, by a coarser rule"}),
        "worth": (("model", "further"), worth, {"long_name": "expected utility of the best policy from here"}),
    }
    names = [name for name, there in zip(standings, known, strict=True) if there]
    coords = {"model": list(models), "design": names, "dose": list(study.doses.labels), "further": list(FURTHER)}
    return xr.Dataset(data, coords=coords, attrs={"utility": study.utility.describe()})


def _standings(study: Study, trial: Trial) -> dict[str, Standing]:
    """Return the designs as the trial goes on with them; without those that cannot be asked."""
    found = {}
    for name, design in study.designs.items():
        if design.facts.outcomes.beside or design.facts.in_time:
            continue
        with contextlib.suppress(Faults):
            found[name] = trial.after(design).standing(design)
    if not found:
        raise Faults([Fault("designs", "wanted one that looks at DLTs only and waits for them, to look ahead")])
    return found


def _worth(study: Study, asked: Question, standing: Standing) -> FloatArray:
    """Return the worth of the best policy by the most further patients."""
    planned = study.doses.planned()

    def right(p: FloatArray) -> Any:
        return study.mtd.acceptable(p[:, planned])

    design, start = standing
    prior, now = belief_of_model(asked.common, right=right, target=study.target).as_sum(), belief_after(study, asked)
    treated, first = enrolled(design, start), int(design.first().dose[0]) + 1
    found = np.full(len(FURTHER), np.nan)
    for k, further in enumerate(FURTHER):
        with contextlib.suppress(Faults, TooManyStates):  # a tally that no trial of the class comes to
            rules = Rules(max(treated + further, 1), start=first)
            best = under(bayes_optimal(prior, study.mtd, rules, study.utility).design, design)
            seen = best.start if isinstance(best, Unfinished) else start.with_memory(np.zeros((1, 0), np.int64))
            found[k], _ = worth_from(best, now, seen, study)
    return found
