"""What a comparison prints of expansion cohorts."""

import numpy as np
import xarray as xr

from doseopt.reports.sections.expanded import SHOWN, expanded


def test_designs_with_an_expansion_have_a_line_and_others_none():
    values = {name: [[np.nan, np.nan], [k / 20, (k + 1) / 20]] for k, (*_, name) in enumerate(SHOWN)}
    units = {name: "patients" if head in ("patients", "DLT") else "1" for _, head, name in SHOWN}
    ds = xr.Dataset(
        {name: (("design", "scenario"), value, {"units": units[name]}) for name, value in values.items()},
        coords={"design": ["plain", "with"]},
    )
    (table,) = expanded(ds)
    # k/20 and (k + 1)/20 have the mean k/20 + 0.025, of which probabilities are in percent
    assert table.rows == (("with", "0.0", "0.1", "12.5", "17.5", "22.5", "27.5", "32.5", "37.5", "42.5"),)
    assert table.groups == (("expansion", 3), ("correct", 2), ("overdose", 2), ("none", 2))
    assert expanded(ds.drop_vars("mtd_lowered")) == []
