"""Changes by a calibration: under the belief, on curves held out, and beside what was attainable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from doseopt.attainable import Rules, bayes_optimal, error_of
from doseopt.beliefs import Belief, DrawnBelief
from doseopt.calibration.objective import Objective, measures_of
from doseopt.core.design import Design
from doseopt.designs.crm import CRM
from doseopt.designs.layers import layers
from doseopt.engines.budget import TooManyStates
from doseopt.scenarios import make_scenarios
from doseopt.study.on_pending import InTime
from doseopt.study.study import Study

HELD_OUT = 400
"""Curves of the held-out family."""
HELD_OUT_SEED = 20040101


def held_out_belief(study: Study) -> Belief:
    """Return curves of another family than the study's belief: a published generator that the belief is not of."""
    drawn = isinstance(study.belief, DrawnBelief) and study.belief.generator == "paoletti"
    spec = DrawnBelief("clertant" if drawn else "paoletti", HELD_OUT_SEED, HELD_OUT)
    labels = list(study.doses.labels)
    scenarios = make_scenarios(spec.rates(len(labels), study.target), labels=labels)
    return Belief(scenarios, None, spec.describe())


def compared(
    designs: Mapping[str, Design],
    beliefs: Mapping[str, Belief],
    study: Study,
    aim: Objective,
    in_time: InTime | None = None,
) -> xr.Dataset:
    """Return averages of default and calibrated design under both beliefs, what was attainable there, and errors."""
    names = aim.needed
    values, error = np.empty((2, len(designs), len(beliefs), len(names)))
    score = np.empty((len(designs), len(beliefs)))
    attainable, why = [], ""
    for b, belief in enumerate(beliefs.values()):
        for d, design in enumerate(designs.values()):
            measures = measures_of(design, belief, study.mtd, names, study.utility, in_time)
            values[d, b] = [belief.mean(measures[name]) for name in names]
            error[d, b] = [belief.error(measures[name]) for name in names]
            score[d, b] = aim.score(measures, belief)
        try:
            attainable.append(_attainable(designs["default"], belief, study))
        except TooManyStates as refused:
            attainable.append((float("nan"), float("nan")))
            why = str(refused)
    return xr.Dataset(
        {
            "compared": (("which", "belief", "measure"), values),
            "compared_error": (("which", "belief", "measure"), error),
            "compared_score": (("which", "belief"), score),
            "attainable": ("belief", [value for value, _ in attainable], {"not_computed": why}),
            "attainable_error": ("belief", [off for _, off in attainable]),
        },
        coords={"which": list(designs), "belief": list(beliefs), "measure": list(names)},
    )


def skeletons_of(designs: Mapping[str, Design]) -> tuple[xr.Dataset, dict[str, Any]]:
    """Return the skeletons of a CRM, (which, level), and its model; nothing for other designs."""
    rules = {which: layers(design).rule for which, design in designs.items()}
    crms = {which: rule for which, rule in rules.items() if isinstance(rule, CRM)}
    if "default" not in crms:
        return xr.Dataset(), {}
    skeletons = np.array([crm.rates for crm in crms.values()])
    data = xr.Dataset({"skeleton": (("which", "level"), skeletons)}, coords={"which": list(crms)})
    return data, {"model": crms["default"].link, "intercept": crms["default"].intercept}


def _attainable(design: Design, belief: Belief, study: Study) -> tuple[float, float]:
    """Return the probability of correct selection that is attainable with the design's cap, and its error.

    nan without a cap.
    """
    if design.facts.cap is None:
        return float("nan"), float("nan")
    rules = Rules(design.facts.cap, start=int(design.first().dose[0]) + 1, no_skipping=not design.facts.skips)
    best = bayes_optimal(belief, study.mtd, rules)
    return best.value, error_of(best.design, belief, study.mtd)
