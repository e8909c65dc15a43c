"""The map of definitions: which design is best, over target, definition of right, naming rule and false DLTs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import xarray as xr

from doseopt.comparison.definitions import errors_of, judge_selections, patients_below
from doseopt.comparison.evaluate import Engine
from doseopt.comparison.like_for_like import AS_READ, named, naming_rules
from doseopt.comparison.weighable import unweighed
from doseopt.core.design import Design
from doseopt.core.parameters import Fault, Faults
from doseopt.core.state import FloatArray
from doseopt.engines.simulate import ExactWherePossible
from doseopt.measures.expected import mean_of_known
from doseopt.scenarios import MTDRule
from doseopt.study.study import Study

USUAL = (0.10, 0.15, 1 / 6, 0.20, 0.25, 0.30, 1 / 3, 0.40)
"""Targets in use; the map has the study's and the two nearest ones on each side."""
RULES = ("closest", "highest_below", "interval")
SHARES = (0.0, 0.1, 0.2)
"""Shares of the patients with an event that is wrongly called a DLT."""
BELOW = "expected patients below the MTD, mean over the scenarios where a dose is right"
TIE = 0.005
"""Designs with so much less correct selection than the best are level with it."""


def definition_map(
    study: Study, engine: Engine | None = None, progress: Callable[[str], object] = lambda _: None
) -> xr.Dataset:
    """Return what the designs of a study attain under every combination of what decides their ranking.

    Parameters
    ----------
    study : Study
        Its scenarios count alike. A definition that it states is taken at every target; others as they are usual.
    engine : Exact, Simulate or ExactWherePossible, optional
    progress : callable, optional
        Told each target, design and share of false DLTs when its turn comes.

    Returns
    -------
    Dataset
        `correct`, `overdose` (definition, target, naming, false_dlts, design): means over the scenarios; `below`:
        expected patients below the lowest right dose, over the scenarios that have one; `ahead`: the best design and
        those level with it, within `TIE`; `retargeted` (target, design). Of designs that are simulated `correct_mcse`,
        at most the standard error of `correct`, 0 of the others; without any it is left out. Targets that a
        design cannot be put on are left out and named in the attribute `not_computed`.

    Raises
    ------
    Faults
        If the study has one design only, or scenarios that its designs cannot be weighed by.
    """
    engine = ExactWherePossible() if engine is None else engine
    alone = [Fault("designs", f"wanted at least two, got {len(study.designs)}")] if len(study.designs) < 2 else []
    if alone or unweighed(study):
        raise Faults([*alone, *unweighed(study)], study.name)
    rules = {name: _rule(study, name) for name in RULES}
    namings = [name for name in naming_rules(study.definition) if name != AS_READ]
    each, moved, kept, left = [], [], [], []
    for target in targets_of(study.target):
        try:
            designs = study.at_target(target)
        except Faults as faults:
            left.append(f"target {target:.3g}: {'; '.join(map(str, faults.faults))}")
            continue
        parts = []
        for name, design in designs.items():
            parts.append(_attained(study, engine, name, design, namings, f"{target:.3g}: {name}", progress))
        means, patients, spread = (np.moveaxis(np.array(part), 0, 2) for part in zip(*parts, strict=True))
        judged = [_judged(study, at_target(rule, target), means, patients, spread) for rule in rules.values()]
        each.append([[one[name] for one in judged] for name in ("correct", "overdose", "below", "error")])
        moved.append([design is not study.designs[name] for name, design in designs.items()])
        kept.append(target)
    correct, overdose, below, error = np.moveaxis(np.array(each), 0, 2).swapaxes(3, 4)
    dims = ("definition", "target", "naming", "false_dlts", "design")
    about = {"units": "1", "long_name": "probability of correct selection, mean over the scenarios"}
    price = about | {"long_name": "probability of selecting an overdose, mean over the scenarios"}
    data = {
        "correct": (dims, correct, about),
        "overdose": (dims, overdose, price),
        "below": (dims, below, {"units": "patients", "long_name": BELOW}),
        "ahead": (dims, correct >= correct.max(axis=-1, keepdims=True) - TIE - 1e-12),
        "retargeted": (("target", "design"), moved),
    }
    if error.any():
        data["correct_mcse"] = (dims, error, about | {"long_name": f"Monte Carlo standard error: {about['long_name']}"})
    coords = dict(zip(dims, (list(RULES), kept, namings, list(SHARES), list(study.designs)), strict=True))
    attrs = {"study_target": study.target, "scenarios": study.scenarios.sizes["scenario"]}
    return xr.Dataset(data, coords, {**study.provenance(), **attrs, "not_computed": "\n".join(left)})


def targets_of(target: float) -> list[float]:
    """Return the study's target, and the two usual ones nearest to it on each side.

    Examples
    --------
    >>> [round(target, 3) for target in targets_of(0.25)]
    [0.167, 0.2, 0.25, 0.3, 0.333]
    """
    below = [usual for usual in USUAL if usual < target - 1e-9]
    above = [usual for usual in USUAL if usual > target + 1e-9]
    return [*below[-2:], target, *above[:2]]


def _rule(study: Study, name: str) -> MTDRule:
    """Return the study's definition of this kind, the main one first; else the usual one."""
    stated = (rule for rule in (study.mtd, *study.also.values()) if rule.rule == name)
    return next(stated, MTDRule(study.target, name))


def at_target(rule: MTDRule, target: float) -> MTDRule:
    """Return a definition at another target, with which an interval and the rate above which none is right move."""
    if rule.rule == "interval" or target == rule.target:
        return rule.at(target)
    return dataclasses.replace(rule, target=target, none_above=min(rule.none_threshold - rule.target + target, 1.0))


def _attained(
    study: Study,
    engine: Engine,
    name: str,
    design: Design,
    namings: list[str],
    turn: str,
    progress: Callable[[str], object],
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return what is selected, none or a dose, [share, naming, R, 1 + D], expected patients, and Monte Carlo errors."""
    seen, chosen, given, spread = study.scenarios["p_observed"], [], [], []
    for share in SHARES:
        progress(f"{turn}, {100 * share:g}% false DLTs")
        scenarios = study.scenarios.assign(p_observed=1 - (1 - seen) * (1 - share))
        by_naming = named(study, engine, name, design, scenarios)
        chosen.append([by_naming[naming][0][:, :-1] for naming in namings])
        spread.append([by_naming[naming][1][:, :-1, :-1] for naming in namings])
        given.append([by_naming[naming][2] for naming in namings])
    return np.array(chosen), np.array(given), np.array(spread)


def _judged(
    study: Study, rule: MTDRule, means: FloatArray, patients: FloatArray, spread: FloatArray
) -> dict[str, FloatArray]:
    """Return what is correct, an overdose, and below the MTD, means over the scenarios, [share, naming, design].

    The error of `correct` is at most the mean of those in the scenarios, whose trials have patients in common.
    """
    judged = judge_selections(means, study.scenarios, rule)
    judged["error"] = errors_of(spread, study.scenarios, rule)["correct"]
    below = mean_of_known(patients_below(patients, study.scenarios, rule), axis=-1)
    return {**{name: each.mean(axis=-1) for name, each in judged.items()}, "below": below}
