"""Maximum likelihood estimates of one-parameter models."""

from __future__ import annotations

import numpy as np

from doseopt.core.distinct import unique_rows
from doseopt.core.state import BoolArray, FloatArray, IntArray
from doseopt.models.curves import Empiric, OneParameterLogistic

BOUND = 10.0
"""Estimates of b are sought within +-10, as R dfcrm does: beyond it rates are those at b = +-infinity."""
HALVINGS = 60


def heterogeneous(n: IntArray, y: IntArray) -> BoolArray:
    """Tell where a patient with and one without a DLT have been seen, without which there is no estimate, [S]."""
    dlts = y.sum(axis=1)
    return np.asarray((dlts > 0) & (dlts < n.sum(axis=1)))


def most_likely(model: Empiric | OneParameterLogistic, n: IntArray, y: IntArray) -> FloatArray:
    """Return the b with the largest likelihood of y DLTs in n patients at each dose, [S, D] -> [S]; nan if none has.

    The log likelihood is concave in the slope exp(b): where its derivative is 0, by bisection.

    Examples
    --------
    One dose, one DLT in four patients: 0.1^exp(b) is 1/4.

    >>> model = Empiric((0.1,), 1.0)
    >>> b = most_likely(model, np.array([[4]]), np.array([[1]]))
    >>> f"{0.1 ** np.exp(b[0]):.6f}"
    '0.250000'
    """
    first, inverse = unique_rows([*n.T, *y.T])
    n, y = n[first], y[first]
    low, high = np.full(len(n), -BOUND), np.full(len(n), BOUND)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        rises = model.score(middle, n, y) > 0
        low, high = np.where(rises, middle, low), np.where(rises, high, middle)
    return np.where(heterogeneous(n, y), (low + high) / 2, np.nan)[inverse]


def most_likely_rates(model: Empiric | OneParameterLogistic, n: IntArray, y: IntArray) -> FloatArray:
    """Return the DLT rates at that b, [S, D]; nan where there is none."""
    b = most_likely(model, n, y)[:, None]
    return np.where(np.isnan(b), np.nan, np.exp(model.log_dlt_rate(np.nan_to_num(b), np)))
