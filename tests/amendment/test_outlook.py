"""The fewest patients for a wanted probability, read off a curve."""

import numpy as np
import pytest
import xarray as xr

from doseopt.amendment.outlook import enrolment_needed

CURVE = xr.DataArray(
    [[np.nan, 0.5, 0.625, 0.75], [0.25, 0.5, 0.5, 0.5], [0.25, 0.75, 0.5, 0.75]],
    dims=("design", "enrolment"),
    coords={"design": ["rises", "stays", "falls"], "enrolment": [3, 6, 9, 12]},
)


@pytest.mark.parametrize(
    ("wanted", "needed"),
    [(0.5, [6, 6, 6]), (0.501, [9, None, 6]), (0.625, [9, None, 6]), (0.75, [12, None, 6]), (0.76, [None] * 3)],
)
def test_the_enrolment_needed_is_the_first_that_attains_what_is_wanted(wanted, needed):
    assert list(enrolment_needed(CURVE, wanted).values()) == needed
