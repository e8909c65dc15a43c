"""What a design is worth under a utility."""

from __future__ import annotations

import xarray as xr

from doseopt.metrics import measure
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
