"""What a candidate is judged by: exact measures of many designs, as lean as they can be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from doseopt.design import Design
from doseopt.engine.exact import Exact, ending_weights
from doseopt.engine.graph import build_graph
from doseopt.metrics import METRICS, measure
from doseopt.outcomes import judged
from doseopt.parameters import Fault, Faults, nearest
from doseopt.scenarios import Belief, MTDRule
from doseopt.state import FloatArray
from doseopt.utility import Utility

UTILITY = "utility"
MEASURES = (
    "correct_selection",
    "overdose_selection",
    "no_selection",
    "sample_size",
    "total_dlts",
    "patients_above_mtd",
    "accuracy_index",
)
"""Measures of every candidate: they are linear in the selection, patients and DLTs, so that one product gives all."""


@dataclass(frozen=True)
class Objective:
    """What is to be made as good as possible, and what must not be exceeded.

    Parameters
    ----------
    name : str
        "utility", or a measure of `metrics.METRICS` that is one number a scenario.
    worst : bool
        Whether the worst scenario counts, instead of the average over the belief.
    limits : tuple of (str, float)
        Measures, and the most that their averages over the belief may be.
    """

    name: str = "correct_selection"
    worst: bool = False
    limits: tuple[tuple[str, float], ...] = ()

    def __post_init__(self) -> None:
        """Refuse measures that do not exist, or are not one number a scenario."""
        known = [UTILITY, *(name for name, m in METRICS.items() if m.better)]
        named = [("objective", self.name), *(("at-most", name) for name, _ in self.limits)]
        faults = [
            Fault(where, f"wanted a measure that is one number a scenario, got {name!r}{nearest(name, known)}")
            for where, name in named
            if name not in known
        ]
        if faults:
            raise Faults(faults, "calibrate")

    @property
    def direction(self) -> int:
        """1 if high is better, -1 if low is."""
        return 1 if self.name == UTILITY else METRICS[self.name].better

    @property
    def needed(self) -> tuple[str, ...]:
        """Every measure that is looked at, the objective first."""
        return tuple(dict.fromkeys([self.name, *(name for name, _ in self.limits), *MEASURES]))

    def score(self, measures: Mapping[str, FloatArray], belief: Belief) -> float:
        """Return the objective, high being better, from measures by scenario."""
        value = self.direction * measures[self.name]
        if self.worst:
            return float(value[belief.weights > 0].min())
        return float(belief.weights @ value)

    def excess(self, measures: Mapping[str, FloatArray], belief: Belief) -> float:
        """Return by how much the limits are exceeded in all, each relative to the limit; 0 if none is."""
        over = [float(belief.weights @ measures[name]) - most for name, most in self.limits]
        return sum(max(o, 0.0) / max(abs(most), 1e-9) for o, (_, most) in zip(over, self.limits, strict=True))


def measures_of(
    design: Design, belief: Belief, mtd: MTDRule, names: tuple[str, ...] = MEASURES, utility: Utility | None = None
) -> dict[str, FloatArray]:
    """Return exact measures of a design in each scenario of a belief.

    Parameters
    ----------
    design : Design
        Sees two outcome categories.
    belief : Belief
    mtd : MTDRule
    names : tuple of str
        Of `metrics.METRICS`, or "utility". Those of `MEASURES` cost next to nothing; others are taken from all endings.
    utility : Utility, optional
        For "utility".

    Returns
    -------
    dict of str to float array [R]
    """
    graph = build_graph(design)
    doses = design.doses
    chosen = (graph.selected[:, None] == np.arange(-1, doses)).astype(float)
    n, y = graph.state.n[graph.ending], graph.state.y[graph.ending]
    weight = ending_weights(graph, belief.p_observed)
    means = weight @ np.concatenate([chosen, n, y], axis=1).astype(float)
    result = _linear(means[:, : doses + 1], means[:, doses + 1 : 2 * doses + 1], means[:, 2 * doses + 1 :], belief, mtd)
    if UTILITY in names:
        result[UTILITY] = _utility(result, belief, mtd, utility or Utility())
    others = [name for name in names if name not in result]
    if others:
        outcomes = judged(Exact()(design, belief.scenarios), mtd)
        result |= {name: measure(outcomes, name)[0].to_numpy() for name in others}
    return {name: result[name] for name in names}


def _linear(selection: FloatArray, n: FloatArray, y: FloatArray, belief: Belief, mtd: MTDRule) -> dict[str, FloatArray]:
    """Return the measures of `MEASURES` from the selection [R, none and doses], patients and DLTs [R, D]."""
    right = mtd.acceptable(belief.p_dlt)
    level = np.arange(right.shape[1])
    above = level > np.where(right, level, -1).max(axis=1)[:, None]
    distance = np.abs(belief.p_dlt - mtd.target)
    none, each = selection[:, 0], selection[:, 1:]
    total = distance.sum(axis=1)
    return {
        "correct_selection": (each * right).sum(axis=1) + none * ~right.any(axis=1),
        "overdose_selection": (each * above).sum(axis=1),
        "no_selection": none,
        "sample_size": n.sum(axis=1),
        "total_dlts": y.sum(axis=1),
        "patients_above_mtd": (n * above).sum(axis=1),
        "accuracy_index": 1 - len(level) * (each * distance).sum(axis=1) / np.where(total > 0, total, np.nan),
    }


def _utility(measures: Mapping[str, FloatArray], belief: Belief, mtd: MTDRule, utility: Utility) -> FloatArray:
    nothing = ~mtd.acceptable(belief.p_dlt).any(axis=1)
    value = measures["correct_selection"] * np.where(nothing, utility.none, 1.0)
    return np.asarray(
        value
        - utility.per_dlt * measures["total_dlts"]
        - utility.per_patient_above_mtd * measures["patients_above_mtd"]
        - utility.per_patient * measures["sample_size"]
    )
