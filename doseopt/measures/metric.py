"""Measures: what one is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from doseopt.core.state import FloatArray
from doseopt.measures.endings import Endings, Truth


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

    def mean(self, endings: Endings, truth: Truth) -> FloatArray:
        """Return the mean in each scenario, [R] or [R, X]."""
        if self.of:
            return self.weighed(endings.means[self.of], truth)
        if not endings.shared:
            return endings.mean(self.at(endings, truth))
        truths, which = truth.alike
        value = np.asarray(self.function(endings, truths), float)
        mean = endings.mean(np.moveaxis(value, 0, 1)[None])
        return np.asarray(mean[np.arange(len(which)), which if len(value) > 1 else 0])
