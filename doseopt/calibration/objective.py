"""The objective that a candidate is judged by: exact measures of many designs, as lean as they can be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from doseopt.beliefs import Belief
from doseopt.beliefs.utility import Utility
from doseopt.core.design import Design
from doseopt.core.parameters import Fault, Faults, nearest
from doseopt.core.state import FloatArray
from doseopt.engines.exact import Exact
from doseopt.engines.means import means_of
from doseopt.engines.outcomes import judged
from doseopt.measures.expected import MEASURES, linear_measures, linear_utility
from doseopt.measures.operating_characteristics import METRICS, measure
from doseopt.scenarios import MTDRule
from doseopt.study.on_pending import InTime

UTILITY = "utility"
BLOCK = 100
"""Scenarios at a time, of designs that decide while patients are pending."""
TAIL = 1 / 400
"""Probability of what is worse than the worst, under a continuous belief."""


@dataclass(frozen=True)
class Objective:
    """What is to be made as good as possible, and what must not be exceeded.

    Parameters
    ----------
    name : str
        "utility", or a measure of `metrics.METRICS` that is one number a scenario.
    worst : bool
        Whether the worst scenario counts, instead of the average over the belief. A continuous belief has none: of it
        counts what only one curve in 400 falls short of.
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
        if not self.worst:
            return float(belief.mean(value))
        if belief.check is None:
            return float(value[belief.weights > 0].min())
        order = np.argsort(value)
        return float(value[order[np.searchsorted(np.cumsum(belief.weights[order]), TAIL)]])

    def excess(self, measures: Mapping[str, FloatArray], belief: Belief) -> float:
        """Return by how much the limits are exceeded in all, each relative to the limit; 0 if none is."""
        over = [float(belief.mean(measures[name])) - most for name, most in self.limits]
        return sum(max(o, 0.0) / max(abs(most), 1e-9) for o, (_, most) in zip(over, self.limits, strict=True))


def measures_of(
    design: Design,
    belief: Belief,
    mtd: MTDRule,
    names: tuple[str, ...] = MEASURES,
    utility: Utility | None = None,
    in_time: InTime | None = None,
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
    in_time : InTime, optional
        What evaluates a design that decides while patients are pending.

    Returns
    -------
    dict of str to float array [R]
    """
    if in_time is not None and design.facts.pending:
        result = _measures_in_time(design, belief, mtd, tuple({*MEASURES, *names} - {UTILITY}), in_time)
    else:
        means = means_of(design, belief.p_observed, scenarios=belief.scenarios)
        result = linear_measures(means, belief.p_dlt, mtd)
    if UTILITY in names:
        result[UTILITY] = linear_utility(result, belief.p_dlt, mtd, utility or Utility())
    others = [name for name in names if name not in result]
    if others:
        outcomes = judged(Exact()(design, belief.scenarios), mtd)
        result |= {name: measure(outcomes, name)[0].to_numpy() for name in others}
    return {name: result[name] for name in names}


def _measures_in_time(
    design: Design, belief: Belief, mtd: MTDRule, names: tuple[str, ...], in_time: InTime
) -> dict[str, FloatArray]:
    """Return measures of a design that decides while patients are pending, a few scenarios at a time."""
    parts: dict[str, list[FloatArray]] = {name: [] for name in names}
    for first in range(0, belief.scenarios.sizes["scenario"], BLOCK):
        outcomes = judged(in_time(design, belief.scenarios.isel(scenario=slice(first, first + BLOCK))), mtd)
        for name, found in parts.items():
            found.append(measure(outcomes, name)[0].to_numpy())
    return {name: np.concatenate(found) for name, found in parts.items()}
