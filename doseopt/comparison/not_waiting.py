"""Designs that do not wait for pending patients, by the pace of accrual, and beside the same designs that wait.

These are the designs themselves with every cohort followed up (`if_waiting`), and those of the study that decide so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from doseopt.comparison.evaluate import Engine, outcomes_of
from doseopt.comparison.in_time import TIMES, in_time
from doseopt.core.parameters import Faults
from doseopt.core.state import FloatArray
from doseopt.designs.waiting import Waiting
from doseopt.engines.budget import TooManyStates
from doseopt.engines.simulate import Simulate
from doseopt.measures.operating_characteristics import METRICS, measure, values
from doseopt.study.study import Study

IF_WAITING = ("correct_selection", "overdose_selection", "sample_size", "total_dlts")
IN_TIME = ("duration", "turned_away")
SELECTED = ("correct_selection", "overdose_selection")
"""What depends on the pace besides the days."""


@dataclass(frozen=True)
class Selected:
    """How a design selects at one pace, by the names of `SELECTED`.

    Attributes
    ----------
    mean, error : dict of str to float array [R]
        With the Monte Carlo standard error.
    gain : dict of str to (float, float)
        Mean over the scenarios by which it is higher than with everybody followed up, and its error.
    """

    mean: Mapping[str, FloatArray]
    error: Mapping[str, FloatArray]
    gain: Mapping[str, tuple[float, float]]


def if_waiting(study: Study, engine: Engine, result: xr.Dataset) -> dict[str, Any]:
    """Return what the designs of a study that decide while patients are pending would attain if they waited.

    Parameters
    ----------
    study : Study
    engine : Exact, Simulate or ExactWherePossible
    result : Dataset
        The operating characteristics of the study's designs.

    Returns
    -------
    dict
        Variables `<name>_if_waiting` (design, scenario) of `IF_WAITING` and `IN_TIME`, each cohort being followed up
        before the next decision; nan for designs that wait anyway, where the calculation is too large, and in time
        where listed arrivals are too few. Empty if all designs wait.
    """
    waits = {name: Waiting(design) for name, design in study.designs.items() if design.facts.pending}
    if not waits or study.clock is None:
        return {}
    found = xr.concat(
        [_if_followed_up(study, engine, name, design, result) for name, design in waits.items()], "design"
    )
    about = {name: (METRICS[name].units, METRICS[name].long_name) for name in IF_WAITING}
    about |= {name: TIMES[name][1:] for name in IN_TIME}
    made = {}
    for name, (unit, text) in about.items():
        value = found[name].reindex(design=result["design"]).transpose("design", "scenario").to_numpy()
        attrs = {"units": unit, "long_name": f"{text}, if every cohort were followed up before the next decision"}
        made[f"{name}_if_waiting"] = (("design", "scenario"), value, attrs)
    return made


def _if_followed_up(study: Study, engine: Engine, name: str, design: Waiting, result: xr.Dataset) -> xr.Dataset:
    """Return the measures of one design that waits, nan where they are not known."""
    assert study.clock is not None
    other = replace(study, designs={name: design}, clock=replace(study.clock, also_per_month=()))
    dims, unknown = ("design", "scenario"), np.full((1, result.sizes["scenario"]), np.nan)
    coordinates = {"design": [name], "scenario": result["scenario"].to_numpy()}
    found = xr.Dataset(dict.fromkeys((*IF_WAITING, *IN_TIME), (dims, unknown)), coordinates)
    try:
        blocks = list(outcomes_of(other, engine, name, design, study.scenarios))
    except TooManyStates:
        return found
    means = {each: np.concatenate([measure(block, each)[0].to_numpy() for block in blocks]) for each in IF_WAITING}
    found = found.assign({each: (dims, mean[None]) for each, mean in means.items()})
    counted = found.assign_coords(trials=("design", [float(blocks[0].attrs["trials"])]))
    try:
        return in_time(other, engine, counted)[[*IF_WAITING, *IN_TIME]].drop_vars("trials")
    except Faults:  # the listed arrivals are enough for the trials of the study, and not for longer ones
        return found


def not_waiting(study: Study, engine: Engine, result: xr.Dataset) -> xr.Dataset:
    """Add how designs that decide on pending patients select at each pace, and what not waiting gains and costs.

    Parameters
    ----------
    study : Study
    engine : Exact, Simulate or ExactWherePossible
        That the comparison was made with.
    result : Dataset
        Of the designs, with `waits_as`.

    Returns
    -------
    Dataset
        With `correct_gain` and `overdose_gain` (design) and their `_mcse`, of the same patients where one is simulated;
        nan without a design to be compared with. If the clock names several paces also `<name>_at_pace`, and
        `correct_selection_at_pace`, `overdose_selection_at_pace` and their `_mcse` (pace, design, scenario), the same
        at every pace for a design that waits. Unchanged without a design that decides on pending patients.
    """
    if "waits_as" not in result.coords or study.clock is None:
        return result
    paces = study.clock.paces() or {np.nan: study.clock}
    found = [
        _at(study if clock == study.clock else replace(study, clock=clock), engine, result) for clock in paces.values()
    ]
    own = next(k for k, clock in enumerate(paces.values()) if clock.accrual == study.clock.accrual)
    made: dict[str, Any] = {}
    for name in SELECTED:
        short, text = name.removesuffix("_selection"), str(result[name].attrs["long_name"])
        gained = f"{text}: how much higher than with everybody followed up, mean over the scenarios"
        gain = np.array([[each.gain[name] for each in row] for row in found])
        chosen = np.array([[(each.mean[name], each.error[name]) for each in row] for row in found])
        for k, (end, about) in enumerate((("", ""), ("_mcse", "Monte Carlo standard error: "))):
            attrs = {"units": "1", "long_name": f"{about}{gained}"}
            made[f"{short}_gain{end}"] = ("design", gain[own, :, k], attrs)
            if len(paces) > 1:
                at = {"units": "1", "long_name": f"{about}{text}, by pace"}
                made[f"{short}_gain_at_pace{end}"] = (("pace", "design"), gain[:, :, k], attrs)
                made[f"{name}_at_pace{end}"] = (("pace", "design", "scenario"), chosen[:, :, k], at)
    return result.assign(made)


def _at(study: Study, engine: Engine, result: xr.Dataset) -> list[Selected]:
    """Return how each design of a study selects by its clock."""
    nothing, found = dict.fromkeys(SELECTED, (np.nan, np.nan)), []
    for name, design in study.designs.items():
        if design.facts.pending:
            found.append(_pending(study, engine, name, result))
        else:
            mean, error = (
                {which: result[f"{which}{end}"].sel(design=name).to_numpy() for which in SELECTED}
                for end in ("", "_mcse")
            )
            found.append(Selected(mean, error, nothing))
    return found


def _pending(study: Study, engine: Engine, name: str, result: xr.Dataset) -> Selected:
    """Return how a design selects that decides while patients are pending, and beside the one that waits."""
    other = str(result["waits_as"].sel(design=name).item())
    blocks = list(outcomes_of(study, engine, name, study.designs[name], study.scenarios))
    each = {which: [measure(outcomes, which) for outcomes in blocks] for which in SELECTED}
    mean, error = (
        {which: np.concatenate([part[k].to_numpy() for part in parts]) for which, parts in each.items()} for k in (0, 1)
    )
    if not other:
        return Selected(mean, error, dict.fromkeys(SELECTED, (np.nan, np.nan)))
    if blocks[0].attrs["engine"] != "simulated":
        waits = result.sel(design=other)
        less = {which: float((mean[which] - waits[which]).mean()) for which in SELECTED}
        errors = {which: np.hypot(error[which], waits[f"{which}_mcse"]).mean() for which in SELECTED}
        return Selected(mean, error, {which: (less[which], float(errors[which])) for which in SELECTED})
    trials, seed = int(blocks[0].attrs["trials"]), int(blocks[0].attrs["seed"])
    simulate, total = Simulate(trials, seed), dict.fromkeys(SELECTED, np.zeros(trials))
    for outcomes in blocks:
        here = study.scenarios.sel(scenario=outcomes["scenario"])
        waits = study.judge(simulate(study.designs[other], here))
        for which in SELECTED:
            total[which] = total[which] + _summed(outcomes, which) - _summed(waits, which)
    each_trial = {which: value / len(mean[which]) for which, value in total.items()}
    gain = {which: (float(v.mean()), float(v.std(ddof=1) / np.sqrt(trials))) for which, v in each_trial.items()}
    return Selected(mean, error, gain)


def _summed(outcomes: xr.Dataset, name: str) -> FloatArray:
    """Return a measure of each simulated trial, summed over the scenarios, which treat the same patients."""
    return np.asarray(values(outcomes, name).transpose("scenario", "ending").to_numpy().sum(axis=0))
