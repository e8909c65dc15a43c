"""The frontier of what can be attained if patients, or patients above the MTD, may not be more than so many."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from itertools import chain

import numpy as np
import xarray as xr

from doseopt.attainable.accuracy import attained_by
from doseopt.attainable.optimal import Optimum, bayes_optimal_each
from doseopt.attainable.rules import Rules
from doseopt.beliefs import Belief
from doseopt.beliefs.utility import Utility
from doseopt.core.progress import Progress, in_percent
from doseopt.scenarios import MTDRule

COUNTED = {"per_patient": "sample_size", "per_patient_above_mtd": "patients_above_mtd"}
"""Price -> what is counted."""
PRICES = (0.0, 0.003, 0.006, 0.012, 0.018, 0.024, 0.036, 0.05, 0.07, 0.1, 0.15)


def frontier(
    belief: Belief,
    mtd: MTDRule,
    rules: Rules,
    utility: Utility | None = None,
    price: str = "per_patient_above_mtd",
    prices: tuple[float, ...] = PRICES,
    best: Optimum | None = None,
    progress: Progress = lambda _: None,
) -> tuple[Optimum, xr.Dataset]:
    """Return the best of a class, and the best trades of a utility against a number of patients.

    At each price c the policy that maximises U - c E[count] is found; no design of the class with the same count has a
    higher U. Between the prices, U is bounded by `frontier_bound`.

    Parameters
    ----------
    belief : Belief
    mtd : MTDRule
    rules : Rules
        The class of designs.
    utility : Utility, optional
        U; the probability of correct selection when left out.
    price : {"per_patient_above_mtd", "per_patient"}
        What is counted, by its price in `Utility`; the prices come on top of those that the utility has.
    prices : tuple of float
        The first is 0.
    best : Optimum, optional
        That at the first price, if it is known; else all are found together.
    progress : callable, optional
        Told how much is done.

    Returns
    -------
    Optimum
        That at the first price.
    Dataset
        `value` (price): U - c E[count] of the optimum, and its `error` as an integral; `utility` and `count` (price)
        of the policy that attains it.
    """
    base = Utility() if utility is None else utility
    priced = [dataclasses.replace(base, **{price: getattr(base, price) + extra}) for extra in prices]
    step = f"{rules.describe()}, prices of {COUNTED[price].replace('_', ' ')}"
    solved = in_percent(progress, step)
    optima = bayes_optimal_each(belief, mtd, [(rules, each) for each in priced[best is not None :]], progress=solved)
    best = next(optima) if best is None else best
    rows: list[tuple[float, ...]] = []
    for extra, known in zip(prices, chain([best], optima), strict=True):
        progress(f"{step}, {len(rows) + 1} of {len(prices)}")
        found = attained_by(known.design, belief, mtd, base, kept=known is best)
        parts = found["utility"], found[COUNTED[price]]
        error = belief.error(parts[0] - extra * parts[1])
        rows.append((known.value, float(error), *(float(belief.mean(part)) for part in parts)))
    names = ("value", "error", "utility", "count")
    units = ("1", "1", "1", "patients")
    variables = {
        name: ("price", column, {"units": unit})
        for name, column, unit in zip(names, np.array(rows).T, units, strict=True)
    }
    return best, xr.Dataset(variables, coords={"price": list(prices)})


def frontier_bound(front: xr.Dataset, count: float) -> float:
    """Return a bound of U of all designs of the class with E[count] at most `count`: min over c of V(c) + c count."""
    return float((front["value"] + front["price"] * count).min())


def frontiers(known: Mapping[str, xr.Dataset]) -> xr.Dataset:
    """Return the trades against patients above the MTD, by the name of each class's best, (policy, exposure_price)."""
    front = xr.concat(list(known.values()), xr.DataArray(list(known), dims="policy"))
    texts = {
        "utility": "expected utility",
        "count": "expected patients above the MTD",
        "error": "difference of the optimum by a coarser rule of integration,",
    }
    renamed = {
        name: front[name]
        .rename(price="exposure_price")
        .assign_attrs(long_name=f"{text} of the policy that is optimal at a price of a patient above the MTD")
        for name, text in texts.items()
    }
    short = {"utility": "frontier_utility", "count": "frontier_exposure", "error": "frontier_error"}
    return xr.Dataset({short[name]: array for name, array in renamed.items()}).assign_coords(policy=list(known))
