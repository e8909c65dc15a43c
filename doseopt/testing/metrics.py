"""Promises that every measure must keep."""

from __future__ import annotations

import numpy as np
import xarray as xr

from doseopt.core.state import FloatArray
from doseopt.measures.endings import Endings, Truth
from doseopt.measures.metric import Metric
from doseopt.testing.common import demand

N = [[3, 3, 0], [3, 3, 4], [2, 0, 0]]
Y = [[0, 1, 0], [0, 1, 2], [2, 0, 0]]


def made_outcomes() -> xr.Dataset:
    """Return three endings of trials at three doses under two truths, written by hand."""
    return xr.Dataset(
        {
            "n": (("ending", "dose"), np.array(N)),
            "y": (("ending", "dose"), np.array(Y)),
            "selected": ("ending", np.array([1, 2, -1])),
            "stop": ("ending", np.array([0, 0, 1])),
            "weight": (("scenario", "ending"), np.array([[0.5, 0.3, 0.2], [0.2, 0.3, 0.5]])),
            "p_dlt": (("scenario", "dose"), np.array([[0.05, 0.25, 0.45], [0.05, 0.10, 0.25]])),
            "acceptable": (("scenario", "dose"), np.array([[False, True, False], [False, False, True]])),
            "mtd": ("scenario", np.array([1, 2])),
            "per_evaluable": (("scenario", "dose"), np.full((2, 3), 1.25)),
        },
        coords={"scenario": ["middle", "top"], "dose": ["1", "2", "3"], "stop_reason": ["max_patients", "too_toxic"]},
        attrs={"target": 0.25, "planned": 9.0, "registered": 6.0, "trials": float("inf")},
    )


def check_metric(metric: Metric) -> None:
    """Check that a measure is a function of one ending, with a unit and a meaning.

    It has `units` and `long_name`; its value at an ending is finite, within what its unit allows (at least 0 patients;
    a proportion or index between 1 less the number of doses and 1) and the same whatever other endings stand beside
    it, whatever they weigh, and in either layout of the outcomes; and it leaves the outcomes as they are.

    Parameters
    ----------
    metric : Metric

    Raises
    ------
    AssertionError
    """
    demand(bool(metric.units), "units", repr(metric.units))
    demand(bool(metric.long_name), "a long_name", repr(metric.long_name))
    made = made_outcomes()
    endings, truth = Endings.of(made), Truth.of(made)
    value = metric.at(endings, truth).astype(float)
    demand(made.identical(made_outcomes()), "the outcomes left as they are", "others")
    wanted = (made.sizes["scenario"], made.sizes["ending"], *((made.sizes[metric.along],) if metric.along else ()))
    demand(value.shape == wanted, f"a value at each ending, {wanted}", f"{value.shape}")
    demand(bool(np.isfinite(value).all()), "finite values", f"{value}")
    low, high = (0.0, np.inf) if metric.units == "patients" else (1.0 - made.sizes["dose"], 1.0)
    inside = bool(((value >= low) & (value <= high)).all())
    demand(inside, f"values of {low:g} to {high:g}, the unit being {metric.units!r}", f"{value}")
    for i in range(made.sizes["ending"]):
        _compare("alone", metric, made.isel(ending=[i]), value[:, [i]])
    _compare("of another weight", metric, made.assign(weight=made["weight"][:, ::-1]), value)
    layout = {name: made[name].expand_dims(scenario=made["scenario"]) for name in ("n", "y", "selected", "stop")}
    _compare("of a simulated trial", metric, made.assign(layout), value)


def _compare(how: str, metric: Metric, outcomes: xr.Dataset, value: FloatArray) -> None:
    other = metric.at(Endings.of(outcomes), Truth.of(outcomes)).astype(float)
    same = bool(np.allclose(other, value, rtol=0, atol=1e-12))
    demand(same, f"the same value for an ending {how}", f"{other} for {value}")
