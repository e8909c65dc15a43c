"""Designs from what a reference says of them, and their exact operating characteristics."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from doseopt.core.design import Design
from doseopt.core.state import CONTINUE, NONE, FloatArray, IntArray, TrialState
from doseopt.core.trial import after, selected, step
from doseopt.designs import DESIGNS
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import MODIFIERS
from doseopt.engines.exact import Exact
from doseopt.models.skeleton import IndifferenceInterval
from doseopt.scenarios import make_scenarios
from doseopt.verify.check import Answers

DOSES = range(1, 5)
OPERATING = {
    "no_selection": "sel_none",
    "selection": " ".join(f"sel_{j}" for j in DOSES),
    "patients": " ".join(f"n_{j}" for j in DOSES),
    "dlts_by_dose": " ".join(f"tox_{j}" for j in DOSES),
    "sample_size": "total_n",
    "dlts": "total_tox",
}
"""Operating characteristics and the columns that the tables of the peers have them in."""
RATES = {"p_dlt": " ".join(f"p{j}" for j in DOSES)}
ROUNDING = 1e-12
"""Two sums of the same products in different orders."""
TINY = 1e-300


def design_of(given: Mapping[str, Any]) -> Design:
    """Make the design that a reference describes as a study file does: kind, options and modifiers."""
    options = {name: value for name, value in given.items() if name not in ("kind", "modifiers")}
    if isinstance(options.get("skeleton"), dict):
        options["skeleton"] = IndifferenceInterval(**options["skeleton"])
    base: Design = DESIGNS[given["kind"]](**options)
    modifiers = [{**spec} for spec in given.get("modifiers", ())]
    return Modified(base, tuple(MODIFIERS[spec.pop("kind")](**spec) for spec in modifiers)) if modifiers else base


def operating(design: Design, p_dlt: Sequence[float], p_moderate: Sequence[float] | None = None) -> Answers:
    """Return the operating characteristics in one scenario, by their names in `OPERATING`."""
    outcomes = Exact()(design, make_scenarios([p_dlt], p_moderate=None if p_moderate is None else [p_moderate]))
    weight, n, y = (outcomes[name].to_numpy() for name in ("weight", "n", "y"))
    choice = weight[0] @ (outcomes["selected"].to_numpy()[:, None] == np.arange(NONE, design.facts.doses))
    patients, dlts = weight[0] @ n, weight[0] @ y
    return {
        "no_selection": choice[0],
        "selection": choice[1:],
        "patients": patients,
        "dlts_by_dose": dlts,
        "sample_size": patients.sum(),
        "dlts": dlts.sum(),
    }


def granted_exact(significant: int) -> Callable[[Mapping[str, Any], Answers], Answers]:
    """Grant every operating characteristic half a unit of its last significant digit, and a rounding error."""

    def granted(given: Mapping[str, Any], ours: Answers) -> Answers:
        return {name: half_unit(ours[name], significant) + ROUNDING for name in OPERATING}

    return granted


def half_unit(value: npt.ArrayLike, significant: int) -> FloatArray:
    """Return half a unit of the last of so many significant digits."""
    size = np.maximum(np.abs(np.asarray(value, float)), TINY)
    return np.asarray(0.5 * 10.0 ** (np.floor(np.log10(size)) + 1 - significant))


def tally(n: Sequence[int] | IntArray, y: Sequence[int] | IntArray, last: int | None = None) -> TrialState:
    """Return the state of one trial; the highest dose tried was the last given unless another is named (from 0)."""
    at = int(np.flatnonzero(n)[-1]) if last is None else last
    return TrialState(np.array([n], np.int64), np.array([y], np.int64), np.array([at]), np.zeros((1, 0), np.int64))


def treated(doses: int, levels: Sequence[int], dlts: Sequence[int]) -> TrialState:
    """Return the state after patients at levels from 1, one after another."""
    at = np.array(levels) - 1
    n, y = np.bincount(at, minlength=doses), np.bincount(at, weights=dlts, minlength=doses)
    return tally(n, y.astype(np.int64), int(at[-1]))


def next_of(design: Design, outcomes: str) -> tuple[bool, int | None]:
    """Return whether a trial goes on after some outcomes, and the level of the next dose or of the MTD."""
    state = after(design, outcomes)
    decision = step(design, state)
    if decision.stop[0] == CONTINUE:
        return True, int(decision.dose[0]) + 1
    mtd = int(selected(design, state, decision.stop)[0])
    return False, None if mtd == NONE else mtd + 1
