"""Further operating characteristics: means over the scenarios in which they are defined."""

from types import SimpleNamespace

import numpy as np
import xarray as xr

from doseopt.measures.operating_characteristics import METRICS
from doseopt.reports.sections.characteristics import OVERALL, _overall

NAMES = ["capped", "free"]


def test_a_measure_that_one_design_does_not_have_is_left_out_for_that_design_only():
    """Poor allocation: of the second scenario for no design, as no dose is right; for a design without a cap never."""
    nan = np.nan
    values = {name: [[0.1, 0.2, 0.3], [0.2, 0.2, 0.2]] for name in OVERALL}
    values |= {"poor_allocation": [[0.5, nan, 0.25], [nan, nan, nan]], "accuracy_index": [[0.5, nan, 0.7]] * 2}
    texts = {"patients_before_first_right": "patients before", "selection_score": "score"}
    data = {}
    for name, value in values.items():
        about = METRICS[name] if name in METRICS else SimpleNamespace(units="patients", long_name=texts[name])
        data[name] = (("design", "scenario"), value, {"units": about.units, "long_name": about.long_name})
    for name in ("sample_size_quantile", "total_dlts_quantile"):
        counts = np.full((2, 3, 2), 6.0)
        data[name] = (("design", "scenario", "quantile"), counts, {"long_name": "quantile"})
    ds = xr.Dataset(data, {"design": NAMES, "scenario": ["a", "b", "c"], "quantile": [0.05, 0.95]})
    rows = {row[0]: row[1:] for row in _overall(ds).rows}
    (poor,) = (cells for name, cells in rows.items() if name.startswith("probability that fewer than"))
    (index,) = (cells for name, cells in rows.items() if name.startswith("accuracy index"))
    (enrolled,) = (cells for name, cells in rows.items() if name.startswith("expected patients enrolled"))
    assert poor == ("37.5", "–")
    assert index == ("60.0", "60.0")
    assert enrolled == ("0.2", "0.2")
