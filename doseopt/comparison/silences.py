"""Operating characteristics under every reading of what a protocol does not say."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from doseopt.comparison.readings import Reading, read, readings_of
from doseopt.comparison.window_readings import MOST, window_silences
from doseopt.core.design import Design
from doseopt.core.facts import Facts
from doseopt.core.parameters import Fault, Faults
from doseopt.core.progress import Progress
from doseopt.core.state import FloatArray
from doseopt.designs.layers import course
from doseopt.display.readings import ACTUAL, TARGET
from doseopt.engines.budget import TooManyStates
from doseopt.engines.enrolling import loses
from doseopt.engines.exact import Exact
from doseopt.engines.means import Means, means_of_each
from doseopt.engines.several import means_of_several
from doseopt.measures.expected import linear_measures, mean_of_known
from doseopt.measures.operating_characteristics import measure_each
from doseopt.scenarios.mtd_rule import planned_of
from doseopt.study.study import Study

MEASURES = (
    "correct_selection",
    "overdose_selection",
    "no_selection",
    "patients_below_mtd",
    "sample_size",
    "total_dlts",
)
MODERATE = 0.10
"""P(moderate toxicity | no DLT) at every dose, where the scenarios state none and a reading looks at it."""
TOGETHER = 16
"""Courses whose trials are followed at a time."""


def silences(study: Study, name: str, progress: Progress = lambda _: None) -> xr.Dataset:
    """Return operating characteristics of a design under every reading of its protocol's silences.

    Parameters
    ----------
    study : Study
        Its scenarios count alike in the averages.
    name : str
        The design.
    progress : callable, optional
        Told all combinations, and each factor that is not the design's own, when their turn comes.

    Returns
    -------
    Dataset
        `<measure>` (reading, scenario), one factor changed at a time, `factor_of`, `value` and `in_use` (reading); nan
        where a reading makes a design only together with another, or one too large where patients are left out;
        `<measure>_all` (combination), means over the scenarios for all combinations of the design's own readings,
        with the position of each factor's reading (combination, own_factor); `effect_<measure>` (factor): the largest
        change of the mean that one reading makes; `spread_<measure>` (own_factor): the range over a factor's readings
        of the mean over all combinations. Combinations that make no design are left out.

    Raises
    ------
    Faults
        If the design is not in the study, or has no parameter that could be read otherwise.
    """
    design = study.choose([name])[name]
    factors = readings_of(study, design)
    about_all = {TARGET, ACTUAL, *window_silences(study)}
    own = {factor: each for factor, each in factors.items() if factor not in about_all}
    if not own:
        raise Faults([Fault(f"designs.{name}", "has no parameter that a protocol could mean otherwise")], "silences")
    scenarios = study.scenarios
    progress("all combinations")
    every = _combinations(study, design, own, scenarios)
    positions, combined = np.array([*every]), mean_of_known(np.array([*every.values()]), 2)
    single, labels = [], []
    for factor, each in factors.items():
        if factor not in own:
            progress(factor)
        for k, reading in enumerate(each):
            if factor in own:
                place = tuple(k if name == factor else 0 for name in own)
                single.append(every.get(place, _unknown(scenarios)))
            else:
                single.append(_alone(reading, study, design, scenarios))
            labels.append((factor, reading.value, reading is each[0]))
    data: dict[str, Any] = {}
    for m, measure_name in enumerate(MEASURES):
        values = np.array([row[m] for row in single])
        data[measure_name] = (("reading", "scenario"), values)
        data[f"{measure_name}_all"] = ("combination", combined[:, m])
        data[f"effect_{measure_name}"] = ("factor", _effects(mean_of_known(values, 1), labels, list(factors)))
        data[f"spread_{measure_name}"] = ("own_factor", _spreads(combined[:, m], positions))
    data["position"] = (("combination", "own_factor"), positions)
    coords = {
        "factor_of": ("reading", [factor for factor, _, _ in labels]),
        "value": ("reading", [value for _, value, _ in labels]),
        "in_use": ("reading", [used for _, _, used in labels]),
        "factor": list(factors),
        "own_factor": list(own),
        "scenario": scenarios["scenario"].to_numpy(),
    }
    attrs = {
        **study.provenance(),
        "design": name,
        "combinations": len(combined),
        "p_moderate": MODERATE,
    }
    return xr.Dataset(data, coords=coords, attrs=attrs)


def _alone(reading: Reading, study: Study, design: Design, scenarios: xr.Dataset) -> FloatArray:
    """Return the measures under one reading, [measure, scenario]; nan if its design is too large."""
    try:
        changed, other = read(study, design, [reading])
        found: FloatArray = _evaluated(changed, [[other]], scenarios if changed is study else changed.scenarios)[0]
        return found
    except (Faults, TooManyStates):
        return _unknown(scenarios)


def _unknown(scenarios: xr.Dataset) -> FloatArray:
    return np.full((len(MEASURES), scenarios.sizes["scenario"]), np.nan)


def _evaluated(study: Study, courses: Sequence[Sequence[Design]], scenarios: xr.Dataset) -> FloatArray:
    """Return the measures of designs, those of each course giving the same cohorts, [design, measure, scenario]."""
    stated = scenarios["p_moderate"].variable
    moderate = stated.copy(data=np.where(np.isnan(stated.to_numpy()), MODERATE, stated.to_numpy()))
    if loses(courses[0][0], scenarios):
        filled = scenarios.assign(p_moderate=moderate)
        outcomes = [study.judge(Exact(max_states=MOST)(design, filled)) for design in itertools.chain(*courses)]
        return np.array([list(measure_each(each, MEASURES).values()) for each in outcomes])
    p_dlt, p_observed = (scenarios[name].to_numpy() for name in ("p_dlt", "p_observed"))
    each = _means(courses, p_observed, moderate.to_numpy())
    joined = Means(*(np.concatenate([getattr(means, part) for means in each]) for part in ("selection", "n", "y")))
    rates = np.tile(p_dlt, (len(each), 1))
    measures = linear_measures(joined, rates, study.mtd, planned_of(scenarios), MEASURES)
    return np.stack([values.reshape(len(each), -1) for values in measures.values()], axis=1)


def _means(courses: Sequence[Sequence[Design]], p_observed: FloatArray, p_moderate: FloatArray) -> list[Means]:
    """Return the expectations of each design; those of several courses side by side if their graphs are small."""
    if len(courses) > 1:
        with contextlib.suppress(TooManyStates):
            return means_of_several(courses, p_observed, p_moderate, MOST)
    return [means for designs in courses for means in means_of_each(designs, p_observed, p_beside=p_moderate)]


def _combinations(
    study: Study, design: Design, own: Mapping[str, list[Reading]], scenarios: xr.Dataset
) -> dict[tuple[int, ...], FloatArray]:
    """Return the measures of all combinations, [measure, scenario], by the position of each factor's reading."""
    alike: dict[Facts, dict[Design, dict[tuple[int, ...], Design]]] = {}
    for place in itertools.product(*(range(len(each)) for each in own.values())):
        try:
            _, changed = read(study, design, [each[k] for k, each in zip(place, own.values(), strict=True)])
        except Faults:
            continue  # readings that exclude each other
        plain = course(changed)
        alike.setdefault(plain.facts, {}).setdefault(plain, {})[place] = changed
    found: dict[tuple[int, ...], FloatArray] = {}
    for courses in alike.values():
        for some in itertools.batched(courses.values(), TOGETHER):
            measures = _evaluated(study, [list(designs.values()) for designs in some], scenarios)
            found |= dict(zip(itertools.chain(*some), measures, strict=True))
    return dict(sorted(found.items()))


def _effects(means: np.ndarray, labels: list[tuple[str, str, bool]], factors: list[str]) -> list[float]:
    """Return for each factor the largest change that one of its readings makes, with its sign."""
    effects = []
    for factor in factors:
        rows = [k for k, label in enumerate(labels) if label[0] == factor]
        change = means[rows] - means[rows[0]]
        known = change[~np.isnan(change)]
        effects.append(float(known[np.abs(known).argmax()]) if len(known) else np.nan)
    return effects


def _spreads(means: np.ndarray, positions: np.ndarray) -> list[float]:
    """Return for each factor the range over its readings of the mean over all combinations with that reading."""
    spreads = []
    for place in positions.T:
        each = [means[place == k].mean() for k in np.unique(place)]
        spreads.append(float(max(each) - min(each)))
    return spreads
