"""Correct and overdose selection by every definition of what is right that a study states."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from doseopt.comparison.evaluate import Engine, outcomes_of
from doseopt.core.design import Design
from doseopt.core.state import NONE, FloatArray
from doseopt.display.simulated import evaluated
from doseopt.measures.declared import FEW
from doseopt.measures.endings import Truth
from doseopt.measures.operating_characteristics import METRICS, measure_each
from doseopt.scenarios import MTDRule
from doseopt.scenarios.mtd_rule import judged_on, planned_of
from doseopt.study.definitions import MAIN, aims
from doseopt.study.study import Study

SHOWN = {"correct": "correct_selection", "overdose": "overdose_selection"}
"""Measures by which definitions are compared, by the start of their variables."""
TEXTS = {name: METRICS[measured].long_name for name, measured in SHOWN.items()} | {
    "few": f"probability that a dose is declared on {FEW} patients there or fewer"
}


def by_definition(study: Study, engine: Engine, result: xr.Dataset) -> dict[str, Any]:
    """Return the measures by definition, the main one first; nothing where the study states no other.

    A definition with another target judges the designs put on that target; where it is the study's, the selections of
    the comparison are judged once more.

    Parameters
    ----------
    study : Study
    engine : Exact, Simulate or ExactWherePossible
    result : Dataset
        The operating characteristics of the study's designs.

    Returns
    -------
    dict
        Variables `correct_by_definition`, `overdose_by_definition` and their `<name>_mcse` (definition, design,
        scenario), `design_target` (definition, design): nan where a design does not depend on it; coordinates
        `definition` and `definition_rule`.
    """
    if not study.also:
        return {}
    rules = {MAIN: study.mtd, **study.also}
    values: dict[str, list[FloatArray]] = {}
    targets = []
    for rule in rules.values():
        designs = study.at_target(rule.target)
        each = [_selected(study, engine, name, design, result) for name, design in designs.items()]
        for name, value in judge_selections(np.array(each), result, rule).items():
            values.setdefault(name, []).append(value)
        targets.append([design.facts.target if aims(design) else np.nan for design in designs.values()])
    dims = ("definition", "design", "scenario")
    found = with_errors({name: np.array(each) for name, each in values.items()}, dims, "definition", result)
    about = {"units": "1", "long_name": "target DLT rate of the design, as the definition has it"}
    return {
        **found,
        "design_target": (dims[:2], np.array(targets), about),
        "definition": list(rules),
        "definition_rule": ("definition", [rule.describe() for rule in rules.values()]),
    }


def with_errors(values: dict[str, FloatArray], dims: tuple[str, ...], by: str, result: xr.Dataset) -> dict[str, Any]:
    """Label probabilities [..., design, scenario] of one event a trial, with their Monte Carlo errors.

    Those of designs averaged over calendars are nan: the spread of these probabilities over calendars is not known.
    """
    trials, found = result["trials"].to_numpy()[:, None], {}
    for name, value in values.items():
        about = {"units": "1", "long_name": f"{TEXTS[name]}, by {by}"}
        found[f"{name}_by_{by}"] = (dims, value, about)
        error = np.where(
            np.array(evaluated(result))[:, None] == "over calendars",
            np.nan,
            np.sqrt(np.clip(value * (1 - value), 0, None) / trials),
        )
        about = about | {"long_name": f"Monte Carlo standard error: {about['long_name']}"}
        found[f"{name}_by_{by}_mcse"] = (dims, error, about)
    return found


def judge_selections(selections: FloatArray, scenarios: xr.Dataset, rule: MTDRule) -> dict[str, FloatArray]:
    """Return how often selections are right and how often an overdose, by one definition.

    Parameters
    ----------
    selections : float array [..., R, 1 + D]
        Probability that none, and that each dose, is selected.
    scenarios : Dataset
        With `p_dlt` (scenario, dose).
    rule : MTDRule

    Returns
    -------
    dict of str to float array [..., R]
        By the names of `SHOWN`.
    """
    p_dlt = scenarios["p_dlt"].transpose("scenario", "dose").to_numpy()
    right, _ = judged_on(rule, p_dlt, planned_of(scenarios))
    truth = Truth(p_dlt, right, np.full(len(p_dlt), NONE), rule.target)
    weights = {name: np.asarray(METRICS[measured].function(truth)) for name, measured in SHOWN.items()}
    return {name: (selections * weight).sum(axis=-1) for name, weight in weights.items()}


def _selected(study: Study, engine: Engine, name: str, design: Design, result: xr.Dataset) -> FloatArray:
    """Return the probability that none and that each dose is selected, [R, 1 + D]; found anew for another design."""
    if design is study.designs[name]:
        part = result[["no_selection", "selection"]].sel(design=name)
        return np.column_stack([part["no_selection"], part["selection"].transpose("scenario", "dose")])
    blocks = outcomes_of(study, engine, name, design, study.scenarios)
    each = (measure_each(outcomes, ("no_selection", "selection")) for outcomes in blocks)
    return np.concatenate([np.column_stack([part["no_selection"], part["selection"]]) for part in each])
