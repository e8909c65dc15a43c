"""Life table: survival by the actuarial method, in intervals of days."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from doseopt.core.state import BoolArray, FloatArray
from doseopt.endpoints.arguments import Arguments, shown

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]  # ships no types

MOST_DAYS = 100_000.0
"""Nearly three hundred years."""
BREAKS = (0, 1, 3, 7, 14, 28, 60)
"""Days of the registered visits: the intervals (0, 1], (1, 3], ..., (28, 60]."""


def life_table(days: npt.ArrayLike, died: npt.ArrayLike, breaks: npt.ArrayLike = BREAKS) -> pd.DataFrame:
    """Return survival by the actuarial (life-table) method, a row an interval (a, b].

    Of those at risk at the start of an interval, `lost` are censored in it and count by half: n' = n - lost / 2; a
    share q = deaths / n' dies, and survival is the product of 1 - q, with Greenwood's standard error.

    Parameters
    ----------
    days : array
        From treatment to death, or to the end of follow-up; 0 is the day of treatment, and a death on it counts in the
        first interval. Who is followed to the last break or beyond is not lost.
    died : array of bool
        Whether the subject died on that day.
    breaks : array
        Days where intervals begin and end, from 0.

    Returns
    -------
    DataFrame
        Index: the intervals. Columns `at_risk_start`, `lost`, `effective` (n'), `deaths`, `surv_at_start` and
        `se_surv_at_start`, which are NaN where nobody is left to say it, the standard error also where all have died.

    Raises
    ------
    Faults
        With everything that is wrong with the arguments.

    Examples
    --------
    Eight subjects, of whom two die on days 10 and 40, and one is lost on day 20:

    >>> from doseopt import life_table
    >>> table = life_table([10, 40, 20, 60, 60, 60, 60, 60], [1, 1, 0, 0, 0, 0, 0, 0], [0, 14, 28, 60])
    >>> print(table.round(4).to_string())
              at_risk_start  lost  effective  deaths  surv_at_start  se_surv_at_start
    (0, 14]               8     0        8.0       1          1.000            0.0000
    (14, 28]              7     1        6.5       0          0.875            0.1169
    (28, 60]              6     0        6.0       1          0.875            0.1169
    """
    import pandas as pd

    time, dead, limits = _read(days, died, breaks)
    after = time[:, None] > limits
    left = np.concatenate([[len(time)], after[:, 1:].sum(axis=0)])
    deaths = _within(time[dead], limits)
    lost = _within(time[~dead & (time < limits[-1])], limits)
    effective = left[:-1] - lost / 2
    survival, error = _surviving(effective, deaths)
    return pd.DataFrame(
        {
            "at_risk_start": left[:-1],
            "lost": lost,
            "effective": effective,
            "deaths": deaths,
            "surv_at_start": survival[:-1],
            "se_surv_at_start": error[:-1],
        },
        index=[f"({a:g}, {b:g}]" for a, b in pairwise(limits)],
    )


def at_end(table: pd.DataFrame) -> tuple[float, float]:
    """Return survival at the end of the last interval of a life table, and its standard error."""
    survival, error = _surviving(table["effective"].to_numpy(), table["deaths"].to_numpy())
    return float(survival[-1]), float(error[-1])


def read_times(arguments: Arguments, days: Any, died: Any) -> tuple[FloatArray, BoolArray]:
    """Return days of follow-up and whether they ended in death, a number a subject; perhaps of nobody."""
    wanted = f"numbers in [0, {MOST_DAYS:g}], the days from treatment on"
    time, dead = arguments.numbers("days", days, 0, MOST_DAYS, wanted), arguments.flags("died", died)
    if not arguments.faults and (time.ndim != 1 or time.shape != dead.shape):
        arguments.refuse("", f"wanted a list of days and one of died, as long, got {time.shape} and {dead.shape}")
    return time, dead


def _read(days: Any, died: Any, breaks: Any) -> tuple[FloatArray, BoolArray, FloatArray]:
    """Return the arguments of a life table as arrays."""
    arguments = Arguments()
    time, dead = read_times(arguments, days, died)
    before = len(arguments.faults)
    wanted = "rising days that begin with 0, two at least"
    limits = arguments.numbers("breaks", breaks, 0, MOST_DAYS, wanted)
    wrong = limits.ndim != 1 or len(limits) < 2 or limits[0] != 0 or (np.diff(limits) <= 0).any()
    if len(arguments.faults) == before and wrong:
        arguments.refuse("breaks", f"wanted {wanted}, got {shown(limits.tolist())}")
    arguments.done("life_table")
    return time, dead, limits


def _within(time: FloatArray, limits: FloatArray) -> npt.NDArray[np.int64]:
    """Count the days in each interval (a, b], those of day 0 in the first; days beyond the last are in none."""
    which = np.maximum(np.searchsorted(limits, time, side="left"), 1) - 1
    return np.bincount(which, minlength=len(limits))[: len(limits) - 1].astype(np.int64)


def _surviving(effective: FloatArray, deaths: npt.NDArray[np.int64]) -> tuple[FloatArray, FloatArray]:
    """Return survival and Greenwood's error at the start, and at the end of each interval; NaN where nobody is left."""
    with np.errstate(divide="ignore", invalid="ignore"):
        survival = np.cumprod(np.concatenate([[1.0], 1 - deaths / effective]))
        summed = np.cumsum(np.concatenate([[0.0], deaths / (effective * (effective - deaths))]))
        error = survival * np.sqrt(summed)
    nobody = effective[:1].sum() == 0
    dead = np.cumsum(np.concatenate([[False], (deaths > 0) & (deaths >= effective)])) > 0
    survival, error = np.where(dead, 0.0, survival), np.where(dead, np.nan, error)
    return (np.full_like(survival, np.nan), np.full_like(error, np.nan)) if nobody else (survival, error)
