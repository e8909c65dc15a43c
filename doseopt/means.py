"""Selection, patients and DLTs of a design in many scenarios, exact and lean: one product instead of a Dataset.

Most performance measures are linear in them, so that thousands of designs, or a design under thousands of draws of a
posterior, take milliseconds each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from doseopt.design import Design
from doseopt.engine.exact import edge_weights, ending_weights
from doseopt.engine.graph import build_graph
from doseopt.outcomes import judged_on
from doseopt.scenarios import MTDRule, above_mtd
from doseopt.state import BoolArray, FloatArray, IntArray, TrialState
from doseopt.utility import Utility

MEASURES = (
    "correct_selection",
    "overdose_selection",
    "no_selection",
    "sample_size",
    "total_dlts",
    "patients_above_mtd",
    "accuracy_index",
)
"""Measures that are linear in the selection, patients and DLTs."""
ROOM = 1 << 24
"""States x scenarios at a time: 128 MB an array, however many nodes a belief has."""


@dataclass(frozen=True, eq=False)
class Means:
    """Expectations of a design in R scenarios.

    Attributes
    ----------
    selection : float array [R, 1 + D]
        Probability that none, and that each dose, is selected.
    n, y : float array [R, D]
        Expected patients and DLTs, those before `start` included.
    """

    selection: FloatArray
    n: FloatArray
    y: FloatArray


def means_of(
    design: Design, p_observed: FloatArray, start: TrialState | None = None, p_moderate: FloatArray | None = None
) -> Means:
    """Return the expectations of a design.

    Parameters
    ----------
    design : Design
    p_observed : float array [R, D]
    start : TrialState, optional
        A batch of one to start from.
    p_moderate : float array [R, D], optional
        P(moderate toxicity | no DLT), for a design that looks at it.
    """
    graph = build_graph(design, start)
    chosen = graph.selected[:, None] == np.arange(-1, design.doses)
    n, y = graph.state.n[graph.ending], graph.state.y[graph.ending]
    counted = np.concatenate([chosen, n, y], axis=1).astype(float)
    means = np.empty((len(p_observed), counted.shape[1]))
    step = max(ROOM // len(graph.state), 1)
    for rows in (slice(first, first + step) for first in range(0, len(means), step)):
        p, moderate = p_observed[rows], None if p_moderate is None else p_moderate[rows]
        weight = ending_weights(graph, p) if design.categories == 2 else edge_weights(graph, p, moderate)
        means[rows] = (weight if design.categories == 2 else weight[:, graph.ending]) @ counted
    return Means(*np.split(means, [1 + design.doses, 1 + 2 * design.doses], axis=1))


def linear_measures(
    means: Means, p_dlt: FloatArray, mtd: MTDRule, planned: IntArray | None = None
) -> dict[str, FloatArray]:
    """Return the measures of `MEASURES`, [R] each.

    Parameters
    ----------
    means : Means
    p_dlt : float array [R, D]
        True DLT rates, by which right and wrong are judged.
    mtd : MTDRule
    planned : int array, optional
        The doses that may be right, where others can be given too.
    """
    right = _acceptable(p_dlt, mtd, planned)
    above = above_mtd(p_dlt, right, mtd.target)
    distance = np.abs(p_dlt - mtd.target)
    none, each = means.selection[:, 0], means.selection[:, 1:]
    total = distance.sum(axis=1)
    return {
        "correct_selection": (each * right).sum(axis=1) + none * ~right.any(axis=1),
        "overdose_selection": (each * above).sum(axis=1),
        "no_selection": none,
        "sample_size": means.n.sum(axis=1),
        "total_dlts": means.y.sum(axis=1),
        "patients_above_mtd": (means.n * above).sum(axis=1),
        "accuracy_index": 1 - right.shape[1] * (each * distance).sum(axis=1) / np.where(total > 0, total, np.nan),
    }


def _acceptable(p_dlt: FloatArray, mtd: MTDRule, planned: IntArray | None) -> BoolArray:
    return mtd.acceptable(p_dlt) if planned is None else judged_on(mtd, p_dlt, planned)[0]


def linear_utility(
    measures: Mapping[str, FloatArray],
    p_dlt: FloatArray,
    mtd: MTDRule,
    utility: Utility,
    planned: IntArray | None = None,
) -> FloatArray:
    """Return the expected utility from `linear_measures`, [R]."""
    nothing = ~_acceptable(p_dlt, mtd, planned).any(axis=1)
    value = measures["correct_selection"] * np.where(nothing, utility.none, 1.0)
    return np.asarray(
        value
        - utility.per_dlt * measures["total_dlts"]
        - utility.per_patient_above_mtd * measures["patients_above_mtd"]
        - utility.per_patient * measures["sample_size"]
    )
