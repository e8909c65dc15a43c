"""Correct and overdose selection by every definition of what is right that a study states."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from doseopt.comparison.evaluate import Engine, outcomes_of
from doseopt.core.design import Design
from doseopt.core.state import NONE, FloatArray
from doseopt.engines.exact_calendars import GIVEN
from doseopt.measures.declared import FEW
from doseopt.measures.endings import Endings, Truth
from doseopt.measures.operating_characteristics import METRICS
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
        scenario); `below_by_definition`, expected patients below the lowest right dose, nan where none is right, as
        exact as `patients`; `design_target` (definition, design): nan where a design does not depend on it; coordinates
        `definition` and `definition_rule`.
    """
    if not study.also:
        return {}
    rules = {MAIN: study.mtd, **study.also}
    values: dict[str, list[tuple[FloatArray, FloatArray]]] = {}
    targets, below = [], []
    for rule in rules.values():
        designs = study.at_target(rule.target)
        each = [_selected(study, engine, name, design, result) for name, design in designs.items()]
        means, spread, patients = (np.array(part) for part in zip(*each, strict=True))
        below.append(patients_below(patients, result, rule))
        errors = errors_of(spread, result, rule)
        for name, value in judge_selections(means, result, rule).items():
            values.setdefault(name, []).append((value, errors[name]))
        targets.append([design.facts.target if aims(design) else np.nan for design in designs.values()])
    dims = ("definition", "design", "scenario")
    found = labelled({name: np.array(each).swapaxes(0, 1) for name, each in values.items()}, dims, "definition")
    about = {"units": "1", "long_name": "target DLT rate of the design, as the definition has it"}
    few = {"units": "patients", "long_name": f"{METRICS['patients_below_mtd'].long_name}, by definition"}
    return {
        **found,
        "below_by_definition": (dims, np.array(below), few),
        "design_target": (dims[:2], np.array(targets), about),
        "definition": list(rules),
        "definition_rule": ("definition", [rule.describe() for rule in rules.values()]),
    }


def labelled(values: dict[str, Any], dims: tuple[str, ...], by: str) -> dict[str, Any]:
    """Label probabilities and their Monte Carlo errors, [2, ..., design, scenario] of each event."""
    found = {}
    for name, (value, error) in values.items():
        about = {"units": "1", "long_name": f"{TEXTS[name]}, by {by}"}
        found[f"{name}_by_{by}"] = (dims, value, about)
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
    return {name: (selections * weight).sum(axis=-1) for name, weight in _weights(scenarios, rule).items()}


def patients_below(patients: FloatArray, scenarios: xr.Dataset, rule: MTDRule) -> FloatArray:
    """Return the expected patients below the lowest dose that is right by a definition, nan where none is, [..., R].

    Parameters
    ----------
    patients : float array [..., R, D]
        Expected at each dose.
    scenarios, rule
        As of `judge_selections`.
    """
    weight = METRICS["patients_below_mtd"].function(_truth(scenarios, rule))
    return np.asarray((patients * weight).sum(axis=-1))


def errors_of(spread: FloatArray, scenarios: xr.Dataset, rule: MTDRule) -> dict[str, FloatArray]:
    """Return the Monte Carlo standard errors of `judge_selections`.

    Parameters
    ----------
    spread : float array [..., R, 1 + D, 1 + D]
        Monte Carlo covariance of the selections.
    scenarios, rule
        As of `judge_selections`.
    """
    variance = {
        name: np.einsum("rx,...rxy,ry->...r", weight, spread, weight)
        for name, weight in _weights(scenarios, rule).items()
    }
    return {name: np.sqrt(np.clip(value, 0, None)) for name, value in variance.items()}


def _truth(scenarios: xr.Dataset, rule: MTDRule) -> Truth:
    """Return the truth of scenarios as a definition judges it."""
    p_dlt = scenarios["p_dlt"].transpose("scenario", "dose").to_numpy()
    right, _ = judged_on(rule, p_dlt, planned_of(scenarios))
    return Truth(p_dlt, right, np.full(len(p_dlt), NONE), rule.target)


def _weights(scenarios: xr.Dataset, rule: MTDRule) -> dict[str, FloatArray]:
    """Return what each selection counts, [R, 1 + D]."""
    truth = _truth(scenarios, rule)
    return {name: np.asarray(METRICS[measured].function(truth)) for name, measured in SHOWN.items()}


def _selected(
    study: Study, engine: Engine, name: str, design: Design, result: xr.Dataset
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the probability that none and that each dose is selected, [R, 1 + D], and its Monte Carlo covariance.

    With the expected patients at each dose, [R, D]. Found anew for another design than the study's, and over calendars,
    whose spread a comparison does not hold.
    """
    at, known = result.indexes["design"].get_loc(name), result.variables
    if design is study.designs[name] and known["engine"].to_numpy()[at] != GIVEN:
        names, dims = ("no_selection", "selection", "patients"), ("design", "scenario", "dose")
        none, chosen, patients = (known[n].transpose(*dims, missing_dims="ignore").to_numpy()[at] for n in names)
        mean = np.column_stack([none, chosen])
        among = mean[:, :, None] * np.eye(mean.shape[1]) - mean[:, :, None] * mean[:, None, :]
        return mean, among / known["trials"].to_numpy()[at], patients
    found = []
    for outcomes in outcomes_of(study, engine, name, design, study.scenarios):
        endings = Endings.of(outcomes)
        mean = endings.mean(endings.chosen)
        found.append((mean, endings.covariance(endings.chosen, mean), endings.mean(endings.n)))
    means, spread, patients = (np.concatenate(part) for part in zip(*found, strict=True))
    return means, spread, patients
