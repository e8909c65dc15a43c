"""The binomial likelihood of a tally from log DLT rates, in NumPy or any namespace like it."""

from __future__ import annotations

import math
from typing import Any

LOG_HALF = -math.log(2)
LARGEST_LOG_RATE = -1e-300
"""A rate of 1 is read as the largest below it, so that n - y = 0 patients without DLT contribute 0, not 0 log 0."""


def log1mexp(x: Any, xp: Any) -> Any:
    """Return log(1 - exp(x)) for x <= 0, to full relative accuracy at both ends and with finite derivatives."""
    x = xp.minimum(x, LARGEST_LOG_RATE)
    near, far = xp.log(-xp.expm1(xp.maximum(x, LOG_HALF))), xp.log1p(-xp.exp(xp.minimum(x, LOG_HALF)))
    return xp.where(x > LOG_HALF, near, far)


def log_likelihood(log_p: Any, n: Any, y: Any, xp: Any) -> Any:
    """Return y log p + (n - y) log(1 - p) at each dose, without the binomial coefficient."""
    return y * log_p + (n - y) * log1mexp(log_p, xp)
