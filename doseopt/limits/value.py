"""What a design is worth under a utility."""

from __future__ import annotations

import xarray as xr

from doseopt.design import Design
from doseopt.engine.exact import Exact
from doseopt.engine.graph import TooManyStates
from doseopt.metrics import measure
from doseopt.outcomes import judged
from doseopt.scenarios import Belief, MTDRule
from doseopt.utility import Utility


def expected_utility(outcomes: xr.Dataset, utility: Utility) -> xr.DataArray:
    """Return the expected utility in each scenario, (scenario).

    Parameters
    ----------
    outcomes : Dataset
        Judged (`doseopt.judged`).
    utility : Utility
    """
    right = measure(outcomes, "correct_selection")[0]
    value = right.where(outcomes["acceptable"].any("dose"), utility.none * right)
    prices = {
        "total_dlts": utility.per_dlt,
        "patients_above_mtd": utility.per_patient_above_mtd,
        "sample_size": utility.per_patient,
    }
    for name, price in prices.items():
        if price:
            value = value - price * measure(outcomes, name)[0]
    return value.rename(None).assign_attrs(units="1", long_name=f"expected utility: {utility.describe()}")


def error_of(design: Design, belief: Belief, mtd: MTDRule, utility: Utility | None = None) -> float:
    """Return the error of a design's expected utility under a continuous belief.

    Parameters
    ----------
    design : Design
    belief : Belief
    mtd : MTDRule
    utility : Utility, optional
        The probability of correct selection when left out.

    Returns
    -------
    float
        By how much the belief's coarser rule has it otherwise; of an optimal policy, also the error of its optimum. 0
        if averages are sums; nan if the graph is too large.
    """
    if belief.check is None:
        return 0.0
    try:
        outcomes = judged(Exact()(design, belief.scenarios), mtd)
    except TooManyStates:
        return float("nan")
    return float(belief.error(expected_utility(outcomes, utility or Utility()).to_numpy()))
