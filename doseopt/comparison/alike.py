"""What the graphs of designs say beside their numbers: which decide alike, and which trials are in vain."""

from __future__ import annotations

import numpy as np
import xarray as xr

from doseopt.core.design import Design
from doseopt.core.state import BoolArray
from doseopt.designs.layers import in_any_order, with_names
from doseopt.designs.waiting import followed_up
from doseopt.display.simulated import simulated
from doseopt.engines.alike import decide_alike
from doseopt.engines.budget import TooManyStates
from doseopt.engines.graph import graph_of
from doseopt.engines.settled import in_vain
from doseopt.study.study import Study


def first_alike(study: Study, ds: xr.Dataset) -> list[str]:
    """Return of each design the first one of the study that decides alike, itself if there is none before it.

    Only graphs of designs whose operating characteristics agree are walked; a simulated design is like none.

    Parameters
    ----------
    study : Study
    ds : Dataset
        The operating characteristics of its designs.
    """
    names, drawn = list(study.designs), without_graph(study, ds)
    each = np.concatenate(
        [ds[name].transpose("design", ...).to_numpy().reshape(len(names), -1) for name in ("selection", "patients")],
        axis=1,
    )
    found: list[str] = []
    for d, name in enumerate(names):
        before = (
            names[k]
            for k in range(d)
            if found[k] == names[k]
            and not (drawn[k] or drawn[d])
            and np.allclose(each[k], each[d], rtol=0, atol=1e-9)
            and _alike(study, names[k], name)
        )
        found.append(next(before, name))
    return found


def trials_in_vain(study: Study, ds: xr.Dataset) -> list[str]:
    """Return of each design the shortest trial without toxicity after which no dose can be declared any more.

    Parameters
    ----------
    study : Study
    ds : Dataset
        The operating characteristics of its designs; of a simulated one, and where there is no such trial, it is empty.
    """
    drawn = without_graph(study, ds)
    return ["" if drawn[d] else _in_vain(design) for d, design in enumerate(study.designs.values())]


def _in_vain(design: Design) -> str:
    try:
        return in_vain(graph_of(design))
    except TooManyStates:  # there is room for its endings only
        return ""


def waiting_alike(study: Study) -> list[str]:
    """Return of each design the one of the study that is the same with everybody followed up; empty if there is none.

    Parameters
    ----------
    study : Study
    """
    each = {name: in_any_order(with_names(design, None)) for name, design in study.designs.items()}
    parents = [followed_up(design) for design in study.designs.values()]
    return [
        "" if parent is None else next((n for n, o in each.items() if o == in_any_order(with_names(parent, None))), "")
        for parent in parents
    ]


def without_graph(study: Study, ds: xr.Dataset) -> BoolArray:
    """Return which designs have no graph: those simulated, and those whose trials depend on when patients come."""
    return np.asarray(simulated(ds)) | [design.facts.in_time for design in study.designs.values()]


def _alike(study: Study, one: str, other: str) -> bool:
    first, second = study.designs[one], study.designs[other]
    same = first.facts.outcomes == second.facts.outcomes
    try:
        return same and decide_alike(graph_of(first), graph_of(second))
    except TooManyStates:  # there is room for their endings only
        return False
