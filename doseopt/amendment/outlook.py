"""Expectations of designs from where their trials stand, averaged over what may be believed; exact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from doseopt.beliefs import Belief, integrated
from doseopt.beliefs.of_model import FINE, Tally, belief_of_model, updated
from doseopt.conduct.question import Question, actual_doses
from doseopt.core.design import Design
from doseopt.core.parameters import Faults
from doseopt.core.progress import Progress
from doseopt.core.remembered import remembered
from doseopt.core.state import BoolArray, FloatArray, IntArray, TrialState
from doseopt.designs.layers import first_size, with_cap
from doseopt.designs.unfinished import alone, committed, enrolled, under
from doseopt.display.outlook import STUDY_BELIEF, STUDY_MODEL
from doseopt.engines.means import means_of
from doseopt.measures.expected import MEASURES, linear_measures
from doseopt.measures.operating_characteristics import METRICS
from doseopt.models.choice import FIELDS
from doseopt.models.kinds import PosteriorCurve, with_prior_sd
from doseopt.records.replay import Standing
from doseopt.records.trial import Trial
from doseopt.scenarios import MTDRule
from doseopt.study.study import Study

PRIOR_SCALES = {"prior sd halved": 0.5, "prior sd doubled": 2.0}
EXPECTED = (*MEASURES, "further_patients", "further_dlts")
"""Measures that are averaged."""
MOST_BYTES = 1 << 23
"""Of the beliefs that are remembered."""
UNASKED = ("beta", "monotone", "two_populations")
"""Models that are no alternative: points cost more than they tell, and populations of future patients are unknown."""
MOST, STEP = 40, 3
"""Patients up to which the enrolment that is needed is sought, and between two caps that are tried."""


def beliefs_now(study: Study, trial: Trial, fineness: int = FINE) -> dict[str, Belief]:
    """Return what may be believed of the DLT rates after the data, by name: `STUDY_MODEL` and its alternatives.

    Parameters
    ----------
    study : Study
    trial : Trial
        So far. The two-parameter logistic model weighs with the doses that patients were given, where known; other
        models, and the study's belief, with the planned ones.
    fineness : int
        As of `belief_of_model`: `COARSE` where averages are refined (`expected`).
    """
    own = study.curve()
    models = {name: with_prior_sd(own, factor) for name, factor in PRIOR_SCALES.items()}
    for kind in FIELDS:
        if kind not in (*UNASKED, study.posterior.model):
            try:
                models[f"model {kind}"] = study.curve(kind)
            except Faults:
                continue  # a model that needs doses as numbers, of which this study has none
    beliefs = {STUDY_MODEL: model_now(study, trial, fineness)}
    beliefs |= {name: _of_model(study, model, trial, fineness) for name, model in models.items()}
    return beliefs | {STUDY_BELIEF: updated(study.believed(), *trial.tally())}


def model_now(study: Study, trial: Trial, fineness: int = FINE) -> Belief:
    """Return what the study's model says of the DLT rates after the data: the first of `beliefs_now`."""
    return _of_model(study, study.curve(), trial, fineness)


def _of_model(study: Study, model: PosteriorCurve, trial: Trial, fineness: int) -> Belief:
    """Return what a model says of the DLT rates after the data."""
    return _belief(study, model, *trial.tally(), actual_doses(model, trial), fineness)


def belief_after(study: Study, asked: Question) -> Belief:
    """Return what a model says of the DLT rates after the data, split where the main definition of right changes."""
    return _belief(study, asked.common, asked.n, asked.y, asked.at)


def _belief(
    study: Study, model: PosteriorCurve, n: IntArray, y: IntArray, at: Tally | None, fineness: int = FINE
) -> Belief:
    given = () if at is None else (at[0], *(tuple(part.tolist()) for part in at[1:]))
    seen = tuple(n.tolist()), tuple(y.tolist())
    return _remembered(model, study.mtd, tuple(study.doses.planned()), study.target, fineness, seen, given)


@remembered(MOST_BYTES)
def _remembered(
    model: PosteriorCurve,
    mtd: MTDRule,
    planned: tuple[int, ...],
    target: float,
    fineness: int,
    seen: tuple[tuple[int, ...], ...],
    given: tuple[Any, ...],
) -> Belief:
    """Return a belief with its finer rules, which several analyses of a trial average over."""

    def right(p: FloatArray) -> BoolArray:
        return mtd.acceptable(p[:, list(planned)])

    n, y = (np.array(part) for part in seen)
    at = (given[0], np.array(given[1]), np.array(given[2])) if given else None
    return belief_of_model(model, n, y, right, at, target, fineness)


def _planned(study: Study) -> IntArray:
    """Return where the planned doses stand; without making the scenarios, as this is asked for often."""
    return np.array(study.doses.planned())


def expected(
    study: Study, design: Design, belief: Belief, start: TrialState, names: Sequence[str] = MEASURES
) -> tuple[dict[str, float], FloatArray]:
    """Return what is to be expected of a design from a state on, averaged over a belief where it is known.

    Patients below the MTD are known where a dose is right.

    Parameters
    ----------
    study : Study
    design : Design
    belief : Belief
        What is believed now.
    start : TrialState
        A batch of one. Patients and DLTs count from the start of the trial, further ones from here.
    names : sequence of str
        Measures that are linear in the selection, the patients and the DLTs.

    Returns
    -------
    measures : dict of str to float
        Those named; `further_patients` and `further_dlts` beside `sample_size` and `total_dlts`; and `error`: the
        largest that these have as integrals over a continuous belief, of numbers of patients relative to the most; 0 if
        they are sums.
    selection : float array [1 + D]
        Probability that none, and that each dose, is selected.
    """
    planned = _planned(study)

    def values(belief: Belief) -> FloatArray:
        means = means_of(design, belief.p_observed, start, scenarios=belief.scenarios)
        each = linear_measures(means, belief.p_dlt, study.mtd, planned, names)
        found = np.column_stack([*(each[name] for name in names), means.selection])
        return np.concatenate([np.nan_to_num(found), np.isfinite(found)], axis=1)

    most = design.facts.cap or int(start.n.sum()) + MOST
    largest = np.ones(2 * (len(names) + 1 + design.facts.doses))
    largest[: len(names)] = [most if METRICS[name].units == "patients" else 1.0 for name in names]
    belief, each = integrated(belief, values, largest)
    total, known = np.split(belief.mean(each), 2)
    average = np.divide(total, known, out=np.full(len(total), np.nan), where=known > 0)
    found = dict(zip(names, average.tolist(), strict=False))
    if "sample_size" in found:
        found["further_patients"] = found["sample_size"] - enrolled(design, start)
    if "total_dlts" in found:
        found["further_dlts"] = found["total_dlts"] - int(start.y.sum())
    found["error"] = float(np.max(belief.error(each) / largest))
    return found, average[len(names) :]


BY_ENROLMENT = ("correct_selection", "overdose_selection", "patients_below_mtd")


def averages(
    study: Study,
    standings: Mapping[str, Standing],
    beliefs: Mapping[str, Belief],
    progress: Progress = lambda _: None,
) -> xr.Dataset:
    """Return `EXPECTED`, `error` and `selection` of designs averaged over beliefs, (design, belief); see `expected`.

    Parameters
    ----------
    study : Study
    standings : mapping of str to Standing
        The designs, and where their trials stand.
    beliefs : mapping of str to Belief
    progress : callable, optional
    """
    error = np.empty((len(standings), len(beliefs)))
    values = np.empty((len(EXPECTED), *error.shape))
    selection = np.empty((len(standings), len(beliefs), 1 + len(study.doses.labels)))
    for b, (which, belief) in enumerate(beliefs.items()):
        progress(f"averages: {which}")
        for d, (design, start) in enumerate(standings.values()):
            found, selection[d, b] = expected(study, design, belief, start)
            values[:, d, b] = [found[measure] for measure in EXPECTED]
            error[d, b] = found["error"]
    dims = ("design", "belief")
    data: dict[str, Any] = {name: (dims, value) for name, value in zip(EXPECTED, values, strict=True)}
    data["no_selection"] = (dims, selection[:, :, 0])
    data["error"] = (dims, error)
    data["selection"] = ((*dims, "dose"), selection[:, :, 1:])
    coords = {
        "design": list(standings),
        "belief": list(beliefs),
        "dose": list(study.doses.labels),
        "source": ("belief", [belief.source for belief in beliefs.values()]),
    }
    return xr.Dataset(data, coords=coords, attrs={"model": study.describe_model()})


def by_enrolment(study: Study, standings: Mapping[str, Standing], belief: Belief) -> xr.Dataset:
    """Return average measures by most patients, and the designs' own caps.

    Parameters
    ----------
    study : Study
    standings : mapping of str to Standing
        The designs, and where their trials stand.
    belief : Belief

    Returns
    -------
    Dataset
        `BY_ENROLMENT` (design, enrolment), nan below a design's first cohort; `planned_maximum` (design), nan for none.
    """
    treated = max(committed(design, start) for design, start in standings.values())
    designs = {name: alone(design) for name, (design, _) in standings.items()}
    first = treated or min(int(design.first().size[0]) for design in designs.values())
    own = [np.nan if design.facts.cap is None else float(design.facts.cap) for design in designs.values()]
    caps = sorted({*range(first, MOST + 1, STEP), *(int(cap) for cap in own if treated <= cap)})
    values = np.full((len(BY_ENROLMENT), len(designs), len(caps)), np.nan)
    found: dict[Design, list[float]] = {}  # designs that differ by their cap only are the same under another
    for d, (name, design) in enumerate(designs.items()):
        smallest, (standing, start) = first_size(design), standings[name]
        for k, cap in enumerate(caps):
            if cap < smallest:
                continue
            changed = with_cap(design, cap)
            if changed not in found:
                means = expected(study, under(changed, standing), belief, start, BY_ENROLMENT)[0]
                found[changed] = [means[name] for name in BY_ENROLMENT]
            values[:, d, k] = found[changed]
    return xr.Dataset(
        {
            **{
                name: (("design", "enrolment"), value, _averaged(name))
                for name, value in zip(BY_ENROLMENT, values, strict=True)
            },
            "planned_maximum": ("design", own, {"units": "patients", "long_name": "enrolment cap of the design"}),
        },
        coords={"design": list(designs), "enrolment": caps},
    )


def _averaged(name: str) -> dict[str, str]:
    """Say what an average over the study's model is."""
    return {"units": METRICS[name].units, "long_name": f"{METRICS[name].long_name}, averaged over the study's model"}


def enrolment_needed(curve: xr.DataArray, probability: float) -> dict[str, int | None]:
    """Return the fewest patients with which each design selects correctly with a stated probability; None if none does.

    Parameters
    ----------
    curve : DataArray
        `enrolment/correct_selection` of :func:`amend`, (design, enrolment).
    probability : float
    """
    found: dict[str, int | None] = {}
    for name in curve["design"].to_numpy().tolist():
        enough = np.flatnonzero(curve.sel(design=name).to_numpy() >= probability)
        found[name] = int(curve["enrolment"].to_numpy()[enough[0]]) if enough.size else None
    return found
