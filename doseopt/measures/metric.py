"""Measures: what one is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import batched
from typing import Any

import numpy as np

from doseopt.core.state import FloatArray
from doseopt.measures.endings import ROOM, Endings, Truth, product

type Attrs = dict[str, str]
type Measured = tuple[tuple[str, ...], FloatArray, Attrs]
"""A variable: dimensions, values in each scenario, unit and meaning."""


@dataclass(frozen=True)
class Metric:
    """A performance measure: its function, its unit, what it means, and which way is better.

    Parameters
    ----------
    function : callable
        ``f(endings, truth) -> [L or U, E]``, or [.., E, X] for one number a reason; with `of`, ``f(truth) -> [R, X]``,
        the weights of what is counted (of "chosen" the first is that of none); their sum, or each dose's with `along`.
    units, long_name : str
    better : int
        1 where high is better, -1 where low is, and 0 where it is one number a dose or a reason.
    along : str
        What X is, if it is one number a dose or a reason: "dose" or "stop_reason".
    of : str
        What a linear measure counts: chosen, patients, dlts or share, as `Endings` has them.
    """

    function: Callable[..., Any]
    units: str
    long_name: str
    better: int
    along: str = ""
    of: str = ""

    def at(self, endings: Endings, truth: Truth) -> FloatArray:
        """Return the value at each ending in each scenario, [R, E] or [R, E, X]."""
        if self.of:
            counts, weights = endings.counts[self.of].astype(float), np.asarray(self.function(truth), float)
            if self.along:
                return np.asarray(counts[..., -weights.shape[1] :] * weights[:, None, :])
            return np.asarray((counts @ weights[:, :, None])[..., 0])
        if not endings.shared:
            return np.asarray(self.function(endings, truth), float)
        truths, which = truth.alike
        value = np.asarray(self.function(endings, truths), float)
        return value[which if len(value) > 1 else 0 * which]

    def weighed(self, counts: FloatArray, truth: Truth) -> FloatArray:
        """Return the mean of a linear measure from the mean of what it counts, [R, X] -> [R], or [R, D] along doses."""
        weights = np.asarray(self.function(truth), float)
        each = counts[:, -weights.shape[1] :] * weights
        return np.asarray(each if self.along else each.sum(axis=1))


def means(metrics: Sequence[Metric], endings: Endings, truth: Truth) -> list[FloatArray]:
    """Return the mean of each measure in each scenario, [R] or [R, X]."""
    rest = [metric for metric in metrics if not metric.of]
    if endings.shared:
        found = endings.summed(lambda some: _in_one_product(rest, some, truth))
    else:
        found = [endings.mean(metric.at(endings, truth)) for metric in rest]
    left = iter(found)
    return [metric.weighed(endings.means[metric.of], truth) if metric.of else next(left) for metric in metrics]


def _in_one_product(metrics: Sequence[Metric], endings: Endings, truth: Truth) -> list[FloatArray]:
    """Return means of what is no product of counts; of scenarios in which the same is right all measures at once."""
    truths, which = truth.alike
    groups = [np.flatnonzero(which == u) for u in range(len(truths.p_dlt))]
    means = []
    for some in batched(metrics, max(ROOM // (len(groups) * endings.weight.shape[1]), 1)):
        values = [np.asarray(metric.function(endings, truths), float) for metric in some]
        mean = [np.empty((len(which), *value.shape[2:])) for value in values]
        ends = np.cumsum([value[0, 0].size for value in values])
        columns = np.empty((endings.weight.shape[1], ends[-1]))
        parts = np.split(columns, ends[:-1], axis=1)
        for u, rows in enumerate(groups):
            for part, value in zip(parts, values, strict=True):
                if u == 0 or len(value) > 1:
                    part[:] = value[u].reshape(len(part), -1)
            weight = endings.weight if len(groups) == 1 else endings.weight[rows]
            for whole, found in zip(mean, np.split(product(weight, columns), ends[:-1], axis=1), strict=True):
                whole[rows] = found.reshape(-1, *whole.shape[1:])
        means += mean
    return means
