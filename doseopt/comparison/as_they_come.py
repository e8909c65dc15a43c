"""Designs whose cohorts are treated as patients come, at both ends: were all cohorts of the fewest, or of the most."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import xarray as xr

from doseopt.comparison.evaluate import outcomes_of
from doseopt.core.design import Design, Modifier
from doseopt.designs.layers import with_modifiers
from doseopt.designs.modifiers import CohortRange
from doseopt.engines.budget import TooManyStates
from doseopt.measures.operating_characteristics import METRICS, measure
from doseopt.study.on_pending import Engine
from doseopt.study.study import Study

MEASURED = ("correct_selection", "overdose_selection", "sample_size", "total_dlts")
ENDS = {"fewest": 0, "most": -1}


def at_end(design: Design, end: str) -> Design:
    """Return a design all of whose cohorts are of the fewest patients who come, or of the most.

    Examples
    --------
    >>> from doseopt import BOIN, CohortRange, MaxPatients, Modified
    >>> design = Modified(BOIN(doses=2, target=0.25), (CohortRange(from_=3, to=6), MaxPatients(n=12)))
    >>> [at_end(design, end).facts.comers.chances for end in ("fewest", "most")]
    [(1.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 1.0)]
    """

    def change(rule: Modifier) -> Modifier:
        if not isinstance(rule, CohortRange):
            return rule
        weights = np.zeros(rule.to - rule.from_ + 1)
        weights[ENDS[end]] = 1
        return dataclasses.replace(rule, weights=tuple(weights.tolist()))

    return with_modifiers(design, change)


def as_they_come(study: Study, engine: Engine, result: xr.Dataset) -> dict[str, Any]:
    """Return what the designs of a study whose cohorts have a range of sizes attain at both ends of it.

    Parameters
    ----------
    study : Study
    engine : Exact, Simulate or ExactWherePossible
    result : Dataset
        The operating characteristics of the study's designs, in which the number of patients is drawn.

    Returns
    -------
    dict
        Variables `<name>_if_fewest_come` and `<name>_if_most_come` (design, scenario) of `MEASURED`; nan for designs
        that state the size of each cohort, and where the calculation is too large. Empty if all do.
    """
    ranged = [d for d, design in enumerate(study.designs.values()) if design.facts.comers is not None]
    names, made = list(study.designs), {}
    for end in ENDS if ranged else ():
        found = {name: np.full((len(names), result.sizes["scenario"]), np.nan) for name in MEASURED}
        for d in ranged:
            try:
                design = at_end(study.designs[names[d]], end)
                blocks = list(outcomes_of(study, engine, names[d], design, study.scenarios))
            except TooManyStates:
                continue
            for name, value in found.items():
                value[d] = np.concatenate([measure(block, name)[0].to_numpy() for block in blocks])
        for name, value in found.items():
            about = {"units": METRICS[name].units, "long_name": f"{METRICS[name].long_name}, if the {end} always come"}
            made[f"{name}_if_{end}_come"] = (("design", "scenario"), value, about)
    return made
