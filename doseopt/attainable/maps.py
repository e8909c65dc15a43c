"""Designs over truth space: where the MTD lies, and how steep the curve is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import xarray as xr

from doseopt.beliefs import logistic_rates
from doseopt.core.design import Design
from doseopt.engines.means import means_of
from doseopt.measures.expected import linear_measures
from doseopt.scenarios import MTDRule, make_scenarios

ODDS_RATIOS = tuple(float(r) for r in np.round(np.geomspace(1.25, 12, 21), 4))


def truth_map(
    designs: Mapping[str, Design],
    mtd: MTDRule,
    progress: Callable[[str], object] = lambda _: None,
) -> xr.Dataset:
    """Return the probability of correct selection of designs in a family of truths.

    The truths are `doseopt.scenarios.logistic_rates`: the target is reached at `location`, and the odds of a DLT grow
    by `odds_ratio` from dose to dose.

    Parameters
    ----------
    designs : mapping of str to Design
        Of the same doses; each sees two outcome categories.
    mtd : MTDRule
    progress : callable, optional
        Told each design when its turn comes.

    Returns
    -------
    Dataset
        `map_correct_selection` (design, odds_ratio, location), and `map_mtd` (odds_ratio, location): index of the true
        MTD, -1 where selecting none is correct.
    """
    doses = next(iter(designs.values())).facts.doses
    location = np.round(np.arange(0, doses + 1.5, 0.1), 1)
    p = logistic_rates(location, np.array(ODDS_RATIOS)[:, None], doses, mtd.target)
    truths = make_scenarios(p.reshape(-1, doses))
    correct = []
    for name, design in designs.items():
        progress(name)
        means = means_of(design, truths["p_observed"].to_numpy(), scenarios=truths)
        found = linear_measures(means, truths["p_dlt"].to_numpy(), mtd, names=["correct_selection"])
        correct.append(found["correct_selection"].reshape(p.shape[:2]))
    dims = ("odds_ratio", "location")
    return xr.Dataset(
        {
            "map_correct_selection": (
                ("design", *dims),
                np.array(correct),
                {"units": "1", "long_name": "probability of correct selection"},
            ),
            "map_mtd": (dims, mtd.mtd(p), {"units": "1", "long_name": "index of the true MTD, -1 for none"}),
        },
        coords={
            "design": list(designs),
            "odds_ratio": ("odds_ratio", list(ODDS_RATIOS), {"long_name": "odds ratio of a DLT between doses"}),
            "location": ("location", location, {"long_name": "dose level at which the DLT rate is the target"}),
        },
    )
