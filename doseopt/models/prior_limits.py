"""Limits of the priors for which posteriors are right: standard deviations, correlations and means."""

from __future__ import annotations

import math
from typing import Any

from doseopt.core.parameters import are_numbers

SMALLEST_SD, LARGEST_SD = 1e-3, 10.0
"""Prior standard deviations for which posteriors are right to 1e-9."""
MOST_CORRELATED = 0.9999
FURTHEST_MEAN = (50.0, 10.0)
"""Of the prior means of log a and log b, from 0."""


def _pair(value: Any) -> bool:
    right = isinstance(value, tuple) and len(value) == 2
    return right and are_numbers(value)


def mean_fault(value: Any) -> str | None:
    """Return what is wrong with the prior means of log a and log b, or None."""
    if not _pair(value):
        return f"wanted two numbers, for log a and log b, got {value!r}"
    if any(abs(v) > most for v, most in zip(value, FURTHEST_MEAN, strict=True)):
        a, b = FURTHEST_MEAN
        return f"wanted a mean of log a in [{-a:g}, {a:g}] and of log b in [{-b:g}, {b:g}], got {value!r}"
    return None


def cov_fault(value: Any) -> str | None:
    """Return what is wrong with the prior covariance of (log a, log b), or None."""
    wanted = "wanted a 2 x 2 covariance matrix of (log a, log b), symmetric and positive definite"
    if not isinstance(value, tuple) or len(value) != 2 or not all(_pair(row) for row in value):
        return f"{wanted}, got {value!r}"
    (a, b), (c, d) = value
    if b != c or not a > 0 or not a * d - b * c > 0:
        return f"{wanted}, got {value!r}"
    slack = 1e-9
    sds = math.sqrt(a), math.sqrt(d)
    if not all(SMALLEST_SD * (1 - slack) <= sd <= LARGEST_SD * (1 + slack) for sd in sds):
        return f"wanted standard deviations in [{SMALLEST_SD:g}, {LARGEST_SD:g}], got {sds[0]:g} and {sds[1]:g}"
    if abs(b) > MOST_CORRELATED * (1 + slack) * sds[0] * sds[1]:
        got = b / sds[0] / sds[1]
        return f"wanted a correlation in [-{MOST_CORRELATED:g}, {MOST_CORRELATED:g}], got {got:.9g}"
    return None
