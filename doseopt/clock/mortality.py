"""Mortality between the days for which it is published, by piecewise constant hazards."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from doseopt.core.parameters import Fault, Faults, is_number
from doseopt.core.state import FloatArray


def mortality(day: npt.ArrayLike, days: Sequence[float], died: Sequence[float]) -> FloatArray:
    """Return the probability of death by a day, interpolated in the log of survival.

    Parameters
    ----------
    day : float array
        From 0 on; after the last day published its hazard goes on.
    days, died : sequence of float
        Days published, rising, and the probability of death by each, below 1 and not falling.

    Examples
    --------
    With 22% at 28 and 40% at 90 days:

    >>> mortality([14, 28, 60], [28, 90], [0.22, 0.40]).round(4)
    array([0.1168, 0.22  , 0.3188])
    """
    faults = []
    numbers = all(is_number(v) for v in (*days, *died))
    if not numbers or len(days) < 1 or min(days) <= 0 or not (np.diff(days) > 0).all():
        faults.append(Fault("days", f"wanted days above 0 in rising order, got {list(days)!r}"))
    if not numbers or len(died) != len(days) or not (np.diff([0, *died]) >= 0).all() or max(died, default=1) >= 1:
        faults.append(Fault("died", f"wanted probabilities below 1 that do not fall, one a day, got {list(died)!r}"))
    if faults:
        raise Faults(faults, "mortality")
    knots, hazard = np.array([0.0, *days]), -np.log1p(-np.array([0.0, *died]))
    slopes, x = np.diff(hazard) / np.diff(knots), np.asarray(day, float)
    part = np.clip(np.searchsorted(knots, x, side="right") - 1, 0, len(slopes) - 1)
    return np.asarray(-np.expm1(-(hazard[part] + slopes[part] * (x - knots[part]))))
