"""A recommendation under stated criteria: the design that meets the bounds and is ahead, and the runner-up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from doseopt.amendment.criteria import broken, criteria_faults
from doseopt.amendment.outlook import expected, model_now
from doseopt.beliefs import Belief
from doseopt.beliefs.of_model import COARSE
from doseopt.core.parameters import Faults
from doseopt.core.state import FloatArray
from doseopt.engines.exact import Exact
from doseopt.measures.expected import MEASURES
from doseopt.measures.operating_characteristics import METRICS, measure
from doseopt.records.replay import Standing
from doseopt.records.trial import Trial
from doseopt.study.criteria import Criteria
from doseopt.study.definitions import MAIN
from doseopt.study.study import Study

COUNTED = ("chosen", "patients", "dlts")
"""What is counted in measures that are products of expectations."""


@dataclass(frozen=True)
class Recommendation:
    """What stated criteria say of some designs.

    Attributes
    ----------
    criteria : Criteria
    values : mapping of str to mapping of str to float
        The measures of the criteria by design, averaged over what is believed.
    ranked : tuple of str
        The designs that meet the bounds, the best first.
    """

    criteria: Criteria
    values: Mapping[str, Mapping[str, float]]
    ranked: tuple[str, ...]


def recommend(study: Study, trial: Trial, standings: Mapping[str, Standing], criteria: Criteria) -> Recommendation:
    """Return which of some designs meet the criteria, the best first; of two alike the one named first.

    Parameters
    ----------
    study : Study
        What its model believes after the data is averaged over.
    trial : Trial
        So far.
    standings : mapping of str to Standing
        The designs, and where their trials stand.
    criteria : Criteria

    Raises
    ------
    Faults
        If the criteria are on what is no measure.
    """
    if faults := criteria_faults(criteria):
        raise Faults(faults, "recommend")
    names = list(dict.fromkeys((criteria.maximise, *criteria.bounds)))
    if criteria.definition != MAIN:
        study = replace(study, mtd=study.also[criteria.definition])
    belief = model_now(study, trial, COARSE)
    values = {design: _averages(study, standing, belief, names) for design, standing in standings.items()}
    within = [design for design, each in values.items() if not broken(criteria, each)]
    within.sort(key=lambda design: -values[design][criteria.maximise])
    return Recommendation(criteria, values, tuple(within))


def _averages(study: Study, standing: Standing, belief: Belief, names: Sequence[str]) -> dict[str, float]:
    """Return measures averaged over what is believed, where they are known; those of the ladder as it says them."""
    design, start = standing
    counted = [name for name in names if METRICS[name].of in COUNTED]
    found: dict[str, float] = {}
    for asked in (MEASURES, [name for name in counted if name not in MEASURES]):
        if set(asked) & set(counted):
            found |= expected(study, design, belief, start, asked)[0]
    if len(counted) < len(names):
        fine = belief.refined.as_sum()
        judged = study.judge(Exact()(design, fine.scenarios, start))
        found |= {name: _known_mean(fine.weights, judged, name) for name in names if name not in counted}
    return {name: found[name] for name in names}


def _known_mean(weights: FloatArray, judged: xr.Dataset, name: str) -> float:
    """Return a measure averaged where it is known."""
    value = measure(judged, name)[0].to_numpy()
    known = np.isfinite(value)
    return float(weights[known] @ value[known] / weights[known].sum()) if known.any() else float("nan")
